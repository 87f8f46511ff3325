"""Who is in the workspace with which role, and who is invited. A key with the scope `admin` acts with an owner's rights."""

from typing import Annotated, Self
from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.idempotency import outside_transaction
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import Answer, Body, Id, Moment
from tidegate.store.members import (
    Actor,
    change_role,
    get_member,
    remove_member,
    withdraw_invitation,
)
from tidegate.store.models import Invitation, Membership, Role
from tidegate.wiring.members import Invited, invite_member

router = Router(tags=["Workspace"])
invitations = Router(tags=["Workspace"])

GivenRole = Annotated[str, Field(examples=["viewer"], description=f"One of {', '.join(Role.values)}.")]


class MemberPatch(Body):
    role: GivenRole


class NewInvitation(Body):
    email: str = Field(max_length=254, examples=["maja@northlight.example"])
    role: GivenRole


class MemberAnswer(Answer):
    id: Id
    name: str
    email: str
    role: str
    last_sign_in_at: Moment | None

    @classmethod
    def of(cls, row: Membership) -> Self:
        user = row.user
        return cls(
            id=str(row.pk),
            name=user.name,
            email=user.email,
            role=row.role,
            last_sign_in_at=user.last_login,
        )


class InvitationAnswer(Answer):
    id: Id
    email: str
    role: str
    invited_by: str
    created_at: Moment
    expires_at: Moment = Field(description="Until when its link works.")


class InvitationMade(InvitationAnswer):
    url: str = Field(
        description="The link by which this person joins, once. It is told this once: whoever holds it can join."
    )
    mailed: bool = Field(description="Whether the link was also sent to the address.")

    @classmethod
    def of(cls, made: Invited) -> Self:
        facts = InvitationAnswer.model_validate(made.invitation).model_dump()
        return cls(**facts, url=made.url, mailed=made.mailed)


@router.get("", auth=needs(Scope.READ), response=Page[MemberAnswer], summary="List the members")
def list_members(request: ApiRequest, page: Query[PageQuery]) -> Page[MemberAnswer]:
    rows = Membership.objects.filter(workspace=request.auth.workspace_id).select_related("user")
    return page_of(rows, page, MemberAnswer.of)


@router.get("/{member_id}", auth=needs(Scope.READ), response=MemberAnswer, summary="Get a member")
def read_member(request: ApiRequest, member_id: int) -> MemberAnswer:
    return MemberAnswer.of(get_member(request.auth.workspace, member_id))


@router.patch(
    "/{member_id}", auth=needs(Scope.ADMIN), response=MemberAnswer, summary="Give a member another role"
)
def patch_member(request: ApiRequest, member_id: int, patch: MemberPatch) -> MemberAnswer:
    """The only owner stays one (409)."""
    return MemberAnswer.of(change_role(request.auth.workspace, member_id, patch.role, actor=_actor(request)))


@router.delete("/{member_id}", auth=needs(Scope.ADMIN), response={204: None}, summary="Remove a member")
def delete_member(request: ApiRequest, member_id: int) -> Answered[None]:
    """They are out at once. Their account stays, and so do the workspace's API keys. The only owner stays (409)."""
    remove_member(request.auth.workspace, member_id, actor=_actor(request))
    return Answered(204, None)


@invitations.get(
    "", auth=needs(Scope.READ), response=Page[InvitationAnswer], summary="List the open invitations"
)
def list_invitations(request: ApiRequest, page: Query[PageQuery]) -> Page[InvitationAnswer]:
    rows = Invitation.objects.filter(workspace=request.auth.workspace_id)
    return page_of(rows, page, InvitationAnswer.model_validate, order=("created_at", "pk"))


@invitations.post("", auth=needs(Scope.ADMIN), response={201: InvitationMade}, summary="Invite somebody")
@outside_transaction
def create_invitation(request: ApiRequest, new: NewInvitation) -> Answered[InvitationMade]:
    """Where the server has a mail server the link is sent there too. An invitation of this address from before ends."""
    made = invite_member(request.auth.workspace, new.email, new.role, actor=_actor(request))
    return Answered(201, InvitationMade.of(made))


@invitations.delete(
    "/{invitation_id}", auth=needs(Scope.ADMIN), response={204: None}, summary="Withdraw an invitation"
)
def delete_invitation(request: ApiRequest, invitation_id: UUID) -> Answered[None]:
    """Its link stops working at once."""
    withdraw_invitation(request.auth.workspace, invitation_id, actor=_actor(request))
    return Answered(204, None)


def _actor(request: ApiRequest) -> Actor:
    return Actor(actor(request), Role.OWNER)
