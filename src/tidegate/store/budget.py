"""What a company may spend of its API budget in a day, and what we spent so far."""

from django.db.models import Sum
from django.utils import timezone

from tidegate.store.models import Lane, LedgerDay

SEAT_TOKENS = 30_000
"""Tokens a day and seat of the smallest plan (https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting)."""
PLAN_FACTORS = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}


def daily_budget(lane: Lane) -> int:
    """Tokens the company has a day: as told or set, else reckoned from plan and seats."""
    return lane.daily_budget or SEAT_TOKENS * PLAN_FACTORS.get(lane.plan, 1) * max(1, lane.seats)


def spent_today(lane_id: int) -> int:
    """Tokens that Tidegate itself spent today (UTC)."""
    rows = LedgerDay.objects.filter(lane_id=lane_id, day=timezone.now().date())
    return rows.aggregate(total=Sum("tokens"))["total"] or 0
