"""Webhooks on the wire: what they say, when they come, and how long Pipedrive is patient."""

import asyncio
import base64

import pytest

from tests.integration.sandbox.conftest import PATIENCE, Client, subscribe
from tests.integration.sandbox.test_oauth import bearer, install

PERSONS = "/api/v2/persons"
META_KEYS = {
    "action",
    "entity",
    "entity_id",
    "company_id",
    "user_id",
    "webhook_id",
    "webhook_owner_id",
    "id",
    "correlation_id",
    "timestamp",
    "type",
    "version",
    "is_bulk_edit",
    "change_source",
    "attempt",
    "host",
    "permitted_user_ids",
}


async def test_a_write_is_told_at_once_with_ids_as_texts(client, hooks):
    webhook = await subscribe(client, hooks)

    person = (await client.post(PERSONS, {"name": "Ann"})).data
    await client.quiet()

    (event,) = hooks.received
    meta = event["meta"]
    assert set(meta) == META_KEYS
    assert (meta["action"], meta["entity"], meta["entity_id"]) == ("create", "person", str(person["id"]))
    assert (meta["webhook_id"], meta["user_id"], meta["attempt"]) == (str(webhook["id"]), "1", 1)
    assert (meta["change_source"], meta["version"], meta["type"]) == ("api", "2.0", "general")
    assert meta["permitted_user_ids"] == ["1", "2", "3"]
    assert meta["timestamp"].endswith("Z")
    assert event["data"]["id"] == person["id"]
    assert event["previous"] is None


async def test_a_change_carries_only_what_it_changed_in_previous(client, hooks):
    person = (await client.post(PERSONS, {"name": "Ann Bee"})).data
    await client.control("clock", {"advance": 5})
    await subscribe(client, hooks)

    await client.patch(f"{PERSONS}/{person['id']}", {"name": "Ann Cee"})
    await client.quiet()

    (event,) = hooks.received
    assert set(event["previous"]) == {"name", "last_name", "update_time"}
    assert event["data"]["last_name"] == "Cee"


async def test_custom_fields_come_as_typed_objects_all_of_them(client, hooks):
    fields = (await client.get("/api/v2/personFields?limit=500")).data
    source = next(one for one in fields if one["field_name"] == "Lead source")
    score = next(one for one in fields if one["field_name"] == "Lead score")
    custom = {one["field_code"] for one in fields if one["is_custom_field"]}
    await client.patch(f"{PERSONS}/1", {"custom_fields": {score["field_code"]: 1}})
    await subscribe(client, hooks)

    option = source["options"][0]["id"]
    given = {source["field_code"]: option, score["field_code"]: 2}
    await client.patch(f"{PERSONS}/1", {"custom_fields": given})
    await client.quiet()

    (event,) = hooks.received
    shown = event["data"]["custom_fields"]
    assert set(shown) == custom
    assert shown[source["field_code"]] == {"type": "enum", "id": option}
    assert shown[score["field_code"]] == {"type": "double", "value": 2}
    assert event["previous"]["custom_fields"][score["field_code"]] == {"type": "double", "value": 1}


async def test_a_delete_has_no_data_and_the_last_state_before_it(client, hooks):
    await subscribe(client, hooks, "delete", "person")

    await client.ask("DELETE", f"{PERSONS}/1")
    await client.quiet()

    (event,) = hooks.received
    assert event["data"] is None
    assert (event["previous"]["id"], event["previous"]["is_deleted"]) == (1, False)


async def test_each_entity_has_its_own_shape(client, hooks):
    await subscribe(client, hooks)
    await client.post(PERSONS, {"name": "Ann", "label_ids": [1]})
    await client.post("/api/v2/organizations", {"name": "O", "website": "https://o.example.com"})
    await client.post("/api/v2/deals", {"title": "D"})
    given = {"subject": "S", "due_time": "09:00", "duration": "01:00", "busy": True}
    await client.post("/api/v2/activities", given)
    await client.post("/api/v2/pipelines", {"name": "New P"})
    await client.post(
        "/api/v2/stages", {"name": "St", "pipeline_id": 1, "is_deal_rot_enabled": True, "days_to_rotten": 3}
    )
    await client.post("/v1/leads", {"title": "L", "organization_id": 1})
    await client.post("/v1/notes", {"content": "N", "person_id": 1})
    await client.quiet()

    data = {one["meta"]["entity"]: one["data"] for one in hooks.received}
    assert (data["person"]["visible_to"], data["person"]["label"]) == ("3", 1)
    assert data["organization"]["website"] == "https://o.example.com"
    assert data["deal"]["visible_to"] == "3" and "is_archived" in data["deal"]
    assert (data["activity"]["busy_flag"], data["activity"]["active_flag"]) == (True, True)
    assert data["activity"]["due_time"]["value"] == "09:00:00"
    assert data["activity"]["duration"]["value"] == "01:00:00"
    assert (data["pipeline"]["url_title"], data["pipeline"]["active_flag"]) == ("new-p", True)
    assert (data["stage"]["rotten_flag"], data["stage"]["rotten_days"]) == (True, 3)
    assert data["lead"]["organization_id"] == 1
    assert data["note"]["content"] == "N"


async def test_only_matching_events_are_sent(client, hooks):
    await subscribe(client, hooks, "change", "person")

    await client.post(PERSONS, {"name": "Ann"})
    await client.patch("/api/v2/organizations/1", {"name": "O"})
    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()

    assert hooks.told() == [("change", "person", "1")]


async def test_a_refused_write_is_not_told(client, hooks):
    await subscribe(client, hooks)

    await client.post(PERSONS, {"name": "Ann", "org_id": 99})
    await client.quiet()

    assert hooks.received == []


async def test_credentials_of_the_subscription_come_along(client, hooks):
    await subscribe(client, hooks, http_auth_user="u", http_auth_password="p")

    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()

    assert hooks.authorizations == ["Basic " + base64.b64encode(b"u:p").decode()]


async def test_an_edit_in_the_pages_is_an_app_change_and_a_bulk_edit_says_so(client, hooks):
    await subscribe(client, hooks)

    await client.form(
        f"/people/1?company={client.sandbox.state.companies()[0]['id']}", {"first_name": "Eve"}, as_={}
    )
    await client.control("actions/edit_persons", {"ids": [2, 3], "changes": {"owner_id": 2}})
    await client.quiet()

    told = sorted(
        (one["meta"]["entity_id"], one["meta"]["change_source"], one["meta"]["is_bulk_edit"])
        for one in hooks.received
    )
    assert told == [("1", "app", False), ("2", "app", True), ("3", "app", True)]


async def test_a_merge_says_where_each_went(client, hooks):
    await subscribe(client, hooks, "*", "person")

    await client.ask("PUT", "/v1/persons/1/merge", {"merge_with_id": 2})
    await client.quiet()

    told = {one["meta"]["action"]: one for one in hooks.received}
    assert told["delete"]["meta"]["merged_to_id"] == "2"
    assert told["delete"]["data"] is None
    assert told["change"]["meta"]["merged_from_id"] == "1"
    assert told["change"]["data"]["id"] == 2


async def test_a_webhook_sees_what_its_user_sees(client, hooks):
    await subscribe(client, hooks, user_id=2)

    await client.post(PERSONS, {"name": "Hidden", "visible_to": 1})
    await client.post(PERSONS, {"name": "Shown"})
    await client.quiet()

    assert [one["data"]["name"] for one in hooks.received] == ["Shown"]


async def test_a_failed_delivery_is_tried_four_times_after_3_30_and_150_seconds(client, hooks):
    await subscribe(client, hooks)
    hooks.statuses = [500] * 10

    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()
    attempts = [len(hooks.received)]
    for seconds in (2, 1.5, 28, 3, 148, 3, 1000):
        await client.advance(seconds)
        attempts.append(len(hooks.received))

    assert attempts == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [one["meta"]["attempt"] for one in hooks.received] == [1, 2, 3, 4]
    assert len({one["meta"]["id"] for one in hooks.received}) == 4
    assert len({one["meta"]["correlation_id"] for one in hooks.received}) == 1


async def test_the_event_id_can_stay_the_same_over_retries(client, hooks):
    await client.control("switches", {"webhook_new_id_on_retry": False})
    await subscribe(client, hooks)
    hooks.statuses = [500]

    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()
    await client.advance(4)

    assert len(hooks.received) == 2
    assert len({one["meta"]["id"] for one in hooks.received}) == 1


@pytest.mark.parametrize("status", [201, 204, 299])
async def test_any_2xx_is_a_success(client, hooks, status):
    await subscribe(client, hooks)
    hooks.statuses = [status]

    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()
    await client.advance(200)

    assert len(hooks.received) == 1


async def test_a_redirect_is_a_failure(client, hooks):
    await subscribe(client, hooks)
    hooks.statuses = [302]

    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()

    assert client.sandbox.deliveries.waiting() == 1


async def test_an_answer_later_than_ten_seconds_counts_as_none(client, hooks):
    await subscribe(client, hooks)
    hooks.hanging = True

    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await asyncio.wait_for(hooks.arrived.wait(), PATIENCE)
    await client.advance(10.5)
    hooks.hanging = False
    await client.advance(3)

    assert [one["meta"]["attempt"] for one in hooks.received] == [1, 2]


async def fail(client, hooks, events):
    """So many events whose every attempt fails."""
    hooks.statuses = [500] * events * 4
    for number in range(events):
        await client.patch(f"{PERSONS}/1", {"name": f"Eve {number}"})
    await client.quiet()


async def test_after_ten_failed_first_attempts_events_are_lost_for_half_an_hour(client, hooks):
    await subscribe(client, hooks)
    await fail(client, hooks, 10)
    for seconds in (4, 31, 151):
        await client.advance(seconds)
    hooks.statuses.clear()
    hooks.received.clear()

    await client.patch(f"{PERSONS}/2", {"name": "Lost"})
    await client.quiet()
    assert hooks.received == []

    await client.advance(30 * 60)
    await client.patch(f"{PERSONS}/2", {"name": "Told"})
    await client.quiet()
    assert [one["data"]["name"] for one in hooks.received] == ["Told"]


async def test_nine_failures_are_forgiven_only_where_a_success_resets_them(client, hooks):
    await client.control("switches", {"webhook_success_resets_failures": True})
    await subscribe(client, hooks)
    await fail(client, hooks, 9)
    hooks.statuses.clear()
    await client.patch(f"{PERSONS}/1", {"name": "Success"})
    await client.quiet()
    await fail(client, hooks, 1)
    hooks.statuses.clear()
    hooks.received.clear()

    await client.patch(f"{PERSONS}/2", {"name": "Told"})
    await client.quiet()

    assert hooks.told() == [("change", "person", "2")]


async def test_after_three_days_without_success_the_webhook_is_gone(client, hooks):
    await subscribe(client, hooks)
    await fail(client, hooks, 1)
    for seconds in (4, 31, 151):
        await client.advance(seconds)
    await client.advance(2 * 86_400)
    assert len((await client.get("/v1/webhooks")).data) == 1

    await client.advance(86_400)

    assert (await client.get("/v1/webhooks")).data == []


async def test_deliveries_survive_a_restart(tmp_path, hooks):
    import aiohttp

    from pipedrive_sandbox.sandbox import Sandbox
    from pipedrive_sandbox.server import serve

    async def running(path):
        sandbox = Sandbox(str(path))
        runner, port = await serve(sandbox, "127.0.0.1", 0)
        return sandbox, runner, port

    async with aiohttp.ClientSession() as session:
        sandbox, runner, port = await running(tmp_path / "state")
        client = Client(session, f"http://127.0.0.1:{port}", sandbox)
        client.headers["x-api-token"] = (await client.control("seed", {"persons": 2}))["api_token"]
        await subscribe(client, hooks)
        hooks.statuses = [500]
        await client.patch(f"{PERSONS}/1", {"name": "Eve"})
        await client.quiet()
        await runner.cleanup()
        await sandbox.stop()

        sandbox, runner, port = await running(tmp_path / "state")
        client = Client(session, f"http://127.0.0.1:{port}", sandbox, client.headers)
        await client.advance(4)
        spent = (await client.control("limits", method="GET"))["companies"][0]["spent"]
        await runner.cleanup()
        await sandbox.stop()

    assert [one["meta"]["attempt"] for one in hooks.received] == [1, 2]
    assert spent == 15


async def test_deliveries_can_come_twice_late_or_never(client, hooks):
    await subscribe(client, hooks)

    await client.control("switches", {"webhook_duplicate": 1})
    await client.patch(f"{PERSONS}/1", {"name": "Twice"})
    await client.quiet()
    assert len(hooks.received) == 2

    await client.control("switches", {"webhook_duplicate": 0, "webhook_delay": 60})
    await client.patch(f"{PERSONS}/1", {"name": "Late"})
    await client.quiet()
    assert len(hooks.received) == 2
    await client.advance(61)
    assert len(hooks.received) == 3

    await client.control("switches", {"webhook_delay": 0, "webhook_drop": 1})
    await client.patch(f"{PERSONS}/1", {"name": "Never"})
    await client.quiet()
    assert len(hooks.received) == 3


async def test_deliveries_can_leave_in_another_order(client, hooks):
    await subscribe(client, hooks)
    await client.control("switches", {"webhook_shuffle": True, "webhook_delay": 1})
    for number in range(20):
        await client.patch(f"{PERSONS}/1", {"name": f"N {number}"})

    await client.advance(2)

    names = [one["data"]["name"] for one in hooks.received]
    assert sorted(names) == sorted(f"N {number}" for number in range(20))
    assert names != [f"N {number}" for number in range(20)]


BAD = [
    ({"subscription_url": "ftp://example.com"}, "subscription_url"),
    ({"subscription_url": "http://example.com/hook"}, "subscription_url"),
    ({"subscription_url": "https://api.pipedrive.com/v1"}, "subscription_url"),
    ({"subscription_url": "nonsense"}, "subscription_url"),
    ({"event_action": "added"}, "event_action"),
    ({"event_object": "activityType"}, "event_object"),
    ({"name": ""}, "name"),
    ({"name": "x" * 256}, "name"),
    ({"user_id": 99}, "user_id"),
    ({"version": "3.0"}, "version"),
    ({"version": "1.0"}, "version"),
]


@pytest.mark.parametrize(("wrong", "key"), BAD, ids=str)
async def test_a_bad_subscription_is_refused_by_key(client, hooks, wrong, key):
    given = {"subscription_url": hooks.address, "event_action": "*", "event_object": "*", "name": "N"}

    reply = await client.post("/v1/webhooks", {**given, **wrong})

    assert reply.status == 400
    assert (reply.body["status"], list(reply.body["errors"])) == ("error", [key])


async def test_the_forty_first_webhook_is_refused(client, hooks):
    await client.control("limits", {"burst": False})
    for _ in range(40):
        await subscribe(client, hooks)

    given = {"subscription_url": hooks.address, "event_action": "*", "event_object": "*", "name": "N"}
    assert (await client.post("/v1/webhooks", given)).status == 422


async def test_deleting_ends_deliveries_and_a_second_time_is_404(client, hooks):
    number = (await subscribe(client, hooks))["id"]

    deleted = await client.ask("DELETE", f"/v1/webhooks/{number}")
    again = await client.ask("DELETE", f"/v1/webhooks/{number}")
    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()

    assert deleted.body == {"status": "ok", "success": True}
    assert (again.status, again.body["errors"]) == (404, {"id": ["not found"]})
    assert hooks.received == []


async def test_an_apps_webhooks_are_its_own(client, hooks):
    app = Client(client.session, client.base, client.sandbox, bearer(await install(client)))
    own, apps = await subscribe(client, hooks), await subscribe(app, hooks)

    assert apps["type"] == "application"
    assert [one["id"] for one in (await client.get("/v1/webhooks")).data] == [own["id"]]
    assert [one["id"] for one in (await app.get("/v1/webhooks")).data] == [apps["id"]]
    assert (await client.ask("DELETE", f"/v1/webhooks/{apps['id']}")).status == 404


async def test_the_address_is_probed_unless_the_switch_says_not(client, hooks):
    given = {
        "subscription_url": "http://127.0.0.1:1/x",
        "event_action": "*",
        "event_object": "*",
        "name": "N",
    }

    assert (await client.post("/v1/webhooks", given)).status == 400
    assert (await client.post("/v1/webhooks", {**given, "subscription_url": hooks.address})).status == 201
    await client.control("switches", {"webhook_probe": False})
    assert (await client.post("/v1/webhooks", given)).status == 201


async def test_the_list_shows_the_last_delivery(client, hooks):
    await subscribe(client, hooks)
    hooks.statuses = [503]
    await client.patch(f"{PERSONS}/1", {"name": "Eve"})
    await client.quiet()

    (webhook,) = (await client.get("/v1/webhooks")).data

    assert webhook["last_http_status"] == 503
    assert webhook["last_delivery_time"]
    assert webhook["is_active"] == 1
