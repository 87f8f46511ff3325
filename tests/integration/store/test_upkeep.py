"""Webhooks are made so: once, without litter; and a server that Pipedrive can't reach still syncs, only slower."""

from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.builders import make_connection, make_workspace
from tidegate.errors import InvalidForRemote
from tidegate.store.models import Connection
from tidegate.store.queries import webhooks_ok
from tidegate.store.secrets import encrypt
from tidegate.testing.crm import MemoryCrm
from tidegate.wiring import upkeep
from tidegate.wiring.steps import request_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(upkeep, "worker_step", request_step)
    return make_connection(make_workspace(), hook_secret=encrypt("secret"))


def test_webhooks_are_registered_once(connection: Connection) -> None:
    crm = MemoryCrm([])

    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
    registered = dict(crm.webhooks)
    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)

    assert crm.webhooks == registered
    assert {webhook.event_object for webhook in registered.values()} >= {"person", "organization"}
    assert webhooks_ok(connection, timezone.now()) is True


def test_other_apps_webhooks_are_left_alone_and_ours_are_taken_down(connection: Connection) -> None:
    crm = MemoryCrm([])
    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
    ours = set(crm.webhooks)
    other = next(iter(crm.webhooks.values()))
    crm.webhooks["999"] = replace(other, id="999", url="https://elsewhere.example/hook")

    async_to_sync(upkeep.remove_webhooks)(connection, crm)

    assert set(crm.webhooks) == {"999"}
    assert ours


def test_without_webhooks_sync_goes_on_and_looks_more_often(connection: Connection) -> None:
    crm = MemoryCrm([])
    crm.faults.fail(
        "create_webhook", InvalidForRemote("The address can't be reached from Pipedrive."), times=9
    )

    async_to_sync(upkeep._try_webhooks)(connection, crm)
    connection.lane.checked_at = timezone.now() - timedelta(minutes=15)
    connection.lane.save()

    connection.refresh_from_db()
    assert connection.status == "active"
    assert "can't be reached" in connection.webhooks_problem
    assert webhooks_ok(connection, timezone.now()) is False
    assert upkeep.lanes_due_for_a_check() == [connection.lane_id]
