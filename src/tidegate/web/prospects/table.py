"""The table of prospects: shown, exported, and acted on for those that are ticked or for all that are shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tidegate.errors import Invalid, NotFound, TidegateError
from tidegate.prospects import queries, services
from tidegate.prospects.exporting import csv_lines
from tidegate.prospects.models import ProspectList
from tidegate.prospects.services import Author
from tidegate.web.access import MemberRequest, editor_required, member_required
from tidegate.web.prospects.filters import (
    EVENTS,
    PIPEDRIVE,
    ROWS,
    STATUSES,
    USUAL_ROWS,
    TableFilter,
    read_filter,
)
from tidegate.web.prospects.frame import author_of, connections_of, sync_now, synced_live
from tidegate.web.prospects.rows import rows_of
from tidegate.web.prospects.views import linked_among, views_of

AT_ONCE = 20_000
"""So many prospects one click can change."""
BATCH = 1_000
UNDOABLE = 1_000
"""So many moves the session remembers."""
UNDO_KEY = "undo-move"


@require_GET
@member_required
def prospects(request: MemberRequest) -> HttpResponse:
    lists = queries.read_lists(request.workspace.pk)
    filters = read_filter(request.GET, {item.pk for item in lists})
    return render(request, "web/prospects/table.html", table_context(request, lists, filters))


def table_context(
    request: MemberRequest, lists: Sequence[ProspectList], filters: TableFilter
) -> dict[str, Any]:
    workspace_id = request.workspace.pk
    wanted = filters.as_filter(workspace_id)
    page, filters = _page(wanted, filters)
    connections = connections_of(request)
    sizes = queries.list_sizes(workspace_id)
    everybody = queries.count(queries.Filter(workspace_id))
    found = queries.count(wanted) if filters.any or filters.list_id else everybody
    return {
        "filters": filters,
        "lists": [(item, sizes.get(item.pk, 0)) for item in lists],
        "chosen": next((item for item in lists if item.pk == filters.list_id), None),
        "everybody": everybody,
        "found": found,
        "linked": linked_among(workspace_id, filters, found=found, everybody=everybody)
        if connections
        else None,
        "views": views_of(workspace_id, filters, everybody=everybody, is_connected=bool(connections)),
        "by_change": filters.sort in (queries.Sort.CHANGED, queries.Sort.CHANGED_DOWN),
        "page": page,
        "rows": rows_of(page.prospects, connections),
        "first": page.position + 1,
        "last": page.position + len(page.prospects),
        "linked_to": connections,
        "synced_live": synced_live(connections),
        "statuses": STATUSES,
        "pipedrive": PIPEDRIVE,
        "events": EVENTS,
        "row_choices": ROWS,
        "usual_rows": USUAL_ROWS,
    }


def _page(wanted: queries.Filter, filters: TableFilter) -> tuple[queries.Page, TableFilter]:
    """The page asked for; the first one for a cursor that is none (any more)."""
    try:
        page = queries.read_page(wanted, sort=filters.sort, cursor=filters.cursor or None, limit=filters.rows)
    except Invalid:
        page = queries.read_page(wanted, sort=filters.sort, limit=filters.rows)
    return page, replace(filters, cursor="")


@require_GET
@member_required
def export(request: MemberRequest) -> StreamingHttpResponse:
    """All prospects that pass the filters, as a CSV file that can be imported again."""
    lists = {item.pk: item for item in queries.read_lists(request.workspace.pk)}
    filters = read_filter(request.GET, set(lists))
    return csv_download(filters.as_filter(request.workspace.pk))


def csv_download(wanted: queries.Filter) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(csv_lines(wanted), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="prospects.csv"'
    return answer


@dataclass(frozen=True, slots=True)
class Chosen:
    """The prospects a form is about: those ticked, or all that pass the filters it was sent from."""

    filters: TableFilter
    ids: tuple[int, ...]
    is_all: bool


@require_POST
@editor_required
def act(request: MemberRequest) -> HttpResponseBase:
    """What the bar above the table does with the chosen prospects."""
    chosen = _read_chosen(request)
    back = redirect(reverse("prospects") + chosen.filters.query)
    if not chosen.ids:
        messages.warning(request, _("Nobody was chosen, so nothing was changed."))
        return back
    if len(chosen.ids) > AT_ONCE:
        limit = number_format(AT_ONCE, force_grouping=True)
        messages.error(
            request, _("More than %(limit)s prospects at once: filter them first.") % {"limit": limit}
        )
        return back
    if request.POST.get("do") == "export":
        return csv_download(queries.Filter(request.workspace.pk, also=Q(pk__in=chosen.ids)))
    if request.POST.get("do") == "delete":
        return _delete(request, chosen, back)
    if request.POST.get("do") == "sync":
        return _sync(request, chosen, back)
    if request.POST.get("add_to") == "new":
        return _to_new_list(request, chosen)
    return _move(request, chosen, back)


def _sync(request: MemberRequest, chosen: Chosen, back: HttpResponse) -> HttpResponse:
    count = len(chosen.ids)
    text = ngettext("%(count)s prospect is being synced.", "%(count)s prospects are being synced.", count)
    try:
        if sync_now(request, chosen.ids):
            messages.success(request, text % {"count": number_format(count, force_grouping=True)})
        else:
            messages.warning(request, _("Live sync is not on, so nothing was synced."))
    except TidegateError as error:
        messages.error(request, error.user_message)
    return back


def _read_chosen(request: MemberRequest) -> Chosen:
    lists = {item.pk for item in queries.read_lists(request.workspace.pk)}
    filters = read_filter(request.POST, lists)
    if request.POST.get("all"):
        rows = queries.narrowed(filters.as_filter(request.workspace.pk)).order_by("pk")
        return Chosen(filters, tuple(rows.values_list("pk", flat=True)[: AT_ONCE + 1]), is_all=True)
    ids = queries.known_ids(request.workspace.pk, request.POST.getlist("ids"))
    return Chosen(filters, tuple(sorted(ids)), is_all=False)


def _move(request: MemberRequest, chosen: Chosen, back: HttpResponse) -> HttpResponse:
    removing = request.POST.get("do") == "remove"
    asked = str(chosen.filters.list_id or "") if removing else request.POST.get("add_to", "")
    try:
        found = queries.get_list(request.workspace.pk, asked)
    except NotFound as error:
        messages.error(request, error.user_message)
        return back
    moved = _moved(author_of(request), found, chosen.ids, removing=removing)
    undoable = 0 < len(moved) <= UNDOABLE
    if undoable:
        request.session[UNDO_KEY] = {"list": found.pk, "ids": moved, "removing": not removing}
    messages.success(
        request,
        _moved_in_words(found, len(moved), len(chosen.ids), removing=removing),
        extra_tags="prospects-undo" if undoable else "",
    )
    return back


def _moved(author: Author, found: ProspectList, ids: Sequence[int], *, removing: bool) -> list[int]:
    """Who really came or went."""
    deed = services.remove_from_list if removing else services.add_to_list
    return [pk for start in _starts(ids) for pk in deed(author, found.pk, ids[start : start + BATCH])]


@require_POST
@editor_required
def undo(request: MemberRequest) -> HttpResponse:
    """Take back the member's last move of prospects into a list or out of one."""
    last = request.session.pop(UNDO_KEY, None)
    if last is None:
        messages.warning(request, _("There is nothing to undo any more."))
        return redirect("prospects")
    try:
        found = queries.get_list(request.workspace.pk, last["list"])
    except NotFound as error:
        messages.error(request, error.user_message)
        return redirect("prospects")
    moved = _moved(author_of(request), found, last["ids"], removing=last["removing"])
    messages.success(request, _moved_in_words(found, len(moved), len(moved), removing=last["removing"]))
    return redirect(f"{reverse('prospects')}?list={found.pk}")


def _moved_in_words(found: ProspectList, moved: int, asked: int, *, removing: bool) -> str:
    values = {"count": number_format(moved, force_grouping=True), "list": found.name}
    if removing:
        return (
            ngettext(
                "%(count)s prospect removed from %(list)s", "%(count)s prospects removed from %(list)s", moved
            )
            % values
        )
    if not moved:
        return _("Everybody chosen was in %(list)s already") % values
    text = (
        ngettext("%(count)s prospect added to %(list)s", "%(count)s prospects added to %(list)s", moved)
        % values
    )
    others = asked - moved
    return text if not others else text + _(", the others were in it already")


def _delete(request: MemberRequest, chosen: Chosen, back: HttpResponse) -> HttpResponse:
    """Asked first, with the number; asked again where the number has changed meanwhile."""
    if request.POST.get("expected") != str(len(chosen.ids)):
        context = {"chosen": chosen, "count": len(chosen.ids)}
        return render(request, "web/prospects/delete_many.html", context)
    author = author_of(request)
    deleted = _delete_all(author, chosen.ids)
    text = ngettext("%(count)s prospect deleted", "%(count)s prospects deleted", deleted)
    messages.success(request, text % {"count": number_format(deleted, force_grouping=True)})
    return back


def _delete_all(author: Author, ids: Sequence[int]) -> int:
    return sum(services.delete_prospects(author, ids[start : start + BATCH]) for start in _starts(ids))


def _to_new_list(request: MemberRequest, chosen: Chosen) -> HttpResponse:
    context = {"chosen": chosen, "count": len(chosen.ids), "name": "", "errors": []}
    return render(request, "web/prospects/list_form.html", context)


def _starts(ids: Sequence[int]) -> range:
    return range(0, len(ids), BATCH)
