"""Calls side by side: so many at once, each with its answer or its error."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tidegate.errors import LaneLost, TidegateError

T = TypeVar("T")
A = TypeVar("A")

AT_ONCE = 32
"""Requests under way at once; the burst window sets the pace."""


async def together(call: Callable[[T], Awaitable[A]], items: Sequence[T]) -> list[A | TidegateError]:
    """The answer to each, or its error. Once all have ended, LaneLost and what nobody foresaw are raised."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> A | TidegateError:
        async with gate:
            try:
                return await call(item)
            except LaneLost:
                raise
            except TidegateError as error:
                return error

    answers = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
    kept: list[A | TidegateError] = []
    for answer in answers:
        if isinstance(answer, LaneLost) or (
            isinstance(answer, BaseException) and not isinstance(answer, TidegateError)
        ):
            raise answer
        kept.append(answer)
    return kept
