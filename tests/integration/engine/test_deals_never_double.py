"""However events come, whoever dies, whatever people do with deals meanwhile: no more deals than the once-rule allows.

Random days: several campaigns and automations, events told again under their own keys, one by one or the whole batch, anew under
others, and imported once more as history, in any order; some name no e-mail, or no campaign either; answers that get lost, workers that die before or after any call and any commit; deals won, lost, archived, dragged and
deleted by hand, and two persons merged into one.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True)
class Event:
    """About one of the day's e-mails, which it may leave out, with its campaign or without."""

    trigger: Trigger
    email: int
    tells: str = "email"
    imported: bool = False


@dataclass
class Day:
    """What happens, as plain data: who gets which e-mail of which campaign, what comes of it, and in which steps."""

    emails: list[tuple[int, str]]
    events: list[Event]
    steps: list["Step"] = field(default_factory=list)


@dataclass
class Step:
    """Some events are told, and somebody may die over them; then somebody lays hands on a deal."""

    told: list[int]
    again: bool
    """The whole batch of the step before is told once more, beside the new one."""
    dies_at: int
    loses: str
    hands: str


def a_day(often: Often, seed: int) -> Day:
    dice = random.Random(f"{often} {seed}")
    emails = [(dice.randrange(len(NAMES)), dice.choice("12")) for _ in range(EMAILS)]
    day = Day(emails, [an_event(dice) for _ in range(EVENTS)])
    for number in range(STEPS):
        told = dice.choices(range(EVENTS), k=6)
        loses = dice.choice(("", "create_deal", "create_activity", "move_deal"))
        day.steps.append(
            Step(
                told,
                again=number > 0 and dice.random() < 0.5,
                dies_at=dice.choice((0, dice.randrange(1, 40))),
                loses=loses,
                hands=dice.choice(("", *HANDS)),
            )
        )
    return day


def an_event(dice: random.Random) -> Event:
    tells = dice.choices(("email", "campaign", "nothing"), (6, 3, 1))[0]
    return Event(dice.choice(TRIGGERS), dice.randrange(EMAILS), tells, imported=dice.random() < 0.15)


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
    events = [happen(world, each, emails[each.email]) for each in day.events]
    world.events_told = len(events)
    make_mortal(world.crm, CALLS, countdown)
    make_mortal(world.outreach, READS, countdown)
    for number, step in enumerate(day.steps):
        if step.loses:
            world.crm.lose_answer(step.loses)
        countdown.left = step.dies_at
        batch = [*(day.steps[number - 1].told if step.again else ()), *step.told]
        world.announce([events[i] for i in batch])
        try:
            world.drain()
        except Died:
            countdown.left = 0
        lay_hands(world, step.hands)
    countdown.left = 0
    world.announce(events)
    world.drain()

    allowed = most_exact({scope_of(world, event_id, often) for event_id in events})
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


def happen(world: CampaignWorld, event: Event, email_id: str) -> str:
    email = world.outreach.emails[email_id]
    facts: dict[str, Any] = {"historical": event.imported, "prospect_id": email.prospect_id}
    match event.tells:
        case "email":
            return world.outreach.happen(event.trigger, email_id=email_id, **facts)
        case "campaign":
            return world.outreach.happen(event.trigger, campaign_id=email.campaign_id, **facts)
    return world.outreach.happen(event.trigger, **facts)


Scope = tuple[str | None, ...]


def scope_of(world: CampaignWorld, event_id: str, often: Often) -> Scope | None:
    """What may set a deal off once, as exactly as the event tells; None where it sets nothing off."""
    event = world.outreach.events[event_id]
    told = [told for told in (event.campaign_id, event.email_id) if told is not None]
    asked = {Often.PER_PROSPECT: 0, Often.PER_CAMPAIGN: 1, Often.EVERY_EMAIL: 2}[often]
    return None if event.historical else (event.prospect_id, event.type, *told[:asked])


def most_exact(scopes: set[Scope | None]) -> set[Scope]:
    """What is told less exactly may be a repetition of what is told more exactly, and counts as one."""
    known = {scope for scope in scopes if scope is not None}
    return {s for s in known if not any(other != s and other[: len(s)] == s for other in known)}


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
        lambda day: any(
            len({day.events[i].trigger for i in step.told}) == len(TRIGGERS) for step in day.steps
        ),
        lambda day: any(step.told != sorted(step.told) for step in day.steps),
        lambda day: any(step.dies_at and step.loses for step in day.steps),
        lambda day: any(step.again for step in day.steps),
        lambda day: told_before(day, "campaign"),
        lambda day: told_before(day, "nothing"),
        lambda day: told_before(day, "email"),
        lambda day: any(day.events[i].imported for step in day.steps for i in step.told),
    ],
    ids=[
        "several campaigns",
        "a repetition",
        "told again",
        "all automations at once",
        "shuffled",
        "trouble",
        "a whole batch again",
        "an event without an e-mail before one with it",
        "an event without a campaign before one with it",
        "an event with an e-mail before one without it",
        "imported",
    ],
)
def test_the_days_hold_what_they_are_meant_to(reached: object) -> None:
    assert callable(reached)
    assert sum(bool(reached(day)) for day in DAYS) >= len(DAYS) // 3


def test_every_trouble_is_met() -> None:
    steps = [step for day in DAYS for step in day.steps]
    assert {step.hands for step in steps} >= set(HANDS)
    assert {step.loses for step in steps} == {"", "create_deal", "create_activity", "move_deal"}
    assert len({step.dies_at for step in steps}) > 8


def told_before(day: Day, tells: str) -> bool:
    """Whether an event that tells this much comes before one that may be about the same and tells more, or else less."""
    told = [day.events[i] for step in day.steps for i in step.told if not day.events[i].imported]
    return any(
        one.tells == tells and may_be_one(day, one, other) and (other.tells == "email") is (tells != "email")
        for place, one in enumerate(told)
        for other in told[place + 1 :]
    )


def may_be_one(day: Day, one: Event, other: Event) -> bool:
    (whose, campaign), (others, others_campaign) = day.emails[one.email], day.emails[other.email]
    told = "nothing" not in (one.tells, other.tells)
    return (one.trigger, whose) == (other.trigger, others) and (not told or campaign == others_campaign)


def _again(day: Day, *, other_key: bool) -> Sequence[bool]:
    """Whether the same happened twice, under another key or the same one."""
    if other_key:
        return [len(set(day.events)) < len(day.events)]
    told = Counter(i for step in day.steps for i in step.told)
    return [count > 1 for count in told.values()]
