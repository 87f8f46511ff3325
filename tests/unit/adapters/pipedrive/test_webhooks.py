import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest

from tests.payloads import payload, payload_bytes
from tidegate.adapters.pipedrive.definitions import person_fields
from tidegate.adapters.pipedrive.webhooks import (
    check_genuine,
    plan_webhooks,
    read_delivery,
    wanted_webhooks,
    webhook_from,
)
from tidegate.core.records import EMAIL, FIRST_NAME
from tidegate.errors import Malformed, NotGenuine, NotHandled
from tidegate.ports import Webhook

URL = "https://tidegate.example/hooks/pipedrive/abc"
FIELDS = person_fields(payload("pipedrive/person_fields")["data"], [])


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def delivery(**meta) -> bytes:
    body = payload("pipedrive/webhook_person_change")
    body["meta"] |= meta
    body["meta"] = {key: value for key, value in body["meta"].items() if value is not ...}
    return json.dumps(body).encode()


def test_a_delivery_with_our_credentials_is_genuine():
    check_genuine(basic("tidegate", "pä:ss"), user="tidegate", password="pä:ss")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Bearer abc",
        basic("tidegate", "wrong"),
        basic("other", "s3cret"),
        "Basic ü",
    ],
)
def test_any_other_delivery_is_not(authorization):
    with pytest.raises(NotGenuine):
        check_genuine(authorization, user="tidegate", password="s3cret")


def test_a_change_tells_what_its_fields_held_before():
    code = "2" * 40
    (happening,) = read_delivery(payload_bytes("pipedrive/webhook_person_change"), FIELDS)
    assert happening.before is not None and happening.body is not None
    assert set(happening.before.values) == {code}
    assert happening.before.value(code) != happening.body.value(code)
    assert happening.before.id == "42"
    assert not happening.by_program


def test_an_earlier_name_is_read_as_the_whole_person_was():
    """`previous` holds the changed keys alone: by itself a first name would stand for the whole name."""
    body = payload("pipedrive/webhook_person_change")
    body["meta"]["change_source"] = "api"
    body["previous"] = {"name": "Augusta Lovelace", "first_name": "Augusta"}
    (happening,) = read_delivery(json.dumps(body).encode(), FIELDS)
    assert happening.before is not None
    assert happening.before.values == {FIRST_NAME: "Augusta"}
    assert happening.by_program


@pytest.mark.parametrize("previous", [None, {}, [], "x", {"nothing_known": 1}])
def test_a_change_without_earlier_values_tells_of_none(previous):
    body = payload("pipedrive/webhook_person_change")
    body["previous"] = previous
    (happening,) = read_delivery(json.dumps(body).encode(), FIELDS)
    assert happening.before is None or not happening.before.values


def test_a_change_tells_which_record_to_look_at():
    (happening,) = read_delivery(payload_bytes("pipedrive/webhook_person_change"), FIELDS)
    assert (happening.entity, happening.record_id, happening.action) == ("person", "42", "change")
    assert happening.event_id == "4f8e5e6a-6f1d-4c1b-9a57-0d5d2a2f9f11"
    assert (happening.actor_id, happening.company_id, happening.merged_into) == ("7", "123", None)
    assert happening.at == datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    assert happening.body is not None
    assert happening.body.value(EMAIL) == ("ada@engine.example", "ada@home.example")


def test_a_delete_after_a_merge_names_the_survivor():
    (happening,) = read_delivery(payload_bytes("pipedrive/webhook_person_merged_away"))
    assert (happening.action, happening.record_id, happening.merged_into) == ("delete", "43", "42")
    assert happening.body is None


def test_the_survivor_of_a_merge_tells_of_the_one_that_vanished():
    survivor, vanished = read_delivery(payload_bytes("pipedrive/webhook_person_merge_survivor"))
    assert (survivor.action, survivor.record_id, survivor.merged_into) == ("change", "42", None)
    assert (vanished.action, vanished.record_id, vanished.merged_into) == ("delete", "43", "42")
    assert survivor.event_id != vanished.event_id
    assert survivor.at == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_organization_comes_with_its_name():
    (happening,) = read_delivery(delivery(entity="organization"))
    assert happening.body is not None
    assert (happening.body.id, happening.body.name) == ("42", "Ada Lovelace")


@pytest.mark.parametrize("entity", ["user", "pipeline", "stage"])
def test_other_records_we_follow_come_without_a_body(entity):
    (happening,) = read_delivery(delivery(entity=entity))
    assert (happening.entity, happening.body) == (entity, None)


@pytest.mark.parametrize("entity", ["personField", "person_field", "personFields", "person-field"])
def test_a_changed_field_definition_is_told_whatever_its_event_is_called(entity):
    (happening,) = read_delivery(delivery(entity=entity, entity_id="a" * 40))
    assert happening.entity == "person_field"


@pytest.mark.parametrize("changes", [{"entity": "deal_installment"}, {"entity": "note"}, {"action": "sing"}])
def test_what_we_do_not_follow_is_not_handled(changes):
    with pytest.raises(NotHandled):
        read_delivery(delivery(**changes))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"meta": []}',
        b'{"current": {}, "event": "updated.person"}',
        delivery(id=...),
        delivery(entity=...),
        delivery(entity_id=...),
        delivery(entity_id=""),
        delivery(entity_id=True),
        delivery(entity_id="../users"),
        delivery(entity_id={"a": 1}),
        delivery(action=None),
        delivery(timestamp="soon"),
        delivery(timestamp=...),
    ],
)
def test_a_body_that_is_no_delivery_is_malformed(body):
    with pytest.raises(Malformed):
        read_delivery(body)


def existing(wanted, **changes) -> list[Webhook]:
    return [
        Webhook(
            **{
                "id": str(number),
                "url": request.url,
                "event_object": request.event_object,
                "event_action": request.event_action,
                "user": request.user,
                "password": request.password,
            }
            | changes
        )
        for number, request in enumerate(wanted)
    ]


WANTED = wanted_webhooks(URL, "tidegate", "s3cret")


def test_one_webhook_for_each_kind_of_record_is_wanted():
    assert [request.event_object for request in WANTED] == [
        "person",
        "organization",
        "user",
        "pipeline",
        "stage",
    ]
    assert {(request.url, request.event_action, request.user) for request in WANTED} == {
        (URL, "*", "tidegate")
    }
    assert "s3cret" not in repr(WANTED)


def test_at_first_all_are_created():
    assert plan_webhooks([], WANTED) == (WANTED, ())


def test_nothing_is_done_where_it_is_so_already():
    assert plan_webhooks(existing(WANTED), WANTED) == ((), ())


def test_webhooks_of_other_apps_are_left_alone():
    others = [
        Webhook("90", "https://other.example/in", "person", "*"),
        Webhook("91", "https://tidegate.example/", "*", "*"),
    ]
    assert plan_webhooks([*others, *existing(WANTED)], WANTED) == ((), ())


def test_a_second_webhook_for_the_same_is_litter():
    twice = [*existing(WANTED), Webhook("77", URL, "person", "*", password="s3cret", user="tidegate")]
    assert plan_webhooks(twice, WANTED) == ((), ("77",))


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"url": "https://old.example/hooks/pipedrive/abc"},
        {"password": "old"},
        {"event_action": "change"},
    ],
)
def test_one_that_no_longer_fits_is_made_anew(change):
    create, delete = plan_webhooks(existing(WANTED, **change), WANTED)
    assert create == WANTED
    assert delete == ("0", "1", "2", "3", "4")


def test_credentials_that_pipedrive_does_not_show_are_taken_to_be_right():
    assert plan_webhooks(existing(WANTED, user="", password=""), WANTED) == ((), ())


@pytest.mark.parametrize("present", range(2 ** len(WANTED)))
def test_carrying_out_the_plan_leaves_nothing_to_plan(present):
    there = [webhook for bit, webhook in enumerate(existing(WANTED)) if present & 1 << bit]
    create, delete = plan_webhooks(there, WANTED)
    after = [webhook for webhook in there if webhook.id not in delete]
    after += [Webhook(f"n{n}", r.url, r.event_object, r.event_action) for n, r in enumerate(create)]
    assert plan_webhooks(after, WANTED) == ((), ())


def test_the_list_tells_health_and_keeps_the_password_out_of_sight():
    ours, other = map(webhook_from, payload("pipedrive/webhooks")["data"])
    assert (ours.id, ours.is_active, ours.last_status, ours.user) == ("1", True, 200, "tidegate")
    assert ours.last_delivery_at == datetime(2026, 2, 25, 8, 25, 27, tzinfo=UTC)
    assert (other.is_active, other.remove_reason) == (False, "too many failures")
    assert "s3cret" not in repr(ours)
