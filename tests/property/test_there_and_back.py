"""Laws of the value layer across both apps: whatever a side can hold comes back as it was, from its own store and from the other
side's; and what the other side can't hold is refused with a reason instead of being bent (X5, V1, V6)."""

import json
from datetime import UTC, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.adapters.outreach.prospects import field_of
from tidegate.adapters.pipedrive.definitions import CREATABLE, person_fields
from tidegate.adapters.pipedrive.field_values import ADDRESS_PARTS, value_from, value_to
from tidegate.core.catalogue import Field, User
from tidegate.core.fitting import fit
from tidegate.core.operations import Refusal
from tidegate.core.records import Side
from tidegate.core.values import (
    LISTS,
    Address,
    DateRange,
    Kind,
    Money,
    TimeOfDay,
    TimeRange,
    Value,
    compatible,
    from_json,
    laid_out_text,
    normal_emails,
    normal_number,
    normal_phones,
    normal_text,
    same,
    to_json,
)
from tidegate.prospects.models import CustomField, FieldType
from tidegate.prospects.values import FieldShape, read_value

LABELS = ("Red", "Green, or so", "Straße; Café", "بيت", "Blue (2)")
STORE_KINDS = [Kind(kind) for kind in FieldType.values]
PIPEDRIVE_KINDS = [kind for kind in CREATABLE if kind is not Kind.LINK]
PAIRS = [(ours, theirs) for ours in STORE_KINDS for theirs in PIPEDRIVE_KINDS if compatible(ours, theirs)]
"""Every pair of kinds that can be mapped."""

ANY = st.characters(codec="utf-8", exclude_characters="\0")
"""Any characters an answer shows: of all scripts, combining, joined, invisible, right to left, control characters."""
TEXTS = st.text(ANY, min_size=1, max_size=300).map(lambda raw: normal_text(" ".join(raw.split("\n"))) or "x")
LINES = st.text(ANY, max_size=300).map(lambda raw: laid_out_text(raw) or "  - x\n\n\t- y  z")
LINKS = st.from_regex(r"(https://)?[a-zä0-9]{1,20}\.example(:80)?/[a-z0-9/_%?=&#,;-]{0,300}", fullmatch=True)
NUMBERS = (
    st.decimals(allow_nan=False, allow_infinity=False).map(normal_number)
    | st.floats(allow_nan=False, allow_infinity=False).map(normal_number)
    | st.sampled_from(["0", "1E+28", "1E-28", "9" * 28, "0.1", "12.345", "-0.005", "99999999999999.9"]).map(
        Decimal
    )
).filter(lambda number: isinstance(number, Decimal))
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "CLF", "XAU", "BTC", "POINTS", "e", ""])
"""With two, no, three and four decimals by their standards, and what accounts make up."""
TIMES = st.times()
ZONES = st.sampled_from([None, "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "UTC"])
DATES = st.dates()
RANGES = st.builds(DateRange, DATES, st.none() | DATES)
PHONES = st.lists(
    st.from_regex(r"\+4930[0-9]{4,9}( (ext\. |x|#)[0-9]{1,5})?", fullmatch=True)
    | st.from_regex(
        r"[0-9]{3,12}( ext [0-9]{1,4})?|1-800-[A-Z]{7}|ring[a-z ]{0,9}|[0-9]{90,120}", fullmatch=True
    ),
    min_size=1,
    max_size=3,
).map(normal_phones)
EMAILS = st.lists(
    st.emails() | st.from_regex(r"[a-zé.+\[\]\"]{1,9}@[a-zü.]{1,9}\.example", fullmatch=True),
    min_size=1,
    max_size=3,
).map(normal_emails)
PARTS = st.dictionaries(st.sampled_from(ADDRESS_PARTS), TEXTS).map(
    lambda given: tuple((part, given[part]) for part in ADDRESS_PARTS if part in given)
)

HELD: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.TEXT: TEXTS,
    Kind.LONG_TEXT: LINES,
    Kind.LINK: LINKS,
    Kind.NUMBER: NUMBERS,
    Kind.MONEY: st.builds(Money, NUMBERS, CURRENCIES),
    Kind.DATE: DATES,
    Kind.DATE_RANGE: RANGES,
    Kind.TIME: st.builds(TimeOfDay, TIMES, ZONES),
    Kind.TIME_RANGE: st.builds(TimeRange, TIMES, st.none() | TIMES, ZONES),
    Kind.DATETIME: st.datetimes(timezones=st.just(UTC)),
    Kind.BOOLEAN: st.booleans(),
    Kind.OPTION: st.sampled_from(LABELS),
    Kind.OPTIONS: st.lists(st.sampled_from(LABELS), min_size=1, unique=True).map(
        lambda chosen: tuple(label for label in LABELS if label in chosen)
    ),
    Kind.PHONE: PHONES,
    Kind.EMAIL: EMAILS,
    Kind.ADDRESS: st.builds(Address, TEXTS, PARTS),
    Kind.USER: st.sampled_from(LABELS),
    Kind.ORGANIZATION: st.integers(1, 10**9).map(str),
    Kind.PERSON: st.integers(1, 10**9).map(str),
}
"""Values in normal form that some field of the kind holds."""


def pipedrive_field(kind: Kind) -> Field:
    """As the account's definition of such a field is read."""
    options = [{"id": number, "label": label} for number, label in enumerate(LABELS, 1)]
    has_options = kind in (Kind.OPTION, Kind.OPTIONS)
    definition = {
        "field_code": "a" * 40,
        "field_name": "Theirs",
        "field_type": CREATABLE[kind],
        "is_custom_field": True,
        "options": options if has_options else None,
    }
    users = [User(str(number), label) for number, label in enumerate(LABELS, 1)]
    return next(field for field in person_fields([definition], users) if field.key == "a" * 40)


def store_field(kind: Kind) -> Field:
    """As the prospect store tells of such a field."""
    has_options = kind in (Kind.OPTION, Kind.OPTIONS)
    return field_of(
        CustomField(key="ours", name="Ours", type=kind.value, options=LABELS if has_options else ())
    )


def kept_by_store(kind: Kind, value: Value) -> Value:
    """What the prospect store shows of a value that it was given."""
    stored = read_value(FieldShape(FieldType(kind.value), LABELS), json.loads(json.dumps(to_json(value))))
    empty: object = [] if kind in LISTS or kind is Kind.OPTIONS else None
    return from_json(kind, empty if stored is None else stored)  # type: ignore[arg-type]


def kept_by_pipedrive(field: Field, value: Value) -> Value:
    """What Pipedrive shows of a value that it was sent, as its documents say: the same JSON."""
    return value_from(field, json.loads(json.dumps(value_to(field, value))))


def test_every_kind_a_side_can_hold_has_values_here() -> None:
    assert set(HELD) == {*STORE_KINDS, *PIPEDRIVE_KINDS}


@given(st.data(), st.sampled_from(STORE_KINDS))
def test_the_store_gives_back_what_it_was_given_or_it_is_refused_before(
    data: st.DataObject, kind: Kind
) -> None:  # V1, V6
    value = data.draw(HELD[kind])
    fitted = fit(value, store_field(kind), Side.OUTREACH)
    if isinstance(fitted, Refusal):
        assert fitted.reason
        assert fitted.value == value
    else:
        assert fitted == value
        assert kept_by_store(kind, fitted) == value


@given(st.data(), st.sampled_from(PIPEDRIVE_KINDS))
def test_pipedrive_gives_back_what_it_was_given_or_it_is_refused(
    data: st.DataObject, kind: Kind
) -> None:  # V1
    value, field = data.draw(HELD[kind]), pipedrive_field(kind)
    fitted = fit(value, field, Side.PIPEDRIVE)
    if isinstance(fitted, Refusal):
        assert fitted.reason
        assert fitted.value == value
    elif kind is Kind.PHONE and isinstance(value, tuple):
        assert kept_by_pipedrive(field, fitted) == value[:1]  # the field holds one, and gets the primary one
    else:
        assert fitted == value
        assert kept_by_pipedrive(field, fitted) == value


@given(st.data(), st.sampled_from(PAIRS))
def test_from_the_store_to_pipedrive_and_back_is_the_identity(
    data: st.DataObject, pair: tuple[Kind, Kind]
) -> None:  # V6
    ours, theirs = pair
    value, left, right = data.draw(HELD[ours]), store_field(ours), pipedrive_field(theirs)
    if isinstance(fit(value, left, Side.OUTREACH), Refusal):
        return  # nothing the store holds
    sent = fit(value, right, Side.PIPEDRIVE)
    if isinstance(sent, Refusal):
        assert sent.reason
        return
    shown = kept_by_pipedrive(right, sent)
    back = fit(shown, left, Side.OUTREACH)
    assert not isinstance(back, Refusal)
    whole = value[:1] if theirs is Kind.PHONE and isinstance(value, tuple) else value
    assert same(ours, kept_by_store(ours, back), whole)


@given(st.data(), st.sampled_from(PAIRS))
def test_from_pipedrive_to_the_store_and_back_is_the_identity(
    data: st.DataObject, pair: tuple[Kind, Kind]
) -> None:  # V6
    ours, theirs = pair
    value, left, right = data.draw(HELD[theirs]), store_field(ours), pipedrive_field(theirs)
    if isinstance(fit(value, right, Side.PIPEDRIVE), Refusal):
        return
    value = kept_by_pipedrive(right, fit_or_fail(value, right, Side.PIPEDRIVE))
    taken = fit(value, left, Side.OUTREACH)
    if isinstance(taken, Refusal):
        assert taken.reason
        return
    back = fit_or_fail(kept_by_store(ours, taken), right, Side.PIPEDRIVE)
    assert same(ours, kept_by_pipedrive(right, back), value)


def fit_or_fail(value: Value, field: Field, side: Side) -> Value:
    fitted = fit(value, field, side)
    assert not isinstance(fitted, Refusal), fitted.reason
    return fitted


def test_several_lines_are_not_run_together_in_a_field_of_one() -> None:  # V1
    refusal = fit("one\ntwo", store_field(Kind.TEXT), Side.OUTREACH)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "it has 2 lines, and the field holds one"


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Kind.TEXT, "x" * 300, "too long: 300 of 255 characters"),
        (Kind.LONG_TEXT, "x" * 65_001, "too long: 65001 of 65000 characters"),
        (Kind.PHONE, ("1" * 256,), "too long: 256 of 255 characters"),
        (Kind.NUMBER, Decimal("1234567890123456"), "too many digits: 16 of 15"),
        (Kind.MONEY, Money(Decimal("1234567890.123456"), "EUR"), "too many digits: 16 of 15"),
        (Kind.OPTION, "Violet", "“Violet” is not one of its options"),
        (Kind.OPTIONS, ("Red", "Violet", "White"), "“Violet”, “White” are not among its options"),
        (Kind.DATE, time(9), "is not a value of this type of field"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(kind: Kind, value: Value, reason: str) -> None:  # V1
    refusal = fit(value, pipedrive_field(kind), Side.PIPEDRIVE)
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


@pytest.mark.parametrize(
    "kind", [kind for kind in STORE_KINDS if kind not in CREATABLE and kind is not Kind.LINK]
)
def test_kinds_that_pipedrive_has_no_field_for_fit_no_field_of_it(kind: Kind) -> None:
    assert not any(compatible(kind, theirs) for theirs in PIPEDRIVE_KINDS)
