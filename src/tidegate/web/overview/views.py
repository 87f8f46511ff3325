"""The overview of a connection: the gate, its health, what happened, what needs attention; and its switch."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from tidegate.core.connection import Reason, Status
from tidegate.core.records import Side
from tidegate.errors import TidegateError
from tidegate.store import queries
from tidegate.store.audit import last_pause
from tidegate.store.halts import open_halt
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest, editor_required, get_connection, member_required
from tidegate.web.activity.kinds import words_of
from tidegate.web.activity.lines import lines_of, side_name
from tidegate.web.overview.automations import bars
from tidegate.web.overview.budget import gauge
from tidegate.web.overview.gate import STATES, lead, stream
from tidegate.web.overview.stopped import headline, stopped_record
from tidegate.web.setup.editing import anchor
from tidegate.web.transfers.progress import progress_of, tokens_left
from tidegate.wiring import actions
from tidegate.wiring.foresight import foresee_resume

WORTH_A_WORD = timedelta(seconds=20)


@require_GET
@member_required
def overview(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    return render(request, "web/overview/overview.html", overview_context(connection))


@require_GET
@member_required
def overview_live(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """What of the overview changes by itself, asked for every ten seconds."""
    connection = get_connection(request, connection_id)
    return render(request, "web/overview/live.html", overview_context(connection))


def overview_context(connection: Connection) -> dict[str, Any]:
    flow = queries.flow(connection)
    health = queries.health(connection, flowed=flow)
    last = queries.last_write(connection)
    transfer = queries.running_transfer(connection)
    return {
        "connection": connection,
        "health": health,
        "gate_state": STATES[Status(connection.status)],
        "lead": lead(connection, health),
        "outreach_name": side_name(Side.OUTREACH),
        "lists": queries.count_lists(connection),
        "to_pipedrive": stream(flow.today[Side.PIPEDRIVE], flow.hourly[Side.PIPEDRIVE]),
        "from_pipedrive": stream(flow.today[Side.OUTREACH], flow.hourly[Side.OUTREACH]),
        "budget": gauge(
            queries.budget_today(connection.lane),
            timezone.now(),
            planned=tokens_left(transfer) if transfer else 0,
        ),
        "last": lines_of(connection, [last])[0] if last else None,
        "lines": lines_of(connection, queries.recent_activity(connection)),
        "attention": [words_of(group) for group in queries.attention_groups(connection, limit=1)],
        "automations_today": bars(connection.get_settings(), queries.runs_today(connection, timezone.now())),
        "wait": long_wait(connection),
        "transfer": transfer,
        "held_back": queries.waiting_of_others(connection) if transfer else 0,
        "progress": progress_of(transfer) if transfer else None,
        "offer_transfer": _offers_transfer(connection),
        "problems": _problem_links(connection) if _is_incomplete(connection) else [],
        "is_new": connection.launched_at is None,
        **_halt_context(connection),
        **_pause_context(connection),
    }


def _halt_context(connection: Connection) -> dict[str, Any]:
    """What the brakes stopped, while it waits for a decision."""
    halt = open_halt(connection) if connection.reason == Reason.BRAKES else None
    return {"halt": halt, "halt_headline": headline(halt) if halt else ""}


def long_wait(connection: Connection) -> queries.Wait | None:
    """Until when the work waits, where that is worth a word: a burst window's few seconds are not."""
    wait = queries.wait_of(connection)
    return wait if wait is not None and wait.until > timezone.now() + WORTH_A_WORD else None


def _pause_context(connection: Connection) -> dict[str, Any]:
    """What waits in each app, for the question that a resume asks."""
    waiting = queries.waiting_by_side(connection)
    paused = connection.status == Status.PAUSED and connection.launched_at is not None
    return {
        "is_paused": paused and connection.reason not in (Reason.RECONNECT, Reason.BRAKES),
        "paused": last_pause(connection) if paused and not connection.reason else None,
        "waiting": sum(waiting.values()),
        "waiting_outreach": waiting[Side.OUTREACH],
        "waiting_pipedrive": waiting[Side.PIPEDRIVE],
    }


def _is_incomplete(connection: Connection) -> bool:
    return connection.status == Status.FAILED or connection.reason == Reason.INCOMPLETE


def _problem_links(connection: Connection) -> list[tuple[str, str]]:
    """What each problem says, and where on the settings page it is marked."""
    page, settings = reverse("settings", args=[connection.pk]), connection.get_settings()
    return [
        (problem.message, f"{page}#{anchor(problem.place, settings)}")
        for problem in actions.problems(connection)
    ]


def _offers_transfer(connection: Connection) -> bool:
    """Whether to point at the first transfer: live sync is on, and nothing was ever brought over."""
    return connection.status == Status.ACTIVE and not connection.transfers.exists()


@require_POST
@editor_required
def switch(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Active or Paused, in one click. Incomplete settings lead to the settings page, where they are marked."""
    connection = get_connection(request, connection_id)
    here = reverse("overview", args=[connection.pk])
    wanted = request.POST.get("sync")
    if connection.launched_at is None and wanted == "active":
        messages.info(
            request, _("This connection has not been launched yet. Finish its set-up, then launch it.")
        )
        return _go(request, reverse("setup", args=[connection.pk]))
    try:
        if wanted == "paused":
            return _pause(request, connection, here)
        if wanted == "active":
            return _resume(request, connection, here)
    except TidegateError as error:
        messages.error(request, error.user_message)
        return redirect(here)
    messages.error(request, _("Choose Active or Paused."))
    return redirect(here)


def _pause(request: MemberRequest, connection: Connection, here: str) -> HttpResponse:
    actions.pause(connection, actor=str(request.user))
    messages.success(request, _("Live sync is paused. Changes wait until it is active again."))
    return redirect(here)


def _resume(request: MemberRequest, connection: Connection, here: str) -> HttpResponse:
    """Active again. What happened during a pause is applied or left, as the member says; without a word we ask."""
    if open_halt(connection) is not None:
        return _go(request, reverse("stopped", args=[connection.pk]))
    catchup = request.POST.get("catchup", "")
    if catchup not in ("apply", "leave") and _must_ask(connection):
        return _go(request, reverse("resume", args=[connection.pk]))
    found = actions.resume(connection, actor=str(request.user), apply_waiting=catchup != "leave")
    if any(problem.code == "reconnect" for problem in found):
        messages.error(request, _("Pipedrive no longer accepts this connection. Reconnect it first."))
        return _go(request, reverse("integrations"))
    if found:
        messages.error(request, _("Live sync can’t be switched on: these settings need you first."))
        return _go(request, reverse("settings", args=[connection.pk]))
    messages.success(request, _("Live sync is active."))
    return redirect(here)


WAITING = {
    (Side.OUTREACH, "new"): gettext_lazy("New prospects, to be linked or created in Pipedrive"),
    (Side.OUTREACH, "changed"): gettext_lazy("Changed prospects, whose changes go to Pipedrive"),
    (Side.OUTREACH, "deleted"): gettext_lazy("Deleted prospects; their people in Pipedrive stay"),
    (Side.PIPEDRIVE, "new"): gettext_lazy("New people, to be linked or created in your list"),
    (Side.PIPEDRIVE, "changed"): gettext_lazy("Changed people, whose changes go to your prospects"),
    (Side.PIPEDRIVE, "deleted"): gettext_lazy("Deleted or merged people; their prospects stay"),
    (Side.PIPEDRIVE, "organization"): gettext_lazy("Changed organizations"),
}
"""What catching up would look at. What then happens is decided by the settings, record by record."""


def waiting_lines(connection: Connection) -> list[tuple[str, int]]:
    """What waits, in words, with how many records of each kind."""
    return [
        (str(WAITING.get((one.side, one.kind.value), _("Other changes"))), one.records)
        for one in queries.waiting_by_kind(connection)
    ]


def _must_ask(connection: Connection) -> bool:
    return connection.status == Status.PAUSED and any(queries.waiting_by_side(connection).values())


@require_GET
@editor_required
def resume(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """The question of a resume as a page: for browsers without scripts, and for links."""
    connection = get_connection(request, connection_id)
    if not _must_ask(connection):
        return redirect("overview", connection.pk)
    context = {
        "connection": connection,
        "outreach_name": side_name(Side.OUTREACH),
        "kinds": waiting_lines(connection),
        "records": [stopped_record(connection, asdict(example)) for example in foresee_resume(connection)],
        **_pause_context(connection),
    }
    return render(request, "web/overview/resume.html", context)


def _go(request: MemberRequest, address: str) -> HttpResponse:
    """To another page altogether, also when only a part of this one was asked for."""
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


@require_POST
@editor_required
def refresh(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Read fields, options, lists, users, pipelines and stages of both apps anew."""
    connection = get_connection(request, connection_id)
    try:
        actions.refresh(connection)
        messages.success(request, _("Fields, lists, users, pipelines and stages are up to date."))
    except TidegateError as error:
        messages.error(request, error.user_message)
    return redirect("overview", connection.pk)
