"""Signing in: the first owner by the set-up code, everybody by password and second factor, strangers not at all."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client
from time_machine import TimeMachineFixture

from tidegate.store import setup_code
from tidegate.store.models import Membership, User, Workspace

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-password"
FACTS = {
    "workspace": "Northlight Studio",
    "name": "Maja Lindqvist",
    "email": "maja@northlight.example",
    "password": "nine-lives-and-a-cat",
    "time_zone": "Europe/Stockholm",
    "country": "SE",
}


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()
    setup_code.forget()


def test_the_holder_of_the_set_up_code_becomes_the_owner(client: Client) -> None:
    code = setup_code.announce()
    assert code is not None
    assert client.get("/")["Location"] == "/first-run/"
    answer = client.post("/first-run/", FACTS | {"code": code.lower().replace("-", " ")})
    assert answer.status_code == 302
    owner = Membership.objects.get()
    assert (owner.role, owner.user.email, owner.workspace.country) == ("owner", FACTS["email"], "SE")
    assert client.get("/", follow=True).status_code == 200


def test_the_page_and_the_code_are_gone_once_there_is_an_owner(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    code = setup_code.make()
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/first-run/", FACTS | {"code": code})
    other = Client()
    assert other.get("/first-run/")["Location"] == "/"
    other.post("/first-run/", FACTS | {"code": code, "email": "eve@elsewhere.example"})
    assert User.objects.count() == 1
    assert not setup_code.is_right(code)
    assert setup_code.announce() is None


def test_a_stranger_without_the_code_makes_no_owner_and_the_right_code_still_works(client: Client) -> None:
    code = setup_code.make()
    answer = client.post("/first-run/", FACTS | {"code": "AAAA-AAAA-AAAA"})
    assert answer.status_code == 422
    assert "This is not the code" in answer.content.decode()
    assert not User.objects.exists()
    assert client.post("/first-run/", FACTS | {"code": code}).status_code == 302


def test_a_new_start_makes_the_code_before_worthless() -> None:
    first, second = setup_code.make(), setup_code.make()
    assert not setup_code.is_right(first)
    assert setup_code.is_right(second)


def test_without_a_code_nothing_is_right() -> None:
    assert not setup_code.is_right("")


def test_guessing_the_code_ends_after_ten_tries(client: Client) -> None:
    code = setup_code.make()
    for _try in range(10):
        assert client.post("/first-run/", FACTS | {"code": "AAAA"}).status_code == 422
    assert client.post("/first-run/", FACTS | {"code": code}).status_code == 429
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"email": "maja@northlight"}, "Enter a full address"),
        ({"password": "short"}, "at least 10 characters"),
        ({"password": "maja@northlight.example"}, "too similar"),
        ({"time_zone": "Atlantis/City"}, "valid choice"),
        ({"workspace": ""}, "required"),
    ],
)
def test_what_is_wrong_with_the_first_owner_is_said_at_its_field(
    client: Client, fault: dict[str, str], says: str
) -> None:
    code = setup_code.make()
    answer = client.post("/first-run/", FACTS | {"code": code} | fault)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert says in text
    assert text.count('aria-invalid="true"') == 1
    assert client.post("/first-run/", FACTS | {"code": code}).status_code == 302


@pytest.fixture
def _time_stands(time_machine: TimeMachineFixture) -> None:
    """So that no code runs out between being made and being entered."""
    time_machine.move_to(datetime(2026, 5, 14, 11, 41, tzinfo=UTC), tick=False)


@pytest.mark.usefixtures("_time_stands")
def test_a_second_factor_is_asked_for_and_a_recovery_code_helps_once(alice: User, client: Client) -> None:
    client.force_login(alice)
    secret = _switch_totp_on(client)
    recovery = _recovery_codes(client)[0]
    client.post("/logout/")

    answer = client.post("/login/", {"login": alice.email, "password": PASSWORD})
    assert answer["Location"] == "/login/code/authenticate/"
    assert client.get("/account/").status_code == 302  # the password alone lets nobody in
    answer = client.post("/login/code/authenticate/", {"code": "000000"})
    assert "This code is wrong" in answer.content.decode()
    assert client.post("/login/code/authenticate/", {"code": recovery}).status_code == 302
    assert client.get("/account/").status_code == 200

    client.post("/logout/")
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    assert client.post("/login/code/authenticate/", {"code": recovery}).status_code == 200  # used up
    client.post("/login/code/authenticate/", {"code": _totp(secret)})
    assert client.get("/account/").status_code == 200


@pytest.mark.usefixtures("_time_stands")
def test_the_secret_of_a_second_factor_is_not_kept_in_the_clear(alice: User, client: Client) -> None:
    client.force_login(alice)
    secret = _switch_totp_on(client)
    kept = Authenticator.objects.get(user=alice, type=Authenticator.Type.TOTP)
    assert secret not in str(kept.data)
    assert isinstance(kept.wrap(), TOTP)
    assert kept.wrap().validate_code(_totp(secret))


def test_many_wrong_passwords_make_the_page_rest(client: Client, alice: User) -> None:
    credentials = {"login": alice.email, "password": "wrong"}
    answers = [client.post("/login/", credentials).content.decode() for _try in range(12)]
    assert "Too many tries. Wait 5 minutes, then sign in again." in answers[-1]
    cache.clear()
    assert client.post("/login/", credentials | {"password": PASSWORD}).status_code == 302


def test_a_user_who_is_switched_off_does_not_get_in(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    assert client.get("/account/").status_code == 302


def test_signing_out_asks_first_and_then_closes_the_pages(owner: Client) -> None:
    assert owner.get("/logout/").status_code == 200
    assert owner.get("/account/").status_code == 200
    owner.post("/logout/")
    assert owner.get("/account/").status_code == 302


def test_a_member_of_two_workspaces_changes_between_them(owner: Client, alice: User) -> None:
    other = Workspace.objects.create(name="Northlight Partners")
    Membership.objects.create(workspace=other, user=alice, role="viewer")
    assert owner.get("/integrations/").context["workspace"].name == "Northlight Studio"
    owner.post("/workspace/", {"workspace": str(other.pk)})
    assert owner.get("/integrations/").context["workspace"] == other


def test_nobody_changes_into_a_workspace_of_others(owner: Client, charlie: User) -> None:
    theirs = Workspace.objects.get(name="Elsewhere")
    assert owner.post("/workspace/", {"workspace": str(theirs.pk)}).status_code == 404
    assert owner.get("/integrations/").context["workspace"].name == "Northlight Studio"


def _switch_totp_on(client: Client) -> str:
    page = client.get("/login/code/totp/activate/", follow=True)
    if "password" in page.content.decode():
        page = client.post(
            page.request["PATH_INFO"] + "?next=/login/code/totp/activate/",
            {"password": PASSWORD},
            follow=True,
        )
    found = re.search(r'<pre id="totp-key"[^>]*>([A-Z2-7]+)</pre>', page.content.decode())
    assert found is not None
    answer = client.post("/login/code/totp/activate/", {"code": _totp(found[1])})
    assert answer.status_code == 302
    return found[1]


def _totp(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def _recovery_codes(client: Client) -> list[str]:
    page = client.get("/login/code/recovery-codes/").content.decode()
    found = re.search(r'<pre id="codes"[^>]*>([^<]+)</pre>', page)
    assert found is not None
    return found[1].split()
