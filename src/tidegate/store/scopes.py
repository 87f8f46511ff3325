"""What an API key may do."""

from enum import StrEnum


class Scope(StrEnum):
    """Scopes don't include each other, except that ADMIN includes all."""

    READ = "read"
    WRITE_PROSPECTS = "prospects:write"
    WRITE_EVENTS = "events:write"
    WRITE_CONNECTIONS = "connections:write"
    ADMIN = "admin"
