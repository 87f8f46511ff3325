"""Campaign events start automations: once, in order, on the right deal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.integration.engine.campaign_world import (
    ADD,
    CHAIN,
    CREATE,
    TO_NEXT,
    TO_STAGE,
    CampaignWorld,
    automation,
)
from tests.integration.engine.world import prospect
from tidegate import ports
from tidegate.core.automation import Often, Trigger
from tidegate.core.catalogue import User
from tidegate.core.records import COMPANY
from tidegate.core.settings import Direction
from tidegate.errors import (
    AuthorizationLost,
    InvalidForRemote,
    PermissionMissing,
    RateLimited,
    RemoteUnavailable,
)
from tidegate.store.catalogues import store_catalogues
from tidegate.store.connections import judge_waiting_changes
from tidegate.store.memory import LaneMemory
from tidegate.store.models import AutomationRun, Change, Intent

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> CampaignWorld:
    return CampaignWorld()


def sent(world: CampaignWorld, prospect_id: str, **facts: Any) -> str:
    email_id = world.email_to(prospect_id, **facts)
    world.outreach.happen("email_sent", email_id=email_id)
    return email_id


def test_the_example_runs_as_one_chain(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()

    sent(world, signe)
    world.drain()

    (deal,) = world.deals(signe)
    assert (deal.title, deal.pipeline_id, deal.stage_id) == ("Signe Aaltonen deal", "1", "2")
    (activity,) = world.activities(signe)
    assert (activity.subject, activity.done, activity.owner_id) == ("Call Signe about Campaign 1", False, "7")
    assert activity.due_date == world.clock.now().astimezone(world.zone).date()
    assert world.outcomes() == [(action.kind, "performed") for action in CHAIN]
    assert world.unfinished() == 0
    assert Intent.objects.count() == 0
    assert [(line.act, line.cause) for line in world.log(cause="automation")] == [
        ("create", "automation"),
        ("update", "automation"),
        ("create", "automation"),
    ]


def test_the_actions_run_in_the_order_in_which_they_stand(world):
    world.automate(automation(TO_STAGE, CREATE))
    signe = world.synced()

    sent(world, signe)
    world.drain()

    assert world.outcomes() == [("move_deal_to_stage", "not_performed"), ("create_deal", "performed")]
    assert world.reasons() == ["There is no open deal of this person."]
    assert [deal.stage_id for deal in world.deals(signe)] == ["1"]


@pytest.mark.parametrize("trigger", Trigger)
def test_every_trigger_starts_its_own_automation_and_no_other(world, trigger):
    world.automate(automation(ADD, trigger=trigger))
    signe = world.synced()

    for each in Trigger:
        world.outreach.happen(each.value, email_id=world.email_to(signe))
    world.drain()

    assert len(world.activities(signe)) == 1
    assert AutomationRun.objects.get().trigger == trigger


def test_a_prospect_that_is_not_linked_is_synced_first(world):
    world.automate(automation(*CHAIN))
    bo = world.outreach.add(prospect("Bo Two", **{COMPANY: "Polar Note"}))
    world.announcements_taken = len(world.outreach.announced)  # nothing but the event tells of it

    sent(world, bo)
    world.drain()

    assert [deal.title for deal in world.deals(bo)] == ["Bo Two deal"]


def test_who_the_settings_do_not_admit_is_left_alone_and_the_record_says_so(world):
    world.automate(automation(*CHAIN))
    world.use(replace(world.settings, sync_from_lists=("2",)))
    bo = world.outreach.add(prospect("Bo Two"))

    for _ in range(2):
        sent(world, bo)
        world.drain()

    assert world.links() == {}
    assert set(world.reasons()) == {"It is in none of the lists that are synced."}
    assert [line.act for line in world.log(cause="automation")] == ["skip"]

    world.outreach.put_in_lists(bo, ["2"])
    world.drain()
    sent(world, bo)
    world.drain()
    assert len(world.deals(bo)) == 1  # what could not run has not used up the one time


@pytest.mark.parametrize(
    ("often", "deals"), [(Often.PER_CAMPAIGN, 2), (Often.EVERY_EMAIL, 3), (Often.PER_PROSPECT, 1)]
)
def test_the_once_rule_decides_how_many_deals_there_are(world, often, deals):
    world.automate(automation(CREATE, often=often))
    signe = world.synced()

    for campaign in ("1", "1", "2"):
        email_id = sent(world, signe, campaign=campaign)
        world.outreach.happen("email_sent", email_id=email_id)  # told again with another key
        world.drain()

    assert len(world.deals(signe)) == deals


@pytest.mark.parametrize("together", [True, False])
def test_an_event_without_an_email_is_one_of_its_campaigns_whatever_comes_first(world, together):  # R4
    world.automate(automation(CREATE, trigger=Trigger.EMAIL_OPENED, often=Often.EVERY_EMAIL))
    for number, order in enumerate(permutations((0, 1, None))):
        opener = world.synced(f"Opener{number} Aaltonen")
        emails = [world.email_to(opener), world.email_to(opener)]
        told = [
            world.outreach.happen("email_opened", email_id=emails[i])
            if i is not None
            else world.outreach.happen("email_opened", prospect_id=opener, campaign_id="1")
            for i in order
        ]
        world.events_told = len(world.outreach.events)
        for batch in [told] if together else [[one] for one in told]:
            world.announce(batch)
            world.drain()
        world.announce(told)
        world.drain()

        assert len(world.deals(opener)) == 2
        runs = AutomationRun.objects.filter(prospect_id=opener)
        assert set(runs.values_list("email_id", flat=True)) == set(emails)


def test_repeated_opens_count_once_and_an_event_delivered_twice_runs_once(world):
    world.automate(automation(ADD, trigger=Trigger.EMAIL_OPENED, often=Often.EVERY_EMAIL))
    signe = world.synced()
    email_id = world.email_to(signe)

    for _ in range(3):
        world.announce([world.outreach.happen("email_opened", email_id=email_id)])
        world.drain()

    assert len(world.activities(signe)) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"historical": True},
        {"automatic": True},
        {"at": timedelta(days=-90)},
    ],
)
def test_what_is_imported_automatic_or_from_before_the_launch_starts_nothing(world, facts):
    world.automate(automation(ADD, trigger=Trigger.EMAIL_REPLIED), history=True)
    signe = world.synced()
    if "at" in facts:
        facts = {"at": world.clock.now() + facts["at"]}

    world.outreach.happen("email_replied", email_id=world.email_to(signe), **facts)
    world.drain()

    assert world.activities(signe) == []
    assert AutomationRun.objects.count() == 0


@pytest.mark.parametrize("type", ["complained", "campaign_finished", ""])
def test_unknown_types_start_nothing(world, type):
    world.automate(*(automation(ADD, trigger=trigger) for trigger in Trigger))
    signe = world.synced()

    world.outreach.happen(type, email_id=world.email_to(signe))
    world.drain()

    assert AutomationRun.objects.count() == 0
    assert not Change.objects.filter(done_at=None).exists()


def test_events_shuffled_in_delivery_run_in_the_order_in_which_they_happened(world):
    world.automate(automation(CREATE), automation(TO_NEXT, trigger=Trigger.EMAIL_OPENED))
    signe = world.synced()
    email_id = world.email_to(signe)
    now = world.clock.now()

    world.outreach.happen("email_opened", email_id=email_id, at=now + timedelta(minutes=5))
    world.outreach.happen("email_sent", email_id=email_id, at=now)
    world.drain()

    assert [deal.stage_id for deal in world.deals(signe)] == ["2"]


def test_the_newest_open_deal_of_the_pipeline_is_moved_and_ended_ones_are_left_alone(world):
    world.automate(automation(TO_STAGE))
    signe = world.synced()
    person = world.person_of(signe)
    old = world.crm.add_deal(person, "1")
    world.clock.move(60)
    newest = world.crm.add_deal(person, "1")
    for end in (world.crm.archive_deal, world.crm.delete_deal, lambda i: world.crm.end_deal(i, "won")):
        world.clock.move(60)
        end(world.crm.add_deal(person, "1"))
    elsewhere = world.crm.add_deal(person, "7")

    sent(world, signe)
    world.drain()

    stages = {i: world.crm.deals[i].deal.stage_id for i in (old, newest, elsewhere)}
    assert stages == {old: "1", newest: "2", elsewhere: "7"}


@pytest.mark.parametrize(("only_inside", "stage"), [(False, "2"), (True, "7")])
def test_a_deal_of_another_pipeline_is_brought_in_unless_only_deals_inside_count(world, only_inside, stage):
    world.automate(automation(replace(TO_STAGE, only_in_pipeline=only_inside)))
    signe = world.synced()
    deal = world.crm.add_deal(world.person_of(signe), "7")

    sent(world, signe)
    world.drain()

    assert world.crm.deals[deal].deal.stage_id == stage
    assert world.outcomes()[0][1] == ("not_performed" if only_inside else "performed")


def test_a_deal_in_the_last_stage_stays_there_and_the_record_says_so(world):
    world.automate(automation(TO_NEXT, trigger=Trigger.LINK_CLICKED))
    signe = world.synced()
    deal = world.crm.add_deal(world.person_of(signe), "3", title="Big one")

    world.outreach.happen("link_clicked", email_id=world.email_to(signe))
    world.drain()

    assert world.crm.deals[deal].deal.stage_id == "3"
    assert world.reasons() == ["“Big one” is in the last stage of its pipeline already."]


def test_an_action_that_is_refused_is_recorded_and_the_following_ones_run(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.deal_limit = 0

    sent(world, signe)
    world.drain()

    assert [outcome for _, outcome in world.outcomes()] == ["failed", "not_performed", "performed"]
    assert "limit" in world.reasons()[0]
    assert len(world.activities(signe)) == 1
    assert [line.act for line in world.log(cause="automation")] == ["fail", "skip", "create"]


@pytest.mark.parametrize("gone", ["deactivated", "deleted"])
def test_while_the_owner_is_gone_deals_and_activities_belong_to_whoever_connected(world, gone):
    me, other = User("7", "Olga Owner", is_me=True), User("8", "Bo Former")
    world.crm.users[:] = [me, other]
    world.use(replace(world.settings, owner_id="8"))
    world.automate(automation(*CHAIN), history=True)
    world.crm.users[:] = [me, replace(other, active=False)] if gone == "deactivated" else [me]
    world.crm.may_not_own = {"8"}
    known = replace(world.pipedrive_catalogue, users=tuple(world.crm.users))
    store_catalogues(world.connection, pipedrive=known)
    signe = world.synced()

    sent(world, signe)
    world.drain()

    assert world.outcomes() == [(action.kind, "performed") for action in CHAIN]
    # Nobody is named, and Pipedrive then takes the user who connected.
    assert {activity.owner_id for activity in world.activities(signe)} == {None}
    assert sorted(activity.done for activity in world.activities(signe)) == [False, True]


def test_an_owner_without_permission_fails_the_deal_and_stops_nothing(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.may_not_own = {"7"}

    sent(world, signe)
    world.drain()

    assert [outcome for _, outcome in world.outcomes()] == ["failed", "not_performed", "performed"]
    world.connection.refresh_from_db()
    assert world.connection.status == "active"


@pytest.mark.parametrize("late_action", [replace(TO_STAGE, stage_id="1"), TO_NEXT])
def test_an_event_that_became_known_late_takes_no_deal_back_and_does_the_rest(world, late_action):
    """“Sent” is told after “replied”, which has put the deal into its stage already."""
    world.automate(automation(late_action, ADD), automation(CREATE, TO_STAGE, trigger=Trigger.EMAIL_REPLIED))
    signe = world.synced()
    email_id = world.email_to(signe)
    at = world.clock.now()
    world.outreach.happen("email_replied", email_id=email_id, at=at)
    world.drain()

    world.outreach.happen("email_sent", email_id=email_id, at=at - timedelta(minutes=5))
    world.drain()

    assert [deal.stage_id for deal in world.deals(signe)] == ["2"]
    assert world.outcomes()[-2:] == [(late_action.kind, "not_performed"), ("add_activity", "performed")]
    assert world.reasons() == ["“Signe Aaltonen deal” was put into its stage by what happened later."]


def test_a_later_event_moves_the_deal_that_an_earlier_one_put_into_a_stage(world):
    world.automate(automation(CREATE, TO_STAGE), automation(TO_NEXT, trigger=Trigger.EMAIL_OPENED))
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain()

    world.outreach.happen("email_opened", email_id=email_id, at=world.clock.now() + timedelta(seconds=1))
    world.drain()

    assert [deal.stage_id for deal in world.deals(signe)] == ["3"]


def test_deals_that_can_not_be_read_fail_no_other_action(world):
    world.automate(automation(TO_STAGE, ADD))
    signe = world.synced()
    world.crm.faults.fail("open_deals", InvalidForRemote("Pipedrive refused to show the deals."))

    sent(world, signe)
    world.drain()

    assert world.outcomes() == [("move_deal_to_stage", "not_performed"), ("add_activity", "performed")]
    assert world.reasons() == [
        "The deals of this person could not be read. Pipedrive refused to show the deals."
    ]


def test_a_scope_that_is_missing_pauses_the_connection_and_the_run_goes_on_afterwards(world):
    world.automate(automation(TO_STAGE, ADD))
    signe = world.synced()
    world.crm.faults.fail("open_deals", PermissionMissing("The authorisation lacks the scope deals:read."))

    sent(world, signe)
    world.drain()

    world.connection.refresh_from_db()
    assert (world.connection.status, world.connection.reason) == ("paused", "reconnect")
    assert world.activities(signe) == []
    assert world.unfinished() > 0

    type(world.connection).objects.filter(pk=world.connection.pk).update(status="active", reason="")
    world.drain()

    assert world.outcomes() == [("move_deal_to_stage", "not_performed"), ("add_activity", "performed")]
    assert world.unfinished() == 0


def test_an_automation_whose_stage_vanished_sleeps_and_the_others_go_on(world):
    world.automate(
        automation(replace(CREATE, pipeline_id="99")), automation(ADD, trigger=Trigger.EMAIL_OPENED)
    )
    signe = world.synced()
    email_id = sent(world, signe)
    world.outreach.happen("email_opened", email_id=email_id)
    world.drain()

    assert world.deals(signe) == []
    assert len(world.activities(signe)) == 1


@pytest.mark.parametrize("call", ["create_deal", "move_deal", "create_activity", "open_deals"])
@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_doubles_nothing_and_the_chain_goes_on(world, call, after):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.faults.fail(call, RemoteUnavailable("No answer.", sent=after), after=after)

    sent(world, signe)
    world.drain()

    assert [deal.stage_id for deal in world.deals(signe)] == ["2"]
    assert len(world.activities(signe)) == 1
    assert world.unfinished() == 0
    assert Intent.objects.count() == 0


@pytest.mark.parametrize(
    ("actions", "history"), [((CREATE,), False), ((ADD,), False), ((), True)], ids=["deal", "task", "e-mail"]
)
def test_what_was_made_before_its_person_was_merged_is_known_again_and_not_made_twice(
    world, actions, history
):
    world.automate(*([automation(*actions)] if actions else []), history=history)
    signe = world.synced()
    loser, survivor = world.person_of(signe), world.crm.add_person({"name": "Signe A."})
    world.drain()
    world.crm.lose_answer(actions[0].kind if actions and actions[0] == CREATE else "create_activity")
    sent(world, signe)
    world.drain_now()
    assert Intent.objects.count() == 1

    world.crm.merge_persons(loser, survivor)
    world.drain()

    assert world.person_of(signe) == survivor
    assert len(world.crm.deals) + len(world.crm.activities) == 1
    assert world.unfinished() == 0
    assert Intent.objects.count() == 0


def test_what_comes_in_while_an_earlier_event_is_put_off_waits_for_it(world):
    world.automate(automation(CREATE), automation(TO_NEXT, trigger=Trigger.LINK_CLICKED))
    signe = world.synced()
    world.crm.faults.fail("create_deal", RemoteUnavailable("Away."))
    email_id = sent(world, signe)
    world.drain_now()

    world.outreach.happen("link_clicked", email_id=email_id)
    world.drain()

    assert [deal.stage_id for deal in world.deals(signe)] == ["2"]
    assert [outcome for _, outcome in world.outcomes()] == ["performed", "performed"]


def test_what_happens_later_waits_for_who_is_still_to_be_brought_into_pipedrive(world):
    """In a batch of its own, when the person could be made at once: the deal is made before it is moved."""
    world.automate(automation(CREATE), automation(TO_NEXT, trigger=Trigger.LINK_CLICKED))
    bo = world.outreach.add(prospect("Bo Two"))
    world.announcements_taken = len(world.outreach.announced)
    world.crm.faults.fail("create_person", RemoteUnavailable("Away.", retry_after=600))
    email_id = sent(world, bo)
    world.drain_now()
    assert world.links() == {}

    world.outreach.happen("link_clicked", email_id=email_id)
    world.drain_now()
    assert AutomationRun.objects.count() == 0
    world.drain()

    assert [deal.stage_id for deal in world.deals(bo)] == ["2"]
    assert [outcome for _, outcome in world.outcomes()] == ["performed", "performed"]


def test_what_happened_to_somebody_else_or_earlier_waits_for_nobody(world):
    world.automate(automation(CREATE), automation(ADD, trigger=Trigger.LINK_CLICKED))
    signe, bo = world.synced(), world.synced("Bo Two")
    world.crm.faults.fail("create_deal", RemoteUnavailable("Away.", retry_after=600))
    email_id, at = sent(world, signe), world.clock.now()
    world.drain_now()

    world.outreach.happen("link_clicked", email_id=world.email_to(bo))
    world.outreach.happen("link_clicked", email_id=email_id, at=at - timedelta(minutes=1))
    world.drain_now()

    assert len(world.activities(bo)) == len(world.activities(signe)) == 1
    assert world.deals(signe) == []


def test_who_unsubscribes_waits_for_no_run_that_is_put_off(world):
    world.automate(automation(CREATE), unsubscribes=True)
    signe = world.synced()
    world.crm.marketing = {world.person_of(signe): "subscribed"}
    world.crm.faults.fail("create_deal", RemoteUnavailable("Away.", retry_after=600))
    email_id = sent(world, signe)
    world.drain_now()

    world.outreach.happen("unsubscribed", email_id=email_id)
    world.drain_now()

    assert world.crm.marketing == {world.person_of(signe): "unsubscribed"}


def test_what_stops_the_connection_over_one_prospect_leaves_no_run_of_another_half_done(world):
    world.automate(automation(*CHAIN))
    signe, bo = world.synced(), world.synced("Bo Two")
    world.crm.faults.fail("create_deal", AuthorizationLost())
    for each in (signe, bo):
        sent(world, each)
    world.drain_now()
    assert world.unfinished() > 0

    type(world.connection).objects.update(status="active", reason="")
    world.drain()

    assert world.outcomes() == [(action.kind, "performed") for action in CHAIN] * 2
    assert [len(world.activities(each)) for each in (signe, bo)] == [1, 1]


class Meanwhile(LaneMemory):
    """Records take their time; something happens before campaign events are looked at."""

    happens: Callable[[], object] | None = None

    def take_changes(self, connection_id: str, limit: int) -> list[ports.Change]:
        changes = super().take_changes(connection_id, limit)
        happens, type(self).happens = type(self).happens, None
        if happens is not None:
            happens()
        return changes


def test_an_event_that_is_told_right_after_an_automation_was_switched_on_runs_it(monkeypatch):
    world = CampaignWorld(memory_class=Meanwhile)
    signe = world.synced()

    def switch_on_and_tell() -> None:
        world.automate(automation(CREATE), history=True)
        email_id = world.email_to(signe)
        world.announce([world.outreach.happen("email_sent", email_id=email_id)])
        world.events_told = len(world.outreach.events)

    monkeypatch.setattr(Meanwhile, "happens", staticmethod(switch_on_and_tell))
    world.drain()

    assert len(world.deals(signe)) == 1
    assert len(world.activities(signe)) == 1


def test_a_pause_that_comes_while_records_are_followed_keeps_events_waiting(monkeypatch):
    world = CampaignWorld(memory_class=Meanwhile)
    world.automate(automation(CREATE))
    signe = world.synced()
    email_id = world.email_to(signe)
    world.outreach.happen("email_sent", email_id=email_id)
    rows = type(world.connection).objects.filter(pk=world.connection.pk)
    monkeypatch.setattr(Meanwhile, "happens", staticmethod(lambda: rows.update(status="paused")))

    world.drain()

    assert world.crm.deals == {}
    assert Change.objects.filter(done_at=None, entity="campaign_event").count() == 1


def test_an_event_whose_prospect_was_deleted_and_came_back_runs_no_second_time(world):  # R17
    """The store gives the events of an address to whoever has it next, and tells of them again."""
    world.automate(automation(CREATE))
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain()
    world.outreach.delete(signe)
    world.drain()

    back = world.outreach.add(prospect("Signe Aaltonen", "signe.again@north.example"))
    events, emails = world.outreach.events, world.outreach.emails
    events.update({i: replace(event, prospect_id=back) for i, event in events.items()})
    emails[email_id] = replace(emails[email_id], prospect_id=back)
    world.announce(list(events))
    world.drain()

    assert back in world.links()
    assert len(world.crm.deals) == 1
    assert AutomationRun.objects.count() == 1


def test_a_run_that_waits_while_the_direction_is_turned_writes_nothing_any_more(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.faults.fail("move_deal", RateLimited(retry_after=5))
    sent(world, signe)
    world.drain_now()

    world.use(replace(world.settings, direction=Direction.FROM_PIPEDRIVE, sync_to_list="1"))
    world.drain()

    assert [outcome for _, outcome in world.outcomes()] == ["performed", "not_performed", "not_performed"]
    assert set(world.reasons()) == {"With the direction chosen since, nothing is written to Pipedrive."}
    assert world.activities(signe) == []


# --- At which deal an activity stands


@pytest.mark.parametrize(
    ("actions", "stage", "stands"),
    [
        ((ADD,), "1", True),
        ((ADD,), "7", True),
        ((replace(TO_STAGE, only_in_pipeline=True), ADD), "2", True),
        ((replace(TO_STAGE, only_in_pipeline=True), ADD), "7", False),
    ],
    ids=["its only deal", "its only deal elsewhere", "in the automation's pipeline", "in another pipeline"],
)
def test_an_activity_stands_at_the_open_deal_that_a_salesperson_made(world, actions, stage, stands):  # R15
    world.automate(automation(*actions))
    signe = world.synced()
    deal = world.crm.add_deal(world.person_of(signe), stage)

    sent(world, signe)
    world.drain()

    (activity,) = world.activities(signe)
    assert activity.deal_id == (deal if stands else None)


def test_an_activity_stands_at_the_deal_that_its_run_moved(world):  # R15
    world.automate(automation(TO_STAGE, ADD))
    signe = world.synced()
    person = world.person_of(signe)
    moved = world.crm.add_deal(person, "1")
    world.crm.add_deal(person, "7")

    sent(world, signe)
    world.drain()

    assert [activity.deal_id for activity in world.activities(signe)] == [moved]


@pytest.mark.parametrize("end", ["won", "archived", "deleted", "several"])
def test_an_activity_stands_at_no_deal_that_is_closed_and_none_is_guessed(world, end):  # R15
    world.automate(automation(ADD))
    signe = world.synced()
    person = world.person_of(signe)
    deal = world.crm.add_deal(person, "1")
    match end:
        case "won":
            world.crm.end_deal(deal, "won")
        case "archived":
            world.crm.archive_deal(deal)
        case "deleted":
            world.crm.delete_deal(deal)
        case "several":
            world.crm.add_deal(person, "7")

    sent(world, signe)
    world.drain()

    assert [activity.deal_id for activity in world.activities(signe)] == [None]


def test_deals_that_can_not_be_read_keep_no_activity_from_being_added(world):  # R15
    world.automate(automation(ADD))
    signe = world.synced()
    world.crm.faults.fail("open_deals", InvalidForRemote("Pipedrive refused to show the deals."))

    sent(world, signe)
    world.drain()

    assert world.outcomes() == [("add_activity", "performed")]


@pytest.mark.parametrize("forgotten", [False, True], ids=["known", "forgotten"])
def test_a_run_whose_prospect_is_deleted_half_way_ends_and_says_so(world, forgotten):
    """The store forgets with a prospect whose its events were."""
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.faults.fail("move_deal", RateLimited(retry_after=5))
    sent(world, signe)
    assert world.drain_now().wait_until is not None

    world.outreach.delete(signe)
    if forgotten:
        events = world.outreach.events
        events.update({i: replace(event, prospect_id=None) for i, event in events.items()})
    world.drain()

    assert [outcome for _, outcome in world.outcomes()] == ["performed", "not_performed", "not_performed"]
    assert set(world.reasons()) == {"The prospect was deleted."}
    assert world.unfinished() == 0
    told = [line for line in world.log(cause="automation") if line.act == "skip"]
    assert [line.message for line in told] == [
        "The rest of the automation was not performed: The prospect was deleted."
    ]


def test_a_refused_rate_makes_the_lane_wait_and_loses_nothing(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.faults.fail("move_deal", RateLimited(retry_after=5))

    sent(world, signe)
    assert world.drain_now().wait_until is not None
    world.drain()

    assert world.outcomes() == [(action.kind, "performed") for action in CHAIN]
    assert len(world.deals(signe)) == 1


def test_an_authorisation_that_is_gone_pauses_and_the_run_goes_on_after_reconnecting(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.faults.fail("create_activity", AuthorizationLost())

    sent(world, signe)
    world.drain_now()
    world.connection.refresh_from_db()
    assert world.connection.status == "paused"

    type(world.connection).objects.update(status="active", reason="")
    world.drain()
    assert len(world.activities(signe)) == 1
    assert len(world.deals(signe)) == 1


def test_what_waits_after_a_pause_can_be_left(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.faults.fail("create_activity", AuthorizationLost())
    sent(world, signe)
    world.drain_now()

    judge_waiting_changes(world.connection, apply=False)
    type(world.connection).objects.update(status="active", reason="")
    world.drain()

    assert world.activities(signe) == []
    assert [outcome for _, outcome in world.outcomes()][-1] == "not_performed"
    assert world.unfinished() == 0


def test_a_later_move_asks_for_the_deal_it_knows_alone(world):
    world.automate(automation(CREATE), automation(TO_NEXT, trigger=Trigger.LINK_CLICKED))
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain()
    before = sum(world.crm.tokens.values())

    world.outreach.happen("link_clicked", email_id=email_id)
    world.drain()

    assert [deal.stage_id for deal in world.deals(signe)] == ["2"]
    assert sum(world.crm.tokens.values()) - before == 1 + 1 + 5


def test_a_deal_goes_to_the_persons_organization_and_without_it_where_that_is_gone(world):
    world.automate(automation(CREATE))
    signe = world.outreach.add(prospect("Signe Aaltonen", **{COMPANY: "Polar Note"}))
    world.drain()

    sent(world, signe)
    world.drain()

    assert len(world.deals(signe)) == 1
