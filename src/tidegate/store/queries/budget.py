"""The API budget of a company as a reader sees it: what each feature spent of it today, and when it starts again.

What other apps spend is not known here. The budget's day is the UTC day, as in the ledger.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone

from tidegate.store.budget import daily_budget
from tidegate.store.models import Lane


@dataclass(frozen=True, slots=True)
class Budget:
    """A company's API budget of today, as far as we know it: what other apps spend is not in it."""

    total: int
    reserve_percent: int
    by_feature: dict[str, int]

    @property
    def used(self) -> int:
        return sum(self.by_feature.values())

    @property
    def reserve(self) -> int:
        """Tokens that are left to people and other apps."""
        return self.total * self.reserve_percent // 100


def budget_today(lane: Lane) -> Budget:
    return Budget(daily_budget(lane), lane.reserve_percent, tokens_today(lane))


def tokens_today(lane: Lane) -> dict[str, int]:
    """Feature -> tokens it spent since the budget's day began; features that spent nothing are left out."""
    day = timezone.now().astimezone(UTC).date()
    spent = lane.ledger.filter(day=day, tokens__gt=0).values_list("feature", "tokens").order_by("feature")
    return dict(spent)


def budget_starts_again(now: datetime) -> datetime:
    """When the day's budget is filled again: the next midnight of the ledger's day."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def is_waiting(lane: Lane) -> bool:
    """Whether the lane's work waits for Pipedrive or for the budget."""
    return lane.wait_until is not None and lane.wait_until > timezone.now()
