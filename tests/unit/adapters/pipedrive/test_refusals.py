"""What each refusal means, one row a case."""

import json
from typing import Any

import pytest

from tidegate.adapters.http import Answer
from tidegate.adapters.pipedrive import prices
from tidegate.adapters.pipedrive.prices import Endpoint
from tidegate.adapters.pipedrive.refusals import Asked, burst_pause, refusal
from tidegate.core.catalogue import Field
from tidegate.core.values import Kind
from tidegate.errors import (
    AuthorizationLost,
    BudgetSpent,
    InvalidForRemote,
    MappingBroken,
    NeedsAttention,
    PermissionMissing,
    RateLimited,
    RecordGone,
    RecordRejected,
    RemoteUnavailable,
)

CODE = "2" * 40
OTHER_CODE = "3" * 40
FIELDS = (Field(CODE, "Lead source", Kind.OPTION, custom=True),)
JSON = {"content-type": "application/json"}


def answer(status: int, body: object, **headers: str) -> Answer:
    return Answer(
        status,
        JSON | {name.replace("_", "-"): text for name, text in headers.items()},
        json.dumps(body).encode(),
    )


def meaning(status: int, body: object, endpoint: Endpoint = prices.UPDATE_PERSON, **headers: str):
    return refused(answer(status, body, **headers), endpoint, "person 42 “Ada”")


def refused(told: Answer, endpoint: Endpoint, about: str = "it"):
    return refusal(told, told.json(), Asked(endpoint, about, FIELDS))


def failure(text: str, **more) -> dict[str, Any]:
    return {"success": False, "error": text, "error_info": "", "data": None, "additional_data": None} | more


@pytest.mark.parametrize("status", [200, 201])
def test_an_answer_is_no_refusal(status):
    assert meaning(status, {"success": True, "data": {"id": 1}}) is None


def test_an_answer_that_says_no_under_a_good_status_is_a_refusal():
    error = meaning(200, failure("Something is off."))
    assert isinstance(error, InvalidForRemote)
    assert "Something is off" in str(error)


def test_an_answer_that_is_not_json_is_no_answer():
    error = refused(Answer(200, {"content-type": "text/html"}, b"<html>"), prices.CREATE_PERSON)
    assert isinstance(error, RemoteUnavailable)
    assert error.sent


KINDS = [
    (
        400,
        failure("Validation failed: name: Required", code="ERR_SCHEMA_VALIDATION_FAILED"),
        InvalidForRemote,
    ),
    (401, failure("unauthorized access", errorCode=401), AuthorizationLost),
    (402, failure("Payment required"), NeedsAttention),
    (403, failure("Scope and URL mismatch", errorCode=403), PermissionMissing),
    (403, failure("You do not have permissions to do this."), InvalidForRemote),
    (403, failure("Deals limit reached", code="feature_capping_deals_limit"), InvalidForRemote),
    (404, failure("Entity was not found", error_info="Object was not found."), RecordGone),
    (405, failure("Method not allowed"), InvalidForRemote),
    (410, failure("Gone"), RecordGone),
    (415, failure("Feature not enabled"), InvalidForRemote),
    (422, failure("Unprocessable"), InvalidForRemote),
    (429, failure("Request over limit", errorCode=429), RateLimited),
    (500, failure("Internal Server Error", code="ERR_UNKNOWN"), RemoteUnavailable),
    (501, None, RemoteUnavailable),
    (503, None, RemoteUnavailable),
]


@pytest.mark.parametrize(("status", "body", "error"), KINDS)
def test_each_refusal_says_what_happens_next(status, body, error):
    assert type(meaning(status, body)) is error


@pytest.mark.parametrize(("status", "body", "error"), KINDS)
def test_refusals_of_one_record_name_it(status, body, error):
    found = meaning(status, body)
    if isinstance(found, InvalidForRemote | RecordGone):
        assert "person 42 “Ada”" in str(found)


@pytest.mark.parametrize(
    "body", [failure("oops"), {"errors": {"name": ["too long", "too odd"]}}, {"message": "oops"}, None, "x"]
)
def test_pipedrives_words_are_found_in_every_shape(body):
    error = meaning(400, body)
    assert isinstance(error, InvalidForRemote)
    if isinstance(body, dict):
        assert "oops" in str(error) or "name: too long, too odd" in str(error)


def test_a_custom_field_is_named_as_people_know_it():
    error = meaning(
        400,
        failure(f"Validation failed: custom_fields.{CODE}: Expected 'number' as value for enum custom field"),
    )
    assert isinstance(error, InvalidForRemote)
    assert "“Lead source”: Expected 'number'" in str(error)
    assert CODE not in str(error)
    assert error.facts["field"] == CODE


def test_a_system_field_is_named_in_plain_words():
    error = meaning(400, failure("Validation failed: owner_id: User does not exist"))
    assert "owner: User does not exist" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        f"Validation failed: custom_fields: Unknown key '{CODE}'",
        f"Validation failed: custom_fields.{CODE}: Parameter '{CODE}' is not allowed for this request",
    ],
)
def test_a_field_that_pipedrive_no_longer_has_breaks_the_mapping(text):
    error = meaning(400, failure(text))
    assert isinstance(error, MappingBroken)
    assert error.facts["field"] == CODE
    assert str(error).startswith(
        "“Lead source” is no longer a field of Pipedrive: person 42 “Ada” was not written."
    )


@pytest.mark.parametrize("text", [f"Unknown key '{OTHER_CODE}'", f"custom_fields.{OTHER_CODE}: is too long"])
def test_a_field_that_nobody_knows_the_name_of_is_not_called_by_its_key(text):
    error = meaning(400, failure(f"Validation failed: {text}"))
    assert "custom field" in str(error)
    assert OTHER_CODE not in str(error)
    assert error.facts["field"] == OTHER_CODE


@pytest.mark.parametrize(
    ("endpoint", "scope"),
    [
        (prices.CREATE_PERSON, "contacts:full"),
        (prices.USERS, "users:read"),
        (prices.CREATE_WEBHOOK, "webhooks:full"),
    ],
)
def test_a_missing_scope_is_named(endpoint, scope):
    error = meaning(403, failure("Scope and URL mismatch"), endpoint)
    assert isinstance(error, PermissionMissing)
    assert scope in str(error)
    assert error.facts["scope"] == scope


@pytest.mark.parametrize(
    "endpoint", [prices.CREATE_PERSON, prices.CREATE_ORGANIZATION, prices.WEBHOOKS, prices.USERS]
)
def test_what_the_user_may_do_for_no_record_needs_a_person(endpoint):
    assert isinstance(meaning(403, {"success": False, "message": "Forbidden"}, endpoint), PermissionMissing)


def test_too_many_webhooks_stop_nothing_but_that_webhook():
    error = meaning(422, failure("Webhooks limit reached"), prices.CREATE_WEBHOOK)
    assert type(error) is RecordRejected
    assert "40 webhooks" in str(error)


def test_a_page_from_the_edge_stops_everything_for_minutes():
    error = refused(Answer(403, {"content-type": "text/html"}, b"<html>blocked</html>"), prices.PERSON)
    assert isinstance(error, RateLimited)
    assert error.retry_after is not None
    assert error.retry_after >= 300


def test_a_spent_day_is_told_from_a_full_window():
    spent = meaning(429, failure("Request over limit"), x_daily_ratelimit_token_remaining="0")
    full = meaning(
        429, failure("Request over limit"), x_daily_ratelimit_token_remaining="12", x_ratelimit_reset="2"
    )
    assert isinstance(spent, BudgetSpent)
    assert isinstance(full, RateLimited)
    assert full.retry_after == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 2),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "7", "x-ratelimit-reset": "3"}, 7),
        ({"x-ratelimit-reset": "3"}, 3),
        ({"x-ratelimit-reset": "0"}, 2),
        ({"x-ratelimit-reset": "1767225600"}, 60),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 2),
    ],
)
def test_the_pause_after_a_full_window_lies_between_two_seconds_and_a_minute(headers, seconds):
    assert burst_pause(headers) == seconds


def test_a_server_that_says_when_is_believed():
    error = meaning(503, None, retry_after="120")
    assert isinstance(error, RemoteUnavailable)
    assert error.retry_after == 120
