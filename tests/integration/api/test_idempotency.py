"""A write with an Idempotency-Key happens once, whatever is retried, doubled or cut off."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections as database_connections
from django.test import Client
from django.utils import timezone

from tests.integration.api.conftest import Caller, make_connection
from tests.integration.api.fake_actions import FakeActions
from tidegate.errors import Conflict, RemoteUnavailable
from tidegate.store import idempotency
from tidegate.store.keys import make_api_key
from tidegate.store.models import Connection, IdempotencyKey, Transfer, Workspace

ONCE = {"Idempotency-Key": "monday-morning"}
NEW = {"direction": "to_pipedrive"}


@pytest.fixture
def path(connection: Connection) -> str:
    return f"/connections/{connection.pk}/transfers"


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(
    alice: Caller, actions: FakeActions, path: str
) -> None:
    first = alice.call("POST", path, NEW, ONCE)
    again = alice.call("POST", path, NEW, ONCE)

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert len(actions.calls) == 1


def test_an_answer_is_the_same_with_and_without_a_key(alice: Caller, actions: FakeActions, path: str) -> None:
    pause = path.replace("/transfers", "/pause")

    assert alice.ok("POST", pause, headers=ONCE) == alice.ok("POST", pause)


def test_an_empty_answer_is_repeated_too(alice: Caller, actions: FakeActions, connection: Connection) -> None:
    for _ in range(2):
        alice.ok("DELETE", f"/connections/{connection.pk}", status=204, headers=ONCE)

    assert len(actions.calls) == 1


@pytest.mark.parametrize("other", ["body", "path", "method"])
def test_the_same_key_with_another_request_is_a_conflict(
    alice: Caller, actions: FakeActions, path: str, connection: Connection, other: str
) -> None:
    alice.ok("POST", path, NEW, status=201, headers=ONCE)

    match other:
        case "body":
            alice.problem(409, "POST", path, {**NEW, "source_app": "pipedrive"}, ONCE)
        case "path":
            alice.problem(409, "POST", f"/connections/{connection.pk}/pause", NEW, ONCE)
        case "method":
            alice.problem(409, "DELETE", f"/connections/{connection.pk}", None, ONCE)
    assert len(actions.calls) == 1


def test_a_refused_request_leaves_its_key_free_and_nothing_behind(
    alice: Caller, actions: FakeActions, path: str
) -> None:
    actions.raises = Conflict("A transfer is running.")
    alice.problem(409, "POST", path, NEW, ONCE)
    assert not IdempotencyKey.objects.exists()
    assert not Transfer.objects.exists()  # the fake had made it before it raised

    actions.raises = None
    alice.ok("POST", path, NEW, status=201, headers=ONCE)


def test_an_invalid_request_never_takes_its_key(alice: Caller, actions: FakeActions, path: str) -> None:
    alice.problem(422, "POST", path, {"direction": "sideways"}, ONCE)

    alice.ok("POST", path, NEW, status=201, headers=ONCE)


def test_while_pipedrive_does_not_answer_the_key_stays_free(
    alice: Caller, actions: FakeActions, connection: Connection
) -> None:
    actions.raises = RemoteUnavailable()
    alice.problem(503, "POST", f"/connections/{connection.pk}/launch", None, ONCE)

    actions.raises = None
    alice.ok("POST", f"/connections/{connection.pk}/launch", headers=ONCE)


def test_each_workspace_has_its_own_keys(
    alice: Caller, charlie: Caller, actions: FakeActions, path: str, other_workspace: Workspace
) -> None:
    theirs = make_connection(other_workspace)

    alice.ok("POST", path, NEW, status=201, headers=ONCE)
    charlie.ok("POST", f"/connections/{theirs.pk}/transfers", NEW, status=201, headers=ONCE)

    assert len(actions.calls) == 2


def test_a_read_ignores_the_key(alice: Caller, path: str) -> None:
    alice.ok("GET", path, headers=ONCE)

    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9\x07"])
def test_a_key_that_cannot_be_kept_is_refused(
    alice: Caller, actions: FakeActions, path: str, key: str
) -> None:
    found = alice.problem(422, "POST", path, NEW, {"Idempotency-Key": key})

    assert list(found["errors"]) == ["Idempotency-Key"]


def test_a_key_is_kept_for_a_day(alice: Caller, actions: FakeActions, path: str) -> None:
    with time_machine.travel("2026-05-01T10:00:00Z", tick=False) as clock:
        alice.ok("POST", path, NEW, status=201, headers=ONCE)
        Transfer.objects.update(state="done")

        clock.shift(timedelta(hours=23))
        alice.ok("POST", path, NEW, status=201, headers=ONCE)
        assert len(actions.calls) == 1

        clock.shift(timedelta(hours=2))
        alice.ok("POST", path, NEW, status=201, headers=ONCE)
        assert len(actions.calls) == 2


def test_old_keys_are_forgotten(workspace: Workspace) -> None:
    now = timezone.now()
    idempotency.claim(workspace, "old", "d", now - timedelta(hours=25))
    idempotency.claim(workspace, "young", "d", now - timedelta(hours=23))

    assert idempotency.forget_old(now) == 1
    assert [row.key for row in IdempotencyKey.objects.all()] == ["young"]


def test_a_claim_whose_process_died_is_taken_over_in_time(
    alice: Caller, actions: FakeActions, path: str
) -> None:
    actions.raises = SystemExit()  # as when the process is told to end: no answer is written
    with pytest.raises(SystemExit):
        alice.call("POST", path, NEW, ONCE)
    actions.raises = None
    workspace = Workspace.objects.get(name="Harbour")
    digest = _digest_of_request(alice, path, actions)
    IdempotencyKey.objects.all().delete()
    idempotency.claim(workspace, ONCE["Idempotency-Key"], digest, timezone.now())  # and this one was killed

    answer = alice.call("POST", path, NEW, ONCE)
    assert answer.status_code == 409
    assert answer["Retry-After"] == "1"

    IdempotencyKey.objects.update(claimed_at=timezone.now() - idempotency.CLAIM_LASTS - timedelta(seconds=1))
    Transfer.objects.all().delete()
    alice.ok("POST", path, NEW, status=201, headers=ONCE)


def _digest_of_request(alice: Caller, path: str, actions: FakeActions) -> str:
    alice.ok("POST", path, NEW, status=201, headers=ONCE)
    return IdempotencyKey.objects.get().digest


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_carried_out_and_the_other_is_told_to_wait(actions: FakeActions) -> None:
    workspace = Workspace.objects.create(name="Harbour")
    path = f"/connections/{make_connection(workspace).pk}/transfers"
    _, plain = make_api_key(workspace, "test", ["admin"], actor="Alice")
    inside, go_on = threading.Event(), threading.Event()

    def wait_inside() -> None:
        inside.set()
        assert go_on.wait(20)

    actions.before_each = wait_inside
    first: list[Any] = []

    def call_first() -> None:
        try:
            first.append(Caller(plain, Client()).call("POST", path, NEW, ONCE))
        finally:
            database_connections.close_all()

    thread = threading.Thread(target=call_first)
    thread.start()
    assert inside.wait(20)
    second = Caller(plain, Client()).call("POST", path, NEW, ONCE)
    go_on.set()
    thread.join(20)

    assert second.status_code == 409
    assert second["Retry-After"] == "1"
    assert first[0].status_code == 201
    assert Caller(plain, Client()).call("POST", path, NEW, ONCE).content == first[0].content
    assert Transfer.objects.count() == len(actions.calls) == 1
