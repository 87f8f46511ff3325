"""Whatever is wrong with a call, the answer is problem details that say what."""

from tests.integration.api.conftest import Caller, CallerFor, make_connection
from tidegate.store.models import ApiKey, Connection, Workspace


def test_an_unknown_path_is_not_found(alice: Caller) -> None:
    assert alice.problem(404, "GET", "/nothing")["type"] == "urn:tidegate:problem:not-found"
    alice.problem(404, "GET", "/connections/")


def test_a_wrong_method_is_told_which_ones_are_right(alice: Caller) -> None:
    answer = alice.call("DELETE", "/connections")

    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert "GET" in answer["Allow"]


def test_without_a_key_nothing_is_told(client, db) -> None:
    nobody = Caller(None, client)

    answer = nobody.call("GET", "/connections")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    nobody.problem(401, "GET", "/connections", Authorization="Basic YTpi")
    nobody.problem(401, "GET", "/connections", Authorization="Bearer")
    nobody.problem(401, "GET", "/connections", Authorization="Bearer tg_made-up")


def test_a_missing_scope_is_named(workspace: Workspace, caller_for: CallerFor) -> None:
    answer = caller_for(workspace, ["events:write"]).problem(403, "GET", "/connections")

    assert answer["missing_scope"] == "read"
    assert "read" in answer["detail"]


def test_an_id_of_another_workspace_or_of_a_wrong_form_is_not_found(
    alice: Caller, charlie: Caller, connection: Connection
) -> None:
    assert alice.ok("GET", f"/connections/{connection.pk}")["id"] == str(connection.pk)
    charlie.problem(404, "GET", f"/connections/{connection.pk}")
    alice.problem(404, "GET", "/connections/7")


def test_unknown_query_parameters_are_refused(alice: Caller) -> None:
    found = alice.problem(422, "GET", "/connections?limt=3&stauts=a")

    assert set(found["errors"]) == {"limt", "stauts"}


def test_lists_come_in_pages(alice: Caller, workspace: Workspace) -> None:
    made = [str(make_connection(workspace, str(number)).pk) for number in range(5)]

    seen, cursor = [], ""
    while cursor is not None:
        page = alice.ok("GET", f"/connections?limit=2{cursor and '&cursor=' + cursor}")
        seen += [item["id"] for item in page["data"]]
        cursor = page["next_cursor"]

    assert seen == made
    for wrong in ("limit=0", "limit=501", "limit=many", "cursor=x", "cursor=W10"):
        alice.problem(422, "GET", f"/connections?{wrong}")
