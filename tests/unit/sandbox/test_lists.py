"""Lists in API v2: paging by cursor, windows of time, ids, filters, and strictness of the query."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipedrive_sandbox.answers import ApiError
from pipedrive_sandbox.database import KINDS, Database
from pipedrive_sandbox.records import Order, Records
from tests.unit.sandbox.conftest import data, error

PERSONS = "/api/v2/persons"
TIMES = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")
LIVE = ("is_deleted = 0", ())


def stage(number: int, time: str, *, deleted: bool = False, order: int = 1) -> dict[str, Any]:
    return {"id": number, "add_time": time, "update_time": time, "is_deleted": deleted, "order_nr": order}


@given(
    rows=st.lists(st.tuples(st.sampled_from(TIMES), st.booleans(), st.integers(1, 3)), max_size=12),
    by=st.sampled_from(("id", "update_time", "add_time", "order_nr")),
    descending=st.booleans(),
    limit=st.integers(1, 5),
)
@settings(max_examples=60, deadline=None)
def test_a_walk_meets_every_live_record_once_in_order(rows, by, descending, limit):
    database = Database(":memory:")
    records = Records(database, KINDS["stage"])
    bodies = [
        stage(number, time, deleted=deleted, order=order)
        for number, (time, deleted, order) in enumerate(rows, start=1)
    ]
    records.save_many(1, bodies)
    records.save_many(2, [stage(1, TIMES[0])])

    seen, cursor = [], None
    while True:
        page, cursor = records.page(1, [LIVE], Order(by, descending, cursor, limit))
        seen += page
        if cursor is None:
            break
    database.close()

    live = [body for body in bodies if not body["is_deleted"]]
    assert seen == sorted(live, key=lambda body: (body[by], body["id"]), reverse=descending)


def test_a_record_updated_during_a_walk_by_id_is_not_met_twice(ask):
    first = ask("GET", PERSONS, limit=2)
    ask("PATCH", f"{PERSONS}/1", {"name": "Changed"})

    rest = ask("GET", PERSONS, limit=500, cursor=first.body["additional_data"]["next_cursor"])

    assert [one["id"] for one in data(first) + data(rest)] == [1, 2, 3, 4, 5]
    assert rest.body["additional_data"]["next_cursor"] is None


def test_updated_since_includes_its_moment_and_updated_until_does_not(ask):
    times = sorted(one["update_time"] for one in data(ask("GET", PERSONS)))

    since = data(ask("GET", PERSONS, updated_since=times[2]))
    until = data(ask("GET", PERSONS, updated_until=times[2]))

    assert sorted(one["update_time"] for one in since) == times[2:]
    assert sorted(one["update_time"] for one in until) == times[:2]


def test_ids_leave_out_what_is_missing_or_deleted(ask):
    ask("DELETE", f"{PERSONS}/2")

    assert [one["id"] for one in data(ask("GET", PERSONS, ids="3,2,1,99"))] == [1, 3]


BAD_QUERIES = [
    ({"nix": 1}, "nix: Parameter 'nix' is not allowed for this request"),
    ({"limit": 501}, "limit: The value must be between 1 and 500"),
    ({"limit": 0}, "limit: The value must be between 1 and 500"),
    ({"limit": "ten"}, "limit: The value is not a valid 'integer'"),
    ({"sort_by": "name"}, "sort_by: The value must be one of: id, update_time, add_time"),
    ({"sort_direction": "up"}, "sort_direction: The value must be one of: asc, desc"),
    ({"updated_since": "2026-01-01T00:00:00.5Z"}, "updated_since: The value is not a valid 'datetime'"),
    ({"updated_since": "2026-01-01T00:00:00.000Z"}, "updated_since: The value is not a valid 'datetime'"),
    ({"updated_since": "2026-01-01"}, "updated_since: The value is not a valid 'datetime'"),
    ({"ids": "1,x"}, "ids: The value is not a valid list of ids"),
    ({"ids": ",".join(["1"] * 101)}, "ids: A maximum of 100 values is allowed"),
    ({"cursor": "nonsense"}, "cursor: Invalid cursor"),
    ({"owner_id": "me"}, "owner_id: The value is not a valid 'integer'"),
    ({"include_fields": "custom_fields"}, "include_fields: Value 'custom_fields' is not allowed"),
    ({"custom_fields": ",".join("abcdefghijklmnop")}, "custom_fields: A maximum of 15 values is allowed"),
    ({"include_labels": "1"}, "include_labels: The value is not a valid 'boolean'"),
]


@pytest.mark.parametrize(("query", "complaint"), BAD_QUERIES, ids=str)
def test_a_bad_query_is_refused_by_name(ask, query, complaint):
    assert error(ask("GET", PERSONS, **query)) == f"Validation failed: {complaint}"


def test_a_limit_above_the_maximum_can_be_cut_instead(ask, state):
    state.switches.set("limit_over_maximum", "cut")

    assert ask("GET", PERSONS, limit=5000).status == 200


def test_a_cursor_of_another_sorting_is_refused(ask):
    cursor = ask("GET", PERSONS, limit=1).body["additional_data"]["next_cursor"]

    assert ask("GET", PERSONS, cursor=cursor, sort_by="update_time").status == 400


def test_a_record_that_does_not_exist_is_404_with_the_documented_body(ask):
    answer = ask("GET", f"{PERSONS}/999")

    assert answer.status == 404
    assert answer.body == {
        "success": False,
        "error": "Entity was not found",
        "error_info": "Object was not found.",
        "data": None,
        "additional_data": None,
    }


def test_filters_narrow_the_list(ask):
    organization = data(ask("POST", "/api/v2/organizations", {"name": "Here"}))["id"]
    person = data(ask("POST", PERSONS, {"name": "Ann", "org_id": organization, "owner_id": 2}))["id"]
    deal = data(ask("POST", "/api/v2/deals", {"title": "D", "person_id": person}))["id"]

    for query in ({"org_id": organization}, {"deal_id": deal}):
        assert [one["id"] for one in data(ask("GET", PERSONS, **query))] == [person]
    assert person in [one["id"] for one in data(ask("GET", PERSONS, owner_id=2))]


def test_a_saved_filter_switches_the_other_filters_off(ask):
    ask("PATCH", f"{PERSONS}/1", {"name": "Zed Unique"})
    field = next(one for one in data(ask("GET", "/v1/personFields")) if one["key"] == "name")
    group = {
        "glue": "and",
        "conditions": [{"field_id": str(field["id"]), "operator": "=", "value": "Zed Unique"}],
    }
    body = {"name": "F", "type": "people", "conditions": {"glue": "and", "conditions": [group]}}
    number = data(ask("POST", "/v1/filters", body))["id"]

    assert [one["id"] for one in data(ask("GET", PERSONS, filter_id=number, owner_id=99, ids="3"))] == [1]
    assert ask("GET", "/api/v2/deals", filter_id=number).status == 404


@pytest.mark.parametrize("sort_by", ["id", "update_time", "add_time"])
@pytest.mark.parametrize("kind", ["person", "organization", "deal", "activity"])
def test_no_page_of_a_list_sorts_the_whole_table(state, account, kind, sort_by):
    seen: list[str] = []
    state.database.connection.set_trace_callback(seen.append)
    account.records(kind).page(account.id, [LIVE], Order(sort_by))
    state.database.connection.set_trace_callback(None)

    plan = state.database.execute(f"EXPLAIN QUERY PLAN {seen[-1]}").fetchall()

    assert not [row for row in plan if "TEMP B-TREE" in row[3]], plan


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", ["id", "update_time", "add_time"])
def test_a_page_far_down_a_list_costs_no_more_than_the_second(by, descending):
    database = Database(":memory:")
    records = Records(database, KINDS["person"])
    records.save_many(1, (stage(number, f"2026-01-01T{number:06}") for number in range(1, 10_001)))
    window = ("update_time >= ?", (TIMES[0][:11],))
    steps: list[int] = []

    cursor = None
    while not steps or cursor is not None:
        steps.append(0)
        database.connection.set_progress_handler(lambda: _count_step(steps), 100)
        order = Order(by, descending=descending, cursor=cursor, limit=500)
        _, cursor = records.page(1, [LIVE, window], order)
        database.connection.set_progress_handler(None, 0)
    database.close()

    assert len(steps) == 20
    assert max(steps[1:]) <= 1.5 * steps[1], steps


def _count_step(steps: list[int]) -> None:
    steps[-1] += 1


def test_a_cursor_that_is_no_marker_raises_the_clients_error():
    database = Database(":memory:")
    records = Records(database, KINDS["stage"])

    for cursor in ("", "e30", "bnVsbA", "eyJpZCI6LTF9"):
        with pytest.raises(ApiError):
            records.page(1, [], Order(cursor=cursor))
    database.close()
