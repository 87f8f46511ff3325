"""The brakes on the real store: what is unusual is stopped before it is written, kept, and decided by a member."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from tests.integration.engine.mortality import Countdown, Died, make_calls_mortal, mortal_memory
from tests.integration.engine.world import PROSPECT_FIELDS, World, prospect
from tidegate.core.brakes import Brake
from tidegate.core.catalogue import NamedList, OutreachCatalogue
from tidegate.core.connection import Reason, Status
from tidegate.core.limits import Limits
from tidegate.core.records import FIRST_NAME, JOB_TITLE
from tidegate.errors import Conflict
from tidegate.services import live
from tidegate.store.catalogues import store_catalogues
from tidegate.store.models import Change, Connection, Halt
from tidegate.wiring import actions, upkeep
from tidegate.wiring.steps import request_step

pytestmark = pytest.mark.django_db

PAIRS = 12
TIGHT = Limits(share_percent=30, records=3, emptied=2, created=4)


def in_step(**more: Any) -> World:
    """Pairs in step, and tight brakes from then on."""
    world = World(**more)
    for number in range(PAIRS):
        world.outreach.add(prospect(f"Ann No{number}", f"ann{number}@north.example", **{JOB_TITLE: "CEO"}))
    world.drain()
    world.connection.log.update(cause="transfer")  # what was done to get there is no part of the story
    Connection.objects.filter(pk=world.connection.pk).update(secret=b"sealed")
    world.connection.refresh_from_db()
    world.use(replace(world.settings, brakes=TIGHT))
    return world


def edit_many(world: World, count: int, values: dict[str, Any]) -> None:
    for prospect_id in list(world.links())[:count]:
        world.outreach.edit(prospect_id, values)


def titles(world: World) -> list[Any]:
    return [person.value(JOB_TITLE) for person in world.persons()]


def halt_of(world: World) -> Halt:
    return Halt.objects.get(connection=world.connection, decided_at=None)


def status_of(world: World) -> tuple[str, str]:
    row = Connection.objects.get(pk=world.connection.pk)
    return row.status, row.reason


def test_an_unusual_share_is_stopped_before_anything_is_written() -> None:
    world = in_step()
    written = world.crm.faults.calls["update_person"]

    edit_many(world, 8, {JOB_TITLE: "Chair"})
    world.drain()

    halt = halt_of(world)
    assert halt.brake == Brake.SHARE
    assert (halt.counts["updated"], halt.counts["linked"], halt.counts["waiting"]) == (8, PAIRS, 8)
    assert status_of(world) == (Status.PAUSED, Reason.BRAKES)
    assert world.crm.faults.calls["update_person"] == written
    assert len(halt.examples) == 8
    shown = halt.examples[0]["changes"][0]
    assert (shown["field"], shown["before"], shown["after"]) == (JOB_TITLE, "CEO", "Chair")


def test_what_is_usual_goes_through() -> None:
    world = in_step()

    edit_many(world, 3, {JOB_TITLE: "Chair"})
    world.drain()

    assert titles(world).count("Chair") == 3
    assert status_of(world) == (Status.ACTIVE, Reason.NONE)


def test_many_small_batches_are_counted_together() -> None:
    world = in_step()
    for prospect_id in list(world.links())[:6]:
        world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
        world.drain()

    assert halt_of(world).brake == Brake.SHARE
    assert titles(world).count("Chair") == 3


def test_one_record_that_is_edited_over_and_over_is_no_share() -> None:
    world = in_step()
    for number in range(9):
        edit_many(world, 1, {JOB_TITLE: f"Chair {number}"})
        world.drain()

    assert status_of(world) == (Status.ACTIVE, Reason.NONE)


def test_many_emptied_values_are_stopped() -> None:
    world = in_step()

    edit_many(world, 3, {JOB_TITLE: None})
    world.drain()

    assert halt_of(world).brake == Brake.EMPTIED
    assert set(titles(world)) == {"CEO"}


def test_values_emptied_one_by_one_are_counted_together() -> None:
    world = in_step()
    for prospect_id in list(world.links())[:3]:
        world.outreach.edit(prospect_id, {JOB_TITLE: None})
        world.drain()

    assert halt_of(world).brake == Brake.EMPTIED
    assert titles(world).count(None) == 2


def test_unusually_many_creates_are_stopped() -> None:
    world = in_step()
    for number in range(5):
        world.outreach.add(prospect(f"Bo No{number}", f"bo{number}@north.example"))
    world.drain()

    assert halt_of(world).brake == Brake.CREATED
    assert len(world.persons()) == PAIRS


def test_persons_that_vanish_together_are_stopped_and_their_links_stay() -> None:
    world = World()
    for number in range(25):
        world.outreach.add(prospect(f"Ann No{number}", f"ann{number}@north.example"))
    world.drain()

    for person_id in world.crm.person_ids:
        world.crm.hide_person(person_id)
    edit_many(world, 25, {JOB_TITLE: "Chair"})
    world.drain()

    assert halt_of(world).brake == Brake.VANISHED
    assert len(world.links()) == 25
    assert not world.log(act="unlink")


def test_more_than_a_batch_is_looked_at_ahead_before_the_first_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BATCH", 2)
    world = in_step()
    reads = world.crm.faults.calls["get_persons"]

    edit_many(world, 8, {JOB_TITLE: "Chair"})
    world.drain()

    assert halt_of(world).counts["updated"] > 3
    assert set(titles(world)) == {"CEO"}
    assert world.crm.faults.calls["get_persons"] == reads  # the mirror and the store know all it takes


def test_what_was_confirmed_goes_through_and_the_brakes_hold_again_afterwards() -> None:
    world = in_step()
    edit_many(world, 8, {JOB_TITLE: "Chair"})
    world.drain()

    assert actions.decide_halt(halt_of(world), confirm=True, actor="Alice") == []
    world.drain()

    assert titles(world).count("Chair") == 8
    assert status_of(world) == (Status.ACTIVE, Reason.NONE)
    assert {entry.cause for entry in world.log(act="update")} == {"confirmed"}

    edit_many(world, 2, {JOB_TITLE: "President"})  # what was confirmed is not held against them
    world.drain()
    assert titles(world).count("President") == 2
    edit_many(world, 8, {JOB_TITLE: "Founder"})
    world.drain()
    assert halt_of(world).brake == Brake.SHARE


def test_what_was_dropped_stays_where_it_was_made_and_later_edits_travel() -> None:
    world = in_step()
    edit_many(world, 8, {JOB_TITLE: "Chair"})
    world.drain()

    actions.decide_halt(halt_of(world), confirm=False, actor="Alice")
    world.drain()

    assert set(titles(world)) == {"CEO"}
    assert [p.value(JOB_TITLE) for p in world.prospects()].count("Chair") == 8
    assert set(Change.objects.filter(outcome="left").values_list("action", flat=True))
    first = next(iter(world.links()))
    world.outreach.edit(first, {FIRST_NAME: "Anna"})
    world.drain()
    person = world.crm.person(world.links()[first])
    assert (person.value(FIRST_NAME), person.value(JOB_TITLE)) == ("Anna", "CEO")


def test_new_records_that_were_dropped_are_not_made() -> None:
    world = in_step()
    for number in range(5):
        world.outreach.add(prospect(f"Bo No{number}", f"bo{number}@north.example"))
    world.drain()

    actions.decide_halt(halt_of(world), confirm=False, actor="Alice")
    world.drain()

    assert len(world.persons()) == PAIRS
    assert status_of(world) == (Status.ACTIVE, Reason.NONE)


def test_a_record_edited_again_since_is_not_left() -> None:
    world = in_step()
    edit_many(world, 8, {JOB_TITLE: "Chair"})
    world.drain()
    first = next(iter(world.links()))
    world.outreach.edit(first, {JOB_TITLE: "President"})
    world.tell()

    actions.decide_halt(halt_of(world), confirm=False, actor="Alice")
    world.drain()

    assert world.crm.person(world.links()[first]).value(JOB_TITLE) == "President"
    assert titles(world).count("CEO") == PAIRS - 1


def test_what_was_decided_is_not_decided_twice() -> None:
    world = in_step()
    edit_many(world, 8, {JOB_TITLE: "Chair"})
    world.drain()
    halt = halt_of(world)
    actions.decide_halt(halt, confirm=False, actor="Alice")

    with pytest.raises(Conflict):
        actions.decide_halt(halt, confirm=True, actor="Bob")
    assert Halt.objects.get(pk=halt.pk).decided_by == "Alice"


def test_a_transfer_has_no_brakes() -> None:
    world = in_step()
    Connection.objects.filter(pk=world.connection.pk).update(status=Status.PAUSED)
    edit_many(world, 8, {JOB_TITLE: "Chair"})

    transfer = world.transfer()

    assert transfer.updated == 8
    assert not Halt.objects.exists()


def test_a_resume_that_applies_what_waits_needs_no_second_yes() -> None:
    world = in_step()
    actions.pause(world.connection, actor="Alice")
    edit_many(world, 8, {JOB_TITLE: "Chair"})
    world.drain()

    world.connection.refresh_from_db()
    actions.resume(world.connection, actor="Alice", apply_waiting=True)
    world.drain()

    assert titles(world).count("Chair") == 8
    assert not Halt.objects.exists()


def test_a_resume_that_leaves_what_waits_writes_nothing_of_it_ever() -> None:
    world = in_step()
    actions.pause(world.connection, actor="Alice")
    edit_many(world, 2, {JOB_TITLE: "Chair"})
    world.drain()

    world.connection.refresh_from_db()
    actions.resume(world.connection, actor="Alice", apply_waiting=False)
    world.drain()
    edit_many(world, 2, {FIRST_NAME: "Anna"})
    world.drain()

    assert set(titles(world)) == {"CEO"}
    assert [p.value(FIRST_NAME) for p in world.persons()].count("Anna") == 2


def test_a_catalogue_that_comes_back_empty_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "worker_step", request_step)
    world = in_step()
    fields, world.crm.fields = world.crm.fields, {}

    async_to_sync(upkeep.reread_catalogue)(world.connection, world.crm)

    halt = halt_of(world)
    assert halt.brake == Brake.CATALOGUE and "no fields" in halt.message
    world.connection.refresh_from_db()
    assert actions.pipedrive_catalogue(world.connection).fields
    actions.decide_halt(halt, confirm=False, actor="Alice")
    assert status_of(world) == (Status.ACTIVE, Reason.NONE)
    world.crm.fields = fields


@pytest.mark.parametrize(("left", "stops"), [(0, True), (1, False)])
def test_a_synced_list_that_is_suddenly_empty_stops_the_connection(
    monkeypatch: pytest.MonkeyPatch, left: int, stops: bool
) -> None:
    monkeypatch.setattr(upkeep, "worker_step", request_step)
    world = in_step()
    lists = (NamedList("1", "Prospects", 120),)
    store_catalogues(world.connection, outreach=OutreachCatalogue(PROSPECT_FIELDS, lists))

    async def read() -> OutreachCatalogue:
        return OutreachCatalogue(PROSPECT_FIELDS, (NamedList("1", "Prospects", left),))

    monkeypatch.setattr(world.outreach, "read_catalogue", read)
    engine = async_to_sync(world._lane)().engines[0]

    async_to_sync(upkeep._watch_lists)(world.connection, engine)

    assert Halt.objects.filter(brake=Brake.LIST).exists() is stops
    assert (status_of(world)[0] == Status.PAUSED) is stops


@pytest.mark.parametrize("confirm", [True, False])
def test_wherever_the_worker_dies_it_stops_and_ends_the_same(confirm: bool) -> None:
    """Deaths before and after every call and commit, of the stop itself and of what follows the decision."""
    tried = 0
    while _dies_at(tried + 1, confirm):
        tried += 1
    assert tried >= 4, "the history has points to die at"


def _dies_at(point: int, confirm: bool) -> bool:
    countdown = Countdown(0)
    world = in_step(memory_class=mortal_memory(countdown))
    make_calls_mortal(world, countdown)
    countdown.left = point
    _survive(world, lambda: edit_many(world, 8, {JOB_TITLE: "Chair"}))
    assert set(titles(world)) == {"CEO"}
    actions.decide_halt(halt_of(world), confirm=confirm, actor="Alice")
    _survive(world, lambda: None)
    assert titles(world).count("Chair") == (8 if confirm else 0), f"died at point {point}"
    assert status_of(world) == (Status.ACTIVE, Reason.NONE)
    assert not Change.objects.filter(connection=world.connection, done_at=None).exists()
    return countdown.left <= 0


def _survive(world: World, act: Callable[[], None]) -> None:
    act()
    try:
        world.drain()
    except Died:
        world.drain()
