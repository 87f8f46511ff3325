"""What fits a custom field, and in which form it is kept."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core import values as core
from tidegate.prospects.models import FieldType
from tidegate.prospects.values import (
    FieldShape,
    Unfit,
    normal_email,
    option_key,
    read_email,
    read_value,
    to_text,
)

OPTIONS = ("Blue", "Red, dark", "Grün")
T = FieldType


def shape(field_type: FieldType) -> FieldShape:
    return FieldShape(field_type, OPTIONS if field_type in (T.OPTION, T.OPTIONS) else ())


FITS = [
    (T.TEXT, "  two   words ", "two words"),
    (T.TEXT, "two\r\nlines", "two lines"),
    (T.TEXT, 12, "12"),
    (T.LONG_TEXT, "\na \r\n  - b  c \n\n", "a\n  - b  c"),
    (T.NUMBER, "12.50", "12.5"),
    (T.NUMBER, 1000, "1000"),
    (T.NUMBER, 0.1, "0.1"),
    (T.NUMBER, "1,234.5", "1234.5"),
    (T.NUMBER, "1.234,5", "1234.5"),
    (T.NUMBER, "1 234 567", "1234567"),
    (T.NUMBER, "1,234,567", "1234567"),
    (T.NUMBER, "1.234.567", "1234567"),
    (T.NUMBER, "12,5", "12.5"),
    (T.NUMBER, "0,125", "0.125"),
    (T.NUMBER, "-0", "0"),
    (T.MONEY, "120.50 eur", {"amount": "120.5", "currency": "EUR"}),
    (T.MONEY, "EUR 1,200.50", {"amount": "1200.5", "currency": "EUR"}),
    (T.MONEY, {"amount": 3, "currency": "USD"}, {"amount": "3", "currency": "USD"}),
    (T.DATE, "2026-03-31", "2026-03-31"),
    (T.DATE, "31.03.2026", "2026-03-31"),
    (T.DATE, "31 March 2026", "2026-03-31"),
    (T.TIME, "09:30", {"at": "09:30:00", "zone": None}),
    (T.TIME, "09:30 Europe/Berlin", {"at": "09:30:00", "zone": "Europe/Berlin"}),
    (T.DATETIME, "2026-03-31T09:30:00+02:00", "2026-03-31T07:30:00+00:00"),
    (T.DATETIME, "2026-03-31 07:30 UTC", "2026-03-31T07:30:00+00:00"),
    (T.DATE_RANGE, "2026-03-01/2026-03-31", {"start": "2026-03-01", "end": "2026-03-31"}),
    (T.DATE_RANGE, "2026-03-01 – 2026-03-31", {"start": "2026-03-01", "end": "2026-03-31"}),
    (T.DATE_RANGE, "2026-03-01", {"start": "2026-03-01", "end": None}),
    (T.BOOLEAN, "Yes", True),
    (T.BOOLEAN, False, False),
    (T.BOOLEAN, "0", False),
    (T.OPTION, " blue ", "Blue"),
    (T.OPTION, "RED, DARK", "Red, dark"),
    (T.OPTIONS, "grün; Red, dark; grün", ["Red, dark", "Grün"]),
    (T.OPTIONS, "grün, blue", ["Blue", "Grün"]),
    (T.OPTIONS, ["Grün"], ["Grün"]),
    (T.PHONE, "+49 30 5550100; 112", ["+49 30 5550100", "112"]),
    (T.EMAIL, "Ann@Example.com, b@example.com", ["ann@example.com", "b@example.com"]),
    (T.ADDRESS, "1 Quay Street\nPorto", {"text": "1 Quay Street\nPorto", "parts": []}),
    (T.LINK, "https://example.com/a?b", "https://example.com/a?b"),
    (T.LINK, "linkedin.example/in/ann", "linkedin.example/in/ann"),
]  # fmt: skip


@pytest.mark.parametrize(("field_type", "raw", "kept"), FITS)
def test_what_fits_is_kept_in_normal_form(field_type, raw, kept):
    assert read_value(shape(field_type), raw) == kept


@pytest.mark.parametrize(("field_type", "raw", "kept"), FITS)
def test_reading_a_kept_value_again_changes_nothing(field_type, raw, kept):
    assert read_value(shape(field_type), kept) == kept


@pytest.mark.parametrize(("field_type", "raw", "kept"), FITS)
def test_a_kept_value_survives_a_cell_of_a_file(field_type, raw, kept):
    assert read_value(shape(field_type), to_text(field_type, kept)) == kept


@pytest.mark.parametrize(("field_type", "raw", "kept"), FITS)
def test_a_kept_value_is_the_engines_normal_form_too(field_type, raw, kept):
    kind = core.Kind(field_type.value)

    assert core.to_json(core.from_json(kind, kept)) == kept


def test_every_type_is_shown_to_fit():
    assert {field_type for field_type, _, _ in FITS} == set(FieldType)


@pytest.mark.parametrize("field_type", FieldType)
@pytest.mark.parametrize("raw", [None, "", "  ", "\n"])
def test_blank_is_empty_whatever_the_type(field_type, raw):
    assert read_value(shape(field_type), raw) is None


UNFIT = [
    (T.TEXT, "x" * 1001, "1,001 of 1,000"),
    (T.TEXT, "a\x00b", "NUL"),
    (T.TEXT, "a\udce9b", "could not be read"),
    (T.TEXT, True, "must be text"),
    (T.TEXT, ["a"], "must be text"),
    (T.LONG_TEXT, "x" * 100_001, "100,001"),
    (T.NUMBER, "about 40", "not a number"),
    (T.NUMBER, "1,234", "1234 or 1.234"),
    (T.NUMBER, "NaN", "out of range"),
    (T.NUMBER, "Infinity", "out of range"),
    (T.NUMBER, "9" * 29, "28 digits"),
    (T.NUMBER, "1e400", "28 digits"),
    (T.NUMBER, "1_000", "not a number"),
    (T.NUMBER, True, "must be a number"),
    (T.MONEY, "120", "like 120.50 EUR"),
    (T.MONEY, "EUR", "like 120.50 EUR"),
    (T.MONEY, {"amount": 1, "currency": "EUR", "tax": 2}, "“tax”"),
    (T.DATE, "03/04/2026", "the day or the month first"),
    (T.DATE, "2026-02-30", "not a date"),
    (T.DATE, 20260331, "not a date"),
    (T.TIME, "25:00", "not a time"),
    (T.TIME, "09:30 somewhere near", "unknown time zone"),
    (T.DATETIME, "2026-03-31 09:30", "no time zone"),
    (T.DATETIME, "soon", "not a date and time"),
    (T.DATE_RANGE, "2026-03-31/2026-03-01", "before it starts"),
    (T.BOOLEAN, "perhaps", "neither yes nor no"),
    (T.OPTION, "green", "Blue, Red, dark, Grün"),
    (T.OPTIONS, "blue; green", "“green” is not one of"),
    (T.PHONE, "1" * 101, "101 of 100"),
    (T.EMAIL, "ann@", "not a valid e-mail"),
    (T.ADDRESS, {"text": "x", "parts": ["y"]}, "pairs"),
    (T.LINK, "javascript:alert(1)", "not a web address"),
    (T.LINK, "two words", "space"),
]


@pytest.mark.parametrize(("field_type", "raw", "reason"), UNFIT)
def test_what_does_not_fit_is_refused_with_the_reason(field_type, raw, reason):
    with pytest.raises(Unfit) as refusal:
        read_value(shape(field_type), raw)

    assert reason in str(refusal.value)


def test_every_type_is_shown_to_refuse():
    assert {field_type for field_type, _, _ in UNFIT} == set(FieldType)


def test_a_refusal_quotes_only_the_beginning_of_a_huge_value():
    with pytest.raises(Unfit) as refusal:
        read_value(shape(T.NUMBER), "x" * 5_000_000)

    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "address", ["ann@example.com", "o'neil+list@mail.example.co.uk", "jörg@müller.example", "a@b.c"]
)
def test_a_real_address_is_taken_as_written(address):
    assert read_email(f" {address} ") == address


@pytest.mark.parametrize(
    "address",
    ["ann", "ann@example", "ann@@example.com", "ann example@example.com", "ann@example.com, bob@example.com",
     "Ann <ann@example.com>", "@example.com", "ann@.example.com", "a" * 250 + "@example.com", "n/a", "a\x00@b.example", 7],
)  # fmt: skip
def test_what_is_nobodys_address_is_refused(address):
    with pytest.raises(Unfit):
        read_email(address)


@given(st.text(max_size=40))
def test_both_sides_of_the_house_compare_addresses_and_options_alike(text):
    assert normal_email(text) == core.normal_email(text)
    assert option_key(text) == core.option_key(text)


@given(st.text("ab.@[]\"'+ \t\x01ü", max_size=12) | st.emails())
def test_both_sides_of_the_house_take_the_same_for_an_address(text):
    try:
        read_email(text)
    except Unfit:
        taken = False
    else:
        taken = True
    assert taken == core.is_email(text.strip())


@given(st.text(st.sampled_from(" \t\n\r\u00a0ab-"), max_size=12))
def test_both_sides_of_the_house_lay_out_a_long_text_alike(text):
    assert read_value(shape(T.LONG_TEXT), text) == core.laid_out_text(text)


numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6)
kept_values = st.one_of(
    st.tuples(st.just(T.NUMBER), numbers.map(lambda n: str(n.normalize() + 0))),
    st.tuples(st.just(T.MONEY), numbers.map(lambda n: {"amount": str(n.normalize() + 0), "currency": "EUR"})),
    st.tuples(st.just(T.DATE), st.dates(min_value=date(1000, 1, 1)).map(date.isoformat)),
    st.tuples(
        st.just(T.DATETIME),
        st.datetimes(min_value=datetime(1000, 1, 2), timezones=st.just(UTC)).map(datetime.isoformat),  # noqa: DTZ001
    ),
    st.tuples(st.just(T.TIME), st.times().map(lambda t: {"at": time.isoformat(t), "zone": None})),
    st.tuples(st.just(T.OPTIONS), st.sets(st.sampled_from(OPTIONS), min_size=1).map(lambda s: [o for o in OPTIONS if o in s])),
    st.tuples(st.just(T.BOOLEAN), st.booleans()),
)  # fmt: skip


@given(kept_values)
def test_whatever_is_kept_survives_a_cell_of_a_file(pair):
    field_type, kept = pair

    assert read_value(shape(field_type), to_text(field_type, kept)) == kept


@given(numbers)
def test_no_number_is_rounded(number):
    kept = read_value(shape(T.NUMBER), str(number))

    assert isinstance(kept, str)
    assert Decimal(kept) == number
