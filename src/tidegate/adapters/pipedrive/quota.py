"""The request limits of one Pipedrive company: the burst window, the day's tokens, and what we spent them on.

Every call is booked here before it leaves. The burst limit is learned from the answers and kept a little below; the daily
budget is our own count of prices, corrected by Pipedrive's headers where they come. Bulk work stops at the reserve that is
left to people and other apps; live sync may go on to the end of the budget, and nothing goes past it. Counters are kept
in memory and drained into the ledger by `take_spent`.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tidegate.adapters.pipedrive.refusals import DAILY_PROBE, EDGE_PAUSE, burst_pause
from tidegate.errors import BudgetSpent, RateLimited
from tidegate.ports import Clock, Feature
from tidegate.words import say

WINDOW_SECONDS = 2.0
BURST_OAUTH = 80
BURST_TOKEN = 20
"""The smallest plan's; more is learned from x-ratelimit-limit."""
BURST_SEARCH = 10
SHARE = 0.95
"""The share of the burst limit we use; the rest is for calls by the pages of the same user."""
LONGEST_CALL = 90.0
"""Every call has ended by then, by its time-outs."""
LOOK_AGAIN = 0.02
"""Seconds between looks while every place is held by a call under way."""
LONGEST_WAIT = 10.0
"""A longer wait is left to the caller, who can let the lane go meanwhile."""
STRAIGHT_REFUSALS = 5
"""So many 429s in a row are taken for the daily budget: nothing else tells the two apart for sure
(https://github.com/pipedrive/client-nodejs/issues/725)."""
SLACK_TOKENS = 500
"""Pipedrive's count may lag behind ours by calls under way; a larger drop means that a new day has begun."""


class Window:
    """A rolling window: at most so many calls in any `WINDOW_SECONDS`, wherever on its way Pipedrive counts a call.

    A call holds its place from the moment it leaves until two seconds after its answer. So neither a slow network nor a
    stalled process can bunch calls so that two of our windows fall into one of Pipedrive's. A place that nobody gives back
    is free again after `LONGEST_CALL`, so that a call that was cut off can't narrow the window for good.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._under_way: deque[float] = deque()
        self._answered: deque[float] = deque()
        """Both hold the moments at which a place is free again."""
        self.gate = asyncio.Lock()
        """Whoever waits is served in turn."""

    def wait(self, now: float) -> float:
        """Seconds until the next call may leave; while answers are outstanding, a guess to look again."""
        for held in (self._answered, self._under_way):
            while held and held[0] <= now:
                held.popleft()
        if len(self._under_way) + len(self._answered) < max(1, int(self.limit * SHARE)):
            return 0.0
        return self._answered[0] - now if self._answered else LOOK_AGAIN

    def leave(self, now: float) -> None:
        self._under_way.append(now + LONGEST_CALL)

    def answered(self, now: float) -> None:
        self.never_left()
        self._answered.append(now + WINDOW_SECONDS)

    def never_left(self) -> None:
        if self._under_way:
            self._under_way.popleft()


@dataclass(slots=True)
class Day:
    """The company's budget of one day, as far as we know. `told` where Pipedrive's headers said so."""

    date: date
    limit: int
    spent: int = 0
    told: bool = False

    def left(self, share_kept: float = 0.0) -> int:
        return max(0, int(self.limit * (1 - share_kept)) - self.spent)


@dataclass(slots=True)
class Spent:
    tokens: int = 0
    requests: int = 0


@dataclass(slots=True)
class _Pause:
    until: float = 0.0
    daily: bool = False
    straight_refusals: int = 0


class LaneQuota:
    """One for each company and process. `with_feature` gives a view that books on one feature; itself it books as live."""

    def __init__(
        self,
        clock: Clock,
        *,
        daily_limit: int,
        reserve_percent: int = 30,
        burst_limit: int = BURST_OAUTH,
        spent_today: int = 0,
    ) -> None:
        self._clock = clock
        self._reserve = reserve_percent / 100
        self._window = Window(burst_limit)
        self._searches = Window(BURST_SEARCH)
        self._day = Day(clock.now().date(), daily_limit, spent_today)
        self._pause = _Pause()
        self._spent: dict[Feature, Spent] = {}

    # What the pages and the ledger ask.

    @property
    def burst_limit(self) -> int:
        return self._window.limit

    @property
    def daily_limit(self) -> int:
        return self._day.limit

    @property
    def spent_today(self) -> int:
        """Of the whole company where Pipedrive's headers tell, else ours."""
        self._turn_the_day()
        return self._day.spent

    def left(self, feature: Feature = Feature.LIVE) -> int:
        """Tokens this feature may still book today."""
        self._turn_the_day()
        return self._day.left(self._kept_from(feature))

    def share_left(self, feature: Feature) -> float:
        """Of what this feature may spend in a whole day, the share that is left."""
        whole = int(self._day.limit * (1 - self._kept_from(feature)))
        return self.left(feature) / whole if whole else 0.0

    def take_spent(self) -> dict[Feature, tuple[int, int]]:
        """(tokens, requests) by feature since the last time; the counters begin anew."""
        spent, self._spent = self._spent, {}
        return {feature: (sum_.tokens, sum_.requests) for feature, sum_ in spent.items()}

    def know(
        self,
        *,
        spent_today: int | None = None,
        daily_limit: int | None = None,
        reserve_percent: int | None = None,
    ) -> None:
        """Take in what the ledger knows of all processes, or a member has set."""
        self._turn_the_day()
        if reserve_percent is not None:
            self._reserve = reserve_percent / 100
        if spent_today is not None and not self._day.told:
            self._day.spent = max(self._day.spent, spent_today)
        if daily_limit is not None and not self._day.told:
            self._day.limit = daily_limit

    def with_feature(self, feature: Feature) -> "FeatureQuota":
        return FeatureQuota(self, feature)

    # What the adapter asks.

    async def admit(self, tokens: int, *, search: bool = False, feature: Feature = Feature.LIVE) -> None:
        self._refuse_long_pauses()
        self._book(tokens, feature)
        passed: list[Window] = []
        try:
            for window in self._windows(search=search):
                await self._pass(window)
                passed.append(window)
        except BaseException:  # a pause that is too long to be waited out, or the caller was cut off
            self._take_back(tokens, passed)
            raise
        sum_ = self._spent.setdefault(feature, Spent())
        sum_.tokens += tokens
        sum_.requests += 1

    def withdraw(self, tokens: int, *, search: bool = False, feature: Feature = Feature.LIVE) -> None:
        """A call that was admitted does not leave after all: it spends nothing and holds no place."""
        self._take_back(tokens, self._windows(search=search))
        sum_ = self._spent.get(feature)
        if sum_ is not None and sum_.requests:  # else it is on its way into the ledger already
            sum_.tokens -= tokens
            sum_.requests -= 1

    def _windows(self, *, search: bool) -> tuple[Window, ...]:
        return (self._searches, self._window) if search else (self._window,)

    def _take_back(self, tokens: int, passed: Sequence[Window]) -> None:
        self._day.spent = max(0, self._day.spent - tokens)
        for window in passed:
            window.never_left()

    def release(self, *, search: bool = False) -> None:
        now = self._clock.monotonic()
        self._window.answered(now)
        if search:
            self._searches.answered(now)

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        self._learn_burst(status, headers)
        told = self._learn_day(headers)
        if status == 429:
            self._refused(headers)
        elif status == 403 and "html" in headers.get("content-type", ""):
            self._keep_still(EDGE_PAUSE)
        elif status < 400:
            self._went_through(told=told)

    # The burst window.

    async def _pass(self, window: Window) -> None:
        async with window.gate:
            while (wait := max(window.wait(now := self._clock.monotonic()), self._pause.until - now)) > 0:
                if wait > LONGEST_WAIT:
                    self._refuse_long_pauses()
                await self._clock.sleep(wait)
            window.leave(self._clock.monotonic())

    def _learn_burst(self, status: int, headers: Mapping[str, str]) -> None:
        limit = _number(headers.get("x-ratelimit-limit"))
        # Search answers tell the limit of their own window, which is not to narrow the other one.
        if limit and limit > BURST_SEARCH:
            self._window.limit = limit
        remaining = _number(headers.get("x-ratelimit-remaining"))
        if remaining == 0 and status != 429 and limit and limit > BURST_SEARCH:
            self._keep_still(min(_number(headers.get("x-ratelimit-reset")) or WINDOW_SECONDS, WINDOW_SECONDS))

    def _keep_still(self, seconds: float) -> None:
        self._pause.until = max(self._pause.until, self._clock.monotonic() + seconds)

    def _refuse_long_pauses(self) -> None:
        wait = self._pause.until - self._clock.monotonic()
        if wait <= LONGEST_WAIT:
            return
        if self._pause.daily:
            raise _budget_spent(wait)
        raise RateLimited(
            say("Pipedrive asked for a pause; the work goes on by itself afterwards."), retry_after=wait
        )

    def _refused(self, headers: Mapping[str, str]) -> None:
        left_today = headers.get("x-daily-ratelimit-token-remaining")
        if left_today is None and self._clock.monotonic() >= self._pause.until:
            # Calls that were under way together are refused together: that is one refusal.
            self._pause.straight_refusals += 1
        if left_today == "0" or self._pause.straight_refusals >= STRAIGHT_REFUSALS:
            self._pause.daily = True
            self._keep_still(DAILY_PROBE)
        else:
            self._keep_still(burst_pause(headers))

    def _went_through(self, *, told: bool) -> None:
        if self._pause.daily and not told:
            # The first answer after a daily stop: the budget has begun anew, whatever zone its midnight is in.
            self._day.spent = 0
        self._pause.daily = False
        self._pause.straight_refusals = 0

    # The day's budget.

    def _book(self, tokens: int, feature: Feature) -> None:
        self._turn_the_day()
        probing = self._pause.daily
        if not probing and self._day.left(self._kept_from(feature)) < tokens:
            raise _budget_spent(self._seconds_to_midnight())
        self._day.spent += tokens

    def _kept_from(self, feature: Feature) -> float:
        """The share of the budget this feature leaves alone.

        Setting up is a few dozen tokens with a person waiting; without it there is nothing to sync, so it is not held back.
        """
        match feature:
            case Feature.LIVE | Feature.SETUP | Feature.AUTOMATION:
                return 0.0
            case Feature.TRANSFER | Feature.HISTORY:
                return self._reserve
            case Feature.CHECK:
                return min(1.0, self._reserve + 0.05)

    def _learn_day(self, headers: Mapping[str, str]) -> bool:
        """Whether the answer told about the daily budget; it often does not."""
        limit = _number(headers.get("x-daily-ratelimit-token-limit"))
        remaining = _number(headers.get("x-daily-ratelimit-token-remaining"))
        if limit is None or remaining is None:
            return False
        spent = max(0, limit - remaining)
        self._turn_the_day()
        began_anew = spent < self._day.spent - SLACK_TOKENS
        self._day.limit = limit
        self._day.spent = spent if began_anew or not self._day.told else max(spent, self._day.spent)
        self._day.told = True
        return True

    def _turn_the_day(self) -> None:
        """Our own count begins anew at midnight UTC; Pipedrive's is told by its headers (the zone is not documented)."""
        today = self._clock.now().date()
        if self._day.date != today:
            self._day = Day(today, self._day.limit)

    def _seconds_to_midnight(self) -> float:
        now = self._clock.now()
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), tzinfo=now.tzinfo)
        return (midnight - now).total_seconds()


class FeatureQuota:
    """A quota that books on one feature."""

    def __init__(self, lane: LaneQuota, feature: Feature) -> None:
        self._lane = lane
        self._feature = feature

    async def admit(self, tokens: int, *, search: bool = False) -> None:
        await self._lane.admit(tokens, search=search, feature=self._feature)

    def release(self, *, search: bool = False) -> None:
        self._lane.release(search=search)

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        self._lane.learn(status, headers)


def _budget_spent(seconds: float) -> BudgetSpent:
    return BudgetSpent(
        say(
            "Today’s share of the Pipedrive company’s API budget is used up; the work goes on when it starts again."
        ),
        retry_after=seconds,
    )


def _number(raw: str | None) -> int | None:
    return int(raw) if raw is not None and raw.isdigit() else None
