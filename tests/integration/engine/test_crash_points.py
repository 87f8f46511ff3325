"""The worker dies before or after any call and any commit: the next one ends where an undisturbed run would have.

Every point of a scripted history is tried in turn. The world may cost a few reads more, never a record more.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.core.settings import Direction
from tidegate.store.memory import LaneMemory
from tidegate.store.models import Intent

pytestmark = pytest.mark.django_db

COMMITS = ("commit", "commit_page", "write_intents", "save_index", "drop_intents", "ask_to_look")
CALLS = (
    "create_person",
    "update_person",
    "create_organization",
    "get_persons",
    "walk_persons",
    "walk_organizations",
    "get_organizations",
    "remove_person",
    "remove_organization",
    "attachments",
)


class Died(BaseException):
    """The process ended here."""


class Countdown:
    """Lets so many points pass, then dies; afterwards nothing dies any more."""

    def __init__(self, points: int) -> None:
        self.left = points

    def __call__(self, point: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise Died(point)


def mortal_memory(countdown: Countdown) -> type[LaneMemory]:
    """A store where each commit is a point before and a point after."""

    def mortal(name: str) -> Callable[..., Any]:
        def method(self: LaneMemory, *args: Any, **kwargs: Any) -> Any:
            countdown(f"before {name}")
            done = getattr(super(Mortal, self), name)(*args, **kwargs)
            countdown(f"after {name}")
            return done

        return method

    class Mortal(LaneMemory):
        pass

    for name in COMMITS:
        setattr(Mortal, name, mortal(name))
    return Mortal


def make_calls_mortal(world: World, countdown: Countdown) -> None:
    for side in (world.crm, world.outreach):
        for name in (*CALLS, "create_prospect", "update_prospect", "remove_prospect"):
            if hasattr(side, name):
                setattr(side, name, _mortal_call(getattr(side, name), name, countdown))


def _mortal_call(call: Callable[..., Any], name: str, countdown: Countdown) -> Callable[..., Any]:
    async def method(*args: Any, **kwargs: Any) -> Any:
        countdown(f"before {name}")
        answer = await call(*args, **kwargs)
        countdown(f"after {name}")
        return answer

    return method


def survive(world: World, act: Callable[[World], None]) -> None:
    """What a supervisor does: start again, with nothing in memory."""
    try:
        act(world)
    except Died:
        world.drain()
        world.connection.refresh_from_db()
        if world.connection.status == "syncing":
            world.drain()


def outcome(world: World) -> dict[str, Any]:
    """What both sides hold in the end, without ids."""
    world.drain()
    keys = (FIRST_NAME, LAST_NAME, EMAIL, JOB_TITLE)
    return {
        "persons": sorted(tuple(str(p.value(k)) for k in keys) for p in world.persons()),
        "prospects": sorted(tuple(str(p.value(k)) for k in keys) for p in world.prospects()),
        "organizations": [o.name for o in world.crm.organizations],
        "links": len(world.links()),
        "intents": Intent.objects.count(),
    }


def first_part(world: World) -> None:
    world.outreach.add(prospect("Ann One", **{COMPANY: "Polar Note"}))
    world.outreach.add(prospect("Bo Two", **{COMPANY: "Polar Note"}))
    world.crm.add_person({FIRST_NAME: "Cy", LAST_NAME: "Three", EMAIL: ("cy@north.example",)})
    world.drain()


def second_part(world: World) -> None:
    ann = next(i for i in world.outreach.ids if world.outreach.record(i).value(LAST_NAME) == "One")
    person_id = world.links()[ann]
    world.outreach.edit(ann, {JOB_TITLE: "Chair"})
    world.crm.edit_person(person_id, {JOB_TITLE: "President", FIRST_NAME: "Anna"})
    world.drain()


def third_part(world: World) -> None:
    world.transfer(Direction.TO_PIPEDRIVE)


PARTS = (first_part, second_part, third_part)


@pytest.mark.parametrize("part", range(len(PARTS)))
def test_wherever_the_worker_dies_the_end_is_the_same(part: int) -> None:
    undisturbed = World()
    for act in PARTS:
        act(undisturbed)
    expected = outcome(undisturbed)

    tried = 0
    while dies_at(tried + 1, part, expected):
        tried += 1
    assert tried > 6, "the history has points to die at"


def dies_at(point: int, part: int, expected: dict[str, Any]) -> bool:
    """Play the history with a death at this point of one part; whether the part has that point."""
    countdown = Countdown(0)
    world = World(memory_class=mortal_memory(countdown))
    make_calls_mortal(world, countdown)
    died = False
    for number, act in enumerate(PARTS):
        countdown.left = point if number == part else 0
        survive(world, act)
        died |= number == part and countdown.left <= 0
    assert outcome(world) == expected, f"died at point {point}"
    return died
