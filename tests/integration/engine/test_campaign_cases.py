"""What of a campaign Pipedrive refuses waits under Needs attention: with the cure, to be retried or ignored, never done twice."""

from collections.abc import Callable

import pytest

from tests.integration.engine.campaign_world import (
    ADD,
    CHAIN,
    CREATE,
    TO_STAGE,
    CampaignWorld,
    automation,
)
from tidegate.core.automation import Trigger
from tidegate.core.records import FIRST_NAME
from tidegate.errors import InvalidForRemote, PermissionMissing, RemoteUnavailable
from tidegate.store.connections import judge_waiting_changes
from tidegate.store.models import Attention, AutomationRun, EmailActivity, Intent
from tidegate.wiring import actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> CampaignWorld:
    return CampaignWorld()


def sent(world: CampaignWorld, prospect_id: str, campaign: str = "1") -> str:
    email_id = world.email_to(prospect_id, campaign=campaign)
    world.outreach.happen("email_sent", email_id=email_id)
    world.drain()
    return email_id


def refused_chain(world: CampaignWorld) -> tuple[str, Attention]:
    """The plan has no room for a deal: the move has none to move, the activity is added."""
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.deal_limit = 0
    sent(world, signe)
    (case,) = world.questions()
    return signe, case


def retry(world: CampaignWorld, case: Attention) -> None:
    actions.retry_attention(case, actor="Maja")
    world.drain()


# --- Automations


def test_a_refused_action_waits_for_a_person_with_the_reason_and_the_cure(world):
    signe, case = refused_chain(world)

    assert (case.kind, case.prospect_id, case.person_id, case.record_name) == (
        "automation",
        signe,
        world.person_of(signe),
        "Signe Aaltonen",
    )
    assert case.message.startswith("Create a deal (Campaign e-mail sent, Campaign 1): ")
    assert "limit" in case.message
    assert case.cure == "Make room in Pipedrive or raise the plan, then retry."


def test_retrying_does_what_was_refused_and_what_it_kept_from_being_done_and_nothing_else(world):  # R16
    signe, case = refused_chain(world)
    world.crm.deal_limit = None

    retry(world, case)

    assert [deal.stage_id for deal in world.deals(signe)] == ["2"]
    assert len(world.activities(signe)) == 1
    assert world.outcomes() == [(action.kind, "performed") for action in CHAIN]
    assert world.questions() == []
    assert Attention.objects.get().settled_by == "sync"
    assert world.unfinished() == 0


def test_retrying_in_vain_keeps_the_one_case_open(world):
    _, case = refused_chain(world)
    before = case.tried_at

    retry(world, case)

    (again,) = world.questions()
    assert (again.pk, again.facts) == (case.pk, case.facts)
    assert again.tried_at > before
    assert AutomationRun.objects.count() == 1


def test_retrying_twice_at_once_does_everything_once(world):
    signe, case = refused_chain(world)
    world.crm.deal_limit = None

    actions.retry_attention(case, actor="Maja")
    actions.retry_all(world.connection, kind="automation", actor="Olga")
    world.drain()
    actions.retry_attention(case, actor="Maja")
    world.drain()

    assert len(world.deals(signe)) == len(world.activities(signe)) == 1
    assert world.questions() == []


def test_an_answer_that_gets_lost_while_retrying_doubles_nothing(world):
    signe, case = refused_chain(world)
    world.crm.deal_limit = None
    world.crm.faults.fail("create_deal", RemoteUnavailable("No answer."), after=True)

    retry(world, case)

    assert len(world.deals(signe)) == 1
    assert world.questions() == []
    assert Intent.objects.count() == 0


def test_what_is_ignored_is_not_tried_again_and_not_taken_up_by_a_later_case(world):
    world.automate(automation(CREATE))
    signe = world.synced()
    world.crm.deal_limit = 0
    sent(world, signe, campaign="1")
    (first,) = world.questions()

    actions.settle_attention(first, actor="Maja")
    sent(world, signe, campaign="2")
    (second,) = world.questions()
    world.crm.deal_limit = None
    retry(world, second)

    assert len(world.deals(signe)) == 1
    assert [outcome for _, outcome in world.outcomes()] == ["failed", "performed"]


def test_all_that_failed_for_one_prospect_is_one_case_and_is_retried_together(world):
    world.automate(automation(CREATE))
    signe, bo = world.synced(), world.synced("Bo Two")
    world.crm.deal_limit = 0
    for campaign in ("1", "2"):
        sent(world, signe, campaign)
        sent(world, bo, campaign)
    assert [(case.record_name, len(case.facts["of"])) for case in world.questions()] == [
        ("Signe Aaltonen", 2),
        ("Bo Two", 2),
    ]
    world.crm.deal_limit = None

    assert actions.retry_all(world.connection, kind="automation", actor="Maja") == 2
    world.drain()

    assert [len(world.deals(each)) for each in (signe, bo)] == [2, 2]
    assert world.questions() == []


def test_a_case_stays_for_what_is_left_of_it(world):
    world.automate(automation(CREATE))
    signe = world.synced()
    world.crm.deal_limit = 0
    sent(world, signe, "1")
    sent(world, signe, "2")
    (case,) = world.questions()
    world.crm.deal_limit = 1

    retry(world, case)

    (left,) = world.questions()
    assert left.pk == case.pk
    assert len(left.facts["of"]) == 1


def test_a_write_to_the_person_settles_no_case_of_a_campaign(world):
    signe, case = refused_chain(world)

    world.outreach.edit(signe, {FIRST_NAME: "Signy"})
    world.drain()

    assert [question.pk for question in world.questions()] == [case.pk]


def test_a_right_that_the_user_lacks_is_a_case_too(world):
    world.automate(automation(*CHAIN))
    signe = world.synced()
    world.crm.faults.fail("create_deal", PermissionMissing("The connected user may not create deals."))

    sent(world, signe)

    (case,) = world.questions()
    assert "may not create deals" in case.message
    assert case.cure.startswith("Ask a Pipedrive administrator")


def test_a_prospect_that_was_deleted_since_has_nothing_left_to_be_retried(world):
    signe, case = refused_chain(world)
    world.outreach.delete(signe)
    world.drain()

    retry(world, case)

    assert [question.kind for question in world.questions()] == []
    assert world.unfinished() == 0
    assert world.crm.deals == {}


def test_what_was_left_after_a_pause_has_nothing_left_to_be_retried(world):
    _, case = refused_chain(world)
    actions.retry_attention(case, actor="Maja")
    judge_waiting_changes(world.connection, apply=False)
    world.drain()

    retry(world, case)

    assert world.questions() == []
    assert world.unfinished() == 0
    assert world.crm.deals == {}


def test_what_happened_later_and_found_no_deal_is_not_repeated_by_a_retry(world):
    world.automate(automation(CREATE), automation(TO_STAGE, trigger=Trigger.LINK_CLICKED))
    signe = world.synced()
    world.crm.deal_limit = 0
    email_id = sent(world, signe)
    world.outreach.happen("link_clicked", email_id=email_id)
    world.drain()
    world.crm.deal_limit = None
    (case,) = world.questions()

    retry(world, case)

    assert [deal.stage_id for deal in world.deals(signe)] == ["1"]
    assert world.outcomes(run__trigger="link_clicked") == [("move_deal_to_stage", "not_performed")]


# --- E-mail history


def refused_email(world: CampaignWorld) -> tuple[str, str, Attention]:
    world.automate(history=True)
    signe = world.synced()
    world.crm.faults.fail("create_activity", InvalidForRemote("Pipedrive refused the new activity."))
    email_id = sent(world, signe)
    (case,) = world.questions()
    return signe, email_id, case


def test_an_email_that_is_refused_waits_for_a_person(world):
    signe, email_id, case = refused_email(world)

    assert (case.kind, case.prospect_id, case.facts) == ("history", signe, {"of": [email_id]})
    assert case.message == "Campaign e-mail “Hello from us (sent)”: Pipedrive refused the new activity."
    assert world.activities(signe) == []


def test_a_retried_email_is_written_once_as_it_stands_by_then(world):  # H12
    signe, email_id, case = refused_email(world)
    world.use(world.settings)
    world.outreach.happen("email_replied", email_id=email_id)

    retry(world, case)
    retry(world, case)

    assert [activity.subject for activity in world.activities(signe)] == ["Hello from us (replied)"]
    assert EmailActivity.objects.count() == 1
    assert world.questions() == []


def test_an_email_that_a_later_event_brings_in_settles_its_case(world):
    signe, email_id, _ = refused_email(world)

    world.outreach.happen("email_opened", email_id=email_id)
    world.drain()

    assert len(world.activities(signe)) == 1
    assert world.questions() == []


def test_an_update_that_is_refused_is_retried_on_the_same_activity(world):
    world.automate(history=True)
    signe = world.synced()
    email_id = sent(world, signe)
    world.crm.faults.fail("update_activity", InvalidForRemote("Refused."))
    world.outreach.happen("email_opened", email_id=email_id)
    world.drain()
    (case,) = world.questions()

    retry(world, case)

    assert [activity.subject for activity in world.activities(signe)] == ["Hello from us (opened)"]
    assert world.questions() == []


def test_with_history_switched_off_a_retry_writes_nothing_and_closes_the_case(world):
    signe, _, case = refused_email(world)
    world.automate(history=False)

    retry(world, case)

    assert world.activities(signe) == []
    assert world.questions() == []


# --- Consent


def stubborn(world: CampaignWorld) -> tuple[str, Attention]:
    """Pipedrive leaves the marketing status as it is, without a word."""
    world.automate(unsubscribes=True)
    signe = world.synced()
    person = world.person_of(signe)
    world.crm.marketing, world.crm.marketing_fixed = {person: "subscribed"}, {person}
    world.outreach.happen("unsubscribed", email_id=world.email_to(signe))
    world.drain()
    (case,) = world.questions()
    return signe, case


def open_again(world: CampaignWorld, signe: str) -> None:
    world.outreach.close(signe, "open")


def switch_off(world: CampaignWorld, signe: str) -> None:
    world.automate(unsubscribes=False)


def let_go(world: CampaignWorld, signe: str) -> None:
    world.crm.marketing_fixed = set()


def test_a_status_that_pipedrive_leaves_as_it_was_waits_for_a_person(world):  # C9
    signe, case = stubborn(world)

    assert (case.kind, case.prospect_id) == ("consent", signe)
    assert "Take this person out of your campaigns in Pipedrive by hand." in case.message
    assert "ignore this" in case.cure


@pytest.mark.parametrize(
    ("meanwhile", "status"),
    [(let_go, "unsubscribed"), (open_again, "subscribed"), (switch_off, "subscribed")],
    ids=["mended", "opened again", "switched off"],
)
def test_a_retry_does_what_is_true_by_then_and_closes_the_case(
    world, meanwhile: Callable[[CampaignWorld, str], None], status
):
    signe, case = stubborn(world)
    meanwhile(world, signe)

    retry(world, case)

    assert world.crm.marketing == {world.person_of(signe): status}
    assert world.questions() == []


def test_every_case_is_ignored_by_the_button_of_its_kind(world):
    world.automate(automation(CREATE), history=True)
    signe = world.synced()
    world.crm.deal_limit = 0
    world.crm.faults.fail("create_activity", InvalidForRemote("Refused."))
    sent(world, signe)
    assert {case.kind for case in world.questions()} == {"automation", "history"}

    assert actions.ignore_all(world.connection, kind="automation", actor="Maja") == 1

    assert [case.kind for case in world.questions()] == ["history"]


def test_activities_are_cases_as_deals_are(world):
    world.automate(automation(ADD))
    signe = world.synced()
    world.crm.faults.fail("create_activity", InvalidForRemote("Refused."))
    sent(world, signe)
    (case,) = world.questions()

    retry(world, case)

    assert len(world.activities(signe)) == 1


# --- Technical details


def told(number: int) -> InvalidForRemote:
    error = InvalidForRemote("Refused.")
    error.details = {"status": 400, "text": f"No. {number}"}
    return error


def test_the_details_are_of_what_failed_last_and_go_when_that_is_mended(world):
    world.automate(history=True)
    signe = world.synced()
    for number in (1, 2):
        world.crm.faults.fail("create_activity", told(number))
        sent(world, signe, campaign=str(number))
        if number == 1:
            (first,) = world.questions()
            assert first.details == {"status": 400, "text": "No. 1", "of": first.facts["of"][0], "tries": 1}
    (case,) = world.questions()
    one, two = case.facts["of"]
    assert case.details == {"status": 400, "text": "No. 2", "of": two}

    world.outreach.happen("email_opened", email_id=two)
    world.drain()

    (case,) = world.questions()
    assert (case.facts["of"], case.details) == ([one], {})
