"""Who may come in from Pipedrive: whom the chosen filter holds, as long as there is a list to receive them.

Only Pipedrive knows what a filter holds, so it is asked, once for all new persons of a batch. Linked persons are not asked
about: a filter limits who comes in, not what becomes of those who came. A transfer walks over the filter itself.
"""

from collections.abc import Sequence

from tidegate.core.records import Record, Side
from tidegate.core.settings import filter_is_gone
from tidegate.services.engine import Engine
from tidegate.services.units import Unit
from tidegate.words import say

OUTSIDE = say("It is outside the Pipedrive filter of the settings.")
GONE = say("The Pipedrive filter of the settings no longer exists, so nobody new comes in.")
NO_LIST = say("The list that receives people from Pipedrive no longer exists, so nobody new comes in.")


async def bar_outsiders(engine: Engine, units: Sequence[Unit]) -> None:
    """Bar new persons whom the filter does not hold, and those who have no list to come into.

    Raises MappingBroken where the filter turns out to be gone.
    """
    _bar_the_homeless(engine, units)
    rules = engine.rules
    filter_id = rules.settings.filter_id
    if filter_id is None:
        return
    coming = [
        (unit, unit.person) for unit in units if isinstance(unit.person, Record) and _comes_in(engine, unit)
    ]
    if not coming:
        return
    if filter_is_gone(rules.settings, rules.pipedrive):
        for unit, _person in coming:
            unit.barred = GONE
        return
    inside = await engine.crm.in_filter(filter_id, [person for _unit, person in coming])
    for unit, person in coming:
        if person.id not in inside:
            unit.barred = OUTSIDE


def _bar_the_homeless(engine: Engine, units: Sequence[Unit]) -> None:
    """Without the list that receives them nobody is created; whoever is known there already is still linked."""
    rules = engine.rules
    if rules.settings.sync_to_list in {named.id for named in rules.outreach.lists}:
        return
    for unit in units:
        if not unit.candidates and not unit.taken and _comes_in(engine, unit):
            unit.barred = NO_LIST


def _comes_in(engine: Engine, unit: Unit) -> bool:
    """A person who is not linked, and whom nothing else keeps out."""
    new = unit.link is None and unit.origin is Side.PIPEDRIVE and not isinstance(unit.prospect, Record)
    if not new or unit.barred or not isinstance(unit.person, Record):
        return False
    return engine.rules.settings.admits(unit.person)
