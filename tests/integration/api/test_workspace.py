"""The workspace over the API: who may change its rules, and what they do."""

import pytest

from tests.integration.api.conftest import Caller, CallerFor
from tidegate.core.connection import Status
from tidegate.store.models import Connection, Workspace

pytestmark = pytest.mark.django_db


def test_requiring_oauth_pauses_a_connection_on_a_token(
    alice: Caller, workspace: Workspace, connection: Connection
) -> None:
    Connection.objects.filter(pk=connection.pk).update(status=Status.ACTIVE.value, auth_method="token")
    assert alice.ok("GET", "/workspace")["oauth_required"] is False

    assert alice.ok("PATCH", "/workspace", {"oauth_required": True})["oauth_required"] is True

    shown = alice.ok("GET", f"/connections/{connection.pk}")
    assert (shown["status"], shown["reason"]) == ("paused", "reconnect")
    new = {"company_domain": "harbour", "api_token": "secret"}
    assert "requires signing in" in alice.problem(409, "POST", "/connections", new)["detail"]


def test_only_an_admin_key_changes_the_rules(caller_for: CallerFor, workspace: Workspace) -> None:
    key = caller_for(workspace, ["read", "connections:write"])
    key.problem(403, "PATCH", "/workspace", {"oauth_required": True})
    key.ok("GET", "/workspace")
    workspace.refresh_from_db()
    assert not workspace.oauth_required


@pytest.mark.parametrize("body", [{"oauth_required": None}, {"oauth_required": "yes"}, {"name": "Mine"}])
def test_what_is_no_rule_is_refused(alice: Caller, body: dict[str, object]) -> None:
    alice.problem(422, "PATCH", "/workspace", body)
