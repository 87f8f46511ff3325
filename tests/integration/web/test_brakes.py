"""What the brakes stopped, on the overview and on its page, and the page of budget and brakes."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.builders import make_change, make_connection, spend_tokens
from tidegate.core.brakes import Brake, Tally
from tidegate.core.connection import Reason, Status
from tidegate.core.limits import DEFAULT_LIMITS
from tidegate.ports import Example, Stopped
from tidegate.store.halts import keep_halt
from tidegate.store.models import Connection, Halt, Workspace
from tidegate.wiring import actions


@pytest.fixture
def live(workspace: Workspace) -> Connection:
    return make_connection(workspace)


def stop(connection: Connection, brake: Brake = Brake.SHARE, **facts: Any) -> Halt:
    change = {"field": "job_title", "name": "Job title", "kind": "text", "before": "CEO", "after": "Chair"}
    waiting = make_change(connection)
    stopped = Stopped(
        brake,
        "An unusual share of your records was about to change.",
        Tally(updated=420),
        linked=1000,
        waiting=431,
        upto=waiting.pk,
        examples=(Example("Signe Aaltonen", "update", "pipedrive", "1", "7", (change,)),),
    )
    keep_halt(str(connection.pk), stopped)
    connection.refresh_from_db()
    return Halt.objects.get(connection=connection, decided_at=None)


def text_of(client: Client, name: str, connection: Connection) -> str:
    answer = client.get(reverse(name, args=[connection.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def decide(client: Client, halt: Halt, decision: str) -> Any:
    return client.post(reverse("stopped-decide", args=[halt.connection_id, halt.pk]), {"decision": decision})


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings without a problem."""
    monkeypatch.setattr(actions, "problems", lambda connection: [])


def test_the_overview_says_what_was_stopped_and_leads_there(owner: Client, live: Connection) -> None:
    stop(live)

    text = text_of(owner, "overview", live)

    assert "An unusual share of your records was about to change" in text
    assert reverse("stopped", args=[live.pk]) in text
    assert "Resume sync" not in text  # that question is asked where one can see what it is about


def test_the_page_shows_counts_examples_and_both_ways_on(owner: Client, live: Connection) -> None:
    stop(live)

    text = text_of(owner, "stopped", live)

    assert "420" in text and "431" in text
    assert "Signe Aaltonen" in text and "CEO" in text and "Chair" in text
    assert 'value="confirm"' in text and 'value="drop"' in text


@pytest.mark.parametrize("brake", Brake)
def test_every_brake_has_its_words(owner: Client, live: Connection, brake: Brake) -> None:
    stop(live, brake)

    assert 'value="confirm"' in text_of(owner, "stopped", live)


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(("decision", "kept"), [("confirm", "confirmed"), ("drop", "dropped")])
def test_a_member_decides_once(owner: Client, live: Connection, decision: str, kept: str) -> None:
    halt = stop(live)
    Connection.objects.update(secret=b"sealed")

    decide(owner, halt, decision)

    halt.refresh_from_db()
    live.refresh_from_db()
    assert (halt.decision, halt.decided_by) == (kept, "Alice Lindqvist")
    assert live.status == Status.ACTIVE
    assert (live.passed_upto, live.left_upto) == ((halt.upto, 0) if kept == "confirmed" else (0, halt.upto))
    assert "decided already" in decide_again(owner, halt)


def decide_again(client: Client, halt: Halt) -> str:
    answer = client.post(
        reverse("stopped-decide", args=[halt.connection_id, halt.pk]), {"decision": "drop"}, follow=True
    )
    return answer.content.decode()


def test_without_a_choice_nothing_is_decided(owner: Client, live: Connection) -> None:
    halt = stop(live)

    decide(owner, halt, "")

    halt.refresh_from_db()
    assert halt.decided_at is None


def test_a_viewer_sees_it_and_a_stranger_does_not(viewer: Client, stranger: Client, live: Connection) -> None:
    halt = stop(live)

    assert 'value="confirm"' not in text_of(viewer, "stopped", live)
    assert decide(viewer, halt, "confirm").status_code == 403
    assert stranger.get(reverse("stopped", args=[live.pk])).status_code == 404
    assert decide(stranger, halt, "confirm").status_code == 404


def test_nothing_stopped_leads_to_the_overview(owner: Client, live: Connection) -> None:
    answer = owner.get(reverse("stopped", args=[live.pk]))

    assert answer["Location"] == reverse("overview", args=[live.pk])


def test_the_switch_asks_about_what_was_stopped_first(owner: Client, live: Connection) -> None:
    stop(live)

    answer = owner.post(reverse("sync-switch", args=[live.pk]), {"sync": "active"})

    live.refresh_from_db()
    assert answer["Location"] == reverse("stopped", args=[live.pk])
    assert (live.status, live.reason) == (Status.PAUSED, Reason.BRAKES)


# --- budget and brakes


def post_limits(client: Client, connection: Connection, **values: Any) -> Any:
    return client.post(reverse("limits", args=[connection.pk]), values)


BRAKES = {
    "save-brakes": "1",
    "brakes-on": "on",
    "brakes-share_percent": "40",
    "brakes-records": "500",
    "brakes-emptied": "50",
    "brakes-created": "100",
}


def test_brakes_are_set_in_plain_words_and_hold_at_once(owner: Client, live: Connection) -> None:
    assert str(DEFAULT_LIMITS.created) in text_of(owner, "limits", live)

    post_limits(owner, live, **BRAKES)

    live.refresh_from_db()
    brakes = live.get_settings().brakes
    assert (brakes.on, brakes.share_percent, brakes.records, brakes.emptied, brakes.created) == (
        True,
        40,
        500,
        50,
        100,
    )


def test_brakes_can_be_switched_off(owner: Client, live: Connection) -> None:
    post_limits(owner, live, **{key: value for key, value in BRAKES.items() if key != "brakes-on"})

    live.refresh_from_db()
    assert not live.get_settings().brakes.on


def test_an_impossible_limit_is_said_at_its_place(owner: Client, live: Connection) -> None:
    answer = post_limits(owner, live, **{**BRAKES, "brakes-share_percent": "400"})

    live.refresh_from_db()
    assert answer.status_code == 422
    assert 'href="#id_brakes-share_percent"' in answer.content.decode()
    assert live.get_settings().brakes == DEFAULT_LIMITS


def test_settings_saved_meanwhile_are_not_overwritten(owner: Client, live: Connection) -> None:
    answer = post_limits(owner, live, **BRAKES, version="7")

    live.refresh_from_db()
    assert answer.status_code == 422
    assert live.get_settings().brakes == DEFAULT_LIMITS


def test_the_budget_and_its_reserve_are_set(owner: Client, live: Connection) -> None:
    values = {
        "budget-plan": "growth",
        "budget-seats": "3",
        "budget-daily_budget": "",
        "budget-reserve_percent": "50",
    }
    post_limits(owner, live, **{"save-budget": "1"}, **values)

    live.lane.refresh_from_db()
    assert (live.lane.plan, live.lane.seats, live.lane.daily_budget, live.lane.reserve_percent) == (
        "growth",
        3,
        None,
        50,
    )
    assert "180,000" in text_of(owner, "limits", live)


def test_the_ledger_shows_each_feature_by_day(owner: Client, live: Connection) -> None:
    spend_tokens(live.lane, 120)
    spend_tokens(live.lane, 2500, "transfer")

    text = text_of(owner, "limits", live)
    assert "2,500" in text and "2,620" in text
    file = owner.get(reverse("ledger-csv", args=[live.pk]))
    assert b"2500" in file.getvalue()


def test_the_settings_show_budget_and_brakes_and_lead_to_them(
    owner: Client, viewer: Client, live: Connection
) -> None:
    post_limits(owner, live, **BRAKES)
    spend_tokens(live.lane, 2500, "transfer")
    text = text_of(owner, "settings", live)
    assert "30,000 API tokens a day" in text and "Tidegate used 2,500 of 30,000 tokens today" in text
    assert "you are asked." in text and "The brakes are off" not in text
    assert f'href="{reverse("limits", args=[live.pk])}">Change budget and brakes' in text
    assert "Show budget and brakes" in text_of(viewer, "settings", live)
    post_limits(owner, live, **{key: value for key, value in BRAKES.items() if key != "brakes-on"})
    assert "The brakes are off" in text_of(owner, "settings", live)


def test_a_viewer_may_look_at_the_limits_but_not_set_them(
    viewer: Client, stranger: Client, live: Connection
) -> None:
    assert "Save the brakes" not in text_of(viewer, "limits", live)
    assert post_limits(viewer, live, **BRAKES).status_code == 403
    live.refresh_from_db()
    assert live.get_settings().brakes == DEFAULT_LIMITS
    assert stranger.get(reverse("limits", args=[live.pk])).status_code == 404
