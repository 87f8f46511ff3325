"""What we send to Pipedrive, and what we think it costs, against Pipedrive's official OpenAPI documents."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import httpx2
import pytest

from tests.openapi import TOLERATED, OfficialDocuments, official_documents
from tests.payloads import payload
from tests.scripted_pipedrive import ScriptedPipedrive, no, ok
from tidegate.adapters.pipedrive import prices
from tidegate.adapters.pipedrive.prices import Endpoint
from tidegate.adapters.pipedrive.webhooks import wanted_webhooks
from tidegate.core.catalogue import Field
from tidegate.core.deals import NewActivity
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, PHONE, Record
from tidegate.core.values import Kind, Money, TimeOfDay, Value
from tidegate.ports import UNCHANGED, Crm

ENDPOINTS = {name: thing for name, thing in vars(prices).items() if isinstance(thing, Endpoint)}
EVERYTHING: dict[str, Value] = {
    FIRST_NAME: "Ada",
    LAST_NAME: "Lovelace",
    EMAIL: ("ada@engine.example", "ada@home.example"),
    PHONE: ("+44 20 7946 0000",),
    JOB_TITLE: "Analyst",
    "labels": ("Customer",),
    "1" * 40: "First of her kind",
    "2" * 40: "Outbound",
    "3" * 40: ("Looms", "Numbers"),
    "4" * 40: Money(Decimal("12.5"), "GBP"),
    "5" * 40: TimeOfDay(time(9), "Europe/London"),
}
TWELVE = [str(number) for number in range(1, 13)]
"""So many that a list is cheaper than single reads."""
NOTHING: dict[str, Value] = dict.fromkeys(EVERYTHING) | {EMAIL: ("ada@engine.example",)}


@pytest.fixture(scope="module")
def documents() -> OfficialDocuments:
    return official_documents()


@pytest.fixture(params=ENDPOINTS)
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    return ENDPOINTS[request.param]


def test_every_price_is_the_documented_one(documents, endpoint):
    operation = documents.operation(endpoint.method, endpoint.path)
    assert operation is not None
    assert endpoint.tokens == operation.tokens


def test_every_scope_we_name_opens_the_call(documents, endpoint):
    operation = documents.operation(endpoint.method, endpoint.path)
    assert operation is not None
    # webhooks:full opens the webhook calls by the changelog of 2024-01-26; the document has not followed.
    assert set(endpoint.scopes) - {"webhooks:full"} <= operation.scopes


async def call_everything(crm: Crm) -> None:
    await crm.who_am_i()
    await crm.read_catalogue()
    persons = await crm.get_persons(TWELVE)
    await crm.get_persons(["42"])
    await crm.walk_persons()
    await crm.walk_persons(cursor="5:abc")
    await crm.walk_persons(updated_since=datetime(2026, 1, 1, tzinfo=UTC))
    await crm.walk_persons(filter_id="5")
    await crm.in_filter("5", [seen for seen in persons.values() if isinstance(seen, Record)])
    await crm.create_field("Colour", Kind.OPTION, ["Red"])
    await crm.add_options(Field("9" * 40, "Colour", Kind.OPTION, custom=True), ["Blue"])
    await crm.create_person(EVERYTHING, owner_id="7", organization_id="9")
    await crm.create_person({FIRST_NAME: "Ada"}, owner_id=None, organization_id=None)
    seen = persons["1"]
    assert isinstance(seen, Record)
    for organization_id in ("9", None, UNCHANGED):
        for values in (EVERYTHING, NOTHING, {FIRST_NAME: None, LAST_NAME: None}):
            await crm.update_person("42", values, seen=seen, organization_id=organization_id)
    await crm.remove_person("42")
    await crm.attachments("person", ["42"])
    await crm.attachments("organization", ["9"])
    await crm.marketing_status("42")
    await crm.unsubscribe("42")
    await crm.get_organizations(TWELVE)
    await crm.get_organizations(["9"])
    await crm.walk_organizations()
    await crm.walk_organizations(updated_since=datetime(2026, 1, 1, tzinfo=UTC))
    await crm.create_organization("Engine Ltd", owner_id="7")
    await crm.remove_organization("9")
    await call_everything_about_sales(crm)
    await crm.list_webhooks()
    for request in wanted_webhooks("https://tidegate.example/hooks/pipedrive/abc", "tidegate", "s3cret"):
        await crm.create_webhook(request)
    await crm.delete_webhook("1")


async def call_everything_about_sales(crm: Crm) -> None:
    await crm.open_deals(["42"])
    await crm.open_deals(TWELVE, known={"1": "3"})
    await crm.get_deals(TWELVE)
    await crm.get_deals(["3"])
    await crm.deals_since(datetime(2026, 1, 1, tzinfo=UTC))
    for owner_id, organization_id in ((None, None), ("7", "9")):
        await crm.create_deal(
            "Looms",
            person_id="42",
            pipeline_id="1",
            stage_id="2",
            owner_id=owner_id,
            organization_id=organization_id,
        )
    await crm.move_deal("3", "2")
    least = NewActivity("Call", "42", done=False, due_date=date(2026, 1, 1))
    await crm.create_activity(least)
    await crm.create_activity(
        replace(
            least, done=True, email=True, due_time="09:30", owner_id="7", deal_id="3", note="<p>Hello</p>"
        )
    )
    await crm.update_activity("8", subject="Call", note="<p>Hello</p>")
    await crm.update_activity("8", subject="Call", note="", deal_id="3")
    await crm.activities_since(datetime(2026, 1, 1, tzinfo=UTC))


def generous_server() -> ScriptedPipedrive:
    server = ScriptedPipedrive()
    person = payload("pipedrive/person")["data"]
    organization = {"id": 9, "name": "Engine Ltd", "is_deleted": False}
    webhooks = payload("pipedrive/webhooks")
    server.answers("GET", "/api/v2/persons", ok([person | {"id": 1}]))
    field = {"field_code": "9" * 40, "field_name": "Colour", "field_type": "enum", "is_custom_field": True}
    server.answers("POST", "/api/v2/personFields", ok(field))
    server.answers("POST", f"/api/v2/personFields/{'9' * 40}/options", ok([{"id": 2, "label": "Blue"}]))
    for method, path in [("GET", "/42"), ("PATCH", "/42"), ("POST", ""), ("DELETE", "/42")]:
        server.answers(method, f"/api/v2/persons{path}", ok(person))
    for left_out in TWELVE[1:]:
        server.answers("GET", f"/api/v2/persons/{left_out}", no(404, "Person not found"))
    server.answers("GET", "/api/v2/organizations", ok([organization]))
    server.answers("GET", "/api/v2/organizations/9", ok(organization))
    server.answers("POST", "/api/v2/organizations", ok(organization))
    server.answers("DELETE", "/api/v2/organizations/9", ok({"id": 9}))
    deal = {"id": 3, "title": "Looms", "status": "open", "person_id": 42, "pipeline_id": 1, "stage_id": 2}
    activity = {"id": 8, "subject": "Call", "participants": [{"person_id": 42, "primary": True}]}
    for path, one in [("/api/v2/deals", deal), ("/api/v2/activities", activity)]:
        server.answers("GET", path, ok([one]))
        server.answers("POST", path, ok(one))
        for method in ("GET", "PATCH"):
            server.answers(method, f"{path}/{one['id']}", ok(one))
    server.answers("GET", "/api/v1/webhooks", httpx2.Response(200, json=webhooks))
    server.answers(
        "POST", "/api/v1/webhooks", httpx2.Response(201, json=webhooks | {"data": webhooks["data"][0]})
    )
    server.answers("DELETE", "/api/v1/webhooks/1", httpx2.Response(200, json={"success": True}))
    return server


async def test_everything_we_send_is_as_documented(documents):
    server = generous_server()
    await call_everything(server.crm())
    found = {problem for request in server.requests for problem in documents.problems(request)}
    assert found == set()


async def test_every_endpoint_we_name_is_called_by_the_test_above():
    server = generous_server()
    await call_everything(server.crm())
    templates = {(e.method, e.path) for e in ENDPOINTS.values()}
    called = {
        (method, "/".join("{id}" if part.isdigit() else part for part in path.split("/")))
        for method, path in server.calls
    }
    assert called == templates


def bad_requests() -> Iterator[tuple[str, httpx2.Request]]:
    url = "https://acme.example/api/v2/persons"
    yield "unknown key", httpx2.Request("POST", url, json={"nickname": "Ada"})
    yield "wrong type", httpx2.Request("POST", url, json={"owner_id": "7"})
    yield "nested", httpx2.Request("POST", url, json={"emails": [{"value": 5}]})
    yield "unknown parameter", httpx2.Request("GET", url, params={"start": "0"})
    yield "odd parameter", httpx2.Request("GET", url, params={"sort_by": "name"})
    yield "no such path", httpx2.Request("GET", "https://acme.example/api/v2/people")
    yield "a form", httpx2.Request("POST", url, data={"name": "Ada"})
    yield (
        "required",
        httpx2.Request("POST", "https://acme.example/api/v2/organizations", json={"owner_id": 7}),
    )


@pytest.mark.parametrize(
    ("fault", "request_"), list(bad_requests()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_check_finds_what_is_wrong(documents, fault, request_):
    assert documents.problems(request_)


def test_every_tolerated_deviation_is_still_one(documents):
    body = {"first_name": "Ada", "last_name": "Lovelace", "org_id": None}
    url = "https://acme.example/api/v2/persons/42"
    request = httpx2.Request("PATCH", url, json=body)
    assert documents.problems(request) == []
    operation = documents.operation("PATCH", "/api/v2/persons/42")
    assert operation is not None
    listed = operation.document["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert {place for place, _ in TOLERATED} - set(listed) == {"first_name", "last_name"}
    assert "nullable" not in listed["org_id"]
