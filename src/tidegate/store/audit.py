"""The audit log: each deed of a member or a program is noted in the transaction that carries it out."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from tidegate.store.models import AuditEntry, Connection


class Act(StrEnum):
    """What was done."""

    CONNECTED = "connected"
    RECONNECTED = "reconnected"
    DISCONNECTED = "disconnected"
    LAUNCHED = "launched"
    PAUSED = "paused"
    RESUMED = "resumed"
    HALT_CONFIRMED = "halt_confirmed"
    HALT_DROPPED = "halt_dropped"
    CLOSED_UNSUBSCRIBED = "closed_unsubscribed"
    SETTINGS_SAVED = "settings_saved"
    BUDGET_SET = "budget_set"
    OAUTH_REQUIRED = "oauth_required"
    TRANSFER_STARTED = "transfer_started"
    UNDO_STARTED = "undo_started"
    INVITED = "invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    JOINED = "joined"
    ROLE_CHANGED = "role_changed"
    MEMBER_REMOVED = "member_removed"
    API_KEY_MADE = "api_key_made"
    API_KEY_REVOKED = "api_key_revoked"
    MAIL_PROVIDER_ADDED = "mail_provider_added"
    MAIL_PROVIDER_RENEWED = "mail_provider_renewed"
    SIGNING_KEY_ENTERED = "signing_key_entered"
    MAIL_PROVIDER_REMOVED = "mail_provider_removed"


def note(
    workspace_id: UUID,
    act: Act,
    *,
    actor: str,
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """In the caller's transaction. `before` and `after` hold JSON without secrets; only what differs is kept."""
    earlier, later = dict(before or {}), dict(after or {})
    same = {name for name in earlier.keys() & later.keys() if earlier[name] == later[name]}
    AuditEntry.objects.create(
        workspace_id=workspace_id,
        act=act.value,
        actor=actor[:200],
        subject=subject[:300],
        before={name: value for name, value in earlier.items() if name not in same},
        after={name: value for name, value in later.items() if name not in same},
    )


_BY_HAND = (
    Act.CONNECTED, Act.RECONNECTED, Act.LAUNCHED, Act.PAUSED, Act.RESUMED, Act.HALT_CONFIRMED, Act.HALT_DROPPED,
)  # fmt: skip
"""What may change a connection's status."""


def last_pause(connection: Connection) -> AuditEntry | None:
    """Who paused the connection and when; None where something else was done to it since."""
    done = AuditEntry.objects.filter(workspace_id=connection.workspace_id, act__in=_BY_HAND)
    last = done.filter(subject=connection.company_name).order_by("-id").first()
    return last if last is not None and last.act == Act.PAUSED else None
