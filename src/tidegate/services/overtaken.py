"""Finds the edits that our writes overtook, by the webhooks of those writes: no call is made. What one is: `core.overtaken`."""

from collections.abc import Sequence
from datetime import timedelta

from tidegate.core.bases import base_from_json
from tidegate.core.operations import Plan
from tidegate.core.overtaken import Overtaken, as_if_seen, find_overtaken, give_back, given_back
from tidegate.core.planning import LIVE, Mode
from tidegate.core.records import ORGANIZATION, Record, Side, with_organization
from tidegate.core.values import describe, name_key, to_json
from tidegate.ports import Change, LogLine
from tidegate.services.engine import Engine
from tidegate.services.index import organization_names
from tidegate.services.units import Unit
from tidegate.words import say

WRITTEN_BEFORE = timedelta(hours=1)
"""How long before its webhook arrived a write may have been logged: Pipedrive tries for some three minutes."""
GIVEN_BACK = say("It was given back.")
STAYED = say("The written value stayed.")
OVERTAKEN = "overtaken"
"""The act of the log's line about such an edit; nothing was written with it."""


async def find(engine: Engine, units: Sequence[Unit]) -> None:
    """Tell each unit what was overtaken. Only webhooks of our own writes are asked about."""
    telling = [unit for unit in units if unit.person_id and any(_tells(c) for c in unit.changes)]
    if not telling:
        return
    echoes = [change for unit in telling for change in unit.changes if _tells(change)]
    writes = await engine.run(
        engine.memory.writes_to_persons,
        engine.connection_id,
        {unit.person_id for unit in telling if unit.person_id},
        since=min(change.received_at for change in echoes) - WRITTEN_BEFORE,
    )
    shown = [body for change in echoes for body in (change.body, change.before) if body is not None]
    names = await organization_names(engine, [body for body in shown if body.organization_id])
    for unit in telling:
        pairs = engine.rules.pairs
        base = base_from_json(unit.link.base if unit.link is not None else {}, pairs)
        found: list[Overtaken] = []
        for change in unit.changes:
            if change.before is not None and change.body is not None:
                before = with_organization(change.before, names)
                after = with_organization(change.body, names)
                mine = writes.get(unit.person_id or "", ())
                found += [
                    lost for lost in find_overtaken(before, after, mine, base, pairs) if lost not in found
                ]
        unit.overtaken = tuple(found)
    await _leave_renamed(engine, telling)


async def _leave_renamed(engine: Engine, units: Sequence[Unit]) -> None:
    """Webhooks tell an organization by its id, the log by its name as it was then. Where nobody has that name any more, it was
    renamed since, and what looks like another organization is the very one that we had looked at: nothing is told.
    """
    lost = {
        str(each.looked_at)
        for unit in units
        for each in unit.overtaken
        if each.field == ORGANIZATION and each.looked_at
    }
    if not lost:
        return
    there = await engine.run(engine.memory.organizations_named, lost)
    for unit in units:
        unit.overtaken = tuple(
            each
            for each in unit.overtaken
            if each.field != ORGANIZATION or not each.looked_at or name_key(str(each.looked_at)) in there
        )


def _tells(change: Change) -> bool:
    return change.before is not None and change.body is not None


def as_looked_at(engine: Engine, unit: Unit, mode: Mode) -> Record | None:
    """The person for the decision, where something is to be given back."""
    if not isinstance(unit.person, Record) or not _gives_back(unit, mode):
        return None
    return as_if_seen(unit.person, given_back(unit.person, unit.overtaken, engine.rules.settings.winner))


def with_given_back(engine: Engine, unit: Unit, plan: Plan, mode: Mode) -> Plan:
    if not isinstance(unit.person, Record) or not _gives_back(unit, mode):
        return plan
    back = given_back(unit.person, unit.overtaken, engine.rules.settings.winner)
    return give_back(plan, unit.person, back)


def _gives_back(unit: Unit, mode: Mode) -> bool:
    return (
        bool(unit.overtaken) and mode is LIVE and unit.link is not None and isinstance(unit.prospect, Record)
    )


def lines_of(engine: Engine, unit: Unit) -> list[LogLine]:
    """One for each edit: what was typed, and what our write put in its place."""
    return [_line(engine, unit, lost) for lost in unit.overtaken]


def _line(engine: Engine, unit: Unit, lost: Overtaken) -> LogLine:
    back = unit.plan.write_to(Side.PIPEDRIVE) if unit.plan is not None else None
    is_back = back is not None and any(change.field == lost.field for change in back.changes)
    known = engine.rules.field(Side.PIPEDRIVE, lost.field)
    name = known.name if known is not None else lost.field
    told = {
        "side": Side.PIPEDRIVE.value,
        "field": lost.field,
        "name": name,
        "kind": known.kind.value if known is not None else lost.pair.kind.value,
        "before": to_json(lost.typed),
        "after": to_json(lost.written),
        **({} if is_back else {"lost": to_json(lost.typed), "conflict": True}),
    }
    what = say(
        "{field}: “{typed}” was typed in Pipedrive in the moment Tidegate wrote “{written}”.",
        field=name,
        typed=describe(lost.typed),
        written=describe(lost.written),
    )
    return LogLine(
        side=Side.PIPEDRIVE,
        act=OVERTAKEN,
        prospect_id=unit.prospect_id or "",
        person_id=unit.person_id or "",
        record_name=unit.record_name,
        changes=(told,),
        cause_text=say("Told by Pipedrive’s webhook"),
        message=f"{what} {GIVEN_BACK if is_back else STAYED}",
    )
