"""Do: carry out the writes of a batch's plans. Records go concurrently within the quota; a failure concerns its own.

Before anything is sent it is written down (intents, one transaction for the batch): Pipedrive has no idempotency keys,
so after a crash the open intents are looked up before a create is tried again, and updates that arrived are logged.
"""

from collections.abc import Mapping, Sequence

from tidegate.core.operations import Act, Write
from tidegate.core.records import ORGANIZATION, Record, Side, with_organization
from tidegate.core.transfer import CATCH_UP_SECONDS
from tidegate.core.values import Value, is_empty, name_key
from tidegate.errors import LaneLost, NeedsAttention, TidegateError
from tidegate.ports import UNCHANGED, Intent, Organization, Results, Unchanged
from tidegate.services.engine import Engine
from tidegate.services.index import bring_organizations_up_to_date, remember_organizations
from tidegate.services.journal import ORGANIZATION_MADE, intents_of
from tidegate.services.keys import choose_keys
from tidegate.services.together import together
from tidegate.services.unanswered import why_waiting
from tidegate.services.units import Unit

FRESH_ENOUGH = float(CATCH_UP_SECONDS)
"""Seconds the mirror's organizations may be old before one is made. A transfer has brought them up to date with its page."""

Made = dict[str, Organization | TidegateError]
"""Name as written -> its organization, or why there is none."""


async def perform(
    engine: Engine, units: Sequence[Unit], results: Results, *, cause: str = "live"
) -> NeedsAttention | None:
    """Carry out every plan; each unit gets what its writes returned, or its error.

    What a person must mend (an authorisation that is gone) is returned: nothing more is sent then, and the caller stores
    what was done before it stops. LaneLost is raised: nothing may be stored any more.
    """
    writing = [unit for unit in units if unit.plan and unit.plan.writes]
    if not writing:
        return None
    organizations = await _ensure_organizations(engine, writing, results)
    await choose_keys(engine, writing)
    await _write_down(engine, writing, cause)
    stopped: list[NeedsAttention] = []

    async def one(unit: Unit) -> None:
        if stopped:
            unit.error = stopped[0]
        else:
            await _perform_unit(engine, unit, organizations, stopped)

    await together(one, writing)
    return stopped[0] if stopped else None


async def _perform_unit(
    engine: Engine, unit: Unit, organizations: Made, stopped: list[NeedsAttention]
) -> None:
    try:
        for write in unit.plan.writes if unit.plan else ():
            if write.act is Act.DELETE:
                await _remove(engine, write)
            elif write.side is Side.PIPEDRIVE:
                unit.returned[write.side] = await _write_person(engine, unit, write, organizations)
            else:
                unit.returned[write.side] = await _write_prospect(engine, unit, write)
    except LaneLost:
        raise
    except TidegateError as error:
        unit.error = error
        engine.unsure |= getattr(error, "sent", False)
        if isinstance(error, NeedsAttention):
            stopped.append(error)


async def _remove(engine: Engine, write: Write) -> None:
    if write.side is Side.PIPEDRIVE:
        await engine.crm.remove_person(write.record_id or "")
    else:
        await engine.outreach.remove_prospect(write.record_id or "")


async def _write_person(engine: Engine, unit: Unit, write: Write, organizations: Made) -> Record:
    values = dict(write.values)
    organization_id = _organization_of(values, organizations, unit.organization_ids)
    seen = unit.person if isinstance(unit.person, Record) else None
    if write.act is Act.CREATE:
        person = await engine.crm.create_person(
            values,
            owner_id=engine.rules.owner_id,
            organization_id=organization_id if isinstance(organization_id, str) else None,
        )
    else:
        person = await engine.crm.update_person(
            write.record_id or "", values, seen=seen, organization_id=organization_id
        )
    names = {number: name for name, number in unit.organization_ids.items()}
    sent = write.values.get(ORGANIZATION)
    made = organizations.get(sent) if isinstance(sent, str) else None
    if isinstance(made, Organization):
        names[made.id] = made.name
    if seen and seen.organization_id and isinstance(name := seen.value(ORGANIZATION), str):
        names.setdefault(seen.organization_id, name)
    return with_organization(person, names)


def _organization_of(
    values: dict[str, Value], organizations: Made, known: Mapping[str, str]
) -> str | Unchanged | None:
    """The id to send for the organization's name among the values, which is taken out."""
    if ORGANIZATION not in values:
        return UNCHANGED
    name = values.pop(ORGANIZATION)
    if not isinstance(name, str) or is_empty(name):
        return None
    if name in known:
        return known[name]
    found = organizations[name]
    if isinstance(found, TidegateError):
        raise found
    return found.id


async def _write_prospect(engine: Engine, unit: Unit, write: Write) -> Record:
    if write.act is Act.CREATE:
        return await engine.outreach.create_prospect(
            write.values,
            list_id=engine.rules.settings.sync_to_list,
            key=unit.key,
        )
    seen = unit.prospect if isinstance(unit.prospect, Record) else None
    return await engine.outreach.update_prospect(write.record_id or "", write.values, seen=seen)


# --- before anything is sent


async def _write_down(engine: Engine, units: Sequence[Unit], cause: str) -> None:
    intents = [intent for unit in units for intent in intents_of(engine, unit, cause)]
    if intents:
        await engine.run(engine.memory.write_intents, engine.connection_id, intents, engine.lane.hold)


async def _ensure_organizations(engine: Engine, units: Sequence[Unit], results: Results) -> Made:
    """Name as written -> organization, for every name these writes need: from the mirror, else created once.

    A name whose organization could not be made has the error in its place: it concerns only the records that need it.
    """
    names = organizations_needed(units)
    if not names:
        return {}
    known, missing = await find_organizations(engine, names)
    if missing:  # somebody may have made one of them meanwhile
        await bring_organizations_up_to_date(engine, max_age=FRESH_ENOUGH)
        known, missing = await find_organizations(engine, names)
    made = await _create_organizations(engine, missing, results)
    return {n: made[name_key(n)] if name_key(n) in made else known[name_key(n)] for n in names}


def organizations_needed(units: Sequence[Unit]) -> list[str]:
    """The names that the plans' writes to persons carry, each once."""
    return list(dict.fromkeys(name for unit in units for name in _names_needed(unit)))


async def find_organizations(
    engine: Engine, names: Sequence[str]
) -> tuple[dict[str, Organization], dict[str, str]]:
    """Name key -> those the mirror has, and name key -> name of those that are missing."""
    known = await engine.run(engine.memory.organizations_named, names)
    missing: dict[str, str] = {}
    for name in names:
        if name_key(name) not in known:
            missing.setdefault(name_key(name), name)
    return known, missing


def _names_needed(unit: Unit) -> list[str]:
    writes = unit.plan.writes if unit.plan else ()
    names = [write.values.get(ORGANIZATION) for write in writes if write.side is Side.PIPEDRIVE]
    return [name for name in names if isinstance(name, str) and name and name not in unit.organization_ids]


async def _create_organizations(engine: Engine, missing: dict[str, str], results: Results) -> Made:
    if not missing:
        return {}
    now = engine.lane.clock.now()
    waiting = why_waiting([intent for intent in engine.awaited if intent.kind == ORGANIZATION_MADE], now)
    made: Made = {key: waiting[key[:300]] for key in missing if key[:300] in waiting}
    missing = {key: name for key, name in missing.items() if key not in made}
    intents = [Intent(ORGANIZATION_MADE, key[:300], {"name": name}, now) for key, name in missing.items()]
    await engine.run(engine.memory.write_intents, engine.connection_id, intents, engine.lane.hold)
    answers = await together(
        lambda name: engine.crm.create_organization(name, owner_id=engine.rules.owner_id),
        list(missing.values()),
    )
    made |= zip(missing, answers, strict=True)
    await _remember(engine, {key: o for key, o in made.items() if isinstance(o, Organization)}, results)
    return made


async def _remember(engine: Engine, created: dict[str, Organization], results: Results) -> None:
    """At once, not with the batch: the id of what exists is saved before anything else can fail."""
    await remember_organizations(engine, list(created.values()))
    results.organizations.extend(created.values())
    results.intents_done.extend((ORGANIZATION_MADE, key[:300]) for key in created)
