"""Unsubscribe in Pipedrive whom a campaign event unsubscribed here: looked at first, written down, done, and told.

Looking first makes a repetition harmless. An answer that got lost is looked up before the next batch, so that the activity
log tells of what can't be taken back, whenever the worker died.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tidegate.core.cases import CONSENT
from tidegate.core.consent import (
    IGNORED_CURE,
    UNSUBSCRIBED,
    closed_text,
    done_text,
    ignored_text,
    is_open,
    status_change,
)
from tidegate.core.records import Record, Side
from tidegate.core.values import Json
from tidegate.errors import (
    BudgetSpent,
    InvalidForRemote,
    NeedsAttention,
    PermissionMissing,
    RateLimited,
    RecordGone,
    RecordRejected,
    TemporaryError,
    TidegateError,
)
from tidegate.ports import Change, Feature, Intent, LogLine, Question, Results
from tidegate.services.cases import question
from tidegate.services.engine import Engine, Reread
from tidegate.services.journal import LATE
from tidegate.services.retrying import retry_at
from tidegate.services.together import together
from tidegate.services.unanswered import Awaited, close_intent, left_open, sort_out, why_waiting
from tidegate.words import say

ENTITY = "campaign_consent"
"""What is told of a consent. An intent to change a marketing status is of the kind `CONSENT`, its key is the person."""
BATCH = 100
LINKED = "linked"


@dataclass(slots=True)
class Leaving:
    """A linked person whose prospect is not to be written to any more."""

    person_id: str
    prospect_id: str
    name: str
    cause_text: str
    before: str = ""
    """The marketing status as it was seen."""


async def follow_consents(engine: Engine, reread: Reread) -> bool:
    """Unsubscribe those who were closed by a member, a program or a file, or were linked when they were closed already.

    What is true now decides, not what was so when it was told. False where nothing waits. Raises as below, and LaneLost.
    """
    changes = await engine.run(engine.memory.take_campaign_changes, engine.connection_id, ENTITY, BATCH)
    if not changes or not await reread():
        return False
    engine.spend_as(Feature.AUTOMATION)
    awaited = await look_consents_up(engine, await left_open(engine))
    by_prospect: dict[str, list[Change]] = {}
    for change in changes:
        by_prospect.setdefault(change.record_id, []).append(change)
    people = await _closed(engine, by_prospect) if engine.campaigns.unsubscribes else []
    later = await unsubscribe_in_pipedrive(engine, people, awaited)
    now, results = engine.lane.clock.now(), Results()
    left_out = by_prospect.keys() - {person.prospect_id for person in people}
    results.mended.extend((CONSENT, prospect_id) for prospect_id in left_out)
    for change in changes:
        error = later.get(change.record_id)
        if error is None:
            results.done[change.id] = "followed"
        else:
            results.later[change.id] = retry_at(change.attempts, now, error)
    await _store(engine, results)
    return True


async def _closed(engine: Engine, by_prospect: Mapping[str, Sequence[Change]]) -> list[Leaving]:
    """The linked persons of those that are closed still. Who is linked later is told of then."""
    links = await engine.run(engine.memory.links_of, engine.connection_id, prospect_ids=list(by_prospect))
    linked = {link.prospect_id: link.person_id for link in links if link.state == LINKED}
    seen = await engine.outreach.get_prospects(list(linked))
    found: dict[str, Leaving] = {}
    for prospect_id, person_id in linked.items():
        prospect = seen.get(prospect_id)
        if isinstance(prospect, Record) and prospect.is_closed:
            actor = by_prospect[prospect_id][-1].actor
            text = closed_text(prospect.consent, actor)
            found.setdefault(person_id, Leaving(person_id, prospect_id, prospect.name, text))
    return list(found.values())


async def look_consents_up(engine: Engine, found: Sequence[Intent]) -> Awaited:
    """Settle those of the intents left open whose answer got lost: what arrived is told, what did not is tried again with its event.

    One that may still arrive stays open. Person -> why what is told of them waits for it: unsubscribing twice would be
    unsubscribing once, but once they are done with, nothing would look again and tell that it was we who did it.
    """
    intents, awaited = sort_out(engine, found, {CONSENT})
    waiting = why_waiting(awaited, engine.lane.clock.now())
    if not intents:
        return waiting
    results = Results(intents_done=[(CONSENT, intent.key) for intent in intents])
    for intent in intents:
        if await engine.crm.marketing_status(intent.key) == UNSUBSCRIBED:
            person = _of_intent(intent)
            results.log.append(_done_line(person, f"{done_text(person.before)} {LATE}"))
    await _store(engine, results)
    return waiting


async def unsubscribe_in_pipedrive(
    engine: Engine, told: Sequence[Leaving], awaited: Awaited
) -> dict[str, TemporaryError]:
    """Do so where Campaigns may still write to them. Answers for which prospects it has to be tried again, and why.

    Raises RateLimited, BudgetSpent and what a person must mend, after storing what was done. LaneLost is raised at once.
    """
    later = {person.prospect_id: awaited[person.person_id] for person in told if person.person_id in awaited}
    people = [person for person in told if person.person_id not in awaited]
    if not people:
        return later
    statuses = await together(partial(_see, engine), people)
    results = Results()
    stop = _take_failures(people, statuses, results, later)
    todo = []
    for person, status in zip(people, statuses, strict=True):
        if isinstance(status, str) and is_open(status):
            person.before = status
            todo.append(person)
        elif isinstance(status, str):
            results.mended.append((CONSENT, person.prospect_id))
    if stop is None and todo:
        await _write_down(engine, todo)
        answers = await together(partial(_do, engine), todo)
        stop = _take_failures(todo, answers, results, later)
        for person, answer in zip(todo, answers, strict=True):
            close_intent(engine, results, (CONSENT, person.person_id), answer)
            if isinstance(answer, str):
                results.log.append(_line(person, answer))
                _ask_or_settle(person, answer, results)
    await _store(engine, results)
    if stop is not None:
        raise stop
    return later


def _ask_or_settle(person: Leaving, status: str, results: Results) -> None:
    if status == UNSUBSCRIBED:
        results.mended.append((CONSENT, person.prospect_id))
    else:
        error = InvalidForRemote(ignored_text(status))
        results.questions.append(replace(_question(person, error), cure=IGNORED_CURE))


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
                "cause_text": person.cause_text,
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
        if isinstance(answer, RecordGone):  # nobody is left to be written to
            results.mended.append((CONSENT, person.prospect_id))
            continue
        if isinstance(answer, RecordRejected | PermissionMissing):
            results.log.append(_tell(person, "fail", answer.user_message))
            results.questions.append(_question(person, answer))
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


# --- What is told


def _line(person: Leaving, status: str) -> LogLine:
    if status != UNSUBSCRIBED:
        return _tell(person, "fail", ignored_text(status))
    return _done_line(person, done_text(person.before))


def _done_line(person: Leaving, message: str) -> LogLine:
    return _tell(person, "update", message, status_change(person.before))


def _tell(person: Leaving, act: str, message: str, *changes: Mapping[str, Json]) -> LogLine:
    return LogLine(
        side=Side.PIPEDRIVE,
        act=act,
        prospect_id=person.prospect_id,
        person_id=person.person_id,
        record_name=person.name,
        changes=changes,
        cause=CONSENT,
        cause_text=person.cause_text,
        message=message,
    )


def _question(person: Leaving, error: TidegateError) -> Question:
    return question(
        CONSENT,
        person.prospect_id,
        error,
        prospect_id=person.prospect_id,
        person_id=person.person_id,
        record_name=person.name,
        what=say("{what} ({cause})", what=say("Unsubscribe in Pipedrive"), cause=person.cause_text),
    )


def _of_intent(intent: Intent) -> Leaving:
    facts = {
        name: str(intent.facts.get(name) or "") for name in ("prospect_id", "name", "cause_text", "before")
    }
    return Leaving(intent.key, facts["prospect_id"], facts["name"], facts["cause_text"], facts["before"])
