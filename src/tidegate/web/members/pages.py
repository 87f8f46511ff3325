"""The page of the workspace's members: who is in, who is invited, with which role. Viewers see it and change nothing."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tidegate.errors import Conflict, Invalid
from tidegate.store.members import (
    Actor,
    change_role,
    get_member,
    remove_member,
    withdraw_invitation,
)
from tidegate.store.models import Invitation, Membership, Role
from tidegate.web.access import MemberRequest, editor_required, member_required
from tidegate.web.said import said
from tidegate.wiring.members import Invited, invite_member


@member_required
def members(request: MemberRequest) -> HttpResponse:
    return _page(request)


@require_POST
@never_cache
@editor_required
def invite(request: MemberRequest) -> HttpResponse:
    """The answer shows the link, this once."""
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    try:
        made = invite_member(request.workspace, email, role, actor=_actor(request))
    except Invalid as error:
        return _page(request, errors=error.errors, given={"email": email, "role": role})
    except Conflict as error:
        return _page(request, errors={"email": [error.user_message]}, given={"email": email, "role": role})
    return _page(request, made=made)


@require_POST
@editor_required
def withdraw(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    try:
        gone = withdraw_invitation(request.workspace, invitation_id, actor=_actor(request))
    except Conflict as error:
        messages.error(request, error.user_message)
    else:
        messages.success(
            request,
            _("The invitation of %(email)s is withdrawn. Its link works no more.") % {"email": gone.email},
        )
    return redirect("members")


@require_POST
@editor_required
def role(request: MemberRequest, member_id: int) -> HttpResponse:
    try:
        member = change_role(
            request.workspace, member_id, request.POST.get("role", ""), actor=_actor(request)
        )
    except Invalid as error:
        messages.error(request, error.errors["role"][0])
    except Conflict as error:
        messages.error(request, error.user_message)
    else:
        facts = {"name": str(member.user), "role": said(Role(member.role).label)}
        messages.success(request, _("%(name)s has the role %(role)s now.") % facts)
    return redirect("members")


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def remove(request: MemberRequest, member_id: int) -> HttpResponse:
    """Asked first. Whoever removes themselves is led to what is left to them."""
    if request.method != "POST":
        member = get_member(request.workspace, member_id)
        return render(
            request, "web/members/remove.html", {"member": member, "myself": _is_self(request, member)}
        )
    try:
        member = remove_member(request.workspace, member_id, actor=_actor(request))
    except Conflict as error:
        messages.error(request, error.user_message)
        return redirect("members")
    if _is_self(request, member):
        return redirect("home")
    messages.success(request, _("%(name)s is no longer a member.") % {"name": str(member.user)})
    return redirect("members")


def _actor(request: MemberRequest) -> Actor:
    return Actor(str(request.user), Role(request.membership.role))


def _is_self(request: MemberRequest, member: Membership) -> bool:
    return member.user_id == request.user.pk


def _page(
    request: MemberRequest,
    *,
    made: Invited | None = None,
    errors: dict[str, list[str]] | None = None,
    given: dict[str, str] | None = None,
) -> HttpResponse:
    mine = Role(request.membership.role)
    rows = Membership.objects.filter(workspace=request.workspace).select_related("user").order_by("pk")
    invitations = Invitation.objects.filter(workspace=request.workspace).order_by("created_at", "pk")
    only_owner = [member.role for member in rows].count(Role.OWNER) == 1
    context = {
        "rows": [_row(request, member, only_owner and member.role == Role.OWNER) for member in rows],
        "invitations": [
            {"invitation": invitation, "manageable": mine.manages(invitation.role)}
            for invitation in invitations
        ],
        "roles": [each for each in Role if mine.manages(each)],
        "made": made,
        "errors": errors or {},
        "given": given or {"email": "", "role": Role.VIEWER},
    }
    return render(request, "web/members/members.html", context, status=422 if errors else 200)


def _row(request: MemberRequest, member: Membership, is_last_owner: bool) -> dict[str, object]:
    manages = Role(request.membership.role).manages(member.role)
    return {
        "member": member,
        "manageable": manages and not is_last_owner,
        "last_owner": is_last_owner,
        "myself": _is_self(request, member),
    }
