"""Unsubscribe in Pipedrive whom a campaign event unsubscribed here: looked at first, written down, done, and told.

Looking first makes a repetition harmless. An answer that got lost is looked up before the next batch, so that the activity
log tells of what can't be taken back, whenever the worker died.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tidegate.core.campaigns import CampaignEvent
from tidegate.core.consent import UNSUBSCRIBED, done_text, ignored_text, is_open, status_change
from tidegate.core.records import Side
from tidegate.errors import (
    BudgetSpent,
    NeedsAttention,
    PermissionMissing,
    RateLimited,
    RecordGone,
    RecordRejected,
    TemporaryError,
    TidegateError,
)
from tidegate.ports import Intent, LogLine, Results
from tidegate.services.deeds import cause_text
from tidegate.services.engine import Engine
from tidegate.services.journal import LATE
from tidegate.services.together import together

CONSENT = "consent"
"""The kind of an intent to change a marketing status; its key is the person."""


@dataclass(slots=True)
class Leaving:
    """A linked person whose prospect is not to be written to any more."""

    person_id: str
    prospect_id: str
    name: str
    event: CampaignEvent
    before: str = ""
    """The marketing status as it was seen."""


async def look_consents_up(engine: Engine) -> None:
    """Settle the intents whose answer got lost: what arrived is told, what did not is tried again with its event."""
    found = await engine.run(engine.memory.open_intents, engine.connection_id)
    intents = [intent for intent in found if intent.kind == CONSENT]
    if not intents:
        return
    results = Results(intents_done=[(CONSENT, intent.key) for intent in intents])
    for intent in intents:
        if await engine.crm.marketing_status(intent.key) == UNSUBSCRIBED:
            results.log.append(_line_of_intent(intent))
    await _store(engine, results)


async def unsubscribe_in_pipedrive(engine: Engine, people: Sequence[Leaving]) -> dict[str, TemporaryError]:
    """Do so where Campaigns may still write to them. Answers for which prospects it has to be tried again, and why.

    Raises RateLimited, BudgetSpent and what a person must mend, after storing what was done. LaneLost is raised at once.
    """
    if not people:
        return {}
    statuses = await together(partial(_see, engine), people)
    results, later = Results(), dict[str, TemporaryError]()
    stop = _take_failures(people, statuses, results, later)
    todo = []
    for person, status in zip(people, statuses, strict=True):
        if isinstance(status, str) and is_open(status):
            person.before = status
            todo.append(person)
    if stop is None and todo:
        await _write_down(engine, todo)
        answers = await together(partial(_do, engine), todo)
        stop = _take_failures(todo, answers, results, later)
        for person, answer in zip(todo, answers, strict=True):
            if not getattr(answer, "sent", False):
                results.intents_done.append((CONSENT, person.person_id))
            if isinstance(answer, str):
                results.log.append(_line(person, answer))
    await _store(engine, results)
    if stop is not None:
        raise stop
    return later


async def _see(engine: Engine, person: Leaving) -> str:
    return await engine.crm.marketing_status(person.person_id) or ""


async def _do(engine: Engine, person: Leaving) -> str:
    told = await engine.crm.unsubscribe(person.person_id)
    return told or await _see(engine, person) or person.before


async def _write_down(engine: Engine, people: Sequence[Leaving]) -> None:
    now = engine.lane.clock.now()
    intents = [
        Intent(
            CONSENT,
            person.person_id,
            {
                "prospect_id": person.prospect_id,
                "name": person.name,
                "before": person.before,
                "cause_text": cause_text(person.event),
            },
            now,
        )
        for person in people
    ]
    await engine.run(engine.memory.write_intents, engine.connection_id, intents, engine.lane.hold)


def _take_failures(
    people: Sequence[Leaving],
    answers: Sequence[str | TidegateError],
    results: Results,
    later: dict[str, TemporaryError],
) -> TidegateError | None:
    """Tell of what was refused, put off what passes, and answer what stops everything."""
    stop: TidegateError | None = None
    for person, answer in zip(people, answers, strict=True):
        if isinstance(answer, RecordGone):
            continue  # nobody is left to be written to
        if isinstance(answer, RecordRejected | PermissionMissing):
            results.log.append(_failed(person, answer.user_message))
        elif isinstance(answer, RateLimited | BudgetSpent | NeedsAttention):
            stop = answer
        elif isinstance(answer, TemporaryError):
            later[person.prospect_id] = answer
        elif isinstance(answer, TidegateError):
            raise answer
    return stop


async def _store(engine: Engine, results: Results) -> None:
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )


# --- The activity log


def _line(person: Leaving, status: str) -> LogLine:
    if status != UNSUBSCRIBED:
        return _failed(person, ignored_text(status))
    return LogLine(
        side=Side.PIPEDRIVE,
        act="update",
        prospect_id=person.prospect_id,
        person_id=person.person_id,
        record_name=person.name,
        changes=(status_change(person.before),),
        cause=CONSENT,
        cause_text=cause_text(person.event),
        message=done_text(person.before),
    )


def _failed(person: Leaving, message: str) -> LogLine:
    return LogLine(
        side=Side.PIPEDRIVE,
        act="fail",
        prospect_id=person.prospect_id,
        person_id=person.person_id,
        record_name=person.name,
        cause=CONSENT,
        cause_text=cause_text(person.event),
        message=message,
    )


def _line_of_intent(intent: Intent) -> LogLine:
    before = str(intent.facts.get("before") or "")
    return LogLine(
        side=Side.PIPEDRIVE,
        act="update",
        prospect_id=str(intent.facts.get("prospect_id") or ""),
        person_id=intent.key,
        record_name=str(intent.facts.get("name") or ""),
        changes=(status_change(before),),
        cause=CONSENT,
        cause_text=str(intent.facts.get("cause_text") or ""),
        message=f"{done_text(before)} {LATE}",
    )
