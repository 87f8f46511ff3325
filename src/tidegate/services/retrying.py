"""When what failed for a passing reason is tried again."""

from datetime import datetime, timedelta

from tidegate.services.unanswered import LANDS_WITHIN, MARGIN_SECONDS

RETRY_SECONDS = (2, 5, 15, 60, 300, 900)
"""How long a change waits after each failed attempt; the last one repeats."""
NO_PAUSE = 0.0
"""The pause asked for by what waits for nothing but another unit of its own batch."""
UNKNOWN_ANSWER_SECONDS = LANDS_WITHIN.total_seconds() + MARGIN_SECONDS
"""How long at least, where a write may have reached the other app."""


def retry_at(attempts: int, now: datetime, error: Exception | None) -> datetime:
    """When to try again what failed this many times already."""
    seconds: float = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS) - 1)]
    if getattr(error, "sent", False):
        seconds = max(seconds, UNKNOWN_ANSWER_SECONDS)
    return now + timedelta(seconds=max(seconds, getattr(error, "retry_after", None) or 0))
