"""A workspace that requires signing in at Pipedrive (C4a), and disconnecting for good (C5)."""

import pytest
from django.test import Client

from tests.builders import make_attention, make_change, make_link, make_log_entry, make_transfer
from tests.integration.web.conftest import signed_in
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.core.connection import Reason, Status
from tidegate.errors import LaneLost
from tidegate.store.models import Connection, Lane, Link, LogEntry, Transfer, User, Workspace
from tidegate.store.schedule import LaneSchedule
from tidegate.wiring import actions
from tidegate.wiring.oauth_only import WAITS, require_oauth

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_token(workspace: Workspace, pipedrive: FakePipedrive) -> Connection:
    """An active connection on a personal token."""
    made = pipedrive.connect(workspace, personal_token="t" * 40)
    Connection.objects.filter(pk=made.pk).update(
        status=Status.ACTIVE.value, reason="", launched_at="2026-03-01T00:00Z"
    )
    made.refresh_from_db()
    return made


def require(client: Client, required: str) -> str:
    return str(client.post("/integrations/oauth-only/", {"required": required}, follow=True).content.decode())


def test_requiring_oauth_pauses_connections_on_a_token_and_offers_to_reconnect(
    owner: Client, by_token: Connection
) -> None:
    assert "1 connection uses a token" in owner.get("/integrations/").content.decode()
    text = require(owner, "yes")
    assert "1 connection on a token waits to be reconnected" in text
    assert "Paused, reconnect needed" in text
    assert "Use a personal API token" not in text
    assert "Signing in at Pipedrive is required</h3>" in text
    by_token.refresh_from_db()
    assert (by_token.status, by_token.reason, by_token.reason_text) == ("paused", "reconnect", WAITS)
    assert actions.launch(by_token, actor="Alice")[0].code == "reconnect"


def test_a_running_transfer_waits_with_its_connection(owner: Client, by_token: Connection) -> None:
    Connection.objects.filter(pk=by_token.pk).update(status=Status.SYNCING.value, before_syncing="active")
    transfer = make_transfer(by_token)
    require(owner, "yes")
    transfer.refresh_from_db()
    assert (transfer.state, transfer.state_text) == ("paused", WAITS)


def test_a_transfer_that_waits_to_be_reconnected_is_not_continued_on_the_token(
    owner: Client, by_token: Connection
) -> None:
    Connection.objects.filter(pk=by_token.pk).update(status=Status.SYNCING.value, before_syncing="active")
    transfer = make_transfer(by_token)
    require(owner, "yes")
    answer = owner.post(f"/connections/{by_token.pk}/transfers/{transfer.pk}/continue/", follow=True)
    assert "Reconnect it first." in answer.content.decode()
    by_token.refresh_from_db()
    transfer.refresh_from_db()
    assert (by_token.status, by_token.reason) == (Status.PAUSED, Reason.RECONNECT)
    assert transfer.state == "paused"


def test_a_connection_by_oauth_is_left_alone(owner: Client, connection: Connection) -> None:
    before = (connection.status, connection.reason)
    require(owner, "yes")
    connection.refresh_from_db()
    assert (connection.status, connection.reason) == before


def test_a_token_is_refused_with_the_reason_while_oauth_is_required(
    owner: Client, workspace: Workspace, pipedrive: FakePipedrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the real way in
    require_oauth(workspace, True, actor="Alice")
    answer = owner.post(
        "/integrations/connect/token/", {"company_domain": "northlight", "api_token": "t" * 40}
    )
    assert answer.status_code == 422
    assert "This workspace requires signing in at Pipedrive" in answer.content.decode()
    assert not Connection.objects.exists()


def test_reconnecting_by_oauth_keeps_everything_and_ends_the_wait(
    owner: Client, workspace: Workspace, pipedrive: FakePipedrive, by_token: Connection
) -> None:
    make_link(by_token, 1, 2)
    settings = by_token.settings
    require(owner, "yes")
    again = pipedrive.connect(workspace, Connection.objects.get(pk=by_token.pk))
    assert (again.pk, again.auth_method, again.reason) == (by_token.pk, "oauth", Reason.NONE)
    assert again.settings == settings
    assert again.links.count() == 1


def test_allowing_tokens_again_lets_what_waited_for_that_alone_go_on(
    owner: Client, workspace: Workspace, by_token: Connection
) -> None:
    require(owner, "yes")
    assert "1 connection can be resumed" in require(owner, "no")
    by_token.refresh_from_db()
    assert (by_token.status, by_token.reason) == ("paused", "")

    actions.lose_authorisation(by_token, "The app was removed in Pipedrive.")
    require(owner, "yes")
    assert "0 connections can be resumed" in require(owner, "no")
    by_token.refresh_from_db()
    assert by_token.reason == Reason.RECONNECT


def test_another_workspace_and_a_viewer_change_nothing(
    viewer: Client, stranger: Client, workspace: Workspace, by_token: Connection
) -> None:
    assert viewer.post("/integrations/oauth-only/", {"required": "yes"}).status_code == 403
    require(stranger, "yes")
    workspace.refresh_from_db()
    by_token.refresh_from_db()
    assert not workspace.oauth_required
    assert by_token.status == Status.ACTIVE


def full(connection: Connection) -> None:
    make_link(connection, 1, 2)
    make_log_entry(connection)
    make_change(connection)
    make_attention(connection)
    make_transfer(connection, state="done")


def test_disconnecting_for_good_deletes_links_history_and_the_mirror(
    owner: Client, connection: Connection
) -> None:
    full(connection)
    page = owner.get(f"/connections/{connection.pk}/disconnect/").content.decode()
    assert "Also delete its links and history" in page
    assert "Links (1), log entries (1), transfers and settings are deleted" in page
    text = owner.post(
        f"/connections/{connection.pk}/disconnect/", {"delete_history": "on"}, follow=True
    ).content.decode()
    assert "its links and history are deleted" in text
    for model in (Connection, Link, LogEntry, Transfer, Lane):
        assert not model.objects.exists(), model


def test_the_mirror_stays_while_another_workspace_uses_it(
    owner: Client, charlie: User, connection: Connection, pipedrive: FakePipedrive
) -> None:
    theirs = pipedrive.connect(Workspace.objects.get(name="Elsewhere"))
    assert theirs.lane_id == connection.lane_id
    make_link(theirs, 1, 2)
    epoch = connection.lane.epoch
    owner.post(f"/connections/{connection.pk}/disconnect/", {"delete_history": "on"})
    assert list(Connection.objects.all()) == [theirs]
    assert theirs.links.count() == 1
    assert Lane.objects.get().epoch == epoch + 1  # a worker that was busy with it stores nothing
    assert signed_in(charlie).get("/integrations/").status_code == 200


def test_a_worker_that_meets_a_deleted_connection_lets_the_lane_go(connection: Connection) -> None:
    number = str(connection.pk)
    connection.delete()
    with pytest.raises(LaneLost):
        LaneSchedule().load(number)


def test_connecting_again_after_deleting_starts_from_nothing(
    owner: Client, workspace: Workspace, connection: Connection, pipedrive: FakePipedrive
) -> None:
    full(connection)
    owner.post(f"/connections/{connection.pk}/disconnect/", {"delete_history": "on"})
    again = pipedrive.connect(workspace)
    assert again.pk != connection.pk
    assert again.links.count() == again.log.count() == 0
