"""The proof of sameness: how many pairs are in step, which are not and why; and the button that checks now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tidegate.core.records import Side
from tidegate.core.sameness import Why
from tidegate.errors import TidegateError
from tidegate.store import queries
from tidegate.store.models import Connection, OutOfStep
from tidegate.web.access import MemberRequest, editor_required, get_connection, member_required
from tidegate.web.activity.lines import side_name, value_in_words
from tidegate.web.activity.log import person_url
from tidegate.wiring import actions

SHOWN = 200
REASONS: Mapping[str, str | Promise] = {
    Why.CHANGED: gettext_lazy("One side changed and Tidegate had not heard of it. It is being brought over."),
    Why.GONE: gettext_lazy(
        "One of the two can’t be seen any more: deleted, merged, or not visible to the connected user."
    ),
    Why.UNREADABLE: gettext_lazy("One app shows a value the other can’t take."),
    Why.LEFT: gettext_lazy(
        "Both were left to differ: by the direction, because a value doesn’t fit, or because a member chose so."
    ),
}


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    outreach: str
    pipedrive: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair that is not in step, in words."""

    found: OutOfStep
    reason: str | Promise
    fields: tuple[Field, ...]
    person_url: str


@require_GET
@member_required
def sameness(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    rows = OutOfStep.objects.filter(connection=connection).order_by("why", "pk")
    context = {
        "connection": connection,
        "sameness": queries.sameness(connection),
        "pairs": [_pair(connection, row) for row in rows[:SHOWN]],
        "total": rows.count(),
        "outreach_name": side_name(Side.OUTREACH),
    }
    return render(request, "web/overview/sameness.html", context)


def _pair(connection: Connection, found: OutOfStep) -> Pair:
    fields = tuple(_field(field) for field in found.fields)
    return Pair(found, REASONS.get(found.why, found.why), fields, person_url(connection, found.person_id))


def _field(raw: Mapping[str, Any]) -> Field:
    kind = str(raw["kind"])
    return Field(
        str(raw["name"]), value_in_words(raw["outreach"], kind), value_in_words(raw["pipedrive"], kind)
    )


@require_POST
@editor_required
def check_now(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    try:
        actions.check_sameness(connection, actor=str(request.user))
        messages.success(request, _("Both sides are being compared now."))
    except TidegateError as error:
        messages.error(request, error.user_message)
    return redirect("sameness", connection.pk)
