"""Follow campaign events: which start an automation, for whom, and which e-mails' activities are to be written.

Events of one prospect are taken in the order in which they happened, however they came in. Whoever is not linked yet is
synced first, if the settings admit it. A run is written down before its first action and goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tidegate.core.consent import closes
from tidegate.core.history import TIGHT_SHARE, look_at
from tidegate.core.runs import why_no_news
from tidegate.errors import BudgetSpent, RateLimited, TemporaryError
from tidegate.ports import LEAVE, Change, Feature, Look, Results
from tidegate.services.campaign_people import People, find_people, leaving_of
from tidegate.services.campaign_runs import begin, chains_of, give_up
from tidegate.services.chains import Chain
from tidegate.services.consent import look_consents_up, unsubscribe_in_pipedrive
from tidegate.services.deeds import perform_runs
from tidegate.services.engine import Engine, Reread
from tidegate.services.happenings import Happening, choose, read_happenings, runs_of
from tidegate.services.retrying import retry_at
from tidegate.services.traces import look_traces_up
from tidegate.services.unanswered import left_open

EVENT = "campaign_event"
BATCH = 100


async def follow_events(engine: Engine, reread: Reread) -> bool:
    """Settle one batch of campaign events. False where none was waiting.

    Raises as `live.follow` does, after storing what was done.
    """
    changes = await engine.run(engine.memory.take_campaign_changes, engine.connection_id, EVENT, BATCH)
    if not changes or not await reread():
        return False
    engine.spend_as(Feature.AUTOMATION)
    intents = await left_open(engine)
    awaited = await look_traces_up(engine, intents)
    unsubscribing = await look_consents_up(engine, intents)
    results = Results()
    await _leave(engine, [change for change in changes if change.action == LEAVE], results)
    happenings = await read_happenings(engine, [c for c in changes if c.action != LEAVE], results)
    runs = await runs_of(engine, happenings)
    await choose(engine, happenings, runs, results)
    people = await find_people(engine, happenings, runs)
    engine.spend_as(Feature.AUTOMATION)
    leaving = leaving_of(engine, happenings, people)
    people.leaving = await unsubscribe_in_pipedrive(engine, leaving, unsubscribing)
    await begin(engine, happenings, people, runs, results)
    give_up(engine, happenings, people, runs, results)
    chains = chains_of(happenings, people, runs, results.given_up)
    stop = await perform_runs(engine, list(chains.values()), awaited)
    _finish(engine, happenings, chains, people, results)
    await _plan_history(engine, happenings, people, results)
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )
    if stop is not None:
        raise stop
    waits = [c.error for c in chains.values() if isinstance(c.error, RateLimited | BudgetSpent)]
    if waits:
        raise max(waits, key=lambda error: error.retry_after or 0)
    return True


async def _leave(engine: Engine, changes: Sequence[Change], results: Results) -> None:
    """What a member left after a pause sets nothing off. That somebody is not to be written to any more holds all the same."""
    results.done.update((change.id, "left") for change in changes)
    left = (
        await engine.outreach.get_campaign_events([change.record_id for change in changes]) if changes else {}
    )
    results.closed.extend(
        event.prospect_id
        for event in left.values()
        if event.prospect_id and closes(event) and not why_no_news(event, engine.campaigns.launched_at)
    )


def _finish(
    engine: Engine,
    happenings: Sequence[Happening],
    chains: Mapping[str, Chain],
    people: People,
    results: Results,
) -> None:
    """Mark what is done; what waits for something that passes is put off, together with what came after it."""
    now = engine.lane.clock.now()
    for happening in happenings:
        if happening.held_until is not None:
            results.later.update((change.id, happening.held_until) for change in happening.changes)
            continue
        prospect_id = happening.event.prospect_id or ""
        chain = chains.get(prospect_id)
        error = people.waiting.get(prospect_id) or (chain.error if chain else None)
        open_runs = {run.event.id for run in chain.runs if run.left} if chain else set()
        if prospect_id in people.leaving and closes(happening.event):
            error, open_runs = people.leaving[prospect_id], {happening.event.id}
        if prospect_id in people.waiting or happening.event.id in open_runs:
            if isinstance(error, TemporaryError):
                _put_off(happening, error, now, results)
            continue  # else the connection stops: what is left of its runs is taken up when it goes on
        outcome = "ran" if happening.automation is not None else "noted"
        results.done.update((change.id, outcome) for change in happening.changes)


def _put_off(happening: Happening, error: TemporaryError, now: datetime, results: Results) -> None:
    results.later.update((change.id, retry_at(change.attempts, now, error)) for change in happening.changes)


# --- History


async def _plan_history(
    engine: Engine, happenings: Sequence[Happening], people: People, results: Results
) -> None:
    """When the activities of these events' e-mails are to be written; switched off, never."""
    rules = engine.campaigns
    told = [h.event for h in happenings if h.event.email_id and all(c.id in results.done for c in h.changes)]
    told = [event for event in told if event.prospect_id in people.links]
    if not rules.history or not told:
        return
    ids = {event.email_id for event in told if event.email_id}
    written = await engine.run(engine.memory.email_activities, engine.connection_id, ids)
    now, tight = engine.lane.clock.now(), engine.share_left(Feature.HISTORY) < TIGHT_SHARE
    for event in told:
        due_at = look_at(
            event,
            worth=rules.history_events,
            written=event.email_id in written,
            now=now,
            tight=tight,
        )
        if due_at is not None and event.email_id is not None:
            results.looks.append(Look(event.email_id, due_at))
