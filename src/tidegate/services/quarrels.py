"""Stops two apps that rewrite a value in turn, and asks a person to end it. What a quarrel is: `core.quarrels`."""

from collections.abc import Sequence
from datetime import datetime

from tidegate.core.operations import Plan, Quarrel
from tidegate.core.quarrels import KIND, NO_PAST, WINDOW, hold_back
from tidegate.core.records import Side
from tidegate.core.values import describe
from tidegate.ports import ASKED, Question
from tidegate.services.engine import Engine
from tidegate.services.units import Unit
from tidegate.words import say


async def stop_quarrels(engine: Engine, units: Sequence[Unit]) -> None:
    """Take out of the plans what would go on with a quarrel. Only pairs that were written lately are asked about."""
    since = engine.lane.clock.now() - WINDOW
    lately = [unit for unit in units if _was_written_since(unit, since) and not _is_retried(unit)]
    if not lately:
        return
    ids = {unit.prospect_id for unit in lately if unit.prospect_id}
    past = await engine.run(engine.memory.past_writes, engine.connection_id, ids)
    for unit in lately:
        if unit.plan is not None:
            unit.plan = hold_back(unit.plan, past.get(unit.prospect_id or "", NO_PAST))


def _was_written_since(unit: Unit, since: datetime) -> bool:
    written_at = unit.link.written_at if unit.link is not None else None
    return bool(unit.plan and unit.plan.writes and written_at is not None and written_at > since)


def _is_retried(unit: Unit) -> bool:
    """A person says that the quarrel is over: the write goes out, and turns are counted anew."""
    return any(change.source in ("retry", ASKED) for change in unit.changes)


def quarrel_of(engine: Engine, unit: Unit, plan: Plan) -> list[Question]:
    if not plan.quarrels:
        return []
    return [
        Question(
            kind=KIND,
            side=unit.origin,
            prospect_id=unit.prospect_id or "",
            person_id=unit.person_id or "",
            record_name=unit.record_name,
            message=" ".join(_told(engine, quarrel) for quarrel in plan.quarrels),
            cure=(
                say(
                    "Find what rewrites the value in either app (an automation, a formatting rule) and switch it off, or type "
                    "the same value in both apps. Then retry. The other fields are in step."
                )
            ),
            facts={
                "mappings": [quarrel.key for quarrel in plan.quarrels],
                "values": {q.fields[side]: describe(q.values[side]) for q in plan.quarrels for side in Side},
            },
        )
    ]


def _told(engine: Engine, quarrel: Quarrel) -> str:
    field = engine.rules.field(Side.OUTREACH, quarrel.fields[Side.OUTREACH])
    name = field.name if field is not None else quarrel.fields[Side.OUTREACH]
    return say(
        "{field} was rewritten {turns} times in turn: the outreach app makes it “{outreach}” and Pipedrive makes it “{pipedrive}”.",
        field=name,
        turns=quarrel.turns,
        outreach=describe(quarrel.values[Side.OUTREACH]),
        pipedrive=describe(quarrel.values[Side.PIPEDRIVE]),
    )
