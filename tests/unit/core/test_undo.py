"""Rules U1 to U8: what an undo does about one record, by what is there now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.pairs import OUTREACH, PIPEDRIVE, make_base, make_person, make_prospect, make_rules
from tidegate.core.operations import Act
from tidegate.core.records import EMAIL, JOB_TITLE, Gone, Record, Side
from tidegate.core.undo import (
    AFTERWORK,
    DoneChange,
    DoneRecord,
    Present,
    Undoing,
    agreed_to_differ,
    plan_undo,
)
from tidegate.core.values import Kind, Value

RULES = make_rules()
WRITTEN = datetime(2026, 5, 1, 12, tzinfo=UTC)
LINKED = ("11", "21")


def change(before: Value, after: Value, side: Side = PIPEDRIVE, field: str = JOB_TITLE) -> DoneChange:
    return DoneChange(side, field, "Job title", Kind.TEXT, before, after)


def updated(*changes: DoneChange) -> DoneRecord:
    return DoneRecord("11", "21", changes=changes)


def created(person: Record, side: Side = PIPEDRIVE) -> DoneRecord:
    kinds = {EMAIL: Kind.EMAIL}
    changes = tuple(
        DoneChange(side, key, key, kinds.get(key, Kind.TEXT), None, value)
        for key, value in person.values.items()
        if value
    )
    return DoneRecord("11", "21", created=side, linked=True, changes=changes, written_at=WRITTEN)


NEW = replace(make_person(first_name="Ada", email=("ada@x.example",)), updated_at=WRITTEN)


def present(person: Record | Gone = NEW, **facts: object) -> Present:
    facts.setdefault("linked_to", LINKED)
    return Present(make_prospect(first_name="Ada"), person, **facts)  # type: ignore[arg-type]


def test_a_changed_field_gets_its_earlier_value_back():  # U1
    plan = plan_undo(
        updated(change("CTO", "CEO")), present(make_person(job_title="CEO")), RULES, delete=False
    )

    assert plan.undoing is Undoing.RESTORE
    assert [(w.side, w.act, w.values) for w in plan.writes] == [(PIPEDRIVE, Act.UPDATE, {JOB_TITLE: "CTO"})]
    assert not plan.unlink


def test_both_sides_are_put_back_where_the_transfer_wrote_to_both():  # U1
    done = updated(change("CTO", "CEO"), change(None, "Chair", OUTREACH))
    now = Present(make_prospect(job_title="Chair"), make_person(job_title="CEO"), LINKED)

    plan = plan_undo(done, now, RULES, delete=False)

    assert {w.side: w.values for w in plan.writes} == {
        PIPEDRIVE: {JOB_TITLE: "CTO"},
        OUTREACH: {JOB_TITLE: None},
    }


def test_what_somebody_changed_since_stays_with_the_whole_record():  # U2
    done = updated(change("CTO", "CEO"), change("1", "2", field="source40"))
    now = present(make_person(job_title="CFO", source="2"))

    plan = plan_undo(done, now, RULES, delete=False)

    assert (plan.undoing, plan.writes) == (Undoing.KEEP, ())
    assert "changed since" in plan.reason


def test_another_field_that_somebody_changed_does_not_hinder():  # U2
    now = present(make_person(job_title="CEO", score=Decimal(3)))

    assert plan_undo(updated(change("CTO", "CEO")), now, RULES, delete=False).undoing is Undoing.RESTORE


def test_what_was_put_back_before_a_restart_is_not_written_again():  # U7
    plan = plan_undo(
        updated(change("CTO", "CEO")), present(make_person(job_title="CTO")), RULES, delete=False
    )

    assert (plan.undoing, plan.writes) == (Undoing.RESTORE, ())


def test_a_created_record_is_deleted_only_where_that_was_asked_for():  # U3
    asked = plan_undo(created(NEW), present(), RULES, delete=True)
    not_asked = plan_undo(created(NEW), present(), RULES, delete=False)

    assert [(w.act, w.record_id) for w in asked.writes] == [(Act.DELETE, "21")]
    assert asked.unlink
    assert (not_asked.undoing, not_asked.writes, not_asked.unlink) == (Undoing.KEEP, (), False)


@pytest.mark.parametrize(
    "now",
    [
        present(replace(NEW, values={**NEW.values, "first_name": "Adele"})),
        present(replace(NEW, values={**NEW.values, "job_title": "CEO"})),
        present(replace(NEW, updated_at=WRITTEN + AFTERWORK + timedelta(seconds=1))),
        present(attached=1),
        present(linked_to=("12", "21")),
        present(linked_to=("11", "22")),
    ],
    ids=["value", "filled", "unmapped", "deal", "other prospect", "other person"],
)
def test_a_created_record_that_somebody_touched_is_never_deleted(now: Present):  # U4
    plan = plan_undo(created(NEW), now, RULES, delete=True)

    assert (plan.undoing, plan.writes, plan.unlink) == (Undoing.KEEP, (), False)
    assert plan.reason


def test_a_stamp_right_after_the_create_is_nobodys_edit():  # U4
    now = present(replace(NEW, updated_at=WRITTEN + AFTERWORK))

    assert plan_undo(created(NEW), now, RULES, delete=True).undoing is Undoing.DELETE


def test_a_created_record_that_is_gone_already_gives_its_link_up():  # U5, U7
    plan = plan_undo(created(NEW), present(Gone(PIPEDRIVE, "21")), RULES, delete=True)

    assert (plan.undoing, plan.writes, plan.unlink) == (Undoing.DELETE, (), True)


def test_what_the_transfer_only_linked_is_unlinked():  # U5
    plan = plan_undo(DoneRecord("11", "21", linked=True), present(), RULES, delete=False)

    assert (plan.undoing, plan.unlink) == (Undoing.UNLINK, True)


def test_a_link_over_which_values_travelled_since_stays():  # U5
    plan = plan_undo(DoneRecord("11", "21", linked=True), present(synced_since=True), RULES, delete=False)

    assert (plan.undoing, plan.unlink) == (Undoing.KEEP, False)


def test_a_field_that_no_longer_exists_can_not_be_put_back():  # U2
    done = updated(change("a", "b", field="gone40"))

    plan = plan_undo(done, present(), RULES, delete=False)

    assert plan.undoing is Undoing.KEEP
    assert "no field" in plan.reason


def test_a_record_that_is_gone_is_left_alone():  # U2
    plan = plan_undo(updated(change("CTO", "CEO")), present(Gone(PIPEDRIVE, "21")), RULES, delete=True)

    assert (plan.undoing, plan.writes) == (Undoing.KEEP, ())


def test_after_a_restore_the_difference_is_agreed_on():  # U6
    prospect, person = make_prospect(job_title="CEO"), make_person(job_title="CTO")
    before = make_base(prospect, make_person(job_title="CEO"), RULES)

    base = agreed_to_differ(before, updated(change("CTO", "CEO")), prospect, person, RULES)

    assert base["job_title=job_title"] == ("CEO", "CTO")
    assert {k: v for k, v in base.items() if "job_title" not in k} == {
        k: v for k, v in before.items() if "job_title" not in k
    }
