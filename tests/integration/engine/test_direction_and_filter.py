"""Directions and the Pipedrive filter on the real store: what flows where, and what a change of the settings does (D2, D3, X10)."""

from dataclasses import replace

import pytest

from tests.integration.engine.world import World, prospect
from tidegate.core.connection import Status
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, Record
from tidegate.core.settings import Direction
from tidegate.core.values import Value
from tidegate.store.models import Connection

pytestmark = pytest.mark.django_db

ADA: dict[str, Value] = {FIRST_NAME: "Ada", LAST_NAME: "Lovelace", EMAIL: ("ada@engine.example",)}


@pytest.fixture
def world() -> World:
    return World()


def direct(world: World, direction: Direction) -> None:
    world.use(replace(world.settings, direction=direction))


def pair(world: World) -> tuple[str, str]:
    """One pair that is linked and quiet; the prospect is the CEO."""
    prospect_id = world.outreach.add(prospect(job_title="CEO"))
    world.drain()
    return prospect_id, world.links()[prospect_id]


def titles(world: World, ids: tuple[str, str]) -> tuple[object, object]:
    return world.outreach.record(ids[0]).value(JOB_TITLE), world.crm.person(ids[1]).value(JOB_TITLE)


# --- One-way


def test_to_pipedrive_the_receivers_edit_stays_until_the_senders_own_value_changes(world: World) -> None:
    ids = pair(world)
    direct(world, Direction.TO_PIPEDRIVE)

    world.crm.edit_person(ids[1], {JOB_TITLE: "President"})
    world.drain()
    assert titles(world, ids) == ("CEO", "President")

    world.outreach.edit(ids[0], {FIRST_NAME: "Sigrid"})  # another field: the title is not touched
    world.drain()
    assert titles(world, ids) == ("CEO", "President")

    world.outreach.edit(ids[0], {JOB_TITLE: "Chair"})
    world.drain()
    assert titles(world, ids) == ("Chair", "Chair")


def test_from_pipedrive_the_receivers_edit_stays_until_the_senders_own_value_changes(world: World) -> None:
    ids = pair(world)
    direct(world, Direction.FROM_PIPEDRIVE)

    world.outreach.edit(ids[0], {JOB_TITLE: "President"})
    world.drain()
    assert titles(world, ids) == ("President", "CEO")

    world.crm.edit_person(ids[1], {FIRST_NAME: "Sigrid"})
    world.drain()
    assert titles(world, ids) == ("President", "CEO")

    world.crm.edit_person(ids[1], {JOB_TITLE: "Chair"})
    world.drain()
    assert titles(world, ids) == ("Chair", "Chair")


@pytest.mark.parametrize("direction", [Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE])
def test_one_way_new_records_come_from_the_sender_alone(world: World, direction: Direction) -> None:
    direct(world, direction)
    prospect_id, person_id = world.outreach.add(prospect("Bo Lind")), world.crm.add_person(ADA)
    world.drain()
    if direction is Direction.TO_PIPEDRIVE:
        assert set(world.links()) == {prospect_id}
        assert world.outreach.ids == [prospect_id]
    else:
        assert set(world.links().values()) == {person_id}
        assert world.crm.person_ids == [person_id]


# --- Another direction while running


def test_a_change_of_direction_holds_from_the_next_change_on_and_deletes_nothing(world: World) -> None:
    ids = pair(world)
    direct(world, Direction.TO_PIPEDRIVE)
    world.crm.edit_person(ids[1], {JOB_TITLE: "President"})
    world.drain()

    direct(world, Direction.FROM_PIPEDRIVE)
    world.drain()
    assert titles(world, ids) == ("CEO", "President")  # what the receiver changed before stays where it is

    world.outreach.edit(ids[0], {JOB_TITLE: "Clerk"})
    world.drain()
    assert titles(world, ids) == ("Clerk", "President")
    world.crm.edit_person(ids[1], {JOB_TITLE: "Chair"})
    world.drain()
    assert titles(world, ids) == ("Chair", "Chair")
    assert len(world.persons()) == len(world.prospects()) == len(world.links()) == 1


def test_changes_that_wait_are_followed_in_the_direction_of_the_moment_they_are_taken(world: World) -> None:
    ids = pair(world)
    world.crm.edit_person(ids[1], {JOB_TITLE: "President"})
    world.outreach.edit(ids[0], {FIRST_NAME: "Sigrid"})
    world.tell()

    direct(world, Direction.TO_PIPEDRIVE)
    world.drain()

    assert titles(world, ids) == ("CEO", "President")
    assert world.crm.person(ids[1]).value(FIRST_NAME) == "Sigrid"


# --- The Pipedrive filter


def is_customer(person: Record) -> bool:
    return person.value(JOB_TITLE) == "Customer"


def filter_by(world: World) -> str:
    filter_id = world.crm.add_filter("Customers", is_customer)
    world.use(replace(world.settings, filter_id=filter_id))
    reread(world)
    return filter_id


def reread(world: World) -> None:
    from asgiref.sync import async_to_sync

    from tidegate.store.schedule import LaneSchedule

    catalogue = async_to_sync(world.crm.read_catalogue)()
    LaneSchedule().learn_catalogue(str(world.connection.pk), catalogue)


def test_a_person_outside_the_filter_is_not_brought_in_and_one_inside_is(world: World) -> None:
    filter_by(world)
    world.crm.add_person(ADA)
    inside = world.crm.add_person(
        {FIRST_NAME: "Grace", LAST_NAME: "Hopper", EMAIL: ("grace@engine.example",), JOB_TITLE: "Customer"}
    )
    world.drain()

    assert set(world.links().values()) == {inside}
    assert [p.name for p in world.prospects()] == ["Grace Hopper"]
    assert world.questions() == []


def test_a_person_comes_in_with_the_change_that_brings_them_into_the_filter(world: World) -> None:
    filter_by(world)
    person_id = world.crm.add_person(ADA)
    world.drain()
    assert world.prospects() == []

    world.crm.edit_person(person_id, {JOB_TITLE: "Customer"})
    world.drain()
    assert set(world.links().values()) == {person_id}


def test_a_linked_person_who_leaves_the_filter_stays_in_step(world: World) -> None:
    filter_by(world)
    person_id = world.crm.add_person({**ADA, JOB_TITLE: "Customer"})
    world.drain()

    world.crm.edit_person(person_id, {JOB_TITLE: "Friend"})
    world.drain()
    assert [p.value(JOB_TITLE) for p in world.prospects()] == ["Friend"]


def test_the_filter_keeps_nobody_from_going_to_pipedrive(world: World) -> None:
    filter_by(world)
    world.outreach.add(prospect("Bo Lind"))
    known = world.crm.add_person(ADA)
    world.drain()
    world.outreach.add(prospect("Ada Lovelace", email="ada@engine.example"))
    world.drain()

    assert [p.name for p in world.persons()] == ["Ada Lovelace", "Bo Lind"]
    assert known in world.links().values()  # the prospect met the person whom the filter does not hold


def test_a_batch_asks_about_the_filter_once_and_only_for_new_persons(world: World) -> None:
    filter_by(world)
    for number in range(5):
        world.crm.add_person({**ADA, EMAIL: (f"ada{number}@engine.example",), JOB_TITLE: "Customer"})
    world.drain()
    assert world.crm.tokens["in_filter"] == 10

    for person_id in world.crm.person_ids:
        world.crm.edit_person(person_id, {FIRST_NAME: "Adah"})
    world.drain()
    assert world.crm.tokens["in_filter"] == 10


def test_a_filter_that_vanishes_lets_nobody_in_and_says_so_and_everything_else_goes_on(world: World) -> None:
    ids = pair(world)
    filter_id = filter_by(world)
    world.crm.delete_filter(filter_id)
    world.crm.add_person({**ADA, JOB_TITLE: "Customer"})
    world.crm.edit_person(ids[1], {JOB_TITLE: "Chair"})
    world.drain()

    assert Connection.objects.get(pk=world.connection.pk).status == Status.ACTIVE
    assert [p.name for p in world.prospects()] == ["Signe Aaltonen"]
    assert titles(world, ids) == ("Chair", "Chair")
    (case,) = world.questions()
    assert case.kind == "mapping"
    assert "filter no longer exists" in case.message


def test_one_way_to_pipedrive_a_filter_means_nothing(world: World) -> None:
    filter_id = filter_by(world)
    world.crm.delete_filter(filter_id)
    reread(world)
    direct(world, Direction.TO_PIPEDRIVE)
    world.crm.add_person(ADA)
    world.outreach.add(prospect("Bo Lind"))
    world.drain()
    assert len(world.links()) == 1
    assert world.crm.tokens["in_filter"] == 0


def test_a_transfer_brings_in_the_filters_persons_and_no_others(world: World) -> None:
    filter_by(world)
    world.crm.add_person({**ADA, JOB_TITLE: "Customer"})
    world.crm.add_person({**ADA, FIRST_NAME: "Grace", EMAIL: ("grace@engine.example",)})
    world.crm.deliveries.clear()
    world.connection.refresh_from_db()

    transfer = world.transfer(Direction.FROM_PIPEDRIVE)

    assert (transfer.state, transfer.created) == ("done", 1)
    assert [p.name for p in world.prospects()] == ["Ada Lovelace"]
