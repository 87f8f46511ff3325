"""How a connection fares: one value with everything the overview, the API and the command line tell of it.

Every figure is counted from rows or left out (None): nobody is shown a number that isn't real.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from tidegate.core.operations import LinkState
from tidegate.core.records import Side
from tidegate.store.inbox import LOOK
from tidegate.store.models import OWN_WRITE, Alert, Change, Connection
from tidegate.store.queries.budget import budget_today, is_waiting
from tidegate.store.queries.flow import Flow, delays, last_write_at, writes_today
from tidegate.store.queries.records import count_persons, count_prospects
from tidegate.store.queries.sameness import Sameness, sameness

CHECK_OVERDUE = timedelta(hours=26)
"""Webhooks are looked at daily; an older look says nothing about today."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection fares now. None: not known (yet)."""

    status: str
    reason: str
    reason_text: str
    lag_seconds: float | None
    """The age of the oldest change that waits; None when nothing waits."""
    waiting: int
    oldest_waiting_at: datetime | None
    wait_until: datetime | None
    wait_reason: str
    tokens_today: int
    tokens_by_feature: dict[str, int]
    daily_budget: int
    reserve_percent: int
    linked: int
    unseen: int
    """Linked persons that the connected user can't see any more, though nobody told that they were deleted."""
    prospects: int | None
    persons: int | None
    to_pipedrive_today: int
    from_pipedrive_today: int
    needs_attention: int
    last_sync_at: datetime | None
    last_delivery_at: datetime | None
    webhooks_ok: bool | None
    webhooks_checked_at: datetime | None
    webhooks_problem: str
    """Why they could not be put in place; sync then looks for changes every few minutes."""
    webhooks_suspected_at: datetime | None
    """Since when changes are found that none of them told of; sync then looks every five minutes."""
    checked_at: datetime | None
    sameness: Sameness | None = None
    """What the rolling check says; None before its first round."""
    alerts: tuple[Alert, ...] = ()
    """What somebody should look at, the oldest first."""
    delay_p50: float | None = None
    """Seconds from a live change to its copy, in the middle of the last hour's changes."""
    delay_p95: float | None = None

    @property
    def own_budget(self) -> int:
        """Where Tidegate stops: the rest of the day's budget is left to people and other apps."""
        return self.daily_budget - self.daily_budget * self.reserve_percent // 100


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    reason: str


def wait_of(connection: Connection) -> Wait | None:
    """Until when nothing is done for a connection: its company's work waits, or the transfer does for which it is syncing."""
    lane = connection.lane
    if lane.wait_until is not None and is_waiting(lane):
        return Wait(lane.wait_until, lane.wait_reason)
    transfer = connection.transfers.filter(state="running", put_off_until__gt=timezone.now()).first()
    if transfer is None or transfer.put_off_until is None:
        return None
    return Wait(transfer.put_off_until, transfer.state_text)


def health(connection: Connection, *, flowed: Flow | None = None) -> Health:
    """`flowed`: where the caller has counted the flow already, so that it is counted once."""
    now = timezone.now()
    lane, wait = connection.lane, wait_of(connection)
    waiting = _waiting(connection, now)
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    budget = budget_today(lane)
    today = flowed.today if flowed else writes_today(connection, now)
    half, most = delays(connection, now)
    linked = _links_by_state(connection)
    return Health(
        status=connection.status,
        reason=connection.reason,
        reason_text=connection.reason_text,
        lag_seconds=None if oldest is None else max((now - oldest).total_seconds(), 0.0),
        waiting=waiting.count(),
        oldest_waiting_at=oldest,
        wait_until=wait.until if wait else None,
        wait_reason=wait.reason if wait else "",
        tokens_today=budget.used,
        tokens_by_feature=budget.by_feature,
        daily_budget=budget.total,
        reserve_percent=budget.reserve_percent,
        linked=linked[LinkState.LINKED],
        unseen=linked[LinkState.PERSON_UNSEEN],
        prospects=count_prospects(connection),
        persons=count_persons(lane),
        to_pipedrive_today=today[Side.PIPEDRIVE],
        from_pipedrive_today=today[Side.OUTREACH],
        needs_attention=connection.attention.filter(settled_at=None).count(),
        last_sync_at=last_write_at(connection),
        last_delivery_at=connection.last_delivery_at,
        webhooks_ok=webhooks_ok(connection, now),
        webhooks_checked_at=connection.webhooks_checked_at,
        webhooks_problem=connection.webhooks_problem,
        webhooks_suspected_at=connection.webhooks_suspected_at,
        checked_at=lane.checked_at,
        sameness=sameness(connection),
        alerts=tuple(Alert.objects.filter(connection=connection, ended_at=None).order_by("began_at")),
        delay_p50=half,
        delay_p95=most,
    )


def _waiting(connection: Connection, now: datetime) -> QuerySet[Change]:
    """What should be done by now. An e-mail's activity that is planned for the end of its window lags behind nothing."""
    planned = Q(entity=LOOK, attempts=0, due_at__gt=now)
    return connection.changes.filter(done_at=None).exclude(planned)


def _links_by_state(connection: Connection) -> Counter[str]:
    return Counter(dict(connection.links.values_list("state").annotate(n=Count("id")).order_by("state")))


def waiting_by_side(connection: Connection) -> dict[Side, int]:
    """How many changes wait, by the app they were made in."""
    rows = (
        connection.changes.filter(done_at=None).values_list("side").annotate(n=Count("id")).order_by("side")
    )
    counted = dict(rows)
    return {side: counted.get(side.value, 0) for side in Side}


def waiting_of_others(connection: Connection) -> int:
    """How many changes wait that people and other programs made: a transfer's own writes coming back are not told as news,
    and neither are the earlier e-mails that it brings along.
    """
    waiting = connection.changes.filter(done_at=None).exclude(source=OWN_WRITE)
    return waiting.exclude(entity=LOOK).count()


def webhooks_ok(connection: Connection, now: datetime) -> bool | None:
    """Whether Pipedrive's notifications were found in order at the last look. None: not looked at, or not running."""
    if connection.webhooks_problem or connection.webhooks_suspected_at:
        return False
    if connection.webhooks_checked_at is None or not connection.is_live:
        return None
    return now - connection.webhooks_checked_at < CHECK_OVERDUE
