"""The sandbox against Pipedrive's official OpenAPI documents: one session that makes every call, checked both ways.

Skipped, with a word, where the documents are not at hand.
"""

import asyncio
from collections import Counter

import pytest

from pipedrive_sandbox.call import Route
from pipedrive_sandbox.routes import table
from tests.contract.answer_schemas import TOLERATED, Deviation, deviations, tolerance
from tests.contract.sandbox_session import Session, recorded_session, template_of
from tests.openapi import OfficialDocuments, official_documents

ROUTES = {(route.method, f"/{route.version}{route.path}"): route for route in table()}
SCOPES_BEYOND_THE_DOCUMENTS = {
    "webhooks:read": "opens the webhook calls by the changelog of 2024-01-26; the documents have not followed",
    "webhooks:full": "opens the webhook calls by the changelog of 2024-01-26; the documents have not followed",
}


@pytest.fixture(scope="module")
def documents() -> OfficialDocuments:
    return official_documents()


@pytest.fixture(scope="module")
def session(documents: OfficialDocuments) -> Session:
    return asyncio.run(recorded_session())


@pytest.fixture(scope="module")
def found(documents: OfficialDocuments, session: Session) -> set[Deviation]:
    result: set[Deviation] = set()
    for exchange in session.exchanges:
        operation = documents.operation(exchange.method, exchange.path)
        if operation is not None and exchange.status < 300:
            call = f"{exchange.method} {template(exchange.method, exchange.path)}"
            result.update(deviations(call, operation, exchange.status, exchange.body))
    return result


def template(method: str, path: str) -> str:
    found = template_of(path, list(ROUTES), method)
    assert found is not None, path
    return found


@pytest.mark.parametrize(("name", "route"), ROUTES.items(), ids=lambda value: "" if isinstance(value, Route) else " ".join(value))  # fmt: skip
def test_every_call_we_claim_is_documented_with_that_price_and_those_scopes(documents, name, route):
    operation = documents.operation(*name)
    assert operation is not None
    assert route.cost == operation.tokens
    assert set(route.scopes) - SCOPES_BEYOND_THE_DOCUMENTS.keys() <= operation.scopes
    assert operation.scopes <= set(route.scopes)


def test_every_call_we_claim_was_made_and_answered(session):
    made = {
        (each.method, template(each.method, each.path)) for each in session.exchanges if each.status < 300
    }
    assert set(ROUTES) - made == set()


def test_every_answer_has_the_documented_keys_and_types(found):
    assert sorted(str(each) for each in found if tolerance(each) is None) == []


def test_every_tolerance_is_needed(found):
    used = {tolerance(each) for each in found}
    assert [each for each in TOLERATED if each not in used] == []


def test_every_request_that_was_taken_is_as_documented(documents, session):
    problems = {
        f"{each.method} {each.path}: {problem}"
        for each in session.exchanges
        if each.status < 300
        for problem in documents.problems(each.request)
    }
    assert problems == set()


def test_the_check_finds_what_is_wrong_in_an_answer(documents):
    operation = documents.operation("DELETE", "/v2/persons/1")
    assert operation is not None
    told = [str(each) for each in deviations("DELETE", operation, 200, {"success": "yes", "data": {"no": 1}})]
    assert told == [
        "DELETE | success | string, not boolean",
        "DELETE | data.no | is not listed",
        "DELETE | data.id | is missing",
    ]
    assert [each.complaint for each in deviations("DELETE", operation, 299, {})] == ["299 is not documented"]


def test_the_counters_agree_with_the_price_list(documents, session):
    requests: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for each in session.exchanges:
        operation = documents.operation(each.method, each.path)
        assert operation is not None
        endpoint = f"{each.method} {template(each.method, each.path)}"
        requests[endpoint] += 1
        tokens[endpoint] += operation.tokens
    counted = session.counters["endpoints"]
    assert {name: count["requests"] for name, count in counted.items()} == requests
    assert {name: count["tokens"] for name, count in counted.items()} == tokens
    assert session.counters["total"]["tokens"] == tokens.total()
    assert session.counters["total"]["requests"] == len(session.exchanges)
