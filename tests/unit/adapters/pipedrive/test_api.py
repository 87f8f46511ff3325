import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.payloads import payload
from tests.scripted_pipedrive import RenewableToken, ScriptedPipedrive, edge_page, no, ok
from tidegate.core.catalogue import PersonFilter
from tidegate.core.records import EMAIL, FIRST_NAME, LAST_NAME, Gone, Record, Side
from tidegate.errors import (
    AuthorizationLost,
    BudgetSpent,
    InvalidForRemote,
    MappingBroken,
    PermissionMissing,
    RateLimited,
    RecordGone,
    RemoteUnavailable,
)
from tidegate.ports import UNCHANGED, WebhookRequest
from tidegate.services.credentials import PersonalToken

MOTTO = "1" * 40
HOOK = WebhookRequest(
    "https://t.example/hooks/pipedrive/a", "person", "*", "Tidegate: person", "tidegate", "s3cret"
)


def raw_person(number: int = 42, **changes) -> dict[str, Any]:
    raw: dict[str, Any] = payload("pipedrive/person")["data"]
    return raw | {"id": number} | changes


def persons_by_ids(request: httpx2.Request) -> httpx2.Response:
    return ok([raw_person(int(number)) for number in request.url.params["ids"].split(",")])


@pytest.fixture
def server() -> ScriptedPipedrive:
    return ScriptedPipedrive()


def serve_persons(server: ScriptedPipedrive, count: int) -> None:
    server.answers("GET", "/api/v2/persons", persons_by_ids)
    for number in range(1, count + 1):
        server.answers("GET", f"/api/v2/persons/{number}", ok(raw_person(number)))


# --- The account ------------------------------------------------------------------------------------------------------


async def test_who_am_i_costs_two_tokens(server):
    assert (await server.crm().who_am_i()).company_id == "123"
    assert server.tokens() == 2


async def test_the_catalogue_holds_every_page_of_the_fields(server):
    fields = payload("pipedrive/person_fields")["data"]
    server.answers("GET", "/api/v2/personFields", ok(fields[:10], cursor="more"), ok(fields[10:]))
    catalogue = await server.crm().read_catalogue()
    assert catalogue.field("8" * 40) is not None
    assert server.tokens() == 10 + 10 + 20 + 5 + 5 + 20 + 20
    pages = [request.url.params for request in server.requests if request.url.path.endswith("personFields")]
    assert [page.get("cursor") for page in pages] == [None, "more"]
    assert {page["limit"] for page in pages} == {"500"}


async def test_six_hundred_fields_are_all_there(server):
    """Elsewhere the first hundred were read, and the others vanished from the mapping."""
    like = payload("pipedrive/person_fields")["data"][-1]
    fields = [like | {"field_code": f"{n:040}", "field_name": f"Field {n}"} for n in range(600)]
    server.answers("GET", "/api/v2/personFields", ok(fields[:500], cursor="more"), ok(fields[500:]))
    catalogue = await server.crm().read_catalogue()
    assert sum(field.name.startswith("Field ") for field in catalogue.fields) == 600


LISTS = {
    "pipelines": ("/api/v2/pipelines", lambda n: {"id": 100 + n, "name": f"P{n}", "order_nr": n}),
    "stages": (
        "/api/v2/stages",
        lambda n: {"id": 100 + n, "name": f"S{n}", "pipeline_id": 1, "order_nr": n},
    ),
    "deals": (
        "/api/v2/deals",
        lambda n: {"id": n + 1, "status": "open", "person_id": 1, "pipeline_id": 1, "stage_id": 1},
    ),
    "activities": ("/api/v2/activities", lambda n: {"id": n + 1, "subject": f"A{n}"}),
}


@pytest.mark.parametrize("name", LISTS)
async def test_every_list_is_read_past_its_first_page(server, name):
    """Elsewhere a list ended at its first page, or at the ten thousandth record, and so did the sync."""
    path, row = LISTS[name]
    serve_persons(server, 1)
    crm, rows = server.crm(), [row(number) for number in range(1200)]
    server.answers("GET", path, ok(rows[:500], cursor="a"), ok(rows[500:1000], cursor="b"), ok(rows[1000:]))
    match name:
        case "pipelines":
            found = {pipeline.name for pipeline in (await crm.read_catalogue()).pipelines}
        case "stages":
            found = {stage.name for p in (await crm.read_catalogue()).pipelines for stage in p.stages}
        case "deals":
            found = {deal.id for deal in (await crm.open_deals(["1"]))["1"]}
        case _:
            found = {activity.id for activity in await crm.activities_since(datetime(2026, 3, 1, tzinfo=UTC))}
    assert len(found) == 1200


async def test_filters_that_are_off_or_of_the_moment_are_not_offered(server):
    filters = [
        {"id": 5, "name": "Customers", "active_flag": True, "temporary_flag": None},
        {"id": 6, "name": "Deleted", "active_flag": False},
        {"id": 7, "name": "", "active_flag": True, "temporary_flag": True},
    ]
    server.answers("GET", "/api/v1/filters", ok(filters))
    catalogue = await server.crm().read_catalogue()
    assert catalogue.filters == (PersonFilter("5", "Customers"),)
    asked = next(request for request in server.requests if request.url.path.endswith("/filters"))
    assert dict(asked.url.params) == {"type": "people"}


def changed_at(number: int, minute: int) -> dict[str, object]:
    return raw_person(number) | {"update_time": f"2026-03-01T10:{minute:02}:00Z"}


def person_changed_at(number: int, minute: int) -> Record:
    return Record(Side.PIPEDRIVE, str(number), updated_at=datetime(2026, 3, 1, 10, minute, tzinfo=UTC))


async def test_a_filter_is_read_no_further_than_the_persons_asked_about(server):
    crm = await server.ready()
    first = ok([changed_at(1, 30), changed_at(2, 20)], cursor="more")
    server.answers("GET", "/api/v2/persons", first, ok([changed_at(3, 10)]))
    assert await crm.in_filter("5", [person_changed_at(1, 30)]) == {"1"}
    assert await crm.in_filter("5", [person_changed_at(9, 25)]) == frozenset()
    assert server.tokens() == 10 + 10


async def test_a_filter_is_read_to_the_end_where_the_person_changed_long_ago(server):
    crm = await server.ready()
    first = ok([changed_at(1, 30), changed_at(2, 20)], cursor="more")
    server.answers("GET", "/api/v2/persons", first, ok([changed_at(3, 10)]))
    assert await crm.in_filter("5", [person_changed_at(1, 30), person_changed_at(3, 10)]) == {"1", "3"}
    assert [request.url.params.get("cursor") for request in server.requests] == [None, "more"]


async def test_a_catalogue_that_was_given_is_not_read_again(server):
    catalogue = await server.crm().read_catalogue()
    server.requests.clear()
    serve_persons(server, 1)
    await server.crm(catalogue).get_persons(["1"])
    assert server.calls == [("GET", "/api/v2/persons/1")]


async def test_without_a_catalogue_it_is_read_once_though_many_ask(server):
    import asyncio

    serve_persons(server, 2)
    crm = server.crm()
    await asyncio.gather(crm.get_persons(["1"]), crm.get_persons(["2"]))
    assert server.calls.count(("GET", "/api/v2/personFields")) == 1


# --- Reading persons --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "requests", "tokens"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (9, 9, 9),
        (10, 1, 10),
        (11, 1, 10),
        (100, 1, 10),
        (103, 4, 13),
        (110, 2, 20),
        (250, 3, 30),
    ],
)
async def test_persons_are_read_the_cheapest_way(server, count, requests, tokens):
    crm = await server.ready()
    serve_persons(server, count)
    found = await crm.get_persons([str(number) for number in range(1, count + 1)])
    assert len(found) == count
    assert all(isinstance(seen, Record) for seen in found.values())
    assert (len(server.requests), server.tokens()) == (requests, tokens)


async def test_one_that_is_not_returned_is_gone(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons", ok([raw_person(1), raw_person(2, is_deleted=True)]))
    for number in range(3, 13):
        server.answers("GET", f"/api/v2/persons/{number}", no(404, "Entity was not found"))
    found = await crm.get_persons([str(number) for number in range(1, 13)])
    assert isinstance(found["1"], Record)
    assert found["2"] == Gone(Side.PIPEDRIVE, "2", deleted=True)
    assert found["12"] == Gone(Side.PIPEDRIVE, "12")


async def test_one_that_a_list_leaves_out_is_asked_for_alone_and_says_whether_it_was_deleted(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons", ok([raw_person(number) for number in range(3, 13)]))
    server.answers("GET", "/api/v2/persons/1", ok(raw_person(1, is_deleted=True)))
    server.answers("GET", "/api/v2/persons/2", no(404, "Entity was not found"))
    found = await crm.get_persons([str(number) for number in range(1, 13)])
    assert found["1"] == Gone(Side.PIPEDRIVE, "1", deleted=True)
    assert found["2"] == Gone(Side.PIPEDRIVE, "2")
    assert server.tokens() == 10 + 2


async def test_of_many_that_a_list_leaves_out_only_some_are_asked_for_alone(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons", ok([]))
    for number in range(1, 11):
        server.answers("GET", f"/api/v2/persons/{number}", no(404, "Entity was not found"))
    found = await crm.get_persons([str(number) for number in range(1, 101)])
    assert all(isinstance(seen, Gone) for seen in found.values())
    assert server.tokens() == 10 + 10


@pytest.mark.parametrize(
    ("reply", "deleted"),
    [
        (no(404, "Entity was not found"), False),
        (no(410), True),
        (no(403, "You do not have permissions"), False),
        (ok(raw_person(1, is_deleted=True)), True),
    ],
)
async def test_a_single_one_that_is_gone_says_whether_it_was_deleted(server, reply, deleted):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons/1", reply)
    assert await crm.get_persons(["1"]) == {"1": Gone(Side.PIPEDRIVE, "1", deleted=deleted)}


async def test_a_missing_scope_is_not_taken_for_a_deleted_person(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons/1", no(403, "Scope and URL mismatch"))
    with pytest.raises(PermissionMissing):
        await crm.get_persons(["1"])


async def test_a_walk_over_all_goes_by_id_in_pages_of_500(server):
    crm = await server.ready()
    server.answers(
        "GET",
        "/api/v2/persons",
        ok([raw_person(1), raw_person(2)], cursor="abc"),
        ok([raw_person(3, is_deleted=True)]),
    )
    first = await crm.walk_persons()
    assert [record.id for record in first.records] == ["1", "2"]
    last = await crm.walk_persons(cursor=first.next_cursor)
    assert (last.records, last.next_cursor) == ((), None)
    one, two = (dict(request.url.params) for request in server.requests)
    assert one == {"limit": "500", "sort_by": "id", "sort_direction": "asc"}
    assert two == one | {"cursor": "abc"}


async def test_a_walk_over_changes_asks_in_whole_seconds(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons", ok([]))
    await crm.walk_persons(updated_since=datetime(2026, 3, 1, 12, 0, 0, 999_000, tzinfo=UTC))
    assert dict(server.requests[-1].url.params) == {
        "limit": "500",
        "sort_by": "update_time",
        "sort_direction": "asc",
        "updated_since": "2026-03-01T12:00:00Z",
    }


async def test_a_walk_with_a_filter_sends_the_filter_alone(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons", ok([]))
    await crm.walk_persons(filter_id="5", updated_since=datetime(2026, 3, 1, tzinfo=UTC))
    assert "updated_since" not in server.requests[-1].url.params
    assert server.requests[-1].url.params["filter_id"] == "5"


async def test_a_deleted_filter_breaks_the_mapping(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons", no(404, "Filter not found"))
    with pytest.raises(MappingBroken, match="filter"):
        await crm.walk_persons(filter_id="5")


class Pages:
    """Persons 1 to 6 in pages of two. Cursors made before `forget` are refused."""

    def __init__(self) -> None:
        self.age = 0

    def forget(self) -> None:
        self.age += 1

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        cursor = request.url.params.get("cursor", f"{self.age}-0")
        age, after = map(int, cursor.split("-"))
        if age != self.age:
            return no(400, "Validation failed: cursor: Invalid cursor")
        numbers = [number for number in range(1, 7) if number > after][:2]
        return ok(
            [raw_person(n) for n in numbers], cursor=f"{age}-{numbers[-1]}" if numbers[-1] < 6 else None
        )


@pytest.mark.parametrize("pages_before", [1, 2])
async def test_a_walk_by_id_whose_cursor_died_goes_on_behind_the_last_id(server, pages_before):
    crm, pages = await server.ready(), Pages()
    server.answers("GET", "/api/v2/persons", pages)
    ids: list[str] = []
    cursor = None
    for page_number in range(10):
        if page_number == pages_before:
            pages.forget()
        page = await crm.walk_persons(cursor=cursor)
        ids += [record.id for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert ids == ["1", "2", "3", "4", "5", "6"]


async def test_a_walk_over_changes_whose_cursor_died_begins_again(server):
    crm, pages = await server.ready(), Pages()
    server.answers("GET", "/api/v2/persons", pages)
    since = datetime(2026, 3, 1, tzinfo=UTC)
    page = await crm.walk_persons(updated_since=since)
    pages.forget()
    again = await crm.walk_persons(updated_since=since, cursor=page.next_cursor)
    assert [record.id for record in again.records] == ["1", "2"]


# --- Writing persons --------------------------------------------------------------------------------------------------


async def test_a_person_is_created_in_one_call_and_comes_back_as_stored(server):
    crm = await server.ready()
    server.answers("POST", "/api/v2/persons", ok(raw_person(99), status=201))
    record = await crm.create_person(
        {FIRST_NAME: "Ada", LAST_NAME: "Lovelace", EMAIL: ("ada@engine.example",)},
        owner_id="7",
        organization_id="9",
    )
    assert record.id == "99"
    assert server.body() == {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "emails": [{"value": "ada@engine.example", "primary": True}],
        "owner_id": 7,
        "org_id": 9,
    }
    assert (len(server.requests), server.tokens()) == (1, 5)


@pytest.mark.parametrize(
    "fault", [httpx2.ReadTimeout("lost"), httpx2.RemoteProtocolError("cut"), no(500), no(503)]
)
async def test_a_create_that_may_have_arrived_is_not_sent_again(server, fault):
    crm = await server.ready()
    server.answers("POST", "/api/v2/persons", fault)
    with pytest.raises(RemoteUnavailable) as caught:
        await crm.create_person({FIRST_NAME: "Ada"}, owner_id=None, organization_id=None)
    assert caught.value.sent
    assert len(server.requests) == 1


async def test_a_create_that_surely_never_left_is_sent_again(server):
    crm = await server.ready()
    server.answers(
        "POST",
        "/api/v2/persons",
        httpx2.ConnectError("down"),
        no(429, "Request over limit"),
        ok(raw_person(99)),
    )
    record = await crm.create_person({FIRST_NAME: "Ada"}, owner_id=None, organization_id=None)
    assert record.id == "99"
    assert len(server.requests) == 3


async def test_a_create_that_never_left_at_all_says_so(server):
    crm = await server.ready()
    server.answers("POST", "/api/v2/persons", httpx2.ConnectError("down"))
    with pytest.raises(RemoteUnavailable) as caught:
        await crm.create_person({FIRST_NAME: "Ada"}, owner_id=None, organization_id=None)
    assert not caught.value.sent


async def test_an_answer_without_a_record_leaves_open_whether_it_was_made(server):
    crm = await server.ready()
    server.answers("POST", "/api/v2/persons", ok(None))
    with pytest.raises(RemoteUnavailable) as caught:
        await crm.create_person({FIRST_NAME: "Ada"}, owner_id=None, organization_id=None)
    assert caught.value.sent


async def seen_person(crm) -> Record:
    (record,) = (await crm.get_persons(["42"])).values()
    assert isinstance(record, Record)
    return record


async def test_an_update_is_one_call_with_what_changed(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons/42", ok(raw_person()))
    server.answers("PATCH", "/api/v2/persons/42", ok(raw_person(last_name="King")))
    seen = await seen_person(crm)
    record = await crm.update_person("42", {LAST_NAME: "King"}, seen=seen, organization_id=UNCHANGED)
    assert record.value(LAST_NAME) == "King"
    assert server.body() == {"first_name": "Ada", "last_name": "King"}
    assert server.tokens() == 1 + 5


@pytest.mark.parametrize(
    ("values", "reads"), [({MOTTO: "On"}, 0), ({LAST_NAME: "King"}, 1), ({EMAIL: ("a@b.example",)}, 1)]
)
async def test_an_unseen_person_is_read_first_only_where_something_must_be_kept(server, values, reads):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons/42", ok(raw_person()))
    server.answers("PATCH", "/api/v2/persons/42", ok(raw_person()))
    await crm.update_person("42", values, seen=None, organization_id=UNCHANGED)
    assert server.calls.count(("GET", "/api/v2/persons/42")) == reads


async def test_an_update_of_nothing_writes_nothing(server):
    crm = await server.ready()
    server.answers("GET", "/api/v2/persons/42", ok(raw_person()))
    await crm.update_person("42", {}, seen=None, organization_id=UNCHANGED)
    assert server.calls == [("GET", "/api/v2/persons/42")]


@pytest.mark.parametrize("reply", [no(404, "Entity was not found"), no(410), ok(raw_person(is_deleted=True))])
async def test_an_update_of_a_deleted_person_is_told(server, reply):
    crm = await server.ready()
    server.answers("PATCH", "/api/v2/persons/42", reply)
    with pytest.raises(RecordGone, match="person 42"):
        await crm.update_person("42", {MOTTO: "On"}, seen=None, organization_id=UNCHANGED)


async def test_a_refused_value_names_the_record_and_the_field(server):
    crm = await server.ready()
    text = f"Validation failed: custom_fields.{MOTTO}: The value is not a valid 'string'"
    server.answers("PATCH", "/api/v2/persons/42", no(400, text))
    with pytest.raises(InvalidForRemote, match="person 42: “Motto”: The value"):
        await crm.update_person("42", {MOTTO: "On"}, seen=None, organization_id=UNCHANGED)


# --- Organizations ----------------------------------------------------------------------------------------------------


def raw_organization(number: int, **changes) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Company {number}",
        "update_time": "2026-01-01T00:00:00Z",
        "is_deleted": False,
    } | changes


async def test_organizations_are_read_by_ids_without_those_that_are_gone(server):
    server.answers("GET", "/api/v2/organizations/1", ok(raw_organization(1)))
    server.answers("GET", "/api/v2/organizations/2", no(404))
    server.answers("GET", "/api/v2/organizations/3", ok(raw_organization(3, is_deleted=True)))
    found = await server.crm().get_organizations(["1", "2", "3", "1"])
    assert {number: organization.name for number, organization in found.items()} == {"1": "Company 1"}
    assert server.tokens() == 3


async def test_organizations_are_walked_like_persons(server):
    server.answers(
        "GET", "/api/v2/organizations", ok([raw_organization(1)], cursor="x"), ok([raw_organization(2)])
    )
    first = await server.crm().walk_organizations()
    last = await server.crm().walk_organizations(cursor=first.next_cursor)
    assert [organization.id for page in (first, last) for organization in page.organizations] == ["1", "2"]
    assert last.next_cursor is None


async def test_an_organization_is_created_with_its_owner(server):
    server.answers("POST", "/api/v2/organizations", ok(raw_organization(5, name="Engine Ltd")))
    organization = await server.crm().create_organization("Engine Ltd", owner_id="7")
    assert (organization.id, organization.name) == ("5", "Engine Ltd")
    assert server.body() == {"name": "Engine Ltd", "owner_id": 7}


# --- Webhooks ---------------------------------------------------------------------------------------------------------


async def test_webhooks_are_listed_created_and_deleted(server):
    listed = payload("pipedrive/webhooks")
    server.answers("GET", "/api/v1/webhooks", httpx2.Response(200, json=listed))
    server.answers(
        "POST", "/api/v1/webhooks", httpx2.Response(201, json=listed | {"data": listed["data"][0]})
    )
    server.answers(
        "DELETE", "/api/v1/webhooks/1", httpx2.Response(200, json={"status": "ok", "success": True})
    )
    crm = server.crm()
    assert [webhook.id for webhook in await crm.list_webhooks()] == ["1", "2"]
    assert (await crm.create_webhook(HOOK)).id == "1"
    assert server.body() == {
        "subscription_url": HOOK.url,
        "event_action": "*",
        "event_object": "person",
        "name": "Tidegate: person",
        "http_auth_user": "tidegate",
        "http_auth_password": "s3cret",
        "version": "2.0",
    }
    await crm.delete_webhook("1")
    assert server.tokens() == 10 + 10 + 6


async def test_a_webhook_that_is_gone_already_is_deleted(server):
    body = {"status": "error", "success": False, "errors": {"id": ["not found"]}}
    server.answers("DELETE", "/api/v1/webhooks/1", httpx2.Response(404, json=body))
    await server.crm().delete_webhook("1")


async def test_an_address_pipedrive_can_not_reach_is_told_in_plain_words(server):
    body = {
        "status": "error",
        "success": False,
        "errors": {"subscription_url": ["invalid or non-reachable URL"]},
    }
    server.answers("POST", "/api/v1/webhooks", httpx2.Response(400, json=body))
    with pytest.raises(InvalidForRemote, match="address of the webhook: invalid or non-reachable URL"):
        await server.crm().create_webhook(HOOK)


# --- Authorisation, limits, faults --------------------------------------------------------------------------------------


async def test_a_dead_token_is_renewed_once_and_the_call_repeated(server):
    server.answers("GET", "/api/v1/users/me", no(401), ok({"id": 7}))
    await server.crm().who_am_i()
    assert [request.headers["authorization"] for request in server.requests] == [
        "Bearer token-0",
        "Bearer token-1",
    ]


async def test_a_write_with_a_dead_token_is_repeated_too(server):
    crm = await server.ready()
    server.answers("POST", "/api/v2/persons", no(401), ok(raw_person(99)))
    assert (await crm.create_person({FIRST_NAME: "Ada"}, owner_id=None, organization_id=None)).id == "99"


@pytest.mark.parametrize(
    "credentials", [RenewableToken(renewals=0), RenewableToken(renewals=5), PersonalToken("abc")]
)
async def test_a_token_that_stays_dead_needs_a_new_authorisation(credentials):
    server = ScriptedPipedrive(credentials=credentials)
    server.answers("GET", "/api/v1/users/me", no(401))
    with pytest.raises(AuthorizationLost):
        await server.crm().who_am_i()
    assert len(server.requests) <= 2


@pytest.mark.parametrize(
    "fault", [no(500), no(503), httpx2.ReadTimeout("slow"), httpx2.ConnectError("down"), no(429)]
)
async def test_a_read_is_repeated_after_a_fault_that_passes(server, fault):
    server.answers("GET", "/api/v1/users/me", fault, ok({"id": 7}))
    assert (await server.crm().who_am_i()).user_id == "7"


class NoToken(RenewableToken):
    """Credentials whose server gives no answer."""

    async def headers(self) -> dict[str, str]:
        raise RemoteUnavailable("the sign-in server is down", sent=True)


async def test_a_write_that_got_no_token_was_not_sent():
    server = ScriptedPipedrive(credentials=NoToken())
    with pytest.raises(RemoteUnavailable) as caught:
        await server.crm().create_organization("Engine Ltd", owner_id=None)
    assert not caught.value.sent
    assert server.requests == []


async def test_every_attempt_is_booked(server):
    server.answers("GET", "/api/v1/users/me", no(500), ok({"id": 7}))
    await server.crm().who_am_i()
    assert server.tokens() == 4


async def test_an_edge_block_silences_everything_at_once(server):
    server.answers("GET", "/api/v1/users/me", edge_page())
    crm = server.crm()
    with pytest.raises(RateLimited):
        await crm.who_am_i()
    with pytest.raises(RateLimited):
        await crm.who_am_i()
    assert len(server.requests) == 1


async def test_a_spent_day_silences_everything_at_once(server):
    headers = {"x-daily-ratelimit-token-limit": "30000", "x-daily-ratelimit-token-remaining": "0"}
    server.answers("GET", "/api/v1/users/me", httpx2.Response(429, headers=headers, json={"success": False}))
    crm = server.crm()
    for _ in range(2):
        with pytest.raises(BudgetSpent):
            await crm.who_am_i()
    assert len(server.requests) == 1


async def test_the_first_failure_of_several_reads_is_raised_as_it_is(server):
    crm = await server.ready()
    for number in range(1, 4):
        server.answers("GET", f"/api/v2/persons/{number}", no(403, "Scope and URL mismatch"))
    with pytest.raises(PermissionMissing):
        await crm.get_persons(["1", "2", "3"])


async def test_nothing_we_raise_holds_a_token(server):
    crm = await server.ready()
    for fault in (
        no(400, "x"),
        no(403, "x"),
        no(404),
        no(422),
        no(500),
        httpx2.ReadTimeout("x"),
        edge_page(),
    ):
        server.answers("POST", "/api/v2/persons", fault)
        with pytest.raises(Exception) as caught:
            await crm.create_person({FIRST_NAME: "Ada"}, owner_id=None, organization_id=None)
        assert "token-" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
        assert json.dumps(str(caught.value))
