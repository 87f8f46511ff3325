"""The value that lost a conflict, taken after all: it becomes the prospect's, as if a member had typed it, and travels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tidegate.core.records import Side
from tidegate.core.settings import Settings
from tidegate.errors import Conflict, TidegateError
from tidegate.prospects.content import TEXT_KEYS
from tidegate.prospects.models import Prospect
from tidegate.prospects.services import update_prospect
from tidegate.store.models import Connection, LogEntry
from tidegate.web.access import MemberRequest, editor_required, get_connection
from tidegate.web.activity.lines import FieldLine, Line, field_line
from tidegate.web.prospects.frame import author_of

CUSTOM = "custom."


def with_offers(connection: Connection, lines: Sequence[Line]) -> list[Line]:
    """The lines of one record with what of their conflicts can be turned round: while the prospect holds what won."""
    settings = connection.get_settings()
    ids = {int(line.entry.prospect_id) for line in lines if line.entry.prospect_id.isdecimal()}
    prospects = Prospect.objects.filter(workspace_id=connection.workspace_id, pk__in=ids).in_bulk()
    return [
        replace(line, fields=_offered(settings, line, prospects.get(int(line.entry.prospect_id))))
        if line.entry.prospect_id.isdecimal()
        else line
        for line in lines
    ]


def _offered(settings: Settings, line: Line, prospect: Prospect | None) -> tuple[FieldLine, ...]:
    def offered(field: FieldLine, change: Mapping[str, Any]) -> FieldLine:
        key = _field_of_prospect(settings, line.entry, change)
        if not key or prospect is None or _held(prospect, key) != change["after"]:
            return field
        return replace(field, instead=str(change["field"]))

    return tuple(offered(*pair) for pair in zip(line.fields, line.entry.changes, strict=True))


def _field_of_prospect(settings: Settings, entry: LogEntry, change: Mapping[str, Any]) -> str:
    """The prospect's field that can be given the value that lost; empty where there is none.

    Lists and amounts are left to the prospect's own page: of those a member wants to choose a part.
    """
    if not change.get("conflict") or not isinstance(change.get("lost"), str) or not entry.prospect_id:
        return ""
    if not settings.direction.flows_to(Side.PIPEDRIVE):
        return ""
    key = str(change["field"])
    if entry.side == Side.PIPEDRIVE:
        key = next((m.outreach for m in settings.mappings if m.pipedrive == key), "")
    return key if key in TEXT_KEYS or key.startswith(CUSTOM) else ""


@require_POST
@editor_required
def use_instead(request: MemberRequest, connection_id: UUID, entry_id: int) -> HttpResponse:
    connection = get_connection(request, connection_id)
    entry = get_object_or_404(connection.log, pk=entry_id)
    key, change = _asked(connection.get_settings(), entry, request.POST.get("field", ""))

    def still(prospect: Prospect) -> None:
        if _held(prospect, key) != change["after"]:
            text = _("%(field)s was changed since. Nothing was done; edit the prospect to change it again.")
            raise Conflict(text % {"field": line.name})

    line, lost = field_line(change), change["lost"]
    raw = {"custom": {key.removeprefix(CUSTOM): lost}} if key.startswith(CUSTOM) else {key: lost}
    try:
        update_prospect(author_of(request), int(entry.prospect_id), raw, still=still)
        text = _("%(field)s is “%(value)s” again, and on its way to Pipedrive.")
        messages.success(request, text % {"field": line.name, "value": line.lost})
    except TidegateError as error:
        messages.error(request, error.user_message)
    return redirect("activity-record", connection.pk, entry.pk)


def _asked(settings: Settings, entry: LogEntry, field: str) -> tuple[str, Mapping[str, Any]]:
    for change in entry.changes:
        key = _field_of_prospect(settings, entry, change)
        if key and change["field"] == field:
            return key, change
    raise Http404


def _held(prospect: Prospect, key: str) -> object:
    return prospect.custom.get(key.removeprefix(CUSTOM)) if key.startswith(CUSTOM) else getattr(prospect, key)
