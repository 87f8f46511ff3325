"""Look: the present state of both sides of every unit of a batch, and who an unlinked record could be on the other side."""

from collections.abc import Sequence
from dataclasses import replace

from tidegate.core.matching import possible
from tidegate.core.records import Gone, Record, Seen, Side, with_organization
from tidegate.core.settings import Settings
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date, organization_names
from tidegate.services.units import Unit

FRESH_ENOUGH = 3.0
"""Seconds the mirror may be old when the candidates of a live batch are looked up."""


async def look(
    engine: Engine, units: Sequence[Unit], settings: Settings, *, persons_from_mirror: bool = False
) -> None:
    """Fill in what both sides show. Units that know a side already keep it.

    `settings`: the ones that say who may travel; a transfer's go in its own direction.
    `persons_from_mirror`: the mirror stands for the persons as it is (a transfer has just brought it up to date).
    """
    await _look_at_prospects(engine, units)
    await _look_at_persons(engine, units, persons_from_mirror=persons_from_mirror)
    await _find_survivors(engine, units)
    if not persons_from_mirror and _may_meet_persons(units, settings):
        await bring_up_to_date(engine, max_age=FRESH_ENOUGH)
    await _find_candidates(engine, units, settings)


def _may_meet_persons(units: Sequence[Unit], settings: Settings) -> bool:
    return any(unit.link is None and _seeks_person(unit, settings) for unit in units)


def _seeks_person(unit: Unit, settings: Settings) -> bool:
    return unit.person is None and isinstance(unit.prospect, Record) and settings.admits(unit.prospect)


async def _find_survivors(engine: Engine, units: Sequence[Unit]) -> None:
    """Of merges: who lives on in the end, and whether that record is linked to somebody else already."""
    await _follow_aliases(engine, units)
    merged = [
        (unit, unit.person.merged_into)
        for unit in units
        if isinstance(unit.person, Gone) and unit.person.merged_into
    ]
    if not merged:
        return
    survivors = {survivor for _, survivor in merged}
    linked = await engine.run(engine.memory.linked_persons, engine.connection_id, survivors)
    for unit, survivor in merged:
        if survivor in linked and linked[survivor] != unit.prospect_id:
            unit.taken, unit.rival = (survivor,), linked[survivor]


async def _follow_aliases(engine: Engine, units: Sequence[Unit]) -> None:
    """A merge may have been told long before this link came to be about it, and the survivor be merged away in turn."""
    gone = [(unit, unit.person) for unit in units if isinstance(unit.person, Gone)]
    if not gone:
        return
    ids = {person.merged_into or person.id for _, person in gone}
    survivors = await engine.run(engine.memory.survivors, ids)
    for unit, person in gone:
        found = survivors.get(person.merged_into or person.id)
        if found is not None:
            unit.person = replace(person, merged_into=found, deleted=True)


async def _look_at_prospects(engine: Engine, units: Sequence[Unit]) -> None:
    wanted = {unit.prospect_id for unit in units if unit.prospect_id and unit.prospect is None}
    if not wanted:
        return
    found = await engine.outreach.get_prospects(wanted)
    for unit in units:
        if unit.prospect_id in wanted and unit.prospect_id is not None:
            unit.prospect = found.get(unit.prospect_id) or Gone(Side.OUTREACH, unit.prospect_id)


async def _look_at_persons(engine: Engine, units: Sequence[Unit], *, persons_from_mirror: bool) -> None:
    wanted = {unit.person_id for unit in units if unit.person_id and unit.person is None}
    found = await _persons(engine, wanted, from_mirror=persons_from_mirror)
    for unit in units:
        if unit.person_id is not None and unit.person is None:
            seen = found.get(unit.person_id) or Gone(Side.PIPEDRIVE, unit.person_id)
            unit.person = _as_told(seen, unit) if isinstance(seen, Gone) else seen


def _as_told(gone: Gone, unit: Unit) -> Gone:
    """Why it is gone, where a delivery said so."""
    merged_into = next((c.merged_into for c in unit.changes if c.merged_into), gone.merged_into)
    deleted = gone.deleted or any(c.side is Side.PIPEDRIVE and c.action == "delete" for c in unit.changes)
    return replace(gone, merged_into=merged_into, deleted=deleted)


async def _persons(engine: Engine, ids: set[str], *, from_mirror: bool) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    if from_mirror and ids:
        found.update(await engine.run(engine.memory.mirrored, ids))
    missing = ids - found.keys()
    if missing:
        fetched = await engine.crm.get_persons(missing)
        persons = [seen for seen in fetched.values() if isinstance(seen, Record)]
        names = await organization_names(engine, persons)
        found.update(
            {
                i: with_organization(seen, names) if isinstance(seen, Record) else seen
                for i, seen in fetched.items()
            }
        )
    return found


async def _find_candidates(engine: Engine, units: Sequence[Unit], settings: Settings) -> None:
    unlinked = [unit for unit in units if unit.link is None]
    await _candidate_persons(engine, unlinked, settings)
    await _candidate_prospects(
        engine, [u for u in unlinked if isinstance(u.person, Record) and u.prospect is None]
    )


async def _candidate_persons(engine: Engine, units: Sequence[Unit], settings: Settings) -> None:
    """Persons that share an address with an unlinked prospect. The mirror answers."""
    wanted = [unit for unit in units if _seeks_person(unit, settings)]
    if not wanted:
        return
    addresses = {address for unit in wanted for address in _emails(unit.prospect)}
    holders = await engine.run(engine.memory.holders, addresses)
    ids = {person_id for found in holders.values() for person_id in found}
    persons = await engine.run(engine.memory.mirrored, ids)
    linked = await engine.run(engine.memory.linked_persons, engine.connection_id, ids)
    fresh = _unlinked_persons(units)
    apart = await engine.run(
        engine.memory.kept_apart,
        engine.connection_id,
        prospect_ids={unit.prospect_id for unit in wanted if unit.prospect_id},
    )
    for unit in wanted:
        sharing = (
            i
            for address in _emails(unit.prospect)
            for i in (*holders.get(address, ()), *fresh.get(address, {}))
        )
        mine = possible(sharing, {person for prospect, person in apart if prospect == unit.prospect_id})
        seen = persons | {
            i: p for address in _emails(unit.prospect) for i, p in fresh.get(address, {}).items()
        }
        unit.candidates = tuple(seen[i] for i in mine if i in seen and i not in linked)
        unit.taken = tuple(i for i in mine if i in linked)


def _unlinked_persons(units: Sequence[Unit]) -> dict[str, dict[str, Record]]:
    """Address -> persons this batch itself has just read: newer than the mirror can be."""
    found: dict[str, dict[str, Record]] = {}
    for unit in units:
        if unit.link is None and isinstance(unit.person, Record):
            for address in unit.person.emails:
                found.setdefault(address, {})[unit.person.id] = unit.person
    return found


async def _candidate_prospects(engine: Engine, units: Sequence[Unit]) -> None:
    wanted = [unit for unit in units if isinstance(unit.person, Record) and _emails(unit.person)]
    if not wanted:
        return
    holders = await engine.outreach.find_by_emails({a for unit in wanted for a in _emails(unit.person)})
    ids = {prospect_id for found in holders.values() for prospect_id in found}
    prospects = await engine.outreach.get_prospects(ids) if ids else {}
    links = await engine.run(engine.memory.links_of, engine.connection_id, prospect_ids=ids)
    linked = {link.prospect_id for link in links}
    apart = await engine.run(
        engine.memory.kept_apart,
        engine.connection_id,
        person_ids={unit.person_id for unit in wanted if unit.person_id},
    )
    for unit in wanted:
        others = {prospect for prospect, person in apart if person == unit.person_id}
        mine = possible((i for address in _emails(unit.person) for i in holders.get(address, ())), others)
        found = (prospects.get(i) for i in mine if i not in linked)
        unit.candidates = tuple(seen for seen in found if isinstance(seen, Record))
        unit.taken = tuple(i for i in mine if i in linked)


def _emails(seen: Seen | None) -> tuple[str, ...]:
    return seen.emails if isinstance(seen, Record) else ()
