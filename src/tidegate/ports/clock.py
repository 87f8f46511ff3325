"""The clock, and the step that touches the database."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

RunStep = Callable[..., Awaitable[object]]
"""Runs a plain function that touches the database on a worker thread: `await step(function, *args)`."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring spans in one process; they go on while the process is frozen."""
        ...

    async def sleep(self, seconds: float) -> None: ...
