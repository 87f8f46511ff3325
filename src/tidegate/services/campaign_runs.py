"""The runs of a batch's events: written down before anything is sent, given up where nobody is left, put in order."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime

from tidegate.core.automation import ActionKind, Automation
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.once import once_key
from tidegate.core.records import Record, Side
from tidegate.core.runs import Outcome, template_fields
from tidegate.ports import LogLine, Results, RunToBegin, StoredRun
from tidegate.services.campaign_people import LINKED, People
from tidegate.services.chains import Chain, LiveRun
from tidegate.services.deed_words import cause_text
from tidegate.services.engine import Engine
from tidegate.services.happenings import DELETED, Happening, is_unfinished, runs_of
from tidegate.words import say

NOT_THERE = say("The person was deleted in Pipedrive, or the pair was taken apart.")
NOTHING_FLOWS = say("With the direction chosen since, nothing is written to Pipedrive.")


async def begin(
    engine: Engine,
    happenings: Sequence[Happening],
    people: People,
    runs: dict[str, list[StoredRun]],
    results: Results,
) -> None:
    """Write the new runs down, before anything is sent for them."""
    begun = [
        _to_begin(people, happening.automation, happening.event)
        for happening in happenings
        if happening.automation is not None and happening.event.prospect_id not in people.waiting
    ]
    if not begun:
        return
    await engine.run(engine.memory.begin_runs, engine.connection_id, begun, engine.lane.hold)
    runs.update(await runs_of(engine, happenings))
    there = {run.event_id for own in runs.values() for run in own}
    results.log.extend(_not_performed(run) for run in begun if run.not_performed and run.event.id in there)


def _to_begin(people: People, automation: Automation, event: CampaignEvent) -> RunToBegin:
    prospect_id = event.prospect_id or ""
    link, prospect = people.links.get(prospect_id), people.prospects.get(prospect_id)
    name = prospect.name if prospect is not None else ""
    key = once_key(automation.often, event)
    if link is not None and link.state == LINKED and prospect is not None:
        return RunToBegin(
            automation.trigger, key, event, prospect_id, link.person_id, name, automation.actions
        )
    reason = people.reasons.get(prospect_id) or _why_not_there(people, prospect_id)
    return RunToBegin(
        automation.trigger, f"not there:{key}", event, prospect_id, "", name, automation.actions, reason
    )


def _not_performed(run: RunToBegin) -> LogLine:
    return LogLine(
        side=Side.PIPEDRIVE,
        act="skip",
        prospect_id=run.prospect_id,
        record_name=run.record_name,
        cause="automation",
        cause_text=cause_text(run.event),
        message=say("None of the automation’s actions was performed: {reason}", reason=run.not_performed),
    )


def _why_not_there(people: People, prospect_id: str) -> str:
    if prospect_id not in people.links:
        return say("It is not in Pipedrive.")
    return NOT_THERE if prospect_id in people.prospects else DELETED


def give_up(
    engine: Engine,
    happenings: Sequence[Happening],
    people: People,
    runs: Mapping[str, Sequence[StoredRun]],
    results: Results,
) -> None:
    """A run whose prospect or link vanished half-way ends here: nothing can be done for it any more.

    So does one that waited while another direction was chosen, by which nothing goes to Pipedrive.
    """
    here = {h.event.id for h in happenings}
    flows = engine.rules.settings.direction.flows_to(Side.PIPEDRIVE)
    for prospect_id, own in runs.items():
        linked = prospect_id in people.links
        if flows and (prospect_id in people.waiting or (linked and prospect_id in people.prospects)):
            continue
        reason = DELETED if linked else people.reasons.get(prospect_id, NOT_THERE)
        begun = [run for run in own if run.event_id in here and is_unfinished(run)]
        results.given_up.update((run.event_id, reason if flows else NOTHING_FLOWS) for run in begun)


def chains_of(
    happenings: Sequence[Happening],
    people: People,
    runs: Mapping[str, Sequence[StoredRun]],
    given_up: Mapping[str, str],
) -> dict[str, Chain]:
    """Prospect id -> what is left to be done for it now, in the order of its events."""
    events = {h.event.id: h.event for h in happenings if h.held_until is None}
    chains: dict[str, Chain] = {}
    for prospect_id, own in runs.items():
        link, prospect = people.links.get(prospect_id), people.prospects.get(prospect_id)
        todo = [
            run
            for run in own
            if run.event_id in events and run.event_id not in given_up and is_unfinished(run)
        ]
        if link is None or prospect is None or not todo:
            continue
        todo.sort(key=_place)
        chains[prospect_id] = Chain(
            person_id=link.person_id,
            organization_id=people.organizations.get(link.person_id),
            runs=deque(_live(run, events[run.event_id], prospect) for run in todo),
            known_deal=known_deal(own),
            placed=_placed(own),
        )
    return chains


def _place(run: StoredRun) -> tuple[datetime, int]:
    """Among the runs of its prospect: as their events happened."""
    return run.event_at, run.id


def _placed(runs: Sequence[StoredRun]) -> dict[str, datetime]:
    """Deal id -> when the latest event happened whose run put it into a chosen stage."""
    placed: dict[str, datetime] = {}
    for run in runs:
        for action in run.actions:
            chosen = action.action.kind is ActionKind.MOVE_DEAL_TO_STAGE
            if chosen and action.outcome is Outcome.PERFORMED and action.deal_id:
                placed[action.deal_id] = max(run.event_at, placed.get(action.deal_id, run.event_at))
    return placed


def _live(run: StoredRun, event: CampaignEvent, prospect: Record) -> LiveRun:
    created = next((a.deal_id for a in run.actions if a.action.kind == "create_deal" and a.deal_id), "")
    touched = [a.deal_id for a in run.actions if a.outcome is Outcome.PERFORMED and a.deal_id]
    return LiveRun(
        stored=run,
        event=event,
        name=prospect.name,
        fields=template_fields(prospect, event.campaign_name),
        left=deque(action for action in run.actions if action.outcome is Outcome.WAITING),
        created_id=created,
        touched_id=touched[-1] if touched else "",
        failed=any(action.outcome is Outcome.FAILED for action in run.actions),
    )


def known_deal(runs: Sequence[StoredRun]) -> str:
    """The deal that the latest run of a prospect made or moved: known without asking."""
    deals = [action.deal_id for run in runs for action in run.actions if action.deal_id]
    return deals[-1] if deals else ""
