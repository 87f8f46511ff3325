"""The limits of a connection on one page: the company's API budget with its ledger, and the brakes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from tidegate.core.limits import RANGES, WINDOW_MINUTES, Limits
from tidegate.errors import Invalid, TidegateError
from tidegate.store import queries
from tidegate.store.budget import MOST_RESERVE, PLAN_FACTORS
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest, get_connection, member_required
from tidegate.web.activity.csv_file import csv_answer
from tidegate.web.overview.budget import FEATURES, gauge
from tidegate.wiring import actions

DAYS = 14
DAYS_OF_FILE = 366


def _number(
    label: Any, least: int, most: int, hint: Any = "", *, required: bool = True
) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=hint, required=required)


class BudgetForm(forms.Form):
    prefix = "budget"

    plan = forms.ChoiceField(
        label=gettext_lazy("Pipedrive plan"),
        choices=[(plan, plan.capitalize()) for plan in PLAN_FACTORS],
    )
    seats = _number(gettext_lazy("Seats"), 1, 100_000, gettext_lazy("Plan and seats make the day’s budget."))
    daily_budget = _number(
        gettext_lazy("Tokens a day"),
        100,
        1_000_000_000,
        gettext_lazy(
            "Only if your company’s budget differs from what plan and seats make, as with a top-up."
        ),
        required=False,
    )
    reserve_percent = _number(
        gettext_lazy("Kept for people and other apps, in per cent"),
        0,
        MOST_RESERVE,
        gettext_lazy(
            "Transfers and regular checks stop there and go on the next day. Live sync may use all of it."
        ),
    )


class BrakesForm(forms.Form):
    prefix = "brakes"

    on = forms.BooleanField(label=gettext_lazy("Stop unusual changes and ask me"), required=False)
    share_percent = _number(
        gettext_lazy("Records that change, in per cent of all linked ones"), *RANGES["share_percent"]
    )
    records = _number(
        gettext_lazy("but never fewer records than"),
        *RANGES["records"],
        gettext_lazy("So many may change whatever their share is."),
    )
    emptied = _number(gettext_lazy("Values that are emptied"), *RANGES["emptied"])
    created = _number(gettext_lazy("Records that are made in either app"), *RANGES["created"])


@member_required
def limits(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """A viewer may look; whoever may edit can save either form."""
    connection = get_connection(request, connection_id)
    budget_form = BudgetForm(initial=_budget_of(connection))
    brakes_form = BrakesForm(initial=_brakes_of(connection))
    status = 200
    if request.method == "POST":
        if not request.membership.may_edit:
            status = 403
        elif "save-budget" in request.POST:
            budget_form = BudgetForm(request.POST)
            if budget_form.is_valid() and _save_budget(request, connection, budget_form):
                return redirect("limits", connection.pk)
            status = 422
        elif "save-brakes" in request.POST:
            brakes_form = BrakesForm(request.POST)
            if brakes_form.is_valid() and _save_brakes(request, connection, brakes_form):
                return redirect("limits", connection.pk)
            status = 422
    context = {
        "connection": connection,
        "budget_form": budget_form,
        "brakes_form": brakes_form,
        "version": connection.settings_version,
        "budget": gauge(queries.budget_today(connection.lane), timezone.now()),
        "features": list(FEATURES.values()),
        "days": _days(connection),
        "minutes": WINDOW_MINUTES,
        "shared": connection.lane.connections.filter(disconnected_at=None).count() > 1,
    }
    return render(request, "web/overview/limits.html", context, status=status)


def _budget_of(connection: Connection) -> dict[str, Any]:
    lane = connection.lane
    return {name: getattr(lane, name) for name in ("plan", "seats", "daily_budget", "reserve_percent")}


def _brakes_of(connection: Connection) -> dict[str, Any]:
    brakes = connection.get_settings().brakes
    return {name: getattr(brakes, name) for name in ("on", *RANGES)}


def _days(connection: Connection) -> list[tuple[queries.LedgerEntry, list[tuple[Any, int]]]]:
    """The ledger's days, with what each feature spent in the order of the columns."""
    return [
        (entry, [(word, entry.tokens.get(feature, 0)) for feature, word in FEATURES.items()])
        for entry in queries.ledger(connection.lane, days=DAYS)
    ]


def _save_budget(request: MemberRequest, connection: Connection, form: BudgetForm) -> bool:
    try:
        actions.set_budget(connection, **form.cleaned_data, actor=str(request.user))
    except Invalid as error:
        for name, texts in error.errors.items():
            form.add_error(name, texts)
        return False
    messages.success(request, _("The budget is saved."))
    return True


def _save_brakes(request: MemberRequest, connection: Connection, form: BrakesForm) -> bool:
    settings = replace(connection.get_settings(), brakes=Limits(**form.cleaned_data))
    version = request.POST.get("version", "")
    try:
        actions.save_settings(
            connection,
            settings,
            version=int(version) if version.isascii() and version.isdigit() else connection.settings_version,
            actor=str(request.user),
        )
    except TidegateError as error:
        form.add_error(None, error.user_message)
        return False
    messages.success(request, _("The brakes are saved. They hold from now on."))
    return True


@require_GET
@member_required
def ledger_csv(request: MemberRequest, connection_id: UUID) -> HttpResponseBase:
    connection = get_connection(request, connection_id)
    header = [_("Day"), *(str(word) for word in FEATURES.values()), _("Tokens"), _("Requests")]
    return csv_answer(
        f"tidegate-tokens-{timezone.localdate().isoformat()}.csv", header, _csv_rows(connection)
    )


def _csv_rows(connection: Connection) -> Iterator[list[object]]:
    for entry in queries.ledger(connection.lane, days=DAYS_OF_FILE):
        by_feature = [entry.tokens.get(feature, 0) for feature in FEATURES]
        yield [entry.day.isoformat(), *by_feature, entry.total, entry.requests]
