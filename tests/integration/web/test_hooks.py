"""Where Pipedrive delivers: genuine or refused, stored before the answer, and stored once."""

import base64
import json
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError
from django.db import connection as database
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.builders import make_connection, make_workspace
from tidegate.core.connection import Status
from tidegate.store import deliveries, queries
from tidegate.store.connections import end_connection
from tidegate.store.inbox import take_changes
from tidegate.store.models import Change, Connection, Lane
from tidegate.store.secrets import encrypt
from tidegate.web.intake import intake_before
from tidegate.wiring import receive
from tidegate.wsgi import application

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


def request_for(
    connection: Connection, body: Any = PERSON, *, password: str | None = PASSWORD, token: str = ""
) -> WSGIRequest:
    headers = {}
    if password is not None:
        credentials = base64.b64encode(f"tidegate:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    return RequestFactory().post(
        f"/hooks/pipedrive/{token or connection.hook_token}",
        data=body if isinstance(body, bytes) else json.dumps(body).encode(),
        content_type="application/json",
        headers=headers,
    )


def deliver(connection: Connection, body: Any = PERSON, **more: Any) -> int:
    return send(request_for(connection, body, **more))


def send(request: WSGIRequest) -> int:
    """As the web server does it."""
    statuses: list[str] = []
    request.environ.setdefault("CONTENT_LENGTH", "0")
    list(application(request.environ, lambda status, headers: statuses.append(status)))
    return int(statuses[0].split()[0])


@pytest.mark.parametrize(
    ("permitted", "looked_at"),
    [(["7", "8"], False), (["8"], True), ([8, 9], True), ([7], False), ([], False)],
)
def test_a_person_that_our_user_may_not_see_any_more_is_looked_at(
    permitted: list[object], looked_at: bool
) -> None:
    """Its values may be what we know: taken for an echo, nobody would learn that it is hidden."""
    connection = make_connection(make_workspace(), hook_secret=encrypt(PASSWORD), pipedrive_user_id="7")
    body = PERSON | {"meta": PERSON["meta"] | {"permitted_user_ids": permitted}}
    assert deliver(connection, body) == 200
    (change,) = take_changes(str(connection.pk), 9)
    assert (change.body is None) is looked_at


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"change_source": "api", "user_id": "7"}, {"first_name": "Ann"}),
        ({"change_source": "app", "user_id": "7"}, None),
        ({"change_source": "api", "user_id": "8"}, None),
    ],
)
def test_what_was_there_before_is_kept_of_our_own_writes_alone(
    meta: dict[str, str], told: dict[str, str] | None
) -> None:
    """Only those can have overtaken somebody's edit."""
    connection = make_connection(make_workspace(), hook_secret=encrypt(PASSWORD), pipedrive_user_id="7")
    body = {
        "meta": PERSON["meta"] | meta,
        "data": PERSON["data"] | {"first_name": "Anna", "last_name": "One", "name": "Anna One"},
        "previous": {"name": "Ann One", "first_name": "Ann"},
    }
    assert deliver(connection, body) == 200
    (change,) = take_changes(str(connection.pk), 9)
    assert (None if change.before is None else dict(change.before.values)) == told
    assert change.source == ("own" if told else "webhook")
    assert queries.waiting_of_others(connection) == (0 if told else 1)


def person(number: int, **data: Any) -> dict[str, Any]:
    meta = {**PERSON["meta"], "entity_id": str(number), "id": f"event-{number}"}
    return {**PERSON, "meta": meta, "data": {**PERSON["data"], "id": number, **data}}


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
    request = RequestFactory().get(f"/hooks/pipedrive/{connection.hook_token}")
    assert send(request) == 405
    assert Client().get(request.path).status_code == 405


def test_documented_payloads_are_taken(connection: Connection) -> None:
    folder = Path(__file__).parents[2] / "payloads" / "pipedrive"
    taken = {
        file.name: deliver(connection, json.loads(file.read_text())) for file in folder.glob("webhook_*.json")
    }

    assert set(taken.values()) == {200}


@pytest.mark.parametrize(
    ("entity", "is_due"),
    [
        ("user", True),
        ("pipeline", True),
        ("stage", True),
        ("personField", True),
        ("person_field", True),
        ("person", False),
    ],
)
def test_news_of_what_the_settings_name_has_the_catalogue_read_anew(
    connection: Connection, entity: str, is_due: bool
) -> None:
    Connection.objects.update(catalogue_read_at=timezone.now())
    body = {**PERSON, "meta": {**PERSON["meta"], "entity": entity}}
    assert deliver(connection, body) == 200
    assert (Connection.objects.get().catalogue_read_at is None) is is_due


# --- what is kept in memory never outlives what it was read from


@pytest.fixture
def known(connection: Connection) -> Connection:
    """A connection whose deliveries are known to the process already."""
    Connection.objects.update(catalogue_read_at=timezone.now(), status=Status.ACTIVE.value)
    assert deliver(connection, person(1)) == 200
    connection.refresh_from_db()
    return connection


def test_a_new_secret_counts_from_the_next_delivery_on(known: Connection) -> None:
    Connection.objects.update(hook_secret=encrypt("another-password"))

    assert deliver(known, person(2)) == 401
    assert deliver(known, person(3), password="another-password") == 200
    assert list(Change.objects.values_list("record_id", flat=True).order_by("id")) == ["1", "3"]


def test_the_address_is_dead_from_the_moment_of_the_disconnection(known: Connection) -> None:
    end_connection(known)

    assert deliver(known, person(2)) == 401
    assert Change.objects.count() == 1


def test_a_deleted_connection_is_known_no_more(known: Connection) -> None:
    token = known.hook_token
    known.delete()

    assert deliver(known, token=token) == 401


def test_a_catalogue_that_was_read_again_is_what_bodies_are_read_by(known: Connection) -> None:
    field = {"key": "f" * 40, "name": "Tier", "kind": "text", "custom": True}
    Connection.objects.update(catalogue={"pipedrive": {"fields": [field]}}, catalogue_read_at=timezone.now())

    assert deliver(known, person(2, custom_fields={"f" * 40: "Gold"})) == 200

    body = Change.objects.get(record_id="2").body
    assert body is not None
    assert body["values"]["f" * 40] == ["text", "Gold"]


def test_the_first_delivery_after_the_launch_is_kept(known: Connection) -> None:
    Connection.objects.update(launched_at=None)
    assert deliver(known, person(2)) == 200
    Connection.objects.update(launched_at=timezone.now())

    assert deliver(known, person(3)) == 200

    assert list(Change.objects.values_list("record_id", flat=True).order_by("id")) == ["1", "3"]


def test_news_of_the_catalogue_is_itself_stored(known: Connection) -> None:
    stage = {**PERSON, "meta": {**PERSON["meta"], "entity": "stage", "entity_id": "9", "id": "event-stage"}}

    assert deliver(known, stage) == 200
    assert deliver(known, person(2)) == 200

    assert set(Change.objects.values_list("entity", "record_id")) == {
        ("person", "1"),
        ("stage", "9"),
        ("person", "2"),
    }


# --- what it costs


def test_a_delivery_is_one_statement_and_a_question_whether_the_lane_sleeps(known: Connection) -> None:
    with CaptureQueriesContext(database) as asked:
        assert deliver(known, person(2)) == 200

    assert len(asked) <= 2, [query["sql"] for query in asked]


def test_a_lane_is_woken_once_however_much_is_delivered(known: Connection) -> None:
    for number in range(2, 6):
        assert deliver(known, person(number)) == 200

    assert wakes(known) == 1


@pytest.mark.parametrize("awake", ["held_until", "wait_until"])
def test_a_lane_at_work_or_with_its_alarm_set_is_not_woken(connection: Connection, awake: str) -> None:
    Connection.objects.update(status=Status.ACTIVE.value)
    Lane.objects.update(**{awake: timezone.now() + timedelta(seconds=30)})

    assert deliver(connection) == 200

    assert (Change.objects.count(), wakes(connection)) == (1, 0)


def test_a_lane_whose_holder_stopped_is_woken(connection: Connection) -> None:
    Connection.objects.update(status=Status.ACTIVE.value)
    Lane.objects.update(held_until=timezone.now() - timedelta(seconds=1))

    assert deliver(connection) == 200

    assert wakes(connection) == 1


def wakes(connection: Connection) -> int:
    return int(
        ProcrastinateJob.objects.filter(queueing_lock=f"lane:{connection.lane_id}", status="todo").count()
    )


# --- several at once


@pytest.fixture
def stored_together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many deliveries each statement stored."""
    counted: list[int] = []
    store: Callable[..., None] = deliveries._store_together

    def counting(waiting: Any) -> None:
        counted.append(len(list(waiting)))
        store(waiting)

    monkeypatch.setattr(deliveries, "_store_together", counting)
    return counted


@pytest.mark.django_db(transaction=True)
def test_deliveries_that_come_at_once_are_stored_together(
    connection: Connection, stored_together: list[int]
) -> None:
    Connection.objects.update(catalogue_read_at=timezone.now())

    answers = at_once(connection, [person(number) for number in range(1, 9)])

    assert answers == [200] * 8
    assert Change.objects.count() == 8
    assert sum(stored_together) == 8
    assert max(stored_together) > 1


@pytest.mark.django_db(transaction=True)
def test_one_that_can_not_be_stored_spoils_no_other(connection: Connection) -> None:
    Connection.objects.update(catalogue_read_at=timezone.now())
    spoiled = person(3)
    spoiled["meta"] = {**spoiled["meta"], "action": "delete", "merged_to_id": "9" * 80}

    answers = at_once(connection, [person(1), person(2), spoiled, person(4)])

    assert sorted(answers) == [200, 200, 200, 500]
    assert set(Change.objects.values_list("record_id", flat=True)) == {"1", "2", "4"}


def at_once(connection: Connection, bodies: list[Any]) -> list[int]:
    """Each on a thread of the server; none is stored before all have come."""

    def one(request: WSGIRequest) -> int:
        try:
            return send(request)
        finally:
            database.close()

    listener = deliveries.listener_at(connection.hook_token)
    assert listener is not None
    requests = [request_for(connection, body) for body in bodies]
    with ThreadPoolExecutor(len(bodies)) as threads:
        with deliveries._one_at_a_time:
            under_way = [threads.submit(one, request) for request in requests]
            while len(deliveries._queue) < len(bodies):
                threading.Event().wait(0.01)
        return [each.result() for each in under_way]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_restarted_since_costs_no_delivery(connection: Connection) -> None:
    Connection.objects.update(catalogue_read_at=timezone.now())
    assert deliver(connection, person(1)) == 200
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with ThreadPoolExecutor(1) as another:
        another.submit(end_session, pid).result()

    assert deliver(connection, person(2)) == 200

    assert Change.objects.count() == 2


def end_session(pid: int) -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    database.close()


class Away:
    """A database that answers again after so many tries, and a clock that only its pauses move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tries: float) -> None:
        self.left = tries
        self.now = 1000.0
        self.store: Callable[..., None] = deliveries._store_together
        monkeypatch.setattr(deliveries, "_store_together", self)
        monkeypatch.setattr(receive, "_outage", receive.Outage())
        monkeypatch.setattr(receive, "time", self)

    def __call__(self, waiting: Any) -> None:
        if self.left > 0:
            self.left -= 1
            raise OperationalError("the database is gone")
        self.store(waiting)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.django_db(transaction=True)
def test_an_outage_of_a_few_seconds_is_waited_out(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten refused deliveries would be a ban of half an hour."""
    away = Away(monkeypatch, tries=30)

    assert deliver(connection) == 200

    assert Change.objects.count() == 1
    assert 2 < away.now - 1000 < receive.PATIENCE_SECONDS


@pytest.mark.django_db(transaction=True)
def test_in_a_long_outage_each_delivery_is_refused_at_once(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, tries=math.inf)
    assert deliver(connection) == 500
    refused_at = away.now

    assert deliver(connection) == 500

    assert refused_at - 1000 <= receive.PATIENCE_SECONDS + 1
    assert away.now == refused_at


@pytest.mark.django_db(transaction=True)
def test_patience_is_back_once_the_database_was(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, tries=math.inf)
    assert deliver(connection, person(1)) == 500
    away.left = 0
    assert deliver(connection, person(1)) == 200
    away.left = 10

    assert deliver(connection, person(2)) == 200


@pytest.mark.django_db(transaction=True)
def test_all_that_wait_for_one_statement_are_told_that_it_failed(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    Connection.objects.update(catalogue_read_at=timezone.now())
    Away(monkeypatch, tries=math.inf)
    receive._outage.since = 0.0  # nobody is patient any more

    assert at_once(connection, [person(number) for number in range(1, 5)]) == [500] * 4


@pytest.mark.parametrize(
    ("attempt", "doubted"), [(1, False), (2, True), (4, True), (None, False), (True, False)]
)
def test_a_delivery_at_a_second_try_is_a_suspicion(
    connection: Connection, attempt: object, doubted: bool
) -> None:
    """The first failed at our door, and ten such make a ban, of which nothing else tells."""
    body = person(1)
    body["meta"] = {**body["meta"], "attempt": attempt}

    assert deliver(connection, body) == 200

    connection.refresh_from_db()
    assert (connection.webhooks_suspected_at is not None) is doubted
    assert Change.objects.count() == 1


def test_each_late_delivery_begins_the_suspicion_anew(connection: Connection) -> None:
    begun = timezone.now() - timedelta(minutes=20)
    Connection.objects.update(webhooks_suspected_at=begun)
    body = person(1)
    body["meta"] = {**body["meta"], "attempt": 3}

    deliver(connection, body)

    connection.refresh_from_db()
    assert connection.webhooks_suspected_at is not None
    assert connection.webhooks_suspected_at > begun + timedelta(minutes=19)


def test_what_can_not_be_stored_is_asked_for_again(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise OperationalError("the database is gone")

    monkeypatch.setattr(deliveries, "_store_together", broken)

    assert deliver(connection) == 500
    assert "could not be stored" in caplog.text


# --- the two ways in


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
@pytest.mark.parametrize("body", [PERSON, b"no json"])
def test_both_ways_in_answer_the_same(connection: Connection, password: str, body: Any) -> None:
    request = request_for(connection, body, password=password)
    by_django = Client().post(
        request.path,
        data=request.body,
        content_type="application/json",
        headers={"Authorization": request.headers["Authorization"]},
    )

    assert send(request_for(connection, body, password=password)) == by_django.status_code


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_a_delivery_too_large_is_refused_before_it_is_read(connection: Connection) -> None:
    assert deliver(connection) == 413
    assert not Change.objects.exists()


def test_all_other_addresses_are_left_to_the_pages() -> None:
    asked: list[str] = []

    def pages(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        return [b"a page"]

    with_intake = intake_before(pages)
    for path in ("/", "/hooks/esp/x/y/z/", "/hooks/pipedrive"):
        assert with_intake({"PATH_INFO": path}, lambda status, headers: None) == [b"a page"]
    assert asked == ["/", "/hooks/esp/x/y/z/", "/hooks/pipedrive"]
