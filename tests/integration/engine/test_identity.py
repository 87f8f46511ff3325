"""Who is who, over time: addresses move and swap, records are merged, hidden, deleted and come back."""

from itertools import pairwise, permutations

import pytest
from asgiref.sync import async_to_sync

from tests.builders import make_attention
from tests.integration.engine.world import World, prospect
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.core.settings import Direction
from tidegate.errors import Invalid
from tidegate.store.identities import survivors
from tidegate.store.models import Link
from tidegate.wiring.actions import retry_attention, settle_attention

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


@pytest.mark.parametrize("newcomer_first", [True, False])
def test_who_has_an_address_that_is_given_to_a_linked_person_in_the_same_moment_is_asked_about(
    world: World, newcomer_first: bool
) -> None:
    """M8. Made beside it, there would be two persons with one address."""
    mine, theirs = in_step(world, "Ann One")
    newcomer = prospect("Anna Won", email="ann@home.example")
    if newcomer_first:
        world.outreach.add(newcomer)
    world.outreach.edit(mine, {EMAIL: ("ann@north.example", "ANN@home.example")})
    if not newcomer_first:
        world.outreach.add(newcomer)

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


# --- Answers that are remembered


def two_who_fit(world: World) -> tuple[str, list[str]]:
    """A prospect, and two persons with its address."""
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    persons = [
        world.crm.add_person({FIRST_NAME: "Ann", LAST_NAME: f"No{n}", EMAIL: ("ann@north.example",)})
        for n in (1, 2)
    ]
    prospect_id = world.outreach.add(prospect("Ann One"))
    world.drain()
    return prospect_id, persons


def test_none_of_them_is_an_answer_and_it_is_remembered(world: World) -> None:
    prospect_id, persons = two_who_fit(world)
    (question,) = world.questions()

    settle_attention(question, actor="Alice", none_of_them=True)
    world.drain()
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()

    made = world.links()[prospect_id]
    assert made not in persons
    assert world.crm.person(made).value(JOB_TITLE) == "Chair"
    assert world.questions() == []


def test_the_answer_holds_from_the_other_side_too(world: World) -> None:
    _, persons = two_who_fit(world)
    settle_attention(world.questions()[0], actor="Alice", none_of_them=True)
    world.drain()
    world.use(world.settings.in_direction(Direction.TWO_WAY))

    world.crm.edit_person(persons[0], {JOB_TITLE: "Pilot"})
    world.drain()

    assert len(world.prospects()) == 2
    assert persons[0] in world.links().values()
    assert world.questions() == []


def test_a_newcomer_with_the_same_address_is_asked_about_all_the_same(world: World) -> None:
    prospect_id, persons = two_who_fit(world)
    settle_attention(world.questions()[0], actor="Alice", none_of_them=True)
    world.drain()

    world.outreach.add(prospect("Anna Other", email="ann@north.example"))
    world.drain()

    (question,) = world.questions()
    assert set(question.facts["candidates"]) == {*persons, world.links()[prospect_id]}


@pytest.mark.parametrize("kind", ["invalid", "hidden", "merged"])
def test_only_who_is_meant_can_be_answered_with_none_of_them(world: World, kind: str) -> None:
    question = make_attention(world.connection, kind, facts={"candidates": ["1"]})

    with pytest.raises(Invalid):
        settle_attention(question, actor="Alice", none_of_them=True)

    assert world.questions() == [question]


# --- Merges


def two_merged(world: World) -> tuple[tuple[str, str], tuple[str, str]]:
    """Two linked pairs; the second one's person was merged into the first one's."""
    stays, goes = in_step(world, "Ann One"), in_step(world, "Bo Two")
    world.crm.merge_persons(goes[1], stays[1])
    world.drain()
    return stays, goes


def test_of_two_linked_persons_that_became_one_both_prospects_are_shown(world: World) -> None:
    stays, goes = two_merged(world)

    (question,) = world.questions()
    assert (question.kind, question.prospect_id) == ("merged", goes[0])
    assert question.facts["candidates"] == [stays[0], goes[0]]
    assert world.links()[stays[0]] == stays[1]
    assert (state_of(stays[0]), state_of(goes[0])) == ("linked", "person_gone")
    assert len(world.prospects()) == 2


def test_the_other_prospect_can_take_the_person_over(world: World) -> None:
    stays, goes = two_merged(world)
    settle_attention(world.questions()[0], actor="Alice", prospect_id=goes[0])
    world.drain()
    world.outreach.edit(goes[0], {JOB_TITLE: "Chair"})
    world.outreach.edit(stays[0], {JOB_TITLE: "Pilot"})
    world.drain()

    assert world.links()[goes[0]] == stays[1]
    assert (state_of(stays[0]), state_of(goes[0])) == ("person_gone", "linked")
    assert world.crm.person(stays[1]).value(JOB_TITLE) == "Chair"
    assert (len(world.prospects()), len(world.persons()), world.questions()) == (2, 1, [])


def test_the_one_that_is_linked_can_be_confirmed(world: World) -> None:
    stays, goes = two_merged(world)
    settle_attention(world.questions()[0], actor="Alice", prospect_id=stays[0])
    world.drain()
    world.outreach.edit(goes[0], {JOB_TITLE: "Chair"})
    world.drain()

    assert (state_of(stays[0]), state_of(goes[0])) == ("linked", "person_gone")
    assert world.questions() == []


def test_a_prospect_that_was_made_for_a_person_and_belongs_to_another_one_by_now_is_not_its_own(
    world: World,
) -> None:  # M11
    """What was linked is forgotten, and it took over somebody else's address: the person gets a prospect of its own."""
    ann = world.crm.add_person(prospect("Ann One"))
    world.drain()
    (made,) = world.outreach.ids
    Link.objects.all().delete()
    world.outreach.edit(made, {FIRST_NAME: "Bo", EMAIL: ("bo@north.example",)})
    bo = world.crm.add_person(prospect("Bo Two"))
    world.drain()
    assert world.links() == {made: bo}

    world.crm.edit_person(ann, {JOB_TITLE: "Chair"})
    world.drain()

    own = next(i for i in world.outreach.ids if i != made)
    assert world.links() == {made: bo, own: ann}
    assert world.outreach.record(own).emails == ("ann@north.example",)
    assert world.outreach.record(made).emails == ("bo@north.example",)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_chain_of_merges_is_followed_to_its_end_in_whatever_order_it_is_told(
    world: World, order: tuple[int, ...]
) -> None:
    prospect_id, first = in_step(world, "Ann One")
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    others = [
        world.crm.add_person({FIRST_NAME: "No", LAST_NAME: str(n), EMAIL: (f"no{n}@north.example",)})
        for n in range(3)
    ]
    world.drain()
    for loser, survivor in pairwise([first, *others]):
        world.crm.merge_persons(loser, survivor)
    told = [d for d in world.crm.deliveries[world.deliveries_taken :] if d.action == "delete"]
    world.crm.deliveries[world.deliveries_taken :] = [told[number] for number in order]
    later = world.crm.deliveries[world.deliveries_taken + 1 :]
    del world.crm.deliveries[world.deliveries_taken + 1 :]
    world.drain()
    world.crm.deliveries.extend(later)
    world.drain()

    assert world.links() == {prospect_id: others[-1]}
    assert state_of(prospect_id) == "linked"
    assert set(survivors(world.connection.lane_id, [first, *others]).values()) == {others[-1]}
