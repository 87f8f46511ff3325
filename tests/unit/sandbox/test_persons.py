"""Persons in API v2."""

from typing import Any

import pytest

from tests.unit.sandbox.conftest import data, error

PERSONS = "/api/v2/persons"
KEYS = [
    "id",
    "name",
    "first_name",
    "last_name",
    "owner_id",
    "org_id",
    "add_time",
    "update_time",
    "emails",
    "phones",
    "is_deleted",
    "visible_to",
    "label_ids",
    "picture_id",
    "custom_fields",
]


def test_a_person_has_exactly_the_documented_keys(ask, state):
    state.switches.set("empty_fields", "null")

    person = data(ask("POST", PERSONS, {"name": "Ann Bee"}))

    assert list(person) == KEYS
    assert person["owner_id"] == 1
    assert person["org_id"] is None
    assert person["add_time"].endswith("Z")


def test_every_custom_field_is_in_the_answer_empty_ones_as_null(ask, seeder):
    person = data(ask("POST", PERSONS, {"name": "Ann"}))

    codes = {code for name, code in seeder.codes.items() if name.startswith("person.")}
    assert set(person["custom_fields"]) == codes
    assert set(person["custom_fields"].values()) == {None}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"name": "Ann Bee"}, ("Ann Bee", "Ann", "Bee")),
        ({"name": " Ann van Bee "}, ("Ann van Bee", "Ann", "van Bee")),
        ({"name": "Cher"}, ("Cher", "Cher", None)),
        ({"first_name": "Ann", "last_name": "Bee"}, ("Ann Bee", "Ann", "Bee")),
        ({"first_name": None, "last_name": "Bee"}, ("Bee", None, "Bee")),
    ],
)
def test_names_follow_from_each_other(ask, given, names):
    person = data(ask("POST", PERSONS, given))

    assert (person["name"], person.get("first_name"), person.get("last_name")) == names


def test_a_changed_first_name_changes_the_name(ask):
    number = data(ask("POST", PERSONS, {"name": "Ann Bee"}))["id"]

    person = data(ask("PATCH", f"{PERSONS}/{number}", {"first_name": "Eve"}))

    assert person["name"] == "Eve Bee"


def test_a_person_needs_a_name(ask):
    assert error(ask("POST", PERSONS, {})) == "Name must be given."


def test_name_and_first_name_together_are_refused(ask):
    given = {"name": "Ann", "first_name": "Ann"}

    assert (
        error(ask("POST", PERSONS, given))
        == "Cannot set 'name' and 'first_name'/'last_name' at the same time"
    )


BAD_BODIES = [
    ({"foo": 1}, "foo: Parameter 'foo' is not allowed for this request"),
    ({"org_id": "3"}, "org_id: The value is not a valid 'integer'"),
    ({"org_id": 99}, "org_id: The organization '99' does not exist or is not accessible"),
    ({"owner_id": None}, "owner_id: The value is not a valid 'integer'"),
    ({"owner_id": True}, "owner_id: The value is not a valid 'integer'"),
    ({"name": None}, "name: The value is not a valid 'string'"),
    ({"name": "x" * 256}, "name: The value must not be longer than 255 characters"),
    ({"emails": "a@b.c"}, "emails: The value is not a valid 'array'"),
    ({"emails": ["a@b.c"]}, "emails: The value is not a valid 'object'"),
    ({"emails": [{"value": "a", "primary": 1}]}, "emails: primary: The value is not a valid 'boolean'"),
    ({"emails": [{"label": "work"}]}, "emails: value: Required parameter is missing"),
    ({"label_ids": [99]}, "label_ids: Label '99' does not exist"),
    ({"visible_to": 7}, "visible_to: The value must be one of: 1, 3"),
    ({"visible_to": "3"}, "visible_to: The value is not a valid 'integer'"),
    ({"is_deleted": True}, "is_deleted: Parameter 'is_deleted' is not allowed for this request"),
    ({"add_time": "2026-01-01T00:00:00Z"}, "add_time: Parameter 'add_time' is not allowed for this request"),
    ({"custom_fields": []}, "custom_fields: The value is not a valid 'object'"),
    ({"custom_fields": {"nix": 1}}, "custom_fields: Unknown key 'nix'"),
]


@pytest.mark.parametrize(("body", "complaint"), BAD_BODIES, ids=str)
def test_a_body_that_breaks_the_schema_is_named_key_by_key(ask, body, complaint):
    answer = ask("PATCH", f"{PERSONS}/1", body)

    assert answer.status == 400
    assert error(answer) == f"Validation failed: {complaint}"
    assert answer.body["code"] == "ERR_SCHEMA_VALIDATION_FAILED"


def test_all_faults_are_told_at_once(ask):
    text = error(ask("PATCH", f"{PERSONS}/1", {"a": 1, "org_id": "3"}))

    assert text == (
        "Validation failed: a: Parameter 'a' is not allowed for this request; "
        "org_id: The value is not a valid 'integer'"
    )


def test_a_body_that_is_no_object_is_refused(ask):
    assert ask("POST", PERSONS, [1]).status == 400


def test_a_patch_of_emails_replaces_the_list(ask):
    number = data(
        ask("POST", PERSONS, {"name": "Ann", "emails": [{"value": "a@example.com"}, {"value": "b"}]})
    )["id"]

    person = data(
        ask("PATCH", f"{PERSONS}/{number}", {"emails": [{"value": "c@example.com", "label": "home"}]})
    )

    assert person["emails"] == [{"value": "c@example.com", "primary": True, "label": "home"}]


def test_the_first_email_is_primary_when_none_is_marked(ask):
    person = data(ask("POST", PERSONS, {"name": "Ann", "emails": [{"value": "a"}, {"value": "b"}]}))

    assert [item["primary"] for item in person["emails"]] == [True, False]
    assert {item["label"] for item in person["emails"]} == {"work"}


def test_of_two_primaries_the_last_wins_unless_the_switch_refuses(ask, state):
    given = {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]}

    person = data(ask("PATCH", f"{PERSONS}/1", given))
    state.switches.set("two_primaries", "refuse")

    assert [item["primary"] for item in person["emails"]] == [False, True]
    assert ask("PATCH", f"{PERSONS}/1", given).status == 400


def test_addresses_are_kept_in_lower_case_unless_the_switch_says_not(ask, state):
    given = {"emails": [{"value": "Ann@Example.com"}]}

    assert data(ask("PATCH", f"{PERSONS}/1", given))["emails"][0]["value"] == "ann@example.com"
    state.switches.set("lower_case_emails", False)
    assert data(ask("PATCH", f"{PERSONS}/1", given))["emails"][0]["value"] == "Ann@Example.com"


def test_two_persons_may_share_an_email(ask):
    given = {"name": "Ann", "emails": [{"value": "same@example.com"}]}

    first, second = data(ask("POST", PERSONS, given)), data(ask("POST", PERSONS, given))

    assert first["id"] != second["id"]


def test_contact_sync_fields_need_contact_sync(ask, account):
    assert ask("PATCH", f"{PERSONS}/1", {"job_title": "Boss"}).status == 403

    account.company["contact_sync"] = True
    person = data(ask("PATCH", f"{PERSONS}/1", {"job_title": "Boss", "im": [{"value": "x"}]}))

    assert person["job_title"] == "Boss"
    assert person["im"] == [{"value": "x", "primary": True, "label": "work"}]


def with_email(ask, **given):
    return data(ask("POST", PERSONS, {"name": "Ann", "emails": [{"value": "ann@example.com"}], **given}))


def marketing_status(ask, number):
    return data(ask("GET", f"{PERSONS}/{number}", include_fields="marketing_status"))["marketing_status"]


def test_a_marketing_status_can_be_changed_once_and_later_tries_are_passed_over(ask, account):
    account.company["campaigns"] = True
    number = with_email(ask)["id"]

    answers = [
        data(ask("PATCH", f"{PERSONS}/{number}", {"marketing_status": status}))["marketing_status"]
        for status in ("subscribed", "unsubscribed")
    ]

    assert answers == ["subscribed", "subscribed"]
    assert marketing_status(ask, number) == "subscribed"


def test_a_person_made_as_subscribed_has_its_one_change_left(ask, account):
    account.company["campaigns"] = True
    person = with_email(ask, marketing_status="subscribed")

    answer = data(ask("PATCH", f"{PERSONS}/{person['id']}", {"marketing_status": "unsubscribed"}))

    assert (person["marketing_status"], answer["marketing_status"]) == ("subscribed", "unsubscribed")


@pytest.mark.parametrize("emails", [[], [{"value": "not an address"}]])
def test_without_a_valid_email_the_marketing_status_is_not_set(ask, account, emails):
    account.company["campaigns"] = True
    person = with_email(ask, emails=emails, marketing_status="subscribed")

    changed = data(ask("PATCH", f"{PERSONS}/{person['id']}", {"marketing_status": "subscribed"}))

    assert (person["marketing_status"], changed["marketing_status"]) == ("no_consent", "no_consent")


def test_without_campaigns_there_is_no_marketing_status(ask):
    assert "marketing_status" not in with_email(ask)
    assert ask("PATCH", f"{PERSONS}/1", {"marketing_status": "subscribed"}).status == 403
    assert ask("GET", f"{PERSONS}/1", include_fields="marketing_status").status == 200


def test_custom_fields_are_set_and_cleared(ask, seeder):
    code = seeder.codes["person.Lead score"]

    person = data(ask("PATCH", f"{PERSONS}/1", {"custom_fields": {code: 4.5}}))
    cleared = data(ask("PATCH", f"{PERSONS}/1", {"custom_fields": {code: None}}))

    assert person["custom_fields"][code] == 4.5
    assert cleared["custom_fields"][code] is None


def test_a_bad_custom_value_names_the_field(ask, seeder, state):
    code = seeder.codes["person.Lead score"]

    answer = ask("PATCH", f"{PERSONS}/1", {"custom_fields": {code: "4.5"}})
    state.switches.set("field_code_in_errors", False)
    plain = ask("PATCH", f"{PERSONS}/1", {"custom_fields": {code: "4.5"}})

    assert "Expected 'number' as value" in error(answer)
    assert answer.body["field_code"] == code
    assert "field_code" not in plain.body


def test_custom_fields_nested_too_deep_are_a_server_error_as_at_pipedrive(ask, state):
    given: dict[str, Any] = {"custom_fields": {"custom_fields": {}}}

    assert ask("PATCH", f"{PERSONS}/1", given).status == 500
    state.switches.set("nested_custom_fields", "refuse")
    assert ask("PATCH", f"{PERSONS}/1", given).status == 400


def test_deleting_hides_a_person_from_lists_but_keeps_the_record(ask):
    assert data(ask("DELETE", f"{PERSONS}/1")) == {"id": 1}

    listed = data(ask("GET", PERSONS))
    person = data(ask("GET", f"{PERSONS}/1"))

    assert 1 not in [one["id"] for one in listed]
    assert person["is_deleted"] is True
    assert person["update_time"] > person["add_time"]


@pytest.mark.parametrize(("choice", "status"), [("found", 200), ("not_found", 404), ("gone", 410)])
def test_reading_a_deleted_person_follows_the_switch(ask, state, choice, status):
    ask("DELETE", f"{PERSONS}/1")

    state.switches.set("deleted_record_by_id", choice)

    assert ask("GET", f"{PERSONS}/1").status == status


def test_thirty_days_after_its_deletion_a_person_is_gone_for_good(ask, state):
    ask("DELETE", f"{PERSONS}/1")

    state.clock.advance(30 * 86_400 - 5)
    kept = ask("GET", f"{PERSONS}/1")
    state.clock.advance(10)

    assert kept.status == 200
    assert ask("GET", f"{PERSONS}/1").status == 404


@pytest.mark.parametrize(
    ("path", "given", "empty"),
    [
        ("persons", {"name": "Ann"}, {"last_name", "org_id", "picture_id"}),
        ("organizations", {"name": "Acme"}, {"address"}),
        (
            "deals",
            {"title": "A"},
            {
                *("person_id", "org_id", "probability", "lost_reason", "close_time"),
                *("won_time", "lost_time", "expected_close_date"),
            },
        ),
    ],
)
def test_system_fields_without_a_value_are_absent_or_null_as_the_switch_says(ask, state, path, given, empty):
    number = data(ask("POST", f"/api/v2/{path}", given))["id"]
    bare = data(ask("GET", f"/api/v2/{path}/{number}"))

    state.switches.set("empty_fields", "null")
    full = data(ask("GET", f"/api/v2/{path}/{number}"))

    assert full.keys() - bare.keys() == empty
    assert all(full[key] is None for key in empty)
    assert bare["custom_fields"] == full["custom_fields"]


def test_a_deleted_person_can_be_neither_changed_nor_deleted(ask):
    ask("DELETE", f"{PERSONS}/1")

    assert ask("PATCH", f"{PERSONS}/1", {"name": "x"}).status == 404
    assert ask("DELETE", f"{PERSONS}/1").status == 404


def test_an_update_that_changes_nothing_fires_unless_the_switch_says_not(ask, events, state):
    name = data(ask("GET", f"{PERSONS}/1"))["name"]

    ask("PATCH", f"{PERSONS}/1", {"name": name})
    assert [event.action for event in events] == ["change"]

    state.switches.set("unchanged_update_fires", False)
    ask("PATCH", f"{PERSONS}/1", {"name": name})
    assert len(events) == 1


def test_a_refused_write_leaves_nothing_behind(ask, events, account):
    before = account.records("person").count(account.id)

    ask("POST", PERSONS, {"name": "Ann", "custom_fields": {"nix": 1}})

    assert account.records("person").count(account.id) == before
    assert events == []


def test_option_labels_and_label_objects_come_only_when_asked_for(ask, seeder):
    code = seeder.codes["person.Lead source"]
    option = data(ask("GET", f"/api/v2/personFields/{code}"))["options"][0]
    ask("PATCH", f"{PERSONS}/1", {"custom_fields": {code: option["id"]}, "label_ids": [1]})

    plain = data(ask("GET", f"{PERSONS}/1"))
    labelled = data(ask("GET", f"{PERSONS}/1", include_option_labels="true", include_labels="true"))

    assert plain["custom_fields"][code] == option["id"]
    assert "labels" not in plain
    assert labelled["custom_fields"][code] == {"id": option["id"], "label": option["label"]}
    assert labelled["labels"] == [{"id": 1, "label": "Customer"}]


def test_chosen_custom_fields_limit_the_answer(ask, seeder):
    code = seeder.codes["person.Lead score"]

    person = data(ask("GET", f"{PERSONS}/1", custom_fields=code))

    assert list(person["custom_fields"]) == [code]


def test_counts_are_computed_on_request(ask):
    deal = data(ask("GET", "/api/v2/deals", limit=1))[0]
    person_id = deal["person_id"]

    person = data(
        ask("GET", f"{PERSONS}/{person_id}", include_fields="open_deals_count,activities_count,files_count")
    )

    assert person["open_deals_count"] + person["activities_count"] >= 1
    assert person["files_count"] == 0


def test_a_regular_user_sees_neither_hidden_persons_nor_deletes(ask):
    number = data(ask("POST", PERSONS, {"name": "Hidden", "visible_to": 1}))["id"]
    shown = data(ask("POST", PERSONS, {"name": "Shown"}))["id"]

    assert ask("GET", f"{PERSONS}/{number}", user=2).status == 404
    assert number not in [one["id"] for one in data(ask("GET", PERSONS, user=2))]
    assert data(ask("GET", PERSONS, user=2, ids=f"{number},{shown}"))[0]["id"] == shown
    assert ask("DELETE", f"{PERSONS}/{shown}", user=2).status == 403


def test_ids_count_from_one_in_each_company(state, account):
    from pipedrive_sandbox.seed import Seeder
    from pipedrive_sandbox.seed_plan import Plan

    other = Seeder(state, Plan(persons=2, company={"name": "Other", "domain": "other"}))
    list(other.run())

    assert [one["id"] for one in other.account.records("person").where(other.account.id)] == [1, 2]
    assert account.records("person").get(account.id, 1) != other.account.records("person").get(
        other.account.id, 1
    )
