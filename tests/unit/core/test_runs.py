"""What a campaign event sets off, and what each action comes to."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pairs import PIPELINES, make_prospect
from tidegate.core.automation import MAX_TEXT, Action, ActionKind
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.catalogue import PipedriveCatalogue, Pipeline, Stage, User
from tidegate.core.deals import Deal, first_stage, next_stage
from tidegate.core.runs import (
    AddActivity,
    CampaignRules,
    CreateDeal,
    MoveDeal,
    NotPerformed,
    account_zone,
    in_order,
    needs_deals,
    plan_action,
    template_fields,
    unless_overtaken,
    why_no_news,
)

LAUNCH = datetime(2026, 5, 1, tzinfo=UTC)
RULES = CampaignRules(pipedrive=PipedriveCatalogue(pipelines=PIPELINES), launched_at=LAUNCH)
TODAY = date(2026, 5, 4)
FIELDS = {"name": "Ann One", "first_name": "Ann", "last_name": "One", "company": "", "campaign": "Q2"}
CREATE = Action(ActionKind.CREATE_DEAL, pipeline_id="1")
TO_STAGE = Action(ActionKind.MOVE_DEAL_TO_STAGE, pipeline_id="1", stage_id="2")
TO_NEXT = Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE)
ADD = Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name} about {campaign}")


def event(type: str = "email_sent", **facts) -> CampaignEvent:
    told = CampaignEvent(
        "1", "key", type, LAUNCH, LAUNCH, prospect_id="11", campaign_id="5", campaign_name="Q2", email_id="7"
    )
    return replace(told, **facts)


def deal(number: int = 1, *, stage: str = "1", pipeline: str = "1", age: int = 0, **facts) -> Deal:
    added = LAUNCH - timedelta(days=age)
    return Deal(str(number), f"Deal {number}", "21", pipeline, stage, added_at=added, **facts)


def planned(action: Action, *deals: Deal, created: Deal | None = None, rules: CampaignRules = RULES):
    return plan_action(action, fields=FIELDS, deals=deals, created=created, rules=rules, today=TODAY)


# --- Which events


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"historical": True}, "It was imported"),
        ({"type": "email_replied", "automatic": True}, "It is an automatic reply"),
        ({"type": "email_opened", "automatic": True}, "A program did this"),
        ({"type": "link_clicked", "automatic": True}, "A program did this"),
        ({"at": LAUNCH - timedelta(seconds=1)}, "It happened before the launch"),
        ({"type": "complained"}, "Nothing is set off by this type of event"),
        ({"type": ""}, "Nothing is set off by this type of event"),
    ],
)
def test_what_is_only_part_of_the_story_sets_nothing_off(facts, why):  # R1
    assert why_no_news(event(), LAUNCH) == ""
    assert why_no_news(event(**facts), LAUNCH) == f"{why}."


def test_before_the_launch_nothing_is_set_off(launch=None):  # R1
    assert why_no_news(event(), launch)


@given(st.permutations(range(6)))
def test_events_are_taken_as_they_happened_and_those_of_one_moment_as_they_came_in(order):  # R13
    minutes = [0, 1, 1, 2, 2, 9]
    told = [
        event(id=str(number), at=LAUNCH + timedelta(minutes=minutes[number]), received_at=LAUNCH)
        for number in order
    ]

    assert [one.id for one in in_order(told)] == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize(("later", "stays"), [(timedelta(seconds=1), True), (timedelta(0), False)])
def test_a_deal_that_a_later_event_put_into_a_stage_is_not_moved_by_an_earlier_one(later, stays):  # R14
    move = MoveDeal(deal(1), "2")

    left = unless_overtaken(move, LAUNCH, {"1": LAUNCH + later})

    assert isinstance(left, NotPerformed) is stays
    assert unless_overtaken(move, LAUNCH, {"7": LAUNCH + later}) == move
    assert unless_overtaken(move, LAUNCH, {}) == move


def test_what_moves_no_deal_is_done_however_late_it_becomes_known():  # R14
    for deed in (CreateDeal("A deal", "1", "1"), AddActivity("Call", TODAY)):
        assert unless_overtaken(deed, LAUNCH, {"1": LAUNCH + timedelta(days=1)}) == deed


# --- Which deal, and where it goes


def test_a_deal_begins_in_the_first_stage_of_its_pipeline():  # R5
    shuffled = tuple(replace(p, stages=tuple(reversed(p.stages))) for p in PIPELINES)
    rules = replace(RULES, pipedrive=PipedriveCatalogue(pipelines=shuffled))

    assert planned(CREATE, rules=rules) == CreateDeal("Ann One deal", "1", "1")


def test_who_has_no_name_is_called_by_the_address():  # R5
    nameless = make_prospect(email=("ann@north.example",))

    fields = template_fields(nameless, "Q2")

    assert fields["name"] == fields["first_name"] == "ann@north.example"
    assert fields["company"] == fields["last_name"] == ""


def test_an_empty_title_or_subject_falls_back_to_the_name():  # R5
    assert planned(replace(CREATE, title="{company}")) == CreateDeal("Ann One", "1", "1")
    assert planned(replace(ADD, subject="{company}")) == AddActivity("Ann One", TODAY)


@pytest.mark.parametrize("action", [replace(CREATE, title="{company}"), replace(ADD, subject="{company}")])
def test_a_name_that_stands_in_for_an_empty_text_is_no_longer_than_pipedrive_takes(action):  # R5
    long = {**FIELDS, "name": "N" * 510}
    deed = plan_action(action, fields=long, deals=(), created=None, rules=RULES, today=TODAY)

    assert isinstance(deed, CreateDeal | AddActivity)
    assert (deed.title if isinstance(deed, CreateDeal) else deed.subject) == "N" * MAX_TEXT


def test_the_deal_of_the_same_run_goes_before_any_other():  # R6
    created = deal(9, age=3)

    moved = planned(TO_STAGE, deal(1), created=created)

    assert moved == MoveDeal(created, "2")
    assert not needs_deals(TO_STAGE, created)
    assert needs_deals(TO_NEXT, None)
    assert not needs_deals(ADD, None)


@pytest.mark.parametrize(
    ("deals", "chosen"),
    [
        ([deal(1, age=2), deal(2, age=1)], "2"),
        ([deal(1, age=1), deal(2, age=1)], "2"),
        ([deal(10, age=1), deal(9, age=1)], "10"),
        ([deal(1, age=5), deal(2, stage="7", pipeline="2")], "1"),
        ([deal(1, stage="7", pipeline="2", age=2), deal(2, stage="8", pipeline="2", age=1)], "2"),
        ([deal(1), deal(2, active=False)], "1"),
    ],
)
def test_the_newest_open_deal_inside_the_pipeline_goes_first(deals, chosen):  # R6, R7
    found = planned(TO_STAGE, *deals)

    assert isinstance(found, MoveDeal)
    assert (found.deal.id, found.stage_id) == (chosen, "2")


def test_a_deal_elsewhere_is_left_alone_where_only_those_inside_count():  # R7
    only_inside = replace(TO_STAGE, only_in_pipeline=True)

    found = planned(only_inside, deal(1, stage="7", pipeline="2"))

    assert found == NotPerformed("There is no open deal of this person in “New business”.")


@pytest.mark.parametrize(
    ("stage", "pipeline", "next_one"), [("1", "1", "2"), ("2", "1", "3"), ("7", "2", "8")]
)
def test_the_next_stage_is_the_following_one_of_the_deals_own_pipeline(stage, pipeline, next_one):  # R8
    found = planned(TO_NEXT, deal(1, stage=stage, pipeline=pipeline))

    assert isinstance(found, MoveDeal)
    assert found.stage_id == next_one


@pytest.mark.parametrize(
    ("stage", "pipeline", "reason"),
    [("3", "1", "last stage"), ("99", "1", "not among those"), ("1", "99", "not among those")],
)
def test_behind_the_last_stage_and_out_of_a_hidden_one_there_is_nowhere_to_go(
    stage, pipeline, reason
):  # R8, R9
    found = planned(TO_NEXT, deal(1, stage=stage, pipeline=pipeline))

    assert isinstance(found, NotPerformed)
    assert reason in found.reason


@pytest.mark.parametrize("action", [TO_STAGE, TO_NEXT])
@pytest.mark.parametrize("deals", [[], [deal(1, active=False)]])
def test_without_an_open_deal_nothing_is_moved(action, deals):  # R9
    assert planned(action, *deals) == NotPerformed("There is no open deal of this person.")


def test_a_deal_that_is_there_already_is_not_moved():  # R9
    assert planned(TO_STAGE, deal(1, stage="2")) == NotPerformed("“Deal 1” is in “Contacted” already.")


@pytest.mark.parametrize(
    "action", [replace(CREATE, pipeline_id="99"), replace(TO_STAGE, stage_id="99"), CREATE]
)
def test_what_vanished_since_the_run_began_is_told(action):  # R11
    gone = PipedriveCatalogue(pipelines=(Pipeline("1", "New business", 1),))

    assert isinstance(planned(action, deal(1), rules=replace(RULES, pipedrive=gone)), NotPerformed)


def test_an_activity_is_due_today():  # R10
    assert planned(ADD) == AddActivity("Call Ann about Q2", TODAY)


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("UTC", "2026-03-29T00:00"),
        ("Europe/Helsinki", "2026-03-28T22:00"),  # before the clocks go forward
        ("Europe/Helsinki", "2026-03-29T21:00"),  # and after it
        ("Europe/Helsinki", "2026-10-24T21:00"),  # before they go back
        ("Europe/Helsinki", "2026-10-25T22:00"),
        ("America/New_York", "2026-03-08T05:00"),
        ("America/New_York", "2026-03-09T04:00"),
        ("America/Santiago", "2026-09-06T04:00"),  # they go forward at midnight itself
        ("America/Santiago", "2026-04-05T04:00"),  # and back: that evening has its last hour twice
        ("Asia/Kolkata", "2026-05-04T18:30"),
        ("Asia/Kathmandu", "2026-05-04T18:15"),
        ("Australia/Lord_Howe", "2026-10-03T13:30"),  # they go forward by half an hour
        ("Australia/Lord_Howe", "2026-10-04T13:00"),
        ("Australia/Lord_Howe", "2026-04-04T13:00"),
        ("Australia/Lord_Howe", "2026-04-05T13:30"),
        ("Pacific/Chatham", "2026-09-26T11:15"),
        ("Pacific/Chatham", "2026-09-27T10:15"),
        ("Asia/Calcutta", "2026-05-04T18:30"),  # a name that older accounts have
    ],
)
def test_a_day_ends_at_midnight_of_the_account_also_where_its_clocks_are_changed(zone, midnight):  # R10
    rules = replace(RULES, zone=account_zone(PipedriveCatalogue(), zone))
    new_day = datetime.fromisoformat(midnight).replace(tzinfo=UTC)
    last_day = rules.day_of(new_day - timedelta(seconds=1))

    assert rules.zone.key == zone
    assert rules.day_of(new_day) == last_day + timedelta(days=1)
    assert rules.day_of(new_day - timedelta(hours=23)) == last_day
    assert rules.day_of(new_day + timedelta(hours=22, minutes=59)) == last_day + timedelta(days=1)


@pytest.mark.parametrize(
    ("users", "otherwise", "zone"),
    [
        (("Europe/Helsinki", True), "UTC", "Europe/Helsinki"),
        (("Europe/Helsinki", False), "Asia/Tokyo", "Asia/Tokyo"),
        (("Not/AZone", True), "Asia/Tokyo", "Asia/Tokyo"),
        (("", True), "../etc/passwd", "UTC"),
    ],
)
def test_the_day_is_that_of_the_connected_user_else_of_the_workspace(users, otherwise, zone):  # R10
    name, is_me = users
    catalogue = PipedriveCatalogue(users=(User("7", "Olga", is_me=is_me, time_zone=name),))

    assert account_zone(catalogue, otherwise).key == zone


stages = st.lists(st.integers(1, 9), unique=True, min_size=1, max_size=6).map(
    lambda orders: tuple(Stage(str(100 + order), f"Stage {order}", "1", order) for order in orders)
)


@settings(deadline=None)
@given(stages)
def test_next_by_next_every_stage_is_met_once_in_order(made):  # R8
    pipelines = (Pipeline("1", "P", 1, made),)
    stage = first_stage(pipelines, "1")
    met = []
    while stage is not None:
        met.append(stage.order)
        stage = next_stage(pipelines, deal(1, stage=stage.id))

    assert met == sorted(each.order for each in made)
