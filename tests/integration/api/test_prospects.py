"""The prospect store by API: prospects, lists and fields."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.integration.api.conftest import Caller, CallerFor
from tidegate.api.app import api
from tidegate.api.auth import BearerKey
from tidegate.prospects.models import FieldType, Prospect
from tidegate.prospects.services import Author, create_list, create_prospect
from tidegate.prospects.signals import prospects_changed
from tidegate.store.models import Connection, LogEntry, Workspace

READ, WRITE, EVENTS, ADMIN = "read", "prospects:write", "events:write", "admin"
ROUTES = {
    ("GET", "/lists"): READ,
    ("POST", "/lists"): WRITE,
    ("GET", "/lists/{list_id}"): READ,
    ("PATCH", "/lists/{list_id}"): WRITE,
    ("DELETE", "/lists/{list_id}"): WRITE,
    ("GET", "/lists/{list_id}/prospects"): READ,
    ("POST", "/lists/{list_id}/prospects"): WRITE,
    ("DELETE", "/lists/{list_id}/prospects"): WRITE,
    ("GET", "/fields"): READ,
    ("POST", "/fields"): WRITE,
    ("GET", "/fields/{key}"): READ,
    ("PATCH", "/fields/{key}"): WRITE,
    ("DELETE", "/fields/{key}"): WRITE,
    ("GET", "/prospects"): READ,
    ("POST", "/prospects"): WRITE,
    ("POST", "/prospects/bulk"): WRITE,
    ("GET", "/prospects/{prospect_id}"): READ,
    ("PATCH", "/prospects/{prospect_id}"): WRITE,
    ("DELETE", "/prospects/{prospect_id}"): WRITE,
    ("GET", "/prospects/{prospect_id}/timeline"): READ,
    ("GET", "/campaigns"): READ,
    ("POST", "/campaigns"): EVENTS,
    ("GET", "/campaign-events"): READ,
    ("POST", "/campaign-events"): EVENTS,
    ("GET", "/mail-providers"): READ,
    ("POST", "/mail-providers"): ADMIN,
    ("GET", "/mail-providers/{mail_provider_id}"): ADMIN,
    ("PATCH", "/mail-providers/{mail_provider_id}"): ADMIN,
    ("POST", "/mail-providers/{mail_provider_id}/renew"): ADMIN,
    ("DELETE", "/mail-providers/{mail_provider_id}"): ADMIN,
}


def test_every_route_of_the_store_is_served_with_its_scope():
    served: dict[tuple[str, str], str] = {}
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                (key,) = operation.auth_callbacks
                assert isinstance(key, BearerKey)
                served |= {(method, router.prefix + path): key.scope.value for method in operation.methods}

    mine = {
        route: scope
        for route, scope in served.items()
        if route[1].startswith(("/lists", "/fields", "/prosp", "/campaign", "/mail"))
    }
    assert mine == ROUTES


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_key_without_the_scope_gets_nothing(workspace: Workspace, caller_for: CallerFor, route: Any):
    other = WRITE if ROUTES[route] == READ else READ
    path = route[1].replace("{list_id}", "1").replace("{key}", "size").replace("{prospect_id}", "1")

    assert caller_for(workspace, [other]).problem(403, route[0], path, {})["missing_scope"] == ROUTES[route]


def make(caller: Caller, **body: Any) -> Any:
    return caller.ok("POST", "/prospects", {"email": "ann@example.com", **body}, status=201)


# --- Prospects ---


def test_a_prospect_is_made_read_changed_and_deleted(alice: Caller):
    alice.ok("POST", "/fields", {"name": "Team size", "type": "number"}, status=201)
    list_id = alice.ok("POST", "/lists", {"name": "Founders"}, status=201)["id"]

    made = make(alice, first_name="Ann", phones=["112"], custom={"team_size": 5}, list_ids=[list_id])
    assert made["name"] == "Ann"
    assert made["emails"] == [{"value": "ann@example.com", "label": ""}]
    assert made["phone"] == "112"
    assert made["custom"] == {"team_size": "5"}
    assert made["list_ids"] == [list_id]
    assert alice.ok("GET", f"/prospects/{made['id']}") == made

    changed = alice.ok(
        "PATCH", f"/prospects/{made['id']}", {"company": "Acme", "custom": {"team_size": None}}
    )
    assert (changed["company"], changed["first_name"], changed["custom"]) == ("Acme", "Ann", {})
    assert changed["list_ids"] == [list_id]
    assert alice.ok("PATCH", f"/prospects/{made['id']}", {"list_ids": []})["list_ids"] == []

    alice.ok("DELETE", f"/prospects/{made['id']}", status=204)
    alice.problem(404, "GET", f"/prospects/{made['id']}")


def test_who_writes_by_api_is_named(alice: Caller, workspace: Workspace):
    heard: list[dict[str, Any]] = []

    def listen(**facts: Any) -> None:
        heard.append(facts)

    prospects_changed.connect(listen)
    try:
        make(alice)
    finally:
        prospects_changed.disconnect(listen)

    assert [(f["origin"], f["actor"], f["workspace_id"]) for f in heard] == [
        ("api", "API key “test”", workspace.pk)
    ]


def test_all_faults_are_named_by_field(alice: Caller):
    alice.ok("POST", "/fields", {"name": "Size", "type": "number"}, status=201)

    body = {"email": "nobody", "custom": {"size": "huge", "none": 1}}
    found = alice.problem(422, "POST", "/prospects", body)

    assert found["errors"].keys() == {"email", "custom.size", "custom.none"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"shoe": 44}, "shoe"),
        ({"email": 5}, "email"),
        ({"first_name": "x" * 256}, "first_name"),
        ({"email_status": "great"}, "email_status"),
        ({"email": "a@example.com", "list_ids": ["987654321"]}, "list_ids"),
        ({"email": "a@example.com", "list_ids": ["x"]}, "list_ids"),
        ({"job_title": "CEO"}, "email"),
        ({"custom": []}, "custom"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_by_field(alice: Caller, body: Any, field: str):
    found = alice.problem(422, "POST", "/prospects", body)

    assert [key.split(".")[0] for key in found["errors"]] == [field]
    assert not Prospect.objects.exists()


def test_an_address_that_somebody_has_is_a_conflict(alice: Caller):
    first = make(alice)
    other = make(alice, email="bob@example.com")

    alice.problem(409, "POST", "/prospects", {"email": "ANN@example.com"})
    alice.problem(409, "PATCH", f"/prospects/{other['id']}", {"emails": ["ann@example.com"]})
    alice.ok("PATCH", f"/prospects/{first['id']}", {"email": "Ann@Example.com"})


@pytest.mark.parametrize("prospect_id", ["0", "987654321", "x", "9" * 40, "-1", "1.5"])
def test_an_id_that_nobody_has_is_not_found(alice: Caller, prospect_id: str):
    alice.problem(404, "GET", f"/prospects/{prospect_id}")
    alice.problem(404, "PATCH", f"/prospects/{prospect_id}", {})
    alice.problem(404, "DELETE", f"/prospects/{prospect_id}")
    alice.problem(404, "GET", f"/prospects/{prospect_id}/timeline")


def test_another_workspaces_things_are_not_found(alice: Caller, charlie: Caller):
    list_id = alice.ok("POST", "/lists", {"name": "Mine"}, status=201)["id"]
    alice.ok("POST", "/fields", {"name": "Size", "type": "number"}, status=201)
    prospect_id = make(alice)["id"]

    for method, path, body in (
        ("GET", f"/prospects/{prospect_id}", None),
        ("PATCH", f"/prospects/{prospect_id}", {"company": "Theirs"}),
        ("DELETE", f"/prospects/{prospect_id}", None),
        ("GET", f"/lists/{list_id}", None),
        ("GET", f"/lists/{list_id}/prospects", None),
        ("POST", f"/lists/{list_id}/prospects", {"ids": [prospect_id]}),
        ("DELETE", f"/lists/{list_id}/prospects", {"ids": [prospect_id]}),
        ("PATCH", f"/lists/{list_id}", {"name": "Theirs"}),
        ("DELETE", f"/lists/{list_id}", None),
        ("GET", f"/prospects?list_id={list_id}", None),
        ("GET", "/fields/size", None),
        ("DELETE", "/fields/size", None),
    ):
        charlie.problem(404, method, path, body)
    charlie.problem(422, "POST", "/prospects", {"email": "c@example.com", "list_ids": [list_id]})
    assert charlie.ok("GET", "/prospects")["data"] == []
    assert charlie.ok("GET", "/lists")["data"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "ABCD"), ("email=B@Example.com", "B"), ("email=second@example.com", "B"), ("email=none@example.com", ""),
        ("q=carv", "A"), ("q=ines carv", "A"), ("q=brightwater", "AC"), ("q=%25", ""), ("q=&email_status=valid", "C"),
        ("email_status=unverified", "ABD"),
    ],
)  # fmt: skip
def test_prospects_are_found(alice: Caller, query: str, found: str):
    facts: dict[str, dict[str, Any]] = {
        "A": {"first_name": "Inês", "last_name": "Carvalho", "company": "Brightwater"},
        "B": {"emails": ["b@example.com", "second@example.com"]},
        "C": {"emails": ["c@brightwater.example.com"], "email_status": "valid"},
        "D": {},
    }
    names = {
        make(alice, **{"email": f"{name}@example.com", **body})["id"]: name for name, body in facts.items()
    }

    data = alice.ok("GET", f"/prospects?{query}")["data"]

    assert "".join(names[item["id"]] for item in data) == found


def test_prospects_are_found_by_what_happened_to_their_emails(alice: Caller):
    ids = {name: make(alice, email=f"{name}@example.com")["id"] for name in ("a", "b")}
    sent = {
        "key": "k1",
        "type": "email_sent",
        "at": "2026-01-01T10:00:00Z",
        "prospect": {"email": "a@example.com"},
    }
    alice.ok("POST", "/campaign-events", {"items": [sent]})

    assert [item["id"] for item in alice.ok("GET", "/prospects?event=email_sent")["data"]] == [ids["a"]]
    assert alice.ok("GET", "/prospects?event=email_replied")["data"] == []
    assert alice.problem(422, "GET", "/prospects?event=waved")["errors"].keys() == {"event"}


def test_pages_meet_everybody_once_whatever_the_filter(alice: Caller, workspace: Workspace):
    author = Author(workspace.pk, "Alice", "page")
    list_id = create_list(author, "All").pk
    ids = [
        str(create_prospect(author, {"email": f"{n}@example.com"}, list_ids=[list_id]).prospect.pk)
        for n in range(7)
    ]

    for path in ("/prospects?", f"/prospects?list_id={list_id}&", "/prospects?updated_since=2020-01-01T00:00:00Z&",
                 f"/lists/{list_id}/prospects?", "/prospects?q=example&"):  # fmt: skip
        met: list[str] = []
        cursor = ""
        while True:
            page = alice.ok("GET", f"{path}limit=3{cursor}")
            met += [item["id"] for item in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert met == ids, path


def test_only_what_changed_since_is_shown_the_oldest_first(alice: Caller):
    ids = [make(alice, email=f"{n}@example.com")["id"] for n in range(3)]
    later = timezone.now() + timedelta(hours=1)
    Prospect.objects.filter(pk=ids[2]).update(updated_at=later)
    Prospect.objects.filter(pk=ids[0]).update(updated_at=later + timedelta(hours=1))

    data = alice.ok("GET", f"/prospects?updated_since={later.isoformat().replace('+00:00', 'Z')}")["data"]

    assert [item["id"] for item in data] == [ids[2], ids[0]]


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=501", "updated_since=soon", "shoe=44"])
def test_a_query_that_makes_no_sense_is_refused(alice: Caller, query: str):
    assert alice.problem(422, "GET", f"/prospects?{query}")["errors"].keys() == {query.split("=")[0]}


def test_a_timeline_tells_the_syncs_of_this_prospect_alone(alice: Caller, connection: Connection):
    prospect_id = make(alice)["id"]
    for number, who in enumerate([prospect_id, "987654321", prospect_id]):
        LogEntry.objects.create(connection=connection, side="pipedrive", act=f"{number}", prospect_id=who)

    data = alice.ok("GET", f"/prospects/{prospect_id}/timeline")["data"]

    assert [item["sync"]["act"] for item in data] == ["2", "0"]


# --- Bulk ---


def test_each_item_of_a_bulk_gets_its_own_answer(alice: Caller):
    make(alice, first_name="Ann")
    items = [
        {"email": "new@example.com", "custom": {}},
        {"email": "ann@example.com", "company": "Acme"},
        {"email": "ann@example.com", "company": "Acme"},
        {"email": "nobody"},
        {"shoe": 44},
        "not an object",
        {"email": ["a@example.com"]},
        {"email": "x@example.com", "list_ids": ["987654321"]},
    ]

    answer = alice.ok("POST", "/prospects/bulk", {"items": items})

    outcomes = [item["outcome"] for item in answer["data"]]
    assert outcomes == ["created", "updated", "unchanged"] + ["rejected"] * 5
    assert all(bool(item["errors"]) == (item["outcome"] == "rejected") for item in answer["data"])
    assert answer["data"][0]["id"] == str(Prospect.objects.get(company="", first_name="").pk)
    assert answer["counts"] == {"created": 1, "updated": 1, "unchanged": 1, "rejected": 5}
    assert answer["data"][5]["errors"] == {"item": ["This must be an object."]}


def test_a_bulk_of_more_than_a_thousand_is_refused(alice: Caller):
    alice.problem(422, "POST", "/prospects/bulk", {"items": [{}] * 1001})
    alice.problem(422, "POST", "/prospects/bulk", {"items": []})
    alice.problem(422, "POST", "/prospects/bulk", {"items": {}})
    alice.problem(422, "POST", "/prospects/bulk", {"items": [{}], "policy": "guess"})


def test_the_same_bulk_again_with_its_key_answers_the_same(alice: Caller):
    body, headers = {"items": [{"email": "a@example.com"}]}, {"Idempotency-Key": "1"}

    first = alice.ok("POST", "/prospects/bulk", body, headers=headers)

    assert alice.ok("POST", "/prospects/bulk", body, headers=headers) == first
    assert first["counts"]["created"] == 1


# --- Lists ---


def test_prospects_enter_and_leave_a_list_by_id_and_by_address(alice: Caller):
    list_id = alice.ok("POST", "/lists", {"name": "Founders"}, status=201)["id"]
    ann, bob = make(alice)["id"], make(alice, email="bob@example.com")["id"]

    chosen = {"ids": [ann, "987654321", "x"], "emails": ["BOB@example.com", "none@example.com"]}
    added = alice.ok("POST", f"/lists/{list_id}/prospects", chosen)
    assert added == {"changed": 2, "unknown": ["987654321", "x", "none@example.com"]}
    assert alice.ok("POST", f"/lists/{list_id}/prospects", {"ids": [ann]})["changed"] == 0
    assert alice.ok("GET", f"/lists/{list_id}")["size"] == 2

    removed = alice.ok("DELETE", f"/lists/{list_id}/prospects", {"emails": ["ann@example.com"]})
    assert removed == {"changed": 1, "unknown": []}
    data = alice.ok("GET", f"/lists/{list_id}/prospects")["data"]
    assert [item["id"] for item in data] == [bob]


def test_a_list_is_made_renamed_and_deleted(alice: Caller):
    made = alice.ok("POST", "/lists", {"name": "Founders"}, status=201)
    make(alice, list_ids=[made["id"]])

    assert alice.ok("PATCH", f"/lists/{made['id']}", {"name": "Customers"})["size"] == 1
    assert alice.ok("PATCH", f"/lists/{made['id']}", {})["name"] == "Customers"
    alice.problem(409, "POST", "/lists", {"name": " customers"})
    alice.problem(422, "PATCH", f"/lists/{made['id']}", {"name": ""})
    assert [item["name"] for item in alice.ok("GET", "/lists")["data"]] == ["Customers"]
    alice.ok("DELETE", f"/lists/{made['id']}", status=204)
    assert len(alice.ok("GET", "/prospects")["data"]) == 1


# --- Fields ---


def test_fields_show_the_system_first_and_then_the_workspaces_own(alice: Caller):
    for kind in FieldType:
        alice.ok("POST", "/fields", {"name": f"A {kind.label}", "type": kind.value}, status=201)

    data = alice.ok("GET", "/fields")["data"]

    assert [item["key"] for item in data[:6]] == [
        "first_name",
        "last_name",
        "email",
        "phone",
        "company",
        "job_title",
    ]
    assert [item["type"] for item in data[6:]] == [kind.value for kind in FieldType]
    assert all(item["custom"] and item["mapping_key"] == f"custom.{item['key']}" for item in data[6:])


def test_a_field_is_made_changed_and_deleted(alice: Caller):
    body = {"name": "Colour", "type": "option", "options": ["Red", "Blue"]}
    key = alice.ok("POST", "/fields", body, status=201)["key"]
    prospect_id = make(alice, custom={key: "blue"})["id"]

    changed = alice.ok("PATCH", f"/fields/{key}", {"name": "Tint", "renames": {"Blue": "Navy"}})
    assert (changed["name"], changed["options"]) == ("Tint", ["Red", "Navy"])
    assert alice.ok("GET", f"/prospects/{prospect_id}")["custom"] == {key: "Navy"}
    alice.problem(422, "PATCH", f"/fields/{key}", {"options": ["Red"]})
    alice.problem(422, "PATCH", f"/fields/{key}", {"type": "text"})
    alice.problem(409, "POST", "/fields", {"name": "tint", "type": "text"})
    alice.ok("DELETE", f"/fields/{key}", status=204)
    assert alice.ok("GET", f"/prospects/{prospect_id}")["custom"] == {}
    alice.problem(404, "GET", f"/fields/{key}")
