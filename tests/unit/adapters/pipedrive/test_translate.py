from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.payloads import payload
from tidegate.adapters.pipedrive.definitions import person_fields, user_from
from tidegate.adapters.pipedrive.translate import (
    changed_person_to,
    new_person_to,
    organization_from,
    person_from,
    record_from,
)
from tidegate.core.records import (
    EMAIL,
    FIRST_NAME,
    JOB_TITLE,
    LAST_NAME,
    ORGANIZATION,
    PHONE,
    Gone,
    Record,
    Side,
)
from tidegate.core.values import MISSING, Money, Unreadable, Value, normal_emails, normal_phones, normal_text
from tidegate.errors import InvalidForRemote, MappingBroken

FIELDS = person_fields(
    payload("pipedrive/person_fields")["data"], [user_from(raw) for raw in payload("pipedrive/users")["data"]]
)
MOTTO, SOURCE, INTERESTS, BUDGET, NEXT_CALL = (digit * 40 for digit in "12345")


def person(**changes) -> Record:
    record = record_from(payload("pipedrive/person")["data"] | changes, FIELDS)
    assert isinstance(record, Record)
    return record


def create(values: dict[str, Value], *, owner_id=None, organization_id=None) -> dict[str, Any]:
    return new_person_to(values, FIELDS, owner_id=owner_id, organization_id=organization_id)


def change(values: dict[str, Value], seen: Record | None = None, **more) -> dict[str, Any]:
    return changed_person_to(values, FIELDS, seen=seen or person(), **more)


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_a_person_is_read_in_our_own_words():
    ada = person()
    assert (ada.side, ada.id, ada.name) == (Side.PIPEDRIVE, "42", "Ada Lovelace")
    assert (ada.owner_id, ada.organization_id) == ("7", "9")
    assert ada.updated_at == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert {
        key: ada.value(key) for key in (FIRST_NAME, LAST_NAME, JOB_TITLE, MOTTO, SOURCE, INTERESTS, BUDGET)
    } == {
        FIRST_NAME: "Ada",
        LAST_NAME: "Lovelace",
        JOB_TITLE: "Analyst",
        MOTTO: "First of her kind",
        SOURCE: "Outbound",
        INTERESTS: ("Looms", "Numbers"),
        BUDGET: Money(Decimal(500), "GBP"),
    }
    assert ada.value("labels") == ("Customer",)
    assert ada.value("owner_id") == "Grace Hopper"


def test_the_primary_address_and_number_come_first():
    ada = person()
    assert ada.value(EMAIL) == ada.emails == ("ada@engine.example", "ada@home.example")
    assert ada.value(PHONE) == ("+44 20 7946 0000", "020 7946 0999")


def test_labels_are_kept_under_what_was_written():
    assert person().labels == {
        "ada@home.example": "home",
        "Ada@Engine.example": "work",
        "+44 20 7946 0000": "work",
        "020 7946 0999": "mobile",
    }


def test_a_webhook_shows_the_same_person_in_another_shape():
    shown = record_from(payload("pipedrive/webhook_person_change")["data"], FIELDS)
    assert shown.value(JOB_TITLE) is MISSING
    assert {**shown.values, JOB_TITLE: "Analyst"} == person().values
    assert (shown.id, shown.emails, shown.labels, shown.owner_id) == (
        "42",
        person().emails,
        person().labels,
        "7",
    )


def test_an_emptied_custom_field_is_empty_and_one_that_is_not_shown_is_missing():
    assert person().value(NEXT_CALL) is None
    assert person(custom_fields={}).value(MOTTO) is MISSING
    assert person(custom_fields=None).value(MOTTO) is MISSING


@pytest.mark.parametrize(("key", "name"), [(EMAIL, "emails"), (PHONE, "phones")])
def test_no_addresses_are_empty_and_not_shown_ones_are_missing(key, name):
    assert person(**{name: []}).value(key) is None
    assert person(**{name: None}).value(key) is None
    raw = {k: v for k, v in payload("pipedrive/person")["data"].items() if k != name}
    assert record_from(raw, FIELDS).value(key) is MISSING


def test_the_organization_comes_as_its_id_alone():
    assert person().value(ORGANIZATION) is MISSING
    assert person(org_id=None).organization_id is None


def test_a_deleted_person_is_gone():
    assert person_from(payload("pipedrive/person")["data"] | {"is_deleted": True}, FIELDS) == Gone(
        Side.PIPEDRIVE, "42", deleted=True
    )


@pytest.mark.parametrize(
    "name", ["ada@home.example", "ADA@engine.example", "+44 20 7946 0000"], ids=["address", "case", "number"]
)
def test_a_name_that_is_the_persons_own_address_or_number_is_no_name(name):
    nameless = person(name=name, first_name=name, last_name=None)
    assert (nameless.value(FIRST_NAME), nameless.value(LAST_NAME)) == (None, None)
    assert nameless.name == name


def test_a_name_without_parts_is_read_as_the_first_name():
    whole = person(name="Prince", first_name=None, last_name=None)
    assert (whole.value(FIRST_NAME), whole.value(LAST_NAME)) == ("Prince", None)


@pytest.mark.parametrize(
    ("shown", "first", "last"),
    [
        ({"name": "Ada", "first_name": "Ada"}, "Ada", None),
        ({"name": "Lovelace", "last_name": "Lovelace"}, None, "Lovelace"),
        ({"name": "Ada Lovelace", "first_name": "Ada"}, "Ada", MISSING),
        ({"first_name": "Ada"}, "Ada", MISSING),
        ({"name": "Ada Lovelace"}, MISSING, MISSING),
    ],
)
def test_a_part_of_the_name_that_is_left_out_is_empty_where_the_other_part_is_all_of_it(shown, first, last):
    """Some answers leave empty system fields out: an emptied last name must still come over."""
    names = ("name", "first_name", "last_name")
    raw = {k: v for k, v in payload("pipedrive/person")["data"].items() if k not in names}
    record = record_from(raw | shown, FIELDS)
    assert (record.value(FIRST_NAME), record.value(LAST_NAME)) == (first, last)


def test_an_unknown_option_is_unreadable_and_never_empty():
    assert isinstance(person(custom_fields={SOURCE: 99}).value(SOURCE), Unreadable)


def test_an_organization_is_its_id_and_its_name():
    organization = organization_from(
        {"id": 9, "name": " Engine  Ltd ", "update_time": "2026-01-01T00:00:00Z"}
    )
    assert (organization.id, organization.name) == ("9", "Engine Ltd")


# --- Writing ----------------------------------------------------------------------------------------------------------


def test_a_new_person_is_sent_with_everything_in_one_body():
    values: dict[str, Value] = {
        FIRST_NAME: "Ada",
        LAST_NAME: "Lovelace",
        EMAIL: ("ada@engine.example", "ada@home.example"),
        PHONE: ("+44 20 7946 0000",),
        JOB_TITLE: "Analyst",
        ORGANIZATION: "Engine Ltd",
        SOURCE: "outbound",
        INTERESTS: ("Numbers",),
        "labels": ("Customer",),
        MOTTO: MISSING,
    }
    assert create(values, owner_id="7", organization_id="9") == {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "emails": [
            {"value": "ada@engine.example", "primary": True},
            {"value": "ada@home.example", "primary": False},
        ],
        "phones": [{"value": "+44 20 7946 0000", "primary": True}],
        "job_title": "Analyst",
        "label_ids": [5],
        "custom_fields": {SOURCE: 12, INTERESTS: [22]},
        "owner_id": 7,
        "org_id": 9,
    }


NAMES = [
    ("Ada", "Lovelace", {"first_name": "Ada", "last_name": "Lovelace"}),
    ("Ada", None, {"name": "Ada"}),
    (None, "Lovelace", {"name": "Lovelace"}),
    (None, None, {"name": "ada@engine.example"}),
]


@pytest.mark.parametrize(("first", "last", "sent"), NAMES)
def test_a_new_person_has_both_names_or_one_whole_name_and_never_none(first, last, sent):
    body = create({FIRST_NAME: first, LAST_NAME: last, EMAIL: ("ada@engine.example",)})
    assert {key: body[key] for key in body if "name" in key} == sent


@pytest.mark.parametrize(("first", "last", "sent"), NAMES)
def test_a_changed_name_goes_with_the_other_half_as_it_was(first, last, sent):
    seen = person(first_name="Ada", last_name="Byron")
    body = change({FIRST_NAME: first, LAST_NAME: last}, seen)
    assert body == sent


def test_one_half_of_a_name_is_enough_to_change_it():
    assert change({LAST_NAME: "King"}) == {"first_name": "Ada", "last_name": "King"}


def test_names_are_left_alone_where_they_are_not_among_the_values():
    assert change({MOTTO: "On"}) == {"custom_fields": {MOTTO: "On"}}


def test_a_nameless_person_is_called_by_its_new_address():
    nameless = person(name="ada@engine.example", first_name="ada@engine.example", last_name=None)
    assert change({EMAIL: ("new@engine.example",)}, nameless)["name"] == "new@engine.example"
    assert "name" not in change({EMAIL: ("new@engine.example",)})


def test_a_person_without_name_address_and_number_is_refused():
    with pytest.raises(InvalidForRemote, match="Give it one of them"):
        create({MOTTO: "On"})


def test_every_address_goes_with_the_label_and_the_spelling_it_had():
    assert change({EMAIL: ("ada@engine.example", "new@engine.example", "ada@home.example")})["emails"] == [
        {"value": "Ada@Engine.example", "primary": True, "label": "work"},
        {"value": "new@engine.example", "primary": False},
        {"value": "ada@home.example", "primary": False, "label": "home"},
    ]


def test_a_number_that_differs_in_spelling_alone_stays_as_it_was_written():
    assert change({PHONE: ("+442079460000",)})["phones"] == [
        {"value": "+44 20 7946 0000", "primary": True, "label": "work"}
    ]


def test_custom_fields_are_emptied_with_null_and_system_fields_with_what_they_take():
    assert change({SOURCE: None, INTERESTS: (), JOB_TITLE: None, "labels": (), EMAIL: None, PHONE: ()}) == {
        "custom_fields": {SOURCE: None, INTERESTS: None},
        "job_title": "",
        "label_ids": [],
        "emails": [],
        "phones": [],
    }


def test_an_organization_is_set_taken_away_or_left():
    assert change({}, organization_id="9") == {"org_id": 9}
    assert change({}, organization_id=None) == {"org_id": None}
    assert change({ORGANIZATION: "Engine Ltd"}) == {}


def test_a_field_the_account_no_longer_has_breaks_the_mapping():
    with pytest.raises(MappingBroken) as caught:
        change({"f" * 40: "x"})
    assert caught.value.facts["field"] == "f" * 40


def test_a_read_only_field_is_refused():
    with pytest.raises(InvalidForRemote, match="Score"):
        change({"6" * 40: Decimal(1)})


def test_an_unreadable_value_is_never_written():
    with pytest.raises(InvalidForRemote, match=r"31\.1\."):
        change({MOTTO: Unreadable("31.1.", "not a text")})


# --- There and back ---------------------------------------------------------------------------------------------------


class Server:
    """Keeps a person as Pipedrive does: names derived, defaults filled in."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] = {
            "id": 1,
            "emails": [],
            "phones": [],
            "custom_fields": dict.fromkeys((MOTTO, SOURCE, INTERESTS)),
        }

    def write(self, body: dict[str, Any]) -> Record:
        custom = self.raw["custom_fields"] | body.get("custom_fields", {})
        self.raw |= body | {"custom_fields": custom}
        if "name" in body:
            first, _, last = body["name"].partition(" ")
            self.raw |= {"first_name": first, "last_name": last or None}
        else:
            self.raw["name"] = f"{self.raw['first_name']} {self.raw['last_name']}"
        for item in self.raw["emails"] + self.raw["phones"]:
            item.setdefault("label", "work")
        return record_from(self.raw, FIELDS)


words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).map(normal_text).filter(bool)
addresses = st.lists(st.emails(), min_size=1, max_size=3).map(normal_emails)
numbers = st.lists(st.integers(1000, 10**12).map(lambda n: f"+{n}"), max_size=3).map(normal_phones)
people = st.fixed_dictionaries(
    {
        FIRST_NAME: st.none() | words,
        LAST_NAME: st.none() | words,
        EMAIL: addresses,
        PHONE: numbers.map(lambda some: some or None),
        MOTTO: st.none() | words,
        SOURCE: st.none() | st.sampled_from(["Inbound", "Outbound"]),
        INTERESTS: st.none() | st.sampled_from([("Looms",), ("Looms", "Numbers")]),
        JOB_TITLE: st.none() | words,
    }
).map(lambda values: values if values[FIRST_NAME] else values | {LAST_NAME: None})
# A last name alone is kept by Pipedrive as a first name: the one value that can't come back as it went.


@given(first=people, then=people)
def test_what_is_written_is_what_is_read_back_on_create_and_on_change(first, then):
    server = Server()
    made = server.write(create(first))
    assert {key: made.value(key) for key in first} == first
    changed = server.write(change(then, made))
    assert {key: changed.value(key) for key in then} == then
