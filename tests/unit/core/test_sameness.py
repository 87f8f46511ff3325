"""docs/sync-rules.md, "Proof of sameness": what counts as a difference, why, and when the check goes on."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.pairs import make_pair
from tidegate.core.records import Record, Side
from tidegate.core.sameness import PAGE_EVERY, ROUND_EVERY, Why, differences, gravest, next_page_at
from tidegate.core.values import MISSING, Kind, Unreadable, Value

PAIR = make_pair(Kind.TEXT)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def found(outreach: Value, pipedrive: Value, base: tuple[Value, Value] | None) -> list[Why]:
    prospect = Record(Side.OUTREACH, "1", {PAIR.of(Side.OUTREACH): outreach})
    person = Record(Side.PIPEDRIVE, "7", {PAIR.of(Side.PIPEDRIVE): pipedrive})
    entries = {} if base is None else {PAIR.key: base}
    return [difference.why for difference in differences(prospect, person, entries, [PAIR])]


@pytest.mark.parametrize(
    ("outreach", "pipedrive", "base", "expected"),
    [
        ("Chair", "Chair", ("CEO", "CEO"), []),
        ("Chair", " Chair ", ("Chair", "Chair"), []),
        (None, "", None, []),
        ("Chair", "CEO", ("CEO", "CEO"), [Why.CHANGED]),
        ("CEO", "Chair", ("CEO", "CEO"), [Why.CHANGED]),
        ("Chair", "CEO", ("Chair", "CEO"), [Why.LEFT]),
        ("Chair", "CEO", None, [Why.CHANGED]),
        (Unreadable("?", "no text"), "CEO", ("CEO", "CEO"), [Why.UNREADABLE]),
        (MISSING, "CEO", ("CEO", "CEO"), []),
    ],
)
def test_a_difference_has_its_reason(outreach, pipedrive, base, expected):  # PS1-PS3
    assert found(outreach, pipedrive, base) == expected


def test_the_gravest_reason_speaks_for_the_pair():
    prospect = Record(Side.OUTREACH, "1", {PAIR.of(Side.OUTREACH): "Chair"})
    person = Record(Side.PIPEDRIVE, "7", {PAIR.of(Side.PIPEDRIVE): "CEO"})
    left = differences(prospect, person, {PAIR.key: ("Chair", "CEO")}, [PAIR])
    changed = differences(prospect, person, {}, [PAIR])

    assert gravest([*left, *changed]) is Why.CHANGED


def test_pages_are_spread_over_the_day_and_rounds_begin_daily():  # PS5
    assert next_page_at(NOW, NOW, more=True, in_a_hurry=False) == NOW + PAGE_EVERY
    assert next_page_at(NOW, NOW, more=False, in_a_hurry=False) == NOW + ROUND_EVERY
    assert ROUND_EVERY / PAGE_EVERY == 32


def test_a_round_that_a_member_asked_for_goes_on_at_once():
    assert next_page_at(NOW, NOW, more=True, in_a_hurry=True) == NOW


def test_a_round_that_took_days_is_followed_by_the_next_at_once():
    assert next_page_at(NOW, NOW - timedelta(days=3), more=False, in_a_hurry=False) == NOW
