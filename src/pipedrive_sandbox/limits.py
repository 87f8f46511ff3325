"""What calls cost and how many are allowed: the company's daily budget and the windows of two seconds.

The budget belongs to the company, the windows to a token; searches have a window of their own. Everything is counted
in memory and written down now and then, because a count is not worth a disk write per call.
"""

from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from pipedrive_sandbox.account import PLANS
from pipedrive_sandbox.answers import ApiError, Body
from pipedrive_sandbox.call import Route
from pipedrive_sandbox.state import State

TOKENS_PER_SEAT = 30_000
WINDOW = 2.0
NO_WINDOW = 1_000_000
SEARCHES_PER_WINDOW = 10
REFUSALS_TO_BLOCK = 20
BLOCK = 300.0
DAY = 86_400
DAILY_WRITES = 10_000

BLOCK_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Access denied</title></head>
<body><h1>Error 1015</h1><p>You are being rate limited. The owner of this website has banned you temporarily.</p></body>
</html>
"""


@dataclass
class Window:
    """The moments of the requests of the last two seconds."""

    moments: deque[float] = field(default_factory=deque)

    def left(self, now: float, allowed: int) -> int:
        while self.moments and self.moments[0] <= now - WINDOW:
            self.moments.popleft()
        return allowed - len(self.moments)

    def reset(self, now: float) -> int:
        return max(1, ceil(self.moments[0] + WINDOW - now)) if self.moments else int(WINDOW)


@dataclass
class Caller:
    """One token of one user: its windows and its record of ignored refusals."""

    name: str
    company: int
    plan: str
    is_oauth: bool
    window: Window = field(default_factory=Window)
    searches: Window = field(default_factory=Window)
    refusals: int = 0
    writes: int = 0
    writes_day: int = 0
    blocked_until: float = 0.0


class Blocked(Exception):
    """The caller went on after many refusals: it gets the HTML page of the firewall, not JSON."""


class Limits:
    def __init__(self, state: State) -> None:
        self.state = state
        self.callers: dict[str, Caller] = {}
        self.spent: dict[str, int] = state.setting("spent_today", {})
        self.reset_hour = int(state.setting("budget_reset_hour", 0))
        self.windows_on = bool(state.setting("burst_limits", True))
        self.budget_on = bool(state.setting("daily_budget", True))

    def caller(self, key: str, name: str, company: Body, *, is_oauth: bool) -> Caller:
        caller = self.callers.get(key)
        if caller is None:
            caller = self.callers[key] = Caller(name, company["id"], company["plan"], is_oauth)
        caller.plan = company["plan"]
        return caller

    def allowed_in_window(self, caller: Caller) -> int:
        """With the windows off, callers that pace themselves by the headers are told that there is room without end."""
        if not self.windows_on:
            return NO_WINDOW
        return PLANS[caller.plan]["oauth" if caller.is_oauth else "token"]

    def budget(self, company: Body) -> int:
        return TOKENS_PER_SEAT * PLANS[company["plan"]]["multiplier"] * int(company["seats"]) + int(
            company["top_up"]
        )

    def day(self) -> int:
        return int((self.state.clock.now() - self.reset_hour * 3600) // DAY)

    def spent_today(self, company: int) -> int:
        return self.spent.get(f"{company}:{self.day()}", 0)

    def spend(self, company: int, tokens: int) -> None:
        key = f"{company}:{self.day()}"
        if key not in self.spent:
            self.spent = {
                other: count for other, count in self.spent.items() if not other.startswith(f"{company}:")
            }
        self.spent[key] = self.spent.get(key, 0) + tokens

    def remaining(self, company: Body) -> int:
        return max(0, self.budget(company) - self.spent_today(company["id"]))

    def _can_pay(self, company: Body, cost: int) -> bool:
        left = self.remaining(company)
        return left >= cost or (left > 0 and self.state.switches["last_call_may_overdraw"])

    def admit(self, caller: Caller, company: Body, route: Route) -> None:
        """Let the request through and count it in its window, or refuse it."""
        now = self.state.clock.now()
        if caller.blocked_until > now:
            raise Blocked
        if self.windows_on:
            if caller.window.left(now, self.allowed_in_window(caller)) <= 0:
                raise self._refusal(caller, company, caller.window.reset(now), now)
            if route.is_search and caller.searches.left(now, SEARCHES_PER_WINDOW) <= 0:
                raise self._refusal(caller, company, caller.searches.reset(now), now)
        if self.budget_on and not self._can_pay(company, route.cost):
            raise self._refusal(caller, company, self._until_reset(now), now, daily=True)
        self._count_write(caller, route, company, now)
        caller.refusals = 0
        caller.window.moments.append(now)
        if route.is_search:
            caller.searches.moments.append(now)

    def _count_write(self, caller: Caller, route: Route, company: Body, now: float) -> None:
        """The old daily rule: POST and PUT calls of a user by API token, counted by the UTC day."""
        if caller.is_oauth or route.method not in ("POST", "PUT"):
            return
        if self.writes_left(caller) <= 0 and self.budget_on and self.state.switches["daily_write_limit"]:
            raise self._refusal(caller, company, self._until_reset(now), now, daily=True)
        caller.writes += 1

    def writes_left(self, caller: Caller) -> int:
        today = int(self.state.clock.now() // DAY)
        if caller.writes_day != today:
            caller.writes_day, caller.writes = today, 0
        return max(0, DAILY_WRITES - caller.writes)

    def headers(self, caller: Caller, company: Body) -> dict[str, str]:
        now = self.state.clock.now()
        allowed = self.allowed_in_window(caller)
        headers = {
            "x-ratelimit-limit": str(allowed),
            "x-ratelimit-remaining": str(max(0, caller.window.left(now, allowed))),
            "x-ratelimit-reset": str(caller.window.reset(now)),
        }
        if self.state.switches["daily_headers"]:
            headers["x-daily-ratelimit-token-limit"] = str(self.budget(company))
            headers["x-daily-ratelimit-token-remaining"] = str(self.remaining(company))
        if not caller.is_oauth:
            headers["x-daily-requests-left"] = str(self.writes_left(caller))
        return headers

    def _refusal(
        self, caller: Caller, company: Body, wait: int, now: float, *, daily: bool = False
    ) -> Exception:
        caller.refusals += 1
        if not caller.is_oauth and caller.refusals >= REFUSALS_TO_BLOCK and self.state.switches["block_page"]:
            caller.blocked_until = now + BLOCK
            caller.refusals = 0
            return Blocked()
        headers = self.headers(caller, company)
        if self.state.switches["retry_after_header"]:
            headers["Retry-After"] = str(wait)
        if not daily:
            headers["x-ratelimit-remaining"] = "0"
            headers["x-ratelimit-reset"] = str(wait)
        return ApiError(
            429,
            {
                "success": False,
                "error": "Request over limit",
                "errorCode": 429,
                "error_info": "Please check developers.pipedrive.com",
            },
            headers,
        )

    def _until_reset(self, now: float) -> int:
        return int(DAY - (now - self.reset_hour * 3600) % DAY) + 1

    def keep(self) -> None:
        """Write the counts down, so that a restart does not refill the budget."""
        self.state.keep_setting("spent_today", self.spent)

    def empty(self) -> None:
        """Nothing spent, nobody refused, all limits on."""
        self.callers.clear()
        self.spent.clear()
        self.reset_hour, self.windows_on, self.budget_on = 0, True, True

    def described(self, company: Body) -> dict[str, Any]:
        return {
            "company_id": company["id"],
            "plan": company["plan"],
            "budget": self.budget(company),
            "spent": self.spent_today(company["id"]),
            "remaining": self.remaining(company),
        }
