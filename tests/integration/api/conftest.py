"""A workspace of Alice and Bob with a connection, one of Charlie, and a client that calls with a key."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from django.test import Client

from tests.integration.api.fake_actions import FakeActions
from tidegate.api.routes import activity, catalogues, connections, transfers
from tidegate.store.keys import make_api_key
from tidegate.store.models import Connection, Lane, Workspace


@dataclass
class Caller:
    """Calls the API with one key; `ok` and `problem` check the form of the answer and give its body."""

    key: str | None
    client: Client

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        sent = dict(headers or {})
        if self.key is not None:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        return self.client.generic(
            method, f"/api/v1{path}", raw, content_type="application/json", headers=sent
        )

    def ok(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Any:
        answer = self.call(method, path, body, headers)
        assert answer.status_code == status, answer.content
        if not answer.content:
            return None
        assert answer["Content-Type"] == "application/json"
        return orjson.loads(answer.content)

    def problem(
        self, status: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        answer = self.call(method, path, body, headers)
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"] == "application/problem+json"
        found: dict[str, Any] = orjson.loads(answer.content)
        assert found["status"] == status
        assert {"type", "title", "status", "detail"} <= set(found)
        return found


CallerFor = Callable[[Workspace, Iterable[str]], Caller]


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch) -> FakeActions:
    fake = FakeActions(make_connection)
    for module in (activity, catalogues, connections, transfers):
        monkeypatch.setattr(module, "actions", fake)
    return fake


@pytest.fixture
def workspace(db: None) -> Workspace:
    """Where Alice and Bob work."""
    return Workspace.objects.create(name="Harbour")


@pytest.fixture
def other_workspace(db: None) -> Workspace:
    """Where Charlie works."""
    return Workspace.objects.create(name="Elsewhere")


@pytest.fixture
def caller_for(client: Client) -> CallerFor:
    def make(workspace: Workspace, scopes: Iterable[str]) -> Caller:
        return Caller(make_api_key(workspace, "test", scopes, actor="Alice")[1], client)

    return make


@pytest.fixture
def alice(workspace: Workspace, caller_for: CallerFor) -> Caller:
    """A key that may do everything in the workspace."""
    return caller_for(workspace, ["admin"])


@pytest.fixture
def charlie(other_workspace: Workspace, caller_for: CallerFor) -> Caller:
    """A key that may do everything in another workspace."""
    return caller_for(other_workspace, ["admin"])


@pytest.fixture
def connection(workspace: Workspace) -> Connection:
    return make_connection(workspace)


def make_connection(workspace: Workspace, company_id: str = "7", **more: Any) -> Connection:
    lane, _ = Lane.objects.get_or_create(
        company_id=company_id, api_domain="https://harbour.pipedrive.example"
    )
    facts = {
        "company_id": company_id,
        "company_name": "Harbour Ltd",
        "company_domain": "harbour",
        "api_domain": lane.api_domain,
        "pipedrive_user_id": "1",
        "pipedrive_user_name": "Alice",
        "auth_method": "token",
    }
    return Connection.objects.create(workspace=workspace, lane=lane, **(facts | more))
