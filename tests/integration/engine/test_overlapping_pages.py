"""A transfer's pages overlap, and nobody can tell from what it does: with pages of two as with one page for all.

The worker also dies at every point of such a run, with a page in each of its stages: read ahead, being written, being stored.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.engine.mortality import (
    Countdown,
    Died,
    make_calls_mortal,
    mortal_memory,
    summary,
)
from tests.integration.engine.test_transfer_laws import CONSTANTS, ORIGIN, SOURCE
from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, Side
from tidegate.core.settings import Direction
from tidegate.errors import AuthorizationLost, BudgetSpent, RateLimited, RemoteUnavailable
from tidegate.services import drain
from tidegate.services import transfer as transfers
from tidegate.services.drain import Drained
from tidegate.services.engine import Lane
from tidegate.services.flight import InFlight
from tidegate.services.index import bring_up_to_date
from tidegate.store.models import Change, Transfer
from tidegate.store.schedule import LaneSchedule
from tidegate.store.transfers import begin_transfer, cancel_transfer, go_on_with_transfer, hold_transfer
from tidegate.testing import crm

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands")]

SMALL = 2


@pytest.fixture(autouse=True)
def _pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "PAGE", SMALL)
    monkeypatch.setattr(crm, "PAGE", SMALL)


@dataclass
class Process(Countdown):
    """One worker: once it died, whatever it had under way comes to no further point either."""

    dead: bool = False

    def __call__(self, point: str) -> None:
        if self.dead:
            raise Died(point)
        try:
            super().__call__(point)
        except Died:
            self.dead = True
            raise


def furnished(countdown: Countdown | None = None, *, of: int = 7) -> World:
    """Up to seven prospects, with whom their neighbours of another page have to do: an address, an organization, a person."""
    countdown = countdown or Countdown(0)
    world = World(memory_class=mortal_memory(countdown))
    make_calls_mortal(world, countdown)
    world.crm.add_person({FIRST_NAME: "Di", LAST_NAME: "Four", EMAIL: ("di@north.example", "d@work.example")})
    people = (
        prospect("Ann One", **{COMPANY: "Polar Note"}),
        prospect("Bo Two", email="bo@north.example", **{JOB_TITLE: "Chair"}),
        prospect("Bodil Two", email="bo@north.example"),  # the address of the page before
        prospect("Di Four", email="di@north.example", **{JOB_TITLE: "CEO"}),
        prospect("Dina Four", email="d@work.example"),  # the person that the page before links
        prospect("Ed Five", **{COMPANY: "Polar Note"}),
        prospect("Flo Six", **{COMPANY: "Tern"}),
    )
    for one in people[:of]:
        world.outreach.add(one)
    world.take_as_known()
    return world


def furnished_persons(countdown: Countdown) -> World:
    """The same the other way: persons with organizations, and prospects that pages have in common. Constants are written."""
    world = World(memory_class=mortal_memory(countdown))
    world.add_fields(ORIGIN, SOURCE)
    world.use(replace(world.settings, constants=CONSTANTS))
    make_calls_mortal(world, countdown)
    world.outreach.add(
        {FIRST_NAME: "Di", LAST_NAME: "Four", EMAIL: ("di@north.example", "d@work.example"), JOB_TITLE: "CEO"}
    )
    polar = world.crm.add_organization("Polar Note")
    for first, last, address, title, organization in (
        ("Ann", "One", "ann@north.example", None, polar),
        ("Bo", "Two", "bo@north.example", "Chair", None),
        ("Bodil", "Two", "bo@north.example", None, None),  # the address of the page before
        ("Di", "Four", "di@north.example", "Chair", polar),
        ("Dina", "Four", "d@work.example", None, None),  # the prospect that the page before links
    ):
        values = {FIRST_NAME: first, LAST_NAME: last, EMAIL: (address,), JOB_TITLE: title}
        world.crm.add_person(values, organization_id=organization)
    world.take_as_known()
    return world


def told(transfer: Transfer) -> list[tuple[Any, ...]]:
    return [(r.source_id, r.outcome, r.reason) for r in transfer.records.order_by("source_id")]


def in_one_page(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    with monkeypatch.context() as context:
        context.setattr(transfers, "PAGE", 200)
        world = furnished()
        transfer = world.transfer()
        return summary(world), told(transfer)


def test_who_meets_what_the_page_before_wrote_is_dealt_with_as_on_one_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, outcomes = in_one_page(monkeypatch)
    world = furnished()
    transfer = world.transfer()
    assert summary(world) == expected
    assert told(transfer) == outcomes
    assert (transfer.created, transfer.updated, transfer.done) == (4, 1, 7)


def test_the_next_page_is_read_while_one_is_written_and_begun_before_that_is_stored() -> None:
    process = Countdown(0)
    world = furnished(process)
    process.seen.clear()
    world.transfer()
    seen = process.seen
    second_walk = [i for i, point in enumerate(seen) if point == "before walk"][1]
    assert second_walk < seen.index("after create_person"), (
        "the second page is read while the first is written"
    )
    assert second_walk < seen.index("before commit_page")
    walks = [i for i, point in enumerate(seen) if point == "before walk"]
    assert len(walks) == 4, "each page is read once"
    assert seen.count("before walk_persons") == 1, "and nothing makes a page be looked at again"


ADDRESSES = st.lists(st.sampled_from([f"{name}@north.example" for name in "abcd"]), max_size=2, unique=True)
PEOPLE = st.lists(
    st.tuples(st.sampled_from(["Ann", "Bo", "Cy"]), ADDRESSES.map(tuple), st.sampled_from(["Polder", None])),
    max_size=6,
)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    prospects=PEOPLE,
    persons=PEOPLE,
    direction=st.sampled_from([Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE]),
)
def test_whoever_shares_addresses_with_whom_small_pages_do_what_the_preview_says(
    prospects: list[Any], persons: list[Any], direction: Direction
) -> None:
    world = World()
    for name, emails, company in prospects:
        world.outreach.add({FIRST_NAME: name, LAST_NAME: "One", EMAIL: emails, COMPANY: company})
    for name, emails, _ in persons:
        world.crm.add_person({FIRST_NAME: name, LAST_NAME: "Two", EMAIL: emails})
    world.take_as_known()
    preview = world.preview(direction)
    planned = told(preview)
    world.run_previewed(preview)
    assert told(preview) == planned
    again = world.transfer(direction)
    assert (again.created, again.updated) == (0, 0)


@pytest.mark.parametrize(
    ("direction", "furnish"),
    [
        (Direction.TO_PIPEDRIVE, lambda process: furnished(process, of=5)),
        (Direction.FROM_PIPEDRIVE, furnished_persons),
    ],
)
def test_wherever_the_worker_dies_overlapping_pages_end_the_same(
    direction: Direction, furnish: Callable[[Countdown], World]
) -> None:
    undisturbed = furnish(Countdown(0))
    transfer = undisturbed.transfer(direction)
    expected, outcomes = summary(undisturbed), told(transfer)
    assert (transfer.created, transfer.updated, transfer.failed) == (2, 1, 2)
    point = 0
    while True:
        point += 1
        process = Process(0)
        world = furnish(process)
        process.seen.clear()
        process.left = point
        with suppress(Died):
            world.transfer(direction)
        died, process.dead, process.left = process.dead, False, 0
        world.drain()
        where = f"died at point {point}: {process.seen[point - 1 : point]}"
        assert summary(world) == expected, where
        again = Transfer.objects.get(connection=world.connection)
        assert (again.state, again.done, again.failed) == ("done", 5, 2), where
        assert [source for source, *_ in told(again)] == [source for source, *_ in outcomes], where
        if not died:
            break
    assert point > 30, "overlapping pages have points to die at"


def acting_at(world: World, call: str, number: int, act: Callable[[Transfer], Any]) -> None:
    """Somebody acts right before this call of the run."""
    call_it, left = getattr(world.crm, call), [number]

    async def disturbed(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            running = sync_to_async(lambda: act(Transfer.objects.get(connection=world.connection)))
            await running()
        return await call_it(*args, **kwargs)

    setattr(world.crm, call, disturbed)


@pytest.mark.parametrize("number", [1, 3])
def test_a_pause_ends_at_the_border_of_a_page_and_going_on_doubles_nothing(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, _ = in_one_page(monkeypatch)
    world = furnished()
    acting_at(world, "create_person", number, hold_transfer)
    transfer = begin(world)
    world.drain(rounds=3)
    transfer.refresh_from_db()
    assert transfer.state == "paused"
    assert transfer.done == len(told(transfer)), "what was written is counted, and stored"
    assert transfer.done < 7, "it stopped before the end"
    go_on_with_transfer(transfer)
    world.drain()
    transfer.refresh_from_db()
    assert (transfer.state, transfer.done) == ("done", 7)
    assert summary(world) == expected


def test_a_cancel_writes_nothing_of_the_page_that_was_read_ahead() -> None:
    world = furnished()
    acting_at(world, "create_person", 1, cancel_transfer)
    transfer = begin(world)
    world.drain()
    transfer.refresh_from_db()
    assert transfer.state == "cancelled"
    assert transfer.done == SMALL == len(told(transfer))
    assert len(world.links()) == SMALL
    assert not Change.objects.filter(done_at=None).exists()


@pytest.mark.parametrize(
    "call, number, error",
    [
        ("create_person", 1, RateLimited("Too many requests.", retry_after=2)),
        ("create_person", 3, RemoteUnavailable(sent=True)),
        ("create_organization", 2, RemoteUnavailable(sent=False)),
        ("create_person", 3, BudgetSpent("Used up for today.", retry_after=7200)),
        ("create_person", 3, AuthorizationLost()),
    ],
)
def test_a_fault_on_any_page_leaves_the_others_as_they_were(
    call: str, number: int, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, _ = in_one_page(monkeypatch)
    world = furnished()
    acting_at(world, call, number, lambda _: world.crm.faults.fail(call, error))
    transfer = begin(world)
    world.drain()
    transfer.refresh_from_db()
    if transfer.state == "paused":  # the authorisation was lost, and is there again
        go_on_with_transfer(transfer)
        type(world.connection).objects.filter(pk=world.connection.pk).update(status="syncing", reason="")
        world.drain()
        transfer.refresh_from_db()
    assert (transfer.state, transfer.done, transfer.failed) == ("done", 7, 2)
    assert summary(world) == expected


def test_a_source_that_can_not_be_read_ahead_keeps_what_was_written() -> None:
    world = furnished()
    world.outreach.faults.fail("walk", RemoteUnavailable(sent=False), times=1)
    walk, calls = world.outreach.walk, [0]

    async def failing(**asked: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise RemoteUnavailable(sent=False)
        return await walk(**asked)

    world.outreach.walk = failing  # type: ignore[method-assign]
    transfer = world.transfer()
    assert (transfer.state, transfer.done) == ("done", 7)
    assert len(world.links()) == transfer.created + transfer.updated


def test_somebody_else_who_took_the_lane_makes_nothing_twice() -> None:
    """The holder loses its lane while a page is being stored and the next one written."""
    undisturbed = furnished()
    undisturbed.transfer()
    for number in (1, 3):
        world = furnished()
        lane = world.connection.lane

        def taken_over(_: Transfer, lane: Any = lane) -> None:
            type(lane).objects.filter(pk=lane.pk).update(epoch=lane.epoch + 1000)

        acting_at(world, "create_person", number, taken_over)
        transfer = begin(world)
        world.drain()
        transfer.refresh_from_db()
        assert (transfer.state, transfer.done) == ("done", 7)
        assert summary(world) == summary(undisturbed)


def test_a_page_looked_at_before_the_mirror_was_renewed_is_looked_at_again() -> None:
    """Another connection of the lane renews it: the mirror is fresh then, and the early look is not."""
    world = World()
    ids = [world.outreach.add(prospect(name)) for name in ("Ann One", "Bo Two", "Cy Three")]
    world.take_as_known()
    create, make_lane, lanes = world.crm.create_person, world._lane, list[Lane]()
    renewed: list[bool] = []

    async def kept() -> Lane:
        lanes.append(await make_lane())
        return lanes[-1]

    async def renewing(*args: Any, **kwargs: Any) -> Any:
        engine = lanes[-1].engines[0]
        if not renewed:
            renewed.append(True)
            assert engine.flight is not None and engine.flight.ahead is not None
            await asyncio.wait([engine.flight.ahead])
            world.clock.move(1)
            world.crm.add_person({FIRST_NAME: "Cyril", LAST_NAME: "Three", EMAIL: ("cy@north.example",)})
            await bring_up_to_date(engine)
        return await create(*args, **kwargs)

    world._lane, world.crm.create_person = kept, renewing  # type: ignore[method-assign]
    transfer = world.transfer()
    third = transfer.records.get(source_id=ids[2])
    assert third.outcome == "updated", "the person that the mirror shows by now is met"
    assert len(world.persons()) == len(ids)


def test_one_connection_whose_page_can_not_be_stored_leaves_nothing_of_another_in_flight() -> None:
    world = World()
    done: list[str] = []

    async def failing() -> None:
        raise RemoteUnavailable("The store is away.", sent=False)

    async def storing() -> None:
        await asyncio.sleep(0)
        done.append("stored")

    async def drained() -> Drained:
        others = asyncio.all_tasks()
        lane = await world._lane()
        lane.engines.append(replace(lane.engines[0]))
        for engine, store in zip(lane.engines, (failing, storing), strict=True):
            engine.flight = InFlight("1", "2", asyncio.create_task(store()))
        ended = await drain.drain(lane, LaneSchedule(), seconds=0)
        assert all(engine.flight is None for engine in lane.engines)
        assert asyncio.all_tasks() <= others, "no task outlives the hold"
        return ended

    ended = async_to_sync(drained)()
    assert done == ["stored"]
    assert ended.wait_until is not None, "the first error is what the lane waits for"


@pytest.mark.parametrize("seconds_each", [0, 2])
def test_each_page_of_persons_is_paid_as_often_as_the_preview_says(seconds_each: int) -> None:
    """Pages with twins are walked again, and a stretch that ends drops no page that was read ahead."""
    world = World()
    for name, address in (("Ann", "a"), ("Anna", "a"), ("Bo", "b"), ("Cy", "c"), ("Di", "d"), ("Dina", "d")):
        world.crm.add_person({FIRST_NAME: name, LAST_NAME: "One", EMAIL: (f"{address}@north.example",)})
    world.take_as_known()
    preview = world.preview(Direction.FROM_PIPEDRIVE)
    walk, create, walked = world.crm.walk_persons, world.outreach.create_prospect, list[str | None]()

    async def counted(**asked: Any) -> Any:
        if asked.get("updated_since") is None:
            walked.append(asked["cursor"])
        return await walk(**asked)

    async def slow(*args: Any, **kwargs: Any) -> Any:
        world.clock.move(seconds_each)
        return await create(*args, **kwargs)

    world.crm.walk_persons, world.outreach.create_prospect = counted, slow  # type: ignore[method-assign]
    world.run_previewed(preview)
    assert (preview.state, preview.done) == ("done", 6)
    assert (len(walked), preview.planned["person_pages"]) == (5, 5), walked


def begin(world: World, direction: Direction = Direction.TO_PIPEDRIVE) -> Transfer:
    sender = Side.OUTREACH if direction is Direction.TO_PIPEDRIVE else Side.PIPEDRIVE
    return begin_transfer(world.connection, direction=direction, source_app=sender, total=None, actor="Alice")
