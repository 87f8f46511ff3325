"""What flows through a connection: writes today and hour by hour, the last one, and how long changes take.

"Today" is the day of the workspace's time zone.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, FloatField, Func, Q, Value
from django.utils import timezone

from tidegate.core.records import Side
from tidegate.store.models import Connection, LogEntry

WRITES = ("create", "update")
"""The acts that changed a record in either app."""


def start_of_day(connection: Connection, now: datetime) -> datetime:
    """Midnight in the workspace's time zone."""
    zone = ZoneInfo(connection.workspace.time_zone)
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


@dataclass(frozen=True, slots=True)
class Flow:
    """Writes into each side: since midnight in the workspace, and in each of the last 24 hours, the last sixty minutes last."""

    today: dict[Side, int]
    hourly: dict[Side, tuple[int, ...]]


HOURS = 24


def flow(connection: Connection) -> Flow:
    now = timezone.now()
    since, midnight = now - timedelta(hours=HOURS), start_of_day(connection, now)
    bin_start = Func(
        Value(timedelta(hours=1)),
        F("at"),
        Value(since, output_field=DateTimeField()),
        function="date_bin",
        output_field=DateTimeField(),
    )
    rows = (
        connection.log.filter(at__gte=min(since, midnight), act__in=WRITES)
        .annotate(bin_start=bin_start)
        .values_list("side", "bin_start")
        .annotate(n=Count("id"), of_today=Count("id", filter=Q(at__gte=midnight)))
        .order_by()
    )
    today = dict.fromkeys(Side, 0)
    hourly = {side: [0] * HOURS for side in Side}
    for side, begins, n, of_today in rows:
        today[Side(side)] += of_today
        if begins >= since:
            hourly[Side(side)][min(int((begins - since) / timedelta(hours=1)), HOURS - 1)] += n
    return Flow(today, {side: tuple(counts) for side, counts in hourly.items()})


def writes_today(connection: Connection, now: datetime) -> dict[Side, int]:
    rows = (
        connection.log.filter(at__gte=start_of_day(connection, now), act__in=WRITES)
        .values_list("side")
        .annotate(n=Count("id"))
        .order_by("side")
    )
    counted = dict(rows)
    return {side: counted.get(side.value, 0) for side in Side}


def last_write(connection: Connection) -> LogEntry | None:
    return connection.log.filter(act__in=WRITES).order_by("-at", "-id").first()


def last_write_at(connection: Connection) -> datetime | None:
    entry = last_write(connection)
    return entry.at if entry else None


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
