"""Carry out runs: the ordered actions of each, what is written down before a call, and what becomes of it.

Runs of one prospect go one after the other, those of different prospects side by side: in each wave every prospect's next
action is decided, written down as an intent, done, and committed with its outcome. So a crash loses at most the answers of
one wave, whose intents are looked up (`traces`) before anything is tried again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from tidegate.core.automation import ActionKind, find_stage
from tidegate.core.cases import AUTOMATION
from tidegate.core.deals import Deal, NewActivity, deal_of_contact
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
from tidegate.ports import ActionResult, Intent, Results, StoredAction
from tidegate.services.chains import Chain, LiveRun
from tidegate.services.deed_words import case_of, log_line
from tidegate.services.engine import Engine
from tidegate.services.together import together
from tidegate.services.unanswered import NOTHING_AWAITED, Awaited, close_intent
from tidegate.words import say

UNREADABLE_DEALS = say("The deals of this person could not be read.")

DEAL, MOVE, ACTIVITY = "deal", "move", "activity"
"""Kinds of intents."""
KINDS = {CreateDeal: DEAL, MoveDeal: MOVE, AddActivity: ACTIVITY}


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
        _wait_for(awaited, chains)
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


def _wait_for(awaited: Awaited, chains: Sequence[Chain]) -> None:
    """Go no further where it is not known yet whether the next action was done already."""
    for chain in chains if awaited else ():
        if (head := chain.head()) is not None:
            chain.error = awaited.get(_key(*head))


def _key(run: LiveRun, action: StoredAction) -> str:
    """Of an action's intent, whichever its kind."""
    return f"{run.stored.id}:{action.position}"


async def _see_deals(engine: Engine, heads: Sequence[tuple[Chain, LiveRun, StoredAction]]) -> None:
    """The open deals of the persons whose next action is about one, all of them with few calls."""
    await _see_created(engine, [run for _, run, _ in heads if run.created_id and run.created is None])
    wanted = {
        chain.person_id: chain
        for chain, run, action in heads
        if chain.deals is None and not chain.unseen and _asks_for_deals(run, action)
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


def _asks_for_deals(run: LiveRun, action: StoredAction) -> bool:
    """Whether the person's open deals count: one is to be moved, or an activity is to stand at one."""
    adds = action.action.kind is ActionKind.ADD_ACTIVITY and not run.touched_id
    return adds or needs_deals(action.action, run.created)


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
        return NotPerformed(f"{UNREADABLE_DEALS} {chain.unseen}")
    deed = plan_action(
        action.action,
        fields=run.fields,
        deals=chain.deals or (),
        created=run.created,
        rules=engine.campaigns,
        today=engine.campaigns.day_of(engine.lane.clock.now()),
    )
    return unless_overtaken(deed, run.stored.event_at, chain.placed)


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
    close_intent(engine, results, step.key, answer)
    if isinstance(answer, ActionResult):
        _settle(engine, step, answer, results)
        return None
    if isinstance(answer, RecordRejected | PermissionMissing):
        _settle(engine, step, _result(step, Outcome.FAILED, answer.user_message), results)
        results.questions.append(case_of(step.run, step.action, answer))
        return None
    step.chain.error = answer
    return answer if isinstance(answer, NeedsAttention) else None


def _settle(engine: Engine, step: _Step, result: ActionResult, results: Results) -> None:
    run = step.run
    run.left.popleft()
    run.failed |= result.outcome is Outcome.FAILED
    if not run.left and not run.failed:
        results.mended.append((AUTOMATION, str(run.stored.id)))
    results.actions.append(result)
    results.log.append(log_line(engine.campaigns, run, step.action, step.deed, result))


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
    chain, run = step.chain, step.run
    match step.deed:
        case CreateDeal() as deed:
            deal = await _create_deal(engine, deed, chain)
            run.created, chain.known_deal, run.touched_id = deal, deal.id, deal.id
            chain.deals = None if chain.deals is None else [*chain.deals, deal]
            return replace(_result(step, Outcome.PERFORMED), text=deal.title, deal_id=deal.id)
        case MoveDeal(deal, stage_id):
            moved = await engine.crm.move_deal(deal.id, stage_id)
            if run.created is not None and run.created.id == moved.id:
                run.created = moved
            chain.known_deal = run.touched_id = moved.id
            chain.deals = [moved if d.id == moved.id else d for d in chain.deals or ()] or None
            text = _way(engine.campaigns, deal.stage_id, stage_id)
            return replace(_result(step, Outcome.PERFORMED), text=text, deal_id=moved.id)
        case AddActivity() as deed:
            activity_id = await _add_activity(engine, deed, step)
            return replace(_result(step, Outcome.PERFORMED), text=deed.subject, activity_id=activity_id)
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


async def _add_activity(engine: Engine, deed: AddActivity, step: _Step) -> str:
    """At the deal of the same run, else at the person's open one; at none where that was deleted in this moment."""
    run, chain = step.run, step.chain
    own = {action.action.pipeline_id for action in run.stored.actions if action.action.pipeline_id}
    there = deal_of_contact(chain.deals or (), own or engine.campaigns.pipelines)
    new = NewActivity(
        deed.subject,
        chain.person_id,
        done=False,
        due_date=deed.due_date,
        owner_id=engine.campaigns.owner_id,
        deal_id=run.touched_id or (there.id if there else None),
    )
    try:
        return (await engine.crm.create_activity(new)).id
    except InvalidForRemote as error:
        if new.deal_id is None or "deal" not in error.user_message.casefold():
            raise
        return (await engine.crm.create_activity(replace(new, deal_id=None))).id


def _result(step: _Step, outcome: Outcome, reason: str = "") -> ActionResult:
    return ActionResult(step.run.stored.id, step.action.position, outcome, reason)


def _way(rules: CampaignRules, before: str, after: str) -> str:
    names = [stage.name if (stage := find_stage(rules.pipedrive, i)) else i for i in (before, after)]
    return " → ".join(names)
