"""A quiet lane is held on to for a moment, and nothing that happens meanwhile is missed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.builders import make_connection, make_workspace
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.core.records import Side
from tidegate.errors import (
    AuthorizationLost,
    BudgetSpent,
    LaneLost,
    NeedsAttention,
    RateLimited,
    RemoteUnavailable,
    TemporaryError,
)
from tidegate.ports import Feature, Hold
from tidegate.services.drain import Drained
from tidegate.services.engine import Engine, Lane, Tries
from tidegate.store.inbox import News, add_changes
from tidegate.store.models import Change, Connection
from tidegate.store.secrets import encrypt
from tidegate.testing.clock import ManualClock
from tidegate.wiring import lanes
from tidegate.wiring.steps import request_step

pytestmark = pytest.mark.django_db(transaction=True)

Meanwhile = Callable[[], Awaitable[None]]


class Drains:
    """Stands where the engine works: marks all that waits as done."""

    def __init__(self) -> None:
        self.found: list[int] = []
        self.lanes: list[Lane] = []
        self.end = Drained()
        self.meanwhile: list[Meanwhile] = []
        """What happens after each drain."""

    async def __call__(self, lane: Lane, schedule: object, **_: object) -> Drained:
        self.lanes.append(lane)
        rows = Change.objects.filter(lane_id=lane.id, done_at=None)
        self.found.append(await sync_to_async(rows.count)())
        await sync_to_async(rows.delete)()
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        return self.end


@pytest.fixture
def drains(monkeypatch: pytest.MonkeyPatch) -> Drains:
    async def nothing(*_: object) -> None:
        pass

    drains = Drains()
    monkeypatch.setattr(lanes, "worker_step", request_step)
    monkeypatch.setattr(lanes, "drain", drains)
    monkeypatch.setattr(lanes, "keep_up", nothing)
    monkeypatch.setattr(lanes, "LOOK_EVERY", 0.01)
    return drains


@pytest.fixture
def connection() -> Connection:
    return make_connection(make_workspace(), secret=encrypt("a-token"), auth_method="token")


def edited(connection: Connection, prospect_id: str) -> None:
    add_changes(connection, [News(Side.OUTREACH, "prospect", prospect_id)])


def wakes(connection: Connection) -> int:
    rows = ProcrastinateJob.objects.filter(queueing_lock=f"lane:{connection.lane_id}", status="todo")
    return int(rows.count())


def drain(connection: Connection) -> Drained | None:
    ProcrastinateJob.objects.filter(status="todo").update(status="succeeded")  # the job that this is
    return async_to_sync(lanes.drain_lane)(connection.lane_id)


def test_what_failed_for_the_moment_is_remembered_when_the_lane_is_taken_up_again(
    drains: Drains, connection: Connection
) -> None:
    """Each such failure lets the lane go: counted anew, a record that never gets an answer would hold it up for ever."""
    drain(connection)
    drains.lanes[0].tries["a transfer", "1"] = Tries(since=0.0, count=4)
    drain(connection)
    assert drains.lanes[-1] is not drains.lanes[0]
    assert drains.lanes[-1].tries["a transfer", "1"].count == 4


def test_an_edit_soon_after_another_is_followed_without_taking_the_lane_up_again(
    drains: Drains, connection: Connection
) -> None:
    async def another() -> None:
        await sync_to_async(edited)(connection, "2")

    drains.meanwhile = [another]
    edited(connection, "1")

    drain(connection)

    connection.lane.refresh_from_db()
    assert drains.found == [1, 1]
    assert connection.lane.epoch == 1


@pytest.mark.parametrize("end", [Drained(more=True), Drained(lost=True)])
def test_a_lane_that_is_handed_on_or_lost_is_not_stayed_with(
    drains: Drains, connection: Connection, end: Drained
) -> None:
    async def another() -> None:
        await sync_to_async(edited)(connection, "2")

    drains.end, drains.meanwhile = end, [another]

    drain(connection)

    assert drains.found == [0]
    assert wakes(connection) == 1


def test_who_is_woken_while_the_lane_is_held_is_not_forgotten(drains: Drains, connection: Connection) -> None:
    """A launch, say, of which the inbox shows nothing."""

    async def woken() -> None:
        assert await lanes.drain_lane(connection.lane_id) is None

    drains.meanwhile = [woken]

    drain(connection)

    assert drains.found == [0]
    assert wakes(connection) == 1


def test_without_anything_to_do_it_is_let_go_and_nobody_is_woken(
    drains: Drains, connection: Connection
) -> None:
    drain(connection)

    connection.lane.refresh_from_db()
    assert (drains.found, wakes(connection), connection.lane.holder_pid) == ([0], 0, None)


def test_a_write_whose_fate_is_not_known_yet_has_the_lane_taken_up_again_when_it_is(
    drains: Drains, connection: Connection
) -> None:
    known_at = timezone.now() + timedelta(seconds=11)
    drains.end = Drained(looks_up_at=known_at)

    drain(connection)

    rows = ProcrastinateJob.objects.filter(
        queueing_lock__startswith=f"lane:{connection.lane_id}", status="todo"
    )
    assert [row.scheduled_at for row in rows] == [known_at]


def test_two_wakes_at_once_take_it_up_once(drains: Drains, connection: Connection) -> None:
    async def both() -> list[Drained | None]:
        return list(await asyncio.gather(*(lanes.drain_lane(connection.lane_id) for _ in range(2))))

    ended = async_to_sync(both)()

    assert sum(end is not None for end in ended) == 1


@pytest.mark.parametrize(
    "error",
    [BudgetSpent(retry_after=3600), RateLimited(retry_after=20), RemoteUnavailable("Status 502.")],
    ids=lambda error: type(error).__name__,
)
def test_upkeep_that_must_wait_keeps_no_change_waiting(
    drains: Drains, connection: Connection, monkeypatch: pytest.MonkeyPatch, error: TemporaryError
) -> None:
    """Upkeep has a smaller share of the budget than live sync, and is no reason to follow nothing."""

    async def waits(*_: object) -> None:
        raise error

    monkeypatch.setattr(lanes, "keep_up", waits)
    edited(connection, "1")

    drain(connection)

    connection.lane.refresh_from_db()
    assert drains.found == [1]
    assert connection.lane.wait_until is None


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (AuthorizationLost("Reconnect it."), "paused", "reconnect"),
        (
            NeedsAttention("The Pipedrive company is not open. Settle that, then resume."),
            "failed",
            "incomplete",
        ),
    ],
    ids=["authorisation", "unpaid"],
)
def test_upkeep_that_needs_a_person_says_what_they_are_to_do(
    drains: Drains,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    error: NeedsAttention,
    status: str,
    reason: str,
) -> None:
    """Only who lost the authorisation has to sign in again; whoever settled another thing resumes."""

    async def refused(*_: object) -> None:
        raise error

    monkeypatch.setattr(lanes, "keep_up", refused)
    edited(connection, "1")

    drain(connection)

    connection.refresh_from_db()
    assert (connection.status, connection.reason) == (status, reason)
    assert connection.reason_text == error.user_message


def test_upkeep_that_finds_the_lane_lost_leaves_everything_to_its_new_holder(
    drains: Drains, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> None:
        raise LaneLost

    monkeypatch.setattr(lanes, "keep_up", lost)
    edited(connection, "1")

    with pytest.raises(LaneLost):
        drain(connection)

    assert drains.found == []


def test_what_the_regular_check_finds_all_connections_of_the_company_look_at(
    drains: Drains, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check looks once for the whole company, so it needs to know of everybody by then, also of the youngest."""
    young = make_connection(
        make_workspace(), lane=connection.lane, secret=encrypt("another"), auth_method="token"
    )
    told: list[list[str]] = []

    async def keep_up(_row: Connection, engine: Engine) -> None:
        told.append([each.connection_id for each in engine.lane.engines])

    monkeypatch.setattr(lanes, "keep_up", keep_up)
    drain(connection)

    assert told == [[str(connection.pk), str(young.pk)]] * 2


def test_a_hold_that_is_lost_before_a_call_spends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "worker_step", request_step)
    quota = LaneQuota(ManualClock(), daily_limit=30_000)
    guarded = lanes.GuardedQuota(quota, LostHold(), Feature.LIVE)

    with pytest.raises(LaneLost):
        async_to_sync(guarded.admit)(5)

    assert quota.spent_today == 0
    assert quota.take_spent() == {Feature.LIVE: (0, 0)}


class LostHold(Hold):
    lane_id, epoch, seen_alive_at = 1, 1, float("-inf")

    def check(self) -> None:
        raise LaneLost

    def release(self) -> None:
        pass
