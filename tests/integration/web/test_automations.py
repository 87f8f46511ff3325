"""Automations in the set-up and on the settings page: what can be chosen, what is marked, what a form can't smuggle in."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.builders import make_link, make_prospect
from tests.integration.web.fake_pipedrive import FakePipedrive
from tests.integration.web.test_setup import HTMX, Setup, anchors
from tidegate.core.automation import Action, ActionKind, Automation, Often, Trigger
from tidegate.core.connection import Status
from tidegate.core.settings import Direction, Settings
from tidegate.prospects.models import Prospect, ProspectList
from tidegate.store.models import Change, Connection, Workspace

pytestmark = pytest.mark.django_db

STEP = "setup/automations"
SENT, OPENED, CLICKED, REPLIED = "email_sent", "email_opened", "link_clicked", "email_replied"
CREATE, MOVE, NEXT, ACTIVITY = (
    "create_deal",
    "move_deal_to_stage",
    "move_deal_to_next_stage",
    "add_activity",
)


@pytest.fixture
def alices(owner: Client, connection: Connection, workspace: Workspace, pipedrive: FakePipedrive) -> Setup:
    founders = ProspectList.objects.create(workspace_id=workspace.pk, name="Founders")
    connection.settings |= {"sync_to_list": str(founders.pk)}
    connection.save()
    pipedrive.show(connection)
    return Setup(owner, connection)


def form(**triggers: dict[str, Any]) -> dict[str, Any]:
    """What the step sends: `email_sent={"on": 1, "create_deal": {"pipeline": "1"}}`, actions in the given order."""
    sent: dict[str, Any] = {"part": "automations", "trigger": [trigger.value for trigger in Trigger]}
    for trigger, given in triggers.items():
        actions = {key: value for key, value in given.items() if isinstance(value, dict)}
        sent[f"{trigger}-action"] = list(actions)
        sent |= {f"{trigger}-{key}": value for key, value in given.items() if key not in actions}
        for kind, controls in actions.items():
            sent |= {f"{trigger}-{kind}-{key}": value for key, value in controls.items()}
    return sent


CHAIN: dict[str, Any] = {
    "on": "on",
    "often": "per_campaign",
    CREATE: {"pipeline": "1", "title": "{name} deal"},
    MOVE: {"pipeline": "1", "stage": "12"},
    ACTIVITY: {"subject": "Follow up with {first_name} about {campaign}"},
}
STORED_CHAIN = Automation(
    Trigger.EMAIL_SENT,
    actions=(
        Action(ActionKind.CREATE_DEAL, "1"),
        Action(ActionKind.MOVE_DEAL_TO_STAGE, "1", "12"),
        Action(ActionKind.ADD_ACTIVITY, subject="Follow up with {first_name} about {campaign}"),
    ),
)


def section(text: str, trigger: str) -> str:
    return text.split(f'id="auto-{trigger}"')[1].split("</section>")[0]


def options(text: str, control: str) -> list[str]:
    select = text.split(f'id="{control}"')[1].split("</select>")[0]
    return re.findall(r"<option[^>]*>([^<]*)", select)


def act(alices: Setup, what: str, sent: dict[str, Any], page: str = STEP) -> str:
    answer = alices.post(page, sent | {"act": what}, headers=HTMX)
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


# --- saving


def test_the_articles_chain_is_saved_in_its_order(alices: Setup) -> None:
    answer = alices.post(STEP, form(email_sent=CHAIN))
    assert answer["Location"] == alices.path("setup/review")
    assert alices.settings.automations == (STORED_CHAIN,)


def test_the_order_of_the_form_is_the_order_in_which_actions_run(alices: Setup) -> None:
    turned = {key: CHAIN[key] for key in ("on", ACTIVITY, MOVE, CREATE)}
    alices.post(STEP, form(email_sent=turned))
    kinds = [action.kind for action in alices.settings.automations[0].actions]
    assert kinds == [ACTIVITY, MOVE, CREATE]


@pytest.mark.parametrize("often", list(Often))
def test_how_often_is_kept(alices: Setup, often: Often) -> None:
    alices.post(STEP, form(email_sent=CHAIN | {"often": often.value}))
    assert alices.settings.automations[0].often is often


def test_a_switched_off_automation_keeps_its_settings_complete_or_not(alices: Setup) -> None:
    off = {"on": "", MOVE: {"pipeline": "1", "stage": ""}}
    answer = alices.post(STEP, form(email_opened=off))
    assert answer["Location"] == alices.path("setup/review")
    (kept,) = alices.settings.automations
    assert not kept.enabled
    assert kept.actions == (Action(ActionKind.MOVE_DEAL_TO_STAGE, "1"),)
    text = section(alices.get(STEP), OPENED)
    assert "Off, 1 action kept" in text
    assert "The action below is kept" in text


def test_what_is_off_and_does_nothing_is_not_stored(alices: Setup) -> None:
    alices.post(STEP, form())
    assert alices.settings.automations == ()
    assert alices.connection.settings_version == 2


def test_all_24_scenarios_can_be_chosen(alices: Setup) -> None:
    whole = {
        "on": "on",
        CREATE: {"pipeline": "2", "title": "{company}"},
        MOVE: {"pipeline": "2", "stage": "22", "only": "on"},
        NEXT: {},
        ACTIVITY: {"subject": "Call"},
    }
    answer = alices.post(STEP, form(**{trigger.value: whole for trigger in Trigger}))
    assert answer["Location"] == alices.path("setup/review")
    chosen = {(a.trigger, action.kind) for a in alices.settings.automations for action in a.actions}
    assert chosen == {(trigger, kind) for trigger in Trigger for kind in ActionKind}
    assert alices.settings.automations[0].actions[1].only_in_pipeline


# --- what is missing


@pytest.mark.parametrize(
    ("given", "control", "text"),
    [
        ({CREATE: {"pipeline": ""}}, "auto-email_replied-create_deal-pipeline", "Choose a pipeline."),
        ({CREATE: {"pipeline": "1", "title": " "}}, "auto-email_replied-create_deal-title", "Enter a title"),
        ({MOVE: {"pipeline": "1"}}, "auto-email_replied-move_deal_to_stage-stage", "Choose a stage."),
        ({ACTIVITY: {"subject": ""}}, "auto-email_replied-add_activity-subject", "Enter a subject"),
        ({ACTIVITY: {"subject": "{nick}"}}, "auto-email_replied-add_activity-subject", "There is no {nick}"),
        ({ACTIVITY: {"subject": "x" * 300}}, "auto-email_replied-add_activity-subject", "Enter at most 255"),
        ({}, "auto-email_replied-on", "Add an action"),
    ],
)
def test_what_is_missing_is_saved_and_marked_at_its_place(
    alices: Setup, given: dict[str, Any], control: str, text: str
) -> None:
    answer = alices.post(STEP, form(email_sent=CHAIN, email_replied={"on": "on"} | given))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert anchors(page) == [control]
    assert f"E-mail replied: {text}" in page
    wrong = section(page, REPLIED)
    assert text in wrong
    assert "1 to fix" in wrong
    assert re.search(r"<details open>", wrong)
    assert re.search(rf'id="{control}"[^>]*aria-invalid="true"', wrong)
    assert "<details>" in section(page, SENT)
    assert len(alices.settings.automations) == 2


def test_the_review_leads_to_what_is_missing_and_launching_does_not_start(alices: Setup) -> None:
    alices.post(STEP, form(email_sent=CHAIN, email_replied={"on": "on", MOVE: {"pipeline": "1"}}))
    review = alices.get("setup/review")
    assert "E-mail replied: Choose a stage." in review
    assert f"{alices.path(STEP)}?problems#auto-email_replied-move_deal_to_stage-stage" in review
    assert f'<a href="{alices.path(STEP)}?problems"><span class="dot"' in review
    assert f'<a href="{alices.path("setup/direction")}"><span class="dot"' in review
    assert "1 thing is missing." in review
    assert (
        "<b>Campaign e-mail sent:</b> create a deal in New business, move the deal to Contacted, add"
        in review
    )
    assert alices.post("setup/review", {}).status_code == 422
    assert alices.connection.status == Status.FAILED
    assert "1 to fix" in section(alices.client.get(alices.path(STEP) + "?problems").content.decode(), REPLIED)


@pytest.mark.parametrize(
    ("vanish", "control", "text"),
    [
        ("pipeline", "pipeline", "The chosen pipeline no longer exists in Pipedrive."),
        ("stage", "stage", "The chosen stage no longer exists in Pipedrive."),
    ],
)
def test_what_vanished_stays_visible_and_is_marked_where_it_was_used(
    alices: Setup, pipedrive: FakePipedrive, vanish: str, control: str, text: str
) -> None:
    alices.post(STEP, form(email_replied={"on": "on", MOVE: {"pipeline": "2", "stage": "22"}}))
    pipedrive.delete_pipeline("2") if vanish == "pipeline" else pipedrive.delete_stage("22")
    pipedrive.show(alices.connection)
    page = alices.get("settings")
    wrong = section(page, REPLIED)
    assert text in wrong
    assert f"Deleted {vanish}" in options(wrong, f"auto-email_replied-move_deal_to_stage-{control}")
    assert 'Automations <span class="count" data-tone="bad">1' in page
    # saving the rest keeps it; choosing another one mends it
    answer = alices.post(STEP, form(email_replied={"on": "on", MOVE: {"pipeline": "2", "stage": "22"}}))
    assert answer.status_code == 422
    assert alices.settings.automations[0].actions[0].stage_id == "22"
    answer = alices.post(STEP, form(email_replied={"on": "on", MOVE: {"pipeline": "1", "stage": "13"}}))
    assert answer["Location"] == alices.path("setup/review")


# --- what a form can't smuggle in


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({CREATE: {"pipeline": "77"}}, "auto-email_sent-create_deal-pipeline"),
        ({MOVE: {"pipeline": "77", "stage": "12"}}, "auto-email_sent-move_deal_to_stage-pipeline"),
        ({MOVE: {"pipeline": "1", "stage": "77"}}, "auto-email_sent-move_deal_to_stage-stage"),
    ],
)
def test_ids_that_do_not_exist_are_refused_and_nothing_is_saved(
    alices: Setup, given: dict[str, Any], place: str
) -> None:
    answer = alices.post(STEP, form(email_sent={"on": "on"} | given))
    assert answer.status_code == 422
    assert place in anchors(answer.content.decode())
    assert alices.settings.automations == ()


def test_a_stage_of_another_pipeline_is_not_taken(alices: Setup) -> None:
    answer = alices.post(STEP, form(email_sent={"on": "on", MOVE: {"pipeline": "2", "stage": "12"}}))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose a stage." in page
    control = "auto-email_sent-move_deal_to_stage-stage"
    assert options(page, control) == ["Choose a stage", "First talk", "Contract"]
    assert alices.settings.automations[0].actions[0].stage_id is None


def test_an_unknown_trigger_action_or_rule_is_not_taken_and_an_action_counts_once(alices: Setup) -> None:
    sent = form(email_sent={"on": "on", "often": "hourly", ACTIVITY: {"subject": "Call"}})
    sent |= {"email_sent-action": [ACTIVITY, "send_rocket", ACTIVITY], "trigger": [SENT, "rocket_sent"]}
    answer = alices.post(STEP, sent)
    assert answer["Location"] == alices.path("setup/review")
    assert alices.settings.automations == (
        Automation(Trigger.EMAIL_SENT, actions=(Action(ActionKind.ADD_ACTIVITY, subject="Call"),)),
    )


def test_a_form_that_does_not_show_the_automations_leaves_them(alices: Setup) -> None:
    alices.post(STEP, form(email_sent=CHAIN))
    alices.post("setup/constants", {"part": ["constants-outreach", "constants-pipedrive"]})
    assert alices.settings.automations == (STORED_CHAIN,)
    sent = form(email_opened={"on": "on", NEXT: {}}) | {"trigger": [OPENED]}
    alices.post(STEP, sent)
    assert [automation.trigger for automation in alices.settings.automations] == [SENT, OPENED]


# --- editing without saving


def test_actions_are_added_moved_and_removed_in_their_section_alone(alices: Setup) -> None:
    text = act(alices, "automation-email_sent-add-create_deal", form(email_sent={"on": "on"}))
    assert text.count("<section") == 1
    assert re.search(r'id="auto-email_sent-create_deal-pipeline"[^>]* autofocus', text)
    assert "1 of 4 used" in text
    text = act(alices, "automation-email_sent-up-add_activity", form(email_sent=CHAIN))
    assert re.findall(r'name="email_sent-action" value="(\w+)"', text) == [CREATE, ACTIVITY, MOVE]
    assert re.search(r'id="auto-email_sent-add_activity-up"[^>]* autofocus', text)
    text = act(alices, "automation-email_sent-up-move_deal_to_stage", form(email_sent=CHAIN))
    assert re.search(r'id="auto-email_sent-move_deal_to_stage-up"[^>]* disabled', text)
    assert re.search(r'id="auto-email_sent-move_deal_to_stage-down"[^>]* autofocus', text)
    text = act(alices, "automation-email_sent-remove-create_deal", form(email_sent=CHAIN))
    assert re.findall(r'name="email_sent-action" value="(\w+)"', text) == [MOVE, ACTIVITY]
    assert re.search(r'id="auto-email_sent-add"[^>]*autofocus', text)
    assert alices.settings.automations == ()


def test_only_the_actions_that_are_not_used_yet_are_offered(alices: Setup) -> None:
    text = act(alices, "automation-email_sent-often", form(email_sent=CHAIN))
    assert re.findall(r'value="automation-email_sent-add-(\w+)"', text) == [NEXT]
    whole = CHAIN | {NEXT: {}}
    text = act(alices, "automation-email_sent-often", form(email_sent=whole))
    assert "automation-email_sent-add-" not in text
    assert "4 of 4 used" in text


@pytest.mark.parametrize(
    "what",
    [
        "automation-email_sent-add-create_deal",
        "automation-email_sent-up-create_deal",
        "automation-email_sent-down-add_activity",
        "automation-email_sent-remove-send_rocket",
        "automation-email_sent-explode-create_deal",
    ],
)
def test_what_can_not_be_done_changes_nothing(alices: Setup, what: str) -> None:
    text = act(alices, what, form(email_sent=CHAIN))
    assert re.findall(r'name="email_sent-action" value="(\w+)"', text) == [CREATE, MOVE, ACTIVITY]


def test_choosing_another_pipeline_offers_its_stages_and_forgets_the_old_one(alices: Setup) -> None:
    changed = {"on": "on", MOVE: {"pipeline": "2", "stage": "12"}}
    text = act(alices, "automation-email_sent-pipeline", form(email_sent=changed))
    control = "auto-email_sent-move_deal_to_stage-stage"
    assert options(text, control) == ["Choose a stage", "First talk", "Contract"]
    assert "a stage you still have to choose" in text


def test_without_scripts_the_same_buttons_answer_with_the_whole_page(alices: Setup) -> None:
    answer = alices.post(STEP, form(email_sent=CHAIN) | {"act": "automation-email_replied-add-add_activity"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Step 5 of 6" in page
    assert "<details open>" in section(page, REPLIED)
    assert 'id="auto-email_replied-add_activity-subject"' in page
    assert re.findall(r'name="email_sent-action" value="(\w+)"', page) == [CREATE, MOVE, ACTIVITY]


# --- the example


def test_the_example_is_about_somebody_in_the_lists(alices: Setup, workspace: Workspace) -> None:
    Prospect.objects.create(
        workspace_id=workspace.pk, first_name="<Inês>", last_name="Carvalho", company="Brightwater"
    )
    text = act(alices, "automation-email_sent-text", form(email_sent=CHAIN))
    example = re.sub(r"<[^>]+>", "", text.split('class="sentence"')[1].split("</p>")[0])
    assert (
        "is sent to &lt;Inês&gt; Carvalho, Tidegate creates the deal &lt;Inês&gt; Carvalho deal in New"
        in example
    )
    assert "moves it to Contacted, and adds the task Follow up with &lt;Inês&gt; about" in example
    assert "for Maja Lindqvist, due the same day" in example
    assert "Without an open deal" not in example


def test_the_example_says_when_nothing_would_be_moved(alices: Setup) -> None:
    text = act(alices, "automation-link_clicked-text", form(link_clicked={"on": "on", NEXT: {}}))
    assert "moves their open deal to the next stage" in text
    assert "Without an open deal nothing is moved, and the log says so." in text


# --- the direction


def test_automations_are_not_offered_where_nothing_flows_to_pipedrive(alices: Setup) -> None:
    alices.post(STEP, form(email_sent=CHAIN))
    alices.post("setup/direction", {"part": "direction", "direction": "from_pipedrive"})
    page = alices.get(STEP)
    assert "Automations need data to flow to Pipedrive" in page
    assert "The automations you have set up are kept." in page
    assert "auto-email_sent" not in page
    assert alices.post(STEP, {"part": "automations"})["Location"] == alices.path("setup/review")
    assert alices.settings.direction is Direction.FROM_PIPEDRIVE
    assert alices.settings.automations == (STORED_CHAIN,)
    assert "None, since nothing flows to Pipedrive." in alices.get("setup/review")


# --- the settings page


def test_the_settings_page_saves_the_same_section(alices: Setup) -> None:
    page = alices.get("settings")
    assert page.count('class="trigger"') == len(Trigger)
    answer = alices.post("settings", form(email_sent=CHAIN))
    assert answer["Location"] == alices.path("settings")
    assert alices.settings.automations == (STORED_CHAIN,)


def test_the_settings_page_names_each_automation_that_changed(alices: Setup) -> None:
    alices.post("settings", form(email_sent=CHAIN))
    text = act(alices, "changes", form(email_sent=CHAIN), page="settings")
    assert "No unsaved changes" in text
    changed = form(email_sent=CHAIN | {"often": "every_email"}, email_opened={"on": "on", NEXT: {}})
    text = act(alices, "changes", changed, page="settings")
    assert "Campaign e-mail sent, E-mail opened" in text
    text = act(alices, "automation-email_opened-switch", changed, page="settings")
    assert text.count("<section") == 1
    assert "2 unsaved changes" in text


def test_the_second_of_two_editors_of_automations_is_told_and_overwrites_nothing(alices: Setup) -> None:
    first = alices.connection.settings_version
    alices.post("settings", form(email_sent=CHAIN))
    late = form(email_sent={"on": "on", NEXT: {}}) | {"version": first}
    answer = alices.client.post(alices.path("settings"), late)
    assert answer.status_code == 409
    assert "Somebody else saved these settings meanwhile" in answer.content.decode()
    assert alices.settings.automations == (STORED_CHAIN,)


def test_a_viewer_sees_the_automations_and_changes_none(viewer: Client, alices: Setup) -> None:
    alices.post("settings", form(email_sent=CHAIN))
    page = viewer.get(alices.path("settings")).content.decode()
    assert '<fieldset class="contents" disabled>' in page
    answer = viewer.post(alices.path("settings"), form())
    assert answer.status_code == 403
    assert alices.settings.automations == (STORED_CHAIN,)


# --- e-mail history


def history(alices: Setup, **sent: Any) -> Settings:
    alices.post("settings", {"part": "history"} | sent)
    return alices.settings


def test_e_mail_history_is_on_to_begin_with_and_follows_what_is_worth_an_update(alices: Setup) -> None:
    page = alices.get("setup/data")
    assert re.search(r'name="include_email_history"[^>]* checked', page)
    assert len(re.findall(r'name="history_events" value="\w+" checked', page)) == 5
    settings = history(alices, include_email_history="on", history_events=[CLICKED, REPLIED, "rocket_sent"])
    assert settings.include_email_history
    assert settings.history_events == (Trigger.EMAIL_REPLIED, Trigger.LINK_CLICKED)
    assert "E-mail history is included, and updated by: Replied, Clicked." in alices.get("setup/review")


def test_e_mail_history_can_be_switched_off(alices: Setup) -> None:
    assert not history(alices, history_events=[REPLIED]).include_email_history
    assert "E-mail history is not included." in alices.get("setup/review")


def test_unsubscribing_in_pipedrive_is_off_until_somebody_switches_it_on(alices: Setup) -> None:
    page = alices.get("setup/data")
    assert re.search(r'name="unsubscribe_in_pipedrive"(?![^>]* checked)', page)
    assert "unsubscribed in Pipedrive" not in alices.get("setup/review")

    alices.post("settings", {"part": "consent", "unsubscribe_in_pipedrive": "on"})

    assert alices.settings.unsubscribe_in_pipedrive
    assert "is unsubscribed in Pipedrive, too, which can" in alices.get("setup/review")
    assert re.search(r'name="unsubscribe_in_pipedrive"[^>]* checked', alices.get("settings"))
    alices.post("settings", {"part": "consent"})
    assert not alices.settings.unsubscribe_in_pipedrive


def test_whoever_left_before_is_offered_and_asked_about_first(  # C10
    alices: Setup, viewer: Client, workspace: Workspace
) -> None:
    gone = make_prospect(workspace, first_name="Ada", consent="unsubscribed")
    make_link(alices.connection, gone.pk)
    address = reverse("unsubscribe-earlier", args=[alices.connection.pk])
    assert address not in alices.get("settings")
    alices.post("settings", {"part": "consent", "unsubscribe_in_pipedrive": "on"})
    assert f'href="{address}"' in alices.get("settings")

    asked = alices.client.get(address).content.decode()
    assert "Unsubscribe 1 person in Pipedrive?" in asked
    assert "Nobody can take it back" in asked
    assert viewer.post(address).status_code == 403
    assert not Change.objects.filter(entity="campaign_consent").exists()

    said = alices.client.post(address, follow=True).content.decode()
    assert "1 person is looked at and unsubscribed in Pipedrive." in said
    assert [change.record_id for change in Change.objects.filter(entity="campaign_consent")] == [str(gone.pk)]


def test_nobody_is_unsubscribed_where_it_is_not_switched_on(alices: Setup, workspace: Workspace) -> None:
    make_link(alices.connection, make_prospect(workspace, consent="unsubscribed").pk)
    address = reverse("unsubscribe-earlier", args=[alices.connection.pk])

    said = alices.client.post(address, follow=True).content.decode()

    assert "Switch on" in said
    assert not Change.objects.exists()


def test_e_mail_history_is_not_asked_for_where_nothing_flows_to_pipedrive(alices: Setup) -> None:
    alices.post("setup/direction", {"part": "direction", "direction": "from_pipedrive"})
    assert "include_email_history" not in alices.get("setup/data")
    assert "unsubscribe_in_pipedrive" not in alices.get("setup/data")
    assert "E-mail history" not in alices.get("setup/review")
