"""What an automation will do, as an example sentence about somebody who is really in the lists.

The sentence is made of whole phrases, so that each can be translated; values are set off and escaped.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tidegate.core.automation import (
    Action,
    ActionKind,
    Automation,
    Often,
    Trigger,
    fill,
    find_pipeline,
    find_stage,
)
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Example:
    """Whom the sentence is about: the values of the template fields."""

    fields: Mapping[str, str] = field(default_factory=dict)
    is_somebody: bool = True
    """Whether there is such a prospect, and not only what the fields stand for."""

    @property
    def name(self) -> str:
        return self.fields.get("name") or _("a prospect")

    @property
    def campaign(self) -> str:
        return self.fields.get("campaign") or _("a campaign")

    def filled(self, template: str) -> str:
        return fill(template, self.fields)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the phrases of one sentence share."""

    example: Example
    pipedrive: PipedriveCatalogue
    owner: str
    makes_deal: bool


def sentence(
    automation: Automation, settings: Settings, pipedrive: PipedriveCatalogue, example: Example
) -> SafeString | str:
    """Empty for an automation that does nothing, or is off."""
    if not automation.enabled or not automation.actions:
        return ""
    owner = next((user.name for user in pipedrive.users if user.id == settings.owner_id), "")
    phrases = []
    makes_deal = False
    for action in automation.actions:
        phrases.append(_DOES[action.kind](action, _Scene(example, pipedrive, owner, makes_deal)))
        makes_deal = makes_deal or action.kind is ActionKind.CREATE_DEAL
    facts = {"name": example.name, "campaign": example.campaign}
    happens = format_html(_WHEN[automation.trigger](), **facts)
    first = format_html(_("For example: {happens}, Tidegate {does}."), happens=happens, does=_and(phrases))
    return format_html_join(" ", "{}", ((text,) for text in (first, *_limits(automation))))


def _limits(automation: Automation) -> Iterable[str]:
    """What the sentence doesn't promise: a deal that is not there, and a second time."""
    kinds = [action.kind for action in automation.actions]
    moves = [n for n, kind in enumerate(kinds) if kind in _MOVES]
    creates = kinds.index(ActionKind.CREATE_DEAL) if ActionKind.CREATE_DEAL in kinds else len(kinds)
    if any(number < creates for number in moves):
        yield _("Without an open deal nothing is moved, and the log says so.")
    yield {
        Often.PER_CAMPAIGN: _("Once for each prospect and campaign."),
        Often.PER_PROSPECT: _("Once for each prospect, whatever the campaign."),
        Often.EVERY_EMAIL: _("Once for each e-mail."),
    }[automation.often]


_MOVES = (ActionKind.MOVE_DEAL_TO_STAGE, ActionKind.MOVE_DEAL_TO_NEXT_STAGE)

_WHEN: dict[Trigger, Callable[[], str]] = {
    Trigger.EMAIL_SENT: lambda: _("when “{campaign}” is sent to {name}"),
    Trigger.EMAIL_OPENED: lambda: _("when {name} opens an e-mail of “{campaign}”"),
    Trigger.LINK_CLICKED: lambda: _("when {name} clicks a link in “{campaign}”"),
    Trigger.EMAIL_REPLIED: lambda: _("when {name} replies to “{campaign}”"),
    Trigger.EMAIL_BOUNCED: lambda: _("when an e-mail of “{campaign}” can’t be delivered to {name}"),
    Trigger.UNSUBSCRIBED: lambda: _("when {name} unsubscribes from “{campaign}”"),
}


def _creates(action: Action, scene: _Scene) -> SafeString:
    pipeline = find_pipeline(scene.pipedrive, action.pipeline_id)
    return format_html(
        _("creates the deal <b>{title}</b> in <b>{pipeline}</b>"),
        title=scene.example.filled(action.title) or _("without a title"),
        pipeline=pipeline.name if pipeline else _("a pipeline you still have to choose"),
    )


def _moves(action: Action, scene: _Scene) -> SafeString:
    stage = find_stage(scene.pipedrive, action.stage_id)
    text = (
        _("moves it to <b>{stage}</b>") if scene.makes_deal else _("moves their open deal to <b>{stage}</b>")
    )
    return format_html(text, stage=stage.name if stage else _("a stage you still have to choose"))


def _moves_on(action: Action, scene: _Scene) -> SafeString:
    text = (
        _("moves it to the next stage") if scene.makes_deal else _("moves their open deal to the next stage")
    )
    return format_html("{}", text)


def _adds(action: Action, scene: _Scene) -> SafeString:
    subject = scene.example.filled(action.subject) or _("without a subject")
    if not scene.owner:
        return format_html(_("adds the task <b>{subject}</b>, due the same day"), subject=subject)
    text = _("adds the task <b>{subject}</b> for {owner}, due the same day")
    return format_html(text, subject=subject, owner=scene.owner)


_DOES: dict[ActionKind, Callable[[Action, _Scene], SafeString]] = {
    ActionKind.CREATE_DEAL: _creates,
    ActionKind.MOVE_DEAL_TO_STAGE: _moves,
    ActionKind.MOVE_DEAL_TO_NEXT_STAGE: _moves_on,
    ActionKind.ADD_ACTIVITY: _adds,
}


def _and(phrases: list[SafeString]) -> SafeString:
    if len(phrases) == 1:
        return phrases[0]
    earlier = format_html_join(", ", "{}", ((phrase,) for phrase in phrases[:-1]))
    if len(phrases) == 2:
        return format_html(_("{first} and {last}"), first=earlier, last=phrases[-1])
    return format_html(_("{first}, and {last}"), first=earlier, last=phrases[-1])
