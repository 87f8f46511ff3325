"""Carry out runs: the ordered actions of each, what is written down before a call, and what becomes of it.

Runs of one prospect go one after the other, those of different prospects side by side: in each wave every prospect's next
action is decided, written down as an intent, done, and committed with its outcome. So a crash loses at most the answers of
one wave, whose intents are looked up (`traces`) before anything is tried again.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial

from tidegate.core.automation import ACTION_NAMES, TRIGGER_NAMES, ActionKind, find_pipeline, find_stage
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.deals import Deal, NewActivity
from tidegate.core.records import Side
from tidegate.core.runs import (
    AddActivity,
    CampaignRules,
    CreateDeal,
    Deed,
    MoveDeal,
    NotPerformed,
    Outcome,
    needs_deals,
    plan_action,
    unless_overtaken,
)
from tidegate.core.values import Json
from tidegate.errors import (
    InvalidForRemote,
    LaneLost,
    NeedsAttention,
    PermissionMissing,
    RecordRejected,
    TemporaryError,
    TidegateError,
)
from tidegate.ports import ActionResult, Intent, LogLine, Results, StoredAction, StoredRun
from tidegate.services.engine import Engine
from tidegate.services.together import together
from tidegate.services.unanswered import NOTHING_AWAITED, Awaited

DEAL, MOVE, ACTIVITY = "deal", "move", "activity"
"""Kinds of intents."""
KINDS = {CreateDeal: DEAL, MoveDeal: MOVE, AddActivity: ACTIVITY}


@dataclass(slots=True)
class LiveRun:
    """A run in our hands."""

    stored: StoredRun
    event: CampaignEvent
    name: str
    fields: Mapping[str, str]
    left: deque[StoredAction]
    created_id: str = ""
    """The deal that an earlier action of this run created."""
    created: Deal | None = None


@dataclass(slots=True)
class Chain:
    """The runs of one prospect in the order of their events."""

    person_id: str
    organization_id: str | None
    runs: deque[LiveRun]
    known_deal: str = ""
    """A deal of this person that an earlier run made or moved."""
    placed: Mapping[str, datetime] = field(default_factory=dict)
    """Deal id -> when the latest event happened that put it into a chosen stage."""
    deals: list[Deal] | None = None
    """The person's open deals, once they were looked up."""
    unseen: str = ""
    """Why Pipedrive does not show the deals."""
    error: TidegateError | None = None

    def head(self) -> tuple[LiveRun, StoredAction] | None:
        while self.runs and not self.runs[0].left:
            self.runs.popleft()
        if self.error is not None or not self.runs:
            return None
        return self.runs[0], self.runs[0].left[0]

    def wait_for(self, awaited: Awaited) -> None:
        """Go no further where it is not known yet whether the next action was done already."""
        if awaited and (head := self.head()) is not None:
            self.error = awaited.get(_key(*head))


def _key(run: LiveRun, action: StoredAction) -> str:
    """Of an action's intent, whichever its kind."""
    return f"{run.stored.id}:{action.position}"


@dataclass(slots=True)
class _Step:
    chain: Chain
    run: LiveRun
    action: StoredAction
    deed: Deed

    @property
    def key(self) -> tuple[str, str]:
        return KINDS.get(type(self.deed), ""), _key(self.run, self.action)


async def perform_runs(
    engine: Engine, chains: Sequence[Chain], awaited: Awaited = NOTHING_AWAITED
) -> NeedsAttention | None:
    """Carry out every run as far as it goes; what stopped a chain is its `error`. An action that is `awaited` stops it, too.

    What a person must mend for the whole connection is returned, once all that was done is stored. LaneLost is raised.
    """
    stop: NeedsAttention | None = None
    while stop is None:
        for chain in chains:
            chain.wait_for(awaited)
        heads = [(chain, *head) for chain in chains if (head := chain.head()) is not None]
        if not heads:
            return None
        await _see_deals(engine, heads)
        steps = [
            _Step(chain, run, action, _plan(engine, chain, run, action))
            for chain, run, action in heads
            if chain.error is None
        ]
        stop = await _wave(engine, steps)
    return stop


async def _see_deals(engine: Engine, heads: Sequence[tuple[Chain, LiveRun, StoredAction]]) -> None:
    """The open deals of the persons whose next action is about one, all of them with few calls."""
    await _see_created(engine, [run for _, run, _ in heads if run.created_id and run.created is None])
    wanted = {
        chain.person_id: chain
        for chain, run, action in heads
        if chain.deals is None and needs_deals(action.action, run.created)
    }
    if not wanted:
        return
    known = {person_id: chain.known_deal for person_id, chain in wanted.items() if chain.known_deal}
    try:
        found = await engine.crm.open_deals(list(wanted), known=known)
    except LaneLost:
        raise
    except TemporaryError as error:
        for chain in wanted.values():
            chain.error = error
        return
    except RecordRejected as error:
        for chain in wanted.values():
            chain.unseen = error.user_message
        return
    for person_id, chain in wanted.items():
        chain.deals = list(found.get(person_id, ()))


async def _see_created(engine: Engine, runs: Sequence[LiveRun]) -> None:
    """After a crash: the deals that the runs had created before it."""
    if not runs:
        return
    try:
        found = await engine.crm.get_deals([run.created_id for run in runs])
    except RecordRejected:
        found = {}  # it is not shown to us: as good as gone
    for run in runs:
        deal = found.get(run.created_id)
        run.created, run.created_id = (deal if deal is not None and deal.active else None), ""


def _plan(engine: Engine, chain: Chain, run: LiveRun, action: StoredAction) -> Deed:
    if chain.unseen and needs_deals(action.action, run.created):
        return NotPerformed(f"The deals of this person could not be read. {chain.unseen}")
    deed = plan_action(
        action.action,
        fields=run.fields,
        deals=chain.deals or (),
        created=run.created,
        rules=engine.campaigns,
        today=_today(engine),
    )
    return unless_overtaken(deed, run.stored.event_at, chain.placed)


def _today(engine: Engine) -> date:
    return engine.lane.clock.now().astimezone(engine.campaigns.zone).date()


async def _wave(engine: Engine, steps: Sequence[_Step]) -> NeedsAttention | None:
    doing = [step for step in steps if not isinstance(step.deed, NotPerformed)]
    await _write_down(engine, doing)
    answers = await together(partial(_do, engine), doing)
    results, stop = Results(), None
    for step in steps:
        if isinstance(step.deed, NotPerformed):
            _settle(engine, step, _result(step, Outcome.NOT_PERFORMED, step.deed.reason), results)
    for step, answer in zip(doing, answers, strict=True):
        stop = _take(engine, step, answer, results) or stop
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )
    return stop


def _take(
    engine: Engine, step: _Step, answer: ActionResult | TidegateError, results: Results
) -> NeedsAttention | None:
    """What an answer means for its action and the rest of its chain."""
    if isinstance(answer, ActionResult):
        results.intents_done.append(step.key)
        _settle(engine, step, answer, results)
        return None
    if getattr(answer, "sent", False):
        engine.unsure = True
    else:
        results.intents_done.append(step.key)
    if isinstance(answer, RecordRejected | PermissionMissing):
        _settle(engine, step, _result(step, Outcome.FAILED, answer.user_message), results)
        return None
    step.chain.error = answer
    return answer if isinstance(answer, NeedsAttention) else None


def _settle(engine: Engine, step: _Step, result: ActionResult, results: Results) -> None:
    step.run.left.popleft()
    results.actions.append(result)
    results.log.append(log_line(engine.campaigns, step.run, step.action, step.deed, result))


# --- Before and during the call


async def _write_down(engine: Engine, steps: Sequence[_Step]) -> None:
    now = engine.lane.clock.now()
    intents = [Intent(*step.key, _facts(step), now) for step in steps]
    if intents:
        await engine.run(engine.memory.write_intents, engine.connection_id, intents, engine.lane.hold)


def _facts(step: _Step) -> dict[str, Json]:
    """By what the outcome is recognised, should the answer be lost."""
    facts: dict[str, Json] = {
        "run": step.run.stored.id,
        "position": step.action.position,
        "person_id": step.chain.person_id,
        "prospect_id": step.run.stored.prospect_id,
        "name": step.run.name,
        "trigger": step.run.stored.trigger.value,
    }
    match step.deed:
        case CreateDeal(title, pipeline_id, _):
            facts |= {"title": title, "pipeline_id": pipeline_id}
        case MoveDeal(deal, stage_id):
            facts |= {"deal_id": deal.id, "title": deal.title, "from": deal.stage_id, "to": stage_id}
        case AddActivity(subject, _):
            facts |= {"title": subject}
    return facts


async def _do(engine: Engine, step: _Step) -> ActionResult:
    owner_id, chain, run = engine.campaigns.owner_id, step.chain, step.run
    match step.deed:
        case CreateDeal() as deed:
            deal = await _create_deal(engine, deed, chain)
            run.created, chain.known_deal = deal, deal.id
            chain.deals = None if chain.deals is None else [*chain.deals, deal]
            return replace(_result(step, Outcome.PERFORMED), text=deal.title, deal_id=deal.id)
        case MoveDeal(deal, stage_id):
            moved = await engine.crm.move_deal(deal.id, stage_id)
            if run.created is not None and run.created.id == moved.id:
                run.created = moved
            chain.known_deal = moved.id
            chain.deals = [moved if d.id == moved.id else d for d in chain.deals or ()] or None
            text = _way(engine.campaigns, deal.stage_id, stage_id)
            return replace(_result(step, Outcome.PERFORMED), text=text, deal_id=moved.id)
        case AddActivity(subject, due_date):
            new = NewActivity(
                subject,
                chain.person_id,
                done=False,
                due_date=due_date,
                owner_id=owner_id,
                deal_id=run.created.id if run.created else None,
            )
            activity = await engine.crm.create_activity(new)
            return replace(_result(step, Outcome.PERFORMED), text=subject, activity_id=activity.id)
        case _:
            raise AssertionError(step.deed)


async def _create_deal(engine: Engine, deed: CreateDeal, chain: Chain) -> Deal:
    """With the person's organization; without it where that was deleted meanwhile, which the mirror can't know at once."""

    async def create(organization_id: str | None) -> Deal:
        return await engine.crm.create_deal(
            deed.title,
            person_id=chain.person_id,
            pipeline_id=deed.pipeline_id,
            stage_id=deed.stage_id,
            owner_id=engine.campaigns.owner_id,
            organization_id=organization_id,
        )

    if chain.organization_id is None:
        return await create(None)
    try:
        return await create(chain.organization_id)
    except InvalidForRemote as error:
        if "organization" not in error.user_message.casefold():
            raise
        return await create(None)


def _result(step: _Step, outcome: Outcome, reason: str = "") -> ActionResult:
    return ActionResult(step.run.stored.id, step.action.position, outcome, reason)


def _way(rules: CampaignRules, before: str, after: str) -> str:
    names = [stage.name if (stage := find_stage(rules.pipedrive, i)) else i for i in (before, after)]
    return " → ".join(names)


# --- The activity log


ACTS = {
    ActionKind.CREATE_DEAL: "create",
    ActionKind.ADD_ACTIVITY: "create",
    ActionKind.MOVE_DEAL_TO_STAGE: "update",
    ActionKind.MOVE_DEAL_TO_NEXT_STAGE: "update",
}


def log_line(
    rules: CampaignRules, run: LiveRun, action: StoredAction, deed: Deed, result: ActionResult
) -> LogLine:
    """One line for each action, whatever became of it."""
    kind = action.action.kind
    performed = result.outcome is Outcome.PERFORMED
    act = ACTS[kind] if performed else "fail" if result.outcome is Outcome.FAILED else "skip"
    said = f"{ACTION_NAMES[kind]}: {result.text or result.reason}" if performed else ""
    return LogLine(
        side=Side.PIPEDRIVE,
        act=act,
        prospect_id=run.stored.prospect_id,
        person_id=run.stored.person_id,
        record_name=run.name,
        changes=_changes(rules, deed) if performed else (),
        cause="automation",
        cause_text=cause_text(run.event),
        message=said or f"{ACTION_NAMES[kind]}: {result.reason}",
    )


def cause_text(event: CampaignEvent) -> str:
    name = TRIGGER_NAMES[event.trigger] if event.trigger else event.type
    return f"{name}, {event.campaign_name}" if event.campaign_name else name


def _changes(rules: CampaignRules, deed: Deed) -> tuple[Mapping[str, Json], ...]:
    match deed:
        case CreateDeal(title, pipeline_id, stage_id):
            pipeline = find_pipeline(rules.pipedrive, pipeline_id)
            return (
                _change("title", "Deal", None, title),
                _change("pipeline", "Pipeline", None, pipeline.name if pipeline else pipeline_id),
                _change("stage", "Stage", None, _stage_name(rules, stage_id)),
            )
        case MoveDeal(deal, stage_id):
            return (
                _change("stage", "Stage", _stage_name(rules, deal.stage_id), _stage_name(rules, stage_id)),
            )
        case AddActivity(subject, due_date):
            return (
                _change("subject", "Subject", None, subject),
                {**_change("due_date", "Due", None, due_date.isoformat()), "kind": "date"},
            )
    return ()


def _change(key: str, name: str, before: str | None, after: str) -> dict[str, Json]:
    return {"field": key, "name": name, "kind": "text", "before": before, "after": after}


def _stage_name(rules: CampaignRules, stage_id: str) -> str:
    stage = find_stage(rules.pipedrive, stage_id)
    return stage.name if stage else stage_id
