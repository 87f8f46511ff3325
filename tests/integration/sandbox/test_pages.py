"""The pages: every form works without a script, and every text is made safe."""

import re

import pytest

from tests.integration.sandbox.conftest import found, subscribe


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/people",
        "/people/1",
        "/organizations",
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
    "path", ["/nix", "/people/99", "/people/x", "/people?company=5", "/static/../server.py", "/static/x.css"]
)
async def test_what_is_not_there_is_a_404_page(client, path):
    assert (await client.get(path, as_={})).status == 404


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


async def test_a_refused_form_says_why(client):
    reply = await client.form("/people", {"first_name": "", "last_name": ""}, as_={})

    assert reply.status == 400
    assert "Name must be given." in reply.text


async def test_names_are_made_safe(client):
    await client.patch("/api/v2/persons/1", {"name": "<script>x</script>"})
    await client.post("/api/v2/deals", {"title": "<img src=x>", "person_id": 1})
    await client.post("/v1/notes", {"content": "<b>bold</b>", "person_id": 1})

    for path in ("/people", "/people/1", "/deals", "/activities"):
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


async def test_an_activity_is_ticked_off(client):
    await client.form("/activities/1", {"done": "yes"}, as_={})

    assert (await client.get("/api/v2/activities/1")).data["done"] is True


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
