"""Where a visitor is led first, the rail's own status, and the choice of a workspace."""

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST

from tidegate.store.models import Connection, Membership, User, Workspace
from tidegate.web.access import WORKSPACE_KEY, MemberRequest, member_required


def home(request: HttpRequest) -> HttpResponseBase:
    """The start page: first run while there is no user, else what the member has to look at."""
    if not request.user.is_authenticated and not User.objects.exists():
        return redirect("first-run")
    return _start(request)


@member_required
def _start(request: MemberRequest) -> HttpResponse:
    launched = first_launched(request.workspace)
    if launched is None:
        return redirect("integrations")
    try:
        return redirect(reverse("overview", args=[launched.pk]))
    except NoReverseMatch:
        return redirect("integrations")


def first_launched(workspace: Workspace) -> Connection | None:
    """The connection whose overview a member of this workspace starts with."""
    connections = Connection.objects.filter(workspace=workspace, disconnected_at=None)
    return connections.exclude(launched_at=None).order_by("created_at").first()


@member_required
def sync_status(request: MemberRequest) -> HttpResponse:
    """The status in the rail, asked for every 15 seconds. `connection` names the one the page is about."""
    context = {}
    try:
        wanted = UUID(request.GET.get("connection", ""))
    except ValueError:
        wanted = None
    if wanted:
        context["rail_connection"] = Connection.objects.filter(
            pk=wanted, workspace=request.workspace, disconnected_at=None
        ).first()
    return render(request, "web/parts/sync_status.html", context)


@require_POST
@login_required
def choose_workspace(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("workspace", "")
    if not any(
        str(m.workspace_id) == chosen for m in Membership.objects.filter(user=cast(User, request.user))
    ):
        raise Http404
    request.session[WORKSPACE_KEY] = chosen
    return redirect("home")


@login_required
def no_workspace(request: HttpRequest) -> HttpResponse:
    """For a signed-in user whom nobody has let into a workspace yet."""
    if Membership.objects.filter(user=cast(User, request.user)).exists():
        return redirect("home")
    return render(request, "web/no_workspace.html", status=403)
