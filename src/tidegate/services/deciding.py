"""Give the units of a batch their plans. `settle` and every preview decide here, so they can't differ in what they would do."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from tidegate.core.bases import base_from_json
from tidegate.core.operations import Decision, LinkState, Plan
from tidegate.core.planning import LinkView, Mode, Situation, decide
from tidegate.core.records import EMAIL, Gone, Record, Side
from tidegate.errors import TemporaryError
from tidegate.services import overtaken
from tidegate.services.engine import Engine
from tidegate.services.retrying import NO_PAUSE
from tidegate.services.units import Unit
from tidegate.words import say

CHOSEN = "chosen"
"""The state of a link that a person chose, or an intent proved, and whose records have not met yet."""


def decide_all(engine: Engine, units: Sequence[Unit], mode: Mode) -> None:
    """Give every unit its plan. Of several units that would link or make the same record, only the first may."""
    claimed: set[tuple[Side, str]] = set()
    creating: dict[str, Unit] = {}
    for unit in units:
        if unit.link is None and (unit.origin, unit.id_of(unit.origin) or "") in claimed:
            unit.error = TemporaryError(
                say("Waits for the link that another change of this batch makes."), retry_after=NO_PAUSE
            )
            continue
        if unit.link is not None and not unit.rival and claimed.intersection(_wanted(unit)):
            unit.error = TemporaryError(say("Waits for the link that moves to the same person."))
            continue
        plan = unit.plan = _decide(engine, unit, claimed, mode)
        if plan.decision is Decision.MOVE:
            claimed.add((Side.PIPEDRIVE, plan.person_id or ""))
        if unit.link is not None or not plan.new_link:
            continue
        _take_candidate(unit, plan)
        if plan.decision is Decision.CREATE and _waits_for_twin(unit, creating):
            continue
        claimed.update((side, unit.id_of(side) or "") for side in Side)
    _let_updates_go_first(units)


def _decide(engine: Engine, unit: Unit, claimed: Collection[tuple[Side, str]], mode: Mode) -> Plan:
    situation = _situation(engine, unit, claimed)
    if unit.overtaken:
        situation = replace(situation, person=overtaken.as_looked_at(engine, unit, mode) or unit.person)
    return overtaken.with_given_back(engine, unit, decide(situation, engine.rules, mode), mode)


def _situation(engine: Engine, unit: Unit, claimed: Collection[tuple[Side, str]]) -> Situation:
    other = unit.origin.other
    return Situation(
        link=_link_view(engine, unit),
        prospect=unit.prospect,
        person=unit.person,
        origin=unit.origin,
        candidates=tuple(c for c in unit.candidates if (other, c.id) not in claimed),
        taken=unit.taken + tuple(i for side, i in _wanted(unit) if (side, i) in claimed),
        barred=unit.barred,
    )


def _wanted(unit: Unit) -> list[tuple[Side, str]]:
    """The records that the unit could come to be linked to."""
    survivor = unit.person.merged_into if isinstance(unit.person, Gone) else None
    found = [(unit.origin.other, candidate.id) for candidate in unit.candidates]
    return found + ([(Side.PIPEDRIVE, survivor)] if survivor else [])


def _take_candidate(unit: Unit, plan: Plan) -> None:
    """The candidate that the plan links has been seen: it need not be read again before it is written."""
    chosen = plan.person_id if unit.origin is Side.OUTREACH else plan.prospect_id
    found = next((c for c in unit.candidates if c.id == chosen), None)
    if found is None:
        return
    if unit.origin is Side.OUTREACH:
        unit.person_id, unit.person = found.id, found
    else:
        unit.prospect_id, unit.prospect = found.id, found


def _waits_for_twin(unit: Unit, creating: dict[str, Unit]) -> bool:
    """Two unlinked records of one batch that share an address: the first is created, the other waits for its link."""
    source = unit.seen_of(unit.origin)
    addresses = source.emails if isinstance(source, Record) else ()
    twin = next((creating[address] for address in addresses if address in creating), None)
    if twin is None:
        creating.update(dict.fromkeys(addresses, unit))
        return False
    _put_behind(unit, twin)
    return True


def _put_behind(unit: Unit, other: Unit) -> None:
    unit.plan = None
    unit.error = TemporaryError(
        say("Waits for {name}, which shares an address with it.", name=other.record_name),
        retry_after=NO_PAUSE,
    )


def _let_updates_go_first(units: Sequence[Unit]) -> None:
    """A record is not made with an address that another unit of the batch is about to give to a linked one: it waits, and is
    decided about once that one shows it."""
    given = {
        (write.side, address.casefold()): unit
        for unit in units
        if unit.plan is not None and unit.plan.decision is not Decision.CREATE
        for write in unit.plan.writes
        for change in write.changes
        if change.field == EMAIL and isinstance(change.after, tuple)
        for address in change.after
    }
    for unit in units if given else ():
        source = unit.seen_of(unit.origin)
        if unit.plan is None or unit.plan.decision is not Decision.CREATE or not isinstance(source, Record):
            continue
        keys = [(unit.origin.other, address.casefold()) for address in source.emails]
        other = next((given[key] for key in keys if key in given), None)
        if other is not None:
            _put_behind(unit, other)


def _link_view(engine: Engine, unit: Unit) -> LinkView | None:
    if unit.link is None or unit.link.state == CHOSEN:
        return None
    unit.base = base_from_json(unit.link.base, engine.rules.pairs)
    return LinkView(unit.link.prospect_id, unit.link.person_id, unit.base, LinkState(unit.link.state))
