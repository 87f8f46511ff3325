"""What the engine asks of the world: Protocols, and the plain shapes that cross them.

Implementations: `adapters.pipedrive` (Crm), `adapters.outreach` (OutreachApp), `store` (the rest). `tidegate.testing`
ships an in-memory implementation of each, held to the same contract tests. Ports that reach over the network are async;
those that reach our own database are plain functions, which the engine runs on a worker thread.
"""

from tidegate.ports.brakes import Example, Stopped
from tidegate.ports.checks import CheckPage, CheckState, OutOfStep
from tidegate.ports.clock import Clock, RunStep
from tidegate.ports.crm import (
    Account,
    Crm,
    Happening,
    Organization,
    OrganizationPage,
    Webhook,
    WebhookRequest,
)
from tidegate.ports.links import (
    ASKED,
    LEAVE,
    Change,
    Intent,
    LinkToSave,
    LogLine,
    Question,
    StoredLink,
)
from tidegate.ports.memory import Hold, IndexState, Memory, Results
from tidegate.ports.oauth import Authorizer, Credentials, Tokens
from tidegate.ports.outreach import UNCHANGED, EventPage, OutreachApp, Page, Unchanged
from tidegate.ports.quota import Feature, Quota
from tidegate.ports.runs import ActionResult, EmailActivityRow, Look, RunToBegin, StoredAction, StoredRun
from tidegate.ports.schedule import Schedule, Serving
from tidegate.ports.transfers import Claim, DoneRow, Outcome, PreviewPage, TransferState

__all__ = [
    "ASKED",
    "LEAVE",
    "UNCHANGED",
    "Account",
    "ActionResult",
    "Authorizer",
    "Change",
    "CheckPage",
    "CheckState",
    "Claim",
    "Clock",
    "Credentials",
    "Crm",
    "DoneRow",
    "EmailActivityRow",
    "EventPage",
    "Example",
    "Feature",
    "Happening",
    "Hold",
    "IndexState",
    "Intent",
    "LinkToSave",
    "LogLine",
    "Look",
    "Memory",
    "Organization",
    "OrganizationPage",
    "OutOfStep",
    "Outcome",
    "OutreachApp",
    "Page",
    "PreviewPage",
    "Question",
    "Quota",
    "Results",
    "RunStep",
    "RunToBegin",
    "Schedule",
    "Serving",
    "Stopped",
    "StoredAction",
    "StoredLink",
    "StoredRun",
    "Tokens",
    "TransferState",
    "Unchanged",
    "Webhook",
    "WebhookRequest",
]
