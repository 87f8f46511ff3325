"""On what tokens are spent is told before each batch: the reserve holds for transfers and never for live sync."""

from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from tests.integration.engine.mortality import Countdown, Died, make_calls_mortal
from tests.integration.engine.world import World, prospect
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.core.connection import Status
from tidegate.core.records import JOB_TITLE
from tidegate.ports import Feature
from tidegate.services.engine import Engine, Lane
from tidegate.store.models import Connection, Intent

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
