"""The whole sandbox put together: state, limits, OAuth, deliveries, faults and counters, with start and stop."""

import asyncio
import contextlib

from aiohttp import web

from pipedrive_sandbox.counters import Counters
from pipedrive_sandbox.faults import Faults
from pipedrive_sandbox.late import LateCalls
from pipedrive_sandbox.limits import Limits
from pipedrive_sandbox.oauth import OAuth
from pipedrive_sandbox.routes import RouteFinder, table
from pipedrive_sandbox.state import State
from pipedrive_sandbox.webhooks.deliveries import Deliveries

KEEP_EVERY = 2.0


class Sandbox:
    def __init__(
        self, path: str = ":memory:", *, public_url: str | None = None, chance: int | None = None
    ) -> None:
        self.state = State(path)
        self.limits = Limits(self.state)
        self.oauth = OAuth(self.state)
        self.deliveries = Deliveries(self.state, chance)
        self.faults = Faults(chance)
        self.late = LateCalls()
        self.counters = Counters()
        self.finder = RouteFinder(table())
        self.public_url = public_url
        self._keeper: asyncio.Task[None] | None = None

    def base_url(self, request: web.BaseRequest) -> str:
        """The address under which the caller reached us, which is what `api_domain` says."""
        return self.public_url or f"{request.scheme}://{request.host}"

    async def start(self) -> None:
        await self.deliveries.start()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        self.late.forget()
        await self.deliveries.stop()
        self.limits.keep()
        self.state.database.close()

    def reset(self) -> None:
        """Back to an empty sandbox. Registered apps stay: whoever resets does not want to register anew."""
        apps = self.oauth.apps()
        self.late.forget()
        self.state.empty()
        self.limits.empty()
        self.counters.empty()
        self.faults.remove()
        for app in apps:
            self.oauth.register(app)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY)
            self.limits.keep()
