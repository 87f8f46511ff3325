"""A clock that stands still until a test moves it; sleeping moves it at once."""

import asyncio
from datetime import UTC, datetime, timedelta


class ManualClock:
    def __init__(self, now: datetime = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.move(seconds)
        await asyncio.sleep(0)

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._passed += seconds
