"""Settle a batch: decide, do, and what there is to remember.

`live` and `transfer` both end here, so a preview, a transfer and a real-time change can't differ in what they would do.
The caller stores the `Results` in one transaction together with its own progress.
"""

from collections.abc import Awaitable, Callable, Sequence

from tidegate.core.planning import LIVE, Mode
from tidegate.core.records import Side
from tidegate.errors import NeedsAttention
from tidegate.ports import LogLine, Results
from tidegate.services.deciding import decide_all
from tidegate.services.earlier import plan_earlier_emails
from tidegate.services.engine import Engine
from tidegate.services.perform import perform
from tidegate.services.quarrels import stop_quarrels
from tidegate.services.remembering import linked_just_now, remember
from tidegate.services.unanswered import hold_back
from tidegate.services.units import Unit

Check = Callable[[Sequence[Unit]], Awaitable[None]]


async def settle(
    engine: Engine,
    units: Sequence[Unit],
    mode: Mode,
    results: Results,
    *,
    cause: str,
    check: Check | None = None,
) -> NeedsAttention | None:
    """Decide, do, and gather what to remember. The units have been looked at.

    `check` sees the plans before anything is done, and may raise. What stops the connection while it is being done is
    returned, for the caller to raise once the results are stored.
    """
    await hold_back(engine, units)
    decide_all(engine, [unit for unit in units if unit.error is None], mode)
    if mode is LIVE:
        await stop_quarrels(engine, units)
    if check is not None:
        await check(units)
    stop = await perform(engine, units, results, cause=cause)
    results.log.extend(
        LogLine(Side.PIPEDRIVE, "organization", record_name=organization.name, cause=cause)
        for organization in results.organizations
    )
    now = engine.lane.clock.now()
    for unit in units:
        remember(engine, unit, results, now=now, cause=cause)
    await plan_earlier_emails(engine, [i for unit in units if (i := linked_just_now(unit))], results)
    return stop
