"""Each campaign e-mail is one activity of its person, and changes as things happen to it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.engine.campaign_world import CHAIN, CREATE, CampaignWorld, automation
from tests.integration.engine.world import prospect
from tidegate.core.automation import Trigger
from tidegate.core.transfer import Include, Work
from tidegate.errors import BudgetSpent, InvalidForRemote, RemoteUnavailable
from tidegate.ports import Feature
from tidegate.store.models import Change, EmailActivity, Intent

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> CampaignWorld:
    world = CampaignWorld()
    world.automate(history=True)
    return world


def sent(world: CampaignWorld, prospect_id: str, *then: str, **facts) -> str:
    email_id = world.email_to(prospect_id, **facts)
    for trigger in ("email_sent", *then):
        world.outreach.happen(trigger, email_id=email_id)
    return email_id


def writes(world: CampaignWorld) -> int:
    return world.crm.tokens["create_activity"] // 5 + world.crm.tokens["update_activity"] // 5


def test_an_email_that_was_sent_is_a_done_activity_of_the_chosen_user(world):
    signe = world.synced()

    sent(world, signe)
    world.drain_now()

    (activity,) = world.activities(signe)
    assert (activity.subject, activity.done, activity.email) == ("Hello from us (sent)", True, True)
    assert activity.owner_id == "7"
    assert "<p>Are you well?</p>" in activity.note
    assert [(line.act, line.message) for line in world.log(cause="history")] == [
        ("create", "The activity reads “Hello from us (sent)”")
    ]


@pytest.mark.parametrize(("facts", "activities"), [({}, 1), ({"historical": True}, 0)])
def test_an_email_told_before_its_prospect_could_be_linked_becomes_an_activity_then(
    world, facts, activities
):  # H10
    bo = world.outreach.add(prospect("Bo Two"))
    world.crm.faults.fail("create_person", RemoteUnavailable("Away.", retry_after=600))
    world.outreach.happen("email_sent", email_id=world.email_to(bo), **facts)
    world.drain_now()
    assert world.links() == {}

    world.drain()

    assert len(world.activities(bo)) == activities


def test_a_preview_counts_the_earlier_emails_of_whom_its_run_links(world):  # H10
    for name, sent_before in (("Bo Two", True), ("Cy Three", False)):
        prospect_id = world.outreach.add(prospect(name))
        world.crm.faults.fail("create_person", RemoteUnavailable("Away.", retry_after=600))
        if sent_before:
            world.outreach.happen("email_sent", email_id=world.email_to(prospect_id))
        world.drain_now()
    assert world.links() == {}
    Change.objects.all().delete()  # nobody comes back to them by himself

    preview = world.preview()
    work, before = Work.of(preview.planned), writes(world)
    assert (work.persons_created, work.emails_logged) == (2, 1)
    world.run_previewed(preview)
    world.drain()

    assert writes(world) - before == 1
    assert world.preview().planned["emails_logged"] == 0, "nobody is linked twice"


PAST = Include(past_emails=True)


def told_before_the_launch(world: CampaignWorld, prospect_id: str, **facts) -> str:
    email_id = world.email_to(prospect_id)
    long_ago = world.clock.now() - timedelta(days=90)
    for trigger in ("email_sent", "email_opened"):
        world.outreach.happen(trigger, email_id=email_id, at=long_ago, **facts)
    return email_id


@pytest.mark.parametrize("facts", [{}, {"historical": True}])
@pytest.mark.parametrize("linked_before", [True, False])
def test_a_transfer_that_is_asked_to_brings_the_emails_of_before_the_launch_once(
    world, facts, linked_before
):  # H13
    signe = world.synced() if linked_before else world.outreach.add(prospect("Signe One"))
    told_before_the_launch(world, signe, **facts)
    if not linked_before:
        world.outreach.announced.clear()

    world.transfer()
    assert world.activities(signe) == [], "it was not asked to"
    preview = world.preview(include=PAST)
    assert Work.of(preview.planned).emails_logged == 1
    world.run_previewed(preview)
    world.drain()
    (activity,) = world.activities(signe)
    assert (activity.subject, activity.done) == ("Hello from us (opened)", True)

    spent = writes(world)
    assert world.preview(include=PAST).planned["emails_logged"] == 0
    world.transfer(include=PAST)
    world.drain()
    assert (len(world.activities(signe)), writes(world)) == (1, spent)


def test_a_transfer_brings_no_past_emails_where_history_is_off(world):  # H13
    world.automate(history=False)
    signe = world.synced()
    told_before_the_launch(world, signe)

    assert world.preview(include=PAST).planned["emails_logged"] == 0
    world.transfer(include=PAST)
    world.drain()

    assert world.activities(signe) == []


def test_a_burst_of_events_costs_one_write_and_adds_no_second_activity(world):
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain_now()

    for _ in range(5):
        for trigger in ("email_opened", "link_clicked"):
            world.outreach.happen(trigger, email_id=email_id)
        world.drain_now()
    assert writes(world) == 1  # the window is still open
    world.pass_time(minutes=5, seconds=1)
    world.drain_now()

    (activity,) = world.activities(signe)
    assert activity.subject == "Hello from us (clicked)"
    assert "(5 times)" in activity.note
    assert writes(world) == 2
    assert not Change.objects.filter(done_at=None).exists()


def test_a_reply_is_told_sooner_than_an_opening(world):
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain_now()
    world.outreach.happen("email_opened", email_id=email_id)
    world.drain_now()

    world.outreach.happen("email_replied", email_id=email_id)
    world.drain_now()
    world.pass_time(seconds=31)
    world.drain_now()

    assert world.activities(signe)[0].subject == "Hello from us (replied)"
    assert writes(world) == 2


@pytest.mark.parametrize("trigger", list(Trigger)[1:])
def test_every_status_reaches_the_one_activity(world, trigger):
    signe = world.synced()

    sent(world, signe, trigger)
    world.drain()

    assert len(world.activities(signe)) == 1
    assert EmailActivity.objects.get().moments.keys() == {"email_sent", trigger}


def test_switched_off_it_writes_nothing(world):
    world.automate(history=False)
    signe = world.synced()

    sent(world, signe, "email_opened")
    world.drain()

    assert world.activities(signe) == []
    assert writes(world) == 0


def test_what_was_planned_before_it_was_switched_off_is_not_written(world):
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain_now()
    world.outreach.happen("email_opened", email_id=email_id)
    world.drain_now()

    world.automate(history=False)
    world.drain()

    assert writes(world) == 1


def test_an_event_that_is_not_worth_an_update_costs_none_and_is_shown_with_the_next(world):
    world.use(replace(world.settings, history_events=(Trigger.EMAIL_REPLIED,)))
    signe = world.synced()
    email_id = sent(world, signe, "email_opened")
    world.drain()
    assert writes(world) == 1

    world.outreach.happen("email_replied", email_id=email_id)
    world.drain()

    assert writes(world) == 2
    assert "Opened" in world.activities(signe)[0].note


def test_a_replay_of_everything_writes_nothing(world):
    signe = world.synced()
    sent(world, signe, "email_opened")
    world.drain()
    before = writes(world)

    world.announce(list(world.outreach.events) * 2)
    world.drain()

    assert writes(world) == before
    assert len(world.activities(signe)) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["create_activity", "update_activity"])
def test_a_lost_answer_doubles_nothing(world, call, after):
    signe = world.synced()
    world.crm.faults.fail(call, RemoteUnavailable("No answer.", sent=after), after=after)

    email_id = sent(world, signe)
    world.drain()
    world.outreach.happen("email_opened", email_id=email_id)
    world.drain()

    (activity,) = world.activities(signe)
    assert activity.subject == "Hello from us (opened)"
    assert Intent.objects.count() == 0


def test_an_activity_that_somebody_deleted_is_not_made_anew(world):
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain()
    world.crm.delete_activity(EmailActivity.objects.get().activity_id)

    for _ in range(2):
        world.outreach.happen("email_opened", email_id=email_id)
        world.drain()

    assert world.activities(signe) == []
    assert world.crm.tokens["create_activity"] == 5


def test_it_stands_at_the_deal_that_the_same_event_created(world):
    world.automate(automation(CREATE), history=True)
    signe = world.synced()

    sent(world, signe)
    world.drain()

    (deal,) = world.deals(signe)
    assert world.activities(signe)[0].deal_id == deal.id


def test_a_deal_that_is_gone_keeps_no_activity_from_being_written(world):
    world.automate(automation(CREATE), history=True)
    signe = world.synced()
    sent(world, signe)
    world.drain()
    world.crm.delete_deal(world.deals(signe)[0].id)

    sent(world, signe)
    world.drain()

    assert [activity.deal_id is None for activity in world.activities(signe)] == [False, True]


@pytest.mark.parametrize(
    ("automated", "stage", "stands"),
    [(False, "1", True), (True, "1", True), (True, "7", False)],
    ids=["its only deal", "in the automations' pipeline", "in another pipeline"],
)
def test_it_stands_at_the_open_deal_that_a_salesperson_made(world, automated, stage, stands):  # H11
    world.automate(*([automation(CREATE, trigger=Trigger.EMAIL_REPLIED)] if automated else []), history=True)
    signe = world.synced()
    deal = world.crm.add_deal(world.person_of(signe), stage)

    sent(world, signe)
    world.drain()

    assert [activity.deal_id for activity in world.activities(signe)] == [deal if stands else None]


def test_it_stands_at_no_deal_that_was_lost_since(world):  # H11
    world.automate(automation(CREATE), history=True)
    signe = world.synced()
    sent(world, signe)
    world.drain()
    world.crm.end_deal(world.deals(signe)[0].id, "lost")

    sent(world, signe)
    world.drain()

    assert [activity.deal_id is None for activity in world.activities(signe)] == [False, True]


def test_looking_for_the_deal_costs_a_token_and_ten_where_there_are_some(world):  # H11
    signe, bo = world.synced(), world.synced("Bo Two")
    world.crm.add_deal(world.person_of(bo), "1")
    for prospect_id, tokens in ((signe, 1), (bo, 11)):
        before = world.crm.tokens["open_deals"]
        sent(world, prospect_id, "email_opened")
        world.drain()
        assert world.crm.tokens["open_deals"] - before == tokens


@pytest.mark.parametrize(
    "error", [InvalidForRemote("Refused."), RemoteUnavailable("Away."), BudgetSpent(retry_after=60)]
)
def test_deals_that_can_not_be_read_keep_no_email_out_for_good(world, error):  # H11
    signe = world.synced()
    world.crm.faults.fail("open_deals", error)

    sent(world, signe)
    world.drain()

    assert len(world.activities(signe)) == 1


def test_who_is_not_in_pipedrive_gets_none_and_is_not_synced_for_it(world):
    world.use(replace(world.settings, sync_from_lists=("2",)))
    bo = world.outreach.add(prospect("Bo Two"))

    sent(world, bo, "email_opened")
    world.drain()

    assert world.crm.activities == {}
    assert world.links() == {}


def test_five_megabytes_with_scripts_become_a_note_that_pipedrive_takes(world):
    signe = world.synced()

    sent(world, signe, html="<script>alert(1)</script>" + "<p>word</p>" * 450_000)
    world.drain()

    (activity,) = world.activities(signe)
    assert "<script" not in activity.note
    assert "left out" in activity.note


def test_when_the_budget_is_tight_an_email_gets_one_write_for_all_that_happens_in_hours(world):
    world.share_left = 0.2
    signe = world.synced()
    email_id = sent(world, signe)
    world.drain_now()
    assert writes(world) == 0

    for trigger in ("email_opened", "link_clicked", "email_replied"):
        world.pass_time(hours=1)
        world.outreach.happen(trigger, email_id=email_id)
        world.drain_now()
    world.pass_time(hours=4)
    world.drain_now()

    assert writes(world) == 1
    assert world.activities(signe)[0].subject == "Hello from us (replied)"


def test_a_share_that_is_used_up_puts_history_off_and_nothing_else(world):
    world.automate(automation(*CHAIN), history=True)
    signe, bo = world.synced(), world.synced("Bo Two")
    world.crm.faults.fail("create_activity", BudgetSpent(retry_after=3600), times=2)
    world.automate(history=True)

    for each in (signe, bo):
        sent(world, each)
    ended = world.drain_now()

    assert ended.wait_until is None
    waiting = Change.objects.filter(done_at=None)
    assert {change.entity for change in waiting} == {"campaign_email"}
    assert min(change.due_at for change in waiting) > world.clock.now() + timedelta(minutes=50)
    world.drain()
    assert len(world.activities(signe)) == len(world.activities(bo)) == 1


def test_what_history_and_automations_spend_is_booked_as_such(world):
    world.automate(automation(*CHAIN), history=True)
    signe = world.synced()
    spent: list[Feature] = []
    world.spend_as = spent.append

    sent(world, signe)
    world.drain()

    assert {Feature.AUTOMATION, Feature.HISTORY} <= set(spent)
