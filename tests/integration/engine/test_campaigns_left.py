"""What campaigns told while the brakes or a pause held everything up: a drop is about records, a pause about its own events."""

from dataclasses import replace

import pytest

from tests.integration.engine.campaign_world import ADD, CHAIN, CREATE, CampaignWorld, automation
from tests.integration.engine.test_brakes import TIGHT, halt_of, status_of
from tests.integration.engine.world import prospect
from tidegate.core.automation import Trigger
from tidegate.core.connection import Reason, Status
from tidegate.core.records import JOB_TITLE
from tidegate.errors import RateLimited
from tidegate.store.connections import set_status
from tidegate.store.models import Change, Connection
from tidegate.wiring import actions

pytestmark = pytest.mark.django_db

PEOPLE = 12


@pytest.fixture
def world() -> CampaignWorld:
    """Pairs in step with tight brakes, whose deals, activities, e-mails and consents go to Pipedrive."""
    world = CampaignWorld()
    for number in range(PEOPLE):
        world.outreach.add(prospect(f"Ann No{number}", f"ann{number}@north.example"))
    world.drain()
    world.connection.log.update(cause="transfer")  # what was done to get there is no part of the story
    Connection.objects.filter(pk=world.connection.pk).update(secret=b"sealed")
    world.automate(
        automation(*CHAIN), automation(ADD, trigger=Trigger.UNSUBSCRIBED), history=True, unsubscribes=True
    )
    world.use(replace(world.settings, brakes=TIGHT))
    world.crm.marketing = {}
    return world


def edit_many(world: CampaignWorld) -> None:
    for prospect_id in list(world.links())[:8]:
        world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})


def drop(world: CampaignWorld) -> None:
    assert actions.decide_halt(halt_of(world), confirm=False, actor="Alice") == []
    world.drain()


def pause_and_leave(world: CampaignWorld) -> None:
    world.connection.refresh_from_db()
    assert actions.resume(world.connection, actor="Alice", apply_waiting=False) == []
    world.drain()


def pause(world: CampaignWorld) -> None:
    world.connection.refresh_from_db()
    set_status(world.connection, Status.PAUSED)


def unsubscribed(world: CampaignWorld) -> list[str]:
    assert world.crm.marketing is not None
    return [person for person, status in world.crm.marketing.items() if status == "unsubscribed"]


def test_a_drop_leaves_records_and_nothing_that_campaigns_told(world):
    signe, maja, *_ = world.links()
    edit_many(world)
    email_id = world.email_to(signe)
    world.outreach.happen("email_sent", email_id=email_id)
    world.outreach.happen("unsubscribed", email_id=email_id)
    world.tell()
    world.close(maja)
    world.drain()
    assert status_of(world) == (Status.PAUSED, Reason.BRAKES)

    drop(world)

    assert {person.value(JOB_TITLE) for person in world.persons()} == {None}
    assert set(unsubscribed(world)) == {world.person_of(signe), world.person_of(maja)}
    assert len(world.deals(signe)) == 1
    assert len(world.activities(signe, done=True)) == 1
    assert {outcome for _, outcome in world.outcomes()} == {"performed"}
    assert not Change.objects.filter(done_at=None).exists()


def test_the_page_of_the_brakes_counts_records_alone(world):
    edit_many(world)
    for prospect_id in world.links():
        world.outreach.happen("email_sent", email_id=world.email_to(prospect_id))
    world.drain()

    assert halt_of(world).counts["waiting"] == 8


def test_a_run_that_was_half_done_goes_on_after_a_drop(world):
    signe = next(iter(world.links()))
    world.crm.faults.fail("move_deal", RateLimited(retry_after=5))
    world.outreach.happen("email_sent", email_id=world.email_to(signe))
    assert world.drain_now().wait_until is not None
    edit_many(world)
    world.drain()

    drop(world)

    assert [outcome for _, outcome in world.outcomes()] == ["performed"] * 3
    assert world.unfinished() == 0


def test_people_who_were_to_be_made_for_their_events_are_not_made_after_a_drop_and_the_record_says_so(world):
    world.automate(automation(CREATE))
    world.use(replace(world.settings, brakes=TIGHT))
    new = [world.outreach.add(prospect(f"Bo No{n}", f"bo{n}@north.example")) for n in range(5)]
    world.announcements_taken = len(world.outreach.announced)  # nothing but the events tells of them
    for prospect_id in new:
        world.outreach.happen("email_sent", email_id=world.email_to(prospect_id))
    world.drain()
    assert halt_of(world).brake == "created"

    drop(world)

    assert len(world.persons()) == PEOPLE
    assert status_of(world) == (Status.ACTIVE, Reason.NONE)
    assert set(world.reasons()) == {"The brakes stopped it before it was written, and it was dropped."}


def test_what_is_left_after_a_pause_sets_nothing_off_but_who_left_is_unsubscribed(world):
    signe, maja, *_ = world.links()
    pause(world)
    email_id = world.email_to(signe)
    world.outreach.happen("email_sent", email_id=email_id)
    world.outreach.happen("unsubscribed", email_id=email_id)
    world.tell()
    world.close(maja)

    pause_and_leave(world)

    assert set(unsubscribed(world)) == {world.person_of(signe), world.person_of(maja)}
    assert (world.deals(signe), world.activities(signe), world.outcomes()) == ([], [], [])
    assert not Change.objects.filter(done_at=None).exists()


def test_an_email_that_was_followed_before_the_pause_gets_its_activity_after_it(world):
    world.automate(history=True)
    signe = next(iter(world.links()))
    world.share_left = 0.1
    email_id = world.email_to(signe)
    world.outreach.happen("email_sent", email_id=email_id)
    world.drain()
    world.outreach.happen("email_replied", email_id=email_id)
    world.drain_now()
    assert Change.objects.filter(done_at=None, entity="campaign_email").exists()
    pause(world)

    pause_and_leave(world)

    (activity,) = world.activities(signe)
    assert "replied" in activity.subject.lower()
