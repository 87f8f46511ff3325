"""A write may be carried out after we gave up waiting for its answer: it is not made twice, and it undoes nothing.

The fault: a call gets no answer, and is carried out some seconds later. Who does it, and what happens meanwhile, varies.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync

from tests.integration.engine.campaign_world import ADD, CREATE, TO_STAGE, CampaignWorld, automation
from tests.integration.engine.mortality import Died
from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME
from tidegate.core.settings import Direction
from tidegate.errors import InvalidForRemote, RateLimited, RemoteUnavailable
from tidegate.services.traces import UNKNOWN_SECONDS
from tidegate.services.unanswered import LANDS_WITHIN
from tidegate.store.models import Intent, Link

pytestmark = pytest.mark.django_db

SECONDS = [0, 9.5]
"""How long after we gave up the write is carried out."""


@pytest.fixture
def world() -> World:
    world = World()
    world.use(replace(world.settings, only_with_email=False))
    world.connection.refresh_from_db()
    return world


def work(world: World) -> None:
    """One drain, for which no time passes, however it ends."""
    world.tell()
    with suppress(Died):
        async_to_sync(world._drain)()


def end_well(world: World) -> None:
    """What is due comes in, and all is done."""
    world.clock.move(LANDS_WITHIN.total_seconds())
    world.drain()
    world.clock.move(60)
    async_to_sync(world.check)()
    world.drain()
    assert not Intent.objects.exists()


def lands_late(world: World, method: str, seconds: float, *, worker: str) -> None:
    error = Died(f"in {method}") if worker == "dies" else None
    world.crm.land_late(method, seconds, error=error)


whoever = pytest.mark.parametrize("worker", ["waits in vain", "dies"])
whenever = pytest.mark.parametrize("seconds", SECONDS)


@whoever
@whenever
@pytest.mark.parametrize("email", ["signe@north.example", ""])
def test_a_person_is_made_once_and_linked(world: World, seconds: float, email: str, worker: str) -> None:
    lands_late(world, "create_person", seconds, worker=worker)
    prospect_id = world.outreach.add(prospect(email=email))
    work(world)
    end_well(world)

    assert [person.value(LAST_NAME) for person in world.persons()] == ["Aaltonen"]
    assert world.links() == {prospect_id: world.persons()[0].id}
    assert [entry.act for entry in world.log(prospect_id=prospect_id)] == ["create"]


@whoever
@whenever
@pytest.mark.parametrize("email", ["signe@north.example", ""])
def test_an_edit_meanwhile_waits_and_makes_no_second_person(
    world: World, seconds: float, email: str, worker: str
) -> None:
    lands_late(world, "create_person", seconds, worker=worker)
    prospect_id = world.outreach.add(prospect(email=email))
    work(world)
    world.clock.move(1)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    work(world)
    end_well(world)

    assert [person.value(JOB_TITLE) for person in world.persons()] == ["Chair"]
    assert world.links() == {prospect_id: world.persons()[0].id}


@whenever
@pytest.mark.parametrize("email", ["signe@north.example", ""])
def test_the_webhook_of_a_person_that_is_not_known_yet_makes_no_second_prospect(
    world: World, seconds: float, email: str
) -> None:
    lands_late(world, "create_person", seconds, worker="waits in vain")
    prospect_id = world.outreach.add(prospect(email=email))
    work(world)
    world.clock.move(seconds)
    async_to_sync(world.crm.get_organizations)(
        ["1"]
    )  # with this call the late write is carried out, and told of
    work(world)
    end_well(world)

    assert world.outreach.ids == [prospect_id]
    assert world.links() == {prospect_id: world.persons()[0].id}


def test_an_organization_that_a_dead_worker_made_is_told_of_although_nothing_waits_for_it(
    world: World,
) -> None:
    lands_late(world, "create_organization", 0, worker="dies")
    world.outreach.add(prospect("Ann One", **{COMPANY: "Polar Note"}))
    work(world)
    async_to_sync(world.crm.get_organizations)(["1"])  # with this call it is made, and told of
    world.tell()
    now = world.clock.now()
    quiet = async_to_sync(world._drain)()

    assert [person.organization_id for person in world.persons()] == [world.crm.organizations[0].id]
    assert world.log(act="organization") == []
    assert quiet.looks_up_at is not None
    assert LANDS_WITHIN <= quiet.looks_up_at - now <= 2 * LANDS_WITHIN

    world.drain()
    assert [entry.record_name for entry in world.log(act="organization")] == ["Polar Note"]
    assert not Intent.objects.exists()


@whoever
@whenever
def test_an_organization_is_made_once(world: World, seconds: float, worker: str) -> None:
    lands_late(world, "create_organization", seconds, worker=worker)
    first = world.outreach.add(prospect("Ann One", **{COMPANY: "Polar Note"}))
    work(world)
    world.clock.move(1)
    second = world.outreach.add(prospect("Bo Two", **{COMPANY: "Polar Note"}))
    work(world)
    end_well(world)

    assert [organization.name for organization in world.crm.organizations] == ["Polar Note"]
    assert world.links().keys() == {first, second}
    assert {person.organization_id for person in world.persons()} == {world.crm.organizations[0].id}


@whoever
@whenever
def test_an_update_that_arrives_late_undoes_no_later_edit(world: World, seconds: float, worker: str) -> None:
    prospect_id = world.outreach.add(prospect())
    world.drain()
    lands_late(world, "update_person", seconds, worker=worker)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    work(world)
    world.clock.move(1)
    world.outreach.edit(prospect_id, {JOB_TITLE: "President"})
    work(world)
    end_well(world)

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "President"
    assert [person.value(JOB_TITLE) for person in world.persons()] == ["President"]


@whoever
def test_nobody_else_waits_for_it(world: World, worker: str):  # B5
    other = world.outreach.add(prospect("Bo Two"))
    world.drain()
    lands_late(world, "create_person", 5, worker=worker)
    world.outreach.add(prospect())
    work(world)
    world.outreach.edit(other, {JOB_TITLE: "Chair"})
    work(world)

    assert world.crm.person(world.links()[other]).value(JOB_TITLE) == "Chair"
    assert Intent.objects.count() == 1


@whoever
@whenever
def test_a_transfer_makes_nobody_twice(world: World, seconds: float, worker: str) -> None:
    for name in ("Ann One", "Bo Two"):
        world.outreach.add(prospect(name, email=""))
    world.take_as_known()
    lands_late(world, "create_person", seconds, worker=worker)
    with suppress(Died):
        world.transfer(Direction.TO_PIPEDRIVE)
    end_well(world)

    assert sorted(person.name for person in world.persons()) == ["Ann One", "Bo Two"]
    assert len(world.links()) == 2


# --- What campaigns set off -------------------------------------------------------------------------------------------


def a_deal_is_made(world: CampaignWorld, prospect_id: str) -> None:
    assert [deal.title for deal in world.deals(prospect_id)] == ["Signe Aaltonen deal"]


def a_task_is_added(world: CampaignWorld, prospect_id: str) -> None:
    assert [task.subject for task in world.activities(prospect_id, done=False)] == [
        "Call Signe about Campaign 1"
    ]


def the_e_mail_is_an_activity(world: CampaignWorld, prospect_id: str) -> None:
    assert [each.subject for each in world.activities(prospect_id, done=True)] == ["Hello from us (opened)"]


def the_deal_is_moved(world: CampaignWorld, prospect_id: str) -> None:
    a_deal_is_made(world, prospect_id)
    assert [deal.stage_id for deal in world.deals(prospect_id)] == ["2"]


@whoever
@whenever
@pytest.mark.parametrize(
    ("method", "holds"),
    [
        ("create_deal", a_deal_is_made),
        ("move_deal", the_deal_is_moved),
        ("create_activity", a_task_is_added),
        ("create_activity", the_e_mail_is_an_activity),
    ],
)
def test_what_a_campaign_sets_off_is_done_once(
    seconds: float, worker: str, method: str, holds: Callable[[CampaignWorld, str], None]
) -> None:
    history = holds is the_e_mail_is_an_activity
    world = CampaignWorld()
    world.automate(*([] if history else [automation(CREATE, TO_STAGE, ADD)]), history=history)
    prospect_id = world.synced()
    lands_late(world, method, seconds, worker=worker)
    email_id = world.email_to(prospect_id)
    for event in ("email_sent", "email_opened"):
        world.outreach.happen(event, email_id=email_id)
        with suppress(Died):
            world.drain_now()
    assert Intent.objects.exists()
    for _ in range(3):
        world.pass_time(minutes=6)
        world.drain_now()

    holds(world, prospect_id)
    assert world.unfinished() == 0
    assert not Intent.objects.exists()


# --- Prospects are known by the key they were made with (B6)


def made_without_answer(world: World, *names: str) -> dict[str, str]:
    """Persons, each with the prospect that was made for it while the answer got lost."""
    persons = [world.crm.add_person(prospect(name)) for name in names]
    for _ in persons:
        world.outreach.faults.fail(
            "create_prospect", RemoteUnavailable("The answer got lost.", sent=True), after=True
        )
    work(world)
    assert world.links() == {}
    return dict(zip(world.outreach.ids, persons, strict=True))


def test_a_prospect_that_was_renamed_and_readdressed_before_it_was_looked_up_is_still_the_persons_own(
    world: World,
) -> None:  # B6
    pairs = made_without_answer(world, "Signe Aaltonen")
    (prospect_id,) = pairs
    world.outreach.edit(prospect_id, {LAST_NAME: "Korhonen", EMAIL: ("signe@home.example",)})
    work(world)
    end_well(world)

    assert world.links() == pairs
    (person,) = world.persons()
    assert (person.value(LAST_NAME), person.emails) == ("Korhonen", ("signe@home.example",))
    assert [entry.act for entry in world.log(prospect_id=prospect_id)] == ["create", "update"]


def test_prospects_that_swapped_their_addresses_before_they_were_looked_up_keep_their_persons(
    world: World,
) -> None:  # B6
    pairs = made_without_answer(world, "Ann One", "Bo Two")
    first, second = pairs
    world.outreach.edit(first, {EMAIL: ("bo@north.example",)})
    world.outreach.edit(second, {EMAIL: ("ann@north.example",)})
    work(world)
    end_well(world)

    assert world.links() == pairs
    assert [world.crm.person(pairs[i]).emails for i in pairs] == [
        ("bo@north.example",),
        ("ann@north.example",),
    ]
    assert [world.crm.person(pairs[i]).name for i in pairs] == ["Ann One", "Bo Two"]
    assert (len(world.prospects()), len(world.persons()), world.questions()) == (2, 2, [])


def test_who_meets_a_prospect_whose_create_is_not_looked_up_yet_waits(world: World) -> None:  # B6
    """It took over another person's address: it is nobody's twin, but somebody's prospect."""
    pairs = made_without_answer(world, "Ann One")
    (prospect_id,) = pairs
    world.outreach.edit(prospect_id, {EMAIL: ("bo@north.example",)})
    other = world.crm.add_person(prospect("Bo Two"))
    work(world)

    assert world.links() == {}
    end_well(world)
    assert world.links() == pairs
    assert world.outreach.record(prospect_id).name == "Ann One"
    assert [question.person_id for question in world.questions()] == [other]


def test_what_a_member_linked_meanwhile_stays_linked(world: World) -> None:
    """The question about who it could be was answered while a create was on its way."""
    pairs = made_without_answer(world, "Ann One")
    (person_id,) = pairs.values()
    chosen = world.outreach.add(prospect("Ann Eins", email=""))
    world.take_as_known()
    Link.objects.create(connection=world.connection, prospect_id=chosen, person_id=person_id, state="chosen")
    end_well(world)

    assert world.links() == {chosen: person_id}


def test_a_twin_of_who_is_being_made_waits_to_be_asked_about(world: World) -> None:
    lands_late(world, "create_person", 5, worker="waits in vain")
    world.outreach.add(prospect("Ann One", email="ann@north.example"))
    work(world)
    world.outreach.add(prospect("Ann Two", email="ann@north.example"))
    work(world)
    end_well(world)

    assert len(world.persons()) == 1
    assert [question.kind for question in world.questions()] == ["ambiguous"]


def test_a_create_that_surely_was_not_carried_out_waits_for_nothing(world: World) -> None:
    """Pipedrive asked for fewer calls: there is nothing to be looked up, neither then nor by whoever comes next."""
    world.crm.faults.fail("create_person", RateLimited("Too many requests.", retry_after=2))
    world.outreach.add(prospect())
    work(world)

    assert not Intent.objects.exists()


def test_people_of_one_name_are_told_apart_by_their_addresses(world: World) -> None:
    """Only who could be the one that is being made waits."""
    lands_late(world, "create_person", 5, worker="waits in vain")
    world.outreach.add(prospect(email=""))
    work(world)
    world.crm.add_person({FIRST_NAME: "Signe", LAST_NAME: "Aaltonen", EMAIL: ("other@north.example",)})
    work(world)

    assert [world.outreach.record(i).emails for i in world.outreach.ids] == [(), ("other@north.example",)]


def test_where_pipedrive_does_not_show_what_was_made_nothing_is_made_again_and_nobody_else_waits() -> None:
    world = CampaignWorld()
    world.automate(automation(CREATE))
    lost, other = world.synced(), world.synced("Bo Two")
    world.crm.lose_answer("create_deal")
    world.outreach.happen("email_sent", email_id=world.email_to(lost))
    world.drain_now()
    world.crm.faults.fail("deals_since", InvalidForRemote("Pipedrive refused the latest deals."), times=3)

    world.clock.move(LANDS_WITHIN.total_seconds() + 1)
    world.outreach.happen("email_sent", email_id=world.email_to(other))
    ended = world.drain_now()

    assert ended.wait_until is None
    assert [len(world.deals(i)) for i in (lost, other)] == [1, 1]
    world.crm.faults.clear()
    world.pass_time(seconds=UNKNOWN_SECONDS)
    world.drain_now()
    assert [len(world.deals(i)) for i in (lost, other)] == [1, 1]
    assert world.unfinished() == 0


def test_a_deal_that_is_not_shown_after_a_crash_stops_nobody() -> None:
    world = CampaignWorld()
    world.automate(automation(CREATE, TO_STAGE))
    prospect_id = world.synced()
    world.crm.faults.fail("move_deal", RemoteUnavailable(sent=False))
    world.outreach.happen("email_sent", email_id=world.email_to(prospect_id))
    world.drain_now()
    world.crm.faults.fail("get_deals", InvalidForRemote("The connected user may not see it."))

    world.drain()

    assert world.unfinished() == 0
    assert len(world.deals(prospect_id)) == 1
