"""Undo on the real store: both sides are as before where nobody touched them, and nothing else is."""

from typing import Any

import pytest

from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, PHONE
from tidegate.core.settings import Direction
from tidegate.core.transfer import Work
from tidegate.core.values import Value
from tidegate.errors import AuthorizationLost, BudgetSpent, Conflict, InvalidForRemote, RemoteUnavailable
from tidegate.store.models import Change, Intent
from tidegate.store.transfers import begin_undo, cancel_transfer, go_on_with_transfer, run_previewed

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """Three who are new to Pipedrive, one who differs there, one who is the same."""
    world = World()
    world.outreach.add(prospect("Ann One", **{COMPANY: "Polar Note"}))
    world.outreach.add(prospect("Bo Two", **{COMPANY: "Polar Note"}))
    world.outreach.add(prospect("Cy Three"))
    world.outreach.add(prospect("Di Four", None, job_title="Chair", phone=("+358 9 555 0148",)))
    world.outreach.add(prospect("Ed Five"))
    person("Di Four", world, **{JOB_TITLE: "CEO"})
    person("Ed Five", world)
    world.take_as_known()
    return world


def person(name: str, world: World, **more: Value) -> str:
    first, _, last = name.partition(" ")
    values: dict[str, Value] = {
        FIRST_NAME: first,
        LAST_NAME: last,
        EMAIL: (f"{first.lower()}@north.example",),
    }
    return world.crm.add_person(values | more)


def shown(world: World) -> dict[str, Any]:
    keys = (FIRST_NAME, LAST_NAME, EMAIL, JOB_TITLE, PHONE, COMPANY)
    return {
        "persons": {p.id: (tuple(map(p.value, keys)), p.organization_id) for p in world.persons()},
        "prospects": {p.id: tuple(map(p.value, keys)) for p in world.prospects()},
        "organizations": [o.name for o in world.crm.organizations],
    }


def of(world: World, name: str) -> str:
    return next(p.id for p in world.persons() if p.name == name)


@pytest.mark.parametrize("direction", [Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE])
def test_an_undo_restores_both_sides_where_nobody_touched_them(world: World, direction: Direction) -> None:
    person("Flo Six", world)
    world.take_as_known()
    before = shown(world)
    transfer = world.transfer(direction)
    assert shown(world) != before

    undo = world.undo(transfer)

    assert shown(world) == before
    assert (transfer.state, undo.state, undo.kept, undo.failed) == ("undone", "done", 0, 0)


def test_the_preview_of_an_undo_writes_nothing_and_says_what_its_run_does(world: World) -> None:
    transfer = world.transfer()
    after = shown(world)

    preview = world.preview_undo(transfer)
    counts = (preview.restored, preview.deleted, preview.unlinked, preview.kept)
    planned = Work.of(preview.planned)

    assert shown(world) == after
    assert counts == (1, 4, 1, 0)  # Di, then Ann, Bo, Cy and the organization, then Ed
    assert (planned.persons_deleted, planned.organizations_deleted, planned.persons_updated) == (3, 1, 1)
    spent = world.crm.tokens.copy()
    world.run_previewed(preview)
    assert (preview.restored, preview.deleted, preview.unlinked, preview.kept) == counts
    paid = world.crm.tokens - spent
    assert planned.cost(calls_per_second=38).write == sum(
        paid[m] for m in ("update_person", "remove_person", "remove_organization")
    )
    looked = sum(paid[m] for m in ("get_persons", "get_organizations", "attachments"))
    assert planned.cost(calls_per_second=38).look == looked


def test_without_being_asked_nothing_created_is_deleted(world: World) -> None:
    transfer = world.transfer()
    people = {p.name for p in world.persons()}

    undo = world.undo(transfer, delete=False)

    assert {p.name for p in world.persons()} == people
    assert (undo.restored, undo.deleted, undo.unlinked, undo.kept) == (1, 0, 1, 3)
    assert set(undo.records.filter(outcome="kept").values_list("name", flat=True)) == {
        "Ann One",
        "Bo Two",
        "Cy Three",
    }


def test_what_somebody_changed_since_is_left_alone_and_listed(world: World) -> None:
    transfer = world.transfer()
    world.crm.edit_person(of(world, "Ann One"), {JOB_TITLE: "Boss"})
    world.crm.edit_person(of(world, "Di Four"), {JOB_TITLE: "President"})
    world.crm.attached["person", of(world, "Cy Three")] = 1
    kept = {i: world.crm.person(i) for i in (of(world, n) for n in ("Ann One", "Di Four", "Cy Three"))}
    world.take_as_known()

    undo = world.undo(transfer)

    assert {i: world.crm.person(i) for i in kept} == kept
    assert undo.kept == 4, "the three, and the organization in which one of them is"
    assert all(row.reason for row in undo.records.filter(outcome="kept"))
    assert set(world.links().values()) >= set(kept)


def test_live_sync_carries_nothing_back_after_an_undo(world: World) -> None:
    transfer = world.transfer()
    world.undo(transfer)
    after = shown(world)

    world.drain()

    assert shown(world) == after
    assert not world.questions()


def test_the_same_transfer_again_after_an_undo_does_it_all_again(world: World) -> None:
    first = world.transfer()
    done = {p.name: p.value(JOB_TITLE) for p in world.persons()}
    world.undo(first)

    second = world.transfer()

    assert {p.name: p.value(JOB_TITLE) for p in world.persons()} == done
    assert (second.created, second.updated, second.failed) == (first.created, first.updated, 0)


def test_single_records_are_taken_back_alone(world: World) -> None:
    transfer = world.transfer()
    row = transfer.records.get(name="Ann One")

    undo = world.undo(transfer, records=[row.source_id])

    assert "Ann One" not in {p.name for p in world.persons()}
    assert len(world.persons()) == 4
    assert (undo.deleted, undo.total, transfer.state) == (1, 1, "done")


def test_every_write_of_an_undo_is_logged_with_its_cause(world: World) -> None:
    world.undo(world.transfer())

    acts = sorted((entry.act, entry.record_name) for entry in world.log(cause="undo"))
    assert acts == [
        ("delete", "Ann One"),
        ("delete", "Bo Two"),
        ("delete", "Cy Three"),
        ("organization", "Polar Note"),
        ("unlink", "Ed Five"),
        ("update", "Di Four"),
    ]
    assert not Intent.objects.exists()


def test_live_changes_wait_while_an_undo_runs_and_follow_in_the_end(world: World) -> None:
    transfer = world.transfer()
    undo = world.preview_undo(transfer)
    world.outreach.edit(world.outreach.ids[4], {JOB_TITLE: "Editor"})

    world.run_previewed(undo)

    world.connection.refresh_from_db()
    assert world.connection.status == "active"
    assert world.crm.person(of(world, "Ed Five")).value(JOB_TITLE) == "Editor"
    assert not Change.objects.filter(done_at=None).exists()


def test_a_passing_fault_is_tried_again_and_a_refusal_is_listed(world: World) -> None:
    transfer = world.transfer()
    world.crm.faults.fail("remove_person", RemoteUnavailable(sent=True), times=2, after=True)
    world.crm.faults.fail("update_person", InvalidForRemote("Not allowed."))

    undo = world.undo(transfer)

    assert (undo.state, undo.failed) == ("done", 1)
    assert undo.records.get(outcome="failed").reason == "Not allowed."
    assert "Ann One" not in {p.name for p in world.persons()}


def test_a_lost_authorisation_pauses_an_undo_which_goes_on_afterwards(world: World) -> None:
    before = shown(world)
    transfer = world.transfer()
    world.crm.faults.fail("remove_person", AuthorizationLost())

    undo = world.undo(transfer)
    assert undo.state == "paused"

    go_on_with_transfer(undo)
    world.drain()
    undo.refresh_from_db()
    assert undo.state == "done"
    assert shown(world) == before


def test_a_spent_budget_lets_an_undo_sleep_and_wake_by_itself(world: World) -> None:
    transfer = world.transfer()
    world.crm.faults.fail("remove_person", BudgetSpent("Used up.", retry_after=7200))

    undo = world.undo(transfer)

    assert (undo.state, undo.failed) == ("done", 0)


def test_an_undo_can_not_be_undone_nor_a_transfer_that_runs(world: World) -> None:
    transfer = world.transfer()
    undo = world.undo(transfer, delete=False)
    with pytest.raises(Conflict, match="can be undone"):
        begin_undo(replace_state(transfer, "running"), delete_created=True, actor="Alice")
    with pytest.raises(Conflict, match="An undo can’t be undone"):
        begin_undo(undo, delete_created=True, actor="Alice")

    again = world.undo(replace_state(transfer, "undone"))
    assert (undo.kept, again.deleted) == (3, 4), (
        "a second undo may delete what the first one was not asked to"
    )


def replace_state(transfer: Any, state: str) -> Any:
    transfer.state = state
    return transfer


def test_two_at_once_are_refused_by_the_database_itself(world: World) -> None:
    transfer = world.transfer()
    undo = world.preview_undo(transfer)
    run_previewed(undo, actor="Alice")
    later = begin_undo(transfer, delete_created=True, actor="Bob")
    later.state = "ready"
    later.save()

    with pytest.raises(Conflict, match="running already"):
        run_previewed(later, actor="Bob")
    cancel_transfer(later)


def test_the_earlier_organization_is_put_back_by_its_id_where_two_bear_its_name() -> None:
    world = World()
    first, second = world.crm.add_organization("Acme"), world.crm.add_organization("Acme")
    person_id = person("Di Four", world)
    world.crm.edit_person(person_id, {}, organization_id=second)
    world.outreach.add(prospect("Di Four", **{COMPANY: "Polar Note"}))
    world.take_as_known()
    transfer = world.transfer()
    assert world.crm.person(person_id).organization_id not in (first, second)

    world.undo(transfer)

    assert world.crm.person(person_id).organization_id == second


def test_an_app_that_spells_in_its_own_way_has_changed_nothing() -> None:
    world = World()
    world.crm.spell = lambda key, value: (
        value.upper() if key == JOB_TITLE and isinstance(value, str) else value
    )
    world.outreach.add(prospect("Di Four", **{JOB_TITLE: "Chair"}))
    person_id = person("Di Four", world, **{JOB_TITLE: "CEO"})
    world.take_as_known()
    transfer = world.transfer()
    assert world.crm.person(person_id).value(JOB_TITLE) == "CHAIR"

    world.undo(transfer)

    assert world.crm.person(person_id).value(JOB_TITLE) == "CEO"
