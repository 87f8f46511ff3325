"""A connection that is paused for months keeps its authorisation, or tells at once that it was lost."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.builders import make_connection, make_workspace
from tidegate.errors import AuthorizationLost, RemoteUnavailable
from tidegate.store.models import Connection
from tidegate.wiring import idle_tokens, parts
from tidegate.wiring.steps import request_step

pytestmark = pytest.mark.django_db


class Asked:
    """Stands where the credentials are made: whose were renewed, and how that went."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.fails: Exception | None = None

    def __call__(self, connection: Connection, http: object, step: object) -> "Asked":
        self.connections.append(connection)
        return self

    async def headers(self) -> Mapping[str, str]:
        if self.fails is not None:
            raise self.fails
        return {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(idle_tokens, "worker_step", request_step)
    monkeypatch.setattr(parts, "credentials_of", asked)
    return asked


def unused_for(days: int, **facts: Any) -> Connection:
    facts = {"secret": b"x", "token_expires_at": timezone.now() - timedelta(days=days), **facts}
    return make_connection(make_workspace(), status="paused", **facts)


def renew() -> None:
    async_to_sync(idle_tokens.keep_tokens_alive)()


def test_a_token_that_nobody_used_for_weeks_is_renewed_also_while_paused(asked: Asked) -> None:
    idle = unused_for(21)
    unused_for(19)

    renew()

    assert asked.connections == [idle]


@pytest.mark.parametrize(
    "facts",
    [
        {"auth_method": "token"},
        {"disconnected_at": timezone.now()},
        {"secret": None},
        {"reason": "reconnect"},
    ],
)
def test_what_can_not_be_renewed_is_left_alone(asked: Asked, facts: dict[str, Any]) -> None:
    unused_for(50, **facts)

    renew()

    assert asked.connections == []


def test_an_authorisation_that_is_gone_asks_to_reconnect_long_before_anybody_resumes(asked: Asked) -> None:
    connection = unused_for(70)
    asked.fails = AuthorizationLost()

    renew()

    connection.refresh_from_db()
    assert (connection.status, connection.reason) == ("paused", "reconnect")


def test_a_passing_fault_changes_nothing_and_holds_up_nobody(asked: Asked) -> None:
    both = [unused_for(30), unused_for(31)]
    asked.fails = RemoteUnavailable("It is down.")

    renew()

    assert asked.connections == both
    assert set(Connection.objects.values_list("reason", flat=True)) == {""}
