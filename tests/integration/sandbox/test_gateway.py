"""What stands before every call: paths, tokens, scopes, limits, bodies, and the counters behind."""

import io
from typing import Any

import pytest

from pipedrive_sandbox import server
from pipedrive_sandbox.routes import table


async def test_an_unknown_path_a_wrong_method_and_no_token_get_the_same_answer(client):
    replies = [
        await client.get("/api/v2/nothing"),
        await client.ask("PUT", "/api/v2/persons/1", {}),
        await client.get("/v2/persons"),
        await client.get("/api/v3/persons"),
        await client.get("/api"),
        await client.get("/v1"),
        await client.get("/api/v2/persons", as_={}),
        await client.get("/api/v2/persons", as_={"x-api-token": "wrong"}),
        await client.get("/v1/persons"),
    ]

    for reply in replies:
        assert reply.status == 401
        assert reply.body["error"] == "unauthorized access"
        assert reply.headers["x-401-by-gw"] == "true"
        assert reply.headers["x-correlation-id"]


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
async def test_v1_answers_under_both_prefixes(client, prefix):
    assert (await client.get(f"{prefix}/users/me")).data["is_you"] is True


async def test_an_api_token_is_taken_from_header_or_query(client):
    token = client.headers["x-api-token"]

    assert (await client.get(f"/v1/users/me?api_token={token}", as_={})).status == 200


async def test_a_malformed_authorization_is_a_bad_request_and_a_bad_token_unauthorized(client):
    malformed = await client.get("/v1/users/me", as_={"Authorization": "Basic abc"})
    bad = await client.get("/v1/users/me", as_={"Authorization": "Bearer abc"})

    assert (malformed.status, malformed.body["error"]) == (
        400,
        "Invalid request: malformed authorization header",
    )
    assert (bad.status, bad.body["error"]) == (401, "Invalid token: access_token is invalid")


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"name=Ann", "application/x-www-form-urlencoded"), (b"{}", "text/plain")],
)
async def test_v2_takes_well_formed_json_only(client, content, kind):
    headers = {**client.headers, "Content-Type": kind}

    reply = await client.ask("POST", "/api/v2/persons", data=content, as_=headers)

    assert reply.status == 400
    assert reply.body["code"] == "ERR_SCHEMA_VALIDATION_FAILED"


async def test_v1_takes_a_form_as_well(client):
    reply = await client.form("/v1/notes", {"content": "x", "person_id": "1"})

    assert reply.data["person_id"] == 1


async def test_a_form_that_cannot_be_read_is_a_bad_request(client):
    headers = {**client.headers, "Content-Type": "multipart/form-data"}

    reply = await client.ask("POST", "/v1/notes", data=b"{}", as_=headers)

    assert reply.status == 400


async def test_an_id_that_is_no_number_is_a_bad_request(client):
    assert (await client.get("/api/v2/persons/abc")).status == 400
    assert (await client.get("/api/v2/persons/0")).status == 400
    assert (await client.get("/api/v2/persons/99999999999999999999")).status == 404


async def test_answers_carry_the_limits_and_counters_know_every_token(client):
    await client.control("counters", method="DELETE")
    before = (await client.get("/v1/users/me")).headers
    after = (await client.get("/api/v2/persons")).headers
    await client.post("/api/v2/persons", {"nix": 1})
    await client.get("/api/v2/nothing")

    counters = await client.control("counters", method="GET")

    spent = int(before["x-daily-ratelimit-token-remaining"]) - int(after["x-daily-ratelimit-token-remaining"])
    assert spent == 10
    assert counters["total"]["tokens"] == 2 + 10 + 5
    assert counters["endpoints"]["GET /v2/persons"] == {"requests": 1, "tokens": 10, "statuses": {"200": 1}}
    assert counters["endpoints"]["unknown"]["tokens"] == 0
    assert counters["clients"]["api_token:maja.lindqvist@northlight.example.com"]["requests"] == 3


async def test_calls_for_oauth_tokens_are_counted_and_cost_nothing(client):
    await client.control("counters", method="DELETE")

    await client.form("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "none"})

    counters = await client.control("counters", method="GET")
    assert counters["endpoints"] == {"/oauth/token": {"requests": 1, "tokens": 0, "statuses": {"400": 1}}}


async def test_failed_calls_cost_nothing_where_the_switch_says_so(client):
    await client.control("switches", {"charge_failed_calls": False})
    await client.control("counters", method="DELETE")

    await client.post("/api/v2/persons", {"nix": 1})

    assert (await client.control("counters", method="GET"))["total"]["tokens"] == 0


async def test_the_burst_window_closes_and_the_page_of_the_firewall_follows(client, monkeypatch):
    moment = client.sandbox.state.clock.now()
    monkeypatch.setattr(
        client.sandbox.state.clock, "now", lambda: moment
    )  # the window is as long as it takes
    statuses = [(await client.get("/v1/users/me")).status for _ in range(60)]
    blocked = await client.get("/v1/users/me")

    assert statuses[:40] == [200] * 40
    assert set(statuses[40:59]) == {429}
    assert (blocked.status, blocked.headers["Content-Type"]) == (403, "text/html; charset=utf-8")


async def test_when_another_app_has_spent_the_budget_everybody_waits(client):
    await client.control("actions/spend_budget", {})
    spent = await client.get("/v1/users/me")
    await client.control("clock", {"advance": 86_400})
    fresh = await client.get("/v1/users/me")

    assert (spent.status, spent.headers["x-daily-ratelimit-token-remaining"]) == (429, "0")
    assert fresh.status == 200


async def test_a_deactivated_users_token_is_dead(client):
    company = client.sandbox.state.companies()[0]["id"]
    users = client.sandbox.state.records["user"]
    users.save(company, users.get(company, 1) | {"active_flag": False})

    assert (await client.get("/v1/users/me")).status == 401


async def test_the_table_of_routes_names_each_call_once(client):
    routes = await client.control("routes", method="GET")

    keys = [(one["version"], one["method"], one["path"]) for one in routes]
    assert len(keys) == len(set(keys)) == len(table())
    assert all(one["scopes"] and one["cost"] > 0 for one in routes)


JUNK: list[Any] = [
    None,
    [],
    {},
    {"a": 1},
    {"id": 1},
    {"name": {"x": []}},
    {"custom_fields": {"custom_fields": 1}},
    "text",
    5,
]


async def test_a_body_beyond_all_measure_is_refused_and_a_long_one_is_read(client, monkeypatch):
    headers = {**client.headers, "Content-Type": "application/json"}
    long = b'{"name": "' + b"a" * 2**21 + b'"}'
    assert (await client.ask("POST", "/api/v2/persons", as_=headers, data=io.BytesIO(long))).status == 400

    monkeypatch.setattr(server, "LARGEST_BODY", 2**20)
    reply = await client.ask("POST", "/api/v2/persons", as_=headers, data=io.BytesIO(long))

    assert reply.status == 413
    assert reply.body["success"] is False


async def test_no_call_falls_over_junk(client):
    await client.control("limits", {"burst": False, "daily": False})

    for route in table():
        path = f"{'/api/v2' if route.version == 'v2' else '/v1'}{route.path}"
        for value in ("1", "99999", "name", "-1", "%00", "a/b"):
            address = (
                path.replace("{id}", value).replace("{field_code}", value).replace("{follower_id}", value)
            )
            for body in JUNK if route.takes_body else [None]:
                reply = await client.ask(route.method, f"{address}?limit=1", body)
                assert reply.status < 500, (route.method, address, body, reply.text)


@pytest.mark.parametrize(
    "query",
    [
        "term=%27%22",
        "ids=1%2C%2C2",
        "cursor=%00",
        "limit=1e3",
        "custom_fields=%27%3B",
        "filter_id=99999999999",
    ],
)
async def test_no_list_falls_over_a_strange_query(client, query):
    await client.control("limits", {"burst": False})
    for route in table():
        if route.method == "GET" and "{" not in route.path:
            path = f"{'/api/v2' if route.version == 'v2' else '/v1'}{route.path}"
            reply = await client.get(f"{path}?{query}")
            assert reply.status < 500, (path, query, reply.text)


async def test_every_list_answers_a_plain_request(client):
    await client.control("limits", {"burst": False})
    needed = {"/persons/search": "term=ab", "/recents": "since_timestamp=2026-01-01 00:00:00"}
    for route in table():
        if route.method == "GET" and "{" not in route.path:
            more = next((query for path, query in needed.items() if route.path.endswith(path[-7:])), "")
            if "Search" in route.path or "find" in route.path:
                more = "term=ab&entity_type=person&field=name" if route.path.endswith("field") else "term=ab"
            path = f"{'/api/v2' if route.version == 'v2' else '/v1'}{route.path}"
            reply = await client.get(f"{path}?{more}")
            assert reply.status == 200, (path, reply.text)
            assert reply.body["success"] is True
