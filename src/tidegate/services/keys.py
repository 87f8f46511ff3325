"""The keys under which the outreach app makes prospects: the same key again makes nobody else.

So a key tells for ever which prospect a create made, whatever became of its name and addresses since; and one that was
used up by a prospect that belongs to somebody else by now makes nobody at all.
"""

from collections.abc import Collection, Sequence

from tidegate.core.operations import Act
from tidegate.core.records import Side
from tidegate.ports import Intent
from tidegate.services.engine import Engine
from tidegate.services.journal import create_kind
from tidegate.services.units import Unit


async def choose_keys(engine: Engine, units: Sequence[Unit]) -> None:
    """Give each unit that is about to make a prospect a key that has made nobody.

    What earlier creates made was looked up by now: a living prospect under a person's key was linked to somebody else
    since, or let go. The next key is told by that one, so that whoever else makes this prospect uses the same.
    """
    making = [unit for unit in units if _makes_prospect(unit)]
    for unit in making:
        unit.key = _first_key(engine, unit.person_id or "")
    while making:
        made = await engine.outreach.find_by_keys({unit.key for unit in making})
        making = [unit for unit in making if unit.key in made]
        for unit in making:
            unit.key = f"{_first_key(engine, unit.person_id or '')}:{made[unit.key]}"


async def made_by(engine: Engine, intents: Collection[Intent]) -> dict[str, str]:
    """Key of an intent to make a prospect -> id of the prospect that it made; one that made none is left out."""
    keys = {i.key: _key_of(engine, i) for i in intents if i.kind == create_kind(Side.OUTREACH)}
    made = await engine.outreach.find_by_keys(set(keys.values())) if keys else {}
    return {of: made[key] for of, key in keys.items() if key in made}


def _makes_prospect(unit: Unit) -> bool:
    writes = unit.plan.writes if unit.plan else ()
    return any(write.act is Act.CREATE and write.side is Side.OUTREACH for write in writes)


def _key_of(engine: Engine, intent: Intent) -> str:
    return str(intent.facts.get("key") or _first_key(engine, intent.key))


def _first_key(engine: Engine, person_id: str) -> str:
    return f"{engine.connection_id}:{person_id}"
