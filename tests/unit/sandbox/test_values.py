"""Values of custom fields: what is taken, what is refused, and how each form shows them."""

import pytest

from pipedrive_sandbox import values
from pipedrive_sandbox.answers import Body

AROUND = values.Surroundings(
    "EUR", "Europe/Helsinki", frozenset({"EUR", "USD"}), lambda kind, number: number == 7
)
OPTIONS = [{"id": 1, "label": "A"}, {"id": 2, "label": "B"}]


def field(kind: str) -> Body:
    return {"field_type": kind, "field_code": "code", "options": OPTIONS if kind in ("enum", "set") else None}


TAKEN = [
    ("varchar", "abc", "abc"),
    ("varchar", "", None),
    ("varchar_auto", "abc", "abc"),
    ("text", "x" * 65_535, "x" * 65_535),
    ("phone", "+372 55", "+372 55"),
    ("double", 12.5, 12.5),
    ("double", 3, 3),
    ("date", "2026-01-31", "2026-01-31"),
    ("enum", 2, 2),
    ("set", [2, 1, 2], [2, 1]),
    ("user", 7, 7),
    ("org", 7, 7),
    ("people", 7, 7),
    ("monetary", {"value": 500, "currency": "USD"}, {"value": 500, "currency": "USD"}),
    ("monetary", {"value": 500}, {"value": 500, "currency": "EUR"}),
    (
        "daterange",
        {"value": "2026-01-01", "until": "2026-02-01"},
        {"value": "2026-01-01", "until": "2026-02-01"},
    ),
]
REFUSED = [
    ("varchar", 5),
    ("varchar", "x" * 256),
    ("phone", ["1"]),
    ("text", "x" * 65_536),
    ("double", "12.5"),
    ("double", True),
    ("date", "31.01.2026"),
    ("date", "2026-02-30"),
    ("date", "2026-01-31T00:00:00Z"),
    ("enum", "2"),
    ("enum", 3),
    ("enum", "A"),
    ("set", []),
    ("set", 1),
    ("set", "1,2"),
    ("set", [1, 9]),
    ("user", 8),
    ("org", "7"),
    ("monetary", 500),
    ("monetary", {"value": "500"}),
    ("monetary", {"value": 1, "currency": "XXX"}),
    ("monetary", {"value": 1, "label": "x"}),
    ("daterange", {"value": "2026-01-01"}),
    ("time", "09:00:00"),
    ("time", {"value": "25:00"}),
    ("time", {"value": "09:00", "timezone_name": "Moon/Base"}),
    ("timerange", {"value": "09:00"}),
    ("address", "Main Street 1"),
    ("address", {"country": "FI"}),
    ("address", {"value": "Main Street 1", "planet": "Earth"}),
    ("json", {}),
]


@pytest.mark.parametrize(("kind", "given", "kept"), TAKEN, ids=str)
def test_a_fitting_value_is_kept(kind, given, kept):
    assert values.stored(field(kind), given, AROUND) == kept


@pytest.mark.parametrize(("kind", "given"), REFUSED, ids=str)
def test_nothing_is_converted_or_cut(kind, given):
    with pytest.raises(values.BadValue):
        values.stored(field(kind), given, AROUND)


@pytest.mark.parametrize("kind", values.CREATABLE_TYPES)
def test_null_empties_a_field_of_any_type(kind):
    assert values.stored(field(kind), None, AROUND) is None
    assert values.in_webhook(kind, None) is None


def test_a_time_takes_the_users_zone_when_none_is_given():
    kept = values.stored(field("time"), {"value": "09:00"}, AROUND)

    assert kept["value"] == "09:00:00"
    assert kept["timezone_name"] == "Europe/Helsinki"
    assert isinstance(kept["timezone_id"], int)


def test_a_time_range_keeps_both_ends_and_the_zone():
    given = {"value": "09:00", "until": "11:30:00", "timezone_name": "Europe/London"}

    kept = values.stored(field("timerange"), given, AROUND)

    assert (kept["value"], kept["until"], kept["timezone_name"]) == ("09:00:00", "11:30:00", "Europe/London")


def test_address_parts_that_are_left_out_become_null():
    kept = values.stored(field("address"), {"value": "Main Street 1", "locality": "Turku"}, AROUND)

    assert kept["locality"] == "Turku"
    assert kept["country"] is None
    assert kept["formatted_address"] == "Main Street 1"


SHOWN_IN_WEBHOOKS = [
    ("varchar", "abc", {"type": "varchar", "value": "abc"}),
    ("double", 1.5, {"type": "double", "value": 1.5}),
    ("phone", "1", {"type": "phone", "value": "1"}),
    ("enum", 2, {"type": "enum", "id": 2}),
    ("people", 7, {"type": "people", "id": 7}),
    ("set", [1, 2], {"type": "set", "values": [{"id": 1}, {"id": 2}]}),
    ("monetary", {"value": 5, "currency": "EUR"}, {"type": "monetary", "value": 5, "currency": "EUR"}),
    (
        "daterange",
        {"value": "2026-01-01", "until": "2026-02-01"},
        {"type": "daterange", "from": "2026-01-01", "until": "2026-02-01"},
    ),
    (
        "time",
        {"value": "09:00:00", "timezone_id": 3, "timezone_name": "UTC"},
        {"type": "time", "value": "09:00:00", "timezone_id": 3},
    ),
]


@pytest.mark.parametrize(("kind", "kept", "shown"), SHOWN_IN_WEBHOOKS, ids=str)
def test_a_webhook_shows_a_typed_object(kind, kept, shown):
    assert values.in_webhook(kind, kept) == shown


SHOWN_IN_V1 = [
    ("varchar", "abc", {"code": "abc"}),
    ("enum", 2, {"code": "2"}),
    ("set", [1, 2], {"code": "1,2"}),
    ("monetary", {"value": 5, "currency": "EUR"}, {"code": 5, "code_currency": "EUR"}),
    ("monetary", None, {"code": None, "code_currency": None}),
    ("daterange", {"value": "a", "until": "b"}, {"code": "a", "code_until": "b"}),
]


@pytest.mark.parametrize(("kind", "kept", "shown"), SHOWN_IN_V1, ids=str)
def test_v1_spreads_a_value_over_root_keys(kind, kept, shown):
    assert values.in_v1(kind, "code", kept) == shown
