"""However events come, whoever dies, whatever people do with deals meanwhile: no more deals than the once-rule allows.

Random days: several campaigns and automations, events told again under their own keys and anew under others, in any order;
answers that get lost, workers that die before or after any call and any commit; deals won, lost, archived, dragged and
deleted by hand, and two persons merged into one.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.integration.engine.campaign_world import ADD, CREATE, TO_NEXT, TO_STAGE, CampaignWorld, automation
from tests.integration.engine.mortality import Countdown, Died, make_mortal
from tests.integration.engine.test_campaign_crashes import CALLS, READS, mortal_runs
from tidegate.core.automation import Often, Trigger
from tidegate.store.models import AutomationRun, Intent, RunAction

TRIGGERS = (Trigger.EMAIL_SENT, Trigger.EMAIL_OPENED, Trigger.LINK_CLICKED)
NAMES = ("Signe Aaltonen", "Bo Two", "Maja Lindqvist")
SEEDS = range(2)
HANDS = ("win", "lose", "archive", "drag", "delete", "merge")
EVENTS, EMAILS, STEPS = 14, 5, 4


@dataclass
class Day:
    """What happens, as plain data: who gets which e-mail of which campaign, what comes of it, and in which steps."""

    emails: list[tuple[int, str]]
    events: list[tuple[Trigger, int]]
    steps: list["Step"] = field(default_factory=list)


@dataclass
class Step:
    """Some events are told, and somebody may die over them; then somebody lays hands on a deal."""

    told: list[int]
    dies_at: int
    loses: str
    hands: str


def a_day(often: Often, seed: int) -> Day:
    dice = random.Random(f"{often} {seed}")
    emails = [(dice.randrange(len(NAMES)), dice.choice("12")) for _ in range(EMAILS)]
    day = Day(emails, [(dice.choice(TRIGGERS), dice.randrange(EMAILS)) for _ in range(EVENTS)])
    for _ in range(STEPS):
        told = dice.choices(range(EVENTS), k=6)
        loses = dice.choice(("", "create_deal", "create_activity", "move_deal"))
        day.steps.append(
            Step(told, dice.choice((0, dice.randrange(1, 40))), loses, dice.choice(("", *HANDS)))
        )
    return day


@pytest.mark.django_db
@pytest.mark.parametrize("often", Often)
@pytest.mark.parametrize("seed", SEEDS)
def test_there_are_never_more_deals_than_the_once_rule_allows(often: Often, seed: int) -> None:
    day, countdown = a_day(often, seed), Countdown(0)
    world = CampaignWorld(memory_class=mortal_runs(countdown))
    world.automate(
        automation(CREATE, TO_STAGE, ADD, trigger=Trigger.EMAIL_SENT, often=often),
        automation(CREATE, trigger=Trigger.EMAIL_OPENED, often=often),
        automation(CREATE, TO_NEXT, trigger=Trigger.LINK_CLICKED, often=often),
    )
    people = [world.synced(name) for name in NAMES]
    emails = [world.email_to(people[i], campaign=campaign, sent_at=None) for i, campaign in day.emails]
    events = [world.outreach.happen(trigger, email_id=emails[i]) for trigger, i in day.events]
    world.events_told = len(events)
    make_mortal(world.crm, CALLS, countdown)
    make_mortal(world.outreach, READS, countdown)
    for step in day.steps:
        if step.loses:
            world.crm.lose_answer(step.loses)
        countdown.left = step.dies_at
        world.announce([events[i] for i in step.told])
        try:
            world.drain()
        except Died:
            countdown.left = 0
        lay_hands(world, step.hands)
    countdown.left = 0
    world.announce(events)
    world.drain()

    allowed = {scope_of(world, event_id, often) for event_id in events}
    made = Counter(
        row.deal_id for row in RunAction.objects.filter(action__kind="create_deal").exclude(deal_id="")
    )
    assert set(made.values()) <= {1}
    assert made.keys() == world.crm.deals.keys()
    assert len(made) <= len(allowed)
    if not any(step.hands == "merge" for step in day.steps):
        assert len(made) == len(allowed)
        assert AutomationRun.objects.count() == len(allowed)
    assert world.unfinished() == 0
    assert not Intent.objects.exists()


def scope_of(world: CampaignWorld, event_id: str, often: Often) -> tuple[object, ...]:
    """What may set a deal off once."""
    event = world.outreach.events[event_id]
    within = {
        Often.PER_PROSPECT: None,
        Often.PER_CAMPAIGN: event.campaign_id,
        Often.EVERY_EMAIL: event.email_id,
    }
    return event.prospect_id, event.type, within[often]


def lay_hands(world: CampaignWorld, what: str) -> None:
    """On the newest deal that a run knows of, or on two persons."""
    if what == "merge":
        persons = world.crm.person_ids
        if len(persons) == len(NAMES):
            world.crm.merge_persons(persons[0], persons[1])
        return
    known = RunAction.objects.exclude(deal_id="").order_by("-pk").values_list("deal_id", flat=True).first()
    if not what or known is None or world.crm.deals[known].gone:
        return
    match what:
        case "win" | "lose":
            world.crm.end_deal(known, "won" if what == "win" else "lost")
        case "archive":
            world.crm.archive_deal(known)
        case "drag":
            world.crm.drag_deal(known, "1")
        case "delete":
            world.crm.delete_deal(known)


DAYS = [a_day(often, seed) for often in Often for seed in SEEDS]


@pytest.mark.parametrize(
    "reached",
    [
        lambda day: len({campaign for _, campaign in day.emails}) > 1,
        lambda day: any(_again(day, other_key=True)),
        lambda day: any(_again(day, other_key=False)),
        lambda day: any(len({day.events[i][0] for i in step.told}) == len(TRIGGERS) for step in day.steps),
        lambda day: any(step.told != sorted(step.told) for step in day.steps),
        lambda day: any(step.dies_at and step.loses for step in day.steps),
    ],
    ids=["several campaigns", "a repetition", "told again", "all automations at once", "shuffled", "trouble"],
)
def test_the_days_hold_what_they_are_meant_to(reached: object) -> None:
    assert callable(reached)
    assert sum(bool(reached(day)) for day in DAYS) >= len(DAYS) // 3


def test_every_trouble_is_met() -> None:
    steps = [step for day in DAYS for step in day.steps]
    assert {step.hands for step in steps} >= set(HANDS)
    assert {step.loses for step in steps} == {"", "create_deal", "create_activity", "move_deal"}
    assert len({step.dies_at for step in steps}) > 8


def _again(day: Day, *, other_key: bool) -> Sequence[bool]:
    """Whether the same happened twice, under another key or the same one."""
    if other_key:
        return [len(set(day.events)) < len(day.events)]
    told = Counter(i for step in day.steps for i in step.told)
    return [count > 1 for count in told.values()]
