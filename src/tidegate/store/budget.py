"""What a company may spend of its API budget in a day, and what we spent so far."""

from django.db.models import Sum
from django.utils import timezone

from tidegate.store.models import Lane, LedgerDay, Transfer
from tidegate.store.wakes import wake_lane

SEAT_TOKENS = 30_000
"""Tokens a day and seat of the smallest plan (https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting)."""
MOST_RESERVE = 90
"""Per cent; so much of the budget can be left to others at most."""
PLAN_FACTORS = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}


def daily_budget(lane: Lane) -> int:
    """Tokens the company has a day: as told or set, else reckoned from plan and seats."""
    return lane.daily_budget or SEAT_TOKENS * PLAN_FACTORS.get(lane.plan, 1) * max(1, lane.seats)


def spent_today(lane_id: int) -> int:
    """Tokens that Tidegate itself spent today (UTC)."""
    rows = LedgerDay.objects.filter(lane_id=lane_id, day=timezone.now().date())
    return rows.aggregate(total=Sum("tokens"))["total"] or 0


def know_seats(lane: Lane, seats: int) -> None:
    """Each active user has a seat, so the company pays for this many at least, whatever nobody has said yet."""
    if Lane.objects.filter(pk=lane.pk, seats__lt=seats).update(seats=seats):
        lane.seats = seats


def set_budget(lane: Lane, *, plan: str, seats: int, daily_budget: int | None, reserve_percent: int) -> None:
    """What a member says of the company's plan, and how much of its budget is left to people and other apps."""
    lane.plan, lane.seats, lane.daily_budget, lane.reserve_percent = (
        plan,
        seats,
        daily_budget,
        reserve_percent,
    )
    lane.save(update_fields=["plan", "seats", "daily_budget", "reserve_percent"])
    waits = Transfer.objects.filter(
        connection__lane=lane, state__in=["preview", "running"], put_off_until__isnull=False
    )
    if waits.update(put_off_until=None, state_text="") or lane.wait_until is not None:
        Lane.objects.filter(pk=lane.pk).update(wait_until=None, wait_reason="")
        wake_lane(lane.pk)
