"""The sandbox's own time, which a test can move forward.

Everything that waits or expires (tokens, the daily budget, webhook retries and bans, the search delay) asks this
clock. It never runs backwards.
"""

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache

LAST_MOMENT = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset
        self._moved: asyncio.Event | None = None

    def now(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("The clock only moves forward.")
        if not self.now() + seconds < LAST_MOMENT:
            raise ValueError("The clock ends with the year 9998.")
        self.offset += seconds
        if self._moved is not None:
            self._moved.set()
            self._moved = None

    async def sleep_until(self, moment: float) -> None:
        """Return once the clock shows `moment`, be it by waiting or by being moved."""
        while (left := moment - self.now()) > 0:
            if self._moved is None:
                self._moved = asyncio.Event()
            try:
                await asyncio.wait_for(self._moved.wait(), left)
            except TimeoutError:
                continue

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + seconds)


def rfc3339(moment: float) -> str:
    """Whole seconds with Z, the form of API v2."""
    return _whole_second(int(moment))


@lru_cache(maxsize=1024)
def _whole_second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()[:19] + "Z"


def rfc3339_milliseconds(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def v1_time(text: str | None) -> str | None:
    """`2026-01-31T09:00:00Z` as API v1 writes it: `2026-01-31 09:00:00`."""
    return None if text is None else text[:10] + " " + text[11:19]


def moment_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
