"""Intents: writes noted before they are sent, until it is known what became of them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection as database
from django.utils import timezone

from tidegate import ports
from tidegate.store.models import Intent
from tidegate.store.rows import put_rows


def open_intents(connection_id: str) -> list[ports.Intent]:
    """Oldest first."""
    return [
        ports.Intent(row.kind, row.key, row.facts, row.created_at, row.pk, row.given_up_at)
        for row in Intent.objects.filter(connection_id=connection_id).order_by("id")
    ]


def write_down(lane_id: int, connection_id: str, intents: Sequence[ports.Intent]) -> None:
    """One that is there already is left as it is."""
    put_rows(
        Intent,
        [
            {
                "lane_id": lane_id,
                "connection_id": connection_id,
                "kind": intent.kind,
                "key": intent.key,
                "facts": intent.facts,
                "created_at": intent.created_at or timezone.now(),
            }
            for intent in intents
        ],
        unique=("connection_id", "kind", "key"),
    )


def give_up(connection_id: str, keys: Sequence[tuple[str, str]], at: datetime) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE store_intent i SET given_up_at = %s FROM unnest(%s::text[], %s::text[]) AS given_up(kind, key) "
            "WHERE i.connection_id = %s AND i.kind = given_up.kind AND i.key = given_up.key",
            [at, [kind for kind, _ in keys], [key for _, key in keys], connection_id],
        )


def drop(connection_id: str, keys: Sequence[tuple[str, str]]) -> None:
    if not keys:
        return
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM store_intent i USING unnest(%s::text[], %s::text[]) AS gone(kind, key) "
            "WHERE i.connection_id = %s AND i.kind = gone.kind AND i.key = gone.key",
            [[kind for kind, _ in keys], [key for _, key in keys], connection_id],
        )
