"""Laws of values: comparing is an equivalence, JSON there and back is the identity, nothing is rounded."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

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
    comparison_key,
    describe,
    from_json,
    is_empty,
    is_readable,
    laid_out_text,
    normal_email,
    normal_emails,
    normal_number,
    normal_phones,
    normal_text,
    phone_key,
    plain_number,
    same,
    significant_digits,
    to_json,
)

TEXTS = st.text(st.sampled_from("aA bÄ\n\t ß1A\u0308ά\u0345"), min_size=1, max_size=6)
"""Two spellings of one letter among them."""
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30).map(
    plain_number
)
ZONES = st.sampled_from([None, "Europe/Berlin", "UTC"])
DATES = st.dates()
MOMENTS = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=11))])
)
LABELS = st.lists(st.sampled_from(["Hot", "hot ", "Cold", "ß"]), max_size=3).map(tuple)
PHONES = st.lists(st.sampled_from(["0171 55", "0171-55", "+49 171 55", "0049 171 55", "ring"]), max_size=3)
EMAILS = st.lists(st.sampled_from(["a@x.de", "A@x.de ", "b@x.de", "n/a"]), max_size=3)

BY_KIND: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.TEXT: TEXTS,
    Kind.LONG_TEXT: TEXTS,
    Kind.LINK: TEXTS,
    Kind.OPTION: TEXTS,
    Kind.USER: TEXTS,
    Kind.ORGANIZATION: TEXTS,
    Kind.PERSON: TEXTS,
    Kind.UNKNOWN: TEXTS,
    Kind.NUMBER: NUMBERS,
    Kind.MONEY: st.builds(Money, NUMBERS, st.sampled_from(["EUR", "USD"])),
    Kind.DATE: DATES,
    Kind.DATETIME: MOMENTS,
    Kind.TIME: st.builds(TimeOfDay, st.times(), ZONES),
    Kind.DATE_RANGE: st.builds(DateRange, DATES, st.none() | DATES),
    Kind.TIME_RANGE: st.builds(TimeRange, st.times(), st.none() | st.times(), ZONES),
    Kind.BOOLEAN: st.booleans(),
    Kind.OPTIONS: LABELS,
    Kind.PHONE: PHONES.map(lambda raw: normal_phones(raw)),
    Kind.EMAIL: EMAILS.map(lambda raw: normal_emails(raw)),
    Kind.ADDRESS: st.builds(Address, TEXTS, st.just(()) | st.just((("city", "Bonn"), ("street", "")))),
}
SPECIAL: tuple[Value, ...] = (None, "", (), MISSING, Unreadable("?", "odd"), Unreadable("?", "other"))
KINDS = st.sampled_from(list(Kind))


def test_every_kind_has_values_here():
    assert set(BY_KIND) == set(Kind)


def values_of(kind: Kind) -> st.SearchStrategy[Value]:
    """Values in normal form: blank text is None by then."""
    return BY_KIND[kind] | st.sampled_from([value for value in SPECIAL if value != ""])


@given(st.data(), KINDS)
def test_json_there_and_back_is_the_identity(data, kind):  # V6
    value = data.draw(values_of(kind))

    back = from_json(kind, to_json(value))

    assert back == value
    assert type(back) is type(value)


@given(st.data(), KINDS, st.sampled_from(["", "DE"]))
def test_comparing_is_an_equivalence(data, kind, country):  # V6
    one, two, three = (data.draw(values_of(kind)) for _ in range(3))

    assert same(kind, one, one, country)
    assert same(kind, one, two, country) == same(kind, two, one, country)
    if same(kind, one, two, country) and same(kind, two, three, country):
        assert same(kind, one, three, country)


@given(st.data(), KINDS)
def test_the_short_cut_of_same_agrees_with_the_keys(data, kind):  # V6
    one, two = data.draw(values_of(kind)), data.draw(values_of(kind))

    assert same(kind, one, two) == (comparison_key(kind, one) == comparison_key(kind, two))


def test_empty_values_are_the_same_and_nothing_else_is_the_same_as_them():  # V3
    for kind, (one, other) in product(Kind, product(SPECIAL, SPECIAL)):
        if is_empty(one):
            assert same(kind, one, other) == is_empty(other)
        if not is_readable(one):
            assert same(kind, one, other) == (one == other)


@given(st.data(), KINDS, KINDS)
def test_what_was_kept_as_another_kind_is_unreadable_not_a_crash(data, kept_as, read_as):
    value = from_json(read_as, to_json(data.draw(values_of(kept_as))))

    assert describe(value) is not None


@given(st.data(), KINDS)
def test_every_value_can_be_described_in_one_line(data, kind):
    value = data.draw(values_of(kind))

    assert (describe(value) == "") == (is_empty(value) or value is MISSING) or normal_text(
        describe(value)
    ) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**38), max_value=10**38))
def test_no_digit_of_a_number_is_lost(number):  # V1
    kept = normal_number(number)

    if isinstance(kept, Decimal):
        assert kept == number
        assert str(kept) == str(normal_number(str(kept)))
    else:
        assert abs(number.adjusted()) > 28


def test_numbers_nobody_writes_are_unreadable():
    for raw in ("1e999999999", "nan", "Infinity", "-Infinity", "", "1,5", "0x10", True):
        assert isinstance(normal_number(raw), Unreadable), raw


def test_digits_are_counted_without_zeros_at_the_end():  # V5
    counted = [significant_digits(Decimal(n)) for n in ("0", "100", "1.50", "-12.345", "0.001")]

    assert counted == [1, 1, 2, 5, 1]


def test_zero_has_one_spelling():
    assert [str(plain_number(Decimal(n))) for n in ("0", "-0", "0.00", "0E+5")] == ["0"] * 4


@given(TEXTS)
def test_normal_forms_are_stable(raw):
    once = normal_text(raw)

    assert once is None or normal_text(once) == once
    assert normal_email(normal_email(raw)) == normal_email(raw)
    laid_out = laid_out_text(raw)
    assert laid_out is None or laid_out_text(laid_out) == laid_out
    assert same(Kind.LONG_TEXT, laid_out, once)


@given(PHONES)
def test_the_same_number_is_kept_once_as_first_written(raw):
    kept = normal_phones(raw)

    assert normal_phones(kept) == kept
    assert len({phone_key(number) for number in kept}) == len(kept)
    assert not kept or kept[0] == raw[0].strip()


def test_one_number_is_known_in_all_its_spellings():  # V4
    spellings = ["+49 (0)171 1234567", "0049 171 1234567", "0171 123 45 67", "+491711234567"]

    assert {phone_key(number, "DE") for number in spellings} == {"+491711234567"}


def test_without_a_country_a_number_is_its_digits():  # V4
    assert phone_key("0171 / 123-45") == "017112345"
    assert phone_key("Ring the Bell") == "ring the bell"
    assert phone_key("030 1234 ext. 5") != phone_key("030 12345")
    assert normal_phones(["1-800-FLOWERS", "1-800-CARTOON"]) == ("1-800-FLOWERS", "1-800-CARTOON")


def test_an_extension_makes_another_number():  # V4
    assert phone_key("+44 20 7946 0123 ext. 12") != phone_key("+44 20 7946 0123")


def test_moments_are_compared_as_instants_and_dates_as_they_are():  # V5
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)

    assert same(Kind.DATETIME, noon, noon.astimezone(timezone(timedelta(hours=5))))
    assert not same(Kind.DATE, date(2026, 3, 2), date(2026, 3, 3))
    assert not same(Kind.TIME, TimeOfDay(time(9), "Europe/Berlin"), TimeOfDay(time(9)))


def test_an_address_is_compared_by_its_text_alone():  # V5
    assert same(Kind.ADDRESS, Address("Rhine 1,  Bonn"), Address("Rhine 1, Bonn", (("city", "Bonn"),)))
