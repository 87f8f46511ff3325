"""The overview: what it says in each state of a connection, and its switch."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.builders import (
    make_attention,
    make_change,
    make_connection,
    make_log_entry,
    make_person,
    make_prospect,
    make_transfer,
    spend_tokens,
)
from tidegate.core.automation import Action, ActionKind, Automation, Trigger
from tidegate.core.connection import Reason, Status
from tidegate.core.problem import Problem
from tidegate.core.settings import settings_to_json
from tidegate.errors import AuthorizationLost
from tidegate.store.alerts import look_for_alerts
from tidegate.store.audit import Act, note
from tidegate.store.models import AutomationRun, Connection, Workspace
from tidegate.wiring import actions


@pytest.fixture
def live(workspace: Workspace) -> Connection:
    return make_connection(workspace)


def page(client: Client, connection: Connection, name: str = "overview") -> str:
    answer = client.get(reverse(name, args=[connection.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_after_a_transfer_it_is_live_sync_that_is_quiet(owner: Client, live: Connection) -> None:
    """The gate counts what the transfer wrote in the last hour."""
    make_log_entry(live, cause="transfer")
    text = " ".join(page(owner, live).split())
    assert "<b>1</b>last hour" in text
    assert "No live change in the last hour" in text


def test_a_connection_of_another_workspace_is_not_found(stranger: Client, live: Connection) -> None:
    for name in ("overview", "overview-live"):
        assert stranger.get(reverse(name, args=[live.pk])).status_code == 404
    for name in ("sync-switch", "refresh-fields"):
        assert stranger.post(reverse(name, args=[live.pk])).status_code == 404


def test_a_visitor_is_sent_to_sign_in(client: Client, live: Connection) -> None:
    answer = client.get(reverse("overview", args=[live.pk]))
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]


def test_a_new_connection_says_what_will_happen_and_shows_no_made_up_figure(
    owner: Client, live: Connection
) -> None:
    text = page(owner, live)
    assert "The first change in either app will show up here within seconds" in text
    assert "No changes yet" in text
    assert "Nothing needs you" in text
    assert 'class="big"' in text  # prospects are ours to count
    assert "people" not in text.split('id="health"')[0].split("gate-side end")[1]  # persons were never walked


def test_figures_come_from_what_was_written(owner: Client, live: Connection, workspace: Workspace) -> None:
    make_prospect(workspace)
    make_log_entry(live, seconds=1.2)
    make_log_entry(live, side="outreach", record_name="Henrik Sørensen")
    make_attention(live)
    spend_tokens(live.lane, 1500)
    text = page(owner, live)
    assert "Signe Aaltonen" in text
    assert "Henrik Sørensen" in text
    assert "+358 9 555 0148" in text
    assert "1,500" in text
    assert "1.2 s" in text
    assert "A value doesn’t fit the field it goes to" in text


def test_those_from_before_the_launch_are_counted_one_by_one_as_well(
    owner: Client, live: Connection, workspace: Workspace
) -> None:
    live.launched_at = live.lane.persons_walked_at = timezone.now()
    live.save()
    live.lane.save()
    make_prospect(workspace)
    make_person(live.lane, 21, "Signe Aaltonen", "signe@polarnote.example")
    assert "1 prospect and 1 person are here" in page(owner, live)
    make_person(live.lane, 22, "Ada Wren", "ada@millrace.example")
    assert "1 prospect and 2 people are here" in page(owner, live)


def _ran(connection: Connection, trigger: str, *, days_ago: int = 0, person_id: str = "7") -> None:
    number = AutomationRun.objects.count()
    AutomationRun.objects.create(
        connection=connection,
        trigger=trigger,
        once_key=str(number),
        event_id=str(number),
        event_at=timezone.now(),
        prospect_id="1",
        person_id=person_id,
        created_at=timezone.now() - timedelta(days=days_ago),
    )


def test_automations_of_today_are_counted_by_what_set_them_off(owner: Client, live: Connection) -> None:
    assert "Automations today" not in page(owner, live)  # none is on, none has run
    sent = Automation(Trigger.EMAIL_SENT, actions=(Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE),))
    replied = replace(sent, trigger=Trigger.EMAIL_REPLIED)
    settings = replace(live.get_settings(), automations=(sent, replace(replied, enabled=False)))
    Connection.objects.filter(pk=live.pk).update(settings=settings_to_json(settings))
    for _ in range(4):
        _ran(live, "email_opened")
    _ran(live, "email_sent")
    _ran(live, "email_sent", days_ago=2)
    _ran(live, "email_sent", person_id="")

    text = page(owner, live)

    shown = text.partition('id="automations"')[2].partition("</section>")[0]
    found = re.findall(r'<span>([^<]+)</span><svg[^>]*><rect width="(\d+%)"[^>]*></svg><b>(\d+)</b>', shown)
    assert found == [("Campaign e-mail sent", "25%", "1"), ("E-mail opened", "100%", "4")]


def test_what_changes_by_itself_comes_without_the_shell(owner: Client, live: Connection) -> None:
    text = page(owner, live, "overview-live")
    assert 'id="gate"' in text
    assert "<html" not in text


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"status": Status.PAUSED}, "Live sync is paused"),
        (
            {"status": Status.PAUSED, "reason": Reason.RECONNECT},
            "Pipedrive no longer accepts this connection",
        ),
        ({"status": Status.PAUSED, "reason": Reason.NEW, "launched_at": None}, "Not launched yet"),
        ({"status": Status.FAILED, "reason": Reason.INCOMPLETE}, "Connection failed"),
        ({"status": Status.SYNCING}, "A transfer is running"),
    ],
)
def test_each_status_says_what_it_means(
    owner: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], expected: str
) -> None:
    monkeypatch.setattr(actions, "problems", lambda connection: [])
    connection = make_connection(workspace, **facts)
    if facts["status"] == Status.SYNCING:
        make_transfer(connection, total=3434, created=1992)
    assert expected in page(owner, connection)


def test_what_waits_is_counted_and_not_lost(owner: Client, workspace: Workspace) -> None:
    connection = make_connection(workspace, status=Status.PAUSED)
    make_change(connection)
    make_change(connection)
    make_change(connection, done_at=timezone.now())
    text = page(owner, connection)
    assert "2 changes were made since then" in text
    assert "choose whether to catch up" in text


def test_a_failed_connection_names_each_problem(
    owner: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = make_connection(workspace, status=Status.FAILED, reason=Reason.INCOMPLETE)
    found = [
        Problem("owner-gone", "owner_id", "The chosen Pipedrive user no longer exists. Choose another one.")
    ]
    monkeypatch.setattr(actions, "problems", lambda connection: found)
    text = page(owner, connection)
    assert "1 setting needs you" in text
    assert found[0].message in text


def test_an_owner_pauses_with_one_click(
    owner: Client, live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(actions, "pause", lambda connection, *, actor: asked.append(actor))
    answer = owner.post(reverse("sync-switch", args=[live.pk]), {"sync": "paused"}, follow=True)
    assert asked == ["Alice Lindqvist"]
    assert "Live sync is paused. Changes wait until it is active again." in answer.content.decode()


def test_a_pause_is_told_with_who_pressed_it_until_something_else_was_done(
    owner: Client, live: Connection
) -> None:
    owner.post(reverse("sync-switch", args=[live.pk]), {"sync": "paused"})
    assert re.search(r"<h2>Paused <time [^>]*>just now</time> by Alice Lindqvist</h2>", page(owner, live))
    note(live.workspace_id, Act.RECONNECTED, actor="Bob", subject=live.company_name)
    assert "<h2>Live sync is paused</h2>" in page(owner, live)


def test_resuming_with_problems_leads_to_the_settings(
    owner: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = make_connection(workspace, status=Status.PAUSED)
    problem = Problem("owner-missing", "owner_id", "Choose the Pipedrive user who will own new people.")
    monkeypatch.setattr(actions, "resume", lambda connection, **facts: [problem])
    answer = owner.post(reverse("sync-switch", args=[connection.pk]), {"sync": "active"})
    assert answer["Location"] == reverse("settings", args=[connection.pk])
    answer = owner.post(
        reverse("sync-switch", args=[connection.pk]), {"sync": "active"}, headers={"HX-Request": "true"}
    )
    assert answer["HX-Redirect"] == reverse("settings", args=[connection.pk])


def test_resuming_without_authorisation_leads_to_reconnecting(owner: Client, workspace: Workspace) -> None:
    connection = make_connection(workspace, status=Status.PAUSED, reason=Reason.RECONNECT)
    answer = owner.post(reverse("sync-switch", args=[connection.pk]), {"sync": "active"}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("integrations")
    assert "Reconnect it first." in answer.content.decode()


def test_a_connection_that_was_never_launched_is_launched_in_its_set_up(
    owner: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = make_connection(workspace, status=Status.PAUSED, reason=Reason.NEW, launched_at=None)
    monkeypatch.setattr(actions, "resume", pytest.fail)
    answer = owner.post(reverse("sync-switch", args=[connection.pk]), {"sync": "active"})
    assert answer["Location"] == reverse("setup", args=[connection.pk])


def test_a_resume_asks_what_should_happen_to_the_changes_of_the_pause(
    owner: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = make_connection(workspace, status=Status.PAUSED)
    make_change(connection)
    make_change(connection, side="pipedrive")
    monkeypatch.setattr(actions, "resume", pytest.fail)
    answer = owner.post(reverse("sync-switch", args=[connection.pk]), {"sync": "active"}, follow=True)
    text = answer.content.decode()
    assert "2 changes were made while live sync was paused: 1 in Tidegate Prospects, 1 in Pipedrive." in text
    assert "What should happen to them?" in text


def test_the_question_of_a_resume_leads_to_what_catching_up_would_write(
    owner: Client, workspace: Workspace
) -> None:
    connection = make_connection(workspace, status=Status.PAUSED)
    make_change(connection)
    text = owner.get(reverse("overview", args=[connection.pk])).content.decode()
    dialog = text.partition('<dialog class="dialog" id="resume"')[2].partition("</dialog>")[0]
    assert f'href="{reverse("resume", args=[connection.pk])}"' in dialog
    assert "1 change was made while live sync was paused: 1 in Tidegate Prospects, 0 in Pipedrive." in dialog
    assert "What should happen to it?" in dialog


@pytest.mark.parametrize(("catchup", "applied"), [("apply", True), ("leave", False)])
def test_a_resume_does_with_the_changes_what_the_member_says(
    owner: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, catchup: str, applied: bool
) -> None:
    connection = make_connection(workspace, status=Status.PAUSED)
    make_change(connection)
    asked: list[bool] = []

    def resume(connection: Connection, *, actor: str, apply_waiting: bool) -> list[Problem]:
        asked.append(apply_waiting)
        return []

    monkeypatch.setattr(actions, "resume", resume)
    owner.post(reverse("sync-switch", args=[connection.pk]), {"sync": "active", "catchup": catchup})
    assert asked == [applied]


def test_there_is_nothing_to_ask_when_nothing_waits(owner: Client, workspace: Workspace) -> None:
    connection = make_connection(workspace, status=Status.PAUSED)
    answer = owner.get(reverse("resume", args=[connection.pk]))
    assert answer["Location"] == reverse("overview", args=[connection.pk])


def test_a_viewer_may_look_but_not_pause(
    viewer: Client, live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "pause", pytest.fail)
    text = page(viewer, live)
    assert "sync-switch" not in text
    assert "Refresh fields" not in text
    answer = viewer.post(reverse("sync-switch", args=[live.pk]), {"sync": "paused"})
    assert answer.status_code == 403


@pytest.mark.parametrize("sent", [{}, {"sync": "sideways"}])
def test_a_switch_without_a_known_position_changes_nothing(
    owner: Client, live: Connection, monkeypatch: pytest.MonkeyPatch, sent: dict[str, str]
) -> None:
    monkeypatch.setattr(actions, "pause", pytest.fail)
    monkeypatch.setattr(actions, "resume", pytest.fail)
    answer = owner.post(reverse("sync-switch", args=[live.pk]), sent, follow=True)
    assert "Choose Active or Paused." in answer.content.decode()


def test_a_refresh_that_fails_says_why(
    owner: Client, live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(connection: Connection) -> None:
        raise AuthorizationLost

    monkeypatch.setattr(actions, "refresh", lost)
    answer = owner.post(reverse("refresh-fields", args=[live.pk]), follow=True)
    assert "Pipedrive no longer accepts this connection" in answer.content.decode()


def test_a_wait_for_the_budget_says_when_it_ends(owner: Client, live: Connection) -> None:
    lane = live.lane
    lane.wait_until, lane.wait_reason = (
        timezone.now() + timedelta(minutes=185),
        "Today’s API budget is used up.",
    )
    lane.save()
    text = page(owner, live)
    assert "Today’s API budget is used up." in text
    assert "in 3 h 5 min" in text


def test_a_lane_that_nobody_works_on_says_so(owner: Client, live: Connection) -> None:
    headline = "Changes wait, and nothing is known to hold them up"
    assert headline not in page(owner, live)
    make_change(live)
    live.changes.update(due_at=timezone.now() - timedelta(minutes=20))
    look_for_alerts()
    assert headline in page(owner, live)


def test_a_name_is_shown_as_text_and_never_as_markup(owner: Client, live: Connection) -> None:
    make_log_entry(live, record_name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(owner, live)


def test_a_part_of_a_page_never_shows_the_sign_in_page(client: Client, live: Connection) -> None:
    answer = client.get(reverse("overview-live", args=[live.pk]), headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert answer.content == b""


def test_a_page_whose_connection_is_gone_is_loaded_anew(owner: Client, live: Connection) -> None:
    live.disconnected_at = timezone.now()
    live.save()
    answer = owner.get(reverse("overview-live", args=[live.pk]), headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
