"""Calls that are carried out after their caller has gone: the connection broke, the work went on."""

import asyncio
from collections.abc import Awaitable, Callable

from pipedrive_sandbox.clock import Clock


class LateCalls:
    def __init__(self) -> None:
        self._due: dict[asyncio.Task[None], tuple[Clock, float]] = {}

    def add(self, clock: Clock, seconds: float, call: Callable[[], Awaitable[object]]) -> None:
        """Carry it out so many seconds later by this clock."""
        at = clock.now() + seconds

        async def carry_out() -> None:
            await clock.sleep_until(at)
            await call()

        task = asyncio.create_task(carry_out())
        self._due[task] = clock, at
        task.add_done_callback(self._due.pop)

    async def quiet(self) -> None:
        """Return once all that is due by now has been carried out."""
        due = [task for task, (clock, at) in self._due.items() if at <= clock.now()]
        if due:
            await asyncio.wait(due)

    def forget(self) -> None:
        for task in list(self._due):
            task.cancel()
