"""What Tidegate remembers. One module a subject; everything is imported from here."""

import tidegate.lookups  # noqa: F401  (registers `any`)
from tidegate.store.models.alerts import Alert
from tidegate.store.models.audit import AuditEntry
from tidegate.store.models.automations import AutomationRun, EmailActivity, RunAction
from tidegate.store.models.brakes import Halt
from tidegate.store.models.connections import Connection, OAuthState
from tidegate.store.models.idempotency import IdempotencyKey
from tidegate.store.models.lanes import OWN_WRITE, Change, Intent, Lane, LedgerDay
from tidegate.store.models.links import (
    KeptApart,
    Link,
    MirrorAddress,
    MirrorOrganization,
    MirrorPerson,
    PersonAlias,
)
from tidegate.store.models.log import Attention, LogEntry
from tidegate.store.models.mail_providers import MailProvider
from tidegate.store.models.oauth_app import OAuthApp
from tidegate.store.models.people import ApiKey, Invitation, Membership, Role, User, Workspace
from tidegate.store.models.sameness import OutOfStep, SamenessCheck
from tidegate.store.models.transfers import PreviewClaim, Transfer, TransferOrganization, TransferRecord

__all__ = [
    "OWN_WRITE",
    "Alert",
    "ApiKey",
    "Attention",
    "AuditEntry",
    "AutomationRun",
    "Change",
    "Connection",
    "EmailActivity",
    "Halt",
    "IdempotencyKey",
    "Intent",
    "Invitation",
    "KeptApart",
    "Lane",
    "LedgerDay",
    "Link",
    "LogEntry",
    "MailProvider",
    "Membership",
    "MirrorAddress",
    "MirrorOrganization",
    "MirrorPerson",
    "OAuthApp",
    "OAuthState",
    "OutOfStep",
    "PersonAlias",
    "PreviewClaim",
    "Role",
    "RunAction",
    "SamenessCheck",
    "Transfer",
    "TransferOrganization",
    "TransferRecord",
    "User",
    "Workspace",
]
