"""What is asked for at the same moment is done together: one transaction for all of it instead of one for each."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from tidegate.errors import TidegateError

Q = TypeVar("Q")
A = TypeVar("A")


class Gathering(Generic[Q, A]):
    """Gathers questions of one turn of the event loop. `answer` gets them in their order, and answers each or says its error."""

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A | TidegateError]]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A | TidegateError]]] = []

    async def ask(self, question: Q) -> A:
        """Raises the error that was answered, or what kept all of them from an answer."""
        answered: asyncio.Future[A | TidegateError] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answered))
        if len(self._waiting) == 1:
            await self._go()
        answer = await answered
        if isinstance(answer, TidegateError):
            raise answer
        return answer

    async def _go(self) -> None:
        """The first to ask goes for all; the others wait for what it brings."""
        asked = self._waiting
        try:
            await asyncio.sleep(0)  # whoever asks at the same moment comes along
            self._waiting = []
            answers = await self._answer([question for question, _ in asked])
        except BaseException as error:
            self._waiting = [] if self._waiting is asked else self._waiting
            _fail([answered for _, answered in asked[1:]], error)
            raise
        for (_, answered), answer in zip(asked, answers, strict=True):
            if not answered.done():
                answered.set_result(answer)


def _fail(waiting: Sequence["asyncio.Future[Any]"], error: BaseException) -> None:
    for answered in waiting:
        if isinstance(error, asyncio.CancelledError):
            answered.cancel()
        elif not answered.done():
            answered.set_exception(error)
