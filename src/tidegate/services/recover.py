"""Open intents: writes that were written down and perhaps sent, but whose answer was never stored.

Updates are logged where their record shows them (`journal`). Creates are looked up at once: the mirror is brought up to date (10 to 20 tokens), and what was created is in it. A person
with an address is then found by matching as any other; one without is recognised here by name and time. So an intent is
dropped only when a repeated create can no longer double anything.
"""

from collections.abc import Collection
from datetime import timedelta

from tidegate.core.values import Json
from tidegate.ports import Intent, LinkToSave, Results
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date
from tidegate.services.journal import DELETE, UPDATE, arrived
from tidegate.services.settle import CHOSEN
from tidegate.services.traces import KINDS

SETTLING = timedelta(seconds=3)
"""A request we gave up may still be at work over there; look no sooner than this after it was written down."""
CLOCK_MARGIN = timedelta(minutes=5)


async def recover_intents(engine: Engine) -> None:
    """Look up every open intent about records. Afterwards none is left; what campaigns set off has `traces`."""
    found = await engine.run(engine.memory.open_intents, engine.connection_id)
    intents = [intent for intent in found if intent.kind not in KINDS]
    if not intents:
        return
    youngest = max(intent.created_at for intent in intents if intent.created_at)
    wait = (youngest + SETTLING - engine.lane.clock.now()).total_seconds()
    if wait > 0:
        await engine.lane.clock.sleep(min(wait, SETTLING.total_seconds()))
    updates = [intent for intent in intents if intent.kind in (UPDATE, DELETE)]
    results = Results(log=await arrived(engine, updates))
    if len(updates) < len(intents):
        await bring_up_to_date(engine)
    for intent in intents:
        results.intents_done.append((intent.kind, intent.key))
        if intent.kind == "person" and not intent.facts.get("emails"):
            taken = {link.person_id for link in results.links}
            link = await _recognised(engine, intent, taken)
            results.links.extend([link] if link else [])
    memory = engine.memory
    await engine.run(
        memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )


async def _recognised(engine: Engine, intent: Intent, taken: Collection[str]) -> LinkToSave | None:
    """The link to a person without an address that this intent made, if it did: same name, new since, linked to nobody."""
    created_at = intent.created_at or engine.lane.clock.now()
    name: Json = intent.facts.get("name")
    persons = await engine.run(engine.memory.persons_named, str(name or ""), created_at - CLOCK_MARGIN)
    linked = await engine.run(engine.memory.linked_persons, engine.connection_id, [p.id for p in persons])
    free = [p for p in persons if p.id not in linked and p.id not in taken and not p.emails]
    if not free:
        return None
    return LinkToSave(
        prospect_id=intent.key, person_id=max(free, key=lambda p: int(p.id)).id, base={}, state=CHOSEN
    )
