"""What is asked for at the same moment is answered together, to each its own."""

import asyncio
from collections.abc import Sequence

import pytest

from tidegate.adapters.outreach.gathering import Gathering
from tidegate.errors import Invalid, TidegateError


class Office:
    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.closed = asyncio.Event()
        self.closed.set()

    async def answer(self, questions: Sequence[int]) -> list[str | TidegateError]:
        self.asked.append(list(questions))
        await self.closed.wait()
        if 13 in questions:
            raise RuntimeError("nobody is in")
        return [Invalid(f"{n} is odd") if n % 2 else f"{n}!" for n in questions]


async def test_who_asks_in_the_same_moment_is_answered_in_one_go():
    office = Office()
    gathering = Gathering(office.answer)
    answers = await asyncio.gather(*(gathering.ask(n) for n in (2, 3, 4)), return_exceptions=True)
    assert office.asked == [[2, 3, 4]]
    assert (answers[0], answers[2]) == ("2!", "4!")
    assert isinstance(answers[1], Invalid)
    assert await gathering.ask(6) == "6!"
    assert office.asked[1:] == [[6]]


async def test_who_asks_while_others_are_answered_goes_next():
    office = Office()
    gathering = Gathering(office.answer)
    office.closed.clear()
    first = asyncio.create_task(gathering.ask(2))
    await asyncio.sleep(0.001)
    second = asyncio.create_task(gathering.ask(4))
    await asyncio.sleep(0.001)
    office.closed.set()
    assert (await first, await second) == ("2!", "4!")
    assert office.asked == [[2], [4]]


async def test_what_keeps_all_from_an_answer_is_told_to_all():
    gathering = Gathering(Office().answer)
    answers = await asyncio.gather(*(gathering.ask(n) for n in (2, 13, 4)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["nobody is in"] * 3
    assert await gathering.ask(8) == "8!"


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_where_the_first_is_cancelled_nobody_waits_for_ever(turns: int):
    office = Office()
    gathering = Gathering(office.answer)
    office.closed.clear()
    tasks = [asyncio.create_task(gathering.ask(n)) for n in (2, 4)]
    for _ in range(turns):
        await asyncio.sleep(0)
    tasks[0].cancel()
    office.closed.set()
    _, waiting = await asyncio.wait(tasks, timeout=1)
    assert not waiting
    assert await gathering.ask(6) == "6!"
