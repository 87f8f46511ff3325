"""What waits in a connection's inbox, folded to records and told by kind: what a resume would look at."""

from dataclasses import dataclass
from enum import StrEnum

from django.db import connection as database

from tidegate.core.records import Side
from tidegate.store.models import Connection


class WaitingKind(StrEnum):
    NEW = "new"
    """A record that is not linked."""
    CHANGED = "changed"
    """A record that is linked."""
    DELETED = "deleted"
    ORGANIZATION = "organization"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Waiting:
    side: Side
    kind: WaitingKind
    records: int


_BY_KIND = """
    WITH last AS (
        SELECT DISTINCT ON (side, entity, record_id) side, entity, record_id, action
        FROM store_change WHERE connection_id = %s AND done_at IS NULL
        ORDER BY side, entity, record_id, id DESC
    )
    SELECT side, CASE
        WHEN entity = 'organization' THEN 'organization'
        WHEN entity NOT IN ('prospect', 'person') THEN 'other'
        WHEN action = 'delete' THEN 'deleted'
        WHEN EXISTS (
            SELECT 1 FROM store_link WHERE connection_id = %s AND (
                entity = 'prospect' AND prospect_id = record_id OR entity = 'person' AND person_id = record_id
            )
        ) THEN 'changed'
        ELSE 'new'
    END AS kind, count(*)
    FROM last GROUP BY 1, 2
"""


def waiting_by_kind(connection: Connection) -> list[Waiting]:
    """However often a record was changed, it counts once, by what happened to it last. Outreach first, new ones first."""
    with database.cursor() as cursor:
        cursor.execute(_BY_KIND, [connection.pk, connection.pk])
        found = [Waiting(Side(side), WaitingKind(kind), count) for side, kind, count in cursor.fetchall()]
    kinds, sides = list(WaitingKind), list(Side)
    return sorted(found, key=lambda one: (sides.index(one.side), kinds.index(one.kind)))
