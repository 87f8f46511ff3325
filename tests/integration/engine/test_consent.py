"""Who unsubscribes or bounces is unsubscribed in Pipedrive, too: once, told, and only where it was asked for."""

from collections.abc import Callable

import pytest

from tests.integration.engine.campaign_world import ADD, CampaignWorld, automation
from tests.integration.engine.mortality import Countdown, Died, make_mortal, mortal_memory
from tests.integration.engine.world import prospect
from tidegate.core.automation import Trigger
from tidegate.core.records import FIRST_NAME
from tidegate.errors import AuthorizationLost, BudgetSpent, PermissionMissing, RemoteUnavailable
from tidegate.store.inbox import add_changes, closed_consent
from tidegate.store.models import Change, Connection, Intent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands")]

LEAVES = ("unsubscribed", "email_bounced")


def world_with_campaigns(**status: str) -> tuple[CampaignWorld, str]:
    """Somebody linked, whose person has a marketing status."""
    world = CampaignWorld()
    world.automate(unsubscribes=True)
    signe = world.synced()
    world.crm.marketing = {world.person_of(signe): status["is_"]} if status else {}
    return world, signe


def status(world: CampaignWorld, prospect_id: str) -> str:
    assert world.crm.marketing is not None
    return world.crm.marketing.get(world.person_of(prospect_id), "no_consent")


def calls(world: CampaignWorld) -> tuple[int, int]:
    """How often the status was looked at and written."""
    return world.crm.tokens["marketing_status"], world.crm.tokens["unsubscribe"] // 5


def leave(world: CampaignWorld, prospect_id: str, type: str = "unsubscribed", **facts: object) -> str:
    return world.outreach.happen(type, email_id=world.email_to(prospect_id), **facts)


@pytest.mark.parametrize("type", LEAVES)
@pytest.mark.parametrize("before", ["no_consent", "subscribed"])
def test_the_person_is_unsubscribed_and_the_log_says_that_it_stays(type, before):
    world, signe = world_with_campaigns(is_=before)

    leave(world, signe, type)
    world.drain()

    assert status(world, signe) == "unsubscribed"
    assert calls(world) == (1, 1)
    (line,) = world.log(cause="consent")
    assert (line.act, line.person_id, line.record_name) == (
        "update",
        world.person_of(signe),
        "Signe Aaltonen",
    )
    assert "can’t be taken back" in line.message
    assert [(c["before"], c["after"]) for c in line.changes] == [(before.replace("_", " "), "unsubscribed")]


@pytest.mark.parametrize("type", LEAVES)
def test_switched_off_nothing_is_even_looked_at(type):
    world, signe = world_with_campaigns()
    world.automate()

    leave(world, signe, type)
    world.drain()

    assert (status(world, signe), calls(world)) == ("no_consent", (0, 0))


@pytest.mark.parametrize("before", ["unsubscribed", "archived"])
def test_a_closed_status_is_left_as_it_is(before):
    world, signe = world_with_campaigns(is_=before)

    leave(world, signe)
    world.drain()

    assert (status(world, signe), calls(world)) == (before, (1, 0))
    assert world.log(cause="consent") == []


def test_an_account_without_campaigns_is_left_alone_and_nobody_is_bothered():
    world, signe = world_with_campaigns()
    world.crm.marketing = None

    leave(world, signe)
    world.drain()

    assert calls(world) == (1, 0)
    assert (world.log(cause="consent"), world.questions()) == ([], [])


@pytest.mark.parametrize("type", [*(t for t in Trigger if t not in LEAVES), "consent_renewed", "complained"])
def test_nothing_else_touches_it_and_nothing_opens_it(type):
    world, signe = world_with_campaigns(is_="subscribed")

    leave(world, signe, type)
    world.drain()

    assert (status(world, signe), calls(world)) == ("subscribed", (0, 0))


@pytest.mark.parametrize("by_hand", ["unsubscribed", "archived", "subscribed", "no_consent"])
@pytest.mark.parametrize("closed_here", [True, False])
def test_what_is_changed_in_pipedrive_does_not_come_back(by_hand, closed_here):  # C11
    world, signe = world_with_campaigns(is_="subscribed")
    if closed_here:
        leave(world, signe)
        world.drain()
    consents, asked = dict(world.outreach.consents), calls(world)

    world.crm.marketing = {world.person_of(signe): by_hand}
    world.crm.edit_person(world.person_of(signe), {FIRST_NAME: "Sigrid"})
    world.drain()

    assert [found.name for found in world.prospects()] == ["Sigrid Aaltonen"]  # the rest of the edit travels
    assert world.outreach.consents == consents
    assert (status(world, signe), calls(world)) == (by_hand, asked)


def test_what_was_imported_unsubscribes_nobody():
    world, signe = world_with_campaigns()

    leave(world, signe, historical=True)
    world.drain()

    assert status(world, signe) == "no_consent"


def test_who_is_in_no_app_but_ours_is_not_brought_into_pipedrive_for_it():
    world, _ = world_with_campaigns()
    bo = world.outreach.add({"first_name": "Bo", "email": ("bo@two.example",)}, list_ids=())
    world.take_as_known()
    before = len(world.crm.person_ids)

    leave(world, bo)
    world.drain()

    assert (len(world.crm.person_ids), calls(world)) == (before, (0, 0))


def test_what_pipedrive_passes_over_in_silence_is_told_as_failed():
    world, signe = world_with_campaigns(is_="subscribed")
    world.crm.marketing_fixed = {world.person_of(signe)}

    leave(world, signe)
    world.drain()

    assert status(world, signe) == "subscribed"
    (line,) = world.log(cause="consent")
    assert line.act == "fail"
    assert "left the marketing status at “subscribed”" in line.message


@pytest.mark.parametrize("type", LEAVES)
def test_an_event_that_leaves_the_prospect_open_closes_nobody_in_pipedrive(type):
    """A second address bounced, or a member said meanwhile that the prospect may be written to again."""
    world, signe = world_with_campaigns(is_="subscribed")
    world.automate(automation(ADD, trigger=Trigger(type)), unsubscribes=True)

    leave(world, signe, type)
    world.outreach.close(signe, "open")
    world.drain()

    assert (status(world, signe), calls(world)) == ("subscribed", (0, 0))
    assert world.outcomes() == [("add_activity", "performed")]


def test_several_events_of_one_person_are_one_write_however_often_they_are_told():
    world, signe = world_with_campaigns()

    events = [leave(world, signe, type) for type in LEAVES]
    world.drain()
    world.announce(events * 2)
    world.drain()

    assert calls(world)[1] == 1
    assert len(world.log(cause="consent")) == 1


def test_a_refusal_is_told_and_the_automation_of_the_same_event_still_runs():
    world, signe = world_with_campaigns()
    world.automate(automation(ADD, trigger=Trigger.UNSUBSCRIBED), unsubscribes=True)
    world.crm.faults.fail("unsubscribe", PermissionMissing("You may not change this person."))

    leave(world, signe)
    world.drain()

    (line,) = world.log(cause="consent")
    assert (line.act, line.message) == ("fail", "You may not change this person.")
    assert world.outcomes() == [("add_activity", "performed")]


@pytest.mark.parametrize("call", ["marketing_status", "unsubscribe"])
@pytest.mark.parametrize(
    "error", [RemoteUnavailable("Away."), BudgetSpent("Enough for today.", retry_after=60)]
)
def test_what_passes_by_itself_is_tried_again_and_told_once(call, error):
    world, signe = world_with_campaigns()
    world.automate(automation(ADD, trigger=Trigger.UNSUBSCRIBED), unsubscribes=True)
    world.crm.faults.fail(call, error)

    leave(world, signe)
    world.drain()

    assert status(world, signe) == "unsubscribed"
    assert len(world.log(cause="consent")) == 1
    assert world.outcomes() == [("add_activity", "performed")]
    assert not Intent.objects.exists()


def test_an_answer_that_got_lost_is_looked_up_and_told():
    world, signe = world_with_campaigns()
    world.crm.lose_answer("unsubscribe")

    leave(world, signe)
    world.drain()

    assert (status(world, signe), calls(world)[1]) == ("unsubscribed", 1)
    (line,) = world.log(cause="consent")
    assert "got no answer" in line.message
    assert not Intent.objects.exists()


def test_a_lost_authorisation_stops_the_connection_and_keeps_the_event():
    world, signe = world_with_campaigns()
    world.crm.faults.fail("marketing_status", AuthorizationLost("Connect again."))

    leave(world, signe)
    world.drain()

    assert Connection.objects.get(pk=world.connection.pk).status == "paused"
    assert Change.objects.filter(done_at=None, entity="campaign_event").count() == 1


POINTS = 12


def a_day_that_dies_at(
    point: int, closing: Callable[[CampaignWorld, str], object] = leave
) -> tuple[Countdown, CampaignWorld, str]:
    countdown = Countdown(0)
    world = CampaignWorld(memory_class=mortal_memory(countdown))
    world.automate(unsubscribes=True)
    signe = world.synced()
    world.crm.marketing = {}
    make_mortal(world.crm, ("marketing_status", "unsubscribe"), countdown)
    countdown.left = point
    closing(world, signe)
    try:
        world.drain()
    except Died:
        countdown.left = 0
        world.drain()
    return countdown, world, signe


@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_a_worker_that_dies_at_any_point_writes_once_and_tells_once(point):
    _, world, signe = a_day_that_dies_at(point)

    assert status(world, signe) == "unsubscribed"
    assert calls(world)[1] == 1
    assert len(world.log(cause="consent")) == 1
    assert not Intent.objects.exists()
    assert not Change.objects.filter(done_at=None).exists()


def test_every_point_was_tried():
    countdown, _, _ = a_day_that_dies_at(POINTS + 1)

    assert countdown.left > 0


class TestClosedByOtherMeansThanAnEvent:
    """A member, a program or a file closes a prospect, or it is linked when it is closed already."""

    @pytest.mark.parametrize("consent", ["unsubscribed", "bounced"])
    def test_who_is_closed_by_hand_is_unsubscribed_once_and_the_log_says_by_whom(self, consent):  # C7
        world, signe = world_with_campaigns(is_="subscribed")

        world.close(signe, consent)
        world.close(signe, consent)
        world.drain()

        assert (status(world, signe), calls(world)) == ("unsubscribed", (1, 1))
        (line,) = world.log(cause="consent")
        assert (line.act, line.record_name) == ("update", "Signe Aaltonen")
        assert line.cause_text == f"The prospect was marked “{consent}” here by Maja"

    def test_who_is_linked_when_closed_already_is_unsubscribed_then(self):  # C8
        world = CampaignWorld()
        world.automate(unsubscribes=True)
        world.crm.marketing = {}
        signe = world.outreach.add(prospect("Signe Aaltonen"))
        world.close(signe, told=False)
        open_one = world.outreach.add(prospect("Maja Lindqvist"))

        world.drain()

        assert (status(world, signe), status(world, open_one)) == ("unsubscribed", "no_consent")
        assert calls(world) == (1, 1)

    def test_who_is_matched_when_closed_already_is_unsubscribed_as_well(self):
        world = CampaignWorld()
        world.automate(unsubscribes=True)
        world.crm.marketing = {}
        signe = world.outreach.add(prospect("Signe Aaltonen"))
        world.close(signe, told=False)
        person = world.crm.add_person({"email": world.outreach.record(signe).emails})

        world.drain()

        assert world.person_of(signe) == person
        assert status(world, signe) == "unsubscribed"

    def test_who_was_opened_again_meanwhile_is_left_alone(self):
        world, signe = world_with_campaigns(is_="subscribed")
        world.close(signe)
        world.outreach.close(signe, "open")

        world.drain()

        assert (status(world, signe), calls(world)) == ("subscribed", (0, 0))

    def test_switched_off_nothing_is_looked_at(self):
        world, signe = world_with_campaigns(is_="subscribed")
        world.automate()
        world.close(signe)

        world.drain()

        assert (status(world, signe), calls(world)) == ("subscribed", (0, 0))
        assert not Change.objects.filter(done_at=None).exists()

    def test_who_is_not_linked_waits_for_nothing(self):
        world = CampaignWorld()
        world.automate(unsubscribes=True)
        world.crm.marketing = {}
        world.close("4711")

        world.drain()

        assert not Change.objects.filter(done_at=None).exists()
        assert world.crm.tokens["marketing_status"] == 0

    @pytest.mark.parametrize("call", ["marketing_status", "unsubscribe"])
    @pytest.mark.parametrize(
        "error", [RemoteUnavailable("Away."), BudgetSpent("Enough for today.", retry_after=60)]
    )
    def test_what_passes_by_itself_is_tried_again(self, call, error):
        world, signe = world_with_campaigns(is_="subscribed")
        world.crm.faults.fail(call, error)
        world.close(signe)

        world.drain()

        assert status(world, signe) == "unsubscribed"
        assert len(world.log(cause="consent")) == 1

    @pytest.mark.parametrize("point", range(1, POINTS + 1))
    def test_a_worker_that_dies_at_any_point_writes_once_and_tells_once(self, point):
        _, world, signe = a_day_that_dies_at(point, closing=CampaignWorld.close)

        assert status(world, signe) == "unsubscribed"
        assert calls(world)[1] == 1
        assert len(world.log(cause="consent")) == 1
        assert not Intent.objects.exists()
        assert not Change.objects.filter(done_at=None).exists()

    def test_every_point_was_tried(self):
        countdown, _, _ = a_day_that_dies_at(POINTS + 1, closing=CampaignWorld.close)

        assert countdown.left > 0


def test_without_a_valid_address_pipedrive_keeps_the_status_and_the_log_says_so():
    world, signe = world_with_campaigns(is_="subscribed")
    person = world.person_of(signe)
    world.crm.edit_person(person, {"email": ()})
    world.drain()

    world.close(signe)
    world.drain()

    assert status(world, signe) == "subscribed"
    (line,) = world.log(cause="consent")
    assert line.act == "fail"
    assert "needs a valid e-mail address" in line.message


def test_who_was_closed_before_it_was_switched_on_is_left_alone_until_somebody_says_so():  # C10
    world, signe = world_with_campaigns(is_="subscribed")
    world.automate()
    leave(world, signe)
    world.drain()

    world.automate(unsubscribes=True)
    world.outreach.edit(signe, {"first_name": "Signy"})
    world.drain()
    assert (status(world, signe), calls(world)) == ("subscribed", (0, 0))

    add_changes(world.connection, [closed_consent(signe)])
    world.drain()
    assert status(world, signe) == "unsubscribed"
