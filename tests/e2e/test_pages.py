"""Every page of the shell, sign-in and set-up at 375 and 1440 px, light and dark: nothing sticks out, axe finds nothing."""

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tests.builders import PASSWORD, make_link
from tests.e2e.conftest import Visitor, apart
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.config import config
from tidegate.core.connection import Reason, Status
from tidegate.store import setup_code
from tidegate.store.connections import end_connection
from tidegate.store.models import Connection, User, Workspace
from tidegate.store.oauth_app import register_app
from tidegate.wiring.passwords import password_link


def test_the_first_run_and_sign_in_pages_are_accessible(visitor: Visitor, transactional_db: None) -> None:
    setup_code.make()
    visitor.open("/")
    visitor.looks_well("first-run")
    visitor.page.get_by_label("E-mail address").fill("maja@northlight")
    visitor.page.get_by_role("button", name="Create account and go on").click()
    expect(visitor.page.get_by_label("E-mail address")).to_have_attribute("aria-invalid", "true")
    visitor.looks_well("first-run-wrong")
    visitor.open("/login/")
    visitor.looks_well("login")
    visitor.page.get_by_label("E-mail address").fill("maja@northlight.example")
    visitor.page.get_by_label("Password", exact=True).fill("wrong")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    visitor.looks_well("login-error")
    visitor.faults.clear()  # the browser notes the 422 itself


@pytest.mark.parametrize(
    "name",
    [
        "integrations",
        "setup-start",
        "connect-register",
        "connect-token",
        "account",
        "members",
        "audit-log",
        "api-keys",
    ],
)
def test_the_pages_before_a_connection_are_accessible(
    visitor: Visitor, workspace: Workspace, name: str
) -> None:
    visitor.sign_in()
    visitor.open(reverse(name))
    visitor.looks_well(f"new-{name}")


@pytest.mark.parametrize(
    "name",
    [
        "setup-connected",
        "setup-direction",
        "setup-data",
        "setup-constants",
        "setup-review",
        "settings",
        "disconnect",
        "reconnect-token",
    ],
)
def test_the_pages_of_a_connection_are_accessible(
    visitor: Visitor, connection: Connection, name: str
) -> None:
    visitor.sign_in()
    visitor.open(reverse(name, args=[connection.pk]))
    visitor.looks_well(name)


def test_the_page_that_leads_to_pipedrive_is_accessible(
    visitor: Visitor, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    apart(register_app, "5f2c9a71e0b84d36", "a" * 40, actor="Alice")
    visitor.sign_in()
    visitor.open(reverse("setup-start"))
    visitor.looks_well("setup-start")
    visitor.open(reverse("connect-register"))
    visitor.looks_well("connect-registered")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.PAUSED, Reason.NEW),
        (Status.PAUSED, Reason.RECONNECT),
        (Status.ACTIVE, Reason.NONE),
        (Status.SYNCING, Reason.NONE),
        (Status.FAILED, Reason.INCOMPLETE),
    ],
)
def test_each_state_of_the_integrations_page_is_accessible(
    visitor: Visitor, connection: Connection, status: Status, reason: Reason
) -> None:
    connection.status, connection.reason = status, reason
    connection.save()
    visitor.sign_in()
    visitor.open("/integrations/")
    visitor.looks_well(f"integrations-{status}-{reason or 'none'}")


def test_what_a_disconnect_kept_is_shown_accessibly(visitor: Visitor, connection: Connection) -> None:
    for number in range(3):
        make_link(connection, f"p{number}", f"q{number}")
    apart(end_connection, connection)
    visitor.sign_in()
    visitor.open("/integrations/")
    expect(visitor.page.get_by_role("heading", name="3 links, the history and the settings")).to_be_visible()
    visitor.looks_well("integrations-disconnected")


def test_the_error_pages_are_accessible(
    visitor: Visitor, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_in()
    visitor.open("/nowhere/")
    visitor.looks_well("error-404-not-launched")
    connection.launched_at = timezone.now()
    connection.save()
    visitor.open("/nowhere/")
    visitor.looks_well("error-404")
    monkeypatch.setattr("tidegate.web.home._start", lambda request: 1 / 0)
    visitor.open("/")
    expect(visitor.page.get_by_role("heading", name="Something went wrong on this server")).to_be_visible()
    visitor.looks_well("error")
    visitor.faults.clear()  # the browser notes the 404s and the 500 itself


def test_a_bad_end_of_connecting_is_accessible(
    visitor: Visitor, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    visitor.sign_in()
    visitor.open("/oauth/pipedrive/callback?error=user_denied")
    visitor.faults.clear()  # the browser notes the 400 itself
    visitor.looks_well("connect-problem")
    visitor.open("/oauth/pipedrive/callback?code=from-the-marketplace")
    visitor.looks_well("connect-marketplace")


def test_the_pages_of_the_second_factor_are_accessible(visitor: Visitor, workspace: Workspace) -> None:
    page = visitor.page
    visitor.sign_in()
    visitor.open("/account/")
    page.get_by_role("link", name="Switch on").click()
    if page.get_by_role("heading", name="Confirm it is you").is_visible():
        visitor.looks_well("reauthenticate")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        visitor.follow(page.get_by_role("button", name="Continue"))
    visitor.looks_well("totp-activate")
    secret = page.locator("#totp-key").inner_text()
    page.get_by_label("Code").fill(totp(secret))
    visitor.follow(page.get_by_role("button", name="Switch on"))
    visitor.looks_well("recovery-codes")
    visitor.open("/account/")
    visitor.looks_well("account-with-second-factor")
    visitor.follow(page.get_by_role("link", name="Switch off"))
    visitor.looks_well("totp-deactivate")

    visitor.open("/logout/")
    visitor.looks_well("logout")
    page.get_by_role("button", name="Sign out").click()
    visitor.open("/login/")
    page.get_by_label("E-mail address").fill("alice@northlight.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    visitor.looks_well("login-code")


def test_a_password_is_changed_and_chosen_anew_once_forgotten(visitor: Visitor, workspace: Workspace) -> None:
    page, first, second = visitor.page, "nine-lives-and-a-cat", "another-long-password"
    visitor.sign_in()
    visitor.open("/account/")
    visitor.follow(page.get_by_role("link", name="Change password"))
    visitor.looks_well("password-change")
    page.get_by_label("Present password", exact=True).fill("wrong")
    page.get_by_label("New password", exact=True).fill(first)
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_label("Present password", exact=True)).to_have_attribute("aria-invalid", "true")
    visitor.looks_well("password-change-refused")
    page.get_by_label("Present password", exact=True).fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(first)
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_text("Password changed")).to_be_visible()

    visitor.open("/logout/")
    page.get_by_role("button", name="Sign out").click()
    visitor.open("/login/")
    visitor.follow(page.get_by_role("link", name="Forgot your password?"))
    visitor.looks_well("password-forgotten")
    link = password_link(User.objects.get(email="alice@northlight.example")).removeprefix(config.public_url)
    visitor.open(link)
    visitor.looks_well("password-choose")
    page.get_by_label("New password", exact=True).fill(second)
    visitor.follow(page.get_by_role("button", name="Save the password"))
    visitor.looks_well("password-chosen")
    visitor.open(link)
    visitor.looks_well("password-link-used-up")
    visitor.open("/login/")
    page.get_by_label("E-mail address").fill("alice@northlight.example")
    page.get_by_label("Password", exact=True).fill(second)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in")).not_to_be_visible()


def totp(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))
