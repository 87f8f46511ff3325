"""Whether a value fits the field it goes to. What does not fit is refused with the reason; nothing is ever cut.

Rules: docs/sync-rules.md, "Values".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from tidegate.core.catalogue import Field
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
    describe,
    is_email,
    is_empty,
    significant_digits,
)
from tidegate.words import Counted, say

_CURRENCY = re.compile(r"[A-Z]{3}")
_LINES = Counted(
    "it has {count} line, and the field holds one", "it has {count} lines, and the field holds one"
)
_STRANGE = Counted("{labels} is not one of its options", "{labels} are not among its options")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(?!\d)", re.IGNORECASE)
_LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_TYPES: Mapping[Kind, type] = {
    Kind.TEXT: str,
    Kind.LONG_TEXT: str,
    Kind.LINK: str,
    Kind.OPTION: str,
    Kind.USER: str,
    Kind.ORGANIZATION: str,
    Kind.PERSON: str,
    Kind.NUMBER: Decimal,
    Kind.MONEY: Money,
    Kind.DATE: date,
    Kind.TIME: TimeOfDay,
    Kind.DATETIME: datetime,
    Kind.DATE_RANGE: DateRange,
    Kind.TIME_RANGE: TimeRange,
    Kind.BOOLEAN: bool,
    Kind.OPTIONS: tuple,
    Kind.PHONE: tuple,
    Kind.EMAIL: tuple,
    Kind.ADDRESS: Address,
}


def fit(value: Value, target: Field, side: Side) -> Value | Refusal:
    """The value as the target field takes it (options in the target's own spelling), or why it doesn't."""
    if not target.writable:
        return _refuse(value, target, side, say("this field can’t be written"))
    if is_empty(value):
        return None if value == "" else value
    if not _right_type(value, target.kind):
        return _refuse(
            value, target, side, say("“{value}” is not a value of this type of field", value=describe(value))
        )
    reason = next((why for check in _CHECKS.get(type(value), ()) if (why := check(value, target))), "")
    if reason:
        return _refuse(value, target, side, reason)
    if target.kind in (Kind.OPTION, Kind.OPTIONS):
        return _fit_options(value, target, side)
    if target.kind in LISTS and target.single and isinstance(value, tuple):
        return value[:1]
    return value


def _refuse(value: Value, target: Field, side: Side, reason: str) -> Refusal:
    return Refusal(side, target.key, target.name, value, reason)


def _right_type(value: Value, kind: Kind) -> bool:
    expected = _TYPES.get(kind)
    if expected is date and isinstance(value, datetime):
        return False
    return expected is not None and isinstance(value, expected)


def _too_long(value: Value, target: Field) -> str:
    if target.max_length is None:
        return ""
    match value:
        case str():
            longest = len(value)
        case Address():
            longest = len(value.text)
        case tuple() if target.kind in LISTS:
            longest = max(map(len, value))
        case _:
            return ""
    return (
        say("too long: {length} of {limit} characters", length=longest, limit=target.max_length)
        if longest > target.max_length
        else ""
    )


def _too_many_lines(value: Value, target: Field) -> str:
    if not target.one_line or not isinstance(value, str) or "\n" not in value:
        return ""
    return _LINES(value.count("\n") + 1)


def _too_precise(value: Value, target: Field) -> str:
    number = value.amount if isinstance(value, Money) else value
    if target.max_digits is None or not isinstance(number, Decimal):
        return ""
    digits = significant_digits(number)
    return (
        say("too many digits: {digits} of {limit}", digits=digits, limit=target.max_digits)
        if digits > target.max_digits
        else ""
    )


def _too_many(value: Value, target: Field) -> str:
    if target.max_items is None or not isinstance(value, tuple) or len(value) <= target.max_items:
        return ""
    return say("too many: {number} of {limit}", number=len(value), limit=target.max_items)


def _no_moment(value: Value, target: Field) -> str:
    """What neither side has a spelling for."""
    match value:
        case TimeOfDay():
            clocks = (value.at,)
        case TimeRange():
            clocks = (value.start, *((value.end,) if value.end else ()))
        case DateRange() if value.end is not None and value.end < value.start:
            return say(
                "the range ends on {end} before it starts on {start}", end=value.end, start=value.start
            )
        case _:
            return ""
    fine = next((clock for clock in clocks if clock.microsecond), None)
    return (
        ""
        if fine is None
        else say(
            "{time} has fractions of a second, and the field holds whole ones",
            time=fine.isoformat(),
        )
    )


def _no_currency(value: Value, target: Field) -> str:
    if not isinstance(value, Money) or _CURRENCY.fullmatch(value.currency):
        return ""
    return say("“{currency}” is not a currency of three letters, like EUR", currency=value.currency)


def _no_address(value: Value, target: Field) -> str:
    if target.kind is not Kind.EMAIL or not isinstance(value, tuple):
        return ""
    strange = next((address for address in value if not is_email(address)), None)
    return "" if strange is None else say("“{address}” is not an e-mail address", address=strange)


def _no_link(value: Value, target: Field) -> str:
    if target.kind is not Kind.LINK or not isinstance(value, str):
        return ""
    scheme = _SCHEME.match(value)
    if " " in value or (scheme and scheme[1].lower() not in _LINK_SCHEMES):
        return say("“{value}” is not a web address", value=value[:60])
    return ""


_CHECKS: Mapping[type, tuple[Callable[[Value, Field], str], ...]] = {
    str: (_too_many_lines, _too_long, _no_link),
    tuple: (_too_long, _too_many, _no_address),
    Address: (_too_long,),
    Decimal: (_too_precise,),
    Money: (_too_precise, _no_currency),
    TimeOfDay: (_no_moment,),
    TimeRange: (_no_moment,),
    DateRange: (_no_moment,),
}
"""Type of a value -> what may be wrong with it, each in words or as the empty text."""


def _fit_options(value: Value, target: Field, side: Side) -> Value | Refusal:
    wanted = value if isinstance(value, tuple) else (str(value),)
    known = [target.known_label(label) for label in wanted]
    strange = [f"“{label}”" for label, found in zip(wanted, known, strict=True) if found is None]
    if strange:
        refusal = _refuse(value, target, side, _STRANGE(len(strange), labels=", ".join(strange)))
        return replace(refusal, lacks_option=True)
    labels = tuple(label for label in known if label is not None)
    return labels if isinstance(value, tuple) else labels[0]
