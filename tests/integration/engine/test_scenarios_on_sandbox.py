"""Every trigger with every action, against the sandbox over HTTP: the 24 scenarios, and the example as one chain."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.integration.engine.campaign_world import CampaignWorld, automation
from tests.integration.engine.world import _step, prospect
from tests.sandbox import RunningSandbox, running_sandbox
from tidegate.core.automation import Action, ActionKind, Trigger
from tidegate.core.catalogue import Pipeline
from tidegate.core.records import Side
from tidegate.core.runs import account_zone
from tidegate.services.drain import drain
from tidegate.store.catalogues import catalogues_to_json
from tidegate.store.inbox import News, add_changes
from tidegate.store.models import Connection, Intent
from tidegate.store.schedule import LaneSchedule
from tidegate.wiring.parts import CLOCK

pytestmark = pytest.mark.django_db

Story = Callable[["SandboxWorld"], Coroutine[Any, Any, None]]


@dataclass
class SandboxWorld(CampaignWorld):
    """The world of campaigns with a real Pipedrive client, a sandbox that keeps state, and a real clock."""

    running: RunningSandbox | None = None

    @property
    def sandbox(self) -> RunningSandbox:
        assert self.running is not None
        return self.running

    async def begin(self) -> None:
        self.real = self.sandbox.crm()
        catalogue = await self.real.read_catalogue()
        self.pipedrive_catalogue = catalogue
        self.crm = self.real  # type: ignore[assignment]
        self.clock = self.outreach.clock = CLOCK  # type: ignore[assignment]
        rows = Connection.objects.filter(pk=self.connection.pk)
        stored = catalogues_to_json(outreach=self.outreach_catalogue, pipedrive=catalogue)
        await _step(rows.update, catalogue=stored)

    @property
    def pipeline(self) -> Pipeline:
        return self.pipedrive_catalogue.pipelines[0]

    async def work(self) -> None:
        """Tell the inbox what happened, and work until nothing is due."""
        await _step(self._tell_outreach)
        await drain(await self._lane(), LaneSchedule(), seconds=20)

    def _tell_outreach(self) -> None:
        announced = self.outreach.announced[self.announcements_taken :]
        self.announcements_taken = len(self.outreach.announced)
        add_changes(self.connection, [News(Side.OUTREACH, "prospect", i) for i in announced])
        new = list(self.outreach.events)[self.events_told :]
        self.events_told = len(self.outreach.events)
        self.announce(new)

    async def person(self) -> tuple[str, int]:
        """A prospect, and the number of its person."""
        prospect_id = self.outreach.add(prospect("Signe Aaltonen"))
        await self.work()
        return prospect_id, int((await _step(self.links))[prospect_id])

    def kept(self, kind: str, person: int) -> list[dict[str, Any]]:
        """What the sandbox itself keeps of this person, whatever its API would answer."""
        account = self.sandbox.account
        return account.records(kind).where(account.id, ("person_id = ? AND is_deleted = 0", (person,)))


def play(story: Story) -> None:
    """In the thread of the test, so that its database transaction is seen."""

    async def run() -> None:
        async with running_sandbox() as running:
            world = await _step(SandboxWorld, running=running)
            await world.begin()
            await story(world)

    async_to_sync(run)()


def actions_of(pipeline: Pipeline) -> dict[ActionKind, Action]:
    return {
        ActionKind.CREATE_DEAL: Action(ActionKind.CREATE_DEAL, pipeline_id=pipeline.id),
        ActionKind.MOVE_DEAL_TO_STAGE: Action(
            ActionKind.MOVE_DEAL_TO_STAGE, pipeline_id=pipeline.id, stage_id=pipeline.stages[2].id
        ),
        ActionKind.MOVE_DEAL_TO_NEXT_STAGE: Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE),
        ActionKind.ADD_ACTIVITY: Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name}"),
    }


@pytest.mark.parametrize("kind", ActionKind)
@pytest.mark.parametrize("trigger", Trigger)
def test_each_of_the_24_scenarios_does_what_it_says(trigger: Trigger, kind: ActionKind) -> None:
    async def story(world: SandboxWorld) -> None:
        world.settings = replace(world.settings, owner_id="1")
        action = actions_of(world.pipeline)[kind]
        await _step(world.automate, automation(action, trigger=trigger))
        prospect_id, person = await world.person()
        stages = world.pipeline.stages
        deal = None
        if kind in (ActionKind.MOVE_DEAL_TO_STAGE, ActionKind.MOVE_DEAL_TO_NEXT_STAGE):
            deal = await world.real.create_deal(
                "By hand",
                person_id=str(person),
                pipeline_id=world.pipeline.id,
                stage_id=stages[0].id,
                owner_id=None,
            )

        world.outreach.happen(trigger.value, email_id=world.email_to(prospect_id))
        await world.work()

        deals = [(d["title"], str(d["stage_id"]), d["owner_id"]) for d in world.kept("deal", person)]
        tasks = [(a["subject"], a["done"], a["due_date"]) for a in world.kept("activity", person)]
        zone = account_zone(world.pipedrive_catalogue, "UTC")
        wanted_deals = {
            ActionKind.CREATE_DEAL: [("Signe Aaltonen deal", stages[0].id, 1)],
            ActionKind.MOVE_DEAL_TO_STAGE: [("By hand", stages[2].id, 1)],
            ActionKind.MOVE_DEAL_TO_NEXT_STAGE: [("By hand", stages[1].id, 1)],
            ActionKind.ADD_ACTIVITY: [],
        }
        assert deals == wanted_deals[kind]
        due = timezone.now().astimezone(zone).date().isoformat()
        assert tasks == ([("Call Signe", False, due)] if kind is ActionKind.ADD_ACTIVITY else [])
        assert await _step(world.outcomes) == [(kind, "performed")]
        assert (deal is None) == (kind in (ActionKind.CREATE_DEAL, ActionKind.ADD_ACTIVITY))

    play(story)


def test_the_example_is_one_chain_on_the_sandbox_with_its_email_in_the_timeline() -> None:
    async def story(world: SandboxWorld) -> None:
        world.settings = replace(world.settings, owner_id="1")
        actions = actions_of(world.pipeline)
        chain = [
            actions[kind]
            for kind in (ActionKind.CREATE_DEAL, ActionKind.MOVE_DEAL_TO_STAGE, ActionKind.ADD_ACTIVITY)
        ]
        await _step(world.automate, automation(*chain), history=True)
        prospect_id, person = await world.person()

        email_id = world.email_to(prospect_id, html="<p>Hi</p><script>alert(1)</script>")
        world.outreach.happen("email_sent", email_id=email_id)
        await world.work()

        (deal,) = world.kept("deal", person)
        assert (deal["title"], str(deal["stage_id"])) == ("Signe Aaltonen deal", world.pipeline.stages[2].id)
        task, email = sorted(world.kept("activity", person), key=lambda a: bool(a["done"]))
        assert (task["subject"], task["type"], task["done"]) == ("Call Signe", "task", False)
        assert (email["subject"], email["type"], email["done"]) == ("Hello from us (sent)", "email", True)
        assert task["deal_id"] == email["deal_id"] == deal["id"]
        assert "<p>Hi</p>" in email["note"]
        assert "script" not in email["note"]
        assert await _step(Intent.objects.count) == 0

    play(story)


def test_a_plan_that_is_full_fails_the_deal_alone() -> None:
    async def story(world: SandboxWorld) -> None:
        world.settings = replace(world.settings, owner_id="1")
        actions = actions_of(world.pipeline)
        chain = (actions[ActionKind.CREATE_DEAL], actions[ActionKind.ADD_ACTIVITY])
        await _step(world.automate, automation(*chain))
        prospect_id, person = await world.person()
        world.sandbox.change_company(seats=1, deals_per_seat=0)

        world.outreach.happen("email_sent", email_id=world.email_to(prospect_id))
        await world.work()

        assert world.kept("deal", person) == []
        assert len(world.kept("activity", person)) == 1
        assert [outcome for _, outcome in await _step(world.outcomes)] == ["failed", "performed"]
        assert "limit" in (await _step(world.reasons))[0]

    play(story)


def test_what_pipedrive_refuses_is_kept_with_its_case_as_it_was_asked_and_answered() -> None:
    async def story(world: SandboxWorld) -> None:
        action = actions_of(world.pipeline)[ActionKind.CREATE_DEAL]
        await _step(world.automate, automation(action, trigger=Trigger.EMAIL_SENT))
        prospect_id, _person = await world.person()
        world.sandbox.change_company(deals_per_seat=0)

        world.outreach.happen(Trigger.EMAIL_SENT.value, email_id=world.email_to(prospect_id))
        await world.work()

        (case,) = await _step(world.questions)
        asked = {name: case.details[name] for name in ("method", "path", "status", "tries")}
        assert asked == {"method": "POST", "path": "/api/v2/deals", "status": 403, "tries": 1}
        assert (case.details["text"], case.details["code"]) == (
            "Deals limit reached\nPlease check the usage limits.",
            "feature_capping_deals_limit",
        )
        assert world.sandbox.api_token not in str(case.details)

    play(story)
