"""docs/sync-rules.md, "Values": what fits travels whole, what doesn't is refused with the reason."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from tests.pairs import COLD, HOT, PIPEDRIVE, make_field
from tidegate.core.catalogue import Field, Option
from tidegate.core.fitting import fit
from tidegate.core.operations import Refusal
from tidegate.core.values import Address, DateRange, Kind, Money, TimeOfDay, TimeRange, Value


def reason(value: Value, target: Field) -> str:
    refusal = fit(value, target, PIPEDRIVE)
    assert isinstance(refusal, Refusal), f"{value!r} was taken as {refusal!r}"
    assert (refusal.side, refusal.field, refusal.value) == (PIPEDRIVE, target.key, value)
    return refusal.reason


def test_a_text_that_is_too_long_is_refused_with_both_lengths():  # V1
    assert reason("x" * 300, make_field(max_length=255)) == "too long: 300 of 255 characters"
    assert fit("x" * 255, make_field(max_length=255), PIPEDRIVE) == "x" * 255


def test_the_message_names_the_field_as_people_know_it():
    refusal = fit("abc", make_field(max_length=2, name="Job title"), PIPEDRIVE)

    assert isinstance(refusal, Refusal)
    assert refusal.message == "Job title: too long: 3 of 2 characters"


def test_addresses_and_list_items_are_measured_one_by_one():
    assert reason(Address("x" * 11), make_field(Kind.ADDRESS, max_length=10)).startswith("too long: 11")
    assert reason(("1", "2" * 11), make_field(Kind.PHONE, max_length=10)).startswith("too long: 11")
    assert fit(("1" * 10, "2" * 10), make_field(Kind.PHONE, max_length=10), PIPEDRIVE) == ("1" * 10, "2" * 10)


@pytest.mark.parametrize("value", [Decimal("1234567"), Money(Decimal("1234567"), "EUR")])
def test_a_number_with_more_digits_than_the_side_keeps_is_refused(value):  # V1
    kind = Kind.MONEY if isinstance(value, Money) else Kind.NUMBER

    assert reason(value, make_field(kind, max_digits=6)) == "too many digits: 7 of 6"
    assert fit(value, make_field(kind, max_digits=7), PIPEDRIVE) == value


def test_trailing_zeros_are_no_digits():
    assert fit(Decimal("1200000"), make_field(Kind.NUMBER, max_digits=2), PIPEDRIVE) == Decimal("1200000")


def test_an_unknown_option_is_refused_by_its_label():  # V2
    target = make_field(Kind.OPTION, options=(HOT, COLD))

    assert reason("Lukewarm", target) == "“Lukewarm” is not one of its options"


@pytest.mark.parametrize(
    ("value", "target", "lacks"),
    [
        ("Lukewarm", make_field(Kind.OPTION, options=(HOT, COLD)), True),
        (("Hot", "Warm"), make_field(Kind.OPTIONS, options=(HOT, COLD)), True),
        (("Hot",), make_field(Kind.OPTION, options=(HOT, COLD)), False),
        ("x" * 9, make_field(Kind.TEXT, max_length=8), False),
    ],
)
def test_a_refusal_tells_whether_a_new_option_would_mend_it(value, target, lacks):
    refusal = fit(value, target, PIPEDRIVE)

    assert isinstance(refusal, Refusal)
    assert refusal.lacks_option is lacks


def test_a_known_option_takes_the_targets_spelling():  # V2
    assert fit(" hot", make_field(Kind.OPTION, options=(HOT, COLD)), PIPEDRIVE) == "Hot"
    assert fit(("cold", "HOT"), make_field(Kind.OPTIONS, options=(HOT, COLD)), PIPEDRIVE) == ("Cold", "Hot")


def test_several_options_travel_all_or_none():  # V1, V2
    target = make_field(Kind.OPTIONS, options=(HOT, COLD))

    assert reason(("Hot", "Warm", "Mild"), target) == "“Warm”, “Mild” are not among its options"


@pytest.mark.parametrize("value", [None, "", ()])
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNKNOWN])
def test_an_emptied_value_fits_every_field(kind, value):  # G3
    fitted = fit(value, make_field(kind, max_length=1), PIPEDRIVE)

    assert fitted in (None, ())


def test_a_read_only_field_is_never_written():
    assert reason(None, make_field(writable=False)) == "this field can’t be written"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("12", Kind.NUMBER),
        (Decimal(12), Kind.TEXT),
        (datetime(2026, 3, 2, tzinfo=UTC), Kind.DATE),
        (date(2026, 3, 2), Kind.DATETIME),
        (True, Kind.NUMBER),
        ("yes", Kind.BOOLEAN),
        ("a@x.example", Kind.EMAIL),
        (("a",), Kind.TEXT),
        ("x", Kind.UNKNOWN),
    ],
)
def test_a_value_of_another_type_is_refused(value, kind):  # V1
    assert "is not a value of this type of field" in reason(value, make_field(kind))


def test_what_is_no_address_is_refused():  # V1
    assert reason(("a@x.example", "n/a"), make_field(Kind.EMAIL)) == "“n/a” is not an e-mail address"


def test_a_field_for_one_number_takes_the_primary_one():  # I7
    assert fit(("1", "2"), make_field(Kind.PHONE, single=True), PIPEDRIVE) == ("1",)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Kind.TIME, TimeOfDay(time(9, 30, 0, 5)), "fractions of a second"),
        (Kind.TIME_RANGE, TimeRange(time(9), time(10, 0, 0, 500_000)), "10:00:00.500000 has fractions"),
        (
            Kind.DATE_RANGE,
            DateRange(date(2026, 3, 2), date(2026, 3, 1)),
            "ends on 2026-03-01 before it starts on 2026-03-02",
        ),
        (Kind.MONEY, Money(Decimal(5), "POINTS"), "“POINTS” is not a currency of three letters"),
    ],
)
def test_what_neither_side_can_spell_is_refused_by_itself(kind, value, said):  # V1
    assert said in reason(value, make_field(kind))


def test_more_items_than_the_side_holds_are_refused_with_both_counts():  # V1
    assert reason(("1", "2", "3"), make_field(Kind.PHONE, max_items=2)) == "too many: 3 of 2"
    assert fit(("1", "2"), make_field(Kind.PHONE, max_items=2), PIPEDRIVE) == ("1", "2")


def test_an_option_is_known_however_its_accents_are_encoded():  # V2
    target = make_field(Kind.OPTION, options=(Option("1", "Caf\u00e9"),))

    assert fit("cafe\u0301", target, PIPEDRIVE) == "Caf\u00e9"
