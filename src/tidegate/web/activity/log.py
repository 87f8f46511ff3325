"""The activity log: filtered, page by page, one record's story in the drawer, and all of it as CSV."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tidegate.core.records import Side
from tidegate.errors import Invalid
from tidegate.store import queries
from tidegate.store.models import Connection, LogEntry
from tidegate.web.access import MemberRequest, get_connection, member_required
from tidegate.web.activity.csv_file import csv_answer
from tidegate.web.activity.filters import found_in_words, read_filters
from tidegate.web.activity.instead import with_offers
from tidegate.web.activity.lines import line_of, lines_of

PAGE = 50
STORY = 20
"""How many changes of one record the drawer shows at first."""


@require_GET
@member_required
def activity(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    context = _log_context(request, connection)
    context["came_from"] = _came_from(request)
    return render(request, "web/activity/activity.html", context)


@require_GET
@member_required
def record(request: MemberRequest, connection_id: UUID, entry_id: int) -> HttpResponse:
    """The log with the story of one entry's record beside it."""
    connection = get_connection(request, connection_id)
    entry = connection.log.filter(pk=entry_id).first()
    if entry is None:
        raise Http404
    entry.connection = connection
    context = _log_context(request, connection) | _story_context(request, entry)
    return render(request, "web/activity/record.html", context)


def _log_context(request: MemberRequest, connection: Connection) -> dict[str, Any]:
    filters = read_filters(request.GET)
    entries = queries.filter_log(connection, filters.log_filter(connection))
    count, more = queries.capped_count(entries)
    try:
        page = queries.log_page(
            entries,
            older_than=request.GET.get("older", ""),
            newer_than=request.GET.get("newer", ""),
            limit=PAGE,
        )
    except Invalid:
        page = queries.log_page(entries, limit=PAGE)
    return {
        "connection": connection,
        "filters": filters,
        "found": found_in_words(count, more, filters),
        "page": page,
        "lines": lines_of(connection, page.entries),
        "open_attention": connection.attention.filter(settled_at=None).count(),
    }


def _day_in_words(moment: datetime) -> str:
    """2 March, with the year before this one."""
    there = timezone.localtime(moment)
    return date_format(there, "j F" if there.year == timezone.localdate().year else "j F Y")


def _story_context(request: MemberRequest, entry: LogEntry) -> dict[str, Any]:
    connection = entry.connection
    history = queries.record_history(entry)
    total = history.count()
    wanted = request.GET.get("show", "")
    shown = min(int(wanted), 500) if wanted.isdecimal() else STORY
    story = with_offers(connection, [line_of(found) for found in history[:shown]])
    card = (
        queries.person_cards(connection.lane, [entry.person_id]).get(entry.person_id)
        if entry.person_id
        else None
    )
    return {
        "selected": entry.pk,
        "entry": entry,
        "story": story,
        "story_total": total,
        "story_rest": max(total - len(story), 0),
        "story_next": min(shown + 100, 500),
        "story_since": _day_in_words(history.order_by("at").values_list("at", flat=True).first() or entry.at),
        "card": card,
        "person_url": person_url(connection, entry.person_id),
    }


def person_url(connection: Connection, person_id: str) -> str:
    """The person's page in Pipedrive's own web app."""
    return f"{connection.api_domain.rstrip('/')}/person/{person_id}" if person_id else ""


def _came_from(request: MemberRequest) -> int | None:
    """The entry whose drawer was just closed, so that focus can return to its row."""
    try:
        match = resolve(urlsplit(request.htmx.current_url or "").path)
    except Resolver404:
        return None
    return match.kwargs.get("entry_id") if match.url_name == "activity-record" else None


@require_GET
@member_required
def log_csv(request: MemberRequest, connection_id: UUID) -> HttpResponseBase:
    """What the filters leave, a row for each field that changed."""
    connection = get_connection(request, connection_id)
    entries = queries.filter_log(connection, read_filters(request.GET).log_filter(connection))
    header = [
        _("Time"), _("Written in"), _("What"), _("Record"), _("Prospect"), _("Person"), _("Field"),
        _("Before"), _("After"), _("Lost in a conflict"), _("Why"), _("Message"), _("Tokens"),
    ]  # fmt: skip
    name = f"tidegate-activity-{timezone.localdate().isoformat()}.csv"
    zone = timezone.get_current_timezone()
    return csv_answer(name, header, _csv_rows(entries.order_by("-at", "-id").iterator(chunk_size=1000), zone))


def _csv_rows(entries: Iterator[LogEntry], zone: tzinfo) -> Iterator[list[object]]:
    for entry in entries:
        with timezone.override(zone):  # rows are made after the view has returned
            line = line_of(entry)
        written = "Pipedrive" if entry.side == Side.PIPEDRIVE else _("Tidegate Prospects")
        first = [
            entry.at.astimezone(zone).isoformat(timespec="seconds"),
            written,
            entry.act,
            entry.record_name,
            entry.prospect_id,
            entry.person_id,
        ]
        last = [line.why, entry.message, entry.tokens]
        for field in line.fields:
            yield [*first, field.name, field.before, field.after, field.lost, *last]
        if not line.fields:
            yield [*first, "", "", "", "", *last]
