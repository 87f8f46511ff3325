"""Every bad end of connecting, one after the other, and then the story goes on; signing in required; gone for good."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.builders import make_link, make_log_entry, make_member
from tests.e2e.conftest import Visitor, apart
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.config import config
from tidegate.core.connection import Status
from tidegate.errors import AuthorizationLost, PermissionMissing, RemoteUnavailable
from tidegate.store.connections import make_state
from tidegate.store.models import Connection, Link, User, Workspace

CALLBACK = "/oauth/pipedrive/callback"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server knows its app at Pipedrive."""
    known = replace(config, pipedrive_client_id="client-1", pipedrive_client_secret="secret-1")
    monkeypatch.setattr("tidegate.store.oauth_app.config", known)


def way_back(workspace: Workspace, user: str = "Alice", connection: Connection | None = None) -> str:
    """The address to which Pipedrive sends a member back who began to connect."""
    state = apart(make_state, User.objects.get(name=user), workspace, connection)
    return f"{CALLBACK}?state={state}&code=from-pipedrive"


def ends_badly(visitor: Visitor, path: str, title: str) -> None:
    visitor.open(path)
    expect(visitor.page.get_by_role("heading", name=title)).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Try again")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Back to Integrations")).to_be_visible()
    visitor.faults.clear()  # the browser notes the status itself


def test_each_bad_end_is_a_page_and_then_the_connection_is_made(
    visitor: Visitor, workspace: Workspace, pipedrive: FakePipedrive, app: None
) -> None:
    page = visitor.page
    apart(make_member, workspace, "Bob", "admin")
    visitor.sign_in()

    ends_badly(visitor, f"{CALLBACK}?error=user_denied", "You did not agree to what Tidegate asks for")
    ends_badly(visitor, f"{CALLBACK}?state=nobody&code=c", "This way back from Pipedrive is not open")
    ends_badly(visitor, way_back(workspace, "Bob"), "This way back from Pipedrive is not open")
    for error, title in (
        (AuthorizationLost("The code has expired."), "Pipedrive’s answer came too late"),
        (PermissionMissing("The app lacks: contacts:full."), "The app may not do everything Tidegate needs"),
        (RemoteUnavailable("No answer."), "Pipedrive does not answer"),
    ):
        pipedrive.ends_with = error
        ends_badly(visitor, way_back(workspace), title)
    visitor.looks_well("connect-problem-down")
    assert not Connection.objects.exists()

    address = way_back(workspace)
    visitor.open(address)
    expect(page.get_by_role("heading", name="Pipedrive is connected")).to_be_visible()
    ends_badly(visitor, address, "This way back from Pipedrive is not open")  # replayed

    pipedrive.company = "southlight"
    ends_badly(
        visitor,
        way_back(workspace, connection=Connection.objects.get()),
        "That is a different Pipedrive account",
    )
    expect(page.get_by_text(re.compile("You signed in to Southlight.*belongs to Northlight"))).to_be_visible()
    expect(page.get_by_text("To sync Southlight as well")).to_be_visible()
    visitor.looks_well("connect-problem-other-account")
    page.get_by_role("link", name="Back to Integrations").click()
    page.get_by_role("link", name="Continue set-up").click()
    expect(page.get_by_role("heading", name="Which way should data flow?")).to_be_visible()


def test_signing_in_can_be_required_and_the_token_connection_moves_over(
    visitor: Visitor, workspace: Workspace, pipedrive: FakePipedrive, app: None
) -> None:
    page = visitor.page
    visitor.sign_in()
    made = apart(pipedrive.connect, workspace, None, "t" * 40)
    apart(Connection.objects.update, status=Status.ACTIVE.value, reason="", launched_at="2026-03-01T00:00Z")
    visitor.open("/integrations/")
    expect(page.get_by_text("1 connection uses a token")).to_be_visible()
    visitor.looks_well("integrations-on-a-token")
    page.get_by_role("button", name="Require signing in").click()
    expect(page.get_by_text("1 connection on a token waits to be reconnected")).to_be_visible()
    expect(page.get_by_role("button", name="Reconnect").first).to_be_visible()
    visitor.looks_well("integrations-oauth-only")

    visitor.open(way_back(workspace, connection=made))
    visitor.open("/integrations/")
    expect(page.get_by_text("Signed in at Pipedrive", exact=True)).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(
        page.get_by_text("Live sync can’t be switched on")
    ).to_be_visible()  # its settings were never finished


def test_a_connection_is_ended_for_good(visitor: Visitor, connection: Connection) -> None:
    page = visitor.page
    apart(make_link, connection, 1, 2)
    apart(make_log_entry, connection)
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/disconnect/")
    page.get_by_label("Also delete its links and history").check()
    visitor.looks_well("disconnect-for-good")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("its links and history are deleted")).to_be_visible()
    expect(page.get_by_role("link", name="Connect", exact=True)).to_be_visible()
    assert not Connection.objects.exists()
    assert not Link.objects.exists()
