"""Transfers of a connection: which one runs, how fast, what became of its records."""

from collections.abc import Collection

from django.db import connection as database
from django.db.models import Count, Q, QuerySet

from tidegate.core.refused import RefusedValue
from tidegate.core.settings import Direction
from tidegate.core.transfer import recent_pace
from tidegate.prospects.models import ProspectEmail
from tidegate.store.models import Change, Connection, Transfer, TransferRecord
from tidegate.store.queries.records import person_cards

_DECIDED = Q(changes__contains=[{"conflict": True}])
"""Where a value that differed was, or is to be, overwritten."""


def running_transfer(connection: Connection) -> Transfer | None:
    return connection.transfers.filter(state__in=["running", "paused"]).first()


def open_preview(connection: Connection) -> Transfer | None:
    return connection.transfers.filter(state__in=["preview", "ready"]).first()


def past_transfers(connection: Connection, limit: int = 20) -> list[Transfer]:
    open_states = ["preview", "ready", "running", "paused"]
    return list(connection.transfers.exclude(state__in=open_states).order_by("-created_at")[:limit])


def outcome_counts(transfer: Transfer) -> dict[str, int]:
    """Outcome -> how many records of the transfer ended so, counted from their rows."""
    return dict(transfer.records.values_list("outcome").annotate(n=Count("id")).order_by("outcome"))


def reasons(transfer: Transfer, outcomes: Collection[str], limit: int = 20) -> list[tuple[str, int]]:
    """Why records ended so, with how many each, the most frequent first."""
    rows = transfer.records.filter(outcome__in=outcomes).values_list("reason")
    return list(rows.annotate(n=Count("id")).order_by("-n", "reason")[:limit])


_REFUSED = """
SELECT value->>'side', value->>'field', value->>'name', value->>'reason', count(DISTINCT r.id) AS records, min(r.id)
FROM store_transferrecord r CROSS JOIN jsonb_array_elements(r.refusals) AS value
WHERE r.transfer_id = %s AND NOT (r.refusals = '[]'::jsonb)
GROUP BY 1, 2, 3, 4
ORDER BY records DESC, 3, 4, 1, 2
LIMIT %s
"""


def refused_values(transfer: Transfer, limit: int = 20) -> list[RefusedValue]:
    """Which values stay behind and why, with how many records each, the most frequent first."""
    with database.cursor() as cursor:
        cursor.execute(_REFUSED, [transfer.pk, limit])
        found = cursor.fetchall()
    names = dict(TransferRecord.objects.filter(pk__in=[row[-1] for row in found]).values_list("pk", "name"))
    return [
        RefusedValue(side, field, name, reason, records, names[first])
        for side, field, name, reason, records, first in found
    ]


def with_refusals(transfer: Transfer) -> QuerySet[TransferRecord]:
    """The records of which at least one value stays behind while the others are written."""
    return transfer.records.exclude(refusals=[])


def shown_records(
    transfer: Transfer,
    *,
    outcomes: Collection[str] = (),
    conflicts: bool | None = None,
    after: int = 0,
    limit: int = 50,
) -> tuple[list[TransferRecord], int | None]:
    """Records of a transfer in the order they were dealt with, by keyset, and the id to go on after (None: the end).

    `conflicts`: only those where a value that differed is overwritten, or only the others.
    """
    records = transfer.records.filter(id__gt=after)
    if outcomes:
        records = records.filter(outcome__in=outcomes)
    if conflicts is not None:
        records = records.filter(_DECIDED if conflicts else ~_DECIDED, outcome="updated")
    rows = list(records.order_by("id")[: limit + 1])
    return rows[:limit], rows[limit - 1].pk if len(rows) > limit else None


def latest_records(transfer: Transfer, limit: int = 8) -> list[TransferRecord]:
    """What the run dealt with last. Rows of chosen records were there before it, and some are not dealt with yet."""
    records = transfer.records.order_by("-id")
    if transfer.picked:
        records = transfer.records.filter(at__gte=transfer.began_at).order_by("-at", "-id")
    return list(records[:limit])


def count_conflicts(transfer: Transfer) -> int:
    """Of how many records a value that differed was overwritten."""
    return transfer.records.filter(_DECIDED, outcome="updated").count()


def emails_of(transfer: Transfer, records: Collection[TransferRecord]) -> dict[str, str]:
    """Source id -> an e-mail address of the record as it is now: names alone don't say who is meant."""
    if transfer.direction == Direction.TO_PIPEDRIVE:
        numbers = [int(record.source_id) for record in records if record.source_id.isdecimal()]
        rows = ProspectEmail.objects.filter(
            workspace_id=transfer.connection.workspace_id, prospect_id__in=numbers
        ).order_by("-id")
        return {str(number): address for number, address in rows.values_list("prospect_id", "address")}
    cards = person_cards(transfer.connection.lane, [record.source_id for record in records])
    return {number: card.emails[0] for number, card in cards.items() if card.emails}


def changes_meanwhile(transfer: Transfer) -> tuple[int, int]:
    """How many changes that came in while it ran still wait, and how many were applied since: its own writes coming back
    are none.
    """
    if transfer.started_at is None or transfer.finished_at is None:
        return 0, 0
    came = Change.objects.filter(
        connection=transfer.connection, received_at__range=(transfer.started_at, transfer.finished_at)
    )
    counted = came.aggregate(
        waiting=Count("id", filter=Q(done_at=None)),
        applied=Count("id", filter=Q(done_at__isnull=False) & ~Q(outcome="echo")),
    )
    return counted["waiting"], counted["applied"]


def cures_of(transfer: Transfer, records: Collection[TransferRecord]) -> dict[str, str]:
    """Source id -> what to do, of those records that still need attention."""
    failed = [record.source_id for record in records if record.outcome in ("failed", "attention")]
    if not failed:
        return {}
    column = "prospect_id" if transfer.direction == Direction.TO_PIPEDRIVE else "person_id"
    open_ones = transfer.connection.attention.filter(settled_at=None, **{f"{column}__in": failed})
    return {
        source_id: cure for source_id, cure in open_ones.values_list(column, "cure").order_by("id") if cure
    }


def records_a_second(transfer: Transfer) -> float | None:
    """How fast a running transfer goes of late, waits left out; None while nothing is done."""
    return recent_pace(transfer.pace) if transfer.state == "running" else None


def seconds_left(transfer: Transfer) -> float | None:
    """About how long a running transfer still takes; None where nobody can know."""
    rate = records_a_second(transfer)
    if rate is None or transfer.total is None:
        return None
    return max(transfer.total - transfer.done, 0) / rate
