"""What would be done about changes that wait, by what is known without asking for it: nothing is written and nothing is called
for linked records. The brakes look ahead with it, and a resume shows it beforehand.
"""

from collections.abc import Sequence

from tidegate.core.operations import Decision, Plan
from tidegate.core.planning import LIVE
from tidegate.core.records import Record, Side, with_organization
from tidegate.ports import Change, Example
from tidegate.services.deciding import decide_all
from tidegate.services.engine import Engine
from tidegate.services.filtering import bar_outsiders
from tidegate.services.index import organization_names
from tidegate.services.journal import change_to_json
from tidegate.services.look import look
from tidegate.services.units import Unit, fold

PAGE = 500
"""Changes looked at together."""


async def foresee(engine: Engine, *, most_changes: int, most_examples: int) -> list[Example]:
    """What would be written if all that waits were applied now, the oldest first. Whom nobody shows is left out: only a look
    tells what became of them."""
    after, looked_at = max(engine.passed_upto, engine.left_upto), 0
    examples: list[Example] = []
    met: set[tuple[Side, str]] = set()
    while looked_at < most_changes and len(examples) < most_examples:
        changes = await engine.run(engine.memory.peek_changes, engine.connection_id, after=after, limit=PAGE)
        if not changes:
            break
        after, looked_at = changes[-1].id, looked_at + len(changes)
        units = await planned(engine, changes, met)
        examples += [each for each in examples_of(engine, units) if each.act != "unlink"]
    return examples[:most_examples]


async def planned(engine: Engine, changes: Sequence[Change], met: set[tuple[Side, str]]) -> list[Unit]:
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
