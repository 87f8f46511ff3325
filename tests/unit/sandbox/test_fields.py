"""Field definitions in API v2 and v1."""

import re

import pytest

from pipedrive_sandbox.values import CREATABLE_TYPES
from tests.unit.sandbox.conftest import data, error

FIELDS = "/api/v2/personFields"


def new(ask, kind="varchar", name="Mine", **given):
    options = {"options": [{"label": "A"}, {"label": "B"}]} if kind in ("enum", "set") else {}
    return data(ask("POST", FIELDS, {"field_name": name, "field_type": kind, **options, **given}))


@pytest.mark.parametrize("kind", CREATABLE_TYPES)
def test_a_field_of_every_creatable_type_gets_a_code_of_forty_digits(ask, kind):
    field = new(ask, kind)

    assert re.fullmatch("[0-9a-f]{40}", field["field_code"])
    assert field["field_type"] == kind
    assert field["is_custom_field"] is True
    assert (field["subfields"] is not None) == (
        kind in ("monetary", "daterange", "time", "timerange", "address")
    )
    assert data(ask("GET", "/api/v2/persons/1"))["custom_fields"][field["field_code"]] is None


@pytest.mark.parametrize(
    "given",
    [
        {"field_name": "X"},
        {"field_type": "varchar"},
        {"field_name": "", "field_type": "varchar"},
        {"field_name": "X", "field_type": "int"},
        {"field_name": "X", "field_type": "enum"},
        {"field_name": "X", "field_type": "enum", "options": []},
        {"field_name": "X", "field_type": "enum", "options": ["A"]},
        {"field_name": "X", "field_type": "varchar", "options": [{"label": "A"}]},
        {"field_name": "X", "field_type": "varchar", "description": "x"},
        {"field_name": "X", "field_type": "varchar", "nix": 1},
    ],
    ids=str,
)
def test_a_bad_definition_is_refused(ask, given):
    assert ask("POST", FIELDS, given).status == 400


def test_names_are_not_unique(ask):
    assert new(ask)["field_code"] != new(ask)["field_code"]


def test_a_deleted_field_vanishes_from_answers_and_cannot_be_written(ask):
    code = new(ask)["field_code"]
    ask("PATCH", "/api/v2/persons/1", {"custom_fields": {code: "x"}})

    ask("DELETE", f"{FIELDS}/{code}")

    assert code not in data(ask("GET", "/api/v2/persons/1"))["custom_fields"]
    assert ask("GET", f"{FIELDS}/{code}").status == 404
    assert f"Unknown key '{code}'" in error(ask("PATCH", "/api/v2/persons/1", {"custom_fields": {code: "x"}}))


def test_a_system_field_cannot_be_deleted(ask):
    assert ask("DELETE", f"{FIELDS}/name").status == 403


def test_code_and_type_never_change(ask):
    code = new(ask)["field_code"]

    assert data(ask("PATCH", f"{FIELDS}/{code}", {"field_name": "Yours"}))["field_name"] == "Yours"
    assert ask("PATCH", f"{FIELDS}/{code}", {"field_type": "text"}).status == 400


def test_option_ids_are_never_used_again(ask):
    field = new(ask, "enum")
    code, used = field["field_code"], [one["id"] for one in field["options"]]

    removed = data(ask("DELETE", f"{FIELDS}/{code}/options", [{"id": used[0]}]))
    added = data(ask("POST", f"{FIELDS}/{code}/options", [{"label": "C"}]))

    assert removed == [{"id": used[0], "label": "A"}]
    assert added[0]["id"] not in used


def test_option_changes_are_all_or_nothing(ask):
    field = new(ask, "set")
    code, first = field["field_code"], field["options"][0]["id"]

    answer = ask(
        "PATCH", f"{FIELDS}/{code}/options", [{"id": first, "label": "Z"}, {"id": 9999, "label": "Y"}]
    )

    assert answer.status == 400
    assert data(ask("GET", f"{FIELDS}/{code}"))["options"][0]["label"] == "A"


@pytest.mark.parametrize("body", [[], {}, [{"label": ""}], [{"id": 1, "label": "x"}], ["x"]], ids=str)
def test_bad_options_are_refused(ask, body):
    code = new(ask, "enum")["field_code"]

    assert ask("POST", f"{FIELDS}/{code}/options", body).status == 400


def test_only_option_fields_have_options(ask):
    assert ask("POST", f"{FIELDS}/{new(ask)['field_code']}/options", [{"label": "x"}]).status == 400


def test_fields_are_paged(ask):
    first = ask("GET", FIELDS, limit=3)
    rest = ask("GET", FIELDS, limit=500, cursor=first.body["additional_data"]["next_cursor"])

    codes = [one["field_code"] for one in data(first) + data(rest)]
    assert codes == [one["field_code"] for one in data(ask("GET", FIELDS, limit=500))]


def test_extra_parts_come_on_request(ask):
    assert "ui_visibility" not in data(ask("GET", FIELDS))[0]
    assert "ui_visibility" in data(ask("GET", FIELDS, include_fields="ui_visibility,required_fields"))[0]
    assert ask("GET", FIELDS, include_fields="options").status == 400


def test_required_fields_are_enforced_unless_the_switch_says_not(ask, state):
    code = new(ask, required_fields={"enabled": True})["field_code"]
    assert ask("POST", "/api/v2/persons", {"name": "Ann"}).status == 400
    assert ask("POST", "/api/v2/persons", {"name": "Ann", "custom_fields": {code: "x"}}).status == 200

    state.switches.set("enforce_required_fields", False)

    assert ask("POST", "/api/v2/persons", {"name": "Ann"}).status == 200


def test_the_plan_limits_custom_fields(ask, account):
    account.company["plan"] = "lite"
    names = [f"F{number}" for number in range(40)]

    answers = [ask("POST", FIELDS, {"field_name": name, "field_type": "varchar"}) for name in names]

    assert answers[-1].status == 403
    assert answers[-1].body["code"] == "feature_capping_custom_fields_limit"


def test_a_regular_user_cannot_define_fields(ask):
    assert ask("POST", FIELDS, {"field_name": "X", "field_type": "varchar"}, user=2).status == 403


def test_field_definitions_fire_events_unless_switched_off(ask, events, state):
    code = new(ask)["field_code"]
    state.switches.set("webhook_field_events", False)
    ask("DELETE", f"{FIELDS}/{code}")

    assert [(event.entity, event.action) for event in events] == [("personField", "create")]


def test_v1_lists_the_same_fields_by_key_in_a_flat_page(ask, seeder):
    answer = ask("GET", "/v1/personFields", limit=500).body
    custom = {one["key"] for one in answer["data"] if one["edit_flag"]}

    assert custom == {code for name, code in seeder.codes.items() if name.startswith("person.")}
    assert answer["additional_data"] == {"start": 0, "limit": 500, "more_items_in_collection": False}
    assert {"bulk_edit_allowed", "searchable_flag", "mandatory_flag"} <= set(answer["data"][0])


@pytest.mark.parametrize(
    "path", ["dealFields", "organizationFields", "activityFields", "leadFields", "noteFields"]
)
def test_v1_still_has_the_other_field_lists(ask, path):
    assert data(ask("GET", f"/v1/{path}"))


def test_fields_of_contact_sync_are_listed_only_where_contacts_are_synced(ask, account):
    def codes():
        return {one["field_code"] for one in data(ask("GET", FIELDS, limit=500))}

    assert "job_title" not in codes()
    assert ask("GET", f"{FIELDS}/job_title").status == 404

    account.company["contact_sync"] = True
    account.state.field_cache.clear()

    assert {"job_title", "birthday", "im", "notes", "postal_address"} <= codes()
    assert data(ask("GET", f"{FIELDS}/job_title"))["is_custom_field"] is False
