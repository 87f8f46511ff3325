"""Two apps that rewrite a value in turn are stopped; people who edit in turn are not."""

from datetime import timedelta

import pytest

from tidegate.core.operations import Act, Decision, FieldChange, Plan, Write
from tidegate.core.quarrels import MOST_TURNS, MOST_TURNS_A_DAY, NO_PAST, Past, PastWrite, hold_back
from tidegate.core.records import Side

FIELDS = {Side.OUTREACH: "job_title", Side.PIPEDRIVE: "title40"}


def plan(side: Side = Side.PIPEDRIVE, after: str = "chair", *more: FieldChange) -> Plan:
    """A plan that writes the title to one side, where it reads otherwise."""
    title = FieldChange(FIELDS[side], after.swapcase(), after)
    return Plan(
        Decision.UPDATE,
        "Changed.",
        writes=(Write(Act.UPDATE, side, "1", (title, *more)),),
        base={"title": ("old", "old"), "name": ("A", "A")},
        agreed={"title": ("chair", "chair"), **({"name": ("B", "B")} if more else {})},
        fields={"title": ("job_title", "title40"), "name": ("first_name", "first_name")},
    )


def turns(
    number: int, *, apart: timedelta = timedelta(seconds=2), values: tuple[str, ...] = ("chair", "CHAIR")
) -> Past:
    """So many writes in turn, the last one to the outreach app."""
    sides = [Side.OUTREACH, Side.PIPEDRIVE]
    return Past(
        tuple(
            PastWrite(apart * ago, sides[(ago - 1) % 2], {FIELDS[sides[(ago - 1) % 2]]: values[ago % len(values)]})
            for ago in range(number, 0, -1)
        )
    )  # fmt: skip


def stopped(past: Past) -> bool:
    return bool(hold_back(plan(), past).quarrels)


@pytest.mark.parametrize("number", range(12))
def test_after_so_many_writes_in_turn_no_more_follows(number: int):  # Q2
    assert stopped(turns(number)) is (number >= MOST_TURNS)


@pytest.mark.parametrize("minutes", [5, 60, 200])
def test_slow_turns_between_the_same_values_are_stopped_as_well(minutes: int):  # Q2
    assert stopped(turns(MOST_TURNS, apart=timedelta(minutes=minutes)))


def test_a_value_that_grows_with_every_turn_is_stopped_too():  # Q2, Q3
    values = tuple("!" * n for n in range(40))
    assert stopped(turns(MOST_TURNS, values=values))
    assert not stopped(turns(MOST_TURNS, values=values, apart=timedelta(minutes=5)))
    assert stopped(turns(MOST_TURNS_A_DAY, values=values, apart=timedelta(minutes=5)))


def test_turns_of_yesterday_count_no_more() -> None:
    assert not stopped(turns(MOST_TURNS, apart=timedelta(hours=6)))


def test_one_side_that_is_edited_again_and_again_is_no_quarrel():  # Q1
    writes = tuple(
        PastWrite(timedelta(seconds=n), Side.PIPEDRIVE, {"title40": str(n % 2)}) for n in range(30, 0, -1)
    )
    assert not stopped(Past(writes))


def test_people_who_try_values_on_one_side_and_a_robot_on_the_other_go_on() -> None:
    """Each value is new, and a person needs longer than a robot."""
    past = turns(MOST_TURNS, apart=timedelta(seconds=90), values=("a", "b", "c", "d", "e", "f", "g"))
    assert not stopped(past)


def test_writes_of_other_fields_neither_count_nor_end_the_turns() -> None:
    others = tuple(PastWrite(w.ago, w.side, {"first_name": "x"}) for w in turns(MOST_TURNS).writes)
    assert not stopped(Past(others))
    mixed = [w for pair in zip(turns(MOST_TURNS).writes, others, strict=True) for w in pair]
    assert stopped(Past(tuple(mixed)))


def test_the_rest_of_the_record_still_travels_and_the_value_stays_a_change():  # Q4
    name = FieldChange("first_name", "A", "B")
    held = hold_back(plan(Side.PIPEDRIVE, "chair", name), turns(MOST_TURNS))

    assert [write.changes for write in held.writes] == [(name,)]
    assert held.decision is Decision.UPDATE
    assert set(held.agreed) == {"name"}
    assert held.base["title"] == ("old", "old")
    (quarrel,) = held.quarrels
    assert (quarrel.key, quarrel.turns) == ("title", MOST_TURNS)
    assert quarrel.values == {Side.PIPEDRIVE: "CHAIR", Side.OUTREACH: "chair"}


def test_where_nothing_else_is_to_be_written_nothing_is() -> None:
    held = hold_back(plan(), turns(MOST_TURNS))
    assert (held.decision, held.writes) == (Decision.UNCHANGED, ())


def test_a_quarrel_that_stands_stays_stopped_until_it_is_settled():  # Q5
    assert hold_back(plan(), Past(stopped=frozenset({"title"}))).quarrels
    assert not hold_back(plan(), Past(stopped=frozenset({"name"}))).quarrels


def test_without_a_past_the_plan_is_as_it_was() -> None:
    assert hold_back(plan(), NO_PAST) == plan()
