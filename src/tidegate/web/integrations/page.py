"""The Integrations page: the two apps, each connection in the state it is in, and disconnecting."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from tidegate.core.connection import Reason, Status
from tidegate.core.problem import Problem
from tidegate.errors import TidegateError
from tidegate.prospects.models import Prospect, ProspectList
from tidegate.store.models import Connection, Workspace
from tidegate.store.queries import last_write_at, wait_of, writes_today
from tidegate.web.access import MemberRequest, editor_required, get_connection, member_required
from tidegate.web.integrations.permissions import permissions_of
from tidegate.web.mail_providers.sources import last_event, sources_of
from tidegate.web.setup.steps import stepper
from tidegate.wiring import actions
from tidegate.wiring.oauth_only import require_oauth


@member_required
def integrations(request: MemberRequest) -> HttpResponse:
    """What is connected with what, and how it fares."""
    connections = Connection.objects.filter(workspace=request.workspace, disconnected_at=None)
    context = {
        "cards": [
            _card(connection) for connection in connections.select_related("lane").order_by("created_at")
        ],
        "kept": _kept(request.workspace),
        "prospects": Prospect.objects.filter(workspace_id=request.workspace.pk).count(),
        "on_tokens": sum(connection.auth_method == "token" for connection in connections),
        "lists": ProspectList.objects.filter(workspace_id=request.workspace.pk).count(),
        "comes_from": sources_of(request.workspace),
        "last_event": last_event(request.workspace),
    }
    return render(request, "web/integrations/integrations.html", context)


def _kept(workspace: Workspace) -> QuerySet[Connection]:
    """What a disconnect left here, to come back with the same company: counted only where a page shows it."""
    ended = Connection.objects.filter(workspace=workspace, disconnected_at__isnull=False)
    return ended.annotate(kept_links=Count("links")).order_by("-disconnected_at")


def _card(connection: Connection) -> dict[str, object]:
    """A connection's card: which of the states of the page it shows."""
    settings = connection.get_settings()
    waits = connection.status == Status.FAILED or connection.reason == Reason.INCOMPLETE
    is_new = connection.launched_at is None
    problems = actions.problems(connection) if waits or is_new else []
    return {
        "connection": connection,
        "state": card_state(connection),
        "direction": settings.direction,
        "open": connection.is_live,
        "problems": problems if waits else [],
        **(_steps(connection, problems) if is_new else {}),
        "transfer": connection.transfers.filter(state__in=["running", "paused"]).first(),
        "wait": wait_of(connection),
        "waiting": connection.changes.filter(done_at=None).count(),
        "permissions": permissions_of(connection),
        "last": last_write_at(connection),
        "today": sum(writes_today(connection, timezone.now()).values()),
    }


def _steps(connection: Connection, problems: Sequence[Problem]) -> dict[str, int]:
    """How far the set-up is."""
    steps = stepper(connection, "review", problems)["steps"]
    return {"steps": len(steps), "steps_done": sum(step.is_done for step in steps)}


def card_state(connection: Connection) -> str:
    """new, paused, reconnect, brakes, active, syncing or failed: each has its own text and way on."""
    if connection.status == Status.PAUSED:
        if connection.reason in (Reason.RECONNECT, Reason.BRAKES):
            return connection.reason
        return "new" if connection.launched_at is None else "paused"
    return connection.status


@editor_required
def disconnect(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Asks first, then gives Pipedrive its access back. Links and history stay."""
    connection = get_connection(request, connection_id)
    if request.method != "POST":
        context = {
            "connection": connection,
            "links": connection.links.count(),
            "entries": connection.log.count(),
        }
        return render(request, "web/integrations/disconnect.html", context)
    delete_history = bool(request.POST.get("delete_history"))
    try:
        actions.disconnect(connection, actor=str(request.user), delete_history=delete_history)
    except TidegateError as error:
        messages.error(request, error.user_message)
    else:
        messages.success(request, _DELETED if delete_history else _KEPT)
    return redirect("integrations")


_KEPT = gettext_lazy("Pipedrive is disconnected. Nothing was deleted in either app.")
_DELETED = gettext_lazy(
    "Pipedrive is disconnected, and its links and history are deleted. Nothing was deleted in either app."
)


@require_POST
@editor_required
def oauth_only(request: MemberRequest) -> HttpResponse:
    """Requires signing in at Pipedrive from now on, or lets personal tokens connect again."""
    required = request.POST.get("required") == "yes"
    count = require_oauth(request.workspace, required, actor=str(request.user))
    if required:
        text = ngettext(
            "Signing in at Pipedrive is required now. %(count)d connection on a token waits to be reconnected.",
            "Signing in at Pipedrive is required now. %(count)d connections on a token wait to be reconnected.",
            count,
        )
    else:
        text = ngettext(
            "Personal API tokens may connect again. %(count)d connection can be resumed.",
            "Personal API tokens may connect again. %(count)d connections can be resumed.",
            count,
        )
    messages.success(request, text % {"count": count})
    return redirect("integrations")
