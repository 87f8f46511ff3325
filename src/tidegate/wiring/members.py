"""Invitations with their links, and their way to whoever is invited: by e-mail where there is a server, else by hand."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from tidegate.config import config
from tidegate.store.members import INVITATION_LASTS, Actor, invite
from tidegate.store.models import Invitation, Role, Workspace
from tidegate.wiring import mail


@dataclass(frozen=True, slots=True)
class Invited:
    invitation: Invitation
    url: str
    """Shown once: the server keeps only a hash of its secret."""
    mailed: bool


def invite_member(workspace: Workspace, email: str, role: str, *, actor: Actor) -> Invited:
    """An invitation and its link, e-mailed where there is a mail server that takes it. Raises Invalid and Conflict."""
    invitation, secret = invite(workspace, email, role, actor=actor)
    url = config.public_url + reverse("join", args=[secret])
    return Invited(invitation, url, mailed=bool(config.mail_server) and _mail(invitation, url))


def _mail(invitation: Invitation, url: str) -> bool:
    facts = {
        "by": invitation.invited_by,
        "workspace": " ".join(invitation.workspace.name.split()),
        "role": Role(invitation.role).label,
        "days": INVITATION_LASTS.days,
    }
    return mail.send(
        "invitation",
        invitation.email,
        subject=_("Tidegate: you are invited to %(workspace)s") % facts,
        paragraphs=[
            _("%(by)s invites you to the workspace “%(workspace)s” as %(role)s.") % facts,
            url,
            _("The link works once, for %(days)d days. If you don’t expect it, do nothing.") % facts,
        ],
        to=[invitation.email],
    )
