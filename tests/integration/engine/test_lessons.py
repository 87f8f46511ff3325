"""What has broken other syncs, told as rules that hold here: each name says the lesson, each docstring the story.
`docs/lessons.md` lists them all; those that another test tells are not told again here.
"""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync

from tests.integration.engine.mortality import Countdown, Died, make_calls_mortal, mortal_memory
from tests.integration.engine.world import World, prospect
from tidegate.core.catalogue import Field, User
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, PHONE
from tidegate.core.settings import Direction
from tidegate.core.values import Kind, Unreadable, Value
from tidegate.errors import InvalidForRemote, RemoteUnavailable
from tidegate.store.models import Change, Intent, Link, MirrorPerson
from tidegate.store.sameness import ask_for_check

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def in_step(
    world: World, name: str = "Signe Aaltonen", more: Mapping[str, Value] | None = None
) -> tuple[str, str]:
    prospect_id = world.outreach.add({**prospect(name), **(more or {})})
    world.drain()
    return prospect_id, world.links()[prospect_id]


def person(name: str, email: str) -> Mapping[str, Value]:
    first, _, last = name.partition(" ")
    return {FIRST_NAME: first, LAST_NAME: last, EMAIL: (email,)}


def test_a_created_and_a_changed_webhook_of_one_person_make_one_prospect(world: World) -> None:
    """Two webhooks of one edit arrived together, both saw nobody, and both made one."""
    person_id = world.crm.add_person(person("Ann One", "ann@north.example"))
    world.crm.edit_person(person_id, {JOB_TITLE: "Chair"})
    world.tell(twice=True)
    world.drain()

    assert len(world.prospects()) == 1


def test_a_burst_of_news_about_a_new_prospect_makes_one_person(world: World) -> None:
    """Eighteen copies of one person, because a search does not see what was written a second ago."""
    prospect_id = world.outreach.add(prospect())
    for number in range(18):
        world.outreach.edit(prospect_id, {JOB_TITLE: f"Title {number}"})
        if number % 5 == 0:
            world.drain(rounds=1)
    world.drain()

    assert [p.value(JOB_TITLE) for p in world.persons()] == ["Title 17"]


def test_an_address_inside_another_one_is_no_match(world: World) -> None:
    """A search for ann@ found joann@, and the stranger was updated."""
    world.crm.add_person(person("Joann One", "joann@north.example"))
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    world.outreach.add(prospect("Ann Two"))
    world.drain()

    assert sorted(str(p.value(FIRST_NAME)) for p in world.persons()) == ["Ann", "Joann"]


def test_a_second_person_with_the_address_waits_for_a_person_to_decide(world: World) -> None:
    """Two contacts of one address took turns in overwriting one prospect."""
    prospect_id, person_id = in_step(world)
    twin = world.crm.add_person(person("Other Name", "signe@north.example"))
    world.drain()
    world.crm.edit_person(twin, {JOB_TITLE: "Stranger"})
    world.drain()

    assert world.links() == {prospect_id: person_id}
    assert world.outreach.record(prospect_id).value(JOB_TITLE) is None
    assert [question.kind for question in world.questions()] == ["ambiguous"]


def test_a_second_address_makes_no_second_prospect(world: World) -> None:
    """A mail from the second address made a second contact."""
    person_id = world.crm.add_person(person("Ann One", "ann@north.example"))
    world.crm.edit_person(person_id, {EMAIL: ("ann@north.example", "ann@home.example")})
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    prospect_id = world.outreach.add(prospect("Ann One", email="ann@home.example"))
    world.drain()

    assert world.links() == {prospect_id: person_id}
    assert set(world.crm.person(person_id).emails) == {"ann@north.example", "ann@home.example"}


def test_another_spelling_of_a_phone_number_is_no_change(world: World) -> None:
    """One number in two spellings became two contacts, and a write for each."""
    _, person_id = in_step(world, more={PHONE: ("+358 40 123 4567",)})
    writes = len(world.log())
    world.crm.edit_person(person_id, {PHONE: ("+358401234567",)})
    world.drain()

    assert len(world.log()) == writes


def test_a_value_emptied_by_a_person_is_emptied_on_the_other_side(world: World) -> None:
    """A cleared field kept its old value for ever."""
    prospect_id, person_id = in_step(world, more={JOB_TITLE: "Chair"})
    world.crm.edit_person(person_id, {JOB_TITLE: None})
    world.drain()

    assert world.outreach.record(prospect_id).value(JOB_TITLE) is None


def test_a_refused_record_of_a_batch_is_the_only_one_that_waits(world: World) -> None:
    """One bad record ended the run, or the whole batch was sent again."""
    world.crm.faults.fail("create_person", InvalidForRemote("Refused."))
    for number in range(5):
        world.outreach.add(prospect(f"P{number} Q"))
    world.drain()

    assert (len(world.persons()), len(world.questions())) == (4, 1)
    assert world.crm.tokens["create_person"] == 5 * 5  # each was sent once


def test_a_refused_value_says_in_which_app_it_is_corrected(world: World) -> None:
    """A value that does not fit comes from the other app; one that can't be read is mended where it is."""
    prospect_id, person_id = in_step(world, more={PHONE: ("+358 40 123 4567",)})
    world.outreach.edit(prospect_id, {JOB_TITLE: "x" * 300})
    world.drain()
    assert [case.facts["correct"] for case in world.questions()] == [{"outreach": [JOB_TITLE]}]

    world.crm.edit_person(person_id, {PHONE: Unreadable("?", "not a list")})
    world.drain()
    [case] = world.questions()
    assert case.facts["correct"] == {"outreach": [JOB_TITLE], "pipedrive": [PHONE]}


def test_news_out_of_order_leaves_the_latest_state(world: World) -> None:
    """An old body that came late undid a newer edit."""
    prospect_id, person_id = in_step(world)
    world.crm.edit_person(person_id, {JOB_TITLE: "First"})
    world.crm.edit_person(person_id, {JOB_TITLE: "Second"})
    world.crm.deliveries[-2:] = reversed(world.crm.deliveries[-2:])
    world.drain()

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "Second"


def test_two_persons_merged_into_one_survivor_at_once_stop_nothing(world: World) -> None:
    """Two linked persons were merged into one: one link follows, the other stays with its prospect, and work goes on."""
    first, loser = in_step(world, "Ann One")
    second, other = in_step(world, "Bo Two")
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    survivor = world.crm.add_person(person("Cy Three", "cy@north.example"))
    world.drain()
    world.crm.merge_persons(loser, survivor)
    world.crm.merge_persons(other, survivor)
    world.drain()
    third = world.outreach.add(prospect("Di Four"))
    world.drain()

    assert sorted(world.links()) == sorted([first, second, third])
    assert list(world.links().values()).count(survivor) == 1


def test_a_merge_whose_survivor_is_linked_in_the_same_batch_stops_nothing(world: World) -> None:
    """The survivor meets a prospect of its own while the loser's link wants to follow it."""
    _, loser = in_step(world, "Ann One")
    survivor = world.crm.add_person(person("Cy Three", "cy@north.example"))
    world.crm.merge_persons(loser, survivor)
    world.drain()

    assert list(world.links().values()) == [survivor]
    assert len(world.prospects()) == 1


@pytest.mark.parametrize("after", [True, False])
def test_what_a_conflict_overwrote_is_in_the_log_although_the_worker_died(after: bool) -> None:
    """The write had arrived and nobody had noted what it overwrote: the next look found both sides in step."""
    countdown = Countdown(0)
    world = World(memory_class=mortal_memory(countdown))
    prospect_id, person_id = in_step(world)
    make_calls_mortal(world, countdown)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.crm.edit_person(person_id, {JOB_TITLE: "President"})
    update = world.outreach.update_prospect

    async def dying(*args: object, **more: object) -> object:
        if after:
            await update(*args, **more)  # type: ignore[arg-type]
        setattr(world.outreach, "update_prospect", update)  # noqa: B010
        raise Died

    setattr(world.outreach, "update_prospect", dying)  # noqa: B010
    with pytest.raises(Died):
        world.drain()
    world.drain()

    lost = [c["lost"] for entry in world.log() for c in entry.changes if c.get("conflict")]
    assert lost == ["Chair"]
    assert not Intent.objects.exists()


def test_an_update_whose_answer_got_lost_is_logged_once(world: World) -> None:
    """The write went through, the answer didn't, and the log said nothing."""
    prospect_id, person_id = in_step(world)
    world.crm.faults.fail("update_person", RemoteUnavailable(sent=True), after=True)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()

    assert world.crm.person(person_id).value(JOB_TITLE) == "Chair"
    assert [entry.act for entry in world.log(person_id=person_id)] == ["create", "update"]


def test_a_restored_person_is_found_although_no_webhook_told(world: World) -> None:
    """Deleted, restored with the same values, and the link stayed dead for ever."""
    prospect_id, person_id = in_step(world)
    async_to_sync(world.check)()
    world.crm.delete_person(person_id)
    world.drain()
    world.crm.restore_person(person_id)
    world.deliveries_taken = len(world.crm.deliveries)
    world.clock.move(60)
    async_to_sync(world.check)()
    world.drain()

    assert Link.objects.get(prospect_id=prospect_id).state == "linked"


def test_a_person_deleted_unnoticed_keeps_no_new_prospect_waiting(world: World) -> None:
    """An id that was gone was taken for the match again and again, and the new record never arrived."""
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    gone = world.crm.add_person(person("Ann Old", "ann@north.example"))
    async_to_sync(world.check)()
    world.crm.delete_person(gone)
    world.deliveries_taken = len(world.crm.deliveries)
    prospect_id = world.outreach.add(prospect("Ann New", email="ann@north.example"))
    world.drain()

    assert [p.value(LAST_NAME) for p in world.persons()] == ["New"]
    assert world.links() == {prospect_id: world.persons()[0].id}


def test_who_fits_nobody_is_made_anew_right_after_one_who_fits(world: World) -> None:
    """A plug-in kept the last hit of the previous round of its loop, and overwrote that person with the next record."""
    person_id = world.crm.add_person(person("Ann One", "ann@north.example"))
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    fits = world.outreach.add(prospect("Ann One"))
    others = [world.outreach.add(prospect("Bo Two", email=address)) for address in ("bo@north.example", "")]
    world.use(replace(world.settings, only_with_email=False))
    world.drain()

    links = world.links()
    assert links[fits] == person_id
    assert len({links[other] for other in others} - {person_id}) == 2
    assert world.crm.person(person_id).value(LAST_NAME) == "One"


def test_several_persons_of_one_address_are_put_to_a_person_and_none_is_written(world: World) -> None:
    """The first hit of a search was updated, whoever it was."""
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    twins = [world.crm.add_person(person(f"Ann {n}", "ann@north.example")) for n in ("One", "Two")]
    world.outreach.add(prospect("Ann Three", **{JOB_TITLE: "Chair"}))
    world.drain()

    assert [q.facts["candidates"] for q in world.questions()] == [twins]
    assert world.crm.written == []


def test_a_company_that_is_there_already_is_taken_and_not_made_again(world: World) -> None:
    """“Already exists” was an error, no link was stored, and every run tried again."""
    known = world.crm.add_organization("Polar Note")
    for number in range(3):
        world.outreach.add(prospect(f"P{number} Q", **{COMPANY: "polar note"}))
        world.drain()

    assert [o.id for o in world.crm.organizations] == [known]
    assert {p.organization_id for p in world.persons()} == {known}


def test_what_another_app_writes_under_our_user_travels_although_it_looks_like_us(world: World) -> None:
    """Echoes were told by who sent them: another app of the same user was never heard. A value tells them apart."""
    prospect_id, person_id = in_step(world)
    world.crm.edit_person(person_id, {JOB_TITLE: "Chair"})  # a delivery names no sender that could tell
    world.drain()
    written = len(world.crm.written) + len(world.outreach.written)
    world.deliveries_taken = world.announcements_taken = 0
    world.drain()

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "Chair"
    assert len(world.crm.written) + len(world.outreach.written) == written


def test_what_the_app_counts_by_itself_is_no_change_and_costs_nothing(world: World) -> None:
    """Last-activity stamps and counters set off endless syncs."""
    world.crm.fields["last_activity"] = Field("last_activity", "Last activity", Kind.TEXT)
    _, person_id = in_step(world)
    tokens = world.crm.tokens.total()
    for number in range(5):
        world.crm.edit_person(person_id, {"last_activity": f"{number}"})
        world.drain()

    assert world.crm.tokens.total() == tokens


def test_a_field_that_is_no_longer_shown_empties_nothing(world: World) -> None:
    """A field that one side stopped showing was taken for emptied, and the other side was blanked."""
    prospect_id, person_id = in_step(world, more={JOB_TITLE: "Chair"})
    del world.crm.fields[JOB_TITLE]
    world.crm.edit_person(person_id, {FIRST_NAME: "Sigrid"})
    world.drain()

    record = world.outreach.record(prospect_id)
    assert (record.value(FIRST_NAME), record.value(JOB_TITLE)) == ("Sigrid", "Chair")


def test_an_edit_that_was_committed_late_is_found_by_the_next_look(world: World) -> None:
    """A read of what changed since began where the last one ended: what was stamped before and shown after fell between."""
    prospect_id, person_id = in_step(world)
    async_to_sync(world.check)()
    late = world.clock.now()
    world.clock.move(2)
    world.crm.edit_person(world.crm.add_person(person("Bo Two", "bo@north.example")), {})
    async_to_sync(world.check)()
    world.crm.edit_person(person_id, {JOB_TITLE: "Chair"})
    world.crm._persons[person_id].updated_at = late.replace(microsecond=0)
    world.deliveries_taken = len(world.crm.deliveries)
    async_to_sync(world.check)()
    world.drain()

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "Chair"


def test_hundreds_who_were_there_before_the_launch_come_with_a_transfer_alone(world: World) -> None:
    """The first poll told the whole history as news, into live automations."""
    for number in range(30):
        world.crm.add_person(person(f"Old {number}", f"old{number}@north.example"))
    world.take_as_known()
    async_to_sync(world.check)()
    world.crm.add_person(person("New One", "new@north.example"))
    world.drain()

    assert [p.value(FIRST_NAME) for p in world.prospects()] == ["New"]


def test_whoever_stands_behind_the_first_pages_is_known_too(world: World) -> None:
    """A list stopped at its ten thousandth record and said nothing: whoever came behind it was made a second time."""
    for number in range(1_050):
        world.crm.add_person(person(f"Old {number}", f"old{number}@north.example"))
    world.take_as_known()
    world.use(world.settings.in_direction(Direction.TO_PIPEDRIVE))
    world.outreach.add(prospect("Old Last", email="old1049@north.example"))
    world.drain()

    assert MirrorPerson.objects.count() == len(world.crm.person_ids) == 1_050
    assert list(world.links().values()) == [world.crm.person_ids[-1]]


def test_a_hundred_edits_are_read_in_batches_and_nothing_is_searched_for(world: World) -> None:
    """Automatic paging read everything at each poll, and forms made four calls each."""
    for number in range(100):
        world.outreach.add(prospect(f"P{number} Q"))
    world.drain()
    world.crm.tokens.clear()
    for person_id in world.crm.person_ids:
        world.crm.edit_person(person_id, {JOB_TITLE: "Chair"})
    world.drain()

    assert {p.value(JOB_TITLE) for p in world.prospects()} == {"Chair"}
    assert dict(world.crm.tokens) == {"get_persons": 10}


def test_a_merge_into_somebody_unlinked_moves_the_link_and_recreates_nobody(world: World) -> None:
    """A merge looked like a deletion and an edit: the survivor was not found, and the loser was made again."""
    prospect_id, loser = in_step(world)
    survivor = world.crm.add_person(person("Signe A.", "other@north.example"))
    world.tell()  # the newcomer and the merge are told together
    world.crm.merge_persons(loser, survivor)
    world.drain()

    assert world.links()[prospect_id] == survivor
    assert world.crm.person_ids == [survivor]


def test_a_deletion_that_no_webhook_told_is_found_and_nothing_living_is_removed(world: World) -> None:
    """Incremental reads never notice a deletion; a pass that failed half-way took the living for gone."""
    gone, kept = in_step(world, "Ann One"), in_step(world, "Bo Two")
    world.crm.delete_person(gone[1])
    world.deliveries_taken = len(world.crm.deliveries)
    world.crm.faults.fail("walk_persons", RemoteUnavailable("It is down."))
    ask_for_check(world.connection)
    world.drain()
    world.drain()

    states = dict(Link.objects.values_list("prospect_id", "state"))
    assert states == {gone[0]: "person_gone", kept[0]: "linked"}
    assert len(world.prospects()) == 2


def test_what_is_made_belongs_to_the_chosen_user(world: World) -> None:
    """The owner was sent under the name of an older version, ignored there, and everything belonged to the robot."""
    world.crm.users.append(User("8", "Paavo Partner", "paavo@acme.example"))
    world.pipedrive_catalogue = replace(world.pipedrive_catalogue, users=tuple(world.crm.users))
    world.reread_catalogues()
    world.use(replace(world.settings, owner_id="8"))
    world.outreach.add(prospect(company="Polar Note"))
    world.drain()

    assert [person.owner_id for person in world.persons()] == ["8"]


def test_a_name_of_one_character_travels_and_nothing_waits_for_ever(world: World) -> None:
    """Names shorter than two characters were refused over there, and stayed in the queue."""
    world.outreach.add({FIRST_NAME: "Ö", LAST_NAME: "K", EMAIL: ("o@north.example",)})
    world.drain()

    assert [(p.value(FIRST_NAME), p.value(LAST_NAME)) for p in world.persons()] == [("Ö", "K")]
    assert not Change.objects.filter(done_at=None).exists()


def test_of_several_companies_of_one_name_always_the_oldest_is_taken(world: World) -> None:
    """People were attached at random to whichever company fitted."""
    oldest, *_ = (world.crm.add_organization("Polar Note") for _ in range(3))
    world.drain()
    for name in ("Ann One", "Bo Two", "Cy Three"):
        world.outreach.add(prospect(name, company=" polar note"))
        world.drain()

    assert [person.organization_id for person in world.persons()] == [oldest] * 3
    assert len(world.crm.organizations) == 3
