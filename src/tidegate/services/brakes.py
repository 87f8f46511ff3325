"""The brakes of a connection: stop what is unusual before it is written, and keep what it was going to do for a member.

Each batch is checked with what was written lately. Where more waits than one batch holds, the brakes look ahead first, as
far as it takes: through the mirror and the deliveries' own bodies, so that looking costs no tokens for linked persons.
"""

from collections.abc import Sequence
from dataclasses import replace

from tidegate.core.brakes import Brake, Tally, may_trip, tally_of, tripped
from tidegate.core.limits import WINDOW_MINUTES
from tidegate.core.records import Side
from tidegate.errors import SuspiciousChange
from tidegate.ports import Example, Stopped
from tidegate.services.ahead import PAGE, examples_of, planned
from tidegate.services.engine import Engine
from tidegate.services.units import Unit
from tidegate.words import say

MOST_EXAMPLES = 50

MESSAGES = {
    Brake.SHARE: say("An unusual share of your records was about to change."),
    Brake.EMPTIED: say("Many values were about to be emptied."),
    Brake.CREATED: say("Unusually many records were about to be made."),
    Brake.VANISHED: say(
        "Many persons can no longer be seen in Pipedrive, though nobody deleted them. Perhaps the connected "
        "user lost the right to see them."
    ),
}


class Halted(SuspiciousChange):
    """Something unusual was stopped before it was written."""

    def __init__(self, stopped: Stopped) -> None:
        super().__init__(stopped.message)
        self.stopped = stopped


async def check(engine: Engine, units: Sequence[Unit]) -> None:
    """Before a batch is written: raises Halted where it is unusual, taken together with what was written lately."""
    limits = engine.rules.settings.brakes
    here = _tally(units)
    if not limits.on or here == replace(Tally(), looked_at=here.looked_at):
        return
    lately = await engine.run(engine.memory.written_lately, engine.connection_id, WINDOW_MINUTES)
    await _stop_if_tripped(engine, here + lately, examples_of(engine, units))


async def look_ahead(engine: Engine) -> None:
    """Before the first of many batches: raises Halted where all that waits is unusual taken together."""
    limits = engine.rules.settings.brakes
    after = max(engine.passed_upto, engine.left_upto, engine.lane.surveyed.get(engine.connection_id, 0))
    waiting, upto = await engine.run(engine.memory.count_waiting, engine.connection_id, after=after)
    if may_trip(waiting, limits):
        await _survey(engine, after, upto)
    engine.lane.surveyed[engine.connection_id] = upto


async def _survey(engine: Engine, after: int, upto: int) -> None:
    total = await engine.run(engine.memory.written_lately, engine.connection_id, WINDOW_MINUTES)
    examples: list[Example] = []
    met: set[tuple[Side, str]] = set()
    while after < upto:
        changes = await engine.run(engine.memory.peek_changes, engine.connection_id, after=after, limit=PAGE)
        if not changes:
            return
        after = changes[-1].id
        units = await planned(engine, changes, met)
        total += replace(_tally(units), vanished=0)  # the mirror shows whom Pipedrive may not show any more
        examples += examples_of(engine, units)[: MOST_EXAMPLES - len(examples)]
        await _stop_if_tripped(engine, total, examples)


def _tally(units: Sequence[Unit]) -> Tally:
    total = Tally()
    for unit in units:
        if unit.plan is not None:
            total += tally_of(unit.plan, told=any(change.action == "delete" for change in unit.changes))
    return total


async def _stop_if_tripped(engine: Engine, total: Tally, examples: Sequence[Example]) -> None:
    limits = engine.rules.settings.brakes
    if tripped(total, limits, linked=0) is None:
        return  # whatever the share is
    linked = await engine.run(engine.memory.count_linked, engine.connection_id)
    brake = tripped(total, limits, linked=linked)
    if brake is None:
        return
    after = max(engine.passed_upto, engine.left_upto)
    waiting, upto = await engine.run(engine.memory.count_waiting, engine.connection_id, after=after)
    raise Halted(
        Stopped(brake, MESSAGES[brake], total, linked, waiting, upto, tuple(examples[:MOST_EXAMPLES]))
    )
