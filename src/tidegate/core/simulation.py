"""What the automations would have done with events that happened already, without doing it. Requirement: A8a.

The decisions are those of `core.runs`; only what Pipedrive would have answered is made up: a deal that would have been created
counts as open from then on. Whether somebody had another open deal is asked of nobody here, unless the caller knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count

from tidegate.core.automation import Action, ActionKind, Automation, Trigger, find_pipeline, find_stage
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.deals import Deal
from tidegate.core.once import Ran, ran_already, told_more_exactly
from tidegate.core.records import Record
from tidegate.core.runs import (
    AddActivity,
    CampaignRules,
    CreateDeal,
    MoveDeal,
    NotPerformed,
    needs_deals,
    plan_action,
    template_fields,
)
from tidegate.words import say


class Verdict(StrEnum):
    """What would have become of one event."""

    RUNS = "runs"
    DOUBLE = "double"
    """The automation has run for this already: a repetition, or the once-rule."""
    LEFT_OUT = "left_out"
    """The prospect is not in Pipedrive and the settings keep it out."""


class Would(StrEnum):
    """What would have become of one action."""

    PERFORMED = "performed"
    NOT_PERFORMED = "not_performed"
    DEPENDS = "depends"
    """On an open deal that Pipedrive alone could tell of."""


@dataclass(frozen=True, slots=True)
class SimulatedAction:
    kind: ActionKind
    would: Would
    text: str
    """The deal's title, the stage, the activity's subject; or why nothing would have been done."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """One event with what its automation would have made of it."""

    event: CampaignEvent
    trigger: Trigger
    verdict: Verdict
    prospect_name: str
    reason: str = ""
    actions: tuple[SimulatedAction, ...] = ()


@dataclass(slots=True)
class _Past:
    """What has happened to one prospect so far in the simulation."""

    runs: list[Ran] = field(default_factory=list)
    deals: dict[str, Deal] | None = None
    """Open deals by id; None: nobody has asked, so there may be others."""
    made: dict[str, Deal] = field(default_factory=dict)

    @property
    def open_deals(self) -> tuple[Deal, ...]:
        return (*(self.deals or {}).values(), *self.made.values())

    def repeat(self, event: CampaignEvent, earlier: Ran) -> None:
        """The earlier run is known by the more exact of both tellings from now on."""
        known = told_more_exactly(earlier, event)
        if known is not None:
            self.runs[self.runs.index(earlier)] = known

    def keep(self, deal: Deal) -> None:
        if self.deals is not None and deal.id in self.deals:
            self.deals[deal.id] = deal
        else:
            self.made[deal.id] = deal


class Simulator:
    """Follows events in the order in which they happened, and remembers what each would have changed."""

    def __init__(self, rules: CampaignRules) -> None:
        self.rules = rules
        self._pasts: dict[str, _Past] = {}
        self._ids = count(10**12)

    def know_deals(self, prospect_id: str, deals: Iterable[Deal]) -> None:
        """The open deals Pipedrive has of this prospect's person now."""
        self._past(prospect_id).deals = {deal.id: deal for deal in deals}

    def know_runs(self, prospect_id: str, runs: Iterable[Ran]) -> None:
        """What has run for this prospect before."""
        self._past(prospect_id).runs.extend(runs)

    def follow(self, event: CampaignEvent, prospect: Record, why_not: str = "") -> Simulated | None:
        """What the event would have set off; None where no automation is switched on for it.

        `why_not`: why the settings keep the prospect out of Pipedrive, empty where it is there or may go there.
        """
        automation = self.rules.automation(event.trigger)
        if automation is None or event.trigger is None:
            return None
        name = template_fields(prospect, event.campaign_name)["name"]
        past = self._past(prospect.id)
        earlier = ran_already(automation.often, event, past.runs)
        if earlier is not None:
            past.repeat(event, earlier)
            return Simulated(
                event, event.trigger, Verdict.DOUBLE, name, _why_double(automation, event, earlier)
            )
        past.runs.append(Ran(event.trigger, event.id, event.campaign_id, event.email_id))
        if why_not:
            return Simulated(event, event.trigger, Verdict.LEFT_OUT, name, why_not)
        actions = self._run(automation, event, prospect, past)
        return Simulated(event, event.trigger, Verdict.RUNS, name, actions=actions)

    def _past(self, prospect_id: str) -> _Past:
        return self._pasts.setdefault(prospect_id, _Past())

    def _run(
        self, automation: Automation, event: CampaignEvent, prospect: Record, past: _Past
    ) -> tuple[SimulatedAction, ...]:
        created: Deal | None = None
        done = []
        for action in automation.actions:
            shown, deal = self._act(action, event, prospect, past, created)
            if deal is not None:
                past.keep(deal)
                created = deal if action.kind is ActionKind.CREATE_DEAL or created is not None else None
            done.append(shown)
        return tuple(done)

    def _act(
        self, action: Action, event: CampaignEvent, prospect: Record, past: _Past, created: Deal | None
    ) -> tuple[SimulatedAction, Deal | None]:
        """What the action comes to, and the deal as it would be afterwards."""
        asks = needs_deals(action, created)
        if asks and past.deals is None and not past.made:
            return SimulatedAction(action.kind, Would.DEPENDS, self._depends(action)), None
        deed = plan_action(
            action,
            fields=template_fields(prospect, event.campaign_name),
            deals=past.open_deals,
            created=created,
            rules=self.rules,
            today=self.rules.day_of(event.at),
        )
        match deed:
            case NotPerformed(reason):
                return SimulatedAction(action.kind, Would.NOT_PERFORMED, reason), None
            case AddActivity(subject):
                return SimulatedAction(action.kind, Would.PERFORMED, subject), None
            case CreateDeal(title, pipeline_id, stage_id):
                deal = Deal(
                    str(next(self._ids)), title, prospect.id, pipeline_id, stage_id, added_at=event.at
                )
                return SimulatedAction(action.kind, Would.PERFORMED, self._in_pipeline(deal)), deal
            case MoveDeal(deal, stage_id):
                stage = find_stage(self.rules.pipedrive, stage_id)
                pipeline_id = stage.pipeline_id if stage else deal.pipeline_id
                text = say("“{deal}” to “{stage}”", deal=deal.title, stage=stage.name if stage else stage_id)
                moved = replace(deal, stage_id=stage_id, pipeline_id=pipeline_id)
                return SimulatedAction(action.kind, Would.PERFORMED, text), moved

    def _in_pipeline(self, deal: Deal) -> str:
        pipeline = find_pipeline(self.rules.pipedrive, deal.pipeline_id)
        return say(
            "“{deal}” in “{pipeline}”",
            deal=deal.title,
            pipeline=pipeline.name if pipeline else deal.pipeline_id,
        )

    def _depends(self, action: Action) -> str:
        stage = find_stage(self.rules.pipedrive, action.stage_id)
        if stage is None:
            return say("Their open deal to the next stage, if they have one.")
        return say("Their open deal to “{stage}”, if they have one.", stage=stage.name)


def _why_double(automation: Automation, event: CampaignEvent, earlier: Ran) -> str:
    if earlier.email_id and earlier.email_id == event.email_id:
        return say("It happened before with this e-mail.")
    return {
        "per_campaign": say("It has run for this prospect and campaign."),
        "per_prospect": say("It has run for this prospect."),
        "every_email": say("It names no e-mail, or what ran before did not: this may be a repetition."),
    }[automation.often]


# --- Counted


@dataclass(slots=True)
class Counts:
    """What one trigger came to."""

    runs: int = 0
    doubles: int = 0
    left_out: int = 0
    actions: dict[ActionKind, dict[Would, int]] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return self.runs + self.doubles + self.left_out

    def add(self, simulated: Simulated) -> None:
        match simulated.verdict:
            case Verdict.RUNS:
                self.runs += 1
            case Verdict.DOUBLE:
                self.doubles += 1
            case Verdict.LEFT_OUT:
                self.left_out += 1
        for action in simulated.actions:
            counted = self.actions.setdefault(action.kind, dict.fromkeys(Would, 0))
            counted[action.would] += 1


def counted(simulated: Sequence[Simulated]) -> Mapping[Trigger, Counts]:
    """Per trigger, in the triggers' order."""
    counts = {trigger: Counts() for trigger in Trigger}
    for item in simulated:
        counts[item.trigger].add(item)
    return {trigger: found for trigger, found in counts.items() if found.events}
