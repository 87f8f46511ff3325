"""Control calls: seeds, reset, clock, faults, and what other people do to an account."""

import io
import time

import aiohttp
import orjson
import pytest

from pipedrive_sandbox.seed_plan import FITS
from tests.integration.sandbox.conftest import subscribe

PERSONS = "/api/v2/persons"


async def test_the_index_names_every_call_and_an_unknown_one_is_told_so(client):
    index = await client.control("", method="GET")
    unknown = await client.post("/_sandbox/nix", {})

    assert "POST /_sandbox/seed" in index["calls"]
    assert unknown.status == 404
    assert unknown.body["known"] == index["calls"]


async def test_a_seed_tells_ids_tokens_and_counts(client):
    plan = {
        "persons": 7,
        "organizations": 2,
        "users": 2,
        "company": {"name": "Second", "domain": "second", "plan": "lite"},
    }

    seeded = await client.control("seed", plan)

    assert seeded["counts"]["person"] == 7
    assert len(seeded["users"]) == 2
    me = await client.get("/v1/users/me", as_={"x-api-token": seeded["api_token"]})
    assert me.data["company_id"] == seeded["company_id"]
    assert len(await client.control("companies", method="GET")) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"persns": 1},
        {"company": {"plan": "gold"}},
        [],
        *(
            {name: value}
            for name in FITS
            for value in (None, -1, 1e300, "x", [5], {"a": 1})
            if not FITS[name][1](value)
        ),
        {"people": [{"email": 5}]},
        {"persons": 10_000_001},
    ],
    ids=str,
)
async def test_a_seed_that_makes_no_sense_is_refused_with_a_reason(client, body):
    reply = await client.post("/_sandbox/seed", body)

    assert reply.status == 400
    assert reply.body["error"]


async def test_a_seed_takes_a_long_list_of_people(client):
    rows = "".join(f"person{number}@example.com,Ann,Bee\n" for number in range(60_000))

    plan = orjson.dumps({"persons": 3, "csv": f"E-mail,First name,Last name\n{rows}"})

    seeded = await client.ask("POST", "/_sandbox/seed", data=io.BytesIO(plan))

    assert seeded.body["counts"]["person"] == 3


ODD: tuple[object, ...] = (None, 5, -1, "x", "", [], [5], {}, {"a": 1}, True, 1e300, "2020-13-01")


async def test_no_control_call_falls_over_odd_values(client):
    company = (await client.control("companies", method="GET"))[0]["id"]
    for call in (await client.control("", method="GET"))["calls"]:
        method, path = call.split(" ")
        name = path.removeprefix("/_sandbox/")
        if name in ("seed", "reset", "deliveries/wait"):
            continue
        for key in KEYS.get(name, ACTION_KEYS if name.startswith("actions/") else ("x",)):
            for value in ODD:
                here = {} if key in ("company_id", "user_id") else {"company_id": company, "user_id": 1}
                wanted = here if name.startswith("actions/") else NEEDED.get(name, {})
                reply = await client.ask(method, path, {**wanted, key: value})
                assert reply.status in (200, 400), (call, key, value, reply.text)
                assert (await client.get("/_sandbox/clock")).status == 200


async def test_a_company_cannot_be_changed_into_one_that_does_not_work(client):
    company = (await client.control("companies", method="GET"))[0]
    await client.control("limits", {"burst": False})
    for key in company.keys() - {"users"}:
        for value in ODD:
            change = {"company_id": company["id"], key: value}
            reply = await client.ask("PATCH", "/_sandbox/companies", change)
            assert reply.status in (200, 400), (key, value, reply.text)
            assert (await client.get(f"{PERSONS}?limit=1")).status == 200, (key, value)
    assert (await client.control("companies", method="GET"))[0]["plan"] == company["plan"]


ACTION_KEYS = (
    *("company_id", "user_id", "id", "ids", "count", "changes", "person", "entity"),
    *("field_code", "tokens", "install", "scope", "client_id"),
)
KEYS = {
    "clock": ("advance", "to"),
    "switches": ("search_delay", "webhook_drop", "rotate_refresh_token"),
    "faults": ("kind", "status", "calls", "share", "times", "seconds", "jitter", "id"),
    "apps": ("client_id", "client_secret", "name", "redirect_uri", "scopes", "uninstall_url"),
    "limits": ("burst", "daily", "reset_hour"),
    "companies": ("company_id", "plan", "seats", "name", "currency", "deals_per_seat", "top_up", "timezone"),
    "deliveries": ("limit", "company_id"),
}
NEEDED: dict[str, dict[str, object]] = {
    "faults": {"kind": "error", "calls": "X /nix"},
    "apps": {"client_id": "odd"},
}


async def test_a_reset_empties_everything_but_the_registered_apps(client):
    await client.control("switches", {"daily_headers": False})
    await client.control("faults", {"kind": "error"})

    await client.control("reset", {})

    assert await client.control("companies", method="GET") == []
    assert [one["client_id"] for one in await client.control("apps", method="GET")] == ["app"]
    assert (await client.control("switches", method="GET"))["daily_headers"]["value"] is True
    assert await client.control("faults", method="GET") == []
    assert (await client.get(PERSONS)).status == 401


async def test_a_seed_can_reset_first(client):
    await client.control("seed", {"reset": True, "persons": 2})

    assert len(await client.control("companies", method="GET")) == 1


async def test_the_clock_goes_forward_by_seconds_or_to_a_moment_never_back(client):
    await client.control("clock", {"advance": 60})
    moved = await client.control("clock", {"to": "2099-01-01T00:00:00Z"})
    back = await client.post("/_sandbox/clock", {"to": "2098-01-01T00:00:00Z"})

    assert moved["now"].startswith("2099-01-01T00:00:00")
    assert back.status == 400
    created = (await client.post(PERSONS, {"name": "Ann"})).data
    assert created["add_time"].startswith("2099-01-01")


async def test_latency_slows_only_the_named_calls(client):
    await client.control("faults", {"kind": "latency", "calls": "GET /v1/users/me", "seconds": 0.05})

    began = time.perf_counter()
    await client.get("/v1/users/me")
    slow = time.perf_counter() - began

    assert slow >= 0.05


async def test_an_error_fault_answers_before_the_deed(client):
    await client.control(
        "faults", {"kind": "error", "status": 503, "calls": "POST /api/v2/persons", "times": 1}
    )

    failed = await client.post(PERSONS, {"name": "Ann"})
    persons = (await client.get(PERSONS)).data

    assert failed.status == 503
    assert len(persons) == 5


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "Bad Request"),
        (404, "Entity was not found"),
        (500, "Internal Server Error"),
        (599, "Unknown Error"),
    ],
)
async def test_an_error_fault_says_what_its_status_says(client, status, text):
    await client.control("faults", {"kind": "error", "status": status})

    failed = await client.get("/v1/users/me")

    assert (failed.status, failed.body["error"]) == (status, text)


async def test_a_lost_answer_comes_after_the_deed(client):
    await client.control("faults", {"kind": "lost_answer", "calls": "POST /api/v2/persons", "times": 1})

    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(PERSONS, {"name": "Ann"})

    assert "Ann" in [one["name"] for one in (await client.get(PERSONS)).data]


async def test_a_late_deed_is_done_so_many_seconds_after_the_connection_broke(client):
    await client.control(
        "faults", {"kind": "late", "calls": "POST /api/v2/persons", "times": 1, "seconds": 40}
    )

    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(PERSONS, {"name": "Ann"})
    before = (await client.get(PERSONS)).data
    await client.control("clock", {"advance": 41})
    await client.sandbox.late.quiet()

    assert "Ann" not in [one["name"] for one in before]
    assert "Ann" in [one["name"] for one in (await client.get(PERSONS)).data]


async def test_a_late_deed_does_not_outlive_a_reset(client):
    await client.control(
        "faults", {"kind": "late", "calls": "POST /api/v2/persons", "times": 1, "seconds": 40}
    )
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(PERSONS, {"name": "Ann"})

    await client.control("reset", {})
    await client.control("clock", {"advance": 41})

    await client.sandbox.late.quiet()
    assert "POST /api/v2/persons" not in client.sandbox.counters.endpoints


async def test_a_reset_connection_comes_before_the_deed(client):
    await client.control("faults", {"kind": "reset", "calls": "POST *", "times": 1})

    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(PERSONS, {"name": "Ann"})

    assert len((await client.get(PERSONS)).data) == 5


async def test_the_page_of_the_firewall_can_be_asked_for(client):
    await client.control("faults", {"kind": "block_page", "times": 1})

    reply = await client.get(PERSONS)

    assert (reply.status, reply.body) == (403, None)


async def test_faults_are_taken_away_one_or_all(client):
    first = await client.control("faults", {"kind": "error", "calls": "GET /x"})
    await client.control("faults", {"kind": "error", "calls": "GET /y"})

    assert await client.control("faults", {"id": first["id"]}, method="DELETE") == {"removed": 1}
    assert await client.control("faults", {}, method="DELETE") == {"removed": 1}


async def test_a_field_a_stage_a_pipeline_and_records_can_be_deleted_by_a_user(client, hooks):
    code = (await client.get("/v1/personFields?limit=500")).data[-1]["key"]
    await subscribe(client, hooks, "delete")

    await client.control("actions/delete_field", {"entity": "person", "field_code": code})
    await client.control("actions/delete_stage", {"id": 2})
    await client.control("actions/delete_pipeline", {"id": 2})
    await client.control("actions/delete_person", {"id": 1})
    await client.control("actions/delete_organization", {"id": 1})
    await client.quiet()

    assert {
        (entity, what["meta"]["change_source"])
        for what in hooks.received
        for entity in [what["meta"]["entity"]]
    } == {
        ("personField", "app"),
        ("stage", "app"),
        ("pipeline", "app"),
        ("person", "app"),
        ("organization", "app"),
    }


async def test_a_user_can_create_and_change_persons_and_edit_many_at_once(client):
    created = await client.control("actions/create_person", {"person": {"name": "Ann"}})
    changed = await client.control("actions/change_person", {"id": created["id"], "changes": {"name": "Eve"}})
    edited = await client.control("actions/edit_persons", {"count": 3, "changes": {"owner_id": 3}})

    assert changed["name"] == "Eve"
    assert edited == {"changed": 3}
    assert [one["owner_id"] for one in (await client.get(PERSONS)).data[:3]] == [3, 3, 3]


async def test_a_refused_action_says_why(client):
    reply = await client.post("/_sandbox/actions/change_person", {"id": 1, "changes": {"nix": 1}})

    assert reply.status == 400
    assert "nix" in reply.body["error"]


async def test_a_company_can_change_its_plan(client):
    company = client.sandbox.state.companies()[0]["id"]

    await client.control("companies", {"company_id": company, "plan": "lite"}, method="PATCH")

    assert (await client.get("/v1/users/me")).headers["x-ratelimit-limit"] == "20"


async def test_waiting_for_deliveries_ends_when_all_is_told(client, hooks):
    await subscribe(client, hooks)
    await client.patch(f"{PERSONS}/1", {"name": "Eve"})

    assert await client.control("deliveries/wait", {}) == {"quiet": True}

    assert len(hooks.received) == 1
    log = await client.control("deliveries", method="GET")
    assert (log["waiting"], log["recent"][0]["state"]) == (0, "done")


async def test_a_company_that_is_not_open_gets_402(client):
    company = client.sandbox.state.companies()[0]["id"]

    await client.control("companies", {"company_id": company, "is_open": False}, method="PATCH")

    assert (await client.get("/v1/users/me")).status == 402


async def test_a_deactivated_user_is_told_as_a_change(client, hooks):
    await subscribe(client, hooks, "*", "user")

    changed = await client.control("actions/change_user", {"id": 2, "changes": {"active_flag": False}})
    await client.quiet()

    (event,) = hooks.received
    assert changed["active_flag"] is False
    assert (event["meta"]["action"], event["data"]["id"], event["data"]["active_flag"]) == (
        "change",
        "2",
        False,
    )
    assert "permitted_user_ids" not in event["meta"]
