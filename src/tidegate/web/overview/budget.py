"""The day's API budget as the staff gauge shows it: percentages for the SVG, and what the key names.

Only what our own ledger knows: what other apps spend is nobody's to guess here.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.store.queries import Budget, budget_starts_again

FEATURES: dict[str, str | Promise] = {
    "live": _("Live sync"),
    "automation": _("Automations"),
    "history": _("E-mail history"),
    "transfer": _("Transfers"),
    "check": _("Regular checks"),
    "setup": _("Setting up"),
}


@dataclass(frozen=True, slots=True)
class Gauge:
    used: int
    total: int
    reserve: int
    starts_in: float
    """Seconds until the budget is whole again."""
    parts: tuple[tuple[str | Promise, int], ...]
    """What the tokens went to, the most first."""
    planned: int = 0
    """What the transfer on this page is going to spend yet."""

    @property
    def planned_width(self) -> str:
        """Drawn behind what is used, as far as the day's budget goes: the rest is spent on later days."""
        return _percent(min(self.planned, max(self.total - self.used, 0)), self.total)

    @property
    def own_width(self) -> str:
        return _percent(self.used, self.total)

    @property
    def keep_at(self) -> str:
        return _percent(self.total - self.reserve, self.total)

    @property
    def ticks(self) -> list[tuple[str, bool]]:
        """Every tenth, and whether it lies within what is used."""
        return [(f"{tenth * 10}%", self.used * 10 > self.total * tenth) for tenth in range(1, 10)]


def gauge(budget: Budget, now: datetime, *, planned: int = 0) -> Gauge:
    by_size = sorted(budget.by_feature.items(), key=lambda part: -part[1])
    return Gauge(
        used=budget.used,
        total=budget.total,
        reserve=budget.reserve,
        starts_in=(budget_starts_again(now) - now).total_seconds(),
        parts=tuple((FEATURES.get(feature, feature), tokens) for feature, tokens in by_size),
        planned=planned,
    )


def _percent(part: int, whole: int) -> str:
    return f"{min(part / whole * 100, 100):.1f}%" if whole else "0%"
