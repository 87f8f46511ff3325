"""Open intents: writes that were written down and perhaps sent, but whose answer was never stored.

Each kind has its own way to find out (`RECOVERIES`): updates and deletions are logged where their record shows them, and what was
written is taken for agreed; organizations come
into the mirror by the catch-up; a created person is recognised by name, address and time, a created prospect by its key; it is
linked with what it was made with as the base, and logged. Where nothing is found, the intent is dropped: the create is tried again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from tidegate.core.bases import base_from_json, base_to_json
from tidegate.core.operations import Act
from tidegate.core.records import Side
from tidegate.core.values import Value
from tidegate.ports import Intent, LinkToSave, LogLine, Results
from tidegate.services.earlier import plan_earlier_emails
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date
from tidegate.services.journal import (
    DELETE,
    DELETE_ORGANIZATION,
    LATE,
    ORGANIZATION_MADE,
    UPDATE,
    Arrived,
    arrived,
    create_kind,
    fields_of,
    organization_deleted,
)
from tidegate.services.keys import made_by
from tidegate.services.unanswered import emails_of, left_open, seconds_left, sort_out
from tidegate.words import say

CLOCK_MARGIN = timedelta(minutes=5)

Recovery = Callable[[Engine, Sequence[Intent], Results], Awaitable[None]]
"""Looks intents of one kind up, and adds to the results what is to be remembered. They are dropped afterwards."""


async def recover_intents(engine: Engine, *, patient: bool = False) -> None:
    """Look up the open intents about records, but for those that may still arrive: they are the engine's `awaited` ones
    afterwards. `patient`: they are waited for, and none is left.

    What campaigns set off is looked up by `traces`.
    """
    intents, awaited = sort_out(engine, await left_open(engine), RECOVERIES)
    while awaited and patient:
        now = engine.lane.clock.now()
        await engine.lane.clock.sleep(max(seconds_left(intent, now) for intent in awaited))
        intents, awaited = sort_out(engine, await left_open(engine), RECOVERIES)
    engine.awaited, engine.unsure = awaited, bool(awaited)
    if intents:
        await _recover(engine, intents)


async def _recover(engine: Engine, intents: Sequence[Intent]) -> None:
    results = Results(intents_done=[(intent.kind, intent.key) for intent in intents])
    if any(intent.kind in FOUND_IN_THE_MIRROR for intent in intents):
        await bring_up_to_date(engine)
    for kind, recovery in RECOVERIES.items():
        of_kind = [intent for intent in intents if intent.kind == kind]
        if of_kind:
            await recovery(engine, of_kind, results)
    made = [link.prospect_id for link in results.links if link.id is None]
    await plan_earlier_emails(engine, made, results)
    memory = engine.memory
    await engine.run(
        memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )


async def _changes(engine: Engine, intents: Sequence[Intent], results: Results) -> None:
    seen = await arrived(engine, intents)
    results.log.extend(each.line for each in seen)
    results.links.extend(await _agreed(engine, seen))


async def _agreed(engine: Engine, seen: Sequence[Arrived]) -> list[LinkToSave]:
    """Both sides agree on what was written: or the next edit would be taken for a conflict with our own write."""
    agreed: dict[tuple[str, str], dict[str, tuple[Value, Value]]] = {}
    for each in seen:
        side, raw = Side(each.intent.key.partition(":")[0]), each.intent.facts.get("agreed")
        entries = base_from_json(raw if isinstance(raw, Mapping) else {}, engine.rules.pairs)
        of_pair = agreed.setdefault((each.line.prospect_id, each.line.person_id), {})
        for pair in engine.rules.pairs:
            if pair.key in entries and pair.of(side) in each.shown:
                shown, (outreach, pipedrive) = each.shown[pair.of(side)], entries[pair.key]
                of_pair[pair.key] = (shown, pipedrive) if side is Side.OUTREACH else (outreach, shown)
    links = await engine.run(
        engine.memory.links_of, engine.connection_id, prospect_ids=[prospect for prospect, _ in agreed]
    )
    now = engine.lane.clock.now()
    return [
        LinkToSave(
            link.prospect_id,
            link.person_id,
            base_to_json(mine, link.base),
            state=link.state,
            written_at=now,
            id=link.id,
        )
        for link in links
        if (mine := agreed.get((link.prospect_id, link.person_id)))
    ]


async def _persons(engine: Engine, intents: Sequence[Intent], results: Results) -> None:
    """Persons of the intended name that are new since, have the intended address (or none), and are linked to nobody."""
    memory = engine.memory
    for intent in await _unlinked(engine, intents, Side.OUTREACH):
        since = (intent.created_at or engine.lane.clock.now()) - CLOCK_MARGIN
        named = await engine.run(memory.persons_named, str(intent.facts.get("name") or ""), since)
        linked = await engine.run(memory.linked_persons, engine.connection_id, [p.id for p in named])
        taken = {*linked, *(link.person_id for link in results.links)}
        emails = set(emails_of(intent))
        free = [
            p for p in named if p.id not in taken and (emails & set(p.emails) if emails else not p.emails)
        ]
        if free:
            made = max(free, key=lambda person: int(person.id))
            _remember_made(engine, Side.PIPEDRIVE, intent, made.id, results)


async def _prospects(engine: Engine, intents: Sequence[Intent], results: Results) -> None:
    """The prospects that were made under the intents' keys, whatever they are called by now, and are linked to nobody."""
    waiting = await _unlinked(engine, intents, Side.PIPEDRIVE)
    made = await made_by(engine, waiting)
    links = await engine.run(engine.memory.links_of, engine.connection_id, prospect_ids=set(made.values()))
    taken = {link.prospect_id for link in links}
    for intent in waiting:
        prospect_id = made.get(intent.key)
        if prospect_id is not None and prospect_id not in taken:
            _remember_made(engine, Side.OUTREACH, intent, prospect_id, results)


async def _unlinked(engine: Engine, intents: Sequence[Intent], origin: Side) -> list[Intent]:
    """Of intents to make somebody for a record of this side, those whose record nobody has linked since."""
    keys = {intent.key for intent in intents}
    prospects, persons = (keys, ()) if origin is Side.OUTREACH else ((), keys)
    links = await engine.run(
        engine.memory.links_of, engine.connection_id, prospect_ids=prospects, person_ids=persons
    )
    linked = {link.prospect_id if origin is Side.OUTREACH else link.person_id for link in links}
    return [intent for intent in intents if intent.key not in linked]


def _remember_made(engine: Engine, side: Side, intent: Intent, made_id: str, results: Results) -> None:
    """Link what this intent made. What was edited since differs from the base, so it is a change."""
    prospect_id, person_id = (made_id, intent.key) if side is Side.OUTREACH else (intent.key, made_id)
    base = intent.facts.get("base")
    results.links.append(
        LinkToSave(
            prospect_id,
            person_id,
            base if isinstance(base, Mapping) else {},
            written_at=engine.lane.clock.now(),
        )
    )
    results.log.append(
        LogLine(
            side=side,
            act=Act.CREATE.value,
            prospect_id=prospect_id,
            person_id=person_id,
            record_name=str(intent.facts.get("record_name") or ""),
            changes=tuple(fields_of(intent)),
            cause=str(intent.facts.get("cause") or "live"),
            message=LATE,
        )
    )


async def _organizations(engine: Engine, intents: Sequence[Intent], results: Results) -> None:
    """Those that were made are in the mirror by now, and so are found by name."""
    names = [str(intent.facts.get("name") or "") for intent in intents]
    found = await engine.run(engine.memory.organizations_named, names)
    results.log.extend(
        LogLine(Side.PIPEDRIVE, "organization", record_name=organization.name, message=LATE)
        for organization in found.values()
    )


async def _organizations_deleted(engine: Engine, intents: Sequence[Intent], results: Results) -> None:
    """Those that are gone: the undo that deleted them walks its page again and finds nothing left to do."""
    there = await engine.crm.get_organizations([intent.key for intent in intents])
    gone = [intent for intent in intents if intent.key not in there]
    results.organizations_gone.extend(intent.key for intent in gone)
    results.log.extend(
        organization_deleted(str(i.facts.get("name") or ""), say("Organization deleted.") + f" {LATE}")
        for i in gone
    )


RECOVERIES: Mapping[str, Recovery] = {
    UPDATE: _changes,
    DELETE: _changes,
    ORGANIZATION_MADE: _organizations,
    DELETE_ORGANIZATION: _organizations_deleted,
    create_kind(Side.PIPEDRIVE): _persons,
    create_kind(Side.OUTREACH): _prospects,
}
"""Kind of an intent -> how to find out what became of it."""
FOUND_IN_THE_MIRROR = frozenset({ORGANIZATION_MADE, create_kind(Side.PIPEDRIVE)})
