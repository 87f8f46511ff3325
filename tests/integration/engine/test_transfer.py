"""Transfers on the real store: everyone once, nothing twice, and a second run that changes nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.engine.world import World, prospect
from tidegate.core.catalogue import Field
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, Record, Side
from tidegate.core.settings import SYSTEM_MAPPINGS, Direction, FieldMapping
from tidegate.core.transfer import Work
from tidegate.core.values import Kind, Value
from tidegate.errors import AuthorizationLost, Conflict, InvalidForRemote, RemoteUnavailable
from tidegate.services.transfer import PAGE
from tidegate.store.models import Connection, Transfer
from tidegate.store.schedule import LaneSchedule
from tidegate.store.transfers import (
    begin_transfer,
    cancel_transfer,
    go_on_with_transfer,
    hold_transfer,
    retry_failed,
    run_previewed,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World()
    world.outreach.announced.clear()
    return world


def quiet(world: World) -> None:
    """What exists before the launch is no news."""
    world.announcements_taken, world.deliveries_taken = (
        len(world.outreach.announced),
        len(world.crm.deliveries),
    )


def test_everyone_is_transferred_once_and_a_second_time_nothing_happens(world: World) -> None:
    for number in range(PAGE + 30):
        world.outreach.add(prospect(f"P{number} Q", **{COMPANY: f"Company {number % 7}"}))
    quiet(world)

    first = world.transfer()
    second = world.transfer()

    assert (first.state, first.created, first.failed) == ("done", PAGE + 30, 0)
    assert (second.created, second.updated, second.unchanged) == (0, 0, PAGE + 30)
    assert len(world.persons()) == PAGE + 30
    assert len(world.crm.organizations) == 7


def test_a_duplicate_takes_the_source_apps_values_and_loses_none_of_its_own(world: World) -> None:
    world.crm.add_person(
        {FIRST_NAME: "S.", LAST_NAME: "Aaltonen", EMAIL: ("Signe@North.example",), JOB_TITLE: "CEO"}
    )
    world.outreach.add(prospect())
    quiet(world)

    transfer = world.transfer()

    person = world.persons()[0]
    assert (transfer.created, transfer.updated) == (0, 1)
    assert person.value(FIRST_NAME) == "Signe"
    assert person.value(JOB_TITLE) == "CEO"


def test_an_address_added_just_before_a_transfer_that_writes_it_reaches_the_other_side_too(
    world: World,
) -> None:  # T6
    prospect_id = world.outreach.add(prospect(email="signe@north.example"))
    world.drain()
    person_id = world.links()[prospect_id]
    world.crm.edit_person(person_id, {EMAIL: ("signe@home.example",)})  # and the other one taken away

    world.transfer()

    assert world.crm.person(person_id).emails == ("signe@north.example", "signe@home.example")
    assert world.outreach.record(prospect_id).emails == ("signe@north.example", "signe@home.example")
    assert world.transfer().updated == 0


def test_persons_become_prospects_of_the_chosen_list(world: World) -> None:
    world.crm.add_person({FIRST_NAME: "Nora", LAST_NAME: "Neumann", EMAIL: ("nora@neu.example",)})
    quiet(world)

    transfer = world.transfer(Direction.FROM_PIPEDRIVE)

    assert transfer.created == 1
    assert world.prospects()[0].list_ids == frozenset({"1"})
    assert list(world.outreach.status.values()) == ["unverified"]


def test_a_transfer_against_the_direction_finds_its_duplicates_too(world: World) -> None:
    world.use(replace(world.settings, direction=Direction.FROM_PIPEDRIVE))
    world.crm.add_person({FIRST_NAME: "Signe", LAST_NAME: "Berg", EMAIL: ("signe@north.example",)})
    world.outreach.add(prospect())
    quiet(world)

    world.transfer(Direction.TO_PIPEDRIVE)

    assert len(world.persons()) == 1


def test_what_failed_is_listed_with_its_reason_and_the_rest_goes_on(world: World) -> None:
    world.outreach.add(prospect("Ann One"))
    world.outreach.add(prospect("Bo Two"))
    quiet(world)
    world.crm.faults.fail("create_person", InvalidForRemote("The name is too long."))

    transfer = world.transfer()

    assert (transfer.created, transfer.failed) == (1, 1)
    failed = transfer.records.get(outcome="failed")
    assert failed.reason == "The name is too long."


def test_a_passing_fault_is_tried_again_by_itself(world: World) -> None:
    for number in range(5):
        world.outreach.add(prospect(f"P{number} Q"))
    quiet(world)
    world.crm.faults.fail("create_person", RemoteUnavailable(sent=True), times=2, after=True)

    transfer = world.transfer()

    assert (transfer.state, transfer.failed, transfer.done) == ("done", 0, 5)
    assert len(world.persons()) == 5


def test_who_shares_an_address_with_another_of_the_page_is_dealt_with_without_a_pause(world: World) -> None:
    for name in ("Ann One", "Ann Two", "Ann Three"):
        world.outreach.add(prospect(name, "ann@north.example"))
    quiet(world)
    transfer = begun(world, pages=1)  # raises what keeps the next page waiting

    world.page()

    transfer.refresh_from_db()
    assert (transfer.created, transfer.failed, len(world.persons())) == (1, 2, 1)
    assert set(transfer.records.exclude(outcome="created").values_list("outcome", flat=True)) == {"attention"}


def test_changes_wait_while_a_transfer_runs_and_follow_in_their_order(world: World) -> None:
    known = [world.outreach.add(prospect(f"P{number} Q")) for number in range(3)]
    quiet(world)
    world.transfer()
    links = world.links()
    for number in range(PAGE):
        world.outreach.add(prospect(f"R{number} S"))
    quiet(world)
    transfer = begun(world, pages=1)
    world.crm.edit_person(links[known[2]], {JOB_TITLE: "Editor"})
    world.tell()
    world.outreach.edit(known[1], {JOB_TITLE: "Cook"})
    world.tell()
    world.crm.edit_person(links[known[0]], {JOB_TITLE: "Chair"})
    world.tell()

    world.page()  # the last one
    assert [world.outreach.record(i).value(JOB_TITLE) for i in known] == [None, "Cook", None]
    assert world.crm.person(links[known[1]]).value(JOB_TITLE) is None

    assert ended(world, transfer).state == "done"
    live = [entry.prospect_id for entry in world.log(act="update", transfer=None)]
    assert live == [known[2], known[1], known[0]]
    assert [world.outreach.record(i).value(JOB_TITLE) for i in known] == ["Chair", "Cook", "Editor"]
    assert [world.crm.person(links[i]).value(JOB_TITLE) for i in known] == ["Chair", "Cook", "Editor"]
    world.connection.refresh_from_db()
    assert world.connection.status == "active"


def test_the_source_app_may_be_the_receiver(world: World) -> None:
    world.crm.add_person({FIRST_NAME: "Sigrid", LAST_NAME: "Aaltonen", EMAIL: ("signe@north.example",)})
    prospect_id = world.outreach.add(prospect())
    quiet(world)

    world.transfer(Direction.TO_PIPEDRIVE, Side.PIPEDRIVE)

    assert world.outreach.record(prospect_id).value(FIRST_NAME) == "Sigrid"


def test_what_was_done_before_the_authorisation_went_is_kept_and_the_rest_follows(world: World) -> None:
    for number in range(4):
        world.outreach.add(prospect(f"P{number} Q"))
    quiet(world)
    world.crm.faults.fail("create_person", AuthorizationLost())

    stopped = world.transfer()
    world.connection.refresh_from_db()
    assert (stopped.state, world.connection.reason) == ("paused", "reconnect")
    made = len(world.persons())
    assert len(world.links()) == made

    go_on_with_transfer(stopped)
    world.drain()
    stopped.refresh_from_db()

    assert (stopped.state, stopped.failed, stopped.done) == ("done", 0, 4)
    assert len(world.persons()) == 4


def begun(world: World, *, pages: int) -> Transfer:
    """A transfer to Pipedrive that has done so many pages, and stands in the middle."""
    transfer = begin_transfer(
        world.connection,
        direction=Direction.TO_PIPEDRIVE,
        source_app=Side.OUTREACH,
        total=None,
        actor="Alice",
    )
    for _ in range(pages):
        world.page()
    transfer.refresh_from_db()
    assert transfer.state == "running"
    return transfer


def ended(world: World, transfer: Transfer) -> Transfer:
    world.drain()
    transfer.refresh_from_db()
    return transfer


def test_settings_changed_during_a_run_are_followed_by_the_next_one(world: World) -> None:
    for number in range(PAGE + 5):
        world.outreach.add(prospect(f"P{number} Q", job_title="CEO"))
    quiet(world)
    transfer = begun(world, pages=1)

    world.use(replace(world.settings, mappings=SYSTEM_MAPPINGS))
    world.connection.refresh_from_db()

    assert (ended(world, transfer).state, transfer.created) == ("done", PAGE + 5)
    assert {person.value(JOB_TITLE) for person in world.persons()} == {"CEO"}
    world.outreach.add(prospect("Signe Aaltonen", job_title="CEO"))
    quiet(world)
    assert world.transfer().created == 1
    assert [p.value(JOB_TITLE) for p in world.persons() if p.name == "Signe Aaltonen"] == [None]


def test_settings_turned_around_and_crossed_during_a_run_come_to_rest(world: World) -> None:
    """Each mapped field feeds the other one's counterpart from then on, and the direction is the opposite one: still no value
    goes round for ever."""
    origin, source = (
        Field("custom.origin", "Origin", Kind.TEXT, custom=True),
        Field("source40", "Source", Kind.TEXT, custom=True),
    )
    world.add_fields(origin, source)
    straight = (FieldMapping(JOB_TITLE, JOB_TITLE), FieldMapping(origin.key, source.key))
    crossed = (FieldMapping(JOB_TITLE, source.key), FieldMapping(origin.key, JOB_TITLE))
    world.use(replace(world.settings, mappings=SYSTEM_MAPPINGS + straight))
    world.connection.refresh_from_db()
    for number in range(PAGE + 5):
        world.outreach.add(prospect(f"P{number} Q", **{JOB_TITLE: "CEO", origin.key: "Fair"}))
    quiet(world)
    transfer = begun(world, pages=1)

    turned = replace(world.settings, direction=Direction.FROM_PIPEDRIVE, mappings=SYSTEM_MAPPINGS + crossed)
    world.use(turned)
    world.connection.refresh_from_db()
    assert (ended(world, transfer).state, transfer.created) == ("done", PAGE + 5)
    assert {(p.value(JOB_TITLE), p.value(source.key)) for p in world.persons()} == {("CEO", "Fair")}

    for direction in (Direction.FROM_PIPEDRIVE, Direction.TO_PIPEDRIVE) * 2:
        last = world.transfer(direction)
        world.tell()
        world.drain()
    assert (last.updated, last.unchanged) == (0, PAGE + 5)
    written = len(world.crm.written), len(world.outreach.written)
    world.tell()
    world.drain()
    assert (len(world.crm.written), len(world.outreach.written)) == written
    assert {(p.value(JOB_TITLE), p.value(origin.key)) for p in world.prospects()} == {("Fair", "CEO")}


@pytest.mark.parametrize("status", ["active", "paused"])
def test_a_transfer_whose_connection_does_not_transfer_leaves_live_sync_its_own_settings(
    world: World, status: str
) -> None:
    """Somebody paused, or resumed, in the moment it began."""
    world.outreach.add(prospect())
    quiet(world)
    transfer = begin_transfer(
        world.connection,
        direction=Direction.TO_PIPEDRIVE,
        source_app=Side.OUTREACH,
        total=None,
        actor="Alice",
    )
    assert LaneSchedule().load(str(world.connection.pk)).transfer is not None
    Connection.objects.filter(pk=world.connection.pk).update(status=status)
    world.use(replace(world.settings, direction=Direction.FROM_PIPEDRIVE))

    serving = LaneSchedule().load(str(world.connection.pk))

    assert serving.rules.settings == world.settings
    assert serving.transfer is None
    hold_transfer(transfer)
    go_on_with_transfer(transfer)
    assert ended(world, transfer).state == "done", "it is not stuck: continued, it ends"


def test_a_source_list_deleted_during_a_run_stops_it_with_the_reason(world: World) -> None:
    world.use(replace(world.settings, sync_from_lists=("1",)))
    world.connection.refresh_from_db()
    for number in range(PAGE + 5):
        world.outreach.add(prospect(f"P{number} Q"))
    quiet(world)
    transfer = begun(world, pages=1)
    world.outreach.lists.clear()
    world.reread_catalogues()

    assert ended(world, transfer).state == "paused"

    assert "list" in transfer.state_text
    assert (transfer.created, len(world.persons())) == (PAGE, PAGE)
    cancel_transfer(transfer)
    world.connection.refresh_from_db()
    assert world.connection.status != "syncing"


def test_what_changed_between_preview_and_run_is_taken_as_it_is(world: World) -> None:
    known, gone = world.outreach.add(prospect("Ann One")), world.outreach.add(prospect("Bo Two"))
    quiet(world)
    preview = world.preview()
    world.outreach.edit(known, {JOB_TITLE: "Chair"})
    world.outreach.delete(gone)

    world.run_previewed(preview)

    assert [p.value(JOB_TITLE) for p in world.persons()] == ["Chair"]
    assert (preview.state, preview.failed) == ("done", 0)


def test_one_record_that_never_gets_an_answer_ends_as_failed_and_holds_nobody_up_for_ever(
    world: World,
) -> None:
    for number in range(4):
        world.outreach.add(prospect(f"P{number} Q"))
    quiet(world)
    create = world.crm.create_person

    async def refusing_one(values: Mapping[str, Value], **facts: Any) -> Record:
        if values[FIRST_NAME] == "P1":
            raise RemoteUnavailable("Pipedrive did not answer.", sent=False)
        return await create(values, **facts)

    world.crm.create_person = refusing_one  # type: ignore[method-assign]
    transfer = begun(world, pages=0)
    world.drain(rounds=6)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.created, transfer.failed) == ("running", 3, 0), "it may be passing"

    world.drain(rounds=60)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.created, transfer.failed) == ("done", 3, 1)
    assert transfer.records.get(outcome="failed").reason == "Pipedrive did not answer."
    assert world.tries == {}


@pytest.mark.parametrize(("call", "minutes"), [("*", 15), ("create_person", 8)])
def test_nobody_is_given_up_while_pipedrive_is_away(world: World, call: str, minutes: int) -> None:
    for number in range(4):
        world.outreach.add(prospect(f"P{number} Q"))
    quiet(world)
    world.crm.faults.fail(call, RemoteUnavailable(sent=False), times=10_000)
    transfer, began = begun(world, pages=0), world.clock.monotonic()
    while world.clock.monotonic() - began < minutes * 60:
        world.drain(rounds=1)
    world.crm.faults.clear()

    assert (ended(world, transfer).state, transfer.created, transfer.failed) == ("done", 4, 0)


def test_what_failed_is_retried_alone(world: World) -> None:
    world.outreach.add(prospect("Ann One"))
    world.outreach.add(prospect("Bo Two"))
    quiet(world)
    world.crm.faults.fail("create_person", InvalidForRemote("The name is too long."))
    transfer = world.transfer()
    made = len(world.crm.written)

    retry_failed(transfer, actor="Alice")
    ended(world, transfer)

    assert (transfer.state, transfer.created, transfer.failed) == ("done", 2, 0)
    assert len(world.crm.written) == made + 1
    with pytest.raises(Conflict, match="nothing to retry"):
        retry_failed(transfer, actor="Alice")


def test_only_chosen_records_are_transferred_and_one_that_is_gone_is_skipped(world: World) -> None:
    firms = ("Tern", "Polder", "Tern", "Tern")
    ids = [world.outreach.add(prospect(f"P{n} Q", **{COMPANY: firm})) for n, firm in enumerate(firms)]
    quiet(world)
    world.outreach.delete(ids[3])
    preview = world.preview()
    run_previewed(preview, actor="Alice", records=[ids[0], ids[2]])
    assert Work.of(preview.planned) == Work(persons_created=2, organizations_created=1), "their own price"
    ended(world, preview)
    assert (preview.state, preview.created, len(world.persons())) == ("done", 2, 2)

    direct = begin_transfer(
        world.connection,
        direction=Direction.TO_PIPEDRIVE,
        source_app=Side.OUTREACH,
        total=None,
        actor="Alice",
        records=[ids[1], ids[3]],
    )
    ended(world, direct)
    assert (direct.state, direct.created, direct.skipped) == ("done", 1, 1)
    assert "no longer there" in direct.records.get(outcome="skipped").reason


def test_chosen_persons_become_prospects_too(world: World) -> None:
    ids = [world.crm.add_person({FIRST_NAME: f"P{n}", EMAIL: (f"p{n}@x.example",)}) for n in range(3)]
    quiet(world)

    transfer = begin_transfer(
        world.connection,
        direction=Direction.FROM_PIPEDRIVE,
        source_app=Side.PIPEDRIVE,
        total=None,
        actor="Alice",
        records=ids[1:2],
    )

    assert (ended(world, transfer).state, transfer.created, len(world.prospects())) == ("done", 1, 1)
