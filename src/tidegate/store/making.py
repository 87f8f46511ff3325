"""What is made in Pipedrive while a member waits: by one at a time, and written down before it is sent.

The lock belongs to the database session, so it ends with the process that holds it; the note outlives both.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as django_connection
from django.utils import timezone

from tidegate.core.values import Json
from tidegate.store.models import Connection, Intent

LOCK_CLASS = 7417
"""The first half of the lock's key; the second is made from the connection's id."""


@dataclass(frozen=True)
class Note:
    """That something is being made. `earlier`: by somebody whose answer never came; it may be there by now."""

    id: int
    facts: Mapping[str, Any]
    written_at: datetime
    earlier: bool


@contextmanager
def one_at_a_time(connection: Connection) -> Iterator[None]:
    """Waits until nobody else makes anything for this connection, and reads its catalogue as they left it."""
    key = (LOCK_CLASS, str(connection.pk))
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", key)
    try:
        connection.refresh_from_db(fields=["catalogue", "catalogue_read_at"])
        yield
    finally:
        with django_connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)


def note(connection: Connection, kind: str, key: str, facts: Mapping[str, Json]) -> Note:
    """Written down from here on. One that is open already stays as it was written."""
    row, is_new = Intent.objects.get_or_create(
        connection=connection,
        kind=kind,
        key=key[:300],
        defaults={"lane_id": connection.lane_id, "facts": dict(facts), "created_at": timezone.now()},
    )
    return Note(row.pk, row.facts, row.created_at, earlier=not is_new)


def strike_out(made: Note) -> None:
    """It is known what became of it."""
    Intent.objects.filter(pk=made.id).delete()
