"""Webhooks are made so: once, without litter; and a server that Pipedrive can't reach still syncs, only slower."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.builders import make_connection, make_workspace
from tests.integration.engine.mortality import Countdown, Died, MortalApp
from tidegate.errors import InvalidForRemote, PermissionMissing, RecordRejected
from tidegate.ports import Webhook, WebhookRequest
from tidegate.store.models import Connection, Lane
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


def registered(crm: MemoryCrm) -> list[tuple[str, str, str, bool]]:
    return sorted((w.url, w.event_object, w.event_action, w.is_active) for w in crm.webhooks.values())


def test_wherever_the_process_dies_webhooks_are_registered_once(connection: Connection) -> None:
    """Two were given up by Pipedrive: there is something to make and something to take down."""

    def some_given_up() -> MemoryCrm:
        crm = MemoryCrm([])
        connection.webhooks_checked_at = None
        async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
        for webhook_id in list(crm.webhooks)[:2]:
            crm.webhooks[webhook_id] = replace(crm.webhooks[webhook_id], is_active=False)
        return crm

    countdown, undisturbed = Countdown(), some_given_up()
    async_to_sync(upkeep.put_webhooks_in_place)(connection, MortalApp(undisturbed, countdown))
    points = list(countdown.seen)
    assert points.count("after create_webhook") == points.count("after delete_webhook") == 2

    for number, point in enumerate(points, start=1):
        crm, countdown.left = some_given_up(), number
        with pytest.raises(Died):
            async_to_sync(upkeep.put_webhooks_in_place)(connection, MortalApp(crm, countdown))
        async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
        assert registered(crm) == registered(undisturbed), f"died {point}"


def test_other_apps_webhooks_are_left_alone_and_ours_are_taken_down(connection: Connection) -> None:
    crm = MemoryCrm([])
    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
    ours = set(crm.webhooks)
    other = next(iter(crm.webhooks.values()))
    crm.webhooks["999"] = replace(other, id="999", url="https://elsewhere.example/hook")

    async_to_sync(upkeep.remove_webhooks)(connection, crm)

    assert set(crm.webhooks) == {"999"}
    assert ours


def heard_of(crm: MemoryCrm) -> list[str]:
    return sorted(w.event_object for w in crm.webhooks.values() if w.is_active)


NEEDED = ["organization", "person", "pipeline", "stage", "user"]


@pytest.mark.parametrize(("refusals", "heard"), [(0, ["personField"]), (1, ["person_field"]), (9, [])])
@pytest.mark.parametrize("refusal", [InvalidForRemote, PermissionMissing])
def test_field_definitions_are_heard_of_where_pipedrive_lets_us_and_done_without_elsewhere(
    connection: Connection, refusal: type[Exception], refusals: int, heard: list[str]
) -> None:
    crm = PickyCrm(refusal("Unknown event_object."), refusals)
    async_to_sync(upkeep._try_webhooks)(connection, crm)
    assert heard_of(crm) == sorted([*NEEDED, *heard])
    assert connection.webhooks_problem == ""

    asked = crm.asked
    async_to_sync(upkeep._try_webhooks)(connection, crm)  # the same day
    assert crm.asked == asked
    assert connection.webhooks_suspected_at is None

    Connection.objects.update(webhooks_checked_at=timezone.now() - timedelta(days=1))
    connection.refresh_from_db()
    async_to_sync(upkeep._try_webhooks)(
        connection, crm
    )  # a wish that was refused is made anew on the next day
    assert crm.asked == (asked if heard else asked + 2)
    assert connection.webhooks_suspected_at is None


class PickyCrm(MemoryCrm):
    """Refuses so many requests for what is not documented."""

    def __init__(self, refusal: Exception, times: int) -> None:
        super().__init__([])
        self.refusal, self.left, self.asked = refusal, times, 0

    async def create_webhook(self, request: WebhookRequest) -> Webhook:
        if request.event_object not in NEEDED:
            self.asked += 1
            if self.left:
                self.left -= 1
                raise self.refusal
        return await super().create_webhook(request)


@pytest.mark.parametrize(
    "why", ["The address can't be reached from Pipedrive.", "Its user has reached the limit of 40 webhooks."]
)
def test_without_webhooks_sync_goes_on_and_looks_more_often(connection: Connection, why: str) -> None:
    crm = MemoryCrm([])
    crm.faults.fail("create_webhook", RecordRejected(why), times=9)

    async_to_sync(upkeep._try_webhooks)(connection, crm)
    connection.lane.checked_at = timezone.now() - timedelta(minutes=15)
    connection.lane.save()

    connection.refresh_from_db()
    assert connection.status == "active"
    assert connection.webhooks_problem == why
    assert webhooks_ok(connection, timezone.now()) is False
    assert upkeep.lanes_due_for_a_check() == [connection.lane_id]


# --- Bans, removals, downtime


def lane_of(connection: Connection, **values: object) -> Lane:
    Lane.objects.filter(pk=connection.lane_id).update(**values)
    return Lane.objects.get(pk=connection.lane_id)


def test_a_webhook_that_pipedrive_removed_is_made_again_and_what_it_missed_looked_for(
    connection: Connection,
) -> None:
    crm = MemoryCrm([])
    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
    lane_of(connection, checked_at=timezone.now())
    gone = next(i for i, webhook in crm.webhooks.items() if webhook.event_object == "person")
    crm.webhooks[gone] = replace(crm.webhooks[gone], is_active=False, remove_reason="too many failures")

    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)

    assert [w.is_active for w in crm.webhooks.values() if w.event_object == "person"] == [True]
    assert upkeep.lanes_due_for_a_check() == [connection.lane_id]
    connection.refresh_from_db()
    assert webhooks_ok(connection, timezone.now()) is False


@pytest.mark.parametrize(
    ("status", "suspected"), [(200, False), (204, False), (500, True), (302, True), (None, False)]
)
def test_a_last_delivery_that_was_refused_is_a_suspicion(
    connection: Connection, status: int | None, suspected: bool
) -> None:
    crm = MemoryCrm([])
    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
    crm.webhooks = {i: replace(webhook, last_status=status) for i, webhook in crm.webhooks.items()}

    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)

    connection.refresh_from_db()
    assert (connection.webhooks_suspected_at is not None) is suspected


@pytest.mark.parametrize(
    ("status", "taken", "arrived", "suspected"),
    [
        (200, 30, 30, False),
        (200, 30, None, True),
        (200, 30, 32, True),
        (200, 30, 31, False),  # a minute may lie between the two clocks
        (200, 30, 5, False),
        (200, None, None, False),
        (None, 30, None, False),
    ],
)
def test_a_delivery_that_pipedrive_calls_taken_and_that_never_came_is_a_suspicion(
    connection: Connection, status: int | None, taken: int | None, arrived: int | None, suspected: bool
) -> None:
    """Moments in minutes ago."""
    now = timezone.now()

    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else now - timedelta(minutes=minutes)

    crm = MemoryCrm([])
    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)
    lane_of(connection, checked_at=now)
    Connection.objects.filter(pk=connection.pk).update(last_delivery_at=ago(arrived))
    first, *_ = crm.webhooks
    crm.webhooks[first] = replace(crm.webhooks[first], last_status=status, last_delivery_at=ago(taken))

    async_to_sync(upkeep.put_webhooks_in_place)(connection, crm)

    connection.refresh_from_db()
    assert (connection.webhooks_suspected_at is not None) is suspected
    assert (upkeep.lanes_due_for_a_check() == [connection.lane_id]) is suspected


@pytest.mark.parametrize(("minutes", "due"), [(4, False), (6, True)])
def test_while_webhooks_are_suspected_the_lane_is_looked_at_every_five_minutes(
    connection: Connection, minutes: int, due: bool
) -> None:
    connection.webhooks_suspected_at = timezone.now() - timedelta(minutes=30)
    connection.save()
    lane_of(connection, checked_at=timezone.now() - timedelta(minutes=minutes))

    assert bool(upkeep.lanes_due_for_a_check()) is due


@pytest.mark.parametrize("arrives", [True, False])
def test_a_suspicion_ends_once_no_ban_can_last_and_deliveries_arrive_or_after_a_quiet_hour(
    connection: Connection, arrives: bool
) -> None:
    now = timezone.now()
    connection.webhooks_suspected_at = now - timedelta(minutes=31 if arrives else 61)
    connection.last_delivery_at = now - timedelta(minutes=1) if arrives else None
    connection.save()

    upkeep._mark_checked(connection.lane_id)

    connection.refresh_from_db()
    assert connection.webhooks_suspected_at is None


@pytest.mark.parametrize(("age", "last_delivery"), [(31, None), (31, 40), (20, 5)])
def test_a_suspicion_stands_while_nothing_arrives_or_a_ban_may_last(
    connection: Connection, age: int, last_delivery: int | None
) -> None:
    """Minutes ago."""
    now = timezone.now()
    connection.webhooks_suspected_at = now - timedelta(minutes=age)
    connection.last_delivery_at = None if last_delivery is None else now - timedelta(minutes=last_delivery)
    connection.save()

    upkeep._mark_checked(connection.lane_id)

    connection.refresh_from_db()
    assert connection.webhooks_suspected_at is not None


@pytest.mark.parametrize(("seconds", "due"), [(30, False), (200, True)])
def test_after_everything_was_down_the_lane_is_looked_at_at_once(
    connection: Connection, seconds: int, due: bool
) -> None:
    now = timezone.now()
    lane_of(connection, checked_at=now - timedelta(minutes=3), swept_at=now - timedelta(seconds=seconds))

    Connection.objects.update(webhooks_checked_at=now - timedelta(hours=1))

    upkeep.note_downtime()

    assert bool(upkeep.lanes_due_for_a_check()) is due
    assert lane_of(connection).swept_at is not None
    connection.refresh_from_db()
    assert (connection.webhooks_suspected_at is not None) is due  # a ban may have begun, and go on


def test_a_scarce_budget_makes_the_looks_rarer(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane_of(connection, checked_at=timezone.now() - timedelta(minutes=90))
    assert upkeep.lanes_due_for_a_check() == [connection.lane_id]

    monkeypatch.setattr(upkeep, "_spent_share", lambda lane: 0.9)

    assert upkeep.lanes_due_for_a_check() == []
