"""The pages: every form works without a script, and every text is made safe."""

import re

import pytest

from tests.integration.sandbox.conftest import found, subscribe
from tests.integration.sandbox.test_oauth import bearer, install


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/people",
        "/people/1",
        "/organizations",
        "/organizations/1",
        "/activities",
        "/deals",
        "/deliveries",
        "/calls",
        "/people?q=x",
    ],
)
async def test_each_page_says_that_it_is_a_sandbox(client, path):
    reply = await client.get(path, as_={})

    assert reply.status == 200
    assert "SANDBOX" in reply.text
    assert "Northlight Studio" in reply.text


@pytest.mark.parametrize(
    "path",
    [
        "/nix",
        "/people/99",
        "/people/x",
        "/organizations/99",
        "/people?company=5",
        "/static/../server.py",
        "/static/x.css",
    ],
)
async def test_what_is_not_there_is_a_404_page(client, path):
    assert (await client.get(path, as_={})).status == 404


@pytest.mark.parametrize("path", ["people", "organizations", "activities"])
@pytest.mark.parametrize("start", ["9" * 30, "-1", "x", "²"])
async def test_a_place_in_a_list_that_does_not_exist_is_no_error(client, path, start):
    assert (await client.get(f"/{path}?start={start}", as_={})).status == 200


async def test_people_are_found_by_name_and_address(client):
    await client.patch("/api/v2/persons/2", {"name": "Zed Unusual", "emails": [{"value": "zz@example.com"}]})

    for term in ("unusual", "ZZ@example"):
        page = (await client.get("/people", params={"q": term}, as_={})).text
        assert "Zed Unusual" in page
        assert "1 people" in page


async def test_a_form_changes_what_it_names_and_leaves_the_rest(client, hooks):
    await subscribe(client, hooks)
    before = (await client.get("/api/v2/persons/1")).data

    reply = await client.form("/people/1", {"emails": "new@example.com, old@example.com"}, as_={})
    await client.quiet()

    after = (await client.get("/api/v2/persons/1")).data
    assert reply.status == 303
    assert [one["value"] for one in after["emails"]] == ["new@example.com", "old@example.com"]
    assert after["name"] == before["name"]
    assert hooks.told() == [("change", "person", "1")]


async def test_the_form_as_it_stands_changes_nothing(client):
    fields = (await client.get("/api/v2/personFields?limit=500")).data
    interests = next(one for one in fields if one["field_name"] == "Interests")
    chosen = [one["id"] for one in interests["options"][:2]]
    await client.patch("/api/v2/persons/1", {"custom_fields": {interests["field_code"]: chosen}})
    before = (await client.get("/api/v2/persons/1")).data
    page = (await client.get("/people/1", as_={})).text
    form = re.findall(r'<input class=input id="(\w+)"[^>]* value="([^"]*)"', page)
    for name, options in re.findall(r'<select class=select id="(\w+)"[^>]*>(.*?)</select>', page, re.S):
        form += [(name, value) for value in re.findall(r'value="(\d*)" selected', options)]

    await client.ask("POST", "/people/1", data=form, as_={})

    after = (await client.get("/api/v2/persons/1")).data
    assert {key: after[key] for key in after if key != "update_time"} == {
        key: before[key] for key in before if key != "update_time"
    }


async def test_a_person_is_added_and_deleted(client):
    added = await client.form("/people", {"first_name": "Ann", "last_name": "Bee"}, as_={})
    number = found(r"/people/(\d+)", added.headers["Location"])
    await client.form(f"/people/{number}/delete", {}, as_={})

    assert (await client.get(f"/api/v2/persons/{number}")).data["is_deleted"] is True


@pytest.mark.parametrize(
    ("switch", "told"),
    [("change", [("change", "person", "1")]), ("create", [("create", "person", "1")]), ("silent", [])],
)
async def test_a_deleted_person_is_restored_on_its_page_and_tells_it_as_the_switch_says(
    client, hooks, switch, told
):
    await client.control("switches", {"webhook_restore": switch})
    await client.ask("DELETE", "/api/v2/persons/1")
    await subscribe(client, hooks)

    page = (await client.get("/people/1", as_={})).text
    await client.form("/people/1/restore", {}, as_={})
    await client.quiet()

    assert "Restore this person" in page and "Delete this person" not in page
    assert (await client.get("/api/v2/persons/1")).data["is_deleted"] is False
    assert 1 in [one["id"] for one in (await client.get("/api/v2/persons")).data]
    assert hooks.told() == told
    assert (await client.form("/people/1/restore", {}, as_={})).status == 400


async def test_a_refused_form_says_why(client):
    reply = await client.form("/people", {"first_name": "", "last_name": ""}, as_={})

    assert reply.status == 400
    assert "Name must be given." in reply.text


async def test_names_are_made_safe(client):
    await client.patch("/api/v2/persons/1", {"name": "<script>x</script>"})
    await client.post("/api/v2/deals", {"title": "<img src=x>", "person_id": 1})
    await client.post("/v1/notes", {"content": "<b>bold</b>", "person_id": 1})

    for path in ("/people", "/people/1", "/deals", "/activities", "/organizations", "/organizations/1"):
        page = (await client.get(path, as_={})).text
        assert "<script>x" not in page
        assert "<img" not in page
        assert "<b>bold" not in page


async def test_a_deal_moves_and_ends_by_form(client, hooks):
    number = (await client.post("/api/v2/deals", {"title": "Mine"})).data["id"]
    await subscribe(client, hooks)

    await client.form(f"/deals/{number}", {"stage_id": "3"}, as_={})
    moved = (await client.get(f"/api/v2/deals/{number}")).data
    await client.form(f"/deals/{number}", {"status": "won", "stage_id": "3"}, as_={})
    won = (await client.get(f"/api/v2/deals/{number}")).data
    await client.quiet()

    assert (moved["stage_id"], won["status"]) == (3, "won")
    assert {one["meta"]["change_source"] for one in hooks.received} == {"app"}
    assert "Mine" not in (await client.get("/deals", as_={})).text


async def test_a_deal_is_put_away_and_deleted_by_form(client):
    first, second = [(await client.post("/api/v2/deals", {"title": title})).data["id"] for title in "AB"]

    await client.form(f"/deals/{first}", {"archive": "yes"}, as_={})
    await client.form(f"/deals/{second}", {"delete": "yes"}, as_={})

    archived = (await client.get("/api/v2/deals/archived")).data
    deleted = (await client.get("/api/v2/deals", params={"status": "deleted"})).data
    assert ([one["id"] for one in archived], [one["id"] for one in deleted]) == ([first], [second])


async def test_the_board_adds_up_what_is_open_and_says_what_is_next(client):
    pipeline = (await client.post("/api/v2/pipelines", {"name": "Partners"})).data["id"]
    stage = (await client.post("/api/v2/stages", {"name": "Talking", "pipeline_id": pipeline})).data["id"]
    for value, status in ((1200, "open"), (700.5, "open"), (900, "won")):
        deal = {"title": f"Worth {value}", "value": value, "stage_id": stage, "status": status}
        made = (await client.post("/api/v2/deals", deal)).data["id"]
        if value == 1200:
            late = {"subject": "Call them", "deal_id": made, "due_date": "2026-01-31"}
            await client.post("/api/v2/activities", late)

    page = (await client.get(f"/deals?pipeline={pipeline}", as_={})).text

    assert "2 open deals, 1,900.50 EUR" in page
    assert "1,200 EUR, Maja" in page
    assert "Call them, 31 Jan" in page
    assert "No activity planned" in page
    assert "Worth 900" not in page


async def test_the_newest_changes_name_who_made_them(client):
    as_app = bearer(await install(client))
    await client.patch("/api/v2/persons/2", {"name": "By hand"})
    await client.patch("/api/v2/persons/3", {"name": "By the app"}, as_=as_app)

    page = (await client.get("/deals", as_={})).text

    assert re.search(r"By hand</a>.{0,80}Maja Lindqvist, \d+ s ago", page)
    assert re.search(r"By the app</a>.{0,80}An app, \d+ s ago", page)
    assert "Sample data" in page


async def test_what_hangs_on_a_person_is_added_by_form(client, hooks):
    number = (await client.post("/api/v2/persons", {"name": "Ann Bee"})).data["id"]
    await subscribe(client, hooks)
    base = f"/people/{number}"

    await client.form(
        f"{base}/activities", {"subject": "Call", "type": "call", "due_date": "2026-12-01"}, as_={}
    )
    await client.form(f"{base}/deals", {"title": "A crane", "stage_id": "2", "value": "1200"}, as_={})
    await client.form(f"{base}/notes", {"content": "Tall"}, as_={})
    await client.quiet()

    page = (await client.get(base, as_={})).text
    deal = (await client.get("/api/v2/deals", params={"person_id": number})).data[0]
    assert (deal["title"], deal["stage_id"], deal["value"]) == ("A crane", 2, 1200)
    assert "1 Dec" in page and "A crane" in page and "Tall" in page
    assert {(one["meta"]["entity"], one["meta"]["change_source"]) for one in hooks.received} == {
        ("activity", "app"),
        ("deal", "app"),
        ("note", "app"),
    }


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("activities", {"subject": "x", "type": "nonsense"}),
        ("activities", {"subject": "x", "type": "call", "due_date": "31.1.2026"}),
        ("deals", {"title": ""}),
        ("deals", {"title": "A", "value": "much"}),
        ("deals", {"title": "A", "value": "nan"}),
        ("deals", {"title": "A", "value": "1e999"}),
        ("notes", {"content": ""}),
        ("merge", {"merge_with_id": ""}),
        ("merge", {"merge_with_id": "²"}),
        ("merge", {"merge_with_id": "1"}),
    ],
)
async def test_a_form_that_makes_no_sense_is_refused_with_words(client, action, form):
    reply = await client.form(f"/people/1/{action}", form, as_={})

    assert reply.status == 400
    assert "That was refused" in reply.text


async def test_one_person_is_merged_into_another_by_form(client):
    reply = await client.form("/people/2/merge", {"merge_with_id": "1"}, as_={})

    assert reply.headers["Location"].startswith("/people/1?")
    assert (await client.get("/api/v2/persons/2")).data["is_deleted"] is True


async def test_an_organization_is_added_changed_and_deleted_by_form(client):
    added = await client.form("/organizations", {"name": "Acme", "address": "Bergen"}, as_={})
    number = found(r"/organizations/(\d+)", added.headers["Location"])
    await client.form(
        f"/organizations/{number}", {"name": "Acme AS", "address": "", "website": "acme.example"}, as_={}
    )
    after = (await client.get(f"/api/v2/organizations/{number}")).data
    await client.form(f"/organizations/{number}/delete", {}, as_={})

    assert (after["name"], after.get("address"), after["website"]) == ("Acme AS", None, "acme.example")
    assert (await client.get(f"/api/v2/organizations/{number}")).data["is_deleted"] is True


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [("/people/1", "/people/1?"), ("//elsewhere.example", "/activities?"), ("", "/activities?")],
)
async def test_an_activity_is_ticked_off_and_leads_back_to_its_page(client, back, leads_to):
    reply = await client.form(f"/activities/1?back={back}", {"done": "yes"}, as_={})

    assert (await client.get("/api/v2/activities/1")).data["done"] is True
    assert reply.headers["Location"].startswith(leads_to)


async def test_the_style_sheet_and_the_script_are_served(client):
    for name, kind in (("sandbox.css", "text/css"), ("board.js", "text/javascript")):
        reply = await client.get(f"/static/{name}", as_={})
        assert reply.headers["Content-Type"].startswith(kind)


async def test_an_empty_sandbox_says_how_to_seed_it(client):
    await client.control("reset", {})

    reply = await client.get("/", as_={})

    assert reply.status == 404
    assert "/_sandbox/seed" in reply.text


async def test_a_fault_is_chosen_and_taken_back_on_the_board(client):
    await client.form("/trouble", {"fault": "down"}, as_={})
    down = await client.get("/api/v2/persons")
    page = (await client.get("/deals", as_={})).text
    await client.form("/trouble", {"fault": "none"}, as_={})

    assert down.status == 503
    assert '<option value="down" selected>' in page
    assert (await client.get("/api/v2/persons")).status == 200


async def test_the_budget_can_be_used_up_on_the_board(client):
    await client.form("/trouble", {"fault": "budget"}, as_={})

    assert (await client.get("/v1/users/me")).status == 429


async def test_resetting_brings_the_seeded_company_back_with_the_same_tokens(client):
    before = (await client.get("/api/v2/persons")).data
    await client.ask("DELETE", "/api/v2/persons/1")
    await client.post("/api/v2/persons", {"name": "Ann"})

    assert "Reset the data?" in (await client.get("/reset", as_={})).text
    await client.form("/reset", {}, as_={})

    after = (await client.get("/api/v2/persons")).data
    assert [one["emails"] for one in after] == [one["emails"] for one in before]
