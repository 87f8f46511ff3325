"""A transfer's pages overlap: while one is being written, the next is read and looked at, and the one before is being stored.

What is in flight belongs to the connection's engine, for as long as the lane is in our hands. Pages are decided, written
and stored in their order. A page that was looked at early is used only where nothing it rests on has changed since: records
that meet what the page before wrote are looked at again, once that page is stored.

A crash loses what was not stored, as it always did: two pages then have open intents instead of one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from tidegate.core.records import Seen
from tidegate.ports import TransferState
from tidegate.services.engine import Engine
from tidegate.services.flight import InFlight, Looked, Touched
from tidegate.services.units import Unit

Relook = Callable[[Sequence[Seen]], Awaitable[list[Unit]]]


def where_it_is(engine: Engine, transfer: TransferState) -> TransferState:
    """The transfer from the page that comes next, though the row may not say so yet."""
    flight = engine.flight
    if flight is None or flight.transfer_id != transfer.id:
        return transfer
    return replace(transfer, cursor=flight.cursor)


def look_ahead(engine: Engine, after: TransferState, look: Callable[[], Coroutine[Any, Any, Looked]]) -> None:
    """Begin with the page that comes next. It rests on what is stored: on all pages but the one that is being written."""
    flight = engine.flight
    storing = flight.storing if flight is not None else None

    async def ahead() -> Looked:
        if storing is not None:
            await asyncio.wait([storing])  # its error is raised where it is awaited itself
        return await look()

    engine.flight = InFlight(after.id, after.cursor, storing, asyncio.create_task(ahead()))


async def taken(engine: Engine, transfer: TransferState) -> Looked | None:
    """The page that was looked at early, if it is this one. Raises what kept it from being looked at."""
    flight = engine.flight
    if flight is None or flight.ahead is None:
        return None
    ahead, flight.ahead = flight.ahead, None
    if (flight.transfer_id, flight.cursor) != (transfer.id, transfer.cursor):
        await _dropped(ahead)
        return None
    return await ahead


async def store_behind(
    engine: Engine, touched: Touched, store: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Store a page while the next one is begun; the one before must be stored by then."""
    flight = engine.flight
    if flight is None:
        await store()
        return
    await stored(engine)
    flight.storing, flight.touched = asyncio.create_task(store()), touched


async def stored(engine: Engine) -> None:
    """Wait until every page that was written is stored. Raises what kept one from it."""
    flight = engine.flight
    if flight is not None and flight.storing is not None:
        storing, flight.storing = flight.storing, None
        await storing


async def land(engine: Engine) -> None:
    """Leave nothing in flight: what was written is stored, what was looked at early is dropped."""
    flight = engine.flight
    if flight is None:
        return
    if flight.ahead is not None:
        await _dropped(flight.ahead)
    try:
        await stored(engine)
    finally:
        engine.flight = None


async def _dropped(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()  # nobody is left to hear it


async def met_again(engine: Engine, looked: Looked, relook: Relook) -> list[Unit]:
    """The page's units in their order, those looked at anew that meet what the page before wrote."""
    flight = engine.flight
    touched = flight.touched if flight is not None else None
    if touched is None or not touched.ids:
        return looked.units
    met = {unit.id_of(unit.origin) for unit in looked.units if touched.meets(unit)}
    if not met:
        return looked.units
    await stored(engine)
    anew = {u.id_of(u.origin): u for u in await relook([s for s in looked.walked.seen if s.id in met])}
    return [anew.get(i, u) for u in looked.units if (i := u.id_of(u.origin)) not in met or i in anew]
