"""Where Pipedrive delivers: genuine or refused, stored before the answer, and stored once."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.builders import make_connection, make_workspace
from tidegate.store.models import Change, Connection
from tidegate.store.secrets import encrypt

pytestmark = pytest.mark.django_db

PASSWORD = "hook-password"
PERSON: dict[str, Any] = {
    "meta": {
        "action": "change",
        "entity": "person",
        "entity_id": "42",
        "company_id": "1",
        "user_id": "7",
        "id": "3c9f7a0e-0000-4000-8000-000000000001",
        "timestamp": "2026-11-23T18:00:00.000Z",
        "version": "2.0",
        "change_source": "app",
        "attempt": 1,
    },
    "data": {"id": 42, "name": "Ann One", "emails": [], "phones": [], "custom_fields": {}},
    "previous": {"name": "Ann"},
}


@pytest.fixture
def connection() -> Connection:
    return make_connection(make_workspace(), hook_secret=encrypt(PASSWORD))


def deliver(
    connection: Connection, body: Any = PERSON, *, password: str | None = PASSWORD, token: str = ""
) -> int:
    headers = {}
    if password is not None:
        credentials = base64.b64encode(f"tidegate:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    answer = Client().post(
        f"/hooks/pipedrive/{token or connection.hook_token}",
        data=body if isinstance(body, bytes) else json.dumps(body).encode(),
        content_type="application/json",
        headers=headers,
    )
    return answer.status_code


def test_a_genuine_delivery_is_stored_and_answered(connection: Connection) -> None:
    assert deliver(connection) == 200

    change = Change.objects.get()
    assert (change.side, change.entity, change.record_id, change.action) == (
        "pipedrive",
        "person",
        "42",
        "change",
    )
    assert change.done_at is None


def test_the_same_event_twice_is_one_row(connection: Connection) -> None:
    again = {**PERSON, "meta": {**PERSON["meta"], "attempt": 2}}

    assert (deliver(connection), deliver(connection, again)) == (200, 200)

    assert Change.objects.count() == 1


@pytest.mark.parametrize("password", [None, "", "wrong", PASSWORD + "x"])
def test_without_the_right_credentials_nothing_is_stored(
    connection: Connection, password: str | None
) -> None:
    assert deliver(connection, password=password) == 401
    assert not Change.objects.exists()


def test_an_unknown_address_is_refused_like_wrong_credentials(connection: Connection) -> None:
    assert deliver(connection, token="nobodys-address") == 401
    assert not Change.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        {"meta": {}},
        {**PERSON, "meta": {**PERSON["meta"], "entity_id": "x; drop"}},
    ],
)
def test_a_malformed_delivery_is_refused_and_nothing_is_stored(connection: Connection, body: Any) -> None:
    assert deliver(connection, body) == 400
    assert not Change.objects.exists()


def test_what_is_of_no_interest_is_answered_and_forgotten(connection: Connection) -> None:
    product = {**PERSON, "meta": {**PERSON["meta"], "entity": "product"}}

    assert deliver(connection, product) == 200
    assert not Change.objects.exists()


def test_a_merge_tells_where_the_record_went(connection: Connection) -> None:
    vanished = {
        **PERSON,
        "data": None,
        "meta": {**PERSON["meta"], "action": "delete", "merged_to_id": "43"},
    }

    deliver(connection, vanished)

    assert Change.objects.get().merged_into == "43"


def test_a_paused_connection_keeps_what_is_delivered(connection: Connection) -> None:
    connection.status = "paused"
    connection.save()

    deliver(connection)

    assert Change.objects.filter(done_at=None).count() == 1


def test_before_the_first_launch_nothing_is_kept(connection: Connection) -> None:
    connection.launched_at = None
    connection.save()

    assert deliver(connection) == 200
    assert not Change.objects.exists()


def test_a_disconnected_connections_address_is_dead(connection: Connection) -> None:
    connection.disconnected_at = connection.created_at
    connection.save()

    assert deliver(connection) == 401


def test_only_post_is_taken(connection: Connection) -> None:
    assert Client().get(f"/hooks/pipedrive/{connection.hook_token}").status_code == 405


def test_documented_payloads_are_taken(connection: Connection) -> None:
    folder = Path(__file__).parents[2] / "payloads" / "pipedrive"
    taken = {
        file.name: deliver(connection, json.loads(file.read_text())) for file in folder.glob("webhook_*.json")
    }

    assert set(taken.values()) == {200}
