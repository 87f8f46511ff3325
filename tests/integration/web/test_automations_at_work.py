"""Automations at work on the pages: their runs, the simulation with last month's events, and a try with one prospect."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.builders import make_link, make_log_entry, make_prospect
from tests.integration.web.test_automations import (
    ACTIVITY,
    CHAIN,
    CREATE,
    MOVE,
    NEXT,
    STEP,
    act,
    alices,
    form,
)
from tests.integration.web.test_setup import Setup
from tidegate.core.automation import Action, ActionKind, Automation, Trigger, automations_to_json
from tidegate.prospects.models import Campaign, CampaignEmail, CampaignEvent, Prospect
from tidegate.prospects.services import Author, create_prospect
from tidegate.store.models import (
    AutomationRun,
    Change,
    Connection,
    EmailActivity,
    RunAction,
    Workspace,
)

__all__ = ["alices"]
pytestmark = pytest.mark.django_db

SENT = Automation(
    Trigger.EMAIL_SENT,
    actions=(
        Action(ActionKind.CREATE_DEAL, "1"),
        Action(ActionKind.MOVE_DEAL_TO_STAGE, "1", "12"),
        Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name}"),
    ),
)
CLICKED = Automation(Trigger.LINK_CLICKED, actions=(Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE),))


@pytest.fixture
def ines(workspace: Workspace) -> Prospect:
    return carvalho(workspace, "Inês", "ines@brightwater.example")


def carvalho(workspace: Workspace, first_name: str, email: str) -> Prospect:
    """As somebody enters it by hand, so that it can be searched."""
    values = {"first_name": first_name, "last_name": "Carvalho", "email": email}
    return create_prospect(Author(workspace.pk, "Alice", "page"), values).prospect


def use(connection: Connection, *automations: Automation) -> None:
    connection.settings |= {"automations": automations_to_json(automations)}
    connection.save(update_fields=["settings"])


def happened(
    prospect: Prospect, kind: str, *, days: float = 1, campaign: str = "Q2 intro", **facts: Any
) -> None:
    """One campaign event of this prospect, so many days ago."""
    known, _ = Campaign.objects.get_or_create(workspace_id=prospect.workspace_id, key=campaign, name=campaign)
    email, _ = CampaignEmail.objects.get_or_create(
        workspace_id=prospect.workspace_id,
        key=f"{campaign} {prospect.pk}",
        campaign=known,
        prospect=prospect,
        defaults={"sent_at": timezone.now() - timedelta(days=days)},
    )
    CampaignEvent.objects.create(
        workspace_id=prospect.workspace_id,
        key=f"{kind} {CampaignEvent.objects.count()}",
        type=kind,
        at=timezone.now() - timedelta(days=days),
        email=email,
        campaign=known,
        prospect=prospect,
        digest="0" * 64,
        **facts,
    )


def ran(connection: Connection, trigger: str = "email_sent", **facts: Any) -> AutomationRun:
    number = AutomationRun.objects.count()
    run = AutomationRun.objects.create(
        **{
            "connection": connection,
            "trigger": trigger,
            "once_key": str(number),
            "event_id": str(number),
            "event_at": timezone.now(),
            "prospect_id": "5",
            "person_id": "17",
            "campaign_name": "Q2 intro",
            "record_name": "Inês Carvalho",
        }
        | facts
    )
    outcomes = (
        (CREATE, "performed", "Inês Carvalho deal", ""),
        (NEXT, "not_performed", "", "“Inês Carvalho deal” is in the last stage of its pipeline already."),
        (MOVE, "failed", "", "Pipedrive refused it: no permission."),
        (ACTIVITY, "waiting", "", ""),
    )
    for position, (kind, outcome, text, reason) in enumerate(outcomes):
        RunAction.objects.create(
            run=run, position=position, action={"kind": kind}, outcome=outcome, text=text, reason=reason
        )
    return run


def plain(html: str) -> str:
    """The page's words, single-spaced."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# --- Runs


def test_a_run_tells_what_became_of_each_action_and_why(alices: Setup) -> None:
    ran(alices.connection)
    text = plain(alices.get("activity/runs"))
    assert "Inês Carvalho" in text
    assert "Campaign e-mail sent Q2 intro" in text
    assert "Done Create a deal Inês Carvalho deal" in text
    assert "Not done Move the deal to the next stage “Inês Carvalho deal” is in the last stage" in text
    assert "Failed Move the deal to a stage Pipedrive refused it: no permission." in text
    assert "Waiting Add an activity" in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?trigger=link_clicked", 1),
        ("?trigger=rocket_sent", 2),
        ("?outcome=failed", 2),
        ("?outcome=failed&trigger=email_bounced", 0),
        ("?q=inês", 1),
        ("?q=q2+INTRO", 2),
        ("?prospect=5", 1),
        ("?prospect=%00", 2),
        ("?older=9999999999999999999999", 2),
    ],
)
def test_runs_are_filtered_and_what_no_filter_knows_asks_for_nothing(
    alices: Setup, query: str, count: int
) -> None:
    ran(alices.connection)
    ran(alices.connection, "link_clicked", record_name="Lukas Novák", prospect_id="6")
    page = alices.client.get(alices.path("activity/runs") + query)
    assert page.status_code == 200
    assert page.content.decode().count('<ol class="deeds">') == count
    if not count:
        assert "No run fits" in page.content.decode()


def test_fifty_runs_are_a_page_and_the_next_goes_on_where_it_ended(alices: Setup) -> None:
    for _number in range(51):
        ran(alices.connection)
    page = alices.get("activity/runs")
    assert page.count('<ol class="deeds">') == 50
    older = re.search(r'href="[^"]*(\?older=\d+)"', page)
    assert older is not None
    rest = alices.client.get(alices.path("activity/runs") + older[1]).content.decode()
    assert rest.count('<ol class="deeds">') == 1
    assert "Newest" in rest


def test_a_kind_we_have_no_word_for_is_shown_by_its_name(alices: Setup) -> None:
    run = ran(alices.connection, "rocket_sent")
    run.actions.filter(position=0).update(action={"kind": "send_rocket"}, outcome="exploded")
    text = plain(alices.get("activity/runs"))
    assert "rocket_sent" in text
    assert "send_rocket" in text


def test_before_the_first_run_the_page_says_what_will_be_here(alices: Setup) -> None:
    assert "Set up automations" in alices.get("activity/runs")
    use(alices.connection, SENT)
    assert "See the automations" in alices.get("activity/runs")


def test_the_runs_of_another_workspace_are_not_there(stranger: Client, alices: Setup) -> None:
    assert stranger.get(alices.path("activity/runs")).status_code == 404
    assert stranger.get(alices.path("automations/simulation")).status_code == 404


def test_the_log_tells_of_deals_and_e_mails_as_such_and_filters_them(alices: Setup) -> None:
    connection = alices.connection
    make_log_entry(
        connection,
        act="create",
        side="pipedrive",
        cause="automation",
        cause_text="Campaign e-mail sent, Q2 intro",
        message="Create a deal: Inês Carvalho deal",
    )
    make_log_entry(
        connection,
        act="update",
        side="pipedrive",
        cause="history",
        cause_text="Campaign e-mail, Q2 intro",
        message="How Polarnote did it: opened",
        changes=[],
    )
    text = plain(alices.get("activity"))
    assert "Create a deal: Inês Carvalho deal" in text
    assert "Automation: Campaign e-mail sent, Q2 intro" in text
    assert "How Polarnote did it: opened" in text
    assert "Person created" not in text
    only = plain(alices.client.get(alices.path("activity") + "?cause=history").content.decode())
    assert "How Polarnote did it" in only
    assert "Create a deal:" not in only


# --- The simulation


def test_last_months_events_are_simulated_and_doubles_marked(alices: Setup, ines: Prospect) -> None:
    use(alices.connection, SENT, CLICKED)
    happened(ines, "email_sent", days=3)
    happened(ines, "email_sent", days=2)
    happened(ines, "link_clicked", days=1)
    happened(ines, "email_opened", days=1)
    happened(ines, "email_sent", days=40, campaign="Long ago")
    before = Change.objects.count()
    text = plain(alices.get("automations/simulation"))
    assert "Campaign e-mail sent 2 1 1 0" in text
    assert "Link clicked 1 1 0 0" in text
    assert "Yesterday, " in text
    assert "Double It happened before with this e-mail." in text
    assert "“Inês Carvalho deal” in “New business”" in text
    assert "“Inês Carvalho deal” to “Demo booked”" in text
    assert "Long ago" not in text
    assert (Change.objects.count(), AutomationRun.objects.count()) == (before, 0)


@pytest.mark.parametrize(("only", "rows"), [("", 2), ("double", 1), ("runs", 1), ("left_out", 0), ("x", 2)])
def test_the_list_of_a_simulation_shows_what_is_asked_for(
    alices: Setup, ines: Prospect, only: str, rows: int
) -> None:
    use(alices.connection, SENT)
    happened(ines, "email_sent", days=3)
    happened(ines, "email_sent", days=2)
    page = alices.client.get(alices.path("automations/simulation") + f"?only={only}").content.decode()
    assert page.count(f'href="/prospects/{ines.pk}/"') == rows


@pytest.mark.parametrize(
    ("query", "rows", "where"),
    [("", 20, "1 to 20 of 23"), ("?page=2", 3, "21 to 23 of 23"), ("?page=9", 3, "21"), ("?page=x", 20, "1")],
)
def test_many_events_of_a_simulation_are_listed_by_pages(
    alices: Setup, ines: Prospect, query: str, rows: int, where: str
) -> None:
    use(alices.connection, SENT)
    for number in range(23):
        happened(ines, "email_sent", days=1 + number)
    text = alices.client.get(alices.path("automations/simulation") + query).content.decode()
    assert text.count(f'href="/prospects/{ines.pk}/"') == rows
    assert where in text
    assert ("page=2#events" in text) == (rows == 20)


def test_whoever_the_settings_keep_out_is_left_out_and_said_why(alices: Setup, workspace: Workspace) -> None:
    use(alices.connection, SENT)
    happened(make_prospect(workspace, email=""), "email_sent")
    text = plain(alices.get("automations/simulation"))
    assert "Left out It has no e-mail address, and only records with one are synced." in text


def test_automations_that_can_not_work_are_named_by_the_simulation(alices: Setup, ines: Prospect) -> None:
    gone = Automation(Trigger.EMAIL_REPLIED, actions=(Action(ActionKind.CREATE_DEAL, "999"),))
    off = Automation(Trigger.EMAIL_BOUNCED, enabled=False, actions=(Action(ActionKind.CREATE_DEAL, "999"),))
    use(alices.connection, SENT, gone, off)
    happened(ines, "email_sent")
    assert "Something is missing in: E-mail replied. They were left out here." in plain(
        alices.get("automations/simulation")
    )
    use(alices.connection, SENT)
    assert "Something is missing" not in alices.get("automations/simulation")


def test_without_automations_events_or_the_direction_the_simulation_says_so(
    alices: Setup, ines: Prospect
) -> None:
    assert "No automation is switched on" in alices.get("automations/simulation")
    use(alices.connection, CLICKED)
    happened(ines, "email_opened")
    assert "There was 1 campaign event in this time" in alices.get("automations/simulation")
    alices.post("setup/direction", {"part": "direction", "direction": "from_pipedrive"})
    assert "Automations need data to flow to Pipedrive" in alices.get("automations/simulation")


# --- A try


def test_the_automations_of_the_form_are_tried_with_one_prospect_and_nothing_is_saved(
    alices: Setup, ines: Prospect
) -> None:
    text = plain(act(alices, "try", form(email_sent=CHAIN) | {"try_prospect": "Ines@Brightwater.example"}))
    assert "Inês Carvalho" in text
    assert "The prospect is not in Pipedrive yet and would be created there first." in text
    assert "Would be done Create a deal “Inês Carvalho deal” in “New business”" in text
    assert "Would be done Move the deal to a stage “Inês Carvalho deal” to “Contacted”" in text
    assert alices.settings.automations == ()
    assert AutomationRun.objects.count() == 0


def test_a_try_says_which_automations_are_left_out_as_something_is_missing(
    alices: Setup, ines: Prospect
) -> None:
    no_subject = {"on": "on", ACTIVITY: {"subject": ""}}
    whole = form(email_sent=CHAIN)
    told = "Something is missing in: E-mail replied. They were left out here."
    sent = form(email_sent=CHAIN, email_replied=no_subject) | {"try_prospect": "carvalho"}
    text = plain(act(alices, "try", sent))
    assert "Would be done Create a deal" in text
    assert told in text
    assert told not in plain(act(alices, "try", whole | {"try_prospect": "carvalho"}))


def test_a_try_by_name_knows_what_ran_before(alices: Setup, ines: Prospect) -> None:
    happened(ines, "email_sent")
    campaign = Campaign.objects.get()
    ran(alices.connection, prospect_id=str(ines.pk), campaign_id=str(campaign.pk))
    text = plain(act(alices, "try", form(email_sent=CHAIN) | {"try_prospect": "carvalho"}))
    assert "Double It has run for this prospect and campaign." in text


def test_what_came_while_nobody_was_in_pipedrive_keeps_nothing_from_running(
    alices: Setup, ines: Prospect
) -> None:
    happened(ines, "email_sent")
    campaign = Campaign.objects.get()
    ran(alices.connection, prospect_id=str(ines.pk), campaign_id=str(campaign.pk), person_id="")
    text = plain(act(alices, "try", form(email_sent=CHAIN) | {"try_prospect": "carvalho"}))
    assert "Would be done Create a deal" in text


def test_a_move_depends_where_pipedrive_can_not_be_asked(alices: Setup, ines: Prospect) -> None:
    make_link(alices.connection, prospect_id=str(ines.pk), person_id="17")
    Connection.objects.update(secret=None)
    sent = form(link_clicked={"on": "on", NEXT: {}}) | {"try_prospect": "carvalho"}
    text = plain(act(alices, "try", sent))
    assert (
        "Depends Move the deal to the next stage Their open deal to the next stage, if they have one." in text
    )
    assert "Pipedrive was not asked for open deals" in text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("", "Enter the e-mail address or the name"),
        ("nobody@elsewhere.example", "No prospect has this e-mail address or name."),
        ("Carvalho", "Several fit: Inês Carvalho (ines@brightwater.example)"),
        ("x" * 5000, "No prospect has this"),
    ],
)
def test_a_try_that_names_nobody_or_several_says_so(
    alices: Setup, ines: Prospect, workspace: Workspace, asked: str, says: str
) -> None:
    carvalho(workspace, "Rui", "rui@brightwater.example")
    text = plain(act(alices, "try", form(email_sent=CHAIN) | {"try_prospect": asked}))
    assert says in text


def test_a_try_works_without_scripts_and_on_the_settings_page(alices: Setup, ines: Prospect) -> None:
    sent = form(email_sent=CHAIN) | {"try_prospect": "carvalho", "act": "try"}
    for page in (STEP, "settings"):
        answer = alices.post(page, sent)
        assert answer.status_code == 200
        assert "“Inês Carvalho deal” in “New business”" in answer.content.decode()


def test_somebody_elses_prospect_is_not_found(alices: Setup, charlie: object) -> None:
    elsewhere = Workspace.objects.get(name="Elsewhere")
    make_prospect(elsewhere, email="zoe@elsewhere.example", first_name="Zoe", last_name="Far")
    text = plain(act(alices, "try", form(email_sent=CHAIN) | {"try_prospect": "zoe@elsewhere.example"}))
    assert "No prospect has this" in text


# --- The prospect's page


def test_a_prospect_shows_its_deal_its_last_runs_and_which_e_mails_are_logged(
    alices: Setup, ines: Prospect
) -> None:
    connection = alices.connection
    make_link(connection, prospect_id=str(ines.pk), person_id="17")
    happened(ines, "email_sent")
    email = CampaignEmail.objects.get()
    EmailActivity.objects.create(
        connection=connection,
        email_id=str(email.pk),
        prospect_id=str(ines.pk),
        person_id="17",
        activity_id="50318",
        digest="",
    )
    for _number in range(4):
        run = ran(connection, prospect_id=str(ines.pk))
    run.actions.filter(position=0).update(deal_id="77", done_at=timezone.now())
    page = alices.client.get(f"/prospects/{ines.pk}/").content.decode()
    text = plain(page)
    assert f'href="{connection.api_domain}/deal/77"' in page
    assert "Deal 77 Inês Carvalho deal, just now" in text
    assert "Logged in Pipedrive, done activity 50318" in text
    assert "Automations All 4" in text
    assert page.count('<ol class="deeds">') == 3
    EmailActivity.objects.update(gone=True)
    page = alices.client.get(f"/prospects/{ines.pk}/").content.decode()
    assert "Its activity in Pipedrive was deleted there" in page


def test_a_prospect_whom_no_automation_met_shows_none(alices: Setup, ines: Prospect) -> None:
    ran(alices.connection, prospect_id=str(ines.pk + 1))
    page = alices.client.get(f"/prospects/{ines.pk}/").content.decode()
    assert "Automations" not in page
    assert "deeds" not in page
