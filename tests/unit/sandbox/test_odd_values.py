"""Values that no client of good will sends are refused with words; none of them breaks the sandbox."""

import base64
import json

import pytest

from tests.unit.sandbox.conftest import data, error

ENDLESS = "9" * 4_600
"""More digits than Python reads, and still within the longest line of HTTP."""


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", f"/api/v2/persons/{ENDLESS}"),
        ("DELETE", f"/api/v2/deals/{ENDLESS}"),
        ("GET", f"/v1/users/{ENDLESS}"),
        ("GET", f"/v1/notes/{ENDLESS}"),
    ],
)
def test_an_id_without_end_is_no_integer(ask, method, address):
    assert error(ask(method, address)) == "Validation failed: id: The value is not a valid 'integer'"


def test_a_webhook_with_an_id_without_end_is_not_found(ask):
    assert ask("DELETE", f"/v1/webhooks/{ENDLESS}").body["errors"] == {"id": ["not found"]}


@pytest.mark.parametrize("number", [2**53, -(2**63), 2**64 - 1])
@pytest.mark.parametrize(
    ("method", "address", "key"),
    [
        ("PUT", "/v1/persons/1/merge", "merge_with_id"),
        ("POST", "/v1/notes", "user_id"),
        ("POST", "/v1/leads", "person_id"),
    ],
)
def test_a_number_beyond_what_javascript_holds_is_refused_in_v1(ask, method, address, key, number):
    body = {"content": "x", "title": "T", "person_id": 1, key: number}

    assert error(ask(method, address, body)) == f"{key} is invalid"


def test_a_note_of_nobody_is_refused(ask):
    assert (
        error(ask("POST", "/v1/notes", {"content": "x", "person_id": 1, "user_id": 99})) == "User not found."
    )


@pytest.mark.parametrize("value", [{"a": 1}, [1], 2**63, -(2**63), "9" * 30, f"{'9' * 400}.0"])
def test_a_condition_compares_with_a_text_or_a_number_of_ordinary_size(ask, value):
    item = {"object": "person", "field_id": "owner_id", "operator": "=", "value": value}
    conditions = {"glue": "and", "conditions": [{"glue": "and", "conditions": [item]}]}

    answer = ask("POST", "/v1/filters", {"name": "F", "type": "people", "conditions": conditions})

    assert error(answer) == "The value of a condition is a text or a number."


@pytest.mark.parametrize("place", [2**63, -(2**63), 1.5, None, [], {}])
@pytest.mark.parametrize("order", ["id", "update_time"])
def test_a_cursor_made_up_by_hand_is_refused(ask, order, place):
    marker = {"field": order, "fieldValue": place, "sortDirection": "asc", "id": 1}
    cursor = base64.urlsafe_b64encode(json.dumps(marker).encode()).decode()

    answer = ask("GET", "/api/v2/persons", sort_by=order, cursor=cursor)

    assert error(answer) == "Validation failed: cursor: Invalid cursor"


def test_a_search_for_what_no_text_holds_is_refused_and_finds_nobody(ask):
    assert error(ask("GET", "/api/v2/persons/search", term="\0\0")).startswith("Validation failed: term")


def test_a_new_person_has_a_name_or_both_halves_of_one_unless_the_switch_says_otherwise(ask, state):
    assert error(ask("POST", "/api/v2/persons", {"first_name": "Ann"})) == "Name must be given."
    assert error(ask("POST", "/api/v2/persons", {"last_name": "Bee"})) == "Name must be given."

    state.switches.set("half_names", "accept")

    assert data(ask("POST", "/api/v2/persons", {"first_name": "Ann"}))["name"] == "Ann"
