"""Follow campaign events: which start an automation, for whom, and which e-mails' activities are to be written.

Events of one prospect are taken in the order in which they happened, however they came in. Whoever is not linked yet is
synced first, if the settings admit it. A run is written down before its first action and goes on where it stopped.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from tidegate.core.automation import ActionKind, Automation
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.consent import closes
from tidegate.core.history import TIGHT_SHARE, look_at
from tidegate.core.planning import LIVE
from tidegate.core.records import Gone, Record, Side
from tidegate.core.runs import Outcome, Ran, in_order, once_key, ran_already, template_fields, why_no_news
from tidegate.errors import BudgetSpent, RateLimited, TemporaryError, TidegateError
from tidegate.ports import (
    LEAVE,
    Change,
    Feature,
    LogLine,
    Look,
    Results,
    RunToBegin,
    StoredLink,
    StoredRun,
)
from tidegate.services import brakes
from tidegate.services.consent import Leaving, look_consents_up, unsubscribe_in_pipedrive
from tidegate.services.deeds import Chain, LiveRun, cause_text, perform_runs
from tidegate.services.engine import Engine
from tidegate.services.filtering import bar_outsiders
from tidegate.services.live import raise_if_stopped
from tidegate.services.look import look
from tidegate.services.settle import CHOSEN, RETRY_SECONDS, Check, retry_at, settle
from tidegate.services.traces import look_traces_up
from tidegate.services.units import Unit

EVENT = "campaign_event"
BATCH = 100
LINKED = "linked"
NOT_MET = "The pair that was chosen has not come in step yet."
NOT_THERE = "The person was deleted in Pipedrive, or the pair was taken apart."
DELETED = "The prospect was deleted."
DROPPED = "The brakes stopped it before it was written, and it was dropped."


@dataclass(slots=True)
class Happening:
    """An event of this batch, with the inbox rows that tell of it."""

    event: CampaignEvent
    changes: list[Change]
    automation: Automation | None = None
    """The one it starts; None: it starts none."""


@dataclass(slots=True)
class People:
    """Whom the events are about."""

    links: dict[str, StoredLink] = field(default_factory=dict)
    prospects: dict[str, Record] = field(default_factory=dict)
    organizations: dict[str, str] = field(default_factory=dict)
    """Person id -> the organization's id, where the mirror knows it."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Prospect id -> why it is not in Pipedrive."""
    waiting: dict[str, TidegateError] = field(default_factory=dict)
    """Prospect id -> what passes by itself."""
    leaving: dict[str, TemporaryError] = field(default_factory=dict)
    """Prospect id -> why it could not be unsubscribed in Pipedrive yet."""


async def follow_events(engine: Engine) -> bool:
    """Settle one batch of campaign events. False where none was waiting.

    Raises as `live.follow` does, after storing what was done.
    """
    changes = await engine.run(engine.memory.take_campaign_changes, engine.connection_id, EVENT, BATCH)
    if not changes:
        return False
    engine.spend_as(Feature.AUTOMATION)
    awaited = await look_traces_up(engine)
    await look_consents_up(engine)
    results = Results()
    await _leave(engine, [change for change in changes if change.action == LEAVE], results)
    happenings = await _read(engine, [change for change in changes if change.action != LEAVE], results)
    runs = await _runs(engine, happenings)
    _choose(engine, happenings, runs)
    people = await _people(engine, happenings, runs)
    engine.spend_as(Feature.AUTOMATION)
    people.leaving = await unsubscribe_in_pipedrive(engine, _leaving(engine, happenings, people))
    await _begin(engine, happenings, people, runs, results)
    _give_up(happenings, people, runs, results)
    before = await _put_off_before(engine, happenings, runs)
    chains, held = _chains(happenings, people, runs, before)
    stop = await perform_runs(engine, list(chains.values()), awaited)
    _finish(engine, happenings, chains, people, held, results)
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


async def _read(engine: Engine, changes: Sequence[Change], results: Results) -> list[Happening]:
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


async def _runs(engine: Engine, happenings: Sequence[Happening]) -> dict[str, list[StoredRun]]:
    """Prospect id -> its runs so far."""
    prospect_ids = {h.event.prospect_id for h in happenings if h.event.prospect_id}
    found: dict[str, list[StoredRun]] = {prospect_id: [] for prospect_id in prospect_ids}
    if prospect_ids:
        for run in await engine.run(engine.memory.runs_of, engine.connection_id, prospect_ids):
            found[run.prospect_id].append(run)
    return found


def _choose(engine: Engine, happenings: Sequence[Happening], runs: Mapping[str, Sequence[StoredRun]]) -> None:
    """Which events start an automation: of a repetition, and of what ran before, nothing is started anew."""
    ran = {i: [_ran(run) for run in own if run.person_id] for i, own in runs.items()}
    begun = {run.event_id for own in runs.values() for run in own}
    for happening in happenings:
        event = happening.event
        automation = engine.campaigns.automation(event.trigger)
        if automation is None or event.prospect_id is None or event.id in begun:
            continue
        if ran_already(automation.often, event, ran[event.prospect_id]) is None:
            happening.automation = automation
            ran[event.prospect_id].append(
                Ran(automation.trigger, event.id, event.campaign_id, event.email_id)
            )


def _ran(run: StoredRun) -> Ran:
    return Ran(run.trigger, run.event_id, run.campaign_id or None, run.email_id or None)


# --- Whom it is about


async def _people(
    engine: Engine, happenings: Sequence[Happening], runs: Mapping[str, Sequence[StoredRun]]
) -> People:
    """The links and prospects of these events; who is not linked and has something to be done is synced first."""
    people = People()
    ids = {h.event.prospect_id for h in happenings if h.event.prospect_id}
    if not ids:
        return people
    await _learn_links(engine, people, ids)
    acting = {h.event.prospect_id for h in happenings if h.automation is not None and h.event.prospect_id}
    missing = acting - people.links.keys()
    wanted = {h.event.prospect_id for h in happenings if any(c.id > engine.left_upto for c in h.changes)}
    people.reasons.update((prospect_id, DROPPED) for prospect_id in missing - wanted)
    missing &= wanted
    if missing:
        passed = all(change.id <= engine.passed_upto for h in happenings for change in h.changes)
        await _sync(engine, people, missing, check=None if passed else partial(brakes.check, engine))
        await _learn_links(engine, people, missing)
    people.waiting.update(_not_met_yet(happenings, people))
    leaving = {h.event.prospect_id for h in happenings if _leaves(engine, people, h.event)}
    named = acting | {i for i in leaving if i} | {i for i in ids if runs.get(i)}
    seen = await engine.outreach.get_prospects(named)
    people.prospects = {i: record for i, record in seen.items() if isinstance(record, Record)}
    persons = {link.person_id for link in people.links.values()}
    mirrored = await engine.run(engine.memory.mirrored, persons)
    people.organizations = {i: p.organization_id for i, p in mirrored.items() if p.organization_id}
    return people


def _not_met_yet(happenings: Sequence[Happening], people: People) -> dict[str, TidegateError]:
    """Whose pair a member has chosen, and has yet to come in step: what sets an automation off waits a while for that."""
    waiting: dict[str, TidegateError] = {}
    for happening in happenings:
        prospect_id = happening.event.prospect_id or ""
        link = people.links.get(prospect_id)
        chosen = link is not None and link.state == CHOSEN and happening.automation is not None
        if chosen and all(change.attempts < len(RETRY_SECONDS) for change in happening.changes):
            waiting[prospect_id] = TemporaryError(NOT_MET)
    return waiting


async def _learn_links(engine: Engine, people: People, prospect_ids: Collection[str]) -> None:
    links = await engine.run(engine.memory.links_of, engine.connection_id, prospect_ids=prospect_ids)
    people.links.update((link.prospect_id, link) for link in links)


async def _sync(
    engine: Engine, people: People, prospect_ids: Collection[str], *, check: Check | None
) -> None:
    """What live sync would do with these prospects, had they been saved just now: its brakes hold here, too."""
    engine.spend_as(Feature.LIVE)
    units = [Unit(Side.OUTREACH, prospect_id=prospect_id) for prospect_id in sorted(prospect_ids)]
    results = Results()
    await look(engine, units, engine.rules.settings)
    await bar_outsiders(engine, units)
    stop = await settle(engine, units, LIVE, results, cause="automation", check=check)
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )
    raise_if_stopped(stop, units)
    for unit in units:
        prospect_id = unit.prospect_id or ""
        if isinstance(unit.error, TemporaryError):
            people.waiting[prospect_id] = unit.error
        elif unit.error is not None:
            people.reasons[prospect_id] = unit.error.user_message
        elif isinstance(unit.prospect, Gone):
            people.reasons[prospect_id] = DELETED
        elif isinstance(unit.prospect, Record):
            why_not = engine.rules.settings.why_not(unit.prospect)
            people.reasons[prospect_id] = why_not or (unit.plan.reason if unit.plan else "")


def _leaves(engine: Engine, people: People, event: CampaignEvent) -> bool:
    link = people.links.get(event.prospect_id or "")
    return engine.campaigns.unsubscribes and closes(event) and link is not None and link.state == LINKED


def _leaving(engine: Engine, happenings: Sequence[Happening], people: People) -> list[Leaving]:
    """The linked persons of those who are not to be written to any more, each once.

    What is true now decides: the bounce of a second address, or of somebody opened again meanwhile, closes nobody.
    """
    found: dict[str, Leaving] = {}
    for event in (h.event for h in happenings if _leaves(engine, people, h.event)):
        prospect_id = event.prospect_id or ""
        link, prospect = people.links[prospect_id], people.prospects.get(prospect_id)
        if prospect is not None and not prospect.is_closed:
            continue
        name = prospect.name if prospect is not None else ""
        found.setdefault(link.person_id, Leaving(link.person_id, prospect_id, name, cause_text(event)))
    return list(found.values())


# --- Runs


async def _begin(
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
    runs.update(await _runs(engine, happenings))
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
    reason = people.reasons.get(prospect_id) or _why_not_linked(link)
    return RunToBegin(
        automation.trigger, f"not there:{key}", event, prospect_id, "", name, automation.actions, reason
    )


def _why_not_linked(link: StoredLink | None) -> str:
    if link is None:
        return "It is not in Pipedrive."
    return NOT_MET if link.state == CHOSEN else NOT_THERE


def _not_performed(run: RunToBegin) -> LogLine:
    return LogLine(
        side=Side.PIPEDRIVE,
        act="skip",
        prospect_id=run.prospect_id,
        record_name=run.record_name,
        cause="automation",
        cause_text=cause_text(run.event),
        message=f"None of the automation's actions was performed: {run.not_performed}",
    )


def _give_up(
    happenings: Sequence[Happening],
    people: People,
    runs: Mapping[str, Sequence[StoredRun]],
    results: Results,
) -> None:
    """A run whose prospect or link vanished half-way ends here: nothing can be done for it any more."""
    here = {h.event.id for h in happenings}
    for prospect_id, own in runs.items():
        linked = prospect_id in people.links
        if prospect_id in people.waiting or (linked and prospect_id in people.prospects):
            continue
        reason = DELETED if linked else people.reasons.get(prospect_id, NOT_THERE)
        begun = [run for run in own if run.event_id in here and _left(run)]
        results.given_up.update((run.event_id, reason) for run in begun)


async def _put_off_before(
    engine: Engine, happenings: Sequence[Happening], runs: Mapping[str, Sequence[StoredRun]]
) -> set[str]:
    """Ids of events outside this batch whose runs have begun and were put off: what happened later waits for them."""
    here = {h.event.id for h in happenings}
    begun = {run.event_id for own in runs.values() for run in own if run.person_id and _left(run)} - here
    return await engine.run(engine.memory.waiting_events, engine.connection_id, begun) if begun else set()


def _chains(
    happenings: Sequence[Happening],
    people: People,
    runs: Mapping[str, Sequence[StoredRun]],
    before: Collection[str],
) -> tuple[dict[str, Chain], set[str]]:
    """Prospect id -> what is left to be done for it, in the order of its events; and the events that wait for one `before`."""
    events = {h.event.id: h.event for h in happenings}
    chains: dict[str, Chain] = {}
    held: set[str] = set()
    for prospect_id, own in runs.items():
        link, prospect = people.links.get(prospect_id), people.prospects.get(prospect_id)
        todo = [run for run in own if run.event_id in events and run.person_id and _left(run)]
        if link is None or prospect is None or not todo:
            continue
        todo.sort(key=_place)
        first = min((_place(run) for run in own if run.event_id in before), default=None)
        if first is not None:
            held |= {run.event_id for run in todo if _place(run) > first}
            todo = [run for run in todo if _place(run) < first]
        chains[prospect_id] = Chain(
            person_id=link.person_id,
            organization_id=people.organizations.get(link.person_id),
            runs=deque(_live(run, events[run.event_id], prospect) for run in todo),
            known_deal=known_deal(own),
            placed=_placed(own),
        )
    return chains, held


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


def _left(run: StoredRun) -> bool:
    return any(action.outcome is Outcome.WAITING for action in run.actions)


def _live(run: StoredRun, event: CampaignEvent, prospect: Record) -> LiveRun:
    created = next((a.deal_id for a in run.actions if a.action.kind == "create_deal" and a.deal_id), "")
    return LiveRun(
        stored=run,
        event=event,
        name=prospect.name,
        fields=template_fields(prospect, event.campaign_name),
        left=deque(action for action in run.actions if action.outcome is Outcome.WAITING),
        created_id=created,
    )


def known_deal(runs: Sequence[StoredRun]) -> str:
    """The deal that the latest run of a prospect made or moved: known without asking."""
    deals = [action.deal_id for run in runs for action in run.actions if action.deal_id]
    return deals[-1] if deals else ""


def _finish(
    engine: Engine,
    happenings: Sequence[Happening],
    chains: Mapping[str, Chain],
    people: People,
    held: Collection[str],
    results: Results,
) -> None:
    """Mark what is done; what waits for something that passes is put off, together with what came after it."""
    now = engine.lane.clock.now()
    for happening in happenings:
        if happening.event.id in held:
            _put_off(happening, None, now, results)
            continue
        prospect_id = happening.event.prospect_id or ""
        chain = chains.get(prospect_id)
        error = people.waiting.get(prospect_id) or (chain.error if chain else None)
        open_runs = {run.event.id for run in chain.runs} if chain else set()
        if prospect_id in people.leaving and closes(happening.event):
            error, open_runs = people.leaving[prospect_id], {happening.event.id}
        if error is not None and (prospect_id in people.waiting or happening.event.id in open_runs):
            if isinstance(error, TemporaryError):
                _put_off(happening, error, now, results)
            continue
        outcome = "ran" if happening.automation is not None else "noted"
        results.done.update((change.id, outcome) for change in happening.changes)


def _put_off(happening: Happening, error: TemporaryError | None, now: datetime, results: Results) -> None:
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
