"""docs/sync-rules.md, "Names": one name in two parts, which the apps may split differently."""

import pytest

from tests.pairs import OUTREACH, PIPEDRIVE, decide_linked, make_base, make_person, make_prospect, make_rules
from tidegate.core.operations import Decision, Plan
from tidegate.core.planning import LIVE, Transfer, finish
from tidegate.core.records import Side
from tidegate.core.settings import Direction

ANN = ("ann@a.example",)
RULES = make_rules()
WHOLE, SPLIT = ("Mary Jane", None), ("Mary", "Jane")
LAST_ONLY, FIRST_ONLY = (None, "Smith"), ("Smith", None)


def prospect_called(name):
    return make_prospect(email=ANN, first_name=name[0], last_name=name[1])


def person_called(name):
    return make_person(email=ANN, first_name=name[0], last_name=name[1])


def written(plan: Plan, side: Side) -> dict[str, object]:
    write = plan.write_to(side)
    return dict(write.values) if write else {}


@pytest.mark.parametrize(
    ("prospect", "person", "renamed", "sent"),
    [
        (WHOLE, SPLIT, ("Mary Ann", None), {"first_name": "Mary Ann", "last_name": None}),
        (LAST_ONLY, FIRST_ONLY, ("Ann", "Smith"), {"first_name": "Ann", "last_name": "Smith"}),
        (SPLIT, SPLIT, ("Mary", "Smith"), {"last_name": "Smith"}),
        (SPLIT, ("Mary", "JANE"), ("Ann", "Jane"), {"first_name": "Ann", "last_name": "Jane"}),
    ],
)
def test_where_the_apps_split_a_name_differently_both_parts_travel(prospect, person, renamed, sent):  # N1
    base = make_base(prospect_called(prospect), person_called(person), RULES)

    plan = decide_linked(prospect_called(renamed), person_called(person), base, RULES)

    assert written(plan, PIPEDRIVE) == sent
    assert not any(change.conflict for write in plan.writes for change in write.changes)


def test_a_name_changed_in_pipedrive_takes_its_other_part_along():  # N1
    base = make_base(prospect_called(LAST_ONLY), person_called(FIRST_ONLY), RULES)

    plan = decide_linked(prospect_called(LAST_ONLY), person_called(("Jones", None)), base, RULES)

    assert written(plan, OUTREACH) == {"first_name": "Jones", "last_name": None}


def test_a_part_taken_away_where_the_name_is_split_goes_from_the_whole_name():  # N1
    base = make_base(prospect_called(WHOLE), person_called(SPLIT), RULES)

    plan = decide_linked(prospect_called(WHOLE), person_called(("Mary", None)), base, RULES)

    assert written(plan, OUTREACH) == {"first_name": "Mary"}


def test_a_part_that_was_edited_itself_is_merged_by_itself():  # N1
    base = make_base(prospect_called(WHOLE), person_called(SPLIT), RULES)

    plan = decide_linked(prospect_called(("Mary Ann", None)), person_called(("Mary", "Smith")), base, RULES)

    assert written(plan, PIPEDRIVE) == {"first_name": "Mary Ann"}
    assert written(plan, OUTREACH) == {"last_name": "Smith"}


def test_one_way_a_part_that_the_receiver_edited_is_left_when_the_other_part_changes():  # N1, O2
    rules = make_rules(Direction.TO_PIPEDRIVE)
    base = make_base(prospect_called(("Ann", "Smith")), person_called(("Ann", "Jones")), rules)

    plan = decide_linked(prospect_called(("Anna", "Smith")), person_called(("Ann", "Jones")), base, rules)

    assert written(plan, PIPEDRIVE) == {"first_name": "Anna"}


def test_an_untouched_name_that_is_split_differently_stays_where_it_is():  # N1
    base = make_base(prospect_called(WHOLE), person_called(SPLIT), RULES)

    assert (
        decide_linked(prospect_called(WHOLE), person_called(SPLIT), base, RULES).decision
        is Decision.UNCHANGED
    )


def test_a_transfer_takes_the_whole_name_along():  # N1
    base = make_base(prospect_called(WHOLE), person_called(SPLIT), RULES)
    mode = Transfer(Direction.TO_PIPEDRIVE, OUTREACH)

    plan = decide_linked(prospect_called(("Mary Ann", None)), person_called(SPLIT), base, RULES, mode)

    assert written(plan, PIPEDRIVE) == {"first_name": "Mary Ann", "last_name": None}


def test_the_answer_to_one_part_counts_for_both():  # N2
    """Ann Smith loses her first name: Pipedrive then keeps Smith as the first one. The prospect keeps its last name."""
    base = make_base(prospect_called(("Ann", "Smith")), person_called(("Ann", "Smith")), RULES)
    prospect = prospect_called(LAST_ONLY)
    plan = decide_linked(prospect, person_called(("Ann", "Smith")), base, RULES)
    answer = person_called(FIRST_ONLY)

    after = finish(plan, {PIPEDRIVE: answer})

    assert written(plan, PIPEDRIVE) == {"first_name": None}
    assert decide_linked(prospect, answer, after, RULES).decision is Decision.UNCHANGED


def test_the_answer_counts_for_a_part_that_was_written_to_the_other_side():  # N2
    base = make_base(prospect_called(("Ann", None)), person_called(("Ann", None)), RULES)
    prospect, person = prospect_called((None, None)), person_called(("Ann", "Smith"))
    plan = decide_linked(prospect, person, base, RULES)
    answers = {OUTREACH: prospect_called(LAST_ONLY), PIPEDRIVE: person_called(FIRST_ONLY)}

    after = finish(plan, answers)

    assert (written(plan, OUTREACH), written(plan, PIPEDRIVE)) == (
        {"last_name": "Smith"},
        {"first_name": None},
    )
    assert decide_linked(answers[OUTREACH], answers[PIPEDRIVE], after, RULES).decision is Decision.UNCHANGED


@pytest.mark.parametrize("mode", [LIVE, Transfer(Direction.TO_PIPEDRIVE, OUTREACH)])
def test_a_part_that_was_edited_while_the_other_one_was_written_is_still_a_change(mode):  # N2, B3
    base = make_base(prospect_called(("Ann", "Smith")), person_called(("Ann", "Smith")), RULES)
    prospect = prospect_called(("Ann", "Miller"))
    plan = decide_linked(prospect, person_called(("Ann", "Smith")), base, RULES, mode)
    answer = person_called(("Anna", "Miller"))

    after = finish(plan, {PIPEDRIVE: answer})

    assert written(plan, PIPEDRIVE) == {"last_name": "Miller"}
    assert written(decide_linked(prospect, answer, after, RULES), OUTREACH) == {"first_name": "Anna"}


def test_a_name_taken_away_on_both_sides_is_the_winners():  # N1
    base = make_base(prospect_called(WHOLE), person_called(SPLIT), RULES)

    plan = decide_linked(prospect_called((None, None)), person_called((None, "Jane")), base, RULES)

    assert written(plan, OUTREACH) == {"last_name": "Jane"}


def test_a_name_that_could_not_be_written_is_still_due():  # N1, G8
    base = make_base(prospect_called(LAST_ONLY), person_called(FIRST_ONLY), RULES)
    prospect, person = prospect_called((None, None)), person_called(FIRST_ONLY)
    plan = decide_linked(prospect, person, base, RULES)

    failed = decide_linked(prospect, person, finish(plan, {}), RULES)
    done = finish(plan, {PIPEDRIVE: person_called((None, None))})

    assert written(plan, PIPEDRIVE) == written(failed, PIPEDRIVE) == {"first_name": None}
    assert done == make_base(prospect, person_called((None, None)), RULES)
