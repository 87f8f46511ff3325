"""What somebody should be told of although nobody looks at the pages: a connection that stopped, or that falls behind. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.core.connection import Reason, Status
from tidegate.words import say


class AlertKind(StrEnum):
    RECONNECT = "reconnect"
    """Pipedrive no longer accepts the authorisation."""
    BRAKES = "brakes"
    """The brakes stopped an unusual change."""
    FAILED = "failed"
    """It can't go on as its settings are."""
    BEHIND = "behind"
    """Changes wait, and nothing tells why: no worker, or one that fails over and over."""


BEHIND_AFTER = timedelta(minutes=15)
MAIL_EVERY = timedelta(hours=24)
"""At most one e-mail in so long for each kind of alert of a connection, however often it comes and goes."""


@dataclass(frozen=True, slots=True)
class Alert:
    kind: AlertKind
    text: str
    """What happened and what to do, in words."""


WHAT_TO_DO = {
    AlertKind.RECONNECT: say(
        "Pipedrive no longer accepts the connection, so nothing is synced. Reconnect it on the Integrations "
        "page; what happens meanwhile is kept."
    ),
    AlertKind.BRAKES: say(
        "An unusual change was stopped before it was written. Look at it on the overview, and confirm or drop it."
    ),
    AlertKind.FAILED: say(
        "The connection can’t go on with its settings as they are. Open its settings; what is at fault is marked."
    ),
    AlertKind.BEHIND: say(
        "Changes have been waiting for more than a quarter of an hour, and nothing is known to hold them up. See "
        "whether a worker is running (`tidegate doctor`), and what the server’s log says."
    ),
}


def alerts_of(
    *,
    status: Status,
    reason: Reason,
    reason_text: str,
    oldest_due_at: datetime | None,
    wait_until: datetime | None,
    now: datetime,
) -> list[Alert]:
    """`oldest_due_at`: since when the oldest change could have been followed; `wait_until`: a wait that is known and shown."""
    if reason in (Reason.RECONNECT, Reason.BRAKES):
        return [_alert(AlertKind(reason.value), reason_text)]
    if status is Status.FAILED:
        return [_alert(AlertKind.FAILED, reason_text)]
    waits = wait_until is not None and wait_until > now
    stuck = oldest_due_at is not None and now - oldest_due_at > BEHIND_AFTER
    if status is Status.ACTIVE and stuck and not waits:
        return [_alert(AlertKind.BEHIND, "")]
    return []


def _alert(kind: AlertKind, text: str) -> Alert:
    return Alert(kind, f"{WHAT_TO_DO[kind]} {text}".strip())
