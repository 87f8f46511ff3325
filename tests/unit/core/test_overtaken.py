"""What the webhook of our own write tells of an edit that the write had not seen, and what becomes of that edit."""

from itertools import product

import pytest

from tests.pairs import OUTREACH_FIELDS, PIPEDRIVE_FIELDS
from tidegate.core.catalogue import find_field
from tidegate.core.operations import Act, Decision, FieldChange, Plan, Write
from tidegate.core.overtaken import (
    OurWrite,
    Overtaken,
    as_if_seen,
    find_overtaken,
    give_back,
    given_back,
)
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, PHONE, Record, Side
from tidegate.core.settings import FieldMapping, Pair
from tidegate.core.values import MISSING, Unreadable, Value


def pair(key: str) -> Pair:
    outreach, pipedrive = find_field(OUTREACH_FIELDS, key), find_field(PIPEDRIVE_FIELDS, key)
    assert outreach is not None and pipedrive is not None
    return Pair(FieldMapping(key, key), outreach, pipedrive)


TITLE, NUMBERS, ADDRESSES = pair(JOB_TITLE), pair(PHONE), pair(EMAIL)
FIRST, LAST = pair(FIRST_NAME), pair(LAST_NAME)


def person(**values: Value) -> Record:
    return Record(Side.PIPEDRIVE, "1", values)


def wrote(before: Value, after: Value, *, key: str = JOB_TITLE, cause: str = "live") -> OurWrite:
    return OurWrite({key: (before, after)}, cause)


def found(typed: Value, written: Value, *writes: OurWrite, of: Pair = TITLE) -> list[Value]:
    key = of.of(Side.PIPEDRIVE)
    base = {of.key: (written, written)}
    told = find_overtaken(person(**{key: typed}), person(**{key: written}), writes, base, [of])
    return [lost.typed for lost in told]


def lost(
    looked_at: Value, typed: Value, written: Value, *, of: Pair = TITLE, cause: str = "live"
) -> Overtaken:
    return Overtaken(of, looked_at, typed, written, cause)


@pytest.mark.parametrize(("seen", "typed"), list(product(["a", "b", None], repeat=2)))
def test_an_edit_is_overtaken_where_it_is_not_what_we_had_looked_at(seen: Value, typed: Value):  # W1
    assert found(typed, "w", wrote(seen, "w")) == ([] if seen == typed else [typed])


def test_what_we_wrote_ourselves_before_is_no_edit():  # W1
    assert found("w", "w", wrote("a", "w")) == []
    assert found("w1", "w2", wrote("a", "w1"), wrote("w1", "w2")) == []


def test_a_value_that_pipedrive_stored_in_its_own_way_is_still_our_write():  # W1
    assert found("typed", "WRITTEN", wrote("a", "written")) == ["typed"]
    assert found("a", "WRITTEN", wrote("a", "written")) == []


def test_one_that_fits_no_write_of_ours_is_another_programs():  # W8
    assert found("typed", "w") == []
    base = {TITLE.key: ("w", "w")}
    told = find_overtaken(
        person(job_title="typed"), person(job_title="robot"), [wrote("a", "w")], base, [TITLE]
    )
    assert told == ()


def test_of_the_same_one_told_again_the_log_knows_already():  # W8
    assert found("typed", "w", wrote("a", "w"), wrote("typed", "w")) == []


@pytest.mark.parametrize("value", [MISSING, Unreadable("x", "odd")])
def test_what_is_not_shown_or_can_not_be_read_tells_nothing(value: Value):  # W1
    assert found(value, "w", wrote("a", "w")) == []
    assert found("typed", value, wrote("a", "w")) == []


def test_another_spelling_of_a_number_is_no_edit():  # W1
    seen, written = ("+358 40 123 4567",), ("+358 40 123 4567", "+358 9 1234")
    assert found(("+358401234567",), written, wrote(seen, written, key=PHONE), of=NUMBERS) == []


def test_the_other_part_of_a_name_had_been_looked_at_as_it_was_sent():  # W5
    base = {FIRST.key: ("Sigrid", "Sigrid"), LAST.key: ("Aalto", "Aalto")}
    told = find_overtaken(
        person(first_name="Signe", last_name="Berg"),
        person(first_name="Sigrid", last_name="Aalto"),
        [wrote("Signe", "Sigrid", key=FIRST_NAME)],
        base,
        [FIRST, LAST],
    )
    assert [(each.field, each.typed, each.looked_at) for each in told] == [(LAST_NAME, "Berg", "Aalto")]


@pytest.mark.parametrize(
    ("winner", "cause", "kept"),
    [
        (Side.PIPEDRIVE, "live", "typed"),
        (Side.OUTREACH, "live", "written"),
        (Side.PIPEDRIVE, "confirmed", "typed"),
        (Side.OUTREACH, "confirmed", "written"),
        (Side.PIPEDRIVE, "transfer", "written"),
        (Side.OUTREACH, "transfer", "written"),
    ],
)
def test_the_conflict_rule_says_what_stays(winner: Side, cause: str, kept: str):  # W2, W3
    back = given_back(person(job_title="written"), [lost("seen", "typed", "written", cause=cause)], winner)
    assert back == (() if kept == "written" else (FieldChange(JOB_TITLE, "written", "typed"),))


@pytest.mark.parametrize("winner", list(Side))
def test_an_undo_gives_back_whatever_it_overtook(winner: Side):  # W7
    back = given_back(person(job_title="written"), [lost("seen", "typed", "written", cause="undo")], winner)
    assert [change.after for change in back] == ["typed"]


@pytest.mark.parametrize("winner", list(Side))
def test_what_only_went_along_is_given_back(winner: Side):  # W5
    back = given_back(person(last_name="Aalto"), [lost("Aalto", "Berg", "Aalto", of=LAST)], winner)
    assert [change.after for change in back] == ["Berg"]


@pytest.mark.parametrize("winner", list(Side))
def test_a_field_that_was_edited_again_is_left(winner: Side):  # W6
    assert given_back(person(job_title="newer"), [lost("seen", "typed", "written")], winner) == ()


@pytest.mark.parametrize("winner", list(Side))
def test_of_lists_both_additions_stay_and_both_removals(winner: Side):  # W4
    written, typed = ("a@x.example", "ours@x.example"), ("a@x.example", "theirs@x.example")
    overtaken = lost(("a@x.example", "old@x.example"), typed, written, of=ADDRESSES)
    (back,) = given_back(person(email=written), [overtaken], winner)
    assert isinstance(back.after, tuple)
    assert set(back.after) == {"a@x.example", "ours@x.example", "theirs@x.example"}
    assert back.before == written


def plan(*writes: Write, decision: Decision = Decision.UPDATE) -> Plan:
    return Plan(decision, "", prospect_id="2", person_id="1", writes=writes)


def test_what_is_given_back_is_one_write_with_what_the_plan_writes_itself():  # W2
    change = FieldChange(JOB_TITLE, "written", "typed")
    own = Write(Act.UPDATE, Side.PIPEDRIVE, "1", (FieldChange(FIRST_NAME, "A", "B"),))
    travels = Write(Act.UPDATE, Side.OUTREACH, "2", (FieldChange(JOB_TITLE, "written", "typed"),))
    whole = give_back(plan(travels, own), person(job_title="written"), [change])
    assert [write.side for write in whole.writes] == [Side.OUTREACH, Side.PIPEDRIVE]
    back = whole.write_to(Side.PIPEDRIVE)
    assert back is not None and back.values == {FIRST_NAME: "B", JOB_TITLE: "typed"}


def test_where_the_plan_writes_that_field_it_goes_first_and_says_what_is_there():  # W2
    shown = as_if_seen(person(job_title="written"), [FieldChange(JOB_TITLE, "written", "typed")])
    assert shown.value(JOB_TITLE) == "typed"
    own = Write(Act.UPDATE, Side.PIPEDRIVE, "1", (FieldChange(JOB_TITLE, "typed", "newest"),))
    whole = give_back(plan(own), person(job_title="written"), [FieldChange(JOB_TITLE, "written", "typed")])
    assert whole.writes == (
        Write(Act.UPDATE, Side.PIPEDRIVE, "1", (FieldChange(JOB_TITLE, "written", "newest"),)),
    )


@pytest.mark.parametrize(
    "decision", [each for each in Decision if each not in (Decision.UPDATE, Decision.UNCHANGED)]
)
def test_where_the_two_are_no_pair_any_more_nothing_is_given_back(decision: Decision):  # W2
    before = plan(decision=decision)
    assert give_back(before, person(), [FieldChange(JOB_TITLE, "written", "typed")]) is before
