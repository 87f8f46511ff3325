"""The automations as a form holds them: reading them, and adding, moving and removing actions before anything is saved.

A control's name says its trigger and its action. What is not complete yet is kept, and marked by `core.settings.problems`; ids
that are stale or forged are refused when it is saved.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.http import QueryDict

from tidegate.core.automation import (
    DEFAULT_TITLE,
    MAX_TEXT,
    WORTH_AN_UPDATE,
    Action,
    ActionKind,
    Automation,
    Often,
    Trigger,
    find_stage,
)
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.settings import Settings

PART = "automations"
MOVES = {"up": -1, "down": 1}
TEXT_AT_MOST = 2 * MAX_TEXT
"""Longer texts are cut before anything looks at them; what Pipedrive takes is half of that."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one form."""

    post: QueryDict
    pipedrive: PipedriveCatalogue

    def automations(self, stored: Iterable[Automation]) -> tuple[Automation, ...]:
        """What the form makes of the automations. Those whose trigger it does not show stay as they are."""
        before = {automation.trigger: automation for automation in stored}
        shown = set(self.post.getlist("trigger"))
        read = (self._automation(t) if t in shown else before.get(t) for t in Trigger)
        return tuple(
            automation for automation in read if automation is not None and says_something(automation)
        )

    def _automation(self, trigger: Trigger) -> Automation:
        often = self.post.get(f"{trigger}-often", "")
        kinds = dict.fromkeys(self.post.getlist(f"{trigger}-action"))
        return Automation(
            trigger=trigger,
            enabled=bool(self.post.get(f"{trigger}-on")),
            often=Often(often) if often in set(Often) else Often.PER_CAMPAIGN,
            actions=tuple(
                self._action(trigger, ActionKind(kind)) for kind in kinds if kind in set(ActionKind)
            ),
        )

    def _action(self, trigger: Trigger, kind: ActionKind) -> Action:
        name = f"{trigger}-{kind}"
        pipeline = self.post.get(f"{name}-pipeline") or None
        match kind:
            case ActionKind.CREATE_DEAL:
                return Action(kind, pipeline, title=self._text(f"{name}-title", DEFAULT_TITLE))
            case ActionKind.MOVE_DEAL_TO_STAGE:
                only = bool(self.post.get(f"{name}-only"))
                return Action(kind, pipeline, self._stage(name, pipeline), only_in_pipeline=only)
            case ActionKind.ADD_ACTIVITY:
                return Action(kind, subject=self._text(f"{name}-subject"))
            case ActionKind.MOVE_DEAL_TO_NEXT_STAGE:
                return Action(kind)

    def _text(self, name: str, default: str = "") -> str:
        return self.post.get(name, default)[:TEXT_AT_MOST].strip()

    def _stage(self, name: str, pipeline: str | None) -> str | None:
        """A stage of another pipeline is dropped: the pipeline was chosen anew, and its stage is still to be chosen."""
        wanted = self.post.get(f"{name}-stage") or None
        known = find_stage(self.pipedrive, wanted)
        return None if known is not None and known.pipeline_id != pipeline else wanted


def says_something(automation: Automation) -> bool:
    """Whether there is anything to keep: it is on, or has actions for when it is."""
    return automation.enabled or bool(automation.actions)


def read_history_events(chosen: Iterable[str]) -> tuple[Trigger, ...]:
    """The events worth an update, in their usual order; names that are none are not taken."""
    wanted = set(chosen)
    return tuple(trigger for trigger in WORTH_AN_UPDATE if trigger.value in wanted)


@dataclass(frozen=True, slots=True)
class Edit:
    """What one button or control of the automations asks for: `automation-email_sent-up-create_deal`."""

    trigger: Trigger
    verb: str
    kind: ActionKind | None = None


def read_edit(act: str) -> Edit | None:
    """None where this is not about one automation."""
    head, _dash, rest = act.partition("-")
    trigger, _dash, rest = rest.partition("-")
    verb, _dash, kind = rest.partition("-")
    if head != "automation" or trigger not in set(Trigger):
        return None
    return Edit(Trigger(trigger), verb, ActionKind(kind) if kind in set(ActionKind) else None)


def edited(settings: Settings, edit: Edit) -> tuple[Settings, str]:
    """The settings after the edit, and the id of the control that the focus goes to; empty where it stays."""
    automation = automation_of(settings, edit.trigger)
    actions = list(automation.actions)
    number = next((n for n, action in enumerate(actions) if action.kind is edit.kind), None)
    focus = ""
    if edit.verb == "add" and edit.kind is not None and number is None:
        actions.append(Action(edit.kind))
        focus = first_control(edit.trigger, edit.kind)
    elif edit.verb == "remove" and number is not None:
        del actions[number]
        focus = control(edit.trigger, "add")
    elif edit.verb in MOVES and number is not None and edit.kind is not None:
        target = number + MOVES[edit.verb]
        if 0 <= target < len(actions):
            actions[number], actions[target] = actions[target], actions[number]
            focus = _arrow(edit, target, len(actions))
    return with_automation(settings, replace(automation, actions=tuple(actions))), focus


def _arrow(edit: Edit, number: int, count: int) -> str:
    """The arrow that was pressed, or the other one where the action came to the end of its way."""
    at_end = number == 0 if edit.verb == "up" else number == count - 1
    verb = {"up": "down", "down": "up"}[edit.verb] if at_end else edit.verb
    return control(edit.trigger, f"{edit.kind}-{verb}")


FIRST = {
    ActionKind.CREATE_DEAL: "pipeline",
    ActionKind.MOVE_DEAL_TO_STAGE: "pipeline",
    ActionKind.MOVE_DEAL_TO_NEXT_STAGE: "remove",
    ActionKind.ADD_ACTIVITY: "subject",
}


def first_control(trigger: Trigger, kind: ActionKind) -> str:
    return control(trigger, f"{kind}-{FIRST[kind]}")


def control(trigger: Trigger, name: str) -> str:
    """The id of a control of this trigger's section."""
    return f"auto-{trigger}-{name}"


def automation_of(settings: Settings, trigger: Trigger) -> Automation:
    """The trigger's automation; one that is off and does nothing where there is none."""
    found = (automation for automation in settings.automations if automation.trigger is trigger)
    return next(found, Automation(trigger, enabled=False))


def with_automation(settings: Settings, automation: Automation) -> Settings:
    """The settings with this automation in the place of its trigger's, in the triggers' order."""
    kept = {known.trigger: known for known in settings.automations} | {automation.trigger: automation}
    ordered = tuple(kept[trigger] for trigger in Trigger if trigger in kept and says_something(kept[trigger]))
    return replace(settings, automations=ordered)
