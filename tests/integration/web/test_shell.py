"""The shell around the pages: who gets in, what the rail shows, what errors look like."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from tidegate.store.models import Attention, Connection, User

pytestmark = pytest.mark.django_db


def test_a_stranger_is_sent_to_sign_in_and_back(client: Client, alice: User) -> None:
    answer = client.get("/account/")
    assert answer.status_code == 302
    assert answer["Location"] == "/login/?next=/account/"
    answer = client.post(
        "/login/?next=/account/",
        {"login": "alice@northlight.example", "password": "a-long-password", "next": "/account/"},
    )
    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200


def test_a_wrong_password_is_refused_and_the_right_one_still_lets_in(client: Client, alice: User) -> None:
    credentials = {"login": "alice@northlight.example", "password": "wrong"}
    answer = client.post("/login/", credentials)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'role="alert"' in text and "The e-mail address or the password is wrong." in text
    assert re.search(r'<input type="password"[^>]*aria-invalid="true"', text)
    answer = client.post("/login/", credentials | {"password": "a-long-password"})
    assert answer.status_code == 302


def test_nobody_can_sign_up(client: Client, alice: User) -> None:
    assert client.get("/signup/").status_code == 404
    assert client.get("/accounts/signup/").status_code == 404


def test_every_answer_allows_scripts_and_styles_from_this_server_alone(client: Client, alice: User) -> None:
    policy = client.get("/login/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_wrong_address_gets_a_page_that_says_so(owner: Client) -> None:
    answer = owner.get("/nowhere/")
    assert answer.status_code == 404
    text = answer.content.decode()
    assert "There is nothing at this address" in text
    assert "To the start page" in text and "Search the activity log" not in text


def test_whoever_syncs_is_led_from_a_wrong_address_to_overview_and_log(
    owner: Client, stranger: Client, connection: Connection
) -> None:
    connection.launched_at = timezone.now()
    connection.save()
    text = owner.get("/nowhere/").content.decode()
    assert ">Overview</a>" in text
    assert f'href="/connections/{connection.pk}/activity/">Search the activity log' in text
    for other in (stranger, Client()):
        assert "Search the activity log" not in other.get("/nowhere/").content.decode()


def test_an_error_has_a_number_to_name_and_a_time(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    monkeypatch.setattr("tidegate.web.home._start", lambda request: 1 / 0)
    answer = client.get("/")
    assert answer.status_code == 500
    shown = re.search(
        r"Error ([0-9a-f]{4}-[0-9a-f]{4}), \d+ [A-Z][a-z]+ \d{4} \d\d:\d\d:\d\d UTC", answer.content.decode()
    )
    assert shown and f"Error {shown[1]} at GET /" in caplog.text


def test_the_rail_shows_what_needs_attention(owner: Client, connection: Connection) -> None:
    Attention.objects.create(connection=connection, kind="invalid", message="Too long")
    page = owner.get("/account/")
    assert page.context["attention_count"] == 1
    assert "Paused" in page.content.decode()


def test_a_user_without_a_workspace_is_told_what_to_do(db: None) -> None:
    user = User.objects.create_user("dora@northlight.example", "a-long-password")
    client = Client()
    client.force_login(user)
    answer = client.get("/", follow=True)
    assert answer.status_code == 403
    assert "Ask the owner" in answer.content.decode()


def test_the_chosen_look_is_kept(owner: Client) -> None:
    owner.post("/account/theme/", {"theme": "dark"})
    assert 'data-theme="dark"' in owner.get("/account/").content.decode()
    owner.post("/account/theme/", {"theme": "system"})
    assert "data-theme" not in owner.get("/account/").content.decode()
