"""The worker dies before or after any call and any commit of a small transfer, or of its undo: the end is the same.

A record whose create was cut off from its answer is recognised and linked before the transfer goes on, so it counts as there
before, not as made, and an undo leaves it. Nothing else may differ, and nothing may be there twice.
"""

from typing import Any

import pytest

from tests.integration.engine.mortality import (
    Countdown,
    make_calls_mortal,
    mortal_memory,
    summary,
    survive,
)
from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.store.models import Transfer
from tidegate.store.transfers import begin_undo, run_previewed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands")]


def furnished(countdown: Countdown) -> World:
    """One who is new with an organization, one who differs, one who is the same."""
    world = World(memory_class=mortal_memory(countdown))
    make_calls_mortal(world, countdown)
    world.outreach.add(prospect("Ann One", **{COMPANY: "Polar Note"}))
    world.outreach.add(prospect("Di Four", **{JOB_TITLE: "Chair"}))
    world.outreach.add(prospect("Ed Five"))
    for first, last, title in (("Di", "Four", "CEO"), ("Ed", "Five", None)):
        address = f"{first.lower()}@north.example"
        world.crm.add_person({FIRST_NAME: first, LAST_NAME: last, EMAIL: (address,), JOB_TITLE: title})
    world.take_as_known()
    return world


def transferred(world: World) -> None:
    world.transfer()


def test_wherever_the_worker_dies_a_transfer_ends_the_same() -> None:
    countdown = Countdown(0)
    undisturbed = furnished(countdown)
    transferred(undisturbed)
    expected = summary(undisturbed)
    point = 1
    while True:
        countdown = Countdown(0)
        world = furnished(countdown)
        countdown.left = point
        survive(world, transferred)
        died = countdown.left <= 0
        countdown.left = 0
        assert summary(world) == expected, f"died at point {point}"
        transfer = Transfer.objects.get(connection=world.connection)
        assert (transfer.state, transfer.done, transfer.failed) == ("done", 3, 0), f"died at point {point}"
        if not died:
            break
        point += 1
    assert point > 12, "a transfer has points to die at"


def test_wherever_the_worker_dies_an_undo_ends_the_same() -> None:
    point = 1
    while True:
        countdown = Countdown(0)
        world = furnished(countdown)
        before = summary(world)
        transferred(world)
        transfer = Transfer.objects.get(connection=world.connection)
        undo = begin_undo(transfer, delete_created=True, actor="Alice")
        world.drain()
        countdown.left = point
        survive(world, undone_of(undo))
        died = countdown.left <= 0
        countdown.left = 0
        undo.refresh_from_db()
        # Di stays linked: what both show was agreed on, or live sync would undo the undo.
        assert summary(world) == before | {"links": 1}, f"died at point {point}"
        assert told(undo) == ("done", 1, 2, 1, 0, 0), f"died at point {point}"
        deleted = world.log(act="organization", cause="undo")
        assert [entry.record_name for entry in deleted] == ["Polar Note"], f"died at point {point}"
        if not died:
            break
        point += 1
    assert point > 12, "an undo has points to die at"


def test_wherever_the_worker_dies_the_preview_of_an_undo_says_the_same_and_writes_nothing() -> None:
    said: list[Any] = []
    point = 0
    while True:
        countdown = Countdown(0)
        world = furnished(countdown)
        transferred(world)
        before = summary(world)
        transfer = Transfer.objects.get(connection=world.connection)
        countdown.left = point
        survive(world, lambda world, of=transfer: previewed(world, of))  # type: ignore[misc]
        died = point > 0 and countdown.left <= 0
        countdown.left = 0
        undo = Transfer.objects.get(undoes=transfer)
        said.append((undo.state, told(undo), undo.planned, planned(undo)))
        assert said[-1] == said[0], f"died at point {point}"
        assert summary(world) == before, f"died at point {point}"
        if point and not died:
            break
        point += 1
    assert said[0][0] == "ready"
    assert point > 6, "the preview of an undo has points to die at"


def previewed(world: World, transfer: Transfer) -> None:
    begin_undo(transfer, delete_created=True, actor="Alice")
    world.drain()


def planned(undo: Transfer) -> list[tuple[str, str]]:
    return sorted(undo.records.values_list("name", "outcome"))


def undone_of(undo: Transfer) -> Any:
    def act(world: World) -> None:
        run_previewed(undo, actor="Alice")
        world.drain()

    return act


def told(undo: Transfer) -> tuple[object, ...]:
    return (undo.state, undo.restored, undo.deleted, undo.unlinked, undo.kept, undo.failed)
