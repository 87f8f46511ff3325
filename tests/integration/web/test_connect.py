"""Connecting Pipedrive: every way in, every bad end, and the uninstall call. Nothing half-made ever remains."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from tests.builders import make_log_entry, make_transfer
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.config import config
from tidegate.core.connection import Reason, Status
from tidegate.errors import AuthorizationLost, Invalid, PermissionMissing, RemoteUnavailable
from tidegate.prospects.models import ProspectList
from tidegate.store import connections
from tidegate.store.models import Connection, Link, OAuthApp, OAuthState, User, Workspace
from tidegate.store.oauth_app import registered_app
from tidegate.web.integrations.permissions import SCOPES
from tidegate.wiring import actions

pytestmark = pytest.mark.django_db

CONNECT_WITH_TOKEN = actions.connect_with_token
CALLBACK = "/oauth/pipedrive/callback"


@pytest.fixture(autouse=True)
def _no_pipedrive_is_reached(pipedrive: FakePipedrive) -> None: ...


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server knows its app at Pipedrive."""
    known = replace(config, pipedrive_client_id="client-1", pipedrive_client_secret="secret-1")
    monkeypatch.setattr("tidegate.store.oauth_app.config", known)


def begin(client: Client, path: str = "/integrations/connect/") -> str:
    """Goes to Pipedrive, and gives the state that Pipedrive sends back."""
    answer = client.post(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("https://oauth.pipedrive.com/oauth/authorize?client_id=client-1")
    return str(answer["Location"].rpartition("state=")[2])


def test_connecting_leads_to_pipedrive_and_back_into_a_paused_connection(owner: Client, app: None) -> None:
    state = begin(owner)
    answer = owner.get(CALLBACK, {"state": state, "code": "c"})
    made = Connection.objects.get()
    assert answer["Location"] == f"/connections/{made.pk}/setup/connected/"
    assert (made.status, made.reason) == (Status.PAUSED, Reason.NEW)
    assert "Pipedrive is connected" in owner.get(answer["Location"]).content.decode()


def test_a_browser_may_follow_the_form_to_pipedrive(owner: Client, app: None) -> None:
    policy = owner.get("/integrations/connect/pipedrive/")["Content-Security-Policy"]
    assert "form-action 'self' https://oauth.pipedrive.com https://*.pipedrive.com" in policy


def test_without_an_app_the_page_says_how_to_register_one(owner: Client) -> None:
    answer = owner.post("/integrations/connect/", follow=True)
    text = answer.content.decode()
    assert answer.request["PATH_INFO"] == "/integrations/connect/register/"
    assert f"{config.public_url}{CALLBACK}" in text
    assert "TIDEGATE_PIPEDRIVE_CLIENT_ID" in text
    assert 'name="client_secret"' in text
    assert owner.get("/integrations/connect/pipedrive/")["Location"] == "/integrations/connect/register/"
    assert "disabled>Continue</button>" in answer.content.decode()


def test_the_app_can_be_entered_on_the_page_and_then_connects(owner: Client) -> None:
    facts = {"client_id": "client-1", "client_secret": "secret-1"}
    answer = owner.post("/integrations/connect/register/", facts)
    assert answer["Location"] == "/integrations/connect/pipedrive/"
    assert owner.get(CALLBACK, {"state": begin(owner), "code": "c"}).status_code == 302
    kept = OAuthApp.objects.get()
    assert b"secret-1" not in bytes(kept.client_secret)
    assert "secret-1" not in owner.get("/integrations/connect/register/").content.decode()


def test_replacing_the_app_leaves_one(owner: Client) -> None:
    for secret in ("secret-0", "secret-1"):
        owner.post("/integrations/connect/register/", {"client_id": "client-1", "client_secret": secret})
    app = registered_app()
    assert app is not None
    assert (app.client_secret, OAuthApp.objects.count()) == ("secret-1", 1)


def test_an_app_without_its_secret_is_marked_and_not_kept(owner: Client) -> None:
    answer = owner.post("/integrations/connect/register/", {"client_id": "client-1", "client_secret": ""})
    assert answer.status_code == 422
    assert 'href="#id_client_secret"' in answer.content.decode()
    assert registered_app() is None


def test_the_environment_has_the_last_word_on_the_app(owner: Client, app: None) -> None:
    page = owner.get("/integrations/connect/register/").content.decode()
    assert "They come from the server’s environment" in page
    answer = owner.post("/integrations/connect/register/", {"client_id": "x", "client_secret": "y"})
    assert answer.status_code == 403
    assert not OAuthApp.objects.exists()


def test_only_owners_of_the_first_workspace_enter_the_app(
    workspace: Workspace, stranger: Client, viewer: Client
) -> None:
    for client in (stranger, viewer):
        answer = client.post("/integrations/connect/register/", {"client_id": "x", "client_secret": "y"})
        assert answer.status_code == 403
    assert not OAuthApp.objects.exists()
    assert (
        "first workspace enters them here" in stranger.get("/integrations/connect/register/").content.decode()
    )


def test_consent_refused_connects_nothing_and_leads_on(owner: Client, app: None) -> None:
    state = begin(owner)
    answer = owner.get(CALLBACK, {"state": state, "error": "user_denied"})
    assert answer.status_code == 400
    assert "You did not agree to what Tidegate asks for" in answer.content.decode()
    assert not Connection.objects.exists()
    assert owner.get(CALLBACK, {"state": begin(owner), "code": "c"}).status_code == 302


def test_a_way_back_works_once(owner: Client, app: None) -> None:
    state = begin(owner)
    owner.get(CALLBACK, {"state": state, "code": "c"})
    answer = owner.get(CALLBACK, {"state": state, "code": "c"})
    assert answer.status_code == 400
    assert "This way back from Pipedrive is not open" in answer.content.decode()
    assert Connection.objects.count() == 1


def test_a_state_of_another_member_is_refused(owner: Client, stranger: Client, app: None) -> None:
    state = begin(owner)
    answer = stranger.get(CALLBACK, {"state": state, "code": "c"})
    assert "This way back from Pipedrive is not open" in answer.content.decode()
    assert not Connection.objects.exists()
    assert owner.get(CALLBACK, {"state": state, "code": "c"}).status_code == 302


def test_a_way_back_is_open_for_a_short_while(owner: Client, app: None) -> None:
    state = begin(owner)
    OAuthState.objects.update(created_at=timezone.now() - 2 * connections.STATE_LIFE)
    assert "not open" in owner.get(CALLBACK, {"state": state, "code": "c"}).content.decode()
    assert owner.get(CALLBACK, {"state": begin(owner), "code": "c"}).status_code == 302


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (AuthorizationLost("The code is wrong."), 400, "Pipedrive’s answer came too late"),
        (PermissionMissing("The app lacks contacts:full."), 400, "The app lacks contacts:full."),
        (RemoteUnavailable("No answer."), 503, "Pipedrive does not answer"),
    ],
)
def test_what_goes_wrong_at_pipedrive_is_said_and_the_next_try_can_succeed(
    owner: Client, app: None, pipedrive: FakePipedrive, error: Exception, status: int, says: str
) -> None:
    pipedrive.ends_with = error
    answer = owner.get(CALLBACK, {"state": begin(owner), "code": "c"})
    assert answer.status_code == status
    assert says in answer.content.decode()
    assert not Connection.objects.exists()
    assert owner.get(CALLBACK, {"state": begin(owner), "code": "c"}).status_code == 302


def test_reconnecting_keeps_settings_and_links(
    owner: Client, app: None, connection: Connection, pipedrive: FakePipedrive
) -> None:
    Link.objects.create(connection=connection, prospect_id="1", person_id="2")
    before = connection.settings
    connections.set_status(connection, Status.PAUSED, Reason.RECONNECT, "The app was removed.")
    assert "The app was removed." in owner.get("/integrations/").content.decode()
    owner.get(CALLBACK, {"state": begin(owner, f"/connections/{connection.pk}/reconnect/"), "code": "c"})
    connection.refresh_from_db()
    assert (connection.reason, connection.settings, connection.links.count()) == (Reason.NONE, before, 1)


@pytest.mark.parametrize("disconnected", [False, True])
def test_the_card_tells_when_pipedrive_was_connected_last(
    owner: Client, app: None, connection: Connection, disconnected: bool
) -> None:
    before = timezone.now() - timedelta(minutes=17)
    Connection.objects.update(created_at=before, connected_at=before)
    assert "Connected as Maja Lindqvist, 17 min ago" in words_of(owner)
    again = f"/connections/{connection.pk}/reconnect/"
    if disconnected:
        owner.post(f"/connections/{connection.pk}/disconnect/")
        again = "/integrations/connect/"
    owner.get(CALLBACK, {"state": begin(owner, again), "code": "c"})
    connection.refresh_from_db()
    assert connection.created_at == before
    assert "Connected as Maja Lindqvist, just now" in words_of(owner)


def test_connections_of_before_were_connected_when_they_were_made(connection: Connection) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    Connection.objects.update(created_at=long_ago)
    import_module("tidegate.store.migrations.0029_connected_at").fill(apps, None)
    connection.refresh_from_db()
    assert connection.connected_at == long_ago


def words_of(client: Client) -> str:
    """The Integrations page as it is read."""
    page = client.get("/integrations/").content.decode()
    return " ".join(strip_tags(page.replace("<d", " <d")).split())


def test_another_company_is_refused_on_reconnecting_with_both_named(
    owner: Client, app: None, connection: Connection, pipedrive: FakePipedrive
) -> None:
    pipedrive.company = "partners"
    state = begin(owner, f"/connections/{connection.pk}/reconnect/")
    answer = owner.get(CALLBACK, {"state": state, "code": "c"})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "You signed in to <b>Partners</b>, but this connection belongs to <b>Northlight</b>." in text
    assert "then reconnect and choose Northlight." in text and "To sync Partners as well" in text
    assert Connection.objects.get().company_name == "Northlight"
    pipedrive.company = "northlight"
    state = begin(owner, f"/connections/{connection.pk}/reconnect/")
    assert owner.get(CALLBACK, {"state": state, "code": "c"}).status_code == 302


def test_an_install_from_the_marketplace_ends_in_a_page_to_finish_it(owner: Client, app: None) -> None:
    answer = owner.get(CALLBACK, {"code": "from-the-marketplace"})
    assert answer.status_code == 200
    assert "Finish connecting Pipedrive" in answer.content.decode()
    assert not Connection.objects.exists()
    assert owner.get(CALLBACK, {"state": begin(owner), "code": "c"}).status_code == 302


def test_an_install_from_the_marketplace_by_a_stranger_asks_to_sign_in_first(
    client: Client, alice: User
) -> None:
    answer = client.get(CALLBACK, {"code": "from-the-marketplace"})
    assert answer["Location"] == f"/login/?next={CALLBACK}%3Fcode%3Dfrom-the-marketplace"


def test_a_viewer_connects_nothing(viewer: Client, app: None, connection: Connection) -> None:
    for path in ("/integrations/connect/", f"/connections/{connection.pk}/reconnect/"):
        assert viewer.post(path).status_code == 403
    assert viewer.post(f"/connections/{connection.pk}/disconnect/").status_code == 403
    assert viewer.get(CALLBACK, {"state": "s", "code": "c"}).status_code == 403
    page = viewer.get("/integrations/").content.decode()
    assert "Continue set-up" not in page
    assert "Disconnect" not in page


def test_a_connection_of_another_workspace_is_not_there(
    stranger: Client, app: None, connection: Connection
) -> None:
    for path in ("reconnect", "disconnect", "reconnect/token"):
        assert stranger.post(f"/connections/{connection.pk}/{path}/").status_code == 404


# --- by a personal token


def test_a_personal_token_connects_too(owner: Client) -> None:
    answer = owner.post(
        "/integrations/connect/token/",
        {"company_domain": "northlight", "api_token": "t" * 40},
    )
    made = Connection.objects.get()
    assert (made.auth_method, made.company_domain) == ("token", "northlight")
    assert answer["Location"] == f"/connections/{made.pk}/setup/connected/"
    assert "a quarter of the request rate" in owner.get("/integrations/").content.decode()


def test_a_refused_token_is_said_at_its_field_and_the_right_one_connects(
    owner: Client, pipedrive: FakePipedrive
) -> None:
    pipedrive.ends_with = Invalid(errors={"api_token": ["Pipedrive does not accept this token."]})
    facts = {"company_domain": "northlight", "api_token": "wrong"}
    answer = owner.post("/integrations/connect/token/", facts)
    assert answer.status_code == 422
    assert 'href="#id_api_token"' in answer.content.decode()
    assert "wrong" not in answer.content.decode()
    assert owner.post("/integrations/connect/token/", facts | {"api_token": "right"}).status_code == 302


@pytest.mark.parametrize("domain", ["", "north light", "north.light", "north_light"])
def test_a_company_domain_that_is_none_is_refused_at_its_field(
    owner: Client, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    monkeypatch.setattr(
        actions, "connect_with_token", CONNECT_WITH_TOKEN
    )  # refuses before it reaches Pipedrive
    answer = owner.post("/integrations/connect/token/", {"company_domain": domain, "api_token": "t"})
    assert answer.status_code == 422
    assert 'href="#id_company_domain"' in answer.content.decode()
    assert not Connection.objects.exists()


def test_a_token_connection_moves_to_signing_in_with_everything_kept(
    owner: Client, app: None, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    made = pipedrive.connect(workspace, personal_token="t")
    owner.get(CALLBACK, {"state": begin(owner, f"/connections/{made.pk}/reconnect/"), "code": "c"})
    kept = Connection.objects.get()
    assert (kept.pk, kept.auth_method) == (made.pk, "oauth")


# --- disconnect and uninstall


def test_disconnecting_asks_first_and_keeps_links(owner: Client, connection: Connection) -> None:
    Link.objects.create(connection=connection, prospect_id="1", person_id="2")
    page = owner.get(f"/connections/{connection.pk}/disconnect/").content.decode()
    assert "1 link is kept" in page
    assert Connection.objects.filter(disconnected_at=None).exists()
    owner.post(f"/connections/{connection.pk}/disconnect/")
    assert not Connection.objects.filter(disconnected_at=None).exists()
    assert connection.links.count() == 1
    assert "Not connected" in owner.get("/integrations/").content.decode()


@pytest.mark.parametrize(
    ("links", "launched", "says"),
    [
        (2, True, "2 links, the history and the settings of Northlight are kept"),
        (1, True, "1 link, the history and the settings of Northlight are kept"),
        (0, True, "The history and the settings of Northlight are kept"),
        (0, False, "The settings of Northlight are kept"),
    ],
)
def test_the_page_tells_what_a_disconnect_kept_until_it_is_back(
    viewer: Client, connection: Connection, pipedrive: FakePipedrive, links: int, launched: bool, says: str
) -> None:
    for number in range(links):
        Link.objects.create(connection=connection, prospect_id=f"{number}", person_id=f"{number}")
    Connection.objects.update(launched_at=timezone.now() if launched else None)
    assert "are kept" not in words_of(viewer)
    connection.refresh_from_db()
    connections.end_connection(connection)
    Connection.objects.update(disconnected_at=timezone.now() - timedelta(minutes=17))
    shown = words_of(viewer)
    assert f"{says} Disconnected 17 min ago. Connect Northlight again to go on from there." in shown
    pipedrive.connect(connection.workspace)
    assert "are kept" not in words_of(viewer)


def test_the_page_tells_of_nothing_kept_where_it_was_deleted_or_belongs_to_others(
    owner: Client, stranger: Client, connection: Connection
) -> None:
    connections.end_connection(connection)
    assert "are kept" in words_of(owner)
    assert "are kept" not in words_of(stranger)
    connections.delete_connection(connection)
    assert "are kept" not in words_of(owner)


def uninstall(client: Client, credentials: str, body: Any) -> int:
    encoded = base64.b64encode(credentials.encode()).decode()
    answer = client.delete(
        CALLBACK,
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Basic {encoded}"},
    )
    return answer.status_code


def uninstalled(connection: Connection, **changes: str) -> dict[str, str]:
    facts = {
        "client_id": "client-1",
        "company_id": connection.company_id,
        "user_id": connection.pipedrive_user_id,
    }
    return facts | changes


def test_an_uninstall_call_makes_the_connection_wait_to_be_reconnected(
    client: Client, app: None, connection: Connection
) -> None:
    assert uninstall(client, "client-1:secret-1", uninstalled(connection)) == 200
    connection.refresh_from_db()
    assert (connection.status, connection.reason) == (Status.PAUSED, Reason.RECONNECT)


def test_an_uninstall_call_in_the_middle_of_a_transfer_pauses_it_with_its_connection(
    client: Client, app: None, connection: Connection
) -> None:
    Connection.objects.filter(pk=connection.pk).update(status=Status.SYNCING.value, before_syncing="active")
    transfer = make_transfer(connection)
    assert uninstall(client, "client-1:secret-1", uninstalled(connection)) == 200
    connection.refresh_from_db()
    transfer.refresh_from_db()
    assert (connection.status, connection.reason) == (Status.PAUSED, Reason.RECONNECT)
    assert (transfer.state, transfer.state_text) == ("paused", connection.reason_text)


@pytest.mark.parametrize("credentials", ["client-1:wrong", ":", "client-1:secret-1x", "é:ß"])
def test_an_uninstall_call_with_wrong_credentials_changes_nothing(
    client: Client, app: None, connection: Connection, credentials: str
) -> None:
    assert uninstall(client, credentials, uninstalled(connection)) == 401
    connection.refresh_from_db()
    assert connection.reason == Reason.NEW


def test_an_uninstall_call_to_a_server_without_an_app_is_refused(
    client: Client, connection: Connection
) -> None:
    assert uninstall(client, ":", uninstalled(connection)) == 401


@pytest.mark.parametrize("body", ["", "[]", "{}", "not json", "null"])
def test_an_uninstall_call_that_can_not_be_read_is_refused(client: Client, app: None, body: str) -> None:
    assert uninstall(client, "client-1:secret-1", body) == 400


def test_an_uninstall_by_another_user_leaves_the_connection_alone(
    client: Client, app: None, connection: Connection
) -> None:
    assert uninstall(client, "client-1:secret-1", uninstalled(connection, user_id="99")) == 200
    connection.refresh_from_db()
    assert connection.reason == Reason.NEW


def test_the_cards_count_what_is_in_the_store(owner: Client, workspace: Workspace) -> None:
    assert "Your store is empty" in owner.get("/integrations/").content.decode()
    for name in ("Founders", "Webinar"):
        ProspectList.objects.create(workspace_id=workspace.pk, name=name)
    assert "0 in 2 lists" in owner.get("/integrations/").content.decode()


@pytest.mark.parametrize(
    ("scopes", "said"),
    [
        (["base", *(scope for scope, _name, _use in SCOPES)], "7 of 7 granted"),
        (
            ["base", "contacts:full", "deals:full", "activities:full", "users:read", "admin"],
            "6 of 7 granted",
        ),
        ([], ""),
    ],
)
def test_the_permissions_of_a_connection_are_counted_and_the_lacking_ones_named(
    owner: Client, connection: Connection, scopes: list[str], said: str
) -> None:
    Connection.objects.update(scopes=scopes)
    for path in ("/integrations/", f"/connections/{connection.pk}/setup/connected/"):
        text = owner.get(path).content.decode()
        assert said in text if said else "Permissions" not in text
        assert ("Lacking: Contact fields, full access." in text) == (said == "6 of 7 granted")


def test_the_card_leads_to_what_was_written_today(owner: Client, connection: Connection) -> None:
    Connection.objects.update(status=Status.ACTIVE.value, reason="", launched_at=timezone.now())
    for days in (0, 0, 2):
        make_log_entry(connection, at=timezone.now() - timedelta(days=days))
    text = owner.get("/integrations/").content.decode()
    assert f'<a href="/connections/{connection.pk}/activity/?since=today">2 changes today</a>' in text
    assert owner.get(f"/connections/{connection.pk}/activity/?since=today").status_code == 200


def test_the_page_leads_to_the_guide_of_the_api(owner: Client) -> None:
    text = owner.get("/integrations/").content.decode()
    assert 'href="/api/v1/docs"' in text
    assert owner.get("/api/v1/docs").status_code == 200
