"""From what a person typed, or a file holds, to a value of a field. What does not fit is Unreadable with the reason."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal

from tidegate.core.catalogue import Field
from tidegate.core.values import (
    Address,
    DateRange,
    Kind,
    Money,
    TimeOfDay,
    Unreadable,
    Value,
    is_email,
    normal_date,
    normal_emails,
    normal_number,
    normal_phones,
    normal_text,
)
from tidegate.words import say

_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ZONE = re.compile(r"UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+")
_BETWEEN = re.compile(r"\s*[/–—]\s*|\s+(?:-|to)\s+")
"""What people put between two dates; a hyphen without space around it belongs to a date."""
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


def value_from_text(field: Field, raw: str) -> Value:
    """The value a text stands for in this field, or Unreadable. Blank text is empty."""
    text = normal_text(raw)
    if text is None:
        return None
    match field.kind:
        case Kind.NUMBER:
            return normal_number(text)
        case Kind.DATE:
            return normal_date(text)
        case Kind.BOOLEAN:
            return _boolean(text)
        case Kind.OPTION:
            return _option(field, text)
        case Kind.OPTIONS:
            return _options(field, text)
        case Kind.PHONE:
            return normal_phones([text])
        case Kind.EMAIL:
            return _emails(text)
        case Kind.MONEY:
            return _money(text)
        case Kind.TIME:
            return _time(text)
        case Kind.DATETIME:
            return _datetime(text)
        case Kind.DATE_RANGE:
            return _date_range(text)
        case Kind.ADDRESS:
            return Address(text)
        case Kind.TEXT | Kind.LONG_TEXT | Kind.LINK:
            return _text(field, text)
        case _:
            return Unreadable(raw, say("this type of field can’t be filled in here"))


def _text(field: Field, text: str) -> Value:
    if field.max_length is not None and len(text) > field.max_length:
        return Unreadable(
            text,
            say("too long: {length} of {limit} characters", length=len(text), limit=field.max_length),
        )
    return text


def _boolean(text: str) -> Value:
    word = text.casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return Unreadable(text, say("neither yes nor no"))


def _option(field: Field, text: str) -> Value:
    found = field.option_id(text)
    label = None if found is None else field.option_label(found)
    return label or Unreadable(text, say("not one of the options of “{field}”", field=field.name))


def _options(field: Field, text: str) -> Value:
    whole = _option(field, text)
    if isinstance(whole, str):  # a label may hold a comma
        return (whole,)
    labels = []
    for part in filter(None, (piece.strip() for piece in text.replace(";", ",").split(","))):
        label = _option(field, part)
        if not isinstance(label, str):
            return label
        labels.append(label)
    return tuple(dict.fromkeys(labels))


def _emails(text: str) -> Value:
    found = normal_emails(text.replace(";", ",").split(","))
    strange = next((address for address in found if not is_email(address)), None)
    return (
        found
        if strange is None
        else Unreadable(text, say("“{address}” is not an e-mail address", address=strange))
    )


def _money(text: str) -> Value:
    amount, _, currency = text.partition(" ")
    number = normal_number(amount)
    if not isinstance(number, Decimal) or not _CURRENCY.fullmatch(currency):
        return Unreadable(text, say("not an amount with a currency like 120.50 EUR"))
    return Money(number, currency.upper())


def _time(text: str) -> Value:
    clock, _, zone = text.partition(" ")
    fault = Unreadable(text, say("not a time like 09:30 or 09:30 Europe/Berlin"))
    try:
        at = time.fromisoformat(clock)
    except ValueError:
        return fault
    if at.tzinfo is not None or (zone and not _ZONE.fullmatch(zone)):
        return fault
    return TimeOfDay(at, zone or None)


def _datetime(text: str) -> Value:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return Unreadable(text, say("not a date and time like 2026-03-31 09:30+00:00"))
    return (
        moment.astimezone(UTC)
        if moment.tzinfo
        else Unreadable(text, say("the time needs a zone, like +00:00"))
    )


def _date_range(text: str) -> Value:
    start, *rest = _BETWEEN.split(text, maxsplit=1)
    end = rest[0] if rest else ""
    first, last = normal_date(start), normal_date(end) if end else None
    if not isinstance(first, date) or not (last is None or isinstance(last, date)):
        return Unreadable(text, say("not two dates like 2026-03-01 – 2026-03-31"))
    if last is not None and last < first:
        return Unreadable(text, say("the range ends before it begins"))
    return DateRange(first, last)
