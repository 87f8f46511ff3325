"""The rolling check on the real store: what it counts, what it costs, what it heals, and that it goes on where it was."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.integration.engine.mortality import Countdown, Died, make_calls_mortal, mortal_memory
from tests.integration.engine.world import World, prospect
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.core.settings import Direction
from tidegate.store.models import OutOfStep, SamenessCheck
from tidegate.store.sameness import ask_for_check
from tidegate.testing import crm as memory_crm

pytestmark = pytest.mark.django_db


def in_step(count: int = 5, **more: Any) -> World:
    world = World(**more)
    for number in range(count):
        world.outreach.add(prospect(f"Ann No{number}", f"ann{number}@north.example", **{JOB_TITLE: "CEO"}))
    world.drain()
    return world


def check(world: World) -> SamenessCheck:
    """A round as a member asks for it."""
    ask_for_check(world.connection)
    return go_on(world)


def go_on(world: World) -> SamenessCheck:
    """Until the round that is under way is done."""
    world.drain()
    row = SamenessCheck.objects.get(connection=world.connection)
    assert not row.in_a_hurry
    return row


def behind_our_back(world: World, **values: Any) -> str:
    """A person edited without a webhook that reaches us."""
    person_id = next(iter(world.links().values()))
    world.crm.edit_person(person_id, values)
    world.deliveries_taken = len(world.crm.deliveries)
    return person_id


def told(row: SamenessCheck) -> tuple[int, int, int]:
    return row.last_in_step, row.last_on_their_way, row.last_differing


def test_pairs_that_show_the_same_are_counted_and_nothing_is_written() -> None:
    world = in_step()
    written = len(world.log())

    row = check(world)

    assert told(row) == (5, 0, 0)
    assert row.finished_at is not None and row.round == 2
    assert len(world.log()) == written
    assert not OutOfStep.objects.exists()


def test_it_costs_a_walk_and_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    world = in_step()
    before = world.crm.faults.calls.copy()

    check(world)

    assert dict(world.crm.faults.calls - before) == {"walk_persons": 1}


def test_what_a_webhook_missed_is_told_and_heals_by_itself() -> None:
    world = in_step()
    person_id = behind_our_back(world, **{JOB_TITLE: "Chair"})

    row = check(world)

    assert told(row) == (4, 0, 1)
    (found,) = OutOfStep.objects.all()
    assert (found.person_id, found.why) == (person_id, "changed")
    assert found.fields[0]["outreach"] == "CEO" and found.fields[0]["pipedrive"] == "Chair"
    assert world.outreach.record(found.prospect_id).value(JOB_TITLE) == "Chair"
    assert told(check(world)) == (5, 0, 0)
    assert not OutOfStep.objects.exists()


def test_a_pair_that_was_left_to_differ_is_told_and_stays_as_it_is() -> None:
    world = in_step()
    world.use(replace(world.settings, direction=Direction.TO_PIPEDRIVE))
    person_id = next(iter(world.links().values()))
    world.crm.edit_person(person_id, {JOB_TITLE: "Chair"})
    world.drain()

    row = check(world)

    assert told(row) == (4, 0, 1)
    assert OutOfStep.objects.get().why == "left"
    assert world.crm.person(person_id).value(JOB_TITLE) == "Chair"


def test_a_person_who_is_gone_is_told() -> None:
    world = in_step()
    person_id = next(iter(world.links().values()))
    world.crm.hide_person(person_id)
    world.deliveries_taken = len(world.crm.deliveries)

    row = check(world)

    assert told(row) == (4, 0, 1)
    found = OutOfStep.objects.get()
    assert (found.person_id, found.why, found.name) == (person_id, "gone", "Ann No0")
    assert [entry.act for entry in world.log(person_id=person_id)][-1] == "unlink"


def test_pages_are_committed_with_their_cursor_and_the_check_goes_to_sleep_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_crm, "PAGE", 2)
    world = in_step()
    SamenessCheck.objects.update_or_create(connection=world.connection, defaults={"due_at": timezone.now()})

    world.drain()

    row = SamenessCheck.objects.get(connection=world.connection)
    assert (row.in_step, row.finished_at) == (2, None)
    assert row.cursor and row.due_at > timezone.now() + timedelta(minutes=30)
    SamenessCheck.objects.update(due_at=timezone.now())
    world.drain()
    row.refresh_from_db()
    assert row.in_step == 4


def test_live_changes_come_first() -> None:
    world = in_step()
    ask_for_check(world.connection)
    first = next(iter(world.links()))
    world.outreach.edit(first, {JOB_TITLE: "Chair"})

    world.drain()

    row = SamenessCheck.objects.get(connection=world.connection)
    assert told(row) == (5, 0, 0)


def test_unlinked_persons_are_nobody_s_difference() -> None:
    world = in_step()
    world.use(replace(world.settings, direction=Direction.TO_PIPEDRIVE))
    world.crm.add_person({FIRST_NAME: "Cy", LAST_NAME: "Three", EMAIL: ("cy@north.example",)})
    world.drain()

    assert told(check(world)) == (5, 0, 0)


def test_wherever_the_worker_dies_the_check_counts_every_pair_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_crm, "PAGE", 2)
    tried = 0
    while _dies_at(tried + 1):
        tried += 1
    assert tried > 4, "the check has points to die at"


def _dies_at(point: int) -> bool:
    countdown = Countdown(0)
    world = in_step(3, memory_class=mortal_memory(countdown))
    make_calls_mortal(world, countdown)
    behind_our_back(world, **{JOB_TITLE: "Chair"})
    countdown.left = point
    try:
        check(world)
    except Died:
        go_on(world)
    assert told(SamenessCheck.objects.get(connection=world.connection)) == (2, 0, 1), f"died at point {point}"
    assert {p.value(JOB_TITLE) for p in world.prospects()} == {"CEO", "Chair"}
    return countdown.left <= 0
