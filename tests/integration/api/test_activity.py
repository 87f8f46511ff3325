"""Transfers, the log, what needs attention, and health through the API."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.builders import make_transfer_record, refused_value
from tests.integration.api.conftest import Caller
from tests.integration.api.fake_actions import FakeActions
from tidegate.core.records import Side
from tidegate.core.settings import Direction
from tidegate.store.models import (
    Attention,
    Change,
    Connection,
    LedgerDay,
    LogEntry,
    Transfer,
    TransferRecord,
)
from tidegate.store.queries import Health

START = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def path(connection: Connection) -> str:
    return f"/connections/{connection.pk}"


@pytest.fixture
def transfer(connection: Connection) -> Transfer:
    return Transfer.objects.create(
        connection=connection,
        direction="from_pipedrive",
        source_app="pipedrive",
        total=9,
        created=2,
        failed=1,
    )


@pytest.mark.parametrize(
    ("body", "source"),
    [
        ({"direction": "to_pipedrive"}, None),
        ({"direction": "to_pipedrive", "source_app": "pipedrive"}, Side.PIPEDRIVE),
    ],
)
def test_a_transfer_is_started_in_one_direction(
    alice: Caller, actions: FakeActions, path: str, body: Any, source: Side | None
) -> None:
    made = alice.ok("POST", f"{path}/transfers", body, status=201)

    (_, given) = actions.calls[0]
    assert (given["direction"], given["source_app"]) == (Direction.TO_PIPEDRIVE, source)
    assert made["state"] == "running"
    assert alice.ok("GET", f"{path}/transfers")["data"] == [made]
    assert alice.ok("GET", f"/transfers/{made['id']}") == made


@pytest.mark.parametrize(
    "body", [{}, {"direction": "two_way"}, {"direction": "to_pipedrive", "source_app": None}]
)
def test_a_transfer_without_one_clear_direction_is_refused(
    alice: Caller, actions: FakeActions, path: str, body: Any
) -> None:
    alice.problem(422, "POST", f"{path}/transfers", body)

    assert actions.calls == []


def test_a_transfer_counts_what_it_did(alice: Caller, transfer: Transfer) -> None:
    found = alice.ok("GET", f"/transfers/{transfer.pk}")

    assert (found["total"], found["done"], found["created"], found["failed"]) == (9, 3, 2, 1)


@pytest.mark.parametrize(
    ("way", "state"), [("pause", "paused"), ("continue", "running"), ("cancel", "cancelled")]
)
def test_a_transfer_is_paused_continued_and_cancelled(
    alice: Caller, actions: FakeActions, transfer: Transfer, way: str, state: str
) -> None:
    assert alice.ok("POST", f"/transfers/{transfer.pk}/{way}")["state"] == state
    assert actions.calls[0][0] == f"{way}_transfer"


def test_the_values_that_stay_behind_are_counted_by_field_and_reason(
    alice: Caller, charlie: Caller, transfer: Transfer
) -> None:
    for number, refusals in enumerate([[refused_value()], [refused_value(), refused_value("Season")], []]):
        make_transfer_record(transfer, source_id=str(number), name=f"P{number}", refusals=refusals)

    path = f"/transfers/{transfer.pk}"
    assert alice.ok("GET", f"{path}/refusals") == {
        "records": 2,
        "values": [
            refused_value() | {"records": 2, "example": "P0"},
            refused_value("Season") | {"records": 1, "example": "P1"},
        ],
    }
    told = [record["refusals"] for record in alice.ok("GET", f"{path}/records")["data"]]
    assert told == [[refused_value()], [refused_value(), refused_value("Season")], []]
    charlie.problem(404, "GET", f"{path}/refusals")


def test_the_records_of_a_transfer_are_found_by_outcome(alice: Caller, transfer: Transfer) -> None:
    for number, outcome in enumerate(["created", "failed", "created"]):
        TransferRecord.objects.create(transfer=transfer, source_id=str(number), outcome=outcome)

    def sources(query: str) -> list[str]:
        return [
            record["source_id"]
            for record in alice.ok("GET", f"/transfers/{transfer.pk}/records{query}")["data"]
        ]

    assert sources("") == ["0", "1", "2"]
    assert sources("?outcome=created") == ["0", "2"]
    assert sources("?outcome=failed") == ["1"]
    assert sources("?outcome=skipped") == []
    alice.problem(422, "GET", f"/transfers/{transfer.pk}/records?outcome=good")


@pytest.fixture
def log(connection: Connection) -> list[str]:
    """Six entries, the last two at the same moment; their ids, the newest first."""
    made = [
        LogEntry.objects.create(
            connection=connection,
            at=START + timedelta(minutes=min(number, 4)),
            side="pipedrive",
            act="update",
            prospect_id=str(number % 2),
            person_id=str(number % 3),
            changes=[{"field": "phone", "before": None, "after": ["1"], "note": "unknown to this version"}],
        )
        for number in range(6)
    ]
    return [str(entry.pk) for entry in reversed(made)]


def ids_of(page: Any) -> list[str]:
    return [item["id"] for item in page["data"]]


def test_the_log_shows_before_and_after_the_newest_first(alice: Caller, path: str, log: list[str]) -> None:
    found = alice.ok("GET", f"{path}/log")

    assert ids_of(found) == log
    assert found["data"][0]["at"] == "2026-05-01T10:04:00Z"
    change = found["data"][0]["changes"][0]
    assert (change["field"], change["before"], change["after"]) == ("phone", None, ["1"])


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_split_entries_of_one_moment_without_loss(
    alice: Caller, path: str, log: list[str], limit: int
) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = alice.ok("GET", f"{path}/log?limit={limit}{cursor and '&cursor=' + cursor}")
        seen += ids_of(page)
        cursor = page["next_cursor"]

    assert seen == log


def test_entries_that_arrive_between_two_pages_shift_nothing(
    alice: Caller, path: str, log: list[str], connection: Connection
) -> None:
    first = alice.ok("GET", f"{path}/log?limit=3")
    LogEntry.objects.create(
        connection=connection, at=START + timedelta(hours=1), side="outreach", act="create"
    )

    second = alice.ok("GET", f"{path}/log?limit=3&cursor={first['next_cursor']}")

    assert ids_of(first) + ids_of(second) == log


def test_the_log_is_found_by_record_and_time(alice: Caller, path: str, log: list[str]) -> None:
    newest_first = list(reversed(range(6)))

    def numbers(query: str) -> list[int]:
        return [newest_first[log.index(found)] for found in ids_of(alice.ok("GET", f"{path}/log?{query}"))]

    assert numbers("prospect_id=1") == [5, 3, 1]
    assert numbers("person_id=0") == [3, 0]
    assert numbers("prospect_id=1&person_id=0") == [3]
    assert numbers("since=2026-05-01T10:03:00Z") == [5, 4, 3]
    assert numbers("since=2026-05-01T12:03:00%2B02:00") == [5, 4, 3]
    assert numbers("since=2026-05-01T12:03:00+02:00") == [5, 4, 3]


@pytest.mark.parametrize("since", ["2026-05-01T10:00:00", "2026-05-01", "yesterday", ""])
def test_a_time_needs_its_zone(alice: Caller, path: str, since: str) -> None:
    assert list(alice.problem(422, "GET", f"{path}/log?since={since}")["errors"]) == ["since"]


@pytest.fixture
def case(connection: Connection) -> Attention:
    return Attention.objects.create(
        connection=connection, kind="ambiguous", message="Two fit.", facts={"candidates": ["1", "2"]}
    )


def test_open_cases_are_listed(alice: Caller, actions: FakeActions, path: str, case: Attention) -> None:
    found = alice.ok("GET", f"{path}/attention")["data"]
    assert [(item["id"], item["kind"], item["facts"]) for item in found] == [
        (str(case.pk), "ambiguous", {"candidates": ["1", "2"]})
    ]

    alice.ok("POST", f"/attention/{case.pk}/resolve", {"person_id": "2"})

    assert alice.ok("GET", f"{path}/attention")["data"] == []


def test_a_case_tells_the_answer_that_it_came_from(alice: Caller, path: str, case: Attention) -> None:
    assert alice.ok("GET", f"{path}/attention")["data"][0]["details"] is None

    told = {"method": "POST", "path": "/api/v2/persons", "status": 400, "text": "No.", "code": ""}
    case.details = {**told, "at": "2026-05-12T09:40:07+00:00", "tries": 2}
    case.save()

    assert alice.ok("GET", f"{path}/attention")["data"][0]["details"] == {
        **told,
        "at": "2026-05-12T09:40:07Z",
        "tries": 2,
        "of": None,
    }


@pytest.mark.parametrize(
    ("body", "person", "prospect"),
    [
        (None, None, None),
        ({}, None, None),
        ({"person_id": "2"}, "2", None),
        ({"prospect_id": "p"}, None, "p"),
    ],
)
def test_a_case_is_settled_with_or_without_a_choice(
    alice: Caller, actions: FakeActions, case: Attention, body: Any, person: str | None, prospect: str | None
) -> None:
    found = alice.ok("POST", f"/attention/{case.pk}/resolve", body)

    assert found["settled_at"] is not None
    assert actions.calls == [
        (
            "settle_attention",
            {"actor": "API key “test”", "person_id": person, "prospect_id": prospect, "none_of_them": False},
        )
    ]


def test_a_case_is_tried_again(alice: Caller, actions: FakeActions, case: Attention) -> None:
    alice.ok("POST", f"/attention/{case.pk}/retry")

    assert [name for name, _ in actions.calls] == ["retry_attention"]


def test_health_is_told_in_figures(alice: Caller, path: str, connection: Connection, log: list[str]) -> None:
    Change.objects.create(
        lane=connection.lane, connection=connection, side="pipedrive", record_id="1", source="webhook"
    )
    LedgerDay.objects.create(lane=connection.lane, day=datetime.now(UTC).date(), feature="live", tokens=30)

    found = alice.ok("GET", f"{path}/health")

    assert set(found) == {field.name for field in dataclasses.fields(Health)}
    assert (found["status"], found["waiting"], found["tokens_by_feature"]) == ("paused", 1, {"live": 30})
    assert found["last_sync_at"] == "2026-05-01T10:04:00Z"
    assert found["persons"] is None
