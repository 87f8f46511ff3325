"""Writes whose answer never came: until it is known what became of them, nothing is decided about whom they concern.

A call that we gave up, or that a dead worker left behind, may still be carried out over there. So its intent is looked up no
sooner than `LANDS_WITHIN` afterwards, and what it is about waits meanwhile: a second create would make a double, and a second
update could be undone by the first one. Everything else goes on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tidegate.core.records import Record, Side
from tidegate.errors import TemporaryError
from tidegate.ports import Intent, Results
from tidegate.services.engine import Engine
from tidegate.services.journal import create_kind, update_key
from tidegate.services.keys import made_by
from tidegate.services.units import Unit
from tidegate.words import say

LANDS_WITHIN = timedelta(seconds=10)
"""How long after we gave its answer up, or found its worker dead, a call may still be carried out."""
MARGIN_SECONDS = 1.0
"""What waits for a look-up falls due a little after it."""

Awaited = Mapping[str, TemporaryError]
"""Key of an intent -> why what it is about waits, and for how long."""
NOTHING_AWAITED: Awaited = {}


def close_intent(engine: Engine, results: Results, intent: tuple[str, str], answer: object) -> None:
    """An answer closes the intent of its write. Where none came and the write may have arrived, the intent stays, to be looked up."""
    if getattr(answer, "sent", False):
        engine.unsure = True
    else:
        results.intents_done.append(intent)


async def left_open(engine: Engine) -> list[Intent]:
    """The open intents, each with when it was given up.

    Called between batches alone, when no call of ours is under way: whatever is open then, of any kind, was given up by now.
    """
    found = await engine.run(engine.memory.open_intents, engine.connection_id)
    now = engine.lane.clock.now()
    given_up = [(intent.kind, intent.key) for intent in found if intent.given_up_at is None]
    if given_up:
        await engine.run(engine.memory.give_up_intents, engine.connection_id, given_up, now, engine.lane.hold)
    return [intent if intent.given_up_at else replace(intent, given_up_at=now) for intent in found]


def sort_out(
    engine: Engine, found: Sequence[Intent], kinds: Collection[str]
) -> tuple[list[Intent], list[Intent]]:
    """Of the intents `left_open`, those of these kinds: what can be looked up now, and what may still arrive."""
    now = engine.lane.clock.now()
    intents = [intent for intent in found if intent.kind in kinds]
    known = [intent for intent in intents if seconds_left(intent, now) <= 0]
    return known, [intent for intent in intents if seconds_left(intent, now) > 0]


def seconds_left(intent: Intent, now: datetime) -> float:
    """Until it can be known what became of an intent that was given up."""
    return ((intent.given_up_at or now) + LANDS_WITHIN - now).total_seconds()


def known_at(intents: Collection[Intent], now: datetime) -> datetime:
    """When it can be known of all of these what became of them."""
    return now + timedelta(seconds=max(seconds_left(intent, now) for intent in intents) + MARGIN_SECONDS)


def why_waiting(intents: Collection[Intent], now: datetime) -> Awaited:
    return {intent.key: _waits(intent, now) for intent in intents}


def _waits(intent: Intent, now: datetime) -> TemporaryError:
    return TemporaryError(
        say("An earlier write got no answer. In a moment it is looked up whether it arrived."),
        retry_after=max(0.0, seconds_left(intent, now)) + MARGIN_SECONDS,
    )


async def hold_back(engine: Engine, units: Sequence[Unit]) -> None:
    """Give an error that passes to each unit that is about a write whose fate is not known yet."""
    now = engine.lane.clock.now()
    made = await made_by(engine, engine.awaited)
    for unit in units:
        if unit.error is not None:
            continue
        about = next((intent for intent in engine.awaited if _is_about(intent, unit, made)), None)
        if about is not None:
            unit.error = _waits(about, now)


def _is_about(intent: Intent, unit: Unit, found: Mapping[str, str]) -> bool:
    made = next((side for side in Side if intent.kind == create_kind(side)), None)
    if made is None:
        return intent.key in {update_key(side, unit.id_of(side) or "") for side in Side}
    if intent.key == unit.id_of(made.other):
        return True
    if unit.link is not None:
        return False
    if made is Side.OUTREACH and found.get(intent.key) in (
        unit.prospect_id,
        *(c.id for c in unit.candidates),
    ):
        return True
    return any(_may_be(intent, seen, made) for seen in (unit.prospect, unit.person))


def _may_be(intent: Intent, seen: object, made: Side) -> bool:
    """Whether this unlinked record could be the one that was made, or fit it as soon as it is there."""
    if not isinstance(seen, Record):
        return False
    emails = emails_of(intent)
    if emails:
        return not set(emails).isdisjoint(seen.emails)
    return seen.side is made and not seen.emails and seen.name == intent.facts.get("name")


def emails_of(intent: Intent) -> tuple[str, ...]:
    """The addresses that a record was to be made with, as they are compared."""
    emails = intent.facts.get("emails")
    return tuple(str(address).casefold() for address in emails) if isinstance(emails, list) else ()
