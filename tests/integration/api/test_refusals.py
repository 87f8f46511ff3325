"""Whatever is wrong with a call, the answer is problem details that say what, and nothing was done."""

import inspect
import logging
from typing import Any

import pytest
from django.test import Client

from tests.integration.api.conftest import Caller, make_connection
from tests.integration.api.fake_actions import FakeActions
from tidegate import errors
from tidegate.api.problems import status_of
from tidegate.store.models import Connection, Workspace

TREE = [
    found
    for found in vars(errors).values()
    if inspect.isclass(found) and issubclass(found, errors.TidegateError)
]


@pytest.fixture
def path(connection: Connection) -> str:
    return f"/connections/{connection.pk}"


def test_an_unknown_path_is_not_found(alice: Caller) -> None:
    assert alice.problem(404, "GET", "/nothing")["type"] == "urn:tidegate:problem:not-found"
    alice.problem(404, "GET", "/connections/")
    assert alice.call("GET", "/").headers["Location"] == "/api/v1/docs"
    alice.problem(404, "POST", "/nothing", {})


def test_a_wrong_method_is_told_which_ones_are_right(alice: Caller, path: str) -> None:
    answer = alice.call("PUT", path)

    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Allow"] == "DELETE, GET, PATCH"
    alice.problem(405, "POST", "/openapi.json", {})


def test_head_is_a_get_without_a_body(alice: Caller, path: str) -> None:
    answer = alice.call("HEAD", path)

    assert answer.status_code == 200
    assert answer.content == b""
    assert alice.call("HEAD", "/connections/7").status_code == 404


@pytest.mark.parametrize(
    "header", [None, "Basic YTpi", "Bearer", "Bearer ", "Bearer tg_made-up", "tg_made-up", "Bearer \u00e9"]
)
def test_without_a_valid_key_nothing_is_told(db: None, client: Client, header: str | None) -> None:
    nobody = Caller(None, client)

    answer = nobody.call("GET", "/connections", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused(alice: Caller, workspace: Workspace) -> None:
    alice.ok("GET", "/connections")

    workspace.api_keys.update(revoked_at="2026-01-01T00:00:00Z")

    alice.problem(401, "GET", "/connections")


def test_an_id_of_a_wrong_form_is_not_found(alice: Caller) -> None:
    alice.problem(404, "GET", "/connections/7")
    alice.problem(404, "POST", "/attention/x/retry")
    alice.problem(404, "POST", f"/attention/{10**30}/retry")


@pytest.mark.parametrize(
    "body", [b"{", b"{'a': 1}", b'{"a": NaN}', b"\xff", b'{"a": "\\ud800"}', b'{"a": "\\u0000"}']
)
def test_a_body_that_is_not_json_is_refused(alice: Caller, path: str, body: bytes) -> None:
    found = alice.problem(400, "PATCH", path, body)

    assert found["type"] == "urn:tidegate:problem:malformed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        ([], "body"),
        ("text", "body"),
        ({"colour": "red"}, "colour"),
        ({"id": "1"}, "id"),
        ({"direction": "sideways"}, "direction"),
        ({"direction": None}, "direction"),
        ({"only_with_email": "yes"}, "only_with_email"),
        ({"only_with_email": 1}, "only_with_email"),
        ({"owner_id": 7}, "owner_id"),
        ({"owner_id": ""}, "owner_id"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"mappings": None}, "mappings"),
        ({"mappings": {}}, "mappings"),
        ({"mappings": [{"outreach": "age"}]}, "mappings.0.pipedrive"),
        ({"mappings": [{"outreach": "age", "pipedrive": "years", "note": ""}]}, "mappings.0.note"),
        ({"constants": [{"side": "left", "field": "a", "value": "b"}]}, "constants.0.side"),
        ({"sync_from_lists": ["1", 2]}, "sync_from_lists.1"),
    ],
)
def test_values_and_fields_at_fault_are_named(
    alice: Caller, actions: FakeActions, path: str, body: Any, field: str
) -> None:
    found = alice.problem(422, "PATCH", path, body)

    assert list(found["errors"]) == [field]
    assert all(found["errors"][field])
    assert field in found["detail"]
    assert actions.calls == []


def test_faults_the_actions_find_are_named_by_their_place(
    alice: Caller, actions: FakeActions, path: str
) -> None:
    actions.raises = errors.Invalid(errors={"mappings.4": ["These hold different types of data."]})

    found = alice.problem(422, "PATCH", path, {"only_with_email": False})

    assert found["errors"] == {"mappings.4": ["These hold different types of data."]}


def test_unknown_query_parameters_are_refused(alice: Caller, path: str) -> None:
    found = alice.problem(422, "GET", "/connections?limt=3&stauts=a")

    assert set(found["errors"]) == {"limt", "stauts"}
    assert set(alice.problem(422, "GET", f"{path}?verbose=1")["errors"]) == {"verbose"}


def test_a_query_parameter_is_given_once(alice: Caller) -> None:
    assert set(alice.problem(422, "GET", "/connections?limit=3&limit=4")["errors"]) == {"limit"}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=many", "cursor=x", "cursor=W10", "cursor=%00"]
)
def test_a_page_that_cannot_be_is_refused(alice: Caller, query: str) -> None:
    name, _, _ = query.partition("=")

    assert list(alice.problem(422, "GET", f"/connections?{query}")["errors"]) == [name]


def test_lists_come_in_pages_without_gaps_or_doubles(alice: Caller, workspace: Workspace) -> None:
    made = [str(make_connection(workspace, str(number)).pk) for number in range(5)]
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = alice.ok("GET", f"/connections?limit=2{cursor and '&cursor=' + cursor}")
        seen += [item["id"] for item in page["data"]]
        cursor = page["next_cursor"]

    assert seen == made


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_becomes_a_problem_of_its_own_type(
    alice: Caller, actions: FakeActions, path: str, kind: type[errors.TidegateError]
) -> None:
    actions.raises = kind()

    found = alice.problem(status_of(kind), "GET", f"{path}/problems")

    assert found["type"].removeprefix("urn:tidegate:problem:").replace("-", "") == kind.__name__.lower()
    assert found["detail"] == kind().user_message


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.NotFound, 404),
        (errors.Conflict, 409),
        (errors.Invalid, 422),
        (errors.AuthorizationLost, 409),
        (errors.MappingBroken, 409),
        (errors.BudgetSpent, 503),
        (errors.RemoteUnavailable, 503),
        (errors.RecordGone, 422),
    ],
)
def test_errors_are_sorted_by_what_the_caller_does_next(
    kind: type[errors.TidegateError], status: int
) -> None:
    assert status_of(kind) == status


@pytest.mark.parametrize(("wait", "told"), [(None, "5"), (0.2, "1"), (90.0, "90")])
def test_what_passes_by_itself_says_when_to_try_again(
    alice: Caller, actions: FakeActions, path: str, wait: float | None, told: str
) -> None:
    actions.raises = errors.RateLimited(retry_after=wait)

    answer = alice.call("POST", f"{path}/refresh")

    assert answer.status_code == 503
    assert answer["Retry-After"] == told


def test_a_fault_of_ours_is_logged_and_tells_no_secrets(
    alice: Caller, actions: FakeActions, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    actions.raises = RuntimeError("password=hunter2")

    with caplog.at_level(logging.ERROR, "tidegate.api"):
        answer = alice.call("GET", f"{path}/problems")

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert b"hunter2" not in answer.content
    assert "hunter2" in caplog.text


def test_no_answer_is_kept_by_a_cache(alice: Caller, path: str) -> None:
    for answer in (alice.call("GET", path), alice.call("GET", "/connections/7"), alice.call("PUT", path)):
        assert answer["Cache-Control"] == "no-store"


def test_a_body_beyond_the_limit_is_refused(alice: Caller, path: str, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    alice.problem(413, "PATCH", path, {"owner_id": "1" * 200})
