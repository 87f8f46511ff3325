"""Who is who, over time: addresses move and swap, records are merged, hidden, deleted and come back."""

import pytest
from asgiref.sync import async_to_sync

from tests.integration.engine.world import World, prospect
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.store.models import Link
from tidegate.wiring.actions import retry_attention

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def in_step(world: World, name: str) -> tuple[str, str]:
    prospect_id = world.outreach.add(prospect(name))
    world.drain()
    return prospect_id, world.links()[prospect_id]


def state_of(prospect_id: str) -> str:
    return Link.objects.get(prospect_id=prospect_id).state


# --- Addresses


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_prospects_that_swap_their_addresses_keep_their_persons(
    world: World, order: tuple[int, int]
) -> None:
    pairs = [in_step(world, "Ann One"), in_step(world, "Bo Two")]
    addresses = [world.outreach.record(ours).value(EMAIL) for ours, _ in pairs]
    for index in order:
        world.outreach.edit(pairs[index][0], {EMAIL: addresses[1 - index]})
    world.drain()

    assert world.links() == dict(pairs)
    assert [world.crm.person(theirs).value(EMAIL) for _, theirs in pairs] == addresses[::-1]
    assert (len(world.prospects()), len(world.persons()), world.questions()) == (2, 2, [])


def test_an_address_that_moves_from_one_person_to_another_follows_on_the_other_side(world: World) -> None:
    giver, taker = in_step(world, "Ann One"), in_step(world, "Bo Two")
    world.crm.edit_person(giver[1], {EMAIL: ("ann@home.example",)})
    world.crm.edit_person(taker[1], {EMAIL: ("bo@north.example", "ann@north.example")})
    world.drain()

    assert world.links() == dict([giver, taker])
    assert world.outreach.record(giver[0]).emails == ("ann@home.example",)
    assert set(world.outreach.record(taker[0]).emails) == {"bo@north.example", "ann@north.example"}


def test_a_new_person_that_takes_over_an_address_given_up_is_somebody_else(world: World) -> None:
    """Somebody left the company and the successor got the address: no new prospect is glued to the old one."""
    old = in_step(world, "Ann One")
    world.crm.edit_person(old[1], {EMAIL: ("ann@home.example",)})
    world.drain()
    successor = world.crm.add_person({FIRST_NAME: "New", LAST_NAME: "Ann", EMAIL: ("ann@north.example",)})
    world.drain()

    links = world.links()
    assert links[old[0]] == old[1]
    assert successor in links.values()
    assert world.questions() == []


def test_the_second_address_of_a_linked_person_brings_a_newcomer_to_a_person_not_to_a_twin(
    world: World,
) -> None:
    _, theirs = in_step(world, "Ann One")
    world.crm.edit_person(theirs, {EMAIL: ("ann@north.example", "ann@home.example")})
    world.drain()
    world.outreach.add(prospect("Anna Won", email="ann@home.example"))
    world.drain()

    assert len(world.persons()) == 1
    (question,) = world.questions()
    assert (question.kind, question.facts["candidates"]) == ("ambiguous", [theirs])


# --- Hidden, deleted, back


def test_a_person_the_user_can_not_see_is_told_apart_from_a_deleted_one(world: World) -> None:
    hidden, deleted = in_step(world, "Ann One"), in_step(world, "Bo Two")
    world.crm.hide_person(hidden[1])
    world.crm.delete_person(deleted[1])
    for ours, _ in (hidden, deleted):
        world.outreach.edit(ours, {JOB_TITLE: "Chair"})
    world.drain()

    assert (state_of(hidden[0]), state_of(deleted[0])) == ("person_unseen", "person_gone")
    (question,) = world.questions()
    assert (question.kind, question.person_id) == ("hidden", hidden[1])
    assert "Olga Owner" in question.cure
    assert len(world.prospects()) == 2
    assert [entry.message for entry in world.log(act="unlink", prospect_id=deleted[0])] == [
        "The person was deleted in Pipedrive. Nothing is deleted in the outreach app."
    ]


def test_a_person_that_is_shown_again_goes_on_after_retry(world: World) -> None:
    ours, theirs = in_step(world, "Ann One")
    world.crm.hide_person(theirs)
    world.outreach.edit(ours, {JOB_TITLE: "Chair"})
    world.drain()
    world.crm.hide_person(theirs, hidden=False)
    retry_attention(world.questions()[0], actor="Alice")
    world.drain()

    assert state_of(ours) == "linked"
    assert world.crm.person(theirs).value(JOB_TITLE) == "Chair"
    assert world.questions() == []


def test_a_person_that_is_shown_again_and_edited_is_found_by_the_regular_check(world: World) -> None:
    ours, theirs = in_step(world, "Ann One")
    async_to_sync(world.check)()
    world.crm.hide_person(theirs)
    world.outreach.edit(ours, {JOB_TITLE: "Chair"})
    world.drain()
    world.crm.hide_person(theirs, hidden=False)
    world.clock.move(60)
    world.crm.edit_person(theirs, {FIRST_NAME: "Anna"})
    world.deliveries_taken = len(world.crm.deliveries)
    async_to_sync(world.check)()
    world.drain()

    assert state_of(ours) == "linked"
    assert world.outreach.record(ours).value(FIRST_NAME) == "Anna"
    assert world.crm.person(theirs).value(JOB_TITLE) == "Chair"


def test_a_deletion_told_later_settles_the_question_about_the_hidden_person(world: World) -> None:
    ours, theirs = in_step(world, "Ann One")
    world.crm.delete_person(theirs)
    late = world.crm.deliveries.pop()
    world.crm.hide_person(theirs)
    world.crm._persons[theirs].gone = False  # not shown, and not said to be deleted
    world.outreach.edit(ours, {JOB_TITLE: "Chair"})
    world.drain()
    assert [question.kind for question in world.questions()] == ["hidden"]

    world.crm.deliveries.append(late)
    world.drain()

    assert state_of(ours) == "person_gone"
    assert world.questions() == []
