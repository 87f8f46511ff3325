"""Each route has one scope; a key without it, and a key of another workspace, get nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.api.conftest import Caller, CallerFor
from tests.integration.api.fake_actions import FakeActions
from tidegate.api.app import api
from tidegate.api.auth import BearerKey, Scope
from tidegate.store.models import Attention, Connection, Transfer, Workspace

READ, WRITE = "read", "connections:write"

ROUTES = {
    ("GET", "/connections"): READ,
    ("POST", "/connections"): WRITE,
    ("GET", "/connections/{connection_id}"): READ,
    ("PATCH", "/connections/{connection_id}"): WRITE,
    ("DELETE", "/connections/{connection_id}"): WRITE,
    ("GET", "/connections/{connection_id}/problems"): READ,
    ("POST", "/connections/{connection_id}/launch"): WRITE,
    ("POST", "/connections/{connection_id}/pause"): WRITE,
    ("POST", "/connections/{connection_id}/resume"): WRITE,
    ("POST", "/connections/{connection_id}/refresh"): WRITE,
    ("GET", "/connections/{connection_id}/waiting"): READ,
    ("GET", "/connections/{connection_id}/catalogue"): READ,
    ("POST", "/connections/{connection_id}/catalogue/fields"): WRITE,
    ("POST", "/connections/{connection_id}/catalogue/options"): WRITE,
    ("GET", "/connections/{connection_id}/transfers"): READ,
    ("POST", "/connections/{connection_id}/transfers"): WRITE,
    ("GET", "/connections/{connection_id}/log"): READ,
    ("GET", "/connections/{connection_id}/attention"): READ,
    ("GET", "/connections/{connection_id}/health"): READ,
    ("GET", "/transfers/{transfer_id}"): READ,
    ("POST", "/transfers/{transfer_id}/pause"): WRITE,
    ("POST", "/transfers/{transfer_id}/continue"): WRITE,
    ("POST", "/transfers/{transfer_id}/cancel"): WRITE,
    ("GET", "/transfers/{transfer_id}/records"): READ,
    ("POST", "/attention/{attention_id}/retry"): WRITE,
    ("POST", "/attention/{attention_id}/resolve"): WRITE,
}
"""The routes of connections, as docs/reference/api.md promises them."""

BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/connections"): {"company_domain": "harbour", "api_token": "secret"},
    ("PATCH", "/connections/{connection_id}"): {},
    ("POST", "/connections/{connection_id}/catalogue/fields"): {
        "side": "outreach",
        "name": "Colour",
        "kind": "text",
    },
    ("POST", "/connections/{connection_id}/catalogue/options"): {
        "side": "outreach",
        "key": "colour",
        "labels": ["Red"],
    },
    ("POST", "/connections/{connection_id}/transfers"): {"direction": "to_pipedrive"},
}


def served() -> Iterator[tuple[str, str, BearerKey]]:
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                (key,) = operation.auth_callbacks
                assert isinstance(key, BearerKey)
                for method in operation.methods:
                    yield method, router.prefix + path, key


def test_every_route_of_connections_is_served_with_its_scope() -> None:
    found = {(method, path): key.scope.value for method, path, key in served()}

    assert {route: found.get(route) for route in ROUTES} == ROUTES


SECRETS = {("GET", "/mail-providers/{mail_provider_id}")}
"""Whose answers hold a secret: the scope read is not enough for them."""


def test_reading_needs_the_scope_read_and_writing_never_does() -> None:
    for method, path, key in served():
        shows = method == "GET" and (method, path) not in SECRETS
        assert (key.scope is Scope.READ) == shows, f"{method} {path}"


@pytest.fixture
def ids(connection: Connection) -> dict[str, str]:
    transfer = Transfer.objects.create(connection=connection, direction="to_pipedrive", source_app="outreach")
    case = Attention.objects.create(connection=connection, kind="invalid", message="Too long.")
    return {
        "connection_id": str(connection.pk),
        "transfer_id": str(transfer.pk),
        "attention_id": str(case.pk),
    }


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_key_needs_exactly_the_scope_of_the_route(
    actions: FakeActions,
    workspace: Workspace,
    caller_for: CallerFor,
    ids: dict[str, str],
    route: tuple[str, str],
) -> None:
    method, path = route
    others = [scope.value for scope in Scope if scope.value not in (ROUTES[route], "admin")]

    found = caller_for(workspace, others).problem(403, method, path.format(**ids), BODIES.get(route))

    assert found["missing_scope"] == ROUTES[route]
    assert ROUTES[route] in found["detail"]
    assert actions.calls == []


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route[1]], ids=" ".join)
def test_charlie_sees_nothing_of_another_workspace(
    actions: FakeActions, charlie: Caller, ids: dict[str, str], route: tuple[str, str]
) -> None:
    method, path = route

    charlie.problem(404, method, path.format(**ids), BODIES.get(route))

    assert actions.calls == []


def test_charlies_list_is_empty(charlie: Caller, connection: Connection) -> None:
    assert charlie.ok("GET", "/connections")["data"] == []
