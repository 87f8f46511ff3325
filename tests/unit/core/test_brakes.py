"""docs/sync-rules.md, "Brakes": what is stopped, and what is everyday life."""

import pytest

from tidegate.core.brakes import (
    LEAST_OF_A_LIST,
    LEAST_VANISHED,
    Brake,
    Tally,
    emptied_lists,
    may_trip,
    missing_from,
    tally_of,
    tripped,
)
from tidegate.core.catalogue import Field, NamedList, OutreachCatalogue, PipedriveCatalogue, User
from tidegate.core.limits import DEFAULT_LIMITS, RANGES, Limits, limits_from_json, limits_to_json
from tidegate.core.operations import Act, Decision, FieldChange, Plan, Write
from tidegate.core.records import Side
from tidegate.core.values import MISSING, Kind

LIMITS = Limits(share_percent=30, records=10, emptied=5, created=8)


def update(*changes: FieldChange) -> Plan:
    write = Write(Act.UPDATE, Side.PIPEDRIVE, "7", changes)
    return Plan(Decision.UPDATE, prospect_id="1", person_id="7", writes=(write,))


def test_a_share_counts_only_above_both_its_limits():  # BR1
    assert tripped(Tally(updated=31), LIMITS, linked=100) is Brake.SHARE
    assert tripped(Tally(updated=30), LIMITS, linked=100) is None
    assert tripped(Tally(updated=10), LIMITS, linked=12) is None  # a small company edits half of its people


def test_many_emptied_values_are_stopped():  # BR2
    assert tripped(Tally(emptied=6), LIMITS, linked=1000) is Brake.EMPTIED
    assert tripped(Tally(emptied=5), LIMITS, linked=1000) is None


def test_unusually_many_creates_are_stopped():  # BR3
    assert tripped(Tally(created=9), LIMITS, linked=1000) is Brake.CREATED
    assert tripped(Tally(created=8), LIMITS, linked=1000) is None


def test_persons_that_vanish_together_are_stopped():  # BR4
    assert tripped(Tally(vanished=LEAST_VANISHED, looked_at=30), LIMITS, linked=1000) is Brake.VANISHED
    assert tripped(Tally(vanished=LEAST_VANISHED, looked_at=100), LIMITS, linked=1000) is None
    assert tripped(Tally(vanished=LEAST_VANISHED - 1, looked_at=19), LIMITS, linked=1000) is None


def test_switched_off_nothing_is_stopped():
    much = Tally(updated=10**6, created=10**6, emptied=10**6, vanished=10**6)
    assert tripped(much, Limits(on=False), linked=1) is None
    assert not may_trip(10**6, Limits(on=False))


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("Ann", None, 1),
        ("Ann", "", 1),
        (("a@b.example",), (), 1),
        (None, None, 0),
        ("Ann", "Anna", 0),
        ((), None, 0),
        (MISSING, None, 0),
    ],
)
def test_only_what_was_there_can_be_emptied(before, after, counts):
    assert tally_of(update(FieldChange("f", before, after)), told=False).emptied == counts


def test_a_pair_whose_two_sides_change_counts_once():
    both = tuple(Write(Act.UPDATE, side, "1", (FieldChange("f", "a", "b"),)) for side in Side)

    tally = tally_of(Plan(Decision.UPDATE, prospect_id="1", person_id="7", writes=both), told=False)

    assert (tally.updated, tally.created) == (1, 0)


def test_a_deletion_that_was_announced_is_no_vanishing():
    gone = Plan(Decision.UNLINK, prospect_id="1", person_id="7")

    assert tally_of(gone, told=False).vanished == 1
    assert tally_of(gone, told=True).vanished == 0


def test_a_create_counts_as_one():
    plan = Plan(
        Decision.CREATE, prospect_id="1", new_link=True, writes=(Write(Act.CREATE, Side.PIPEDRIVE, None),)
    )

    assert tally_of(plan, told=False) == Tally(created=1)


def test_tallies_add_up():
    assert Tally(1, 2, 3, 4, 5) + Tally(1, 1, 1, 1, 1) == Tally(2, 3, 4, 5, 6)


def test_few_changes_need_no_look_ahead():
    assert not may_trip(8, LIMITS)
    assert may_trip(9, LIMITS)


def test_an_app_that_offers_nothing_any_more_is_noticed():  # BR5
    before = PipedriveCatalogue((Field("name", "Name", Kind.TEXT),), (User("7", "Maja"),))

    assert missing_from(before, PipedriveCatalogue(before.fields)) == ["users"]
    assert missing_from(before, before) == []
    assert missing_from(PipedriveCatalogue(), PipedriveCatalogue()) == []


@pytest.mark.parametrize(
    ("size", "now", "synced", "found"),
    [
        (LEAST_OF_A_LIST, 0, None, True),
        (LEAST_OF_A_LIST, 0, ("1",), True),
        (LEAST_OF_A_LIST, 0, ("2",), False),
        (LEAST_OF_A_LIST, 1, None, False),
        (LEAST_OF_A_LIST - 1, 0, None, False),
        (None, 0, None, False),
    ],
)
def test_a_synced_list_that_became_empty_is_noticed(size, now, synced, found):  # BR6
    before = OutreachCatalogue(lists=(NamedList("1", "Leads", size),))
    after = OutreachCatalogue(lists=(NamedList("1", "Leads", now),))

    assert bool(emptied_lists(before, after, synced)) is found


def test_a_list_that_was_removed_is_told_elsewhere():
    before = OutreachCatalogue(lists=(NamedList("1", "Leads", 500),))

    assert emptied_lists(before, OutreachCatalogue(), None) == []


def test_limits_are_kept_as_they_were_set():
    assert limits_from_json(limits_to_json(LIMITS)) == LIMITS
    assert limits_from_json(None) == limits_from_json({}) == DEFAULT_LIMITS


def test_every_limit_has_its_range_and_keeps_it():
    for name, (least, most) in RANGES.items():
        assert least <= getattr(DEFAULT_LIMITS, name) <= most
