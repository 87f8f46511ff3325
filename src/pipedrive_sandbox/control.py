"""The control calls under `/_sandbox/`: seed, reset, clock, switches, faults, apps, counters, deliveries, actions.

They are the sandbox's own and exist nowhere at Pipedrive. They need no credentials: the sandbox is for this machine.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from pipedrive_sandbox import actions, oauth_pages
from pipedrive_sandbox.account import OF_A_COMPANY, checked_company
from pipedrive_sandbox.answers import ApiError, Body
from pipedrive_sandbox.clock import moment_of, rfc3339_milliseconds
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.seed import Seeder
from pipedrive_sandbox.seed_plan import Plan
from pipedrive_sandbox.switches import SWITCHES

ControlCall = Callable[[Body], Awaitable[Any] | Any]


class Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.calls: dict[tuple[str, str], ControlCall] = {
            ("GET", ""): self.index,
            ("GET", "ready"): lambda _: {"ready": True},
            ("POST", "reset"): self.reset,
            ("POST", "seed"): self.seed,
            ("GET", "companies"): self.companies,
            ("PATCH", "companies"): self.change_company,
            ("GET", "clock"): self.clock,
            ("POST", "clock"): self.move_clock,
            ("GET", "switches"): self.switches,
            ("POST", "switches"): self.set_switches,
            ("GET", "faults"): lambda _: self.sandbox.faults.shown(),
            ("POST", "faults"): self.add_fault,
            ("DELETE", "faults"): self.remove_faults,
            ("GET", "apps"): lambda _: self.sandbox.oauth.apps(),
            ("POST", "apps"): self.add_app,
            ("GET", "installs"): lambda _: self.sandbox.oauth.installs(),
            ("POST", "actions/uninstall"): self.uninstall,
            ("GET", "counters"): self.counters,
            ("DELETE", "counters"): self.empty_counters,
            ("GET", "limits"): self.limits,
            ("POST", "limits"): self.set_limits,
            ("GET", "deliveries"): self.deliveries,
            ("POST", "deliveries/wait"): self.wait_for_deliveries,
            ("GET", "routes"): self.routes,
        }
        for name, action in actions.ACTIONS.items():
            self.calls["POST", f"actions/{name}"] = self._action(action)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        name = request.path.removeprefix("/_sandbox").strip("/")
        call = self.calls.get((request.method, name))
        if call is None:
            known = sorted(f"{method} /_sandbox/{path}" for method, path in self.calls)
            return _json({"error": f"There is no {request.method} /_sandbox/{name}.", "known": known}, 404)
        try:
            raw = await request.read()
            given = orjson.loads(raw) if raw else {}
            if not isinstance(given, dict):
                raise ValueError("The body must be a JSON object.")
            result = call({**dict(request.rel_url.query), **given})
            return _json(await result if isinstance(result, Awaitable) else result)
        except ApiError as error:
            return _json(error.answer.body, 400)
        except KeyError as error:
            return _json({"error": f"{error.args[0]!r} is missing or unknown."}, 400)
        except (ValueError, TypeError, OverflowError, sqlite3.Error) as error:
            return _json({"error": str(error)}, 400)

    def _action(self, action: Callable[[Sandbox, Body], Any]) -> ControlCall:
        def call(given: Body) -> Any:
            with self.sandbox.state.transaction():
                return action(self.sandbox, given)

        return call

    def index(self, given: Body) -> Body:
        calls = sorted(f"{method} /_sandbox/{path}" for method, path in self.calls)
        return {"sandbox": "A stand-in for Pipedrive.", "calls": calls}

    def reset(self, given: Body) -> Body:
        self.sandbox.reset()
        return {"reset": True}

    async def seed(self, given: Body) -> Body:
        """Add one company (after a reset, when `reset` says so)."""
        if given.pop("reset", False):
            self.sandbox.reset()
        seeder = Seeder(self.sandbox.state, Plan.of(given))
        for _ in seeder.run():
            await asyncio.sleep(0)
        return seeder.summary()

    def companies(self, given: Body) -> list[Body]:
        state = self.sandbox.state
        return [
            company | {"users": state.records["user"].where(company["id"])} for company in state.companies()
        ]

    def change_company(self, given: Body) -> Body:
        company = self.sandbox.state.company(int(given.pop("company_id", 0)))
        if company is None:
            raise ValueError("Name a company by company_id.")
        unknown = sorted(set(given) - set(OF_A_COMPANY))
        if unknown:
            raise ValueError(
                f"A company's {unknown[0]!r} cannot be changed. Known: {', '.join(OF_A_COMPANY)}."
            )
        changed = checked_company(company | given)
        self.sandbox.state.save_company(changed)
        self.sandbox.state.field_cache.clear()
        return changed

    def clock(self, given: Body) -> Body:
        clock = self.sandbox.state.clock
        return {"now": rfc3339_milliseconds(clock.now()), "ahead_by_seconds": clock.offset}

    def move_clock(self, given: Body) -> Body:
        """Forward by `advance` seconds, or to the moment `to`."""
        clock = self.sandbox.state.clock
        seconds = moment_of(given["to"]) - clock.now() if "to" in given else float(given["advance"])
        clock.advance(seconds)
        self.sandbox.state.keep_clock()
        self.sandbox.deliveries.wake()
        return self.clock({})

    def switches(self, given: Body) -> Body:
        values = self.sandbox.state.switches
        return {
            name: {
                "value": values[name],
                "default": switch.default,
                "choices": list(switch.choices) or "a number",
                "about": switch.about,
            }
            for name, switch in SWITCHES.items()
        }

    def set_switches(self, given: Body) -> Body:
        for name, value in given.items():
            self.sandbox.state.switches.set(name, value)
        self.sandbox.state.keep_setting("switches", self.sandbox.state.switches.values)
        return self.sandbox.state.switches.values

    def add_fault(self, given: Body) -> Any:
        return self.sandbox.faults.add(given).__dict__

    def remove_faults(self, given: Body) -> Body:
        number = int(given["id"]) if "id" in given else None
        return {"removed": self.sandbox.faults.remove(number)}

    def add_app(self, given: Body) -> Body:
        return self.sandbox.oauth.register(given)

    async def uninstall(self, given: Body) -> list[Body]:
        """A user removes the app: its installations end and the app is told by DELETE to its callback address."""
        ended = []
        for install in self.sandbox.oauth.installs():
            chosen = given.get("install") in (None, install["id"]) and given.get("client_id") in (
                None,
                install["client_id"],
            )
            if chosen:
                with self.sandbox.state.transaction():
                    told = self.sandbox.oauth.uninstall(install["id"])
                status = None if told is None else await oauth_pages.tell_uninstalled(self.sandbox, told)
                ended.append({**install, "app_answered": status})
        return ended

    def counters(self, given: Body) -> Body:
        return self.sandbox.counters.shown() | {"deliveries_waiting": self.sandbox.deliveries.waiting()}

    def empty_counters(self, given: Body) -> Body:
        before = self.sandbox.counters.shown()
        self.sandbox.counters.empty()
        return before

    def limits(self, given: Body) -> Body:
        limits = self.sandbox.limits
        return {
            "burst": limits.windows_on,
            "daily": limits.budget_on,
            "reset_hour": limits.reset_hour,
            "companies": [limits.described(company) for company in self.sandbox.state.companies()],
        }

    def set_limits(self, given: Body) -> Body:
        """Switch the windows (`burst`) or the budget (`daily`) off or on, or move its `reset_hour` (UTC)."""
        limits, state = self.sandbox.limits, self.sandbox.state
        unknown = sorted(set(given) - {"burst", "daily", "reset_hour"})
        if unknown:
            raise ValueError(f"Limits have no {unknown[0]!r}. Known: burst, daily, reset_hour.")
        limits.windows_on = bool(given.get("burst", limits.windows_on))
        limits.budget_on = bool(given.get("daily", limits.budget_on))
        limits.reset_hour = int(given.get("reset_hour", limits.reset_hour))
        state.keep_setting("burst_limits", limits.windows_on)
        state.keep_setting("daily_budget", limits.budget_on)
        state.keep_setting("budget_reset_hour", limits.reset_hour)
        return self.limits({})

    def deliveries(self, given: Body) -> Body:
        company = int(given["company_id"]) if "company_id" in given else None
        limit = int(given.get("limit", 100))
        return {
            "waiting": self.sandbox.deliveries.waiting(),
            "recent": self.sandbox.deliveries.recent(company, limit),
        }

    async def wait_for_deliveries(self, given: Body) -> Body:
        """Answer once everything due has been delivered, or after `seconds` (10)."""
        try:
            await asyncio.wait_for(self.sandbox.deliveries.quiet(), float(given.get("seconds", 10)))
        except TimeoutError:
            return {"quiet": False}
        return {"quiet": True}

    def routes(self, given: Body) -> list[Body]:
        return [route.described() for route in self.sandbox.finder.routes]


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", charset="utf-8"
    )
