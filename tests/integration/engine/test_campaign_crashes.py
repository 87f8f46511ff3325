"""The worker dies before or after any call and any commit of a campaign's day: nothing is made twice, nothing is left out.

Every point is tried in turn, with events that come doubled and shuffled.
"""

import random
from typing import Any

import pytest

from tests.integration.engine.campaign_world import ADD, CHAIN, TO_NEXT, CampaignWorld, automation
from tests.integration.engine.mortality import Countdown, Died, make_mortal, mortal_memory
from tidegate.core.automation import Trigger
from tidegate.store.memory import LaneMemory
from tidegate.store.models import EmailActivity, Intent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands")]

CALLS = (
    "create_deal",
    "move_deal",
    "open_deals",
    "get_deals",
    "deals_since",
    "create_activity",
    "update_activity",
    "activities_since",
    "create_person",
)
READS = ("get_prospects", "get_campaign_events", "get_campaign_emails")
AUTOMATIONS = (
    automation(*CHAIN),
    automation(TO_NEXT, ADD, trigger=Trigger.LINK_CLICKED),
)


def mortal_runs(countdown: Countdown) -> type[LaneMemory]:
    class Mortal(mortal_memory(countdown)):  # type: ignore[misc]
        def begin_runs(self, *args: Any, **kwargs: Any) -> None:
            countdown("before begin_runs")
            super().begin_runs(*args, **kwargs)
            countdown("after begin_runs")

    return Mortal


def a_campaigns_day(world: CampaignWorld, people: list[str]) -> None:
    """Both get the e-mail; it is opened and clicked; everything is told twice, in no order."""
    events = []
    for prospect_id in people:
        email_id = world.email_to(prospect_id)
        for minute, trigger in enumerate(("email_sent", "email_opened", "link_clicked")):
            at = world.clock.now().replace(microsecond=minute)
            events.append(world.outreach.happen(trigger, email_id=email_id, at=at))
    world.events_told = len(world.outreach.events)
    told = events * 2
    random.Random(7).shuffle(told)
    world.announce(told)


def outcome(world: CampaignWorld, people: list[str]) -> dict[str, Any]:
    return {
        "deals": [[(d.title, d.stage_id) for d in world.deals(i)] for i in people],
        "tasks": [sorted(a.subject for a in world.activities(i, done=False)) for i in people],
        "emails": [[a.subject for a in world.activities(i, done=True)] for i in people],
        "outcomes": sorted(world.outcomes()),
        "unfinished": world.unfinished(),
        "intents": Intent.objects.count(),
        "history": EmailActivity.objects.count(),
    }


WANTED: dict[str, Any] = {
    "deals": [[("Signe Aaltonen deal", "3")], [("Bo Two deal", "3")]],
    "tasks": [
        ["Call Signe about Campaign 1", "Call Signe about Campaign 1"],
        ["Call Bo about Campaign 1", "Call Bo about Campaign 1"],
    ],
    "emails": [["Hello from us (clicked)"], ["Hello from us (clicked)"]],
    "outcomes": sorted([(a.kind, "performed") for a in (*CHAIN, TO_NEXT, ADD)] * 2),
    "unfinished": 0,
    "intents": 0,
    "history": 2,
}


def day_that_dies_at(points: int) -> tuple[Countdown, dict[str, Any]]:
    countdown = Countdown(0)
    world = CampaignWorld(memory_class=mortal_runs(countdown))
    world.automate(*AUTOMATIONS, history=True)
    people = [world.synced(), world.synced("Bo Two")]
    make_mortal(world.crm, CALLS, countdown)
    make_mortal(world.outreach, READS, countdown)
    countdown.left = points
    a_campaigns_day(world, people)
    try:
        world.drain()
    except Died:
        countdown.left = 0
        world.drain()
    return countdown, outcome(world, people)


def test_an_undisturbed_day_comes_to_what_is_wanted():
    _, found = day_that_dies_at(0)

    assert found == WANTED


MOST_POINTS = 84


@pytest.mark.parametrize("point", range(1, MOST_POINTS + 1))
def test_a_death_at_any_point_changes_nothing_in_the_end(point):
    _, found = day_that_dies_at(point)

    assert found == WANTED


def test_every_point_was_tried():
    countdown, _ = day_that_dies_at(MOST_POINTS + 1)

    assert countdown.left > 0, "The day has more points than are tried."
