"""How often Pipedrive is looked at, by how its webhooks fare and what is left of the budget."""

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.core.checks import (
    EVERY,
    LIST_EVERY,
    Webhooks,
    check_every,
    list_webhooks_now,
    suspicion_is_over,
    webhooks_fare,
)

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOON - timedelta(**span)


@pytest.mark.parametrize(
    ("problem", "suspected_at", "fare"),
    [
        ("", None, Webhooks.WORKING),
        ("no way in", None, Webhooks.ABSENT),
        ("no way in", ago(minutes=5), Webhooks.ABSENT),
        ("", ago(minutes=5), Webhooks.SUSPECT),
        ("", ago(minutes=120), Webhooks.SUSPECT),
        ("", ago(minutes=121), Webhooks.ABSENT),
    ],
)
def test_how_webhooks_fare(problem: str, suspected_at: datetime | None, fare: Webhooks) -> None:
    assert webhooks_fare(problem=problem, suspected_at=suspected_at, now=NOON) is fare


@pytest.mark.parametrize("fare", Webhooks)
def test_looks_are_a_third_as_often_once_most_of_the_budget_is_spent(fare: Webhooks) -> None:
    assert check_every(fare) == check_every(fare, spent_share=0.79) == EVERY[fare]
    assert check_every(fare, spent_share=0.8) == 3 * EVERY[fare]


def test_a_quiet_day_costs_less_than_it_may() -> None:
    """20 tokens a look, 10 a list, and some 62 for the catalogue; the smallest budget is 30,000."""
    day = timedelta(days=1)
    looks, lists = day / EVERY[Webhooks.WORKING], day / LIST_EVERY[Webhooks.WORKING]
    assert looks * 20 + lists * 10 + 62 <= 950


def test_a_ban_of_half_an_hour_is_made_up_for_within_five_minutes() -> None:
    assert EVERY[Webhooks.SUSPECT] <= timedelta(minutes=5)


@pytest.mark.parametrize(
    ("checked_at", "suspected_at", "fare", "due"),
    [
        (None, None, Webhooks.WORKING, True),
        (ago(hours=5), None, Webhooks.WORKING, False),
        (ago(hours=7), None, Webhooks.WORKING, True),
        (ago(minutes=2), ago(minutes=1), Webhooks.SUSPECT, True),
        (ago(minutes=10), ago(minutes=20), Webhooks.SUSPECT, False),
        (ago(minutes=16), ago(minutes=20), Webhooks.SUSPECT, True),
        (ago(minutes=61), None, Webhooks.ABSENT, True),
    ],
)
def test_when_webhooks_are_listed(
    checked_at: datetime | None, suspected_at: datetime | None, fare: Webhooks, due: bool
) -> None:
    assert list_webhooks_now(checked_at=checked_at, suspected_at=suspected_at, fare=fare, now=NOON) is due


@pytest.mark.parametrize(
    ("suspected_at", "last_delivery_at", "over"),
    [
        (ago(minutes=31), ago(minutes=1), True),
        (ago(minutes=29), ago(minutes=1), False),  # of another webhook, perhaps: a ban may last
        (ago(minutes=31), ago(minutes=40), False),
        (ago(minutes=31), None, False),
        (ago(minutes=61), None, True),
    ],
)
def test_when_a_suspicion_is_over(
    suspected_at: datetime, last_delivery_at: datetime | None, over: bool
) -> None:
    assert suspicion_is_over(suspected_at=suspected_at, last_delivery_at=last_delivery_at, now=NOON) is over
