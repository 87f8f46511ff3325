from datetime import UTC, datetime

import pytest

from tests.payloads import payload
from tidegate.adapters.pipedrive.definitions import (
    ALWAYS,
    account_from,
    catalogue_from,
    options_for_users,
    options_from,
    person_fields,
    user_from,
)
from tidegate.core import records
from tidegate.core.catalogue import Field, Option, PipedriveCatalogue
from tidegate.core.values import Kind
from tidegate.ports import Account


def catalogue() -> PipedriveCatalogue:
    return catalogue_from(
        fields=payload("pipedrive/person_fields")["data"],
        users=payload("pipedrive/users")["data"],
        pipelines=payload("pipedrive/pipelines")["data"],
        stages=payload("pipedrive/stages")["data"],
        read_at=datetime(2026, 3, 31, tzinfo=UTC),
    )


def kind_of(key: str) -> Kind | None:
    found = catalogue().field(key)
    return found.kind if found else None


@pytest.mark.parametrize(
    "key", [records.FIRST_NAME, records.LAST_NAME, records.EMAIL, records.PHONE, records.ORGANIZATION]
)
def test_the_fields_every_person_has_bear_the_keys_of_the_core_once(key):
    found = [field for field in catalogue().fields if field.key == key]
    assert len(found) == 1
    assert found[0].writable
    assert not found[0].custom


def test_the_fields_every_person_has_are_there_though_nothing_is_listed():
    assert person_fields([], []) == ALWAYS


def test_a_job_title_is_offered_only_where_the_account_has_one():
    assert kind_of(records.JOB_TITLE) is Kind.TEXT
    assert records.JOB_TITLE not in {field.key for field in person_fields([], [])}


def test_custom_fields_keep_their_code_their_name_and_their_options():
    field = catalogue().field("2" * 40)
    assert field is not None
    assert (field.name, field.kind, field.custom, field.writable) == ("Lead source", Kind.OPTION, True, True)
    assert field.options == (Option("11", "Inbound"), Option("12", "Outbound"))


def test_the_organization_field_is_the_name_and_not_the_id():
    assert kind_of(records.ORGANIZATION) is Kind.TEXT
    assert catalogue().field("org_id") is None


def test_what_is_not_writable_in_pipedrive_is_not_writable_here():
    field = catalogue().field("6" * 40)
    assert field is not None
    assert not field.writable


def test_a_type_we_do_not_know_is_shown_and_never_written():
    field = catalogue().field("7" * 40)
    assert field is not None
    assert (field.kind, field.writable) == (Kind.UNKNOWN, False)


def test_fields_that_answers_leave_out_are_not_offered():
    assert catalogue().field("open_deals_count") is None


def test_other_system_fields_are_read_only():
    for key, kind in {"owner_id": Kind.USER, "add_time": Kind.DATETIME, "visible_to": Kind.OPTION}.items():
        field = catalogue().field(key)
        assert field is not None
        assert (field.kind, field.writable) == (kind, False)


def test_labels_are_a_writable_choice_of_several():
    field = catalogue().field("labels")
    assert field is not None
    assert (field.kind, field.writable) == (Kind.OPTIONS, True)
    assert field.option_id("hot lead") == "6"


def test_a_field_that_is_listed_twice_is_offered_once():
    label = {"field_code": "label", "field_name": "Label", "field_type": "set", "options": []}
    fields = person_fields([label, label | {"field_code": "label_ids"}], [])
    assert [field.key for field in fields].count("labels") == 1


def test_user_fields_offer_the_users_by_distinct_names():
    field = catalogue().field("8" * 40)
    assert field is not None
    assert [option.label for option in field.options] == [
        "Grace Hopper",
        "Kim Lee (kim@acme.example)",
        "kim lee (kim.lee@acme.example)",
    ]


def test_options_that_share_a_label_are_told_apart_by_their_number():
    options = options_from(
        {"options": [{"id": 1, "label": "Yes"}, {"id": 2, "label": "yes"}, {"id": 3, "label": ""}]}
    )
    assert options == (Option("1", "Yes"), Option("2", "yes (2)"), Option("3", "(3)"))


def test_no_label_is_taken_for_another_one_that_reads_the_same():
    listed = ["Hot (2)", "Hot", "hot", " HOT", "Caf\u00e9", "Cafe\u0301", "", ""]
    options = options_from({"options": [{"id": id_, "label": label} for id_, label in enumerate(listed, 1)]})
    field = Field("f", "F", Kind.OPTION, options=options)
    assert [field.option_id(option.label) for option in options] == [option.id for option in options]


@pytest.mark.parametrize(
    ("access", "is_admin"),
    [
        ([{"app": "sales", "admin": True}, {"app": "projects", "admin": False}], True),
        ([{"app": "global", "admin": True}], True),
        ([{"app": "sales", "admin": False}, {"app": "account_settings", "admin": True}], False),
        ([{"app": "campaigns", "admin": True}], None),
        ([], None),
        (None, None),
    ],
)
def test_who_sees_everything_is_known_by_the_rights_in_the_sales_app(access, is_admin):
    assert user_from({"id": 1, "access": access}).is_admin is is_admin


def test_users_keep_their_addresses_in_lower_case_and_whether_they_are_active():
    me, _, former = catalogue().users
    assert (me.id, me.email, me.active, me.is_me) == ("7", "grace@acme.example", True, True)
    assert not former.active
    assert options_for_users([user_from({"id": 1, "name": "A"})]) == (Option("1", "A"),)


def test_pipelines_and_stages_come_in_the_order_people_see_without_deleted_ones():
    pipelines = catalogue().pipelines
    assert [pipeline.name for pipeline in pipelines] == ["Sales", "Partners"]
    assert [stage.name for stage in pipelines[0].stages] == ["First talk", "Offer"]
    assert [stage.id for stage in pipelines[1].stages] == ["21"]


def test_the_account_is_who_the_token_belongs_to():
    assert account_from(payload("pipedrive/users_me")["data"]) == Account(
        company_id="123",
        company_name="Acme",
        company_domain="acme",
        user_id="7",
        user_name="Grace Hopper",
        user_email="grace@acme.example",
        time_zone="Europe/Berlin",
        currency="EUR",
        country="DE",
    )
