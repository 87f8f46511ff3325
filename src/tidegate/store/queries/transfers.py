"""Transfers of a connection: which one runs, how fast, what became of its records."""

from collections.abc import Collection

from django.db.models import Count

from tidegate.core.settings import Direction
from tidegate.core.transfer import recent_pace
from tidegate.store.models import Connection, Transfer, TransferRecord


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


def shown_records(
    transfer: Transfer,
    *,
    outcomes: Collection[str] = (),
    conflicts: bool = False,
    after: int = 0,
    limit: int = 50,
) -> tuple[list[TransferRecord], int | None]:
    """Records of a transfer in the order they were dealt with, by keyset, and the id to go on after (None: the end)."""
    records = transfer.records.filter(id__gt=after)
    if outcomes:
        records = records.filter(outcome__in=outcomes)
    if conflicts:
        records = records.filter(outcome="updated", changes__contains=[{"conflict": True}])
    rows = list(records.order_by("id")[: limit + 1])
    return rows[:limit], rows[limit - 1].pk if len(rows) > limit else None


def latest_records(transfer: Transfer, limit: int = 8) -> list[TransferRecord]:
    return list(transfer.records.order_by("-id")[:limit])


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
