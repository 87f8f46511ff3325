"""What a person typed, as a value of a field or with the reason why not."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from tests.pairs import COLD, HOT, make_field
from tidegate.core.catalogue import Option
from tidegate.core.parsing import value_from_text
from tidegate.core.values import Address, DateRange, Kind, Money, TimeOfDay, Unreadable

CITIES = (Option("1", "Bonn, Germany"), Option("2", "Paris"))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.TEXT, "  a   b ", "a b"),
        (Kind.LONG_TEXT, "a\r\n b", "a\nb"),
        (Kind.LINK, "https://a.example", "https://a.example"),
        (Kind.NUMBER, "-12.50", Decimal("-12.5")),
        (Kind.MONEY, "120.50 eur", Money(Decimal("120.5"), "EUR")),
        (Kind.DATE, "2026-03-31", date(2026, 3, 31)),
        (Kind.DATETIME, "2026-03-31 09:30+02:00", datetime(2026, 3, 31, 7, 30, tzinfo=UTC)),
        (Kind.TIME, "09:30", TimeOfDay(time(9, 30))),
        (Kind.TIME, "09:30 Europe/Berlin", TimeOfDay(time(9, 30), "Europe/Berlin")),
        (Kind.TIME, "09:30 UTC", TimeOfDay(time(9, 30), "UTC")),
        (Kind.DATE_RANGE, "2026-03-01/2026-03-31", DateRange(date(2026, 3, 1), date(2026, 3, 31))),
        (Kind.DATE_RANGE, "2026-03-01 – 2026-03-31", DateRange(date(2026, 3, 1), date(2026, 3, 31))),
        (Kind.DATE_RANGE, "2026-03-01 - 2026-03-31", DateRange(date(2026, 3, 1), date(2026, 3, 31))),
        (Kind.DATE_RANGE, "2026-03-01 to 2026-03-31", DateRange(date(2026, 3, 1), date(2026, 3, 31))),
        (Kind.DATE_RANGE, "2026-03-01", DateRange(date(2026, 3, 1))),
        (Kind.BOOLEAN, "Yes", True),
        (Kind.BOOLEAN, "0", False),
        (Kind.OPTION, "hot", "Hot"),
        (Kind.OPTIONS, "cold; HOT, cold", ("Cold", "Hot")),
        (Kind.PHONE, " 0171 55 ", ("0171 55",)),
        (Kind.EMAIL, "Ann@a.example, b@a.example", ("ann@a.example", "b@a.example")),
        (Kind.ADDRESS, "Rhine 1,  Bonn", Address("Rhine 1, Bonn")),
    ],
)
def test_what_was_typed_becomes_a_value(kind, text, value):
    assert value_from_text(make_field(kind, options=(HOT, COLD)), text) == value


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (Kind.NUMBER, "1,5", "not a number"),
        (Kind.MONEY, "120", "not an amount with a currency"),
        (Kind.MONEY, "12 345", "not an amount with a currency"),
        (Kind.MONEY, "1 200 EUR", "not an amount with a currency"),
        (Kind.DATE, "31.3.2026", "not a date"),
        (Kind.DATETIME, "2026-03-31 09:30", "needs a zone"),
        (Kind.DATETIME, "soon", "not a date and time"),
        (Kind.TIME, "9.30", "not a time"),
        (Kind.TIME, "09:30 tomorrow", "not a time"),
        (Kind.TIME, "09:30+02:00", "not a time"),
        (Kind.DATE_RANGE, "2026-03-31/2026-03-01", "ends before it begins"),
        (Kind.DATE_RANGE, "2026-03-31/later", "not two dates"),
        (Kind.BOOLEAN, "maybe", "neither yes nor no"),
        (Kind.OPTION, "Warm", "not one of the options of “field”"),
        (Kind.OPTIONS, "Hot, Warm", "not one of the options"),
        (Kind.EMAIL, "a@x.example, nobody", "“nobody” is not an e-mail address"),
        (Kind.TEXT, "x" * 11, "too long: 11 of 10 characters"),
        (Kind.USER, "Olga", "can’t be filled in here"),
    ],
)
def test_what_does_not_fit_says_why(kind, text, reason):
    value = value_from_text(make_field(kind, options=(HOT, COLD), max_length=10), text)

    assert isinstance(value, Unreadable)
    assert reason in value.reason


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_blank_is_empty(kind, text):
    assert value_from_text(make_field(kind), text) is None


def test_a_label_may_hold_a_comma():
    field = make_field(Kind.OPTIONS, options=CITIES)

    assert value_from_text(field, "bonn, germany") == ("Bonn, Germany",)
