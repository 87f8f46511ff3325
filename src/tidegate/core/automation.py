"""Automations as the settings hold them: a trigger, and the ordered actions it starts in Pipedrive.

What is wrong with one and which of them work; what becomes of an event is `core.runs`. Requirements: A1-A5, A8, A8a.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.catalogue import PipedriveCatalogue, Pipeline, Stage
from tidegate.core.problem import Problem
from tidegate.core.values import Json
from tidegate.words import say


class Trigger(StrEnum):
    """What happens in a campaign. Stored by name, so that another one needs no migration."""

    EMAIL_SENT = "email_sent"
    EMAIL_OPENED = "email_opened"
    LINK_CLICKED = "link_clicked"
    EMAIL_REPLIED = "email_replied"
    EMAIL_BOUNCED = "email_bounced"
    UNSUBSCRIBED = "unsubscribed"


class ActionKind(StrEnum):
    CREATE_DEAL = "create_deal"
    MOVE_DEAL_TO_STAGE = "move_deal_to_stage"
    MOVE_DEAL_TO_NEXT_STAGE = "move_deal_to_next_stage"
    ADD_ACTIVITY = "add_activity"


class Often(StrEnum):
    """How often an automation may run."""

    PER_CAMPAIGN = "per_campaign"
    """Once per prospect and campaign."""
    EVERY_EMAIL = "every_email"
    """Once for each campaign e-mail."""
    PER_PROSPECT = "per_prospect"
    """Once per prospect, in whichever campaign."""


TRIGGER_NAMES = {
    Trigger.EMAIL_SENT: say("Campaign e-mail sent"),
    Trigger.EMAIL_OPENED: say("E-mail opened"),
    Trigger.LINK_CLICKED: say("Link clicked"),
    Trigger.EMAIL_REPLIED: say("E-mail replied"),
    Trigger.EMAIL_BOUNCED: say("E-mail bounced"),
    Trigger.UNSUBSCRIBED: say("Unsubscribed"),
}
ACTION_NAMES = {
    ActionKind.CREATE_DEAL: say("Create a deal"),
    ActionKind.MOVE_DEAL_TO_STAGE: say("Move the deal to a stage"),
    ActionKind.MOVE_DEAL_TO_NEXT_STAGE: say("Move the deal to the next stage"),
    ActionKind.ADD_ACTIVITY: say("Add an activity"),
}
"""As pages, log lines and messages name them."""

DEFAULT_TITLE = "{name} deal"
TEMPLATE_FIELDS = ("name", "first_name", "last_name", "company", "campaign")
"""What a deal's title and an activity's subject may hold in braces."""

MAX_TEXT = 255
"""Characters Pipedrive keeps of a deal's title and of an activity's subject."""


@dataclass(frozen=True, slots=True)
class Action:
    """A thing done in Pipedrive. Which of the fields count depends on the kind."""

    kind: ActionKind
    pipeline_id: str | None = None
    """Create a deal, move to a stage; required there."""
    stage_id: str | None = None
    """Move to a stage; required there."""
    subject: str = ""
    """Add an activity; required there. A template."""
    title: str = DEFAULT_TITLE
    """Create a deal. A template."""
    only_in_pipeline: bool = False
    """Move to a stage: only deals that are in the chosen pipeline already."""


@dataclass(frozen=True, slots=True)
class Automation:
    """A trigger with its actions in the order in which they run, each kind at most once."""

    trigger: Trigger
    enabled: bool = True
    often: Often = Often.PER_CAMPAIGN
    actions: tuple[Action, ...] = ()


WORTH_AN_UPDATE = (
    Trigger.EMAIL_REPLIED,
    Trigger.EMAIL_BOUNCED,
    Trigger.UNSUBSCRIBED,
    Trigger.LINK_CLICKED,
    Trigger.EMAIL_OPENED,
)
"""Events that may update the activity of a campaign e-mail; that it was sent makes the activity."""


# --- What is wrong with them


def automation_problems(
    automations: Iterable[Automation], pipedrive: PipedriveCatalogue
) -> Iterable[Problem]:
    """Everything that keeps the automations that are switched on from working, each at its place.

    A place is `automations.<trigger>`, `automations.<trigger>.<action kind>` or, for one parameter, that with
    `.pipeline`, `.stage`, `.subject` or `.title` behind it. Those switched off keep what they have, complete or not;
    only an action that is there twice is told of them too.
    """
    seen: set[Trigger] = set()
    for automation in automations:
        place = f"automations.{automation.trigger}"
        if automation.trigger in seen:
            yield Problem(
                "automation-twice", place, say("This trigger has an automation already. Keep one of them.")
            )
        seen.add(automation.trigger)
        yield from _problems_of(automation, pipedrive) if automation.enabled else _doubled(automation)


def _problems_of(automation: Automation, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    place = f"automations.{automation.trigger}"
    if not automation.actions:
        yield Problem("actions-missing", place, say("Add an action, or switch this automation off."))
    yield from _doubled(automation)
    for action in automation.actions:
        yield from _action_problems(action, f"{place}.{action.kind}", pipedrive)


def _doubled(automation: Automation) -> Iterable[Problem]:
    used: set[ActionKind] = set()
    for action in automation.actions:
        if action.kind in used:
            where = f"automations.{automation.trigger}.{action.kind}"
            yield Problem("action-twice", where, say("An action can be used once with the same trigger."))
        used.add(action.kind)


def _action_problems(action: Action, place: str, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    match action.kind:
        case ActionKind.CREATE_DEAL:
            yield from _pipeline_problems(action, place, pipedrive)
            yield from _text_problems(action.title, "title", say("Enter a title for the deal."), place)
        case ActionKind.MOVE_DEAL_TO_STAGE:
            yield from _pipeline_problems(action, place, pipedrive)
            yield from _stage_problems(action, place, pipedrive)
        case ActionKind.ADD_ACTIVITY:
            yield from _text_problems(
                action.subject, "subject", say("Enter a subject for the activity."), place
            )
        case ActionKind.MOVE_DEAL_TO_NEXT_STAGE:
            return


def _pipeline_problems(action: Action, place: str, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    place = f"{place}.pipeline"
    if not action.pipeline_id:
        yield Problem("pipeline-missing", place, say("Choose a pipeline."))
        return
    pipeline = find_pipeline(pipedrive, action.pipeline_id)
    if pipeline is None:
        yield Problem(
            "pipeline-gone",
            place,
            say("The chosen pipeline no longer exists in Pipedrive. Choose another one."),
        )
    elif not pipeline.stages:
        message = say(
            "“{pipeline}” has no stage. Add one in Pipedrive, or choose another pipeline.",
            pipeline=pipeline.name,
        )
        yield Problem("pipeline-empty", place, message)


def _stage_problems(action: Action, place: str, pipedrive: PipedriveCatalogue) -> Iterable[Problem]:
    place = f"{place}.stage"
    if not action.stage_id:
        yield Problem("stage-missing", place, say("Choose a stage."))
        return
    pipeline = find_pipeline(pipedrive, action.pipeline_id)
    if pipeline is None:  # said of the pipeline already
        return
    if find_stage(pipedrive, action.stage_id) is None:
        yield Problem(
            "stage-gone", place, say("The chosen stage no longer exists in Pipedrive. Choose another one.")
        )
    elif all(stage.id != action.stage_id for stage in pipeline.stages):
        message = say(
            "The chosen stage is not one of “{pipeline}”. Choose a stage of this pipeline.",
            pipeline=pipeline.name,
        )
        yield Problem("stage-elsewhere", place, message)


def _text_problems(template: str, key: str, missing: str, place: str) -> Iterable[Problem]:
    place = f"{place}.{key}"
    if not template.strip():
        yield Problem(f"{key}-missing", place, missing)
        return
    if len(template) > MAX_TEXT:
        yield Problem(f"{key}-long", place, say("Enter at most {limit} characters.", limit=MAX_TEXT))
    unknown = unknown_fields(template)
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in TEMPLATE_FIELDS)
        shown = ", ".join(f"{{{name}}}" for name in unknown)
        yield Problem(
            f"{key}-field",
            place,
            say("There is no {unknown}. You can use {known}.", unknown=shown, known=known),
        )


def working_automations(
    automations: Iterable[Automation], pipedrive: PipedriveCatalogue
) -> tuple[Automation, ...]:
    """Those switched on with nothing wrong. A broken one sleeps and holds up nothing."""
    found: dict[Trigger, Automation] = {}
    for automation in automations:
        if automation.enabled and not list(_problems_of(automation, pipedrive)):
            found.setdefault(automation.trigger, automation)
    return tuple(found.values())


def find_pipeline(pipedrive: PipedriveCatalogue, pipeline_id: str | None) -> Pipeline | None:
    return next((pipeline for pipeline in pipedrive.pipelines if pipeline.id == pipeline_id), None)


def find_stage(pipedrive: PipedriveCatalogue, stage_id: str | None) -> Stage | None:
    stages = (stage for pipeline in pipedrive.pipelines for stage in pipeline.stages)
    return next((stage for stage in stages if stage.id == stage_id), None)


# --- Templates

_IN_BRACES = re.compile(r"\{([^{}]*)\}")


def unknown_fields(template: str) -> list[str]:
    """What stands in braces and is no field, in the order of the text."""
    return [name for name in dict.fromkeys(_IN_BRACES.findall(template)) if name not in TEMPLATE_FIELDS]


def fill(template: str, fields: Mapping[str, str]) -> str:
    """The template with its fields filled in, on one line, as long as Pipedrive takes it. No field is filled twice."""
    text = _IN_BRACES.sub(lambda found: fields.get(found[1], found[0]), template)
    return " ".join(text.split())[:MAX_TEXT].strip()


# --- As JSON


def automations_to_json(automations: Iterable[Automation]) -> list[Json]:
    """As the API, the settings file and the database hold them; of an action only what its kind needs."""
    return [
        {
            "trigger": automation.trigger.value,
            "enabled": automation.enabled,
            "often": automation.often.value,
            "actions": [action_to_json(action) for action in automation.actions],
        }
        for automation in automations
    ]


def action_to_json(action: Action) -> dict[str, Json]:
    shown: dict[str, Json] = {"kind": action.kind.value}
    match action.kind:
        case ActionKind.CREATE_DEAL:
            shown |= {"pipeline_id": action.pipeline_id, "title": action.title}
        case ActionKind.MOVE_DEAL_TO_STAGE:
            shown |= {
                "pipeline_id": action.pipeline_id,
                "stage_id": action.stage_id,
                "only_in_pipeline": action.only_in_pipeline,
            }
        case ActionKind.ADD_ACTIVITY:
            shown |= {"subject": action.subject}
        case ActionKind.MOVE_DEAL_TO_NEXT_STAGE:
            pass
    return shown


def automations_from_json(raw: object) -> tuple[Automation, ...]:
    """The inverse. Expects a document that was checked before."""
    return tuple(map(_automation_from_json, raw)) if isinstance(raw, list | tuple) else ()


def _automation_from_json(raw: Mapping[str, object]) -> Automation:
    actions = raw.get("actions")
    return Automation(
        trigger=Trigger(str(raw["trigger"])),
        enabled=bool(raw.get("enabled", True)),
        often=Often(str(raw.get("often", Often.PER_CAMPAIGN))),
        actions=tuple(map(action_from_json, actions)) if isinstance(actions, list | tuple) else (),
    )


def action_from_json(raw: Mapping[str, object]) -> Action:
    return Action(
        kind=ActionKind(str(raw["kind"])),
        pipeline_id=_id(raw.get("pipeline_id")),
        stage_id=_id(raw.get("stage_id")),
        subject=str(raw.get("subject", "")),
        title=str(raw.get("title", DEFAULT_TITLE)),
        only_in_pipeline=bool(raw.get("only_in_pipeline", False)),
    )


def _id(raw: object) -> str | None:
    return None if raw in (None, "") else str(raw)


def history_events_from_json(raw: object) -> tuple[Trigger, ...]:
    """The events worth an update, in the usual order, each once; all of them where nothing was chosen yet."""
    if not isinstance(raw, list | tuple):
        return WORTH_AN_UPDATE
    chosen = {str(name) for name in raw}
    return tuple(trigger for trigger in WORTH_AN_UPDATE if trigger in chosen)
