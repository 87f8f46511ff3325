"""Who is in a workspace: invited, let in, given another role, removed. Who may do it to whom is `Role.manages`.

The rows of a workspace's members are locked before one of them changes: of two requests at once the second one sees what
the first one left, so that no workspace is ever without an owner.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.store.audit import Act, note
from tidegate.store.keys import digest_of
from tidegate.store.models import Invitation, Membership, OAuthState, Role, User, Workspace
from tidegate.words import say

INVITATION_LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the name that logs show, and with whose rights."""

    name: str
    role: Role


# --- Invitations


@transaction.atomic
def invite(workspace: Workspace, email: str, role: str, *, actor: Actor) -> tuple[Invitation, str]:
    """An invitation and the secret of its link, which nobody can read again. The one before for this address ends.

    Raises Invalid by field, and Conflict where an owner invited the address to be an owner and the actor is none.
    """
    address = email.strip().lower()
    errors = {"email": _wrong_with_address(workspace, address), "role": _wrong_with_role(role, actor)}
    if any(errors.values()):
        raise Invalid(errors={field: texts for field, texts in errors.items() if texts})
    before = Invitation.objects.select_for_update().filter(workspace=workspace, email=address).first()
    if before is not None:
        _check_manages(actor, before.role)
    secret = secrets.token_urlsafe(32)
    now = timezone.now()
    facts = {
        "role": role,
        "digest": digest_of(secret),
        "invited_by": actor.name[:200],
        "created_at": now,
        "expires_at": now + INVITATION_LASTS,
    }
    invitation, _ = Invitation.objects.update_or_create(workspace=workspace, email=address, defaults=facts)
    note(workspace.pk, Act.INVITED, actor=actor.name, subject=address, after={"role": role})
    return invitation, secret


def _wrong_with_address(workspace: Workspace, address: str) -> list[str]:
    try:
        validate_email(address)
    except ValidationError:
        return [say("Enter a full address, such as maja@northlight.example")]
    if len(address) > 254:
        return [say("An address has 254 characters at most.")]
    if Membership.objects.filter(workspace=workspace, user__email=address).exists():
        return [say("{address} is a member already.", address=address)]
    return []


def _wrong_with_role(role: str, actor: Actor) -> list[str]:
    if role not in Role.values:
        return [say("Must be one of {choices}.", choices=", ".join(Role.values))]
    if not actor.role.manages(role):
        return [say("Only an owner can make owners.")]
    return []


@transaction.atomic
def withdraw_invitation(workspace: Workspace, invitation_id: UUID, *, actor: Actor) -> Invitation:
    """Its link stops working at once. Raises NotFound, and Conflict where it is for an owner and the actor is none."""
    found = Invitation.objects.select_for_update().filter(workspace=workspace, pk=invitation_id).first()
    if found is None:
        raise NotFound(say("There is no such invitation here. It may have been accepted meanwhile."))
    _check_manages(actor, found.role)
    Invitation.objects.filter(pk=found.pk).delete()
    note(workspace.pk, Act.INVITATION_WITHDRAWN, actor=actor.name, subject=found.email)
    return found


def find_invitation(secret: str) -> Invitation:
    """The open invitation with this secret. Raises NotFound where there is none, or its time is over."""
    found = Invitation.objects.select_related("workspace").filter(digest=digest_of(secret)).first()
    return _open(found)


def _open(found: Invitation | None) -> Invitation:
    if found is None:
        raise NotFound(say("This invitation was used, withdrawn or replaced by a newer one."))
    if found.is_over:
        raise NotFound(say("This invitation’s time is over."))
    return found


@transaction.atomic
def accept_invitation(secret: str, user: User) -> Membership:
    """The user with the invited address joins. Who is a member already keeps their role. Raises NotFound and Conflict."""
    invitation = _claim(secret)
    if user.email != invitation.email:
        raise Conflict(say("This invitation is for {email}.", email=invitation.email))
    defaults = {"role": invitation.role}
    member, _ = Membership.objects.get_or_create(workspace=invitation.workspace, user=user, defaults=defaults)
    _note_joined(invitation, member)
    invitation.delete()
    return member


@transaction.atomic
def accept_as_new_user(secret: str, *, name: str, password: str) -> Membership:
    """Somebody new joins. Raises NotFound, and Conflict where the address has an account meanwhile."""
    invitation = _claim(secret)
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name)
    except IntegrityError as error:
        raise Conflict(
            say("{email} has an account already. Sign in to join.", email=invitation.email)
        ) from error
    member = Membership.objects.create(workspace=invitation.workspace, user=user, role=invitation.role)
    _note_joined(invitation, member)
    invitation.delete()
    return member


def _note_joined(invitation: Invitation, member: Membership) -> None:
    facts = {"role": member.role, "invited_by": invitation.invited_by}
    note(member.workspace_id, Act.JOINED, actor=str(member.user), subject=invitation.email, after=facts)


def _claim(secret: str) -> Invitation:
    """Of two who use a link at once, the second one waits here and then finds it used."""
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("workspace")
    return _open(rows.filter(digest=digest_of(secret)).first())


# --- Members


@transaction.atomic
def change_role(workspace: Workspace, member_id: int, role: str, *, actor: Actor) -> Membership:
    """Raises NotFound, Invalid for a role the actor can't give, Conflict where the member is beyond the actor or the last owner."""
    member = _locked(workspace, member_id, actor)
    if wrong := _wrong_with_role(role, actor):
        raise Invalid(errors={"role": wrong})
    if role != Role.OWNER:
        _check_another_owner(member)
    if role == Role.VIEWER:
        _end_sign_ins_at_pipedrive(member)
    before, member.role = member.role, Role(role)
    member.save(update_fields=["role"])
    if before != role:
        note(
            workspace.pk,
            Act.ROLE_CHANGED,
            actor=actor.name,
            subject=member.user.email,
            before={"role": before},
            after={"role": role},
        )
    return member


@transaction.atomic
def remove_member(workspace: Workspace, member_id: int, *, actor: Actor) -> Membership:
    """Out at once, wherever they are signed in. Their account stays, and so does what they made, API keys as well.

    Raises NotFound, and Conflict where the member is beyond the actor or the last owner.
    """
    member = _locked(workspace, member_id, actor)
    _check_another_owner(member)
    _end_sign_ins_at_pipedrive(member)
    Membership.objects.filter(pk=member.pk).delete()
    before = {"role": member.role}
    note(workspace.pk, Act.MEMBER_REMOVED, actor=actor.name, subject=member.user.email, before=before)
    return member


def _end_sign_ins_at_pipedrive(member: Membership) -> None:
    """What they began to connect can't be finished: on the way back only the state says which workspace it is about."""
    OAuthState.objects.filter(workspace=member.workspace_id, user=member.user_id).delete()


def get_member(workspace: Workspace, member_id: int) -> Membership:
    """Raises NotFound, also for another workspace's."""
    return _one_of(Membership.objects.select_related("user").filter(workspace=workspace), member_id)


def _locked(workspace: Workspace, member_id: int, actor: Actor) -> Membership:
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user")
    member = _one_of(rows.filter(workspace=workspace).order_by("pk"), member_id)
    _check_manages(actor, member.role)
    return member


def _one_of(rows: Iterable[Membership], member_id: int) -> Membership:
    found = next((row for row in rows if row.pk == member_id), None)
    if found is None:
        raise NotFound(say("There is no such member here."))
    return found


def _check_manages(actor: Actor, role: str) -> None:
    if not actor.role.manages(role):
        raise Conflict(say("Only an owner can change or remove owners and their invitations."))


def _check_another_owner(member: Membership) -> None:
    owners = Membership.objects.filter(workspace=member.workspace_id, role=Role.OWNER)
    if member.role == Role.OWNER and not owners.exclude(pk=member.pk).exists():
        raise Conflict(say("This is the workspace’s only owner. Make somebody else an owner first."))
