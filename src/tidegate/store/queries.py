"""What the pages and the API ask of what we remember: health, the log and its pages, flows an hour, what needs attention.

Reads only. Every figure is counted from rows or left out (None): a page never shows a number that isn't real.
"Today" is the day of the workspace's time zone; the API budget's day is the UTC day, as in the ledger.
"""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, FloatField, Func, Q, QuerySet, Value
from django.utils import timezone

from tidegate.core.records import Side
from tidegate.errors import Invalid
from tidegate.prospects.models import Prospect, ProspectList
from tidegate.store.models import (
    Attention,
    Connection,
    Lane,
    LogEntry,
    MirrorAddress,
    MirrorOrganization,
    MirrorPerson,
    Transfer,
    TransferRecord,
)

PLAN_FACTORS = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}
"""Pipedrive's plans: how many times the smallest budget a seat brings."""
TOKENS_PER_SEAT = 30_000
"""A day, on the smallest plan."""

WRITES = ("create", "update")
"""The acts that changed a record in either app."""

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
    prospects: int | None
    persons: int | None
    to_pipedrive_today: int
    from_pipedrive_today: int
    needs_attention: int
    last_sync_at: datetime | None
    last_delivery_at: datetime | None
    webhooks_ok: bool | None
    webhooks_checked_at: datetime | None
    checked_at: datetime | None
    delay_p50: float | None = None
    """Seconds from a live change to its copy, in the middle of the last hour's changes."""
    delay_p95: float | None = None

    @property
    def reserve(self) -> int:
        """Tokens of the day's budget that are left to people and other apps."""
        return self.daily_budget * self.reserve_percent // 100

    @property
    def own_budget(self) -> int:
        """Where Tidegate stops."""
        return self.daily_budget - self.reserve


def health(connection: Connection) -> Health:
    now = timezone.now()
    lane = connection.lane
    waiting = connection.changes.filter(done_at=None)
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    by_feature = tokens_today(lane)
    today = _writes_by_side(connection, since=start_of_day(connection, now))
    half, most = delays(connection, now)
    return Health(
        status=connection.status,
        reason=connection.reason,
        reason_text=connection.reason_text,
        lag_seconds=None if oldest is None else max((now - oldest).total_seconds(), 0.0),
        waiting=waiting.count(),
        oldest_waiting_at=oldest,
        wait_until=lane.wait_until if lane.wait_until and lane.wait_until > now else None,
        wait_reason=lane.wait_reason if lane.wait_until and lane.wait_until > now else "",
        tokens_today=sum(by_feature.values()),
        tokens_by_feature=by_feature,
        daily_budget=daily_budget(lane),
        reserve_percent=lane.reserve_percent,
        linked=connection.links.filter(state="linked").count(),
        prospects=count_prospects(connection),
        persons=count_persons(lane),
        to_pipedrive_today=today[Side.PIPEDRIVE],
        from_pipedrive_today=today[Side.OUTREACH],
        needs_attention=connection.attention.filter(settled_at=None).count(),
        last_sync_at=last_write_at(connection),
        last_delivery_at=connection.last_delivery_at,
        webhooks_ok=webhooks_ok(connection, now),
        webhooks_checked_at=connection.webhooks_checked_at,
        checked_at=lane.checked_at,
        delay_p50=half,
        delay_p95=most,
    )


# --- Parts of health ------------------------------------------------------------------------------------------------


def daily_budget(lane: Lane) -> int:
    """Tokens a day of the whole company: what a member set or Pipedrive told, else reckoned from plan and seats."""
    if lane.daily_budget is not None:
        return lane.daily_budget
    return TOKENS_PER_SEAT * PLAN_FACTORS.get(lane.plan, 1) * max(lane.seats, 1)


def budget_starts_again(now: datetime) -> datetime:
    """When the day's budget is filled again: the next midnight of the ledger's day."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def tokens_today(lane: Lane) -> dict[str, int]:
    """Feature -> tokens it spent since the budget's day began; features that spent nothing are left out."""
    day = timezone.now().astimezone(UTC).date()
    spent = lane.ledger.filter(day=day, tokens__gt=0).values_list("feature", "tokens").order_by("feature")
    return dict(spent)


def start_of_day(connection: Connection, now: datetime) -> datetime:
    """Midnight in the workspace's time zone."""
    zone = ZoneInfo(connection.workspace.time_zone)
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


def _writes_by_side(connection: Connection, *, since: datetime) -> dict[Side, int]:
    rows = (
        connection.log.filter(at__gte=since, act__in=WRITES)
        .values_list("side")
        .annotate(n=Count("id"))
        .order_by("side")
    )
    counted = dict(rows)
    return {side: counted.get(side.value, 0) for side in Side}


def count_prospects(connection: Connection, list_ids: Collection[str] | None = None) -> int | None:
    """How many prospects the outreach app holds (in these lists); None where only the app itself could say."""
    if connection.outreach_app != "prospects":
        return None
    prospects = Prospect.objects.filter(workspace_id=connection.workspace_id)
    if list_ids is not None:
        members = Prospect.lists.through.objects.filter(
            prospectlist_id__in=[pk for pk in list_ids if pk.isdecimal()]
        )
        prospects = prospects.filter(pk__in=members.values("prospect_id"))
    return prospects.count()


def count_lists(connection: Connection) -> int | None:
    if connection.outreach_app != "prospects":
        return None
    return ProspectList.objects.filter(workspace_id=connection.workspace_id).count()


def count_persons(lane: Lane) -> int | None:
    """How many persons the company has; None until they have been walked once."""
    if lane.persons_walked_at is None:
        return None
    return MirrorPerson.objects.filter(lane=lane).count()


def last_write_at(connection: Connection) -> datetime | None:
    entry = last_write(connection)
    return entry.at if entry else None


def last_write(connection: Connection) -> LogEntry | None:
    return connection.log.filter(act__in=WRITES).order_by("-at", "-id").first()


def webhooks_ok(connection: Connection, now: datetime) -> bool | None:
    """Whether Pipedrive's notifications were found in order at the last look. None: not looked at, or not running."""
    if connection.webhooks_checked_at is None or not connection.is_live:
        return None
    return now - connection.webhooks_checked_at < CHECK_OVERDUE


class _Percentiles(Func):
    """Percentiles in one pass, as an array."""

    template = "percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY %(expressions)s)"
    contains_aggregate = True
    output_field = ArrayField(FloatField())


def delays(connection: Connection, now: datetime) -> tuple[float | None, float | None]:
    """Seconds from a live change's arrival to its copy: median and 95th percentile of the last hour."""
    recent = connection.log.filter(at__gte=now - timedelta(hours=1), cause="live", seconds__isnull=False)
    found = recent.aggregate(both=_Percentiles("seconds"))["both"]
    return (found[0], found[1]) if found else (None, None)


# --- Flow -----------------------------------------------------------------------------------------------------------


def hourly_writes(connection: Connection, *, hours: int = 24) -> dict[Side, tuple[int, ...]]:
    """Writes into each side in each of the last hours, the last sixty minutes last."""
    since = timezone.now() - timedelta(hours=hours)
    bin_start = Func(
        Value(timedelta(hours=1)),
        F("at"),
        Value(since, output_field=DateTimeField()),
        function="date_bin",
        output_field=DateTimeField(),
    )
    rows = (
        connection.log.filter(at__gte=since, act__in=WRITES)
        .annotate(bin_start=bin_start)
        .values_list("side", "bin_start")
        .annotate(n=Count("id"))
        .order_by()
    )
    counts = {side: [0] * hours for side in Side}
    for side, begins, n in rows:
        index = min(int((begins - since) / timedelta(hours=1)), hours - 1)
        counts[Side(side)][index] += n
    return {side: tuple(values) for side, values in counts.items()}


# --- The log --------------------------------------------------------------------------------------------------------


def recent_activity(connection: Connection, limit: int = 8) -> list[LogEntry]:
    return list(connection.log.order_by("-at", "-id")[:limit])


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which entries of the log are asked for; what is empty does not restrict."""

    side: Side | None = None
    """The side that was written."""
    act: str = ""
    """An act of `LogEntry`, or `conflict`: an entry where both sides had changed one field."""
    cause: str = ""
    text: str = ""
    """Part of the record's name, or of an e-mail address that one of the company's persons has."""
    since: datetime | None = None
    prospect_id: str = ""
    person_id: str = ""


def filter_log(connection: Connection, wanted: LogFilter) -> QuerySet[LogEntry]:
    entries = connection.log.all()
    if wanted.side is not None:
        entries = entries.filter(side=wanted.side.value)
    if wanted.act == "conflict":
        entries = entries.filter(changes__contains=[{"conflict": True}])
    elif wanted.act:
        entries = entries.filter(act=wanted.act)
    if wanted.cause:
        entries = entries.filter(cause=wanted.cause)
    if wanted.since is not None:
        entries = entries.filter(at__gte=wanted.since)
    if wanted.text.strip():
        entries = entries.filter(_text_matches(connection, wanted.text.strip()))
    if wanted.prospect_id or wanted.person_id:
        entries = entries.filter(_of_record(wanted.prospect_id, wanted.person_id))
    return entries


MOST_PERSONS_OF_A_SEARCH = 200


def _text_matches(connection: Connection, text: str) -> Q:
    matches = Q(record_name__icontains=text)
    if "@" in text:
        holders = MirrorAddress.objects.filter(lane=connection.lane, address__contains=text.lower())
        ids = holders.values_list("person_id", flat=True)[:MOST_PERSONS_OF_A_SEARCH]
        matches |= Q(person_id__in=[str(found) for found in ids])
    return matches


def _of_record(prospect_id: str, person_id: str) -> Q:
    wanted = Q()
    if prospect_id:
        wanted |= Q(prospect_id=prospect_id)
    if person_id:
        wanted |= Q(person_id=person_id)
    return wanted


def record_history(entry: LogEntry) -> QuerySet[LogEntry]:
    """Everything in the log about the prospect and the person of this entry, the newest first."""
    entries = entry.connection.log.order_by("-at", "-id")
    if not entry.prospect_id and not entry.person_id:
        return entries.filter(pk=entry.pk)
    return entries.filter(_of_record(entry.prospect_id, entry.person_id))


@dataclass(frozen=True, slots=True)
class LogPage:
    """A stretch of the log, the newest first. `older` and `newer` are cursors, None at the end of that way."""

    entries: list[LogEntry]
    older: str | None = None
    newer: str | None = None


def log_page(
    entries: QuerySet[LogEntry], *, older_than: str = "", newer_than: str = "", limit: int = 50
) -> LogPage:
    """A page by keyset: no page gets slower than the first, and none shifts while new entries come in.

    Raises Invalid where a cursor was not made by us.
    """
    if newer_than:
        at, pk = read_cursor(newer_than)
        later = list(entries.filter(at__gte=at).exclude(at=at, id__lte=pk).order_by("at", "id")[: limit + 1])
        rows = later[:limit][::-1]
        newer = _cursor(rows[0]) if rows and len(later) > limit else None
        return LogPage(rows, older=_cursor(rows[-1]) if rows else newer_than, newer=newer)
    rows = list(_before(entries, older_than).order_by("-at", "-id")[: limit + 1])
    shown = rows[:limit]
    return LogPage(
        shown,
        older=_cursor(shown[-1]) if len(rows) > limit else None,
        newer=_cursor(shown[0]) if shown and older_than else None,
    )


def _before(entries: QuerySet[LogEntry], cursor: str) -> QuerySet[LogEntry]:
    if not cursor:
        return entries
    at, pk = read_cursor(cursor)
    return entries.filter(at__lte=at).exclude(at=at, id__gte=pk)


def _cursor(entry: LogEntry) -> str:
    return base64.urlsafe_b64encode(f"{entry.at.isoformat()} {entry.pk}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, int]:
    """The moment and the id a cursor stands for. Raises Invalid."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, pk = text.split(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment, int(pk)
    except (ValueError, binascii.Error) as error:
        raise Invalid("This page of the log can't be found. Start again at the newest entries.") from error


def capped_count(entries: QuerySet[LogEntry], cap: int = 10_000) -> tuple[int, bool]:
    """How many there are, and whether there are more than that: counting stops at the cap."""
    counted = entries.order_by()[: cap + 1].count()
    return min(counted, cap), counted > cap


# --- Persons as the mirror knows them -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonCard:
    """What the mirror knows of one person, to be told apart by a reader."""

    id: str
    name: str = ""
    emails: tuple[str, ...] = ()
    organization: str = ""
    known: bool = True


def person_cards(lane: Lane, person_ids: Collection[str]) -> dict[str, PersonCard]:
    """Person id -> card; a person the mirror doesn't know gets a card that says so."""
    numbers = {int(pid) for pid in person_ids if pid.isdecimal()}
    persons = list(
        MirrorPerson.objects.filter(lane=lane, person_id__in=numbers).values_list(
            "person_id", "name", "organization_id"
        )
    )
    addresses: dict[int, list[str]] = {}
    for pid, address in (
        MirrorAddress.objects.filter(lane=lane, person_id__in=numbers)
        .order_by("id")
        .values_list("person_id", "address")
    ):
        addresses.setdefault(pid, []).append(address)
    organizations = dict(
        MirrorOrganization.objects.filter(
            lane=lane, organization_id__in={org for _, _, org in persons if org is not None}
        ).values_list("organization_id", "name")
    )
    cards = {pid: PersonCard(pid, known=False) for pid in person_ids}
    for number, name, org in persons:
        emails = tuple(addresses.get(number, ()))
        cards[str(number)] = PersonCard(str(number), name, emails, organizations.get(org, "") if org else "")
    return cards


# --- Needs attention ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttentionGroup:
    """Open cases of one kind: how many there are, and the newest of them."""

    kind: str
    count: int
    cases: list[Attention] = field(default_factory=list)


def attention_groups(connection: Connection, *, limit: int = 10) -> list[AttentionGroup]:
    """Open cases by kind, the most frequent kind first, with the newest `limit` of each."""
    open_cases = connection.attention.filter(settled_at=None)
    kinds = open_cases.values_list("kind").annotate(n=Count("id")).order_by("-n", "kind")
    return [
        AttentionGroup(kind, n, list(open_cases.filter(kind=kind).order_by("-created_at", "-id")[:limit]))
        for kind, n in kinds
    ]


# --- Transfers ------------------------------------------------------------------------------------------------------


def running_transfer(connection: Connection) -> Transfer | None:
    return connection.transfers.filter(state__in=["running", "paused"]).first()


def past_transfers(connection: Connection, limit: int = 20) -> list[Transfer]:
    return list(connection.transfers.exclude(state__in=["running", "paused"]).order_by("-created_at")[:limit])


def outcome_counts(transfer: Transfer) -> dict[str, int]:
    """Outcome -> how many records of the transfer ended so, counted from their rows."""
    return dict(transfer.records.values_list("outcome").annotate(n=Count("id")).order_by("outcome"))


def waiting_by_side(connection: Connection) -> dict[Side, int]:
    """How many changes wait, by the app they were made in."""
    rows = (
        connection.changes.filter(done_at=None).values_list("side").annotate(n=Count("id")).order_by("side")
    )
    counted = dict(rows)
    return {side: counted.get(side.value, 0) for side in Side}


def shown_records(
    transfer: Transfer, *, outcomes: Collection[str] = (), after: int = 0, limit: int = 50
) -> tuple[list[TransferRecord], int | None]:
    """Records of a transfer in the order they were dealt with, by keyset, and the id to go on after (None: the end)."""
    records = transfer.records.filter(id__gt=after)
    if outcomes:
        records = records.filter(outcome__in=outcomes)
    rows = list(records.order_by("id")[: limit + 1])
    return rows[:limit], rows[limit - 1].pk if len(rows) > limit else None


def latest_records(transfer: Transfer, limit: int = 8) -> list[TransferRecord]:
    return list(transfer.records.order_by("-id")[:limit])


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
