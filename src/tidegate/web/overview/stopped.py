"""What the brakes stopped: the counts, some of the records field by field, and the two ways on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tidegate.core.brakes import Brake
from tidegate.core.limits import WINDOW_MINUTES
from tidegate.core.records import Side
from tidegate.errors import TidegateError
from tidegate.store.halts import open_halt
from tidegate.store.models import Halt
from tidegate.web.access import MemberRequest, editor_required, get_connection, member_required
from tidegate.web.activity.lines import FieldLine, field_line, side_name
from tidegate.web.activity.log import person_url
from tidegate.web.said import said
from tidegate.wiring import actions

HEADLINES: Mapping[str, str | Promise] = {
    Brake.SHARE: gettext_lazy("An unusual share of your records was about to change"),
    Brake.EMPTIED: gettext_lazy("Many values were about to be emptied"),
    Brake.CREATED: gettext_lazy("Unusually many records were about to be made"),
    Brake.VANISHED: gettext_lazy("Many persons can no longer be seen in Pipedrive"),
    Brake.CATALOGUE: gettext_lazy("Pipedrive suddenly offers nothing to choose from"),
    Brake.LIST: gettext_lazy("A list that is synced is suddenly empty"),
}
WRITES = (Brake.SHARE, Brake.EMPTIED, Brake.CREATED)
"""Brakes that stopped changes on their way; the others stopped at what an app showed."""


@dataclass(frozen=True, slots=True)
class StoppedRecord:
    """One record in words: what would have become of it."""

    name: str
    word: str
    fields: tuple[FieldLine, ...]
    reason: str
    url: str = ""


def headline(halt: Halt) -> str | Promise:
    return HEADLINES.get(halt.brake, halt.message)


@require_GET
@member_required
def stopped(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    halt = open_halt(connection)
    if halt is None:
        return redirect("overview", connection.pk)
    context = {
        "connection": connection,
        "halt": halt,
        "headline": headline(halt),
        "writes": halt.brake in WRITES,
        "records": [stopped_record(connection, example) for example in halt.examples],
        "minutes": WINDOW_MINUTES,
        "limits": connection.get_settings().brakes,
    }
    return render(request, "web/overview/stopped.html", context)


def stopped_record(connection: Any, example: Mapping[str, Any]) -> StoppedRecord:
    app = side_name(Side(str(example["side"])))
    words = {
        "create": _("Made in %(app)s"),
        "update": _("Changed in %(app)s"),
        "unlink": _("Can’t be seen in %(app)s"),
    }
    return StoppedRecord(
        name=str(example.get("name") or ""),
        word=words.get(str(example.get("act")), "%(app)s") % {"app": app},
        fields=tuple(field_line(change) for change in example.get("changes", ())),
        reason=str(example.get("reason") or ""),
        url=person_url(connection, str(example.get("person_id") or "")),
    )


@require_POST
@editor_required
def decide(request: MemberRequest, connection_id: UUID, halt_id: int) -> HttpResponse:
    """`decision`: confirm lets everything through that was stopped, drop leaves it where it was made."""
    connection = get_connection(request, connection_id)
    halt = Halt.objects.filter(pk=halt_id, connection=connection).select_related("connection").first()
    if halt is None:
        raise Http404
    decision = request.POST.get("decision")
    if decision not in ("confirm", "drop"):
        messages.error(request, _("Choose whether to go on or to leave the changes. Nothing was done."))
        return redirect("stopped", connection.pk)
    try:
        found = actions.decide_halt(halt, confirm=decision == "confirm", actor=str(request.user))
    except TidegateError as error:
        messages.error(request, error.user_message)
        return redirect("overview", connection.pk)
    if found:
        messages.error(
            request,
            _("Your decision is kept, but live sync can’t go on yet. %(why)s")
            % {"why": said(found[0].message)},
        )
    elif decision == "confirm":
        messages.success(request, _("Live sync goes on, with what was stopped."))
    else:
        messages.success(request, _("Live sync goes on. What was stopped stays where it was made."))
    return redirect("overview", connection.pk)
