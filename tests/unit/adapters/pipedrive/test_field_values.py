"""Values of every field type, as REST and as webhooks spell them."""

import string
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.adapters.pipedrive.definitions import KINDS, MOST_CHARACTERS, MOST_DIGITS
from tidegate.adapters.pipedrive.field_values import (
    ADDRESS_PARTS,
    moment_from,
    value_from,
    value_to,
)
from tidegate.core.catalogue import Field, Option
from tidegate.core.values import (
    MISSING,
    Address,
    DateRange,
    Kind,
    Money,
    TimeOfDay,
    TimeRange,
    Unreadable,
    Value,
    normal_number,
    normal_phones,
    normal_text,
)
from tidegate.errors import InvalidForRemote

OPTIONS = (Option("11", "Inbound"), Option("12", "Outbound"), Option("13", "Fair"))


def field(kind: Kind, max_length: int | None = None) -> Field:
    return Field("a" * 40, "Lead source", kind, custom=True, options=OPTIONS, max_length=max_length)


REST = [
    (Kind.TEXT, "abc", "abc"),
    (Kind.LONG_TEXT, "one\ntwo", "one\ntwo"),
    (Kind.NUMBER, 12.5, Decimal("12.5")),
    (Kind.NUMBER, 5, Decimal(5)),
    (Kind.NUMBER, 0, Decimal(0)),
    (Kind.BOOLEAN, True, True),
    (Kind.BOOLEAN, False, False),
    (Kind.MONEY, {"value": 500, "currency": "EUR"}, Money(Decimal(500), "EUR")),
    (Kind.DATE, "2026-01-31", date(2026, 1, 31)),
    (
        Kind.DATE_RANGE,
        {"value": "2026-01-01", "until": "2026-02-01"},
        DateRange(date(2026, 1, 1), date(2026, 2, 1)),
    ),
    (Kind.DATE_RANGE, {"value": "2026-01-01"}, DateRange(date(2026, 1, 1))),
    (Kind.TIME, {"value": "09:00:00", "timezone_name": "Europe/London"}, TimeOfDay(time(9), "Europe/London")),
    (Kind.TIME, {"value": "09:00:00"}, TimeOfDay(time(9))),
    (
        Kind.TIME_RANGE,
        {"value": "09:00:00", "until": "11:30:00", "timezone_name": "Europe/London"},
        TimeRange(time(9), time(11, 30), "Europe/London"),
    ),
    (Kind.OPTION, 12, "Outbound"),
    (Kind.OPTIONS, [11, 13], ("Inbound", "Fair")),
    (Kind.USER, 11, "Inbound"),
    (Kind.ORGANIZATION, 9, "9"),
    (Kind.PERSON, 42, "42"),
    (Kind.PHONE, "+372 55", ("+372 55",)),
    (Kind.ADDRESS, {"value": "530 Fifth Ave, NY"}, Address("530 Fifth Ave, NY")),
    (
        Kind.ADDRESS,
        {"value": "530 Fifth Ave, NY", "street_number": "530", "country": "USA"},
        Address("530 Fifth Ave, NY", (("street_number", "530"), ("country", "USA"))),
    ),
    (Kind.DATETIME, "2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
]


@pytest.mark.parametrize(("kind", "raw", "value"), REST)
def test_what_rest_shows_is_read_and_written_in_the_same_shape(kind, raw, value):
    assert value_from(field(kind), raw) == value
    assert value_to(field(kind), value) == raw


WEBHOOK = [
    (Kind.TEXT, {"type": "varchar", "value": "abc"}, "abc"),
    (Kind.LONG_TEXT, {"type": "text", "value": "abc"}, "abc"),
    (Kind.NUMBER, {"type": "double", "value": 12.5}, Decimal("12.5")),
    (Kind.NUMBER, {"type": "double", "value": "12.5"}, Decimal("12.5")),
    (Kind.DATE, {"type": "date", "value": "2026-01-31"}, date(2026, 1, 31)),
    (Kind.PHONE, {"type": "phone", "value": "+372 55"}, ("+372 55",)),
    (Kind.MONEY, {"type": "monetary", "value": 500, "currency": "EUR"}, Money(Decimal(500), "EUR")),
    (Kind.OPTION, {"type": "enum", "id": 12}, "Outbound"),
    (Kind.USER, {"type": "user", "id": 11}, "Inbound"),
    (Kind.ORGANIZATION, {"type": "org", "id": 9}, "9"),
    (Kind.PERSON, {"type": "people", "id": 42}, "42"),
    (Kind.OPTIONS, {"type": "set", "values": [{"id": 13}, {"id": 11}]}, ("Inbound", "Fair")),
    (Kind.TIME, {"type": "time", "value": "09:00:00", "timezone_id": 12}, MISSING),
    (Kind.TIME, {"type": "time", "value": "09:00:00", "timezone_id": None}, TimeOfDay(time(9))),
    (
        Kind.DATE_RANGE,
        {"type": "daterange", "from": "2026-01-01", "until": "2026-02-01"},
        DateRange(date(2026, 1, 1), date(2026, 2, 1)),
    ),
    (
        Kind.TIME_RANGE,
        {"type": "timerange", "from": "09:00:00", "until": "10:00:00", "timezone_id": 1},
        MISSING,
    ),
    (
        Kind.ADDRESS,
        {"type": "address", "value": "1 Road", "route": "Road", "formatted_address": "1 Road, X"},
        Address("1 Road", (("route", "Road"),)),
    ),
    (Kind.BOOLEAN, {"type": "boolean", "value": 1}, True),
]


@pytest.mark.parametrize(("kind", "raw", "value"), WEBHOOK)
def test_a_webhook_spells_values_in_its_own_way(kind, raw, value):
    assert value_from(field(kind), raw) == value


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("raw", [None, "", []])
def test_nothing_is_empty_in_every_kind(kind, raw):
    assert value_from(field(kind), raw) is None


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNKNOWN])
def test_an_object_without_a_value_is_empty(kind):
    shell: dict[str, object] = {
        "type": "x",
        "value": None,
        "id": None,
        "values": [],
        "from": None,
        "until": None,
    }
    assert value_from(field(kind), shell) is None


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("nothing", [None, "", ()])
def test_every_kind_is_emptied_with_null(kind, nothing):
    assert value_to(field(kind), nothing) is None


def test_the_date_pipedrive_keeps_for_no_date_is_empty():
    assert value_from(field(Kind.DATE), "0000-00-00") is None


UNREADABLE = [
    (Kind.NUMBER, "many"),
    (Kind.NUMBER, True),
    (Kind.NUMBER, {"value": [1]}),
    (Kind.BOOLEAN, "maybe"),
    (Kind.DATE, "31.1.2026"),
    (Kind.DATETIME, "yesterday"),
    (Kind.MONEY, {"value": 5, "currency": None}),
    (Kind.MONEY, {"value": "x", "currency": "EUR"}),
    (Kind.MONEY, 5),
    (Kind.TIME, "09:00:00"),
    (Kind.TIME, {"value": "late"}),
    (Kind.DATE_RANGE, {"value": "soon"}),
    (Kind.TIME_RANGE, {"value": "soon"}),
    (Kind.OPTION, 99),
    (Kind.OPTIONS, [11, 99]),
    (Kind.OPTIONS, 11),
    (Kind.ADDRESS, "1 Road"),
]


@pytest.mark.parametrize(("kind", "raw"), UNREADABLE)
def test_what_does_not_fit_its_field_is_unreadable_and_never_empty(kind, raw):
    assert isinstance(value_from(field(kind), raw), Unreadable)


REFUSED = [
    (Kind.TEXT, "x" * 256, "256 characters"),
    (Kind.TEXT, Decimal(1), "type text"),
    (Kind.NUMBER, Decimal("1234567890.1234567"), "more digits"),
    (Kind.NUMBER, Decimal("NaN"), "more digits"),
    (Kind.NUMBER, "12", "type number"),
    (Kind.PHONE, ("1", "2"), "one number"),
    (Kind.OPTION, "Nowhere", "none of its options"),
    (Kind.OPTIONS, ("Inbound", "Nowhere"), "none of its options"),
    (Kind.TIME, TimeOfDay(time(9, 0, 0, 5)), "whole seconds"),
    (Kind.ORGANIZATION, "Acme", "type organization"),
    (Kind.DATE, datetime(2026, 1, 1, tzinfo=UTC), "type date"),
    (Kind.DATE, Unreadable("31.1.", "not a date like 2026-03-31"), "31.1."),
    (Kind.UNKNOWN, "x", "type unknown"),
]


@pytest.mark.parametrize(("kind", "value", "reason"), REFUSED)
def test_what_would_be_cut_or_guessed_is_refused_with_the_field_named(kind, value, reason):
    with pytest.raises(InvalidForRemote, match=reason) as caught:
        value_to(field(kind, max_length=255), value)
    assert "Lead source" in str(caught.value)
    assert caught.value.facts["field"] == "a" * 40


texts = st.text(min_size=1).map(normal_text).filter(lambda text: text is not None)
numbers = (
    st.decimals(allow_nan=False, allow_infinity=False)
    .map(normal_number)
    .filter(
        lambda number: (
            isinstance(number, Decimal)
            and len(number.as_tuple().digits) <= MOST_DIGITS
            and abs(number.adjusted()) < 300
        )
    )
)
clocks = st.times().map(lambda at: at.replace(microsecond=0, tzinfo=None))
zones = st.none() | st.sampled_from(["Europe/Berlin", "America/New_York", "Etc/UTC"])
currencies = st.text(string.ascii_uppercase, min_size=3, max_size=3)
labels = [option.label for option in OPTIONS]
parts = st.dictionaries(st.sampled_from(ADDRESS_PARTS), st.text(min_size=1)).map(
    lambda given: tuple((part, given[part]) for part in ADDRESS_PARTS if part in given)
)
ids = st.integers(min_value=1).map(str)

HELD: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.TEXT: texts,
    Kind.LONG_TEXT: texts,
    Kind.LINK: texts,
    Kind.NUMBER: numbers,
    Kind.MONEY: st.builds(Money, numbers, currencies),
    Kind.DATE: st.dates(),
    Kind.TIME: st.builds(TimeOfDay, clocks, zones),
    Kind.DATETIME: st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    Kind.DATE_RANGE: st.builds(DateRange, st.dates(), st.none() | st.dates()),
    Kind.TIME_RANGE: st.builds(TimeRange, clocks, st.none() | clocks, zones),
    Kind.BOOLEAN: st.booleans(),
    Kind.OPTION: st.sampled_from(labels),
    Kind.OPTIONS: st.sets(st.sampled_from(labels), min_size=1).map(
        lambda some: tuple(sorted(some, key=labels.index))
    ),
    Kind.PHONE: st.text(min_size=1).map(lambda text: normal_phones([text])).filter(bool),
    Kind.ADDRESS: st.builds(Address, texts, parts),
    Kind.USER: st.sampled_from(labels),
    Kind.ORGANIZATION: ids,
    Kind.PERSON: ids,
}


def test_every_kind_a_field_can_have_is_among_those_that_go_there_and_back():
    assert set(HELD) == set(Kind) - {Kind.UNKNOWN, Kind.EMAIL}
    assert set(KINDS.values()) <= set(HELD)
    assert set(MOST_CHARACTERS) <= set(KINDS)


@pytest.mark.parametrize("kind", HELD)
@given(data=st.data())
def test_there_and_back_is_the_identity(kind, data):
    value = data.draw(HELD[kind])
    there = value_to(field(kind), value)
    assert there is not None
    assert value_from(field(kind), there) == value


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00.123Z", datetime(2026, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)),
        ("2026-01-01 00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T02:00:00+02:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (1767225600, datetime(2026, 1, 1, tzinfo=UTC)),
        ("1767225600", datetime(2026, 1, 1, tzinfo=UTC)),
        ("soon", None),
        ("9" * 30, None),
        (1e300, None),
        (float("nan"), None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_moments_come_in_the_spellings_of_both_versions_and_of_webhooks(raw, moment):
    assert moment_from(raw) == moment
