"""How often Pipedrive is looked at for what its webhooks did not tell, by how they fare and by what is left of the budget.

A look costs 20 tokens when nothing happened. Pure.
"""

from datetime import datetime, timedelta
from enum import StrEnum


class Webhooks(StrEnum):
    """How Pipedrive's webhooks fare."""

    WORKING = "working"
    SUSPECT = "suspect"
    """They are in place, and one did not come, or not at the first try: a ban, or a loss on the way."""
    ABSENT = "absent"
    """They could not be put in place, or are silent for so long that nobody waits for them."""


EVERY = {
    Webhooks.WORKING: timedelta(hours=1),
    Webhooks.SUSPECT: timedelta(minutes=5),
    Webhooks.ABSENT: timedelta(minutes=10),
}
BAN = timedelta(minutes=30)
"""So long Pipedrive sends a webhook nothing once ten first attempts at it failed, and what happens meanwhile is lost. The others
go on, so that a delivery of theirs proves nothing."""
SUSPECT_FOR = timedelta(hours=2)
"""What is still silent after so long is looked after at the pace of a server without webhooks."""
QUIET_AFTER = timedelta(hours=1)
"""A suspicion is dropped when nothing was missed for so long."""
ASTRAY_AFTER = timedelta(minutes=1)
"""So much later than our last delivery one must have been taken to be none of ours."""
SCARCE_SHARE = 0.8
"""Where so much of our share of the day's budget is spent, looks are made a third as often: live writes go first."""
LIST_EVERY = {
    Webhooks.WORKING: timedelta(hours=6),
    Webhooks.SUSPECT: timedelta(minutes=15),
    Webhooks.ABSENT: timedelta(hours=1),
}
"""How often the webhooks themselves are listed (10 tokens) and mended."""


def webhooks_fare(*, problem: str, suspected_at: datetime | None, now: datetime) -> Webhooks:
    if problem:
        return Webhooks.ABSENT
    if suspected_at is None:
        return Webhooks.WORKING
    return Webhooks.SUSPECT if now - suspected_at <= SUSPECT_FOR else Webhooks.ABSENT


def check_every(fare: Webhooks, *, spent_share: float = 0.0) -> timedelta:
    """`spent_share`: how much of our own share of the day's budget is spent, 0 to 1."""
    return EVERY[fare] * (3 if spent_share >= SCARCE_SHARE else 1)


def list_webhooks_now(
    *, checked_at: datetime | None, suspected_at: datetime | None, fare: Webhooks, now: datetime
) -> bool:
    """At once where a suspicion is newer than the last list."""
    if checked_at is None or (suspected_at is not None and checked_at < suspected_at):
        return True
    return now - checked_at > LIST_EVERY[fare]


def suspicion_is_over(*, suspected_at: datetime, last_delivery_at: datetime | None, now: datetime) -> bool:
    """After a look that found nothing missed: no ban can last any more, and deliveries arrive again, or there was nothing to
    tell for a good while."""
    age = now - suspected_at
    arrives = last_delivery_at is not None and last_delivery_at > suspected_at
    return age > BAN and (arrives or age > QUIET_AFTER)


def goes_astray(*, taken_at: datetime | None, arrived_at: datetime | None) -> bool:
    """Pipedrive says that a delivery was taken, and none came here: another answers in our place, or our memory is of a backup."""
    return taken_at is not None and (arrived_at is None or taken_at - arrived_at > ASTRAY_AFTER)
