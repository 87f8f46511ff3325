"""The API budget of a company as a reader sees it: what each feature spent of it today, and when it starts again.

What other apps spend is not known here. The budget's day is the UTC day, as in the ledger.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from django.utils import timezone

from tidegate.store.budget import daily_budget
from tidegate.store.models import Lane, LedgerDay


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


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the company's features spent on one day (UTC)."""

    day: date
    tokens: dict[str, int]
    requests: int

    @property
    def total(self) -> int:
        return sum(self.tokens.values())


def ledger(lane: Lane, *, days: int) -> list[LedgerEntry]:
    """The last `days` days, the newest first; days without a call are left out."""
    since = timezone.now().astimezone(UTC).date() - timedelta(days=days - 1)
    rows = lane.ledger.filter(day__gte=since).order_by("-day", "feature")
    return [_entry(day, list(found)) for day, found in groupby(rows, key=lambda row: row.day)]


def _entry(day: date, rows: list[LedgerDay]) -> LedgerEntry:
    return LedgerEntry(day, {row.feature: row.tokens for row in rows}, sum(row.requests for row in rows))


def budget_starts_again(now: datetime) -> datetime:
    """When the day's budget is filled again: the next midnight of the ledger's day."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def is_waiting(lane: Lane) -> bool:
    """Whether the lane's work waits for Pipedrive or for the budget."""
    return lane.wait_until is not None and lane.wait_until > timezone.now()
