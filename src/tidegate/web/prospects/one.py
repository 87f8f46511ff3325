"""One prospect: its fields beside those of Pipedrive, its lists, what was synced; made, edited and deleted by hand."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tidegate.core.settings import mapping_problems
from tidegate.core.values import DateRange, Kind, describe, from_json, is_empty
from tidegate.errors import Conflict, Invalid, NotFound, TidegateError
from tidegate.prospects import queries, services
from tidegate.prospects.models import Consent, CustomField, Prospect
from tidegate.store.catalogues import outreach_catalogue, pipedrive_catalogue
from tidegate.store.models import Connection, LogEntry
from tidegate.store.queries import person_cards
from tidegate.web.access import MemberRequest, editor_required, member_required
from tidegate.web.activity.lines import lines_of
from tidegate.web.activity.log import person_url
from tidegate.web.prospects.emails import email_section
from tidegate.web.prospects.forms import LABELS, ProspectForm
from tidegate.web.prospects.frame import author_of, connections_of, missing_is_404, sync_now, synced_live
from tidegate.web.prospects.rows import Row, rows_of
from tidegate.web.prospects.sales import sales_of

STORY = 20
"""How many syncs the page tells of; the log has them all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of the prospect in words, and the field of Pipedrive it is in step with."""

    name: str
    text: str
    mapped_to: str = ""
    link: str = ""
    """The address, where the value is one that can be followed."""
    is_email: bool = False


@require_GET
@member_required
def prospect(request: MemberRequest, prospect_id: int) -> HttpResponse:
    with missing_is_404():
        found = queries.get_prospect(request.workspace.pk, prospect_id)
    connections = connections_of(request)
    row = rows_of([found], connections)[0]
    mine = set(found.lists.all())
    sales = sales_of(found, connections)
    context: dict[str, Any] = {
        "prospect": found,
        "row": row,
        "shown": _fields(found, queries.read_fields(request.workspace.pk), _mapped(row, connections)),
        "lists": sorted(mine, key=lambda item: item.name.casefold()),
        "other_lists": [item for item in queries.read_lists(request.workspace.pk) if item not in mine],
        "doubles": queries.doubles_of(found),
        "linked_to": connections,
        "synced_live": synced_live(connections),
        "story": _story(found, connections),
        "emails": email_section(found, sales.activities),
        "sales": sales,
        **_person(row),
    }
    return render(request, "web/prospects/prospect.html", context)


def _fields(found: Prospect, custom: list[CustomField], mapped: dict[str, str]) -> list[Shown]:
    emails, phones = (", ".join(entry["value"] for entry in items) for items in (found.emails, found.phones))
    shown = [Shown(_("E-mail"), emails, mapped.get("email", ""), is_email=True)]
    shown += [Shown(str(name), str(getattr(found, key)), mapped.get(key, "")) for key, name in LABELS.items()]
    shown.append(Shown(_("Phone"), phones, mapped.get("phone", "")))
    for item in custom:
        text = in_words(item, found.custom.get(item.key))
        follow = text if item.type == Kind.LINK and text.startswith(("https://", "http://")) else ""
        shown.append(Shown(item.name, text, mapped.get(f"custom.{item.key}", ""), follow))
    return shown


def in_words(item: CustomField, raw: Any) -> str:
    """A custom value for a reader: times in the workspace's zone."""
    kind = Kind(item.type)
    value = from_json(kind, raw)
    if is_empty(value):
        return ""
    match value:
        case datetime():
            return date_format(localtime(value), "j F Y, H:i")
        case date():
            return date_format(value, "j F Y")
        case Decimal():
            return number_format(value, force_grouping=True)
        case DateRange():
            ends = [date_format(day, "j F Y") for day in (value.start, value.end) if day]
            return " – ".join(ends)
        case _:
            return describe(value)


def _mapped(row: Row, connections: list[Connection]) -> dict[str, str]:
    """Field key -> name of the field of Pipedrive it is in step with, for a prospect that is linked."""
    connection = row.link.connection if row.link else (connections[0] if connections else None)
    if connection is None:
        return {}
    ours, theirs = outreach_catalogue(connection), pipedrive_catalogue(connection)
    working = [m for m in connection.get_settings().mappings if not mapping_problems(m, ours, theirs)]
    names = {mapping.outreach: theirs.field(mapping.pipedrive) for mapping in working}
    return {key: field.name for key, field in names.items() if field is not None}


def _person(row: Row) -> dict[str, Any]:
    if row.link is None:
        return {}
    connection = row.link.connection
    card = person_cards(connection.lane, [row.link.person_id]).get(row.link.person_id)
    return {"person": card, "person_url": person_url(connection, row.link.person_id)}


def _story(found: Prospect, connections: list[Connection]) -> list[Any]:
    rows = LogEntry.objects.filter(connection__in=connections, prospect_id=str(found.pk))
    latest = list(rows.select_related("connection__lane", "transfer").order_by("-at", "-pk")[:STORY])
    by_connection = {
        connection.pk: [entry for entry in latest if entry.connection_id == connection.pk]
        for connection in connections
    }
    lines = [
        line for connection in connections for line in lines_of(connection, by_connection[connection.pk])
    ]
    return sorted(lines, key=lambda line: (line.entry.at, line.entry.pk), reverse=True)


@require_POST
@editor_required
def sync_prospect(request: MemberRequest, prospect_id: int) -> HttpResponse:
    with missing_is_404():
        found = queries.get_prospect(request.workspace.pk, prospect_id)
    try:
        if sync_now(request, [found.pk]):
            messages.success(request, _("%(name)s is being synced.") % {"name": found.name})
        else:
            messages.warning(request, _("Live sync is not on, so nothing was synced."))
    except TidegateError as error:
        messages.error(request, error.user_message)
    return redirect("prospect", found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def new_prospect(request: MemberRequest) -> HttpResponse:
    blank = Prospect(workspace_id=request.workspace.pk)
    form = ProspectForm(
        request.POST or None, prospect=blank, custom=queries.read_fields(request.workspace.pk)
    )
    lists = queries.read_lists(request.workspace.pk)
    asked = request.POST.get("list") or request.GET.get("list") or ""
    chosen = [item.pk for item in lists if str(item.pk) == asked]
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.create_prospect(author_of(request), form.content(), list_ids=chosen)
        except (Invalid, Conflict) as error:
            form.refuse(error)
        else:
            messages.success(request, _("%(name)s added") % {"name": saved.prospect.name})
            return redirect("prospect", saved.prospect.pk)
    context = {"form": form, "lists": lists, "list_id": chosen[0] if chosen else None}
    return render(request, "web/prospects/prospect_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def edit_prospect(request: MemberRequest, prospect_id: int) -> HttpResponse:
    with missing_is_404():
        found = queries.get_prospect(request.workspace.pk, prospect_id)
    form = ProspectForm(
        request.POST or None, prospect=found, custom=queries.read_fields(request.workspace.pk)
    )
    if request.method == "POST" and form.is_valid():
        try:
            with missing_is_404():
                services.update_prospect(author_of(request), found.pk, form.content(), allow_double=False)
        except (Invalid, Conflict) as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved"))
            return redirect("prospect", found.pk)
    context = {"form": form, "prospect": found}
    return render(request, "web/prospects/prospect_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def delete_prospect(request: MemberRequest, prospect_id: int) -> HttpResponse:
    with missing_is_404():
        found = queries.get_prospect(request.workspace.pk, prospect_id)
    if request.method == "POST":
        services.delete_prospects(author_of(request), [found.pk])
        messages.success(request, _("%(name)s deleted") % {"name": found.name})
        return redirect("prospects")
    row = rows_of([found], connections_of(request))[0]
    return render(request, "web/prospects/prospect_delete.html", {"prospect": found, "row": row})


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def renew_consent(request: MemberRequest, prospect_id: int) -> HttpResponse:
    """Asks first: no word of a program, a file or the sync comes this way."""
    with missing_is_404():
        found = queries.get_prospect(request.workspace.pk, prospect_id)
    if found.consent == Consent.OPEN:
        return redirect("prospect", found.pk)
    sure = request.POST.get("sure") == "yes"
    if request.method == "POST" and sure:
        with missing_is_404():
            services.renew_consent(author_of(request), found.pk)
        messages.success(request, _("%(name)s may be written to again") % {"name": found.name})
        return redirect("prospect", found.pk)
    context = {"prospect": found, "unsure": request.method == "POST"}
    status = 422 if request.method == "POST" else 200
    return render(request, "web/prospects/prospect_consent.html", context, status=status)


@require_POST
@editor_required
def move_prospect(request: MemberRequest, prospect_id: int) -> HttpResponse:
    """Into a list, or out of one."""
    with missing_is_404():
        found = queries.get_prospect(request.workspace.pk, prospect_id)
    author = author_of(request)
    removing = "remove" in request.POST
    try:
        chosen = queries.get_list(author.workspace_id, request.POST.get("remove" if removing else "add", ""))
        deed = services.remove_from_list if removing else services.add_to_list
        deed(author, chosen.pk, [found.pk])
    except NotFound:
        messages.warning(request, _("Choose a list first."))
    else:
        text = _("Removed from %(list)s") if removing else _("Added to %(list)s")
        messages.success(request, text % {"list": chosen.name})
    return redirect(reverse("prospect", args=[found.pk]) + "#l-h")
