"""The set-up in steps: one page a step, each saving its own part, and the launch at the end."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.errors import TidegateError
from tidegate.store.budget import daily_budget
from tidegate.store.models import Connection
from tidegate.store.queries import count_persons
from tidegate.store.schema_watch import VANISHED
from tidegate.web.access import MemberRequest, editor_required, get_connection
from tidegate.web.integrations.permissions import permissions_of
from tidegate.web.setup.automation_form import read_edit
from tidegate.web.setup.editing import (
    Editing,
    begin,
    change_automation,
    change_rows,
    error_links,
    found_problems,
    save,
    section_context,
)
from tidegate.web.setup.on_the_spot import VERBS, make_on_the_spot
from tidegate.web.setup.review import reviewed
from tidegate.web.setup.steps import STEPS, problems_of, step_of, stepper
from tidegate.web.setup.trying import tried
from tidegate.web.transfers.choices import offers
from tidegate.wiring import actions

PAGES = {step.name: step.address for step in STEPS}
ORDER = [step.name for step in STEPS]
OPTIONAL = ("constants", "automations")


@editor_required
def continue_setup(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """To the first step that is not done."""
    connection = get_connection(request, connection_id)
    shown = stepper(connection, "review", actions.problems(connection))["steps"]
    name = next((s.name for s in shown if not s.is_done and s.name not in OPTIONAL), "review")
    return redirect(PAGES[name], connection.pk)


@editor_required
def connected(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    catalogue = actions.pipedrive_catalogue(connection)
    context = {
        "connection": connection,
        "catalogue": catalogue,
        "permissions": permissions_of(connection),
        "me": next((user for user in catalogue.users if user.is_me), None),
        "budget": daily_budget(connection.lane),
        "persons": count_persons(connection.lane),
        **stepper(connection, "connect", actions.problems(connection)),
    }
    return render(request, "web/setup/connected.html", context)


@editor_required
def direction(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    return _step(request, connection_id, "direction")


@editor_required
def data(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    return _step(request, connection_id, "data")


@editor_required
def constants(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    return _step(request, connection_id, "constants")


@editor_required
def automations(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    return _step(request, connection_id, "automations")


def _step(request: MemberRequest, connection_id: UUID, name: str) -> HttpResponse:
    """One step: show it, change its form without saving, or save it and go on."""
    connection = get_connection(request, connection_id)
    if request.method != "POST":
        editing = begin(connection)
        if "problems" in request.GET or connection.launched_at:
            editing.mark(problems_of(name, found_problems(editing)))
        return _show(request, editing, name)
    editing, act = begin(connection, request.POST), request.POST.get("act", "")
    part = edit_without_saving(request, editing, act)
    if part == "page":  # reread: what was chosen and is gone is marked, what is not chosen yet isn't
        found = problems_of(name, found_problems(editing))
        editing.mark(one for one in found if connection.launched_at or one.code in VANISHED)
    if part is not None:
        return _show(request, editing, name, part)
    if not save(editing, request):
        if editing.marks and act != "exit":  # what is missing keeps nobody from leaving, only from going on
            editing.mark_missing(problems_of(name, found_problems(editing)))
        return _show(request, editing, name, status=editing.status)
    if act == "exit":
        messages.success(request, _("Saved. Go on whenever you like."))
        return redirect("integrations")
    editing.mark(problems_of(name, found_problems(editing)))
    if editing.marks:
        return _show(request, editing, name, status=editing.status)
    return redirect(PAGES[ORDER[ORDER.index(name) + 1]], connection.pk)


def edit_without_saving(request: MemberRequest, editing: Editing, act: str) -> str | None:
    """Carries out what changes the form alone, and names the part that changed; None: this is a save."""
    verb = act.partition("-")[0]
    if verb in ("add", "remove", "left", "right", "use"):
        change_rows(editing, act)
        return "mapping"
    if verb in VERBS:
        make_on_the_spot(editing, request.POST, act, actor=str(request.user))
        return "mapping"
    if verb == "constants":
        return "constants"
    if verb == "try":
        asked = request.POST.get("try_prospect", "")
        editing.trial = tried(editing.connection, editing.draft.settings, asked)
        return "automation_try"
    if (edit := read_edit(act)) is not None:
        change_automation(editing, edit)
        return "automation"
    if verb == "refresh":
        refresh(request, editing)
        return "page"
    return None


PARTS = ("mapping", "constants", "automation", "automation_try")
"""The parts that are answered by themselves, where scripts swap them in."""


def refresh(request: MemberRequest, editing: Editing) -> None:
    """Rereads both apps' fields, lists and users; what is in the form stays there."""
    try:
        actions.refresh(editing.connection)
    except TidegateError as error:
        messages.error(request, error.user_message)
        return
    messages.success(request, _("Fields, lists and users are up to date."))
    editing.connection.refresh_from_db()
    renewed = begin(editing.connection, request.POST)
    editing.catalogues, editing.draft = renewed.catalogues, renewed.draft


def _show(
    request: MemberRequest, editing: Editing, name: str, part: str = "page", status: int = 200
) -> HttpResponse:
    if request.htmx and part in PARTS:
        return render(request, f"web/setup/{part}.html", section_context(editing, request))
    found = found_problems(editing)
    if editing.marks:
        found = [problem for problem in found if step_of(problem) != name] + editing.told
    steps = stepper(editing.connection, name, found, mark=bool(editing.marks))
    context = {**section_context(editing, request), **steps, "has_form": True}
    return render(request, f"web/setup/step_{name}.html", context, status=status)


@editor_required
def review(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Everything once more in words, and the launch."""
    connection = get_connection(request, connection_id)
    if request.method != "POST":
        return _show_review(request, connection, actions.problems(connection))
    try:
        found = actions.launch(connection, actor=str(request.user))
    except TidegateError as error:
        messages.error(request, error.user_message)
        return _show_review(request, connection, actions.problems(connection), status=409)
    if found:
        return _show_review(request, connection, found, status=422)
    return redirect("setup-launched", connection.pk)


def _show_review(
    request: MemberRequest, connection: Connection, found: Sequence[Problem], status: int = 200, **more: Any
) -> HttpResponse:
    connection.refresh_from_db()
    editing = begin(connection)
    editing.mark(found)
    context = {
        "connection": connection,
        "problems": found,
        "review": reviewed(editing, found),
        "error_links": error_links(editing),
        **stepper(connection, "review", found, mark=True),
        **more,
    }
    return render(request, "web/setup/step_review.html", context, status=status)


@editor_required
def launched(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """After the first launch: bring over what is there already, or not now."""
    connection = get_connection(request, connection_id)
    if connection.launched_at is None:
        return redirect("setup-review", connection.pk)
    settings = connection.get_settings()
    return _show_review(
        request,
        connection,
        [],
        is_launched=True,
        offers=offers(connection, settings),
        flows={side.value: settings.direction.flows_to(side) for side in Side},
    )
