import asyncio
import heapq
from collections.abc import Coroutine
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.adapters.pipedrive.quota import (
    BURST_SEARCH,
    LONGEST_CALL,
    LONGEST_WAIT,
    WINDOW_SECONDS,
    LaneQuota,
)
from tidegate.errors import BudgetSpent, RateLimited
from tidegate.ports import Feature
from tidegate.testing.clock import ManualClock

DAILY_LEFT_NONE = {"x-daily-ratelimit-token-limit": "30000", "x-daily-ratelimit-token-remaining": "0"}


def quota(clock: ManualClock | None = None, **changes) -> LaneQuota:
    return LaneQuota(clock or ManualClock(), **({"daily_limit": 30_000} | changes))


def told(left: int, limit: int = 30_000) -> dict[str, str]:
    return {"x-daily-ratelimit-token-limit": str(limit), "x-daily-ratelimit-token-remaining": str(left)}


class VirtualClock(ManualClock):
    """Time moves to the next sleeper when everybody sleeps, so that many can sleep at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.slept.append(seconds)
        heapq.heappush(self.sleepers, (self.monotonic() + seconds, len(self.slept), waking))
        await waking

    async def run(self, *coroutines: Coroutine[object, object, None]) -> None:
        everybody = asyncio.gather(*coroutines)
        while not everybody.done():
            for _ in range(5):
                await asyncio.sleep(0)
            if self.sleepers:
                at, _, waking = heapq.heappop(self.sleepers)
                self.move(max(0.0, at - self.monotonic()))
                waking.set_result(None)
        await everybody


class Server:
    """Counts the calls of any rolling window as Pipedrive does, somewhere between their leaving and their answer."""

    def __init__(self, limit: int) -> None:
        self.clock = VirtualClock()
        self.lane = quota(self.clock, burst_limit=limit)
        self.calls: list[float] = []

    async def call(self, there: float, back: float, *, search: bool = False) -> None:
        await self.lane.admit(1, search=search)
        await self.clock.sleep(there)
        self.calls.append(self.clock.monotonic())
        await self.clock.sleep(back)
        self.lane.release(search=search)

    def most_in_a_window(self) -> int:
        return max(
            sum(1 for other in self.calls if at <= other < at + WINDOW_SECONDS - 1e-9) for at in self.calls
        )


# --- The burst window -------------------------------------------------------------------------------------------------


seconds = st.floats(0, 3)


@given(
    limit=st.sampled_from([1, 2, 5, 20]), ways=st.lists(st.tuples(seconds, seconds), min_size=1, max_size=60)
)
async def test_no_window_ever_holds_more_calls_than_the_limit_however_long_they_take(limit, ways):
    server = Server(limit)
    await server.clock.run(*(server.call(there, back) for there, back in ways))
    assert len(server.calls) == len(ways)
    assert server.most_in_a_window() <= limit


@pytest.mark.parametrize("limit", [1, 20, 80, 480])
async def test_the_window_is_used_almost_wholly(limit):
    server = Server(limit)
    await server.clock.run(*(server.call(0.0, 0.0) for _ in range(3 * limit)))
    assert max(1, int(limit * 0.9)) <= server.most_in_a_window() <= limit
    assert server.clock.monotonic() <= 8


async def test_searches_have_a_narrower_window_of_their_own():
    server = Server(80)
    await server.clock.run(*(server.call(0.1, 0.1, search=True) for _ in range(40)))
    assert server.most_in_a_window() <= BURST_SEARCH


async def test_the_first_calls_do_not_wait():
    clock = ManualClock()
    lane = quota(clock, burst_limit=80)
    for _ in range(70):
        await lane.admit(1)
    assert clock.slept == []


async def test_a_place_that_nobody_gives_back_is_free_again_in_the_end():
    clock = ManualClock()
    lane = quota(clock, burst_limit=1)
    await lane.admit(1)
    await lane.admit(1)
    assert LONGEST_CALL <= clock.monotonic() <= LONGEST_CALL + 1


async def test_more_answers_than_calls_do_no_harm():
    clock = ManualClock()
    lane = quota(clock, burst_limit=20)
    lane.release()
    await lane.admit(1)
    assert clock.slept == []


async def test_the_limit_is_learned_from_the_answers():
    lane = quota(burst_limit=20)
    lane.learn(200, {"x-ratelimit-limit": "160"})
    assert lane.burst_limit == 160


async def test_the_limit_of_searches_does_not_narrow_the_other_window():
    lane = quota(burst_limit=80)
    lane.learn(200, {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0"})
    assert lane.burst_limit == 80


async def test_where_others_have_used_up_the_window_we_wait_for_the_next():
    clock = ManualClock()
    lane = quota(clock)
    lane.learn(200, {"x-ratelimit-limit": "80", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})
    await lane.admit(1)
    assert sum(clock.slept) == 1


async def test_after_a_429_the_next_call_keeps_the_pause():
    clock = ManualClock()
    lane = quota(clock)
    lane.learn(429, {"retry-after": "5"})
    await lane.admit(1)
    assert sum(clock.slept) == 5


async def test_a_long_pause_is_an_error_rather_than_a_sleep():
    clock = ManualClock()
    lane = quota(clock)
    lane.learn(429, {"retry-after": str(int(LONGEST_WAIT) + 5)})
    with pytest.raises(RateLimited) as caught:
        await lane.admit(1)
    assert caught.value.retry_after == LONGEST_WAIT + 5
    assert clock.slept == []


async def test_a_page_from_the_edge_stops_everything_for_minutes():
    clock = ManualClock()
    lane = quota(clock)
    lane.learn(403, {"content-type": "text/html; charset=utf-8"})
    with pytest.raises(RateLimited):
        await lane.admit(1)
    clock.move(601)
    await lane.admit(1)


async def test_a_refused_permission_stops_nothing():
    clock = ManualClock()
    lane = quota(clock)
    lane.learn(403, {"content-type": "application/json"})
    await lane.admit(1)
    assert clock.slept == []


async def test_a_refused_call_books_nothing():
    lane = quota()
    lane.learn(403, {"content-type": "text/html"})
    with pytest.raises(RateLimited):
        await lane.admit(5)
    assert lane.take_spent() == {}


# --- The day's budget -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feature", "usable"),
    [(Feature.LIVE, 1000), (Feature.SETUP, 1000), (Feature.TRANSFER, 700), (Feature.CHECK, 650)],
)
async def test_each_feature_leaves_its_share_alone(feature, usable):
    lane = quota(daily_limit=1000)
    assert lane.left(feature) == usable
    await lane.with_feature(feature).admit(usable)
    with pytest.raises(BudgetSpent):
        await lane.with_feature(feature).admit(1)


async def test_live_sync_goes_on_where_transfers_stop():
    lane = quota(daily_limit=1000, spent_today=700)
    with pytest.raises(BudgetSpent):
        await lane.with_feature(Feature.TRANSFER).admit(5)
    await lane.with_feature(Feature.LIVE).admit(5)
    assert lane.spent_today == 705


async def test_nothing_goes_past_the_budget():
    lane = quota(daily_limit=1000, spent_today=998)
    with pytest.raises(BudgetSpent):
        await lane.admit(5)
    await lane.admit(2)


async def test_a_spent_budget_says_when_the_next_begins():
    lane = quota(ManualClock(datetime(2026, 3, 31, 21, 30, tzinfo=UTC)), daily_limit=10, spent_today=10)
    with pytest.raises(BudgetSpent) as caught:
        await lane.admit(1)
    assert caught.value.retry_after == 2.5 * 3600


async def test_the_count_begins_anew_at_midnight():
    clock = ManualClock(datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    lane = quota(clock, daily_limit=10, spent_today=10)
    clock.move(120)
    await lane.admit(1)
    assert lane.spent_today == 1


async def test_what_other_apps_spent_is_learned_from_the_answers():
    lane = quota(daily_limit=1000)
    lane.learn(200, told(left=100, limit=60_000))
    assert (lane.daily_limit, lane.spent_today, lane.left()) == (60_000, 59_900, 100)


async def test_a_late_answer_does_not_give_tokens_back():
    lane = quota()
    lane.learn(200, told(left=20_000))
    await lane.admit(20)
    lane.learn(200, told(left=20_000))
    assert lane.spent_today == 10_020


async def test_a_new_day_at_pipedrive_is_noticed_whatever_its_time_zone():
    lane = quota()
    lane.learn(200, told(left=2_000))
    lane.learn(200, told(left=29_995))
    assert lane.spent_today == 5


async def test_after_a_daily_429_work_stops_and_looks_again_from_time_to_time():
    clock = ManualClock()
    lane = quota(clock)
    lane.learn(429, DAILY_LEFT_NONE)
    with pytest.raises(BudgetSpent) as caught:
        await lane.admit(1)
    assert caught.value.retry_after == 1800
    clock.move(1801)
    await lane.admit(1)


@pytest.mark.parametrize("headers", [{}, told(left=29_999)])
async def test_the_first_answer_after_a_daily_stop_begins_the_budget_anew(headers):
    clock = ManualClock()
    lane = quota(clock)
    lane.learn(429, DAILY_LEFT_NONE)
    clock.move(1801)
    await lane.admit(1)
    lane.learn(200, headers)
    assert lane.left() >= 29_999


async def test_many_429s_in_a_row_are_taken_for_a_spent_day():
    clock = ManualClock()
    lane = quota(clock)
    for _ in range(5):
        clock.move(3)
        lane.learn(429, {})
    with pytest.raises(BudgetSpent):
        await lane.admit(1)


async def test_429s_with_answers_between_them_are_not():
    clock = ManualClock()
    lane = quota(clock)
    for _ in range(10):
        clock.move(3)
        lane.learn(429, {})
        lane.learn(200, {})
    await lane.admit(1)


async def test_what_the_ledger_knows_of_other_processes_counts():
    lane = quota(daily_limit=1000)
    await lane.admit(10)
    lane.know(spent_today=400, daily_limit=900)
    assert (lane.spent_today, lane.daily_limit) == (400, 900)
    lane.learn(200, told(left=500, limit=1000))
    lane.know(spent_today=990, daily_limit=5)
    assert (lane.spent_today, lane.daily_limit) == (500, 1000)


@pytest.mark.parametrize(
    "headers", [{"x-ratelimit-limit": "soon"}, {"x-daily-ratelimit-token-remaining": "-1"}, {}]
)
async def test_headers_are_hints_and_may_be_missing_or_odd(headers):
    lane = quota()
    lane.learn(200, headers)
    await lane.admit(1)
    assert lane.spent_today == 1


# --- The ledger -------------------------------------------------------------------------------------------------------


async def test_what_was_spent_is_told_once_by_feature():
    lane = quota()
    await lane.with_feature(Feature.TRANSFER).admit(5)
    await lane.with_feature(Feature.TRANSFER).admit(5)
    await lane.admit(1)
    assert lane.take_spent() == {Feature.TRANSFER: (10, 2), Feature.LIVE: (1, 1)}
    assert lane.take_spent() == {}


class Edge(ManualClock):
    """While somebody waits, Pipedrive's edge stops everything for minutes."""

    lane: LaneQuota

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.lane.learn(403, {"content-type": "text/html"})


@pytest.mark.parametrize("search", [False, True])
async def test_a_call_that_never_leaves_spends_nothing_and_holds_no_place(search):
    clock = Edge()
    clock.lane = lane = quota(clock, burst_limit=20)
    lane.learn(429, {"retry-after": "5"})
    with pytest.raises(RateLimited):
        await lane.admit(40, search=search)

    assert lane.spent_today == 0
    assert lane.take_spent() == {}
    clock.move(700)
    clock.slept.clear()
    for _ in range(int((BURST_SEARCH if search else 20) * 0.95)):
        await lane.admit(1, search=search)
    assert clock.slept == []


@pytest.mark.parametrize("search", [False, True])
async def test_a_call_that_is_withdrawn_spends_nothing_and_holds_no_place(search):
    clock = ManualClock()
    lane = quota(clock, burst_limit=20)
    for _ in range(30):
        await lane.admit(40, search=search, feature=Feature.CHECK)
        lane.withdraw(40, search=search, feature=Feature.CHECK)

    assert lane.spent_today == 0
    assert lane.take_spent() == {Feature.CHECK: (0, 0)}
    assert clock.slept == []


async def test_what_is_withdrawn_after_the_ledger_was_told_makes_no_count_negative():
    lane = quota()
    await lane.admit(40)
    lane.take_spent()
    lane.withdraw(40)

    assert lane.take_spent() == {}
