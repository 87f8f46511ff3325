"""What somebody types into the very field that we write, between our look and our write, is never lost without a line."""

from collections.abc import Mapping
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from tests.integration.engine.world import World, prospect
from tidegate.core.records import (
    COMPANY,
    EMAIL,
    FIRST_NAME,
    JOB_TITLE,
    LAST_NAME,
    PHONE,
    Record,
    Side,
)
from tidegate.core.settings import Direction
from tidegate.core.values import Value
from tidegate.errors import RemoteUnavailable

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def in_step(world: World, more: Mapping[str, Value] | None = None) -> tuple[str, str]:
    prospect_id = world.outreach.add({**prospect(), JOB_TITLE: "Chair", **(more or {})})
    world.drain()
    return prospect_id, world.links()[prospect_id]


def type_in_between(world: World, person_id: str, typed: Mapping[str, Value], **more_typed: str) -> None:
    """Somebody types this just before our next write of the person reaches Pipedrive."""
    update = world.crm.update_person

    async def overtaking(*args: Any, **more: Any) -> Record:
        setattr(world.crm, "update_person", update)  # noqa: B010
        world.crm.edit_person(person_id, typed, **more_typed)
        return await update(*args, **more)

    setattr(world.crm, "update_person", overtaking)  # noqa: B010


def titles(world: World, prospect_id: str, person_id: str) -> tuple[Value, Value]:
    return world.outreach.record(prospect_id).value(JOB_TITLE), world.crm.person(person_id).value(JOB_TITLE)


def told(world: World) -> list[tuple[Any, Any, Any]]:
    return [(c["before"], c["after"], c.get("lost")) for e in world.log(act="overtaken") for c in e.changes]


def test_an_edit_that_the_rules_prefer_is_given_back_and_travels(world: World) -> None:
    prospect_id, person_id = in_step(world)
    type_in_between(world, person_id, {JOB_TITLE: "President"})
    world.outreach.edit(prospect_id, {JOB_TITLE: "Director"})
    world.drain()

    assert titles(world, prospect_id, person_id) == ("President", "President")
    assert told(world) == [("President", "Director", None)]
    assert "given back" in world.log(act="overtaken")[0].message
    assert world.log(act="overtaken")[0].record_name == "Signe Aaltonen"


def test_where_the_written_value_wins_the_overtaken_one_is_in_the_log(world: World) -> None:
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    prospect_id, person_id = in_step(world)
    type_in_between(world, person_id, {JOB_TITLE: "President"})
    world.outreach.edit(prospect_id, {JOB_TITLE: "Director"})
    world.drain()

    assert titles(world, prospect_id, person_id) == ("Director", "Director")
    assert told(world) == [("President", "Director", "President")]


def test_finding_it_costs_no_call_and_an_undisturbed_write_no_line(world: World) -> None:
    prospect_id, person_id = in_step(world)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Director"})
    world.drain()
    before = world.crm.tokens.total()
    world.deliveries_taken -= 1
    world.drain()

    assert world.crm.tokens.total() == before
    assert told(world) == []
    assert titles(world, prospect_id, person_id) == ("Director", "Director")


def test_told_twice_and_late_it_is_one_line_and_one_write(world: World) -> None:
    prospect_id, person_id = in_step(world)
    type_in_between(world, person_id, {JOB_TITLE: "President"})
    world.outreach.edit(prospect_id, {JOB_TITLE: "Director"})
    since = len(world.crm.deliveries)
    world.drain()
    writes = len(world.crm.written)
    for _ in range(2):
        world.deliveries_taken = since
        world.drain()

    assert len(told(world)) == 1
    assert len(world.crm.written) == writes
    assert titles(world, prospect_id, person_id) == ("President", "President")


def test_an_edit_after_the_overtaken_one_stays_and_both_are_told(world: World) -> None:
    """Somebody typed it anew before we knew: the newer edit is theirs, and nothing is given back."""
    prospect_id, person_id = in_step(world)
    type_in_between(world, person_id, {JOB_TITLE: "President"})
    world.outreach.edit(prospect_id, {JOB_TITLE: "Director"})
    update = world.crm.update_person

    async def then_typed(*args: Any, **more: Any) -> Record:
        answer = await update(*args, **more)
        setattr(world.crm, "update_person", update)  # noqa: B010
        world.crm.edit_person(person_id, {JOB_TITLE: "Founder"})
        return answer

    setattr(world.crm, "update_person", then_typed)  # noqa: B010
    world.drain()

    assert titles(world, prospect_id, person_id) == ("Founder", "Founder")
    assert told(world) == [("President", "Director", "President")]


def test_of_several_writes_in_a_row_each_is_held_to_what_it_had_seen(world: World) -> None:
    prospect_id, person_id = in_step(world)
    for title in ("Director", "Head"):
        world.outreach.edit(prospect_id, {JOB_TITLE: title})
        world.drain()
    type_in_between(world, person_id, {JOB_TITLE: "President"})
    world.outreach.edit(prospect_id, {JOB_TITLE: "Owner"})
    world.drain()

    assert told(world) == [("President", "Owner", None)]
    assert titles(world, prospect_id, person_id) == ("President", "President")


def test_webhooks_in_another_order_come_to_the_same(world: World) -> None:
    prospect_id, person_id = in_step(world)
    type_in_between(world, person_id, {JOB_TITLE: "President"})
    world.outreach.edit(prospect_id, {JOB_TITLE: "Director"})
    taken = world.deliveries_taken
    deliveries = world.crm.deliveries
    original = world.tell

    def shuffled(*, twice: bool = False) -> int:
        deliveries[taken:] = reversed(deliveries[taken:])
        world.tell = original  # type: ignore[method-assign]
        return original()

    world.drain(rounds=1)
    world.tell = shuffled  # type: ignore[method-assign]
    world.drain()

    assert titles(world, prospect_id, person_id) == ("President", "President")
    assert told(world) == [("President", "Director", None)]


@pytest.mark.parametrize("direction", [Direction.TWO_WAY, Direction.TO_PIPEDRIVE])
def test_of_addresses_and_numbers_both_additions_stay_in_pipedrive(
    world: World, direction: Direction
) -> None:
    world.use(world.settings.in_direction(direction))
    mine, added, typed = "signe@north.example", "signe@home.example", "s.aaltonen@north.example"
    prospect_id, person_id = in_step(world)
    type_in_between(world, person_id, {EMAIL: (mine, typed)})
    world.outreach.edit(prospect_id, {EMAIL: (mine, added)})
    world.drain()

    assert set(world.crm.person(person_id).emails) == {mine, added, typed}
    reached = {mine, added, typed} if direction is Direction.TWO_WAY else {mine, added}
    assert set(world.outreach.record(prospect_id).emails) == reached
    assert len(told(world)) == 1


def test_a_number_in_another_spelling_is_no_edit(world: World) -> None:
    prospect_id, person_id = in_step(world, {PHONE: ("+358 40 123 4567",)})
    type_in_between(world, person_id, {PHONE: ("+358401234567",)})
    world.outreach.edit(prospect_id, {PHONE: ("+358 40 123 4567", "+358 9 1234")})
    world.drain()

    assert told(world) == []


def test_an_answer_that_got_lost_hides_nothing(world: World) -> None:
    prospect_id, person_id = in_step(world)
    type_in_between(world, person_id, {JOB_TITLE: "President"})
    world.crm.faults.fail("update_person", RemoteUnavailable(sent=True), after=True)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Director"})
    world.drain()

    assert len(told(world)) == 1
    assert titles(world, prospect_id, person_id) == ("President", "President")


@pytest.mark.parametrize("overtaken", [False, True])
def test_an_organization_that_was_renamed_since_is_the_one_that_was_looked_at(
    world: World, overtaken: bool
) -> None:
    """The webhook of our write tells it by its id: told once more after the renaming, it bears another name than the log."""
    world.crm.add_organization("Harbour Ltd")
    async_to_sync(world.check)()
    prospect_id, person_id = in_step(world, {COMPANY: "Polar Note"})
    if overtaken:
        harbour = next(o.id for o in world.crm.organizations if o.name == "Harbour Ltd")
        type_in_between(world, person_id, {}, organization_id=harbour)
    polar = next(o.id for o in world.crm.organizations if o.name == "Polar Note")
    since = len(world.crm.deliveries)
    world.outreach.edit(prospect_id, {COMPANY: "Fjord Works"})
    world.drain()
    world.crm.rename_organization(polar, "Polar Notes Oy")
    world.drain()
    async_to_sync(world.check)()
    writes = len(world.crm.written) + len(world.outreach.written)

    world.deliveries_taken = since
    world.drain()

    assert len(world.crm.written) + len(world.outreach.written) == writes
    assert len(told(world)) == overtaken


def test_a_write_by_another_program_of_our_user_is_theirs(world: World) -> None:
    """It looks like ours, but we wrote nothing of the kind: the value travels as any other change."""
    prospect_id, person_id = in_step(world)
    before = world.crm.person(person_id)
    world.crm.edit_person(person_id, {JOB_TITLE: "Robot"})
    world.crm._tell("change", person_id, before=before)
    world.drain()

    assert told(world) == []
    assert titles(world, prospect_id, person_id) == ("Robot", "Robot")


def test_a_prospect_is_written_only_as_it_was_looked_at(world: World) -> None:
    """The store compares before it sets: the edit is seen, and decided about by the conflict rule."""
    prospect_id, person_id = in_step(world)
    update = world.outreach.update_prospect

    async def overtaking(*args: Any, **more: Any) -> Record:
        setattr(world.outreach, "update_prospect", update)  # noqa: B010
        world.outreach.edit(prospect_id, {JOB_TITLE: "Founder"})
        return await update(*args, **more)

    setattr(world.outreach, "update_prospect", overtaking)  # noqa: B010
    world.crm.edit_person(person_id, {JOB_TITLE: "President"})
    world.drain()

    assert titles(world, prospect_id, person_id) == ("President", "President")
    lost = [c["lost"] for e in world.log() for c in e.changes if c.get("conflict")]
    assert lost == ["Founder"]
    assert world.log(act="update")[-1].side == Side.OUTREACH


def test_a_part_of_a_name_that_went_along_with_the_other_is_given_back(world: World) -> None:
    """Pipedrive takes both parts of a name together: the last name typed meanwhile went under with our first name."""
    prospect_id, person_id = in_step(world)
    update = world.crm.update_person

    async def both_parts(i: str, values: Mapping[str, Value], **more: Any) -> Record:
        setattr(world.crm, "update_person", update)  # noqa: B010
        world.crm.edit_person(person_id, {LAST_NAME: "Berg"})
        return await update(i, {**values, LAST_NAME: more["seen"].value(LAST_NAME)}, **more)

    setattr(world.crm, "update_person", both_parts)  # noqa: B010
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    world.outreach.edit(prospect_id, {FIRST_NAME: "Sigrid"})
    world.drain()

    person = world.crm.person(person_id)
    assert (person.value(FIRST_NAME), person.value(LAST_NAME)) == ("Sigrid", "Berg")
    assert told(world) == [("Berg", "Aaltonen", None)]
