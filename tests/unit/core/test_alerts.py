"""What somebody is told of although nobody looks."""

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.core.alerts import BEHIND_AFTER, WHAT_TO_DO, AlertKind, alerts_of
from tidegate.core.connection import Reason, Status

NOW = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - BEHIND_AFTER - timedelta(seconds=1)


def kinds(
    status: Status = Status.ACTIVE,
    reason: Reason = Reason.NONE,
    *,
    oldest: datetime | None = None,
    wait: datetime | None = None,
) -> list[AlertKind]:
    found = alerts_of(
        status=status, reason=reason, reason_text="", oldest_due_at=oldest, wait_until=wait, now=NOW
    )
    return [alert.kind for alert in found]


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (Status.PAUSED, Reason.RECONNECT, [AlertKind.RECONNECT]),
        (Status.PAUSED, Reason.BRAKES, [AlertKind.BRAKES]),
        (Status.FAILED, Reason.INCOMPLETE, [AlertKind.FAILED]),
        (Status.FAILED, Reason.NONE, [AlertKind.FAILED]),
        (Status.PAUSED, Reason.NONE, []),
        (Status.PAUSED, Reason.NEW, []),
        (Status.ACTIVE, Reason.NONE, []),
        (Status.SYNCING, Reason.NONE, []),
    ],
)
def test_a_connection_that_stopped_by_itself_is_told_and_one_that_a_member_paused_is_not(
    status: Status, reason: Reason, expected: list[AlertKind]
) -> None:
    assert kinds(status, reason) == expected
    assert kinds(status, reason, oldest=None, wait=NOW + timedelta(hours=1)) == expected


@pytest.mark.parametrize(
    ("status", "oldest", "wait", "behind"),
    [
        (Status.ACTIVE, LONG_AGO, None, True),
        (Status.ACTIVE, LONG_AGO, NOW - timedelta(minutes=1), True),
        (Status.ACTIVE, LONG_AGO, NOW + timedelta(hours=9), False),
        (Status.ACTIVE, NOW - BEHIND_AFTER, None, False),
        (Status.ACTIVE, None, None, False),
        (Status.SYNCING, LONG_AGO, None, False),
        (Status.PAUSED, LONG_AGO, None, False),
    ],
)
def test_what_waits_without_a_known_reason_is_behind(
    status: Status, oldest: datetime | None, wait: datetime | None, behind: bool
) -> None:
    assert kinds(status, oldest=oldest, wait=wait) == ([AlertKind.BEHIND] if behind else [])


def test_every_kind_says_what_to_do_and_the_reason_is_told_along() -> None:
    assert set(WHAT_TO_DO) == set(AlertKind)
    (alert,) = alerts_of(
        status=Status.FAILED,
        reason=Reason.INCOMPLETE,
        reason_text="The list is gone.",
        oldest_due_at=None,
        wait_until=None,
        now=NOW,
    )
    assert alert.text.endswith("The list is gone.")
