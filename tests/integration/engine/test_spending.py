"""On what tokens are spent is told before each batch: the reserve holds for transfers and never for live sync."""

from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.integration.engine.mortality import Countdown, Died, make_calls_mortal
from tests.integration.engine.world import World, prospect
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.core.connection import Status
from tidegate.core.records import JOB_TITLE, Side
from tidegate.core.settings import Direction
from tidegate.errors import BudgetSpent
from tidegate.ports import Feature
from tidegate.services.drain import drain
from tidegate.services.engine import Engine, Lane
from tidegate.store.budget import set_budget
from tidegate.store.models import Connection, Intent, Transfer
from tidegate.store.queries import wait_of
from tidegate.store.schedule import LaneSchedule, has_due_work
from tidegate.store.transfers import begin_transfer, go_on_with_transfer, hold_transfer

pytestmark = pytest.mark.django_db


def test_a_transfer_spends_as_a_transfer_and_live_sync_as_live(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Feature] = []
    made = Engine.__init__

    def listening(self: Engine, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)  # type: ignore[arg-type]
        self.spend_as = told.append

    monkeypatch.setattr(Engine, "__init__", listening)
    world = World()
    world.outreach.add(prospect())
    world.drain()
    live = list(told)
    told.clear()
    world.transfer()

    assert set(live) == {Feature.LIVE}
    assert told[0] is Feature.TRANSFER


class Company(World):
    """A company that has used up some of its budget; as in a worker, whoever says nothing of it spends as a check."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.quota = LaneQuota(self.clock, daily_limit=10_000, spent_today=6_600)
        self.spends_as = Feature.CHECK
        self.crm.quota = self

    async def admit(self, tokens: int, *, search: bool = False) -> None:
        await self.quota.admit(tokens, search=search, feature=self.spends_as)

    def release(self, *, search: bool = False) -> None:
        self.quota.release(search=search)

    def learn(self, *_: Any) -> None:
        pass

    async def _lane(self) -> Lane:
        self.spends_as = Feature.CHECK

        def spend_as(feature: Feature) -> None:
            self.spends_as = feature

        lane = await super()._lane()
        lane.engines[0].spend_as = spend_as
        return lane


class DiesAt(Countdown):
    """Dies once, at the point of this name."""

    def __init__(self, point: str) -> None:
        super().__init__()
        self.point = point

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            raise Died(point)


def test_when_checks_have_no_budget_left_an_open_intent_keeps_no_change_waiting() -> None:
    world = Company()
    make_calls_mortal(world, DiesAt("after create_person"))
    world.outreach.add(prospect("Signe Aaltonen"))
    world.tell()
    with suppress(Died):
        async_to_sync(world._drain)()
    assert Intent.objects.count() == 1

    world.outreach.add(prospect("Bo Lind"))
    world.tell()
    ended = async_to_sync(world._drain)()

    assert ended.wait_until is None
    assert sorted(person.name for person in world.persons()) == ["Bo Lind", "Signe Aaltonen"]


def test_when_checks_have_no_budget_left_a_vanished_field_keeps_no_change_waiting() -> None:
    world = Company()
    del world.crm.fields[JOB_TITLE]
    world.outreach.add(prospect("Signe Aaltonen", job_title="Founder"))
    world.tell()

    ended = async_to_sync(world._drain)()

    assert ended.wait_until is None
    assert Connection.objects.get(pk=world.connection.pk).status == Status.ACTIVE
    world.drain()
    assert [person.name for person in world.persons()] == ["Signe Aaltonen"]


# --- Whose share is used up waits by itself


async def one_lane(*worlds: World) -> Lane:
    """The connections of several worlds, as those of one company."""
    engines = [(await world._lane()).engines[0] for world in worlds[1:]]
    lane = await worlds[0]._lane()
    for engine in engines:
        engine.lane = lane
    lane.engines.extend(engines)
    return lane


def waiting_transfer(world: World) -> Transfer:
    """A transfer that will find its share used up."""
    world.outreach.add(prospect("Signe Aaltonen"))
    world.outreach.add(prospect("Bo Lind"))
    world.take_as_known()
    spent = BudgetSpent("Today's share is used up.", retry_after=7200)
    world.crm.faults.fail("create_person", spent, times=99)
    return begin_transfer(
        world.connection,
        direction=Direction.TO_PIPEDRIVE,
        source_app=Side.OUTREACH,
        total=2,
        actor="Alice",
    )


def test_a_transfer_whose_share_is_used_up_keeps_no_other_connection_of_the_company_waiting() -> None:
    one, other = World(), World()
    Connection.objects.filter(pk=other.connection.pk).update(lane=one.connection.lane)
    other.connection.refresh_from_db()
    transfer = waiting_transfer(one)
    other.outreach.add(prospect("Ada Lovelace"))
    other.tell()

    async def work() -> None:
        ended = await drain(await one_lane(one, other), LaneSchedule(), seconds=5)
        assert ended.wait_until is None

    async_to_sync(work)()

    assert [person.name for person in other.persons()] == ["Ada Lovelace"]
    transfer.refresh_from_db()
    one.connection.lane.refresh_from_db()
    assert one.connection.lane.wait_until is None
    assert transfer.state == "running"
    assert not has_due_work(one.connection.lane_id)
    assert wait_of(other.connection) is None
    wait = wait_of(one.connection)
    assert wait is not None
    assert (wait.until, wait.reason) == (transfer.put_off_until, "Today's share is used up.")


def test_a_transfer_that_was_put_off_goes_on_by_itself_and_says_no_longer_that_it_waits() -> None:
    world = World()
    transfer = waiting_transfer(world)
    async_to_sync(world._drain)()
    assert wait_of(world.connection) is not None
    world.crm.faults.clear()

    Transfer.objects.update(put_off_until=timezone.now())
    assert has_due_work(world.connection.lane_id)
    world.drain()

    transfer.refresh_from_db()
    assert (transfer.state, transfer.state_text, transfer.put_off_until) == ("done", "", None)
    assert len(world.persons()) == 2


@pytest.mark.parametrize("act", ["continues it", "leaves less to others"])
def test_a_member_lets_a_transfer_that_was_put_off_go_on_at_once(act: str) -> None:
    world = World()
    transfer = waiting_transfer(world)
    async_to_sync(world._drain)()
    transfer.refresh_from_db()
    assert not has_due_work(world.connection.lane_id)

    if act == "continues it":
        hold_transfer(transfer)
        go_on_with_transfer(transfer)
    else:
        set_budget(world.connection.lane, plan="lite", seats=1, daily_budget=None, reserve_percent=10)

    assert has_due_work(world.connection.lane_id)
    assert wait_of(world.connection) is None
