"""Automations at work, and the activities of campaign e-mails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.core.automation import Action, Trigger
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.runs import Outcome as ActionOutcome


@dataclass(frozen=True, slots=True)
class StoredAction:
    """One action of a run, as the settings had it when the run began, and what became of it."""

    position: int
    action: Action
    outcome: ActionOutcome
    deal_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """An automation at work for one event, or one that was."""

    id: int
    trigger: Trigger
    event_id: str
    event_at: datetime
    prospect_id: str
    person_id: str
    """Empty: the prospect was not in Pipedrive, so nothing was done and nothing counts as having run."""
    campaign_id: str
    email_id: str
    actions: tuple[StoredAction, ...]


@dataclass(frozen=True, slots=True)
class RunToBegin:
    trigger: Trigger
    once_key: str
    event: CampaignEvent
    prospect_id: str
    person_id: str
    record_name: str
    actions: tuple[Action, ...]
    not_performed: str = ""
    """Why none of the actions can be performed, where that is known beforehand."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What became of one action."""

    run_id: int
    position: int
    outcome: ActionOutcome
    reason: str = ""
    text: str = ""
    deal_id: str = ""
    activity_id: str = ""


@dataclass(frozen=True, slots=True)
class EmailActivityRow:
    """The activity of a campaign e-mail, as it was written last."""

    email_id: str
    prospect_id: str
    person_id: str
    activity_id: str
    deal_id: str = ""
    moments: Mapping[Trigger, datetime] = field(default_factory=dict)
    digest: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Write the activity of this campaign e-mail when the time has come, unless that is planned for earlier already."""

    email_id: str
    due_at: datetime
