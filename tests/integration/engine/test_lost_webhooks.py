"""What the regular check finds although no webhook told of it: it is caught up with, and the webhooks are suspected."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db.models import QuerySet
from django.utils import timezone

from tests.integration.engine.world import World, prospect
from tidegate.core.connection import Reason, Status
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE
from tidegate.store.models import Change, Connection
from tidegate.wiring.actions import sync_now

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


def test_who_asks_for_a_sync_gets_what_no_webhook_told_of(world: World) -> None:
    prospect_id = world.outreach.add(prospect())
    world.drain()
    world.crm.edit_person(world.links()[prospect_id], {JOB_TITLE: "Chair"})
    world.deliveries_taken = len(world.crm.deliveries)
    sync_now(world.connection, [prospect_id], actor="Alice")
    world.drain()

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "Chair"
    assert world.log()[-1].cause_text == "Sync asked for by Alice"


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


class TestAnotherConnectionOfTheCompany:
    """Two workspaces with one Pipedrive company share what is known of its persons, but each hears by webhooks of its own."""

    @pytest.mark.parametrize("why", [Reason.NONE, Reason.RECONNECT, Reason.BRAKES])
    def test_what_was_lost_while_one_is_paused_waits_for_it(self, world: World, why: Reason) -> None:
        other = beside(world)
        mine = other.outreach.add(prospect("Ada Lovelace", email="ada@engine.example"))
        other.drain()
        linked, known = (
            other.links()[mine],
            world.crm.add_person({FIRST_NAME: "Bo", EMAIL: ("bo@x.example",)}),
        )
        check_all(world, other)
        stop(other, why)

        world.clock.move(60)
        world.crm.edit_person(linked, {JOB_TITLE: "Chair"})
        world.crm.edit_person(known, {JOB_TITLE: "Clerk"})
        stranger = world.crm.add_person({FIRST_NAME: "Cy", EMAIL: ("cy@x.example",)})
        other.deliveries_taken = len(world.crm.deliveries)
        async_to_sync(world.check)()

        assert asked_to_look_at(other) == {linked, known, stranger}
        async_to_sync(world.check)()
        assert waiting(other).count() == 3  # once

        Connection.objects.filter(pk=other.connection.pk).update(status=Status.ACTIVE, reason=Reason.NONE)
        other.drain()
        assert other.outreach.record(mine).value(JOB_TITLE) == "Chair"
        assert {found.name for found in other.prospects()} == {"Ada Lovelace", "Bo", "Cy"}

    def test_what_it_was_told_is_not_asked_for_again(self, world: World) -> None:
        other = beside(world)
        check_all(world, other)
        world.clock.move(60)
        before = world.crm.add_person({FIRST_NAME: "Bo", EMAIL: ("bo@x.example",)})
        other.drain()
        by_the_worlds_clock(other)
        stop(other, Reason.NONE)
        world.clock.move(60)
        waits = world.crm.add_person({FIRST_NAME: "Cy", EMAIL: ("cy@x.example",)})
        other.tell()
        async_to_sync(world.check)()

        assert {before, waits} & asked_to_look_at(other) == set()

    def test_before_its_launch_and_once_disconnected_nothing_waits_for_it(self, world: World) -> None:
        new, gone = beside(world), beside(world)
        check_all(world, new, gone)
        stop(new, Reason.NEW, launched_at=None)
        stop(gone, Reason.NONE, disconnected_at=timezone.now())
        world.clock.move(60)
        world.crm.add_person({FIRST_NAME: "Bo", EMAIL: ("bo@x.example",)})
        async_to_sync(world.check)()

        assert asked_to_look_at(new) == asked_to_look_at(gone) == set()

    def test_whom_another_one_heard_of_first_is_still_news_to_it(self, world: World) -> None:
        other = beside(world)
        check_all(world, other)
        world.clock.move(60)
        world.crm.add_person({FIRST_NAME: "Bo", EMAIL: ("bo@x.example",)})
        other.deliveries_taken = len(world.crm.deliveries)
        world.drain()  # now the mirror knows Bo
        assert [found.name for found in world.prospects()] == ["Bo"]

        world.clock.move(600)
        async_to_sync(other.check)()
        other.drain()
        assert [found.name for found in other.prospects()] == ["Bo"]
        by_the_worlds_clock(other)
        tokens = world.crm.tokens.total()
        async_to_sync(other.check)()
        other.drain()
        assert world.crm.tokens.total() - tokens <= 20  # the check itself


def beside(world: World) -> World:
    """Another workspace connected to the same company."""
    other = World()
    other.crm, other.clock = world.crm, world.clock
    Connection.objects.filter(pk=other.connection.pk).update(lane=world.connection.lane)
    other.connection.refresh_from_db()
    other.take_as_known()
    return other


def check_all(*worlds: World) -> None:
    for each in worlds:
        async_to_sync(each.check)()
        each.drain()


def stop(world: World, reason: Reason, **facts: object) -> None:
    rows = Connection.objects.filter(pk=world.connection.pk)
    rows.update(status=Status.PAUSED, reason=reason, **facts)


def by_the_worlds_clock(world: World) -> None:
    """Rows are stamped with the real time, which stands still beside this world's."""
    Change.objects.filter(connection=world.connection).update(received_at=world.clock.now())


def waiting(world: World) -> QuerySet[Change]:
    return Change.objects.filter(connection=world.connection, source="catchup", done_at=None)


def asked_to_look_at(world: World) -> set[str]:
    return set(waiting(world).values_list("record_id", flat=True))
