"""What the regular check finds although no webhook told of it: it is caught up with, and the webhooks are suspected."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, JOB_TITLE
from tidegate.store.models import Change, Connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World()
    Connection.objects.update(webhooks_checked_at=timezone.now() - timedelta(hours=1))
    return world


def edit_and_check(world: World, *, told: bool, minutes: int) -> str:
    """A linked person is edited, and some minutes later the check looks; the prospect's id."""
    prospect_id = world.outreach.add(prospect())
    world.drain()
    async_to_sync(world.check)()
    world.clock.move(600)
    world.crm.edit_person(world.links()[prospect_id], {JOB_TITLE: "Chair"})
    if told:
        world.tell()
        Change.objects.filter(done_at=None).update(received_at=world.clock.now())
    world.deliveries_taken = len(world.crm.deliveries)
    world.clock.move(minutes * 60)
    async_to_sync(world.check)()
    world.drain()
    return prospect_id


def is_suspected() -> bool:
    return Connection.objects.get().webhooks_suspected_at is not None


def test_a_lost_change_is_caught_up_with_and_the_webhooks_are_suspected(world: World) -> None:
    prospect_id = edit_and_check(world, told=False, minutes=6)

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "Chair"
    assert is_suspected()


def test_a_renamed_organization_reaches_its_prospects_although_no_webhook_told(world: World) -> None:
    """Renaming it changes no person, so only the check of the organizations can find it."""
    prospect_id = world.outreach.add(prospect(**{COMPANY: "Polar Note"}))
    world.drain()
    async_to_sync(world.check)()
    world.clock.move(60)
    world.crm.rename_organization(world.crm.organizations[0].id, "Polar Notes Oy")
    world.deliveries_taken = len(world.crm.deliveries)
    async_to_sync(world.check)()
    world.drain()

    assert world.outreach.record(prospect_id).value(COMPANY) == "Polar Notes Oy"


def test_a_change_that_may_still_come_is_caught_up_with_but_no_suspicion(world: World) -> None:
    prospect_id = edit_and_check(world, told=False, minutes=2)

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "Chair"
    assert not is_suspected()


def test_a_change_that_was_told_and_still_waits_is_no_suspicion(world: World) -> None:
    edit_and_check(world, told=True, minutes=6)

    assert not is_suspected()


def test_what_changed_before_the_webhooks_were_in_place_is_no_suspicion(world: World) -> None:
    Connection.objects.update(webhooks_checked_at=timezone.now() + timedelta(hours=1))
    edit_and_check(world, told=False, minutes=6)

    assert not is_suspected()


def test_a_suspicion_keeps_the_time_it_began(world: World) -> None:
    began = timezone.now() - timedelta(minutes=30)
    Connection.objects.update(webhooks_suspected_at=began)
    edit_and_check(world, told=False, minutes=6)

    assert Connection.objects.get().webhooks_suspected_at == began
