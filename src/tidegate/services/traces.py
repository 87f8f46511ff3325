"""Open intents of deals, activities and moves: sent perhaps, and never answered for. What came of them is looked up.

One list of the latest deals and one of the latest activities (10 tokens each) tell of all of them at once. What is
recognised as made is taken for done; what is not to be found may be tried again. So nothing is made twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from tidegate.core.automation import TRIGGER_NAMES, Trigger
from tidegate.core.deals import Activity, Deal
from tidegate.core.history import moments_from_json
from tidegate.core.records import Side
from tidegate.core.runs import Outcome
from tidegate.errors import RecordRejected, TemporaryError
from tidegate.ports import ActionResult, EmailActivityRow, Intent, LogLine, Results
from tidegate.services.deeds import ACTIVITY, DEAL, MOVE
from tidegate.services.engine import Engine
from tidegate.services.journal import LATE
from tidegate.services.unanswered import Awaited, sort_out, why_waiting
from tidegate.words import say

M = TypeVar("M", Deal, Activity)

EMAIL = "email_activity"
"""The kind of an intent to make a campaign e-mail's activity."""
KINDS = frozenset({DEAL, ACTIVITY, MOVE, EMAIL})
UNKNOWN_SECONDS = 900.0
"""How long what Pipedrive would not show waits for another look."""
CLOCK_MARGIN = timedelta(minutes=5)
MOVED = say("Somebody moved the deal meanwhile, or Pipedrive no longer shows it.")


async def look_traces_up(engine: Engine, found: Sequence[Intent]) -> Awaited:
    """Settle every intent of these kinds among those left open, but for those that may still arrive. Answers what waits for them, and why."""
    intents, awaited = sort_out(engine, found, KINDS)
    waiting = dict(why_waiting(awaited, engine.lane.clock.now()))
    if intents:
        try:
            await _look_up(engine, intents)
        except RecordRejected as error:  # nobody can tell what became of them: nothing is made a second time
            unknown = TemporaryError(error.user_message, retry_after=UNKNOWN_SECONDS)
            waiting.update((intent.key, unknown) for intent in intents)
    return waiting


async def _look_up(engine: Engine, intents: Sequence[Intent]) -> None:
    moments = [intent.created_at for intent in intents if intent.created_at] or [engine.lane.clock.now()]
    since = min(moments) - CLOCK_MARGIN
    about_deals = [intent for intent in intents if intent.kind in (DEAL, MOVE)]
    about_activities = [intent for intent in intents if intent.kind in (ACTIVITY, EMAIL)]
    deals = await engine.crm.deals_since(since) if about_deals else ()
    activities = await engine.crm.activities_since(since) if about_activities else ()
    results = Results(intents_done=[(intent.kind, intent.key) for intent in intents])
    persons = {str(intent.facts["person_id"]) for intent in intents}
    lives_on = await engine.run(engine.memory.survivors, persons)
    await _find_deals(engine, about_deals, deals, lives_on, results)
    await _find_activities(engine, about_activities, activities, lives_on, results)
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )


async def _find_deals(
    engine: Engine,
    intents: Sequence[Intent],
    deals: Sequence[Deal],
    lives_on: Mapping[str, str],
    results: Results,
) -> None:
    known = (
        await engine.run(engine.memory.known_sales, deal_ids=[deal.id for deal in deals]) if deals else set()
    )
    taken = set(known)
    for intent in intents:
        if intent.kind == MOVE:
            _find_move(intent, deals, results)
            continue
        made = _first(
            deal
            for deal in deals
            if deal.id not in taken
            and _is_theirs(intent, deal, lives_on)
            and deal.title == intent.facts["title"]
            and deal.pipeline_id == intent.facts["pipeline_id"]
            and _is_new(intent, deal)
        )
        if made is not None:
            taken.add(made.id)
            _performed(intent, results, deal_id=made.id)


def _find_move(intent: Intent, deals: Sequence[Deal], results: Results) -> None:
    """Where the deal is in the stage it was sent to, it arrived; where it is still in the old one, it is sent again."""
    deal = next((deal for deal in deals if deal.id == intent.facts["deal_id"]), None)
    if deal is None or deal.stage_id == intent.facts["from"]:
        return
    if deal.stage_id == intent.facts["to"]:
        _performed(intent, results, deal_id=deal.id)
    else:
        results.actions.append(
            ActionResult(
                int(str(intent.facts["run"])),
                int(str(intent.facts["position"])),
                Outcome.NOT_PERFORMED,
                MOVED,
                deal_id=deal.id,
            )
        )


async def _find_activities(
    engine: Engine,
    intents: Sequence[Intent],
    activities: Sequence[Activity],
    lives_on: Mapping[str, str],
    results: Results,
) -> None:
    known = (
        await engine.run(engine.memory.known_sales, activity_ids=[a.id for a in activities])
        if activities
        else set()
    )
    taken = set(known)
    for intent in intents:
        made = _first(
            activity
            for activity in activities
            if activity.id not in taken
            and _is_theirs(intent, activity, lives_on)
            and activity.subject == intent.facts["title"]
            and activity.done == (intent.kind == EMAIL)
            and _is_new(intent, activity)
        )
        if made is None:
            continue
        taken.add(made.id)
        if intent.kind == EMAIL:
            _remember_email(intent, made, results)
        else:
            _performed(intent, results, activity_id=made.id)


def _remember_email(intent: Intent, made: Activity, results: Results) -> None:
    moments = intent.facts.get("moments")
    results.email_activities.append(
        EmailActivityRow(
            email_id=intent.key,
            prospect_id=str(intent.facts["prospect_id"]),
            person_id=str(intent.facts["person_id"]),
            activity_id=made.id,
            deal_id=str(intent.facts.get("deal_id") or ""),
            moments=moments_from_json(moments if isinstance(moments, dict) else {}),
            digest=str(intent.facts.get("digest") or ""),
        )
    )
    results.log.append(_line(intent, "history", say("Campaign e-mail")))


def _performed(intent: Intent, results: Results, *, deal_id: str = "", activity_id: str = "") -> None:
    results.actions.append(
        ActionResult(
            int(str(intent.facts["run"])),
            int(str(intent.facts["position"])),
            Outcome.PERFORMED,
            text=str(intent.facts["title"]),
            deal_id=deal_id,
            activity_id=activity_id,
        )
    )
    results.log.append(_line(intent, "automation", TRIGGER_NAMES[Trigger(str(intent.facts["trigger"]))]))


def _line(intent: Intent, cause: str, cause_text: str) -> LogLine:
    return LogLine(
        side=Side.PIPEDRIVE,
        act="update" if intent.kind == MOVE else "create",
        prospect_id=str(intent.facts["prospect_id"]),
        person_id=str(intent.facts["person_id"]),
        record_name=str(intent.facts.get("name") or ""),
        cause=cause,
        cause_text=cause_text,
        message=say("{subject}: {status}", subject=intent.facts["title"], status=LATE),
    )


def _is_theirs(intent: Intent, made: Deal | Activity, lives_on: Mapping[str, str]) -> bool:
    """A person that was merged away since has handed its deals and activities over to the one that lives on."""
    person_id = str(intent.facts["person_id"])
    return made.person_id in (person_id, lives_on.get(person_id, person_id))


def _is_new(intent: Intent, made: Deal | Activity) -> bool:
    return (
        intent.created_at is None
        or made.added_at is None
        or made.added_at >= intent.created_at - CLOCK_MARGIN
    )


def _first(candidates: Iterable[M]) -> M | None:
    return min(candidates, key=lambda one: int(one.id), default=None)
