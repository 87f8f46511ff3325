"""Transfers of a connection: which one runs, how fast, what became of its records."""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from tidegate.core.settings import Direction
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


RATE_WINDOW = timedelta(seconds=60)


def records_a_second(transfer: Transfer) -> float | None:
    """How fast a running transfer goes; None while too little is done to tell.

    The average since the start counts pauses in, and the log of the last minute counts no unchanged record: the higher
    of the two is the closer.
    """
    if transfer.state != "running" or transfer.started_at is None or transfer.done == 0:
        return None
    now = timezone.now()
    elapsed = (now - transfer.started_at).total_seconds()
    if elapsed < 5:
        return None
    window = min(RATE_WINDOW.total_seconds(), elapsed)
    logged = transfer.log.filter(
        at__gte=now - timedelta(seconds=window), act__in=("create", "update", "link", "skip", "fail")
    )
    return max(transfer.done / elapsed, logged.count() / window)


def seconds_left(transfer: Transfer) -> float | None:
    """About how long a running transfer still takes; None where nobody can know."""
    rate = records_a_second(transfer)
    if rate is None or transfer.total is None:
        return None
    return max(transfer.total - transfer.done, 0) / rate
