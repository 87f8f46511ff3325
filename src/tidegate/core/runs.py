"""What becomes of a campaign event: which automation it starts, and what each of its actions comes to.

Functions over plain values, so that the simulation, a try and the real thing can't differ. Rules: docs/sync-rules.md,
*Automations*. Requirements: A2-A8.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from tidegate.core.automation import (
    WORTH_AN_UPDATE,
    Action,
    ActionKind,
    Automation,
    Trigger,
    fill,
    find_pipeline,
    find_stage,
)
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.deals import Deal, deal_to_move, first_stage, next_stage
from tidegate.core.records import COMPANY, FIRST_NAME, LAST_NAME, Record
from tidegate.words import say


class Outcome(StrEnum):
    """What became of one action of a run."""

    WAITING = "waiting"
    PERFORMED = "performed"
    NOT_PERFORMED = "not_performed"
    """There was nothing it could be done with; the reason says what."""
    FAILED = "failed"
    """Pipedrive refused it; the reason says why."""


@dataclass(frozen=True, slots=True)
class CampaignRules:
    """What the settings of a connection say about campaign events now."""

    automations: tuple[Automation, ...] = ()
    """Those that act."""
    history: bool = True
    """Whether campaign e-mails become activities."""
    history_events: tuple[Trigger, ...] = WORTH_AN_UPDATE
    unsubscribes: bool = False
    """Whether who unsubscribes or bounces is unsubscribed in Pipedrive, too."""
    owner_id: str | None = None
    launched_at: datetime | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """The account's."""
    pipedrive: PipedriveCatalogue = field(default_factory=PipedriveCatalogue)

    @property
    def pipelines(self) -> frozenset[str]:
        """Those that the automations work in."""
        actions = (action for automation in self.automations for action in automation.actions)
        return frozenset(action.pipeline_id for action in actions if action.pipeline_id)

    def day_of(self, moment: datetime) -> date:
        """By the account's clock, with its summer time."""
        return moment.astimezone(self.zone).date()

    def automation(self, trigger: Trigger | None) -> Automation | None:
        return next((a for a in self.automations if a.trigger is trigger), None)


def why_no_news(event: CampaignEvent, launched_at: datetime | None) -> str:
    """Why an event is only part of the story and sets nothing off; empty where it may."""
    if event.historical:
        return say("It was imported.")
    if launched_at is None or event.at < launched_at:
        return say("It happened before the launch.")
    if event.automatic:
        if event.type == Trigger.EMAIL_REPLIED:
            return say("It is an automatic reply.")
        return say("A program did this.")
    if event.trigger is None:
        return say("Nothing is set off by this type of event.")
    return ""


def account_zone(pipedrive: PipedriveCatalogue, otherwise: str) -> ZoneInfo:
    """The zone of the connected user, else the workspace's; UTC where neither is known here."""
    told = [user.time_zone for user in pipedrive.users if user.is_me]
    for name in (*told, otherwise):
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, LookupError):  # an unknown name, or a zone this machine has no data of
            continue
    return ZoneInfo("UTC")


# --- What an action comes to


@dataclass(frozen=True, slots=True)
class CreateDeal:
    title: str
    pipeline_id: str
    stage_id: str


@dataclass(frozen=True, slots=True)
class MoveDeal:
    deal: Deal
    stage_id: str


@dataclass(frozen=True, slots=True)
class AddActivity:
    subject: str
    due_date: date


@dataclass(frozen=True, slots=True)
class NotPerformed:
    reason: str


Deed = CreateDeal | MoveDeal | AddActivity | NotPerformed


def needs_deals(action: Action, created: Deal | None) -> bool:
    """Whether the person's open deals must be seen before this can be decided."""
    moves = action.kind in (ActionKind.MOVE_DEAL_TO_STAGE, ActionKind.MOVE_DEAL_TO_NEXT_STAGE)
    return moves and created is None


def plan_action(
    action: Action,
    *,
    fields: Mapping[str, str],
    deals: Sequence[Deal],
    created: Deal | None,
    rules: CampaignRules,
    today: date,
) -> Deed:
    """What is to be done, or why nothing is. `deals`: the person's open ones; `created`: the deal of the same run."""
    match action.kind:
        case ActionKind.CREATE_DEAL:
            stage = first_stage(rules.pipedrive.pipelines, action.pipeline_id)
            if stage is None:
                return NotPerformed(say("The chosen pipeline no longer exists, or has no stage."))
            return CreateDeal(
                fill(action.title, fields) or fill("{name}", fields), stage.pipeline_id, stage.id
            )
        case ActionKind.MOVE_DEAL_TO_STAGE:
            return _to_stage(action, deals, created, rules.pipedrive)
        case ActionKind.MOVE_DEAL_TO_NEXT_STAGE:
            return _to_next_stage(deals, created, rules.pipedrive)
        case ActionKind.ADD_ACTIVITY:
            return AddActivity(fill(action.subject, fields) or fill("{name}", fields), today)


def unless_overtaken(deed: Deed, at: datetime, placed: Mapping[str, datetime]) -> Deed:
    """What is left of a deed for an event of `at`, where a later event has put the deal into a stage already.

    `placed`: deal id -> when the latest event happened that put it into a chosen stage. An event that became known late
    takes no deal back.
    """
    if isinstance(deed, MoveDeal) and placed.get(deed.deal.id, at) > at:
        return NotPerformed(
            say("“{deal}” was put into its stage by what happened later.", deal=deed.deal.title)
        )
    return deed


def in_order(events: Iterable[CampaignEvent]) -> list[CampaignEvent]:
    """As they happened; those of one moment as they came in."""
    return sorted(events, key=place_in_time)


def place_in_time(event: CampaignEvent) -> tuple[datetime, datetime, int]:
    """What an event is ordered by among those of its prospect."""
    return event.at, event.received_at, _number(event.id)


def _number(event_id: str) -> int:
    return int(event_id) if event_id.isdecimal() else 0


def _to_stage(
    action: Action, deals: Sequence[Deal], created: Deal | None, pipedrive: PipedriveCatalogue
) -> Deed:
    stage = find_stage(pipedrive, action.stage_id)
    if stage is None:
        return NotPerformed(say("The chosen stage no longer exists."))
    deal = deal_to_move(
        deals,
        created=created,
        pipeline_id=stage.pipeline_id,
        only_in_pipeline=action.only_in_pipeline,
    )
    if deal is None and action.only_in_pipeline:
        pipeline = find_pipeline(pipedrive, stage.pipeline_id)
        return NotPerformed(
            say(
                "There is no open deal of this person in “{pipeline}”.",
                pipeline=pipeline.name if pipeline else stage.pipeline_id,
            )
        )
    if deal is None:
        return NotPerformed(say("There is no open deal of this person."))
    if deal.stage_id == stage.id:
        return NotPerformed(say("“{deal}” is in “{stage}” already.", deal=deal.title, stage=stage.name))
    return MoveDeal(deal, stage.id)


def _to_next_stage(deals: Sequence[Deal], created: Deal | None, pipedrive: PipedriveCatalogue) -> Deed:
    deal = deal_to_move(deals, created=created, pipeline_id=None)
    if deal is None:
        return NotPerformed(say("There is no open deal of this person."))
    try:
        stage = next_stage(pipedrive.pipelines, deal)
    except LookupError:
        return NotPerformed(
            say(
                "The stage of “{deal}” is not among those Pipedrive shows. Refresh the pipelines.",
                deal=deal.title,
            )
        )
    if stage is None:
        return NotPerformed(say("“{deal}” is in the last stage of its pipeline already.", deal=deal.title))
    return MoveDeal(deal, stage.id)


def template_fields(prospect: Record, campaign_name: str) -> dict[str, str]:
    """What the templates are filled with. Who has no name is called by the address."""

    def text(key: str) -> str:
        value = prospect.value(key)
        return value.strip() if isinstance(value, str) else ""

    name = prospect.name or next(iter(prospect.emails), "") or say("Prospect {id}", id=prospect.id)
    return {
        "name": name,
        "first_name": text(FIRST_NAME) or name,
        "last_name": text(LAST_NAME),
        "company": text(COMPANY),
        "campaign": campaign_name,
    }
