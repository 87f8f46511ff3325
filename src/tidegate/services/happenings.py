"""The campaign events of a batch: which may set something off, in which order, and which automation each starts.

An event whose run is put off, or who waits to be brought into Pipedrive, holds up those of the same prospect that happened
later, also where they come in another batch.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.core.automation import Automation
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.once import Ran, ran_already, told_more_exactly
from tidegate.core.runs import Outcome, in_order, place_in_time, why_no_news
from tidegate.ports import Change, Results, StoredRun
from tidegate.services.engine import Engine
from tidegate.words import say

DELETED = say("The prospect was deleted.")


@dataclass(slots=True)
class Happening:
    """An event of this batch, with the inbox rows that tell of it."""

    event: CampaignEvent
    changes: list[Change]
    automation: Automation | None = None
    """The one it starts; None: it starts none."""
    held_until: datetime | None = None
    """When what happened earlier to the same prospect is tried again: this one waits for it."""


async def read_happenings(engine: Engine, changes: Sequence[Change], results: Results) -> list[Happening]:
    """The events that may set something off, in the order in which they happened."""
    by_id: dict[str, list[Change]] = {}
    for change in changes:
        by_id.setdefault(change.record_id, []).append(change)
    events = await engine.outreach.get_campaign_events(list(by_id))
    happenings = []
    for event_id, own in by_id.items():
        event = events.get(event_id)
        if event is None:
            results.done.update((change.id, "gone") for change in own)
            results.given_up[event_id] = DELETED
        elif event.prospect_id is None:
            results.done.update((change.id, "noted") for change in own)
            results.given_up[event_id] = DELETED
        elif why_no_news(event, engine.campaigns.launched_at):
            results.done.update((change.id, "noted") for change in own)
        else:
            happenings.append(Happening(event, own))
    place = {event.id: number for number, event in enumerate(in_order(h.event for h in happenings))}
    return sorted(happenings, key=lambda happening: place[happening.event.id])


async def runs_of(engine: Engine, happenings: Sequence[Happening]) -> dict[str, list[StoredRun]]:
    """Prospect id -> its runs so far."""
    prospect_ids = {h.event.prospect_id for h in happenings if h.event.prospect_id}
    found: dict[str, list[StoredRun]] = {prospect_id: [] for prospect_id in prospect_ids}
    if prospect_ids:
        for run in await engine.run(engine.memory.runs_of, engine.connection_id, prospect_ids):
            found[run.prospect_id].append(run)
    return found


async def choose(
    engine: Engine,
    happenings: Sequence[Happening],
    runs: Mapping[str, Sequence[StoredRun]],
    results: Results,
) -> None:
    """Which events start an automation: of a repetition, and of what ran before, nothing is started anew.

    An event whose prospect was deleted and came back, as another one, has begun its run already.
    """
    ran = {i: [_ran(run) for run in own if run.person_id] for i, own in runs.items()}
    own_runs = {run.event_id for own in runs.values() for run in own}
    unfinished = {run.event_id for own in runs.values() for run in own if is_unfinished(run)}
    begun = await engine.run(
        engine.memory.events_begun, engine.connection_id, [h.event.id for h in happenings]
    )
    waits = await _put_off_before(engine, happenings, runs)
    for happening in happenings:
        event = happening.event
        if event.id in begun:
            happening.held_until = waits.get(event.id) if event.id in unfinished else None
            if event.id not in own_runs:
                results.given_up[event.id] = DELETED
            continue
        automation = engine.campaigns.automation(event.trigger)
        if automation is None or event.prospect_id is None:
            continue
        own = ran[event.prospect_id]
        earlier = ran_already(automation.often, event, own)
        if earlier is not None:
            _tell_more(earlier, event, own, results)
            continue
        happening.held_until = waits.get(event.id)
        if happening.held_until is None:
            happening.automation = automation
            own.append(Ran(automation.trigger, event.id, event.campaign_id, event.email_id))


def _tell_more(earlier: Ran, event: CampaignEvent, runs: list[Ran], results: Results) -> None:
    """A run of which less was known is this event's from now on, and no later one's."""
    known = told_more_exactly(earlier, event)
    if known is not None:
        runs[runs.index(earlier)] = known
        results.told_more[earlier.event_id] = event


def _ran(run: StoredRun) -> Ran:
    return Ran(run.trigger, run.event_id, run.campaign_id or None, run.email_id or None)


def is_unfinished(run: StoredRun) -> bool:
    """Whether something of it is still to be done."""
    return bool(run.person_id) and any(action.outcome is Outcome.WAITING for action in run.actions)


async def _put_off_before(
    engine: Engine, happenings: Sequence[Happening], runs: Mapping[str, Sequence[StoredRun]]
) -> dict[str, datetime]:
    """Event of this batch -> until when it waits, as an earlier one of the same prospect was put off that sets something off."""
    due = await engine.run(engine.memory.put_off_events, engine.connection_id)
    others = due.keys() - {h.event.id for h in happenings}
    if not others:
        return {}
    finished = {run.event_id for own in runs.values() for run in own if not is_unfinished(run)}
    first: dict[str, CampaignEvent] = {}
    for event in in_order((await engine.outreach.get_campaign_events(list(others - finished))).values()):
        prospect_id = event.prospect_id or ""
        if prospect_id in runs and _sets_off(engine, event, runs[prospect_id]):
            first.setdefault(prospect_id, event)
    return {
        h.event.id: due[earlier.id]
        for h in happenings
        if (earlier := first.get(h.event.prospect_id or "")) is not None
        and place_in_time(earlier) < place_in_time(h.event)
    }


def _sets_off(engine: Engine, event: CampaignEvent, runs: Collection[StoredRun]) -> bool:
    begun = any(run.event_id == event.id for run in runs)
    return begun or engine.campaigns.automation(event.trigger) is not None
