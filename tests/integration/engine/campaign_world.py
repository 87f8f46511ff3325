"""The engine's world with campaigns: prospects get e-mails, things happen to them, and deals stand on a board."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.integration.engine.world import World, prospect
from tests.pairs import PIPELINES
from tidegate.core.automation import Action, ActionKind, Automation, Often, Trigger
from tidegate.core.deals import Deal, NewActivity
from tidegate.core.records import Side
from tidegate.core.runs import Outcome
from tidegate.ports import Feature
from tidegate.services.drain import Drained
from tidegate.services.engine import Lane
from tidegate.store.catalogues import catalogues_to_json
from tidegate.store.inbox import News, add_changes, closed_consent
from tidegate.store.models import AutomationRun, Change, Connection, RunAction

CREATE = Action(ActionKind.CREATE_DEAL, pipeline_id="1")
TO_STAGE = Action(ActionKind.MOVE_DEAL_TO_STAGE, pipeline_id="1", stage_id="2")
TO_NEXT = Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE)
ADD = Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name} about {campaign}")
CHAIN = (CREATE, TO_STAGE, ADD)
"""The example of the product's description: create a deal, move it to a stage, add an activity."""


def automation(
    *actions: Action, trigger: Trigger = Trigger.EMAIL_SENT, often: Often = Often.PER_CAMPAIGN
) -> Automation:
    return Automation(trigger, often=often, actions=actions)


@dataclass
class CampaignWorld(World):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.crm.pipelines = list(PIPELINES)
        self.pipedrive_catalogue = replace(
            self.pipedrive_catalogue, pipelines=PIPELINES, activity_types=("email", "task")
        )
        Connection.objects.filter(pk=self.connection.pk).update(
            launched_at=timezone.now() - timedelta(days=60),
            catalogue=catalogues_to_json(
                outreach=self.outreach_catalogue, pipedrive=self.pipedrive_catalogue
            ),
        )
        self.events_told = 0
        self.share_left = 1.0
        self.spend_as: Callable[[Feature], None] = lambda feature: None

    async def _lane(self) -> Lane:
        lane = await super()._lane()
        for engine in lane.engines:
            engine.share_left = lambda feature: self.share_left
            engine.spend_as = self.spend_as
        return lane

    @property
    def zone(self) -> ZoneInfo:
        """The connected user's."""
        return ZoneInfo("Europe/Helsinki")

    def automate(self, *automations: Automation, history: bool = False, unsubscribes: bool = False) -> None:
        self.use(
            replace(
                self.settings,
                automations=automations,
                include_email_history=history,
                unsubscribe_in_pipedrive=unsubscribes,
            )
        )

    # --- what happens

    def synced(self, name: str = "Signe Aaltonen") -> str:
        """A prospect whose person is there and linked."""
        prospect_id = self.outreach.add(prospect(name))
        self.drain()
        return prospect_id

    def email_to(self, prospect_id: str, *, campaign: str = "1", **facts: object) -> str:
        told: dict[str, object] = {
            "campaign_id": campaign,
            "campaign_name": f"Campaign {campaign}",
            "subject": "Hello from us",
            "html": "<p>Are you well?</p>",
            "sent_at": self.clock.now(),
        }
        return self.outreach.send(prospect_id, **(told | facts))

    def tell(self, *, twice: bool = False) -> int:
        told = super().tell(twice=twice)
        new = list(self.outreach.events)[self.events_told :]
        self.events_told = len(self.outreach.events)
        self.announce(new)
        return told + len(new)

    def announce(self, event_ids: list[str]) -> None:
        add_changes(
            self.connection, [News(Side.OUTREACH, "campaign_event", i, source="campaign") for i in event_ids]
        )

    def close(self, prospect_id: str, consent: str = "unsubscribed", *, told: bool = True) -> None:
        """Somebody says by hand that campaigns may not write to the prospect. Not `told`: before the connection listened."""
        self.outreach.close(prospect_id, consent)
        if told:
            add_changes(self.connection, [closed_consent(prospect_id, "Maja")])

    def drain_now(self) -> Drained:
        """Only what is due already, by the clock of this world, which runs ahead of the database's."""
        self.tell()
        ended = async_to_sync(self._drain)()
        while self.pass_time():
            ended = async_to_sync(self._drain)()
        return ended

    def pass_time(self, **span: float) -> int:
        """What was planned for the time to come falls due. How much did."""
        self.clock.move(timedelta(**span).total_seconds())
        waiting = Change.objects.filter(connection=self.connection, done_at=None)
        early = waiting.filter(due_at__lte=self.clock.now(), due_at__gt=timezone.now())
        return early.update(due_at=timezone.now())

    # --- what is there

    def person_of(self, prospect_id: str) -> str:
        return self.links()[prospect_id]

    def deals(self, prospect_id: str) -> list[Deal]:
        return self.crm.deals_of(self.person_of(prospect_id))

    def activities(self, prospect_id: str, *, done: bool | None = None) -> list[NewActivity]:
        found = self.crm.activities_of(self.person_of(prospect_id))
        return [activity for activity in found if done is None or activity.done is done]

    def outcomes(self, **wanted: object) -> list[tuple[str, str]]:
        """(kind, outcome) of every action, in the order of the runs."""
        rows = RunAction.objects.filter(run__connection=self.connection, **wanted)
        rows = rows.order_by("run_id", "position")
        return [(row.action["kind"], row.outcome) for row in rows]

    def reasons(self) -> list[str]:
        rows = RunAction.objects.filter(run__connection=self.connection).exclude(reason="")
        return list(rows.order_by("run_id", "position").values_list("reason", flat=True))

    def unfinished(self) -> int:
        waiting = RunAction.objects.filter(
            run__connection=self.connection, outcome=Outcome.WAITING.value
        ).count()
        runs = AutomationRun.objects.filter(connection=self.connection, finished_at=None)
        return waiting + runs.count()
