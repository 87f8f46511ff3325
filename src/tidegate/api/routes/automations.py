"""Automations at work: what they did, and what they would have done or would do, without doing it."""

from typing import Self
from uuid import UUID

from ninja import Query, Router
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.find import find_connection
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import Answer, Body, GivenId, Id, Moment
from tidegate.core.automation import ActionKind, Trigger
from tidegate.core.runs import Outcome
from tidegate.core.simulation import Simulated, Verdict, Would, counted
from tidegate.store import queries
from tidegate.store.models import AutomationRun, RunAction
from tidegate.wiring import simulation

router = Router(tags=["Automations"])

LISTED = 500
"""How many events a simulation lists; the counts are of all."""


class RunActionAnswer(Answer):
    """One action of a run."""

    kind: str
    outcome: str = Field(description="`performed`, `not_performed`, `failed` or `waiting`.")
    text: str = Field(description="What it came to: the deal's title, the stages, the activity's subject.")
    reason: str = Field(description="Why it was not performed, or failed.")
    deal_id: str
    activity_id: str
    done_at: Moment | None

    @classmethod
    def of(cls, action: RunAction) -> Self:
        return cls(
            kind=str(action.action.get("kind", "")),
            outcome=action.outcome,
            text=action.text,
            reason=action.reason,
            deal_id=action.deal_id,
            activity_id=action.activity_id,
            done_at=action.done_at,
        )


class RunAnswer(Answer):
    """One automation at work for one campaign event, with its actions in order."""

    id: Id
    trigger: str
    event_id: Id
    event_at: Moment
    prospect_id: str
    person_id: str = Field(description="Empty: the prospect is not in Pipedrive, so nothing was done.")
    campaign_id: str
    campaign_name: str
    record_name: str
    created_at: Moment
    finished_at: Moment | None
    actions: list[RunActionAnswer]

    @classmethod
    def of(cls, run: AutomationRun) -> Self:
        own = {name: getattr(run, name) for name in cls.model_fields if name != "actions"}
        actions = [RunActionAnswer.of(action) for action in run.actions.all()]
        return cls.model_validate({**own, "actions": actions})


class RunQuery(PageQuery):
    prospect_id: GivenId | None = None
    trigger: Trigger | None = None
    outcome: Outcome | None = Field(None, description="Runs with an action that came to this.")


class SimulatedActionAnswer(Answer):
    kind: ActionKind
    would: Would = Field(
        description="`depends`: on an open deal of the person that Pipedrive alone could tell of."
    )
    text: str = Field(description="What it would come to, or why it would not be done.")


class SimulatedAnswer(Answer):
    """What one event would have set off."""

    event_id: Id
    at: Moment
    trigger: Trigger
    prospect_id: Id | None
    prospect_name: str
    campaign_name: str
    verdict: Verdict = Field(description="`double`: the automation had run for this already.")
    reason: str
    actions: list[SimulatedActionAnswer]

    @classmethod
    def of(cls, simulated: Simulated) -> Self:
        event = simulated.event
        return cls(
            event_id=event.id,
            at=event.at,
            trigger=simulated.trigger,
            prospect_id=event.prospect_id,
            prospect_name=simulated.prospect_name,
            campaign_name=event.campaign_name,
            verdict=simulated.verdict,
            reason=simulated.reason,
            actions=[SimulatedActionAnswer.model_validate(action) for action in simulated.actions],
        )


class TriggerCounts(Answer):
    """What the events of one trigger would have come to."""

    trigger: Trigger
    events: int
    runs: int
    doubles: int
    left_out: int = Field(description="The prospect is not in Pipedrive, and the settings keep it out.")
    actions: dict[str, dict[str, int]] = Field(
        description="Action -> `performed`, `not_performed`, `depends` -> how often."
    )


class SimulationAnswer(Answer):
    since: Moment
    until: Moment
    events: int = Field(description="How many there were, those that start nothing included.")
    cut_short: bool = Field(description="There were more; only the first are counted.")
    triggers: list[TriggerCounts]
    data: list[SimulatedAnswer] = Field(description=f"The newest first, at most {LISTED}.")


class SimulationQuery(Body):
    days: int = Field(simulation.DAYS, ge=1, le=90, description="How far back.")


class TryQuery(Body):
    prospect_id: GivenId


class TryAnswer(Answer):
    """What would happen now, were each event to come for this prospect."""

    prospect_id: Id
    linked: bool
    asked_pipedrive: bool = Field(description="Whether the person's open deals were looked at.")
    data: list[SimulatedAnswer]


@router.get(
    "/{connection_id}/automation-runs",
    auth=needs(Scope.READ),
    response=Page[RunAnswer],
    summary="List the runs of automations",
)
def list_runs(request: ApiRequest, connection_id: UUID, query: Query[RunQuery]) -> Page[RunAnswer]:
    """The newest first, each with what became of its actions."""
    wanted = queries.RunFilter(
        trigger=query.trigger or "", outcome=query.outcome or "", prospect_id=query.prospect_id or ""
    )
    runs = queries.filter_runs(find_connection(request, connection_id), wanted)
    return page_of(runs, query, RunAnswer.of, order=("-pk",))


@router.get(
    "/{connection_id}/automations/simulation",
    auth=needs(Scope.READ),
    response=SimulationAnswer,
    summary="Simulate the automations",
)
def simulate(request: ApiRequest, connection_id: UUID, query: Query[SimulationQuery]) -> SimulationAnswer:
    """What the stored automations would have done with the campaign events of the last days. Nothing is written."""
    done = simulation.simulate(find_connection(request, connection_id), days=query.days)
    return SimulationAnswer(
        since=done.since,
        until=done.until,
        events=done.events,
        cut_short=done.cut_short,
        triggers=[
            TriggerCounts(
                trigger=trigger,
                events=counts.events,
                runs=counts.runs,
                doubles=counts.doubles,
                left_out=counts.left_out,
                actions={
                    kind.value: {would.value: times for would, times in told.items()}
                    for kind, told in counts.actions.items()
                },
            )
            for trigger, counts in counted(done.done).items()
        ],
        data=[SimulatedAnswer.of(item) for item in reversed(done.done[-LISTED:])],
    )


@router.get(
    "/{connection_id}/automations/try",
    auth=needs(Scope.READ),
    response=TryAnswer,
    summary="Try the automations with one prospect",
)
def try_automations(request: ApiRequest, connection_id: UUID, query: Query[TryQuery]) -> TryAnswer:
    """What would happen if each event came now. Nothing is written; Pipedrive may be asked for the person's open deals."""
    connection = find_connection(request, connection_id)
    tried = simulation.try_with(connection, query.prospect_id)
    return TryAnswer(
        prospect_id=tried.prospect.id,
        linked=tried.is_linked,
        asked_pipedrive=tried.asked,
        data=[SimulatedAnswer.of(item) for item in tried.done],
    )
