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
"""The first half of the lock's key; the second is made from the lane's id, so it holds for the whole company."""


@dataclass(frozen=True)
class Note:
    """That something is being made."""

    id: int
    facts: Mapping[str, Any]
    written_at: datetime
    """When that was begun for the last time whose answer never came, else now."""
    earlier: bool
    """It was being made before, here or by another workspace, and the answer never came: it may be there by now."""
    shared: bool
    """Other workspaces make things in the same company, and what they made is not known here."""


@contextmanager
def one_at_a_time(connection: Connection) -> Iterator[None]:
    """Waits until nobody else makes anything in this company, and reads the connection's catalogue as they left it."""
    key = (LOCK_CLASS, str(connection.lane_id))
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
    others = Connection.objects.filter(lane_id=connection.lane_id).exclude(pk=connection.pk)
    theirs = Intent.objects.filter(connection__in=others, kind=kind, key=row.key)
    open_since = [*theirs.values_list("created_at", flat=True), *([] if is_new else [row.created_at])]
    return Note(
        row.pk,
        row.facts,
        max(open_since, default=row.created_at),
        earlier=bool(open_since),
        shared=others.exists(),
    )


def strike_out(made: Note) -> None:
    """It is known what became of it."""
    Intent.objects.filter(pk=made.id).delete()
