"""Robots in both apps that rewrite what the other wrote: a bounded number of rounds, then a person is asked."""

from collections.abc import Callable, Mapping

import pytest

from tests.integration.engine.world import World, prospect
from tidegate.core.quarrels import MOST_TURNS
from tidegate.core.records import FIRST_NAME, JOB_TITLE, Side
from tidegate.core.values import Value
from tidegate.store.models import Attention
from tidegate.wiring.actions import retry_attention

pytestmark = pytest.mark.django_db

Robot = Callable[[Value], Value]


def shout(value: Value) -> Value:
    return value.upper() if isinstance(value, str) else value


def whisper(value: Value) -> Value:
    return value.lower() if isinstance(value, str) else value


def grow(value: Value) -> Value:
    return f"{value}!" if isinstance(value, str) else value


def still(value: Value) -> Value:
    return value


class Robots:
    """Two automations that look at the job title whenever the sync has written it, a moment later, as a person would edit."""

    def __init__(self, world: World, outreach: Robot, pipedrive: Robot) -> None:
        self.world, self.outreach, self.pipedrive = world, outreach, pipedrive
        self.prospect_id = world.outreach.add(prospect("Ann One", **{JOB_TITLE: "Chair"}))
        world.drain()
        self.person_id = world.links()[self.prospect_id]
        self.left: dict[Side, Value] = dict.fromkeys(Side)
        """What each robot left there."""

    def answer(self) -> None:
        """A robot rewrites what it has not written itself."""
        for side, robot, edit in (
            (Side.OUTREACH, self.outreach, self._edit_prospect),
            (Side.PIPEDRIVE, self.pipedrive, self._edit_person),
        ):
            value = self.value(side)
            if value != self.left[side]:
                self.left[side] = robot(value)
                if self.left[side] != value:
                    edit({JOB_TITLE: self.left[side]})
                    return

    def value(self, side: Side) -> Value:
        if side is Side.OUTREACH:
            return self.world.outreach.record(self.prospect_id).value(JOB_TITLE)
        return self.world.crm.person(self.person_id).value(JOB_TITLE)

    def _edit_prospect(self, values: Mapping[str, Value]) -> None:
        self.world.outreach.edit(self.prospect_id, values)

    def _edit_person(self, values: Mapping[str, Value]) -> None:
        self.world.crm.edit_person(self.person_id, values)

    def run(self, rounds: int = 12) -> int:
        """How many updates the sync sent meanwhile."""
        before = len(self.world.log(act="update"))
        for _ in range(rounds):
            self.answer()
            self.world.drain(rounds=2)
        return len(self.world.log(act="update")) - before


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("robots", [(whisper, shout), (grow, grow)])
def test_two_robots_that_rewrite_each_other_are_stopped_and_put_to_a_person(
    world: World, robots: tuple[Robot, Robot]
) -> None:
    quarrel = Robots(world, *robots)

    assert quarrel.run() == MOST_TURNS
    (question,) = world.questions()
    assert question.kind == "oscillating"
    assert f"Job title was rewritten {MOST_TURNS} times in turn" in question.message
    assert "switch it off" in question.cure


@pytest.mark.parametrize("robots", [(whisper, still), (still, shout)])
def test_one_robot_alone_gets_its_way_at_once(world: World, robots: tuple[Robot, Robot]) -> None:
    assert Robots(world, *robots).run(rounds=5) == 1
    assert world.questions() == []


def test_other_fields_of_the_stopped_pair_still_travel(world: World) -> None:
    quarrel = Robots(world, whisper, shout)
    quarrel.run(rounds=8)

    world.outreach.edit(quarrel.prospect_id, {FIRST_NAME: "Anna"})
    world.drain()

    assert world.crm.person(quarrel.person_id).value(FIRST_NAME) == "Anna"
    assert [question.kind for question in world.questions()] == ["oscillating"]


def test_the_question_keeps_its_age_however_often_the_record_is_looked_at(world: World) -> None:
    quarrel = Robots(world, whisper, shout)
    quarrel.run(rounds=8)
    first = world.questions()[0]

    world.outreach.edit(quarrel.prospect_id, {FIRST_NAME: "Anna"})
    world.drain()

    assert world.questions() == [first]
    assert Attention.objects.count() == 1


def test_the_same_value_in_both_apps_settles_it(world: World) -> None:
    quarrel = Robots(world, whisper, shout)
    quarrel.run(rounds=8)

    for edit, record_id in (
        (world.outreach.edit, quarrel.prospect_id),
        (world.crm.edit_person, quarrel.person_id),
    ):
        edit(record_id, {JOB_TITLE: "President"})
    world.drain()

    assert world.questions() == []


def test_retry_after_the_robot_is_off_brings_both_sides_in_step(world: World) -> None:
    quarrel = Robots(world, whisper, shout)
    quarrel.run(rounds=8)

    retry_attention(world.questions()[0], actor="Alice")
    world.drain()

    assert world.questions() == []
    assert quarrel.value(Side.OUTREACH) == quarrel.value(Side.PIPEDRIVE)


def test_retry_while_the_robots_still_run_ends_in_the_same_question(world: World) -> None:
    quarrel = Robots(world, whisper, shout)
    quarrel.run(rounds=8)

    retry_attention(world.questions()[0], actor="Alice")
    world.drain()

    assert quarrel.run(rounds=8) <= MOST_TURNS
    assert [question.kind for question in world.questions()] == ["oscillating"]
