"""The activity log: filtered, by pages that stay put while new entries come in, and the story of one record."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from tidegate.core.records import Side
from tidegate.errors import Invalid
from tidegate.store.models import Connection, LogEntry, MirrorAddress
from tidegate.words import say


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
        newer = cursor_of(rows[0]) if rows and len(later) > limit else None
        return LogPage(rows, older=cursor_of(rows[-1]) if rows else newer_than, newer=newer)
    rows = list(_before(entries, older_than).order_by("-at", "-id")[: limit + 1])
    shown = rows[:limit]
    return LogPage(
        shown,
        older=cursor_of(shown[-1]) if len(rows) > limit else None,
        newer=cursor_of(shown[0]) if shown and older_than else None,
    )


def _before(entries: QuerySet[LogEntry], cursor: str) -> QuerySet[LogEntry]:
    if not cursor:
        return entries
    at, pk = read_cursor(cursor)
    return entries.filter(at__lte=at).exclude(at=at, id__gte=pk)


def cursor_of(entry: LogEntry) -> str:
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
        raise Invalid(
            say("This page of the log can’t be found. Start again at the newest entries.")
        ) from error


def capped_count(entries: QuerySet[LogEntry], cap: int = 10_000) -> tuple[int, bool]:
    """How many there are, and whether there are more than that: counting stops at the cap."""
    counted = entries.order_by()[: cap + 1].count()
    return min(counted, cap), counted > cap
