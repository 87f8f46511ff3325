"""Rows that go in as one piece of JSON hold what the models would have stored."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, IntegrityError

from tests.builders import make_connection, make_workspace
from tidegate.store.models import Connection, Link, LogEntry, MirrorAddress
from tidegate.store.rows import Row, put_rows

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
AWKWARD = "100 % of “Søren's” \\ 'x' \" %s {} \n\t 名前 😀"


@pytest.fixture
def connection() -> Connection:
    return make_connection(make_workspace())


def log_row(connection: Connection, **facts: object) -> Row:
    return {
        "connection_id": connection.pk,
        "at": MOMENT,
        "transfer_id": None,
        "side": "pipedrive",
        "act": "update",
        "prospect_id": "1",
        "person_id": "2",
        "record_name": "Signe",
        "changes": [],
        "cause": "",
        "cause_text": "",
        "message": "",
        "tokens": 5,
        "seconds": None,
        **facts,
    }


def link_row(connection: Connection, prospect_id: str, **facts: object) -> Row:
    return {
        "connection_id": connection.pk,
        "prospect_id": prospect_id,
        "person_id": f"2{prospect_id}",
        "base": "{}",
        "state": "linked",
        "written_at": None,
        "created_at": MOMENT,
        "seen_round": 0,
        **facts,
    }


def test_every_type_of_value_arrives_as_it_was(connection: Connection) -> None:
    changes = [{"before": None, "after": AWKWARD, "conflict": True, "number": 1.5}]
    put_rows(LogEntry, [log_row(connection, record_name=AWKWARD, changes=changes, seconds=0.125)])
    put_rows(Link, [link_row(connection, "1", base='{"a": ["Ü", null]}', written_at=MOMENT)])

    entry, link = LogEntry.objects.get(), Link.objects.get()
    assert (entry.connection, entry.at, entry.transfer_id) == (connection, MOMENT, None)
    assert (entry.record_name, entry.changes, entry.seconds) == (AWKWARD, changes, 0.125)
    assert (bytes(link.base).decode(), link.written_at) == ('{"a": ["Ü", null]}', MOMENT)


def test_rows_are_numbered_in_the_order_they_were_given(connection: Connection) -> None:
    put_rows(LogEntry, [log_row(connection, prospect_id=str(n)) for n in range(50)])

    assert list(LogEntry.objects.order_by("id").values_list("prospect_id", flat=True)) == [
        str(n) for n in range(50)
    ]


def test_a_row_that_is_there_changes_what_was_named_and_nothing_else(connection: Connection) -> None:
    put_rows(Link, [link_row(connection, "1")])
    again = link_row(connection, "1", base="[1]", state="person_gone")

    put_rows(
        Link, [again, link_row(connection, "3")], unique=("connection_id", "prospect_id"), update=("base",)
    )

    told = Link.objects.order_by("prospect_id").values_list("prospect_id", "state", "base")
    assert [(p, s, bytes(b)) for p, s, b in told] == [("1", "linked", b"[1]"), ("3", "linked", b"{}")]


def test_without_anything_to_change_a_known_row_is_left_out(connection: Connection) -> None:
    row = {"lane_id": connection.lane_id, "address": "a@b.example", "person_id": 1}

    put_rows(MirrorAddress, [row, row], unique=("lane_id", "address", "person_id"))
    put_rows(MirrorAddress, [row], unique=("lane_id", "address", "person_id"))

    assert MirrorAddress.objects.count() == 1


def test_nothing_is_nothing(connection: Connection, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        put_rows(LogEntry, [])


def test_many_rows_are_one_statement(connection: Connection, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        put_rows(LogEntry, [log_row(connection)] * 500)


@pytest.mark.parametrize(
    ("facts", "error"), [({"act": None}, IntegrityError), ({"act": "too long for this" * 2}, DataError)]
)
def test_what_the_table_does_not_take_is_refused(connection: Connection, facts, error) -> None:
    with pytest.raises(error):
        put_rows(LogEntry, [log_row(connection, **facts)])
