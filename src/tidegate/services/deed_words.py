"""What is told of a run's action: its line in the activity log, and its case where it was refused."""

from collections.abc import Mapping

from tidegate.core.automation import ACTION_NAMES, TRIGGER_NAMES, ActionKind, find_pipeline, find_stage
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.cases import AUTOMATION
from tidegate.core.records import Side
from tidegate.core.runs import AddActivity, CampaignRules, CreateDeal, Deed, MoveDeal, Outcome
from tidegate.core.values import Json
from tidegate.errors import TidegateError
from tidegate.ports import ActionResult, LogLine, Question, StoredAction
from tidegate.services.cases import question
from tidegate.services.chains import LiveRun
from tidegate.words import say

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
    if performed and result.text:
        message = say("{what}: {text}", what=ACTION_NAMES[kind], text=result.text)
    else:
        message = say("{what}: {reason}", what=ACTION_NAMES[kind], reason=result.reason)
    return LogLine(
        side=Side.PIPEDRIVE,
        act=act,
        prospect_id=run.stored.prospect_id,
        person_id=run.stored.person_id,
        record_name=run.name,
        changes=_changes(rules, deed) if performed else (),
        cause="automation",
        cause_text=cause_text(run.event),
        message=message,
    )


def cause_text(event: CampaignEvent) -> str:
    name = TRIGGER_NAMES[event.trigger] if event.trigger else event.type
    return (
        say("{cause}, {campaign}", cause=name, campaign=event.campaign_name) if event.campaign_name else name
    )


def _changes(rules: CampaignRules, deed: Deed) -> tuple[Mapping[str, Json], ...]:
    match deed:
        case CreateDeal(title, pipeline_id, stage_id):
            pipeline = find_pipeline(rules.pipedrive, pipeline_id)
            return (
                _change("title", say("Deal"), None, title),
                _change("pipeline", say("Pipeline"), None, pipeline.name if pipeline else pipeline_id),
                _change("stage", say("Stage"), None, _stage_name(rules, stage_id)),
            )
        case MoveDeal(deal, stage_id):
            return (
                _change(
                    "stage", say("Stage"), _stage_name(rules, deal.stage_id), _stage_name(rules, stage_id)
                ),
            )
        case AddActivity(subject, due_date):
            return (
                _change("subject", say("Subject"), None, subject),
                {**_change("due_date", say("Due"), None, due_date.isoformat()), "kind": "date"},
            )
    return ()


def _change(key: str, name: str, before: str | None, after: str) -> dict[str, Json]:
    return {"field": key, "name": name, "kind": "text", "before": before, "after": after}


def _stage_name(rules: CampaignRules, stage_id: str) -> str:
    stage = find_stage(rules.pipedrive, stage_id)
    return stage.name if stage else stage_id


def case_of(run: LiveRun, action: StoredAction, error: TidegateError) -> Question:
    return question(
        AUTOMATION,
        str(run.stored.id),
        error,
        prospect_id=run.stored.prospect_id,
        person_id=run.stored.person_id,
        record_name=run.name,
        what=say("{what} ({cause})", what=ACTION_NAMES[action.action.kind], cause=cause_text(run.event)),
    )
