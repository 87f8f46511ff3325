"""The automations as the pages show them: a section for each trigger, with its actions, choices, faults and an example."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tidegate.core.automation import (
    MAX_TEXT,
    TEMPLATE_FIELDS,
    Action,
    ActionKind,
    Automation,
    Trigger,
    find_pipeline,
    find_stage,
)
from tidegate.core.catalogue import PipedriveCatalogue, Pipeline
from tidegate.core.settings import Settings
from tidegate.web.automations.words import ACTIONS, HISTORY, OFTEN, TRIGGERS, Named
from tidegate.web.said import said
from tidegate.web.setup.automation_form import automation_of, control
from tidegate.web.setup.draft import Catalogues
from tidegate.web.setup.sentences import Example, sentence

Choices = list[tuple[str, str, bool]]
"""Value, text, and whether it is chosen."""
Marks = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class ShownAction:
    kind: str
    words: Named
    pipelines: Choices | None = None
    stages: Choices | None = None
    """Of the chosen pipeline; None where there is none yet."""
    asks_stage: bool = False
    only_in_pipeline: bool = False
    title: str | None = None
    subject: str | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    """`pipeline`, `stage`, `title`, `subject`, or empty for the action itself -> what is wrong there."""
    is_first: bool = False
    is_last: bool = False

    @property
    def has_errors(self) -> bool:
        return any(self.errors.values())


@dataclass(frozen=True, slots=True)
class ShownTrigger:
    trigger: str
    words: Named
    enabled: bool
    is_open: bool
    actions: list[ShownAction]
    addable: list[tuple[str, Named]]
    often: Choices
    badge: str
    errors: list[str]
    """What is wrong with the automation as a whole."""
    faults: int
    """How many things there are to fix, those of its actions included."""
    used: str
    kept: str
    example: SafeString | str


def shown_automations(
    settings: Settings,
    catalogues: Catalogues,
    marks: Marks,
    example: Example,
    *,
    opened: Trigger | None = None,
    opens_first: bool = False,
) -> list[ShownTrigger]:
    """A section for each trigger. Open are the one worked on and those with something to fix.

    `opens_first`: where there are none, the first one that is on.
    """
    faulty = {trigger for trigger in Trigger if _faults(marks, trigger)}
    open_ones = faulty | ({opened} if opened else set())
    if opens_first and not open_ones:
        open_ones = {automation.trigger for automation in settings.automations if automation.enabled}
        open_ones = set(sorted(open_ones, key=list(Trigger).index)[:1])
    return [
        _shown(automation_of(settings, trigger), settings, catalogues, marks, example, trigger in open_ones)
        for trigger in Trigger
    ]


def _shown(
    automation: Automation,
    settings: Settings,
    catalogues: Catalogues,
    marks: Marks,
    example: Example,
    is_open: bool,
) -> ShownTrigger:
    used = [action.kind for action in automation.actions]
    faults = _faults(marks, automation.trigger)
    return ShownTrigger(
        trigger=automation.trigger.value,
        words=TRIGGERS[automation.trigger],
        enabled=automation.enabled,
        is_open=is_open,
        actions=[
            _action(action, number, automation, catalogues.pipedrive.pipelines, marks)
            for number, action in enumerate(automation.actions)
        ],
        addable=[(kind.value, ACTIONS[kind]) for kind in ActionKind if kind not in used],
        often=[(often.value, str(text), often is automation.often) for often, text in OFTEN.items()],
        badge=_badge(automation, faults),
        errors=marks.get(f"automations.{automation.trigger}", []),
        faults=faults,
        used=_("Each action once per trigger, %(used)d of %(all)d used")
        % {"used": len(used), "all": len(ActionKind)},
        kept=ngettext(
            "Switched off. The action below is kept and runs again when you switch this on.",
            "Switched off. The actions below are kept and run again when you switch this on.",
            len(used),
        ),
        example=sentence(automation, settings, catalogues.pipedrive, example),
    )


def _faults(marks: Marks, trigger: Trigger) -> int:
    place = f"automations.{trigger}"
    return sum(len(texts) for key, texts in marks.items() if key == place or key.startswith(f"{place}."))


def _badge(automation: Automation, faults: int) -> str:
    count = len(automation.actions)
    if faults:
        return ngettext("%(count)d to fix", "%(count)d to fix", faults) % {"count": faults}
    if not automation.enabled and count:
        return ngettext("Off, %(count)d action kept", "Off, %(count)d actions kept", count) % {"count": count}
    if not automation.enabled:
        return _("Off")
    return ngettext("%(count)d action", "%(count)d actions", count) % {"count": count}


def _action(
    action: Action, number: int, automation: Automation, pipelines: tuple[Pipeline, ...], marks: Marks
) -> ShownAction:
    place = f"automations.{automation.trigger}.{action.kind}"
    has_pipeline = action.kind in (ActionKind.CREATE_DEAL, ActionKind.MOVE_DEAL_TO_STAGE)
    asks_stage = action.kind is ActionKind.MOVE_DEAL_TO_STAGE
    return ShownAction(
        kind=action.kind.value,
        words=ACTIONS[action.kind],
        pipelines=_pipelines(action, pipelines) if has_pipeline else None,
        stages=_stages(action, pipelines) if asks_stage and action.pipeline_id else None,
        asks_stage=asks_stage,
        only_in_pipeline=action.only_in_pipeline,
        title=action.title if action.kind is ActionKind.CREATE_DEAL else None,
        subject=action.subject if action.kind is ActionKind.ADD_ACTIVITY else None,
        errors={
            key: marks.get(f"{place}.{key}" if key else place, [])
            for key in ("", "pipeline", "stage", "title", "subject")
        },
        is_first=number == 0,
        is_last=number == len(automation.actions) - 1,
    )


def _pipelines(action: Action, pipelines: tuple[Pipeline, ...]) -> Choices:
    ordered = sorted(pipelines, key=lambda pipeline: pipeline.order)
    return _choices(
        action.pipeline_id, [(p.id, p.name) for p in ordered], _("Choose a pipeline"), _("Deleted pipeline")
    )


def _stages(action: Action, pipelines: tuple[Pipeline, ...]) -> Choices:
    pipeline = next((known for known in pipelines if known.id == action.pipeline_id), None)
    ordered = sorted(pipeline.stages, key=lambda stage: stage.order) if pipeline else []
    return _choices(
        action.stage_id, [(s.id, s.name) for s in ordered], _("Choose a stage"), _("Deleted stage")
    )


def _choices(chosen: str | None, known: list[tuple[str, str]], none: str, gone: str) -> Choices:
    """What is chosen now stays visible, also where it is gone."""
    shown = [(value, name, value == chosen) for value, name in known]
    if not chosen:
        return [("", none, True), *shown]
    return shown if any(is_chosen for *_rest, is_chosen in shown) else [(chosen, gone, True), *shown]


@dataclass(frozen=True, slots=True)
class AutomationsPart:
    """What the section as a whole needs beside its triggers."""

    triggers: list[ShownTrigger]
    fields: str
    """The template fields, in braces."""
    most: int = MAX_TEXT

    def of(self, trigger: Trigger | None) -> ShownTrigger | None:
        return next((shown for shown in self.triggers if shown.trigger == trigger), None)


def automations_part(triggers: list[ShownTrigger]) -> AutomationsPart:
    return AutomationsPart(triggers, ", ".join(f"{{{name}}}" for name in TEMPLATE_FIELDS))


def shown_history(settings: Settings) -> Choices:
    """The events that can update a campaign e-mail's activity, with whether they do."""
    return [(t.value, str(text), t in settings.history_events) for t, text in HISTORY.items()]


ACTION_FIELD = {"pipeline", "stage", "subject", "title"}


def automation_anchor(place: str) -> str:
    """The id of the control that a place of the automations is about: `automations.email_sent.create_deal.pipeline`."""
    parts = place.split(".")[1:]
    if not parts or parts[0] not in set(Trigger):
        return "automations"
    trigger = Trigger(parts[0])
    if len(parts) == 3 and parts[2] in ACTION_FIELD:
        return control(trigger, f"{parts[1]}-{parts[2]}")
    return control(trigger, f"{parts[1]}-remove") if len(parts) == 2 else control(trigger, "on")


def named_problem(place: str, text: str) -> str:
    """What is wrong, with the trigger it is about: in a list of problems the place alone does not say so."""
    parts = place.split(".")
    if parts[0] != "automations" or len(parts) < 2 or parts[1] not in set(Trigger):
        return text
    return _("%(trigger)s: %(problem)s") % {
        "trigger": TRIGGERS[Trigger(parts[1])].name,
        "problem": said(text),
    }


def automation_lines(settings: Settings, catalogues: Catalogues) -> Iterable[SafeString]:
    """The review's lines: one for each automation that is on."""
    for automation in settings.automations:
        if automation.enabled and automation.actions:
            texts = [_in_words(action, catalogues.pipedrive) for action in automation.actions]
            facts = {"trigger": TRIGGERS[automation.trigger].name, "actions": ", ".join(texts)}
            yield format_html(_("<b>{trigger}:</b> {actions}."), **facts)


def _in_words(action: Action, pipedrive: PipedriveCatalogue) -> str:
    """What an action does; what is still to be chosen is left out."""
    match action.kind:
        case ActionKind.CREATE_DEAL:
            pipeline = find_pipeline(pipedrive, action.pipeline_id)
            named = _("create a deal in %(name)s") % {"name": pipeline.name} if pipeline else ""
            return named or _("create a deal")
        case ActionKind.MOVE_DEAL_TO_STAGE:
            stage = find_stage(pipedrive, action.stage_id)
            named = _("move the deal to %(name)s") % {"name": stage.name} if stage else ""
            return named or _("move the deal")
        case ActionKind.MOVE_DEAL_TO_NEXT_STAGE:
            return _("move the deal to the next stage")
        case ActionKind.ADD_ACTIVITY:
            named = _("add “%(subject)s”") % {"subject": action.subject} if action.subject else ""
            return named or _("add an activity")
