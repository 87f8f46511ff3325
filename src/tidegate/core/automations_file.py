"""The automations in a settings file: pipelines and stages named by id and name, each action with what its kind takes."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tidegate.core.automation import (
    DEFAULT_TITLE,
    Action,
    ActionKind,
    Automation,
    Often,
    Trigger,
    find_pipeline,
)
from tidegate.core.catalogue import PipedriveCatalogue, Stage
from tidegate.core.named_things import Named, Thing, shown, thing, toml

HistoryEvent = Literal[
    Trigger.EMAIL_REPLIED,
    Trigger.EMAIL_BOUNCED,
    Trigger.UNSUBSCRIBED,
    Trigger.LINK_CLICKED,
    Trigger.EMAIL_OPENED,
]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CreateDealEntry(_Entry):
    kind: Literal[ActionKind.CREATE_DEAL]
    pipeline: Thing | None = None
    title: str = Field(DEFAULT_TITLE, max_length=1_000)


class MoveToStageEntry(_Entry):
    kind: Literal[ActionKind.MOVE_DEAL_TO_STAGE]
    pipeline: Thing | None = None
    stage: Thing | None = None
    only_in_pipeline: bool = False


class MoveToNextStageEntry(_Entry):
    kind: Literal[ActionKind.MOVE_DEAL_TO_NEXT_STAGE]


class AddActivityEntry(_Entry):
    kind: Literal[ActionKind.ADD_ACTIVITY]
    subject: str = Field("", max_length=1_000)


ActionEntry = Annotated[
    CreateDealEntry | MoveToStageEntry | MoveToNextStageEntry | AddActivityEntry, Field(discriminator="kind")
]


class AutomationEntry(_Entry):
    trigger: Trigger
    enabled: bool = True
    often: Often = Often.PER_CAMPAIGN
    actions: list[ActionEntry] = Field(default_factory=list, max_length=50)


class Finder(Protocol):
    """What finds the things a file names, and collects what it can't find."""

    def find(self, where: str, what: str, known: Iterable[Named], thing: Thing | None) -> str | None: ...


# --- To a file


def write_automation(automation: Automation, pipedrive: PipedriveCatalogue) -> list[str]:
    """The lines of one automation."""
    return [
        "[[automations]]",
        f"trigger = {toml(automation.trigger.value)}",
        f"enabled = {toml(automation.enabled)}",
        f"often = {toml(automation.often.value)}",
        f"actions = {toml([_entry(action, pipedrive) for action in automation.actions])}",
    ]


def _entry(action: Action, pipedrive: PipedriveCatalogue) -> dict[str, object]:
    entry: dict[str, object] = {"kind": action.kind.value}
    if action.kind in (ActionKind.CREATE_DEAL, ActionKind.MOVE_DEAL_TO_STAGE) and action.pipeline_id:
        entry["pipeline"] = thing(pipedrive.pipelines, action.pipeline_id)
    match action.kind:
        case ActionKind.CREATE_DEAL:
            entry["title"] = action.title
        case ActionKind.MOVE_DEAL_TO_STAGE:
            if action.stage_id:
                entry["stage"] = thing(_stages(pipedrive, action.pipeline_id), action.stage_id)
            entry["only_in_pipeline"] = action.only_in_pipeline
        case ActionKind.ADD_ACTIVITY:
            entry["subject"] = action.subject
        case ActionKind.MOVE_DEAL_TO_NEXT_STAGE:
            pass
    return entry


def _stages(pipedrive: PipedriveCatalogue, pipeline_id: str | None) -> Sequence[Stage]:
    pipeline = find_pipeline(pipedrive, pipeline_id)
    return pipeline.stages if pipeline else ()


# --- From a file


def automations_of(
    entries: Sequence[AutomationEntry], pipedrive: PipedriveCatalogue, finder: Finder
) -> tuple[Automation, ...]:
    """The automations the file stands for; the finder collects what is not there."""
    return tuple(
        Automation(
            entry.trigger,
            entry.enabled,
            entry.often,
            tuple(_action(f"automations.{entry.trigger}", item, pipedrive, finder) for item in entry.actions),
        )
        for entry in entries
    )


def _action(place: str, entry: ActionEntry, pipedrive: PipedriveCatalogue, finder: Finder) -> Action:
    match entry:
        case CreateDealEntry():
            pipeline = _pipeline(place, entry.kind, entry.pipeline, pipedrive, finder)
            return Action(entry.kind, pipeline, title=entry.title)
        case MoveToStageEntry():
            pipeline = _pipeline(place, entry.kind, entry.pipeline, pipedrive, finder)
            where = f"{place}.{entry.kind}.stage"
            stage = finder.find(where, "stage", _stages(pipedrive, pipeline), entry.stage)
            return Action(entry.kind, pipeline, stage, only_in_pipeline=entry.only_in_pipeline)
        case AddActivityEntry():
            return Action(entry.kind, subject=entry.subject)
        case MoveToNextStageEntry():
            return Action(entry.kind)


def _pipeline(
    place: str, kind: ActionKind, entry: Thing | None, pipedrive: PipedriveCatalogue, finder: Finder
) -> str | None:
    return finder.find(f"{place}.{kind}.pipeline", "pipeline", pipedrive.pipelines, entry)


# --- Before and after


def automation_texts(automations: Iterable[Automation], pipedrive: PipedriveCatalogue) -> dict[str, str]:
    """`automations.<trigger>` -> what it does, in one line for people."""
    return {f"automations.{automation.trigger}": _text(automation, pipedrive) for automation in automations}


def _text(automation: Automation, pipedrive: PipedriveCatalogue) -> str:
    actions = []
    for action in automation.actions:
        entry = _entry(action, pipedrive)
        rest = " ".join(f"{key}={shown(value)}" for key, value in entry.items() if key != "kind")
        actions.append(f"{action.kind} {rest}".strip())
    return f"{'on' if automation.enabled else 'off'}, {automation.often}: {'; '.join(actions) or 'no action'}"
