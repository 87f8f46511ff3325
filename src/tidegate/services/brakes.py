"""The brakes of a connection: stop what is unusual before it is written, and keep what it was going to do for a member.

Each batch is checked with what was written lately. Where more waits than one batch holds, the brakes look ahead first, as
far as it takes: through the mirror and the deliveries' own bodies, so that looking costs no tokens for linked persons.
"""

from collections.abc import Sequence
from dataclasses import replace

from tidegate.core.brakes import Brake, Tally, may_trip, tally_of, tripped
from tidegate.core.limits import WINDOW_MINUTES
from tidegate.core.operations import Decision, Plan
from tidegate.core.planning import LIVE
from tidegate.core.records import Record, Side, with_organization
from tidegate.errors import SuspiciousChange
from tidegate.ports import Change, Example, Stopped
from tidegate.services.engine import Engine
from tidegate.services.filtering import bar_outsiders
from tidegate.services.index import organization_names
from tidegate.services.journal import change_to_json
from tidegate.services.look import look
from tidegate.services.settle import decide_all
from tidegate.services.units import Unit, fold

PAGE = 500
"""Changes looked at together when looking ahead."""
MOST_EXAMPLES = 50

MESSAGES = {
    Brake.SHARE: "An unusual share of your records was about to change.",
    Brake.EMPTIED: "Many values were about to be emptied.",
    Brake.CREATED: "Unusually many records were about to be made.",
    Brake.VANISHED: "Many persons can no longer be seen in Pipedrive, though nobody deleted them. Perhaps the connected "
    "user lost the right to see them.",
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
        units = await _planned(engine, changes, met)
        total += replace(_tally(units), vanished=0)  # the mirror shows whom Pipedrive may not show any more
        examples += examples_of(engine, units)[: MOST_EXAMPLES - len(examples)]
        await _stop_if_tripped(engine, total, examples)


async def _planned(engine: Engine, changes: Sequence[Change], met: set[tuple[Side, str]]) -> list[Unit]:
    """What would be done about these, by what is known without asking for it. A record counts once."""
    about = [c for c in changes if c.entity in ("prospect", "person") and c.action != "delete"]
    links = await engine.run(
        engine.memory.links_of,
        engine.connection_id,
        prospect_ids={c.record_id for c in about if c.side is Side.OUTREACH},
        person_ids={c.record_id for c in about if c.side is Side.PIPEDRIVE},
    )
    units = [unit for unit in fold(about, links) if not _was_met(unit, met)]
    await _take_bodies(engine, units)
    await look(engine, units, engine.rules.settings, persons_from_mirror=True)
    await bar_outsiders(engine, units)
    decide_all(engine, units, LIVE)
    return units


def _was_met(unit: Unit, met: set[tuple[Side, str]]) -> bool:
    keys = {(side, record_id) for side in Side if (record_id := unit.id_of(side))}
    known = bool(keys & met)
    met |= keys
    return known


async def _take_bodies(engine: Engine, units: Sequence[Unit]) -> None:
    """The newest delivery shows a person better than the mirror does."""
    told = [(unit, body) for unit in units if (body := _newest_body(unit)) is not None]
    names = await organization_names(engine, [body for _, body in told])
    for unit, body in told:
        unit.person = with_organization(body, names)


def _newest_body(unit: Unit) -> Record | None:
    return next((c.body for c in reversed(unit.changes) if c.body is not None and c.entity == "person"), None)


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


def examples_of(engine: Engine, units: Sequence[Unit]) -> list[Example]:
    """What would be done, a line for each write and each record that is gone."""
    return [
        example for unit in units if unit.plan is not None for example in _examples(engine, unit, unit.plan)
    ]


def _examples(engine: Engine, unit: Unit, plan: Plan) -> list[Example]:
    prospect_id, person_id = plan.prospect_id or "", plan.person_id or ""
    if plan.decision is Decision.UNLINK:
        side = unit.origin
        return [Example(unit.record_name, "unlink", side.value, prospect_id, person_id, reason=plan.reason)]
    return [
        Example(
            unit.record_name,
            write.act.value,
            write.side.value,
            prospect_id,
            person_id,
            tuple(change_to_json(engine, write, change) for change in write.changes),
            plan.reason,
        )
        for write in plan.writes
    ]
