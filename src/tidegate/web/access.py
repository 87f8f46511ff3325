"""Who may see and do what on the pages: signed in, a member of the workspace, and with which role.

A page of another workspace answers 404, as if it did not exist; a page a viewer may look at but not change answers 403.
Times on a page are in the workspace's time zone.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from tidegate.store.models import Connection, Membership, User, Workspace

P = ParamSpec("P")
WORKSPACE_KEY = "workspace_id"


class MemberRequest(HttpRequest):
    """A request of a signed-in member, as `member_required` hands it to a view."""

    user: User
    workspace: Workspace
    membership: Membership
    htmx: HtmxDetails


MemberView = Callable[Concatenate[MemberRequest, P], HttpResponseBase]
PlainView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def member_required(view: MemberView[P]) -> PlainView[P]:
    """Lets members of a workspace in. Strangers are sent to sign in; users without a workspace are told so."""

    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        membership = chosen_membership(request)
        if membership is None:
            return redirect("no-workspace")
        member = cast(MemberRequest, request)
        member.membership, member.workspace = membership, membership.workspace
        with timezone.override(ZoneInfo(membership.workspace.time_zone)):
            return view(member, *args, **kwargs)

    signed_in = cast(PlainView[P], login_required(inner))

    @wraps(view)
    def door(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated and request.headers.get("HX-Request") == "true":
            return HttpResponseClientRefresh()  # the page goes to sign in, not the part that was asked for
        return signed_in(request, *args, **kwargs)

    return cast(PlainView[P], door)


def editor_required(view: MemberView[P]) -> PlainView[P]:
    """Lets owners and admins in; viewers are told that they may only look."""

    @wraps(view)
    def inner(request: MemberRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.membership.may_edit:
            raise PermissionDenied(
                _("You may look at this workspace, but not change it. Ask its owner for the role Admin.")
            )
        return view(request, *args, **kwargs)

    return member_required(cast(MemberView[P], inner))


def chosen_membership(request: HttpRequest) -> Membership | None:
    """The membership of the workspace the user works in: the one chosen last, else the first."""
    memberships = list(
        Membership.objects.filter(user=cast(User, request.user)).select_related("workspace").order_by("pk")
    )
    chosen = request.session.get(WORKSPACE_KEY)
    return next(
        (m for m in memberships if str(m.workspace_id) == chosen), memberships[0] if memberships else None
    )


def get_connection(request: MemberRequest, connection_id: UUID) -> Connection:
    """The connection of this workspace with this id; 404 where it belongs to another one or was disconnected."""
    connection = (
        Connection.objects.select_related("lane", "workspace")
        .filter(pk=connection_id, workspace=request.workspace, disconnected_at=None)
        .first()
    )
    if connection is None:
        raise Http404
    return connection
