"""Values of Pipedrive fields, from JSON to normal form and back, one kind at a time. Pure.

REST answers and webhook bodies spell the same value differently
(https://pipedrive.readme.io/docs/webhooks-v2-migration-guide); `value_from` reads both. `value_to` makes what a write sends, or raises InvalidForRemote with the field in plain words: nothing is cut or rounded on the way.
There and back is the identity on everything a field can hold.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from tidegate.adapters.pipedrive.definitions import MOST_DIGITS
from tidegate.core.catalogue import Field
from tidegate.core.values import (
    KIND_WORDS,
    MISSING,
    Address,
    DateRange,
    Json,
    Kind,
    Missing,
    Money,
    TimeOfDay,
    TimeRange,
    Unreadable,
    Value,
    describe,
    is_empty,
    laid_out_text,
    normal_number,
    normal_phones,
    normal_text,
    significant_digits,
)
from tidegate.errors import InvalidForRemote
from tidegate.words import say

ADDRESS_PARTS = (
    "subpremise",
    "street_number",
    "route",
    "sublocality",
    "locality",
    "admin_area_level_2",
    "admin_area_level_1",
    "country",
    "postal_code",
)
NO_DATE = "0000-00-00"
"""What Pipedrive stores for a date that was emptied with an empty text."""


# --- From JSON --------------------------------------------------------------------------------------------------------


def value_from(field: Field, raw: object) -> Value:
    """What a field of a record holds; Unreadable where it is no value of the field's kind."""
    bare = _unwrapped(field.kind, raw)
    if bare is None or bare == "" or bare == []:
        return None
    try:
        return _read(field, bare)
    except (ValueError, TypeError, KeyError):
        return Unreadable(
            str(raw)[:200],
            say("not a value that a field of type {kind} can hold", kind=KIND_WORDS[field.kind]),
        )


def _unwrapped(kind: Kind, raw: object) -> object:
    """The value without the `{"type": ...}` that webhook bodies put around it."""
    if not isinstance(raw, dict):
        return raw
    match kind:
        case Kind.OPTION | Kind.USER | Kind.ORGANIZATION | Kind.PERSON:
            return raw.get("id", raw.get("value"))
        case Kind.OPTIONS:
            values = raw.get("values")
            return [item.get("id") if isinstance(item, dict) else item for item in values or ()]
        case Kind.DATE_RANGE | Kind.TIME_RANGE:
            return raw if _start(raw) is not None else None
        case Kind.MONEY | Kind.TIME | Kind.ADDRESS:
            return raw if raw.get("value") not in (None, "") else None
        case _:
            return raw.get("value")


def _start(raw: Mapping[str, object]) -> object:
    return raw.get("value", raw.get("from")) or None


def _read(field: Field, raw: object) -> Value:
    match field.kind:
        case Kind.LONG_TEXT:
            return laid_out_text(str(raw))
        case Kind.TEXT | Kind.LINK | Kind.UNKNOWN:
            return normal_text(str(raw))
        case Kind.NUMBER:
            return _number(raw)
        case Kind.BOOLEAN:
            return _boolean(raw)
        case Kind.DATE:
            return None if str(raw) == NO_DATE else date.fromisoformat(str(raw)[:10])
        case Kind.DATETIME:
            return moment_from(raw) or Unreadable(str(raw), say("not a date and time"))
        case Kind.PHONE | Kind.EMAIL:
            return normal_phones([str(raw)]) or None
        case Kind.OPTION | Kind.USER:
            return _label(field, raw)
        case Kind.OPTIONS:
            return _labels(field, raw)
        case Kind.ORGANIZATION | Kind.PERSON:
            return str(raw)
        case _:
            return _read_composite(field.kind, raw)


def _read_composite(kind: Kind, raw: object) -> Value:
    if not isinstance(raw, dict):
        raise TypeError("composite values are objects")
    match kind:
        case Kind.MONEY:
            return _money(raw)
        case Kind.TIME:
            zone = _zone(raw)
            return zone if isinstance(zone, Missing) else TimeOfDay(_clock(raw["value"]), zone)
        case Kind.DATE_RANGE:
            until = raw.get("until")
            return DateRange(
                date.fromisoformat(str(_start(raw))), date.fromisoformat(until) if until else None
            )
        case Kind.TIME_RANGE:
            zone, until = _zone(raw), raw.get("until")
            if isinstance(zone, Missing):
                return MISSING
            return TimeRange(_clock(_start(raw)), _clock(until) if until else None, zone)
        case Kind.ADDRESS:
            return _address(raw)
    raise TypeError(f"{kind} is not composite")


def _number(raw: object) -> Value:
    if isinstance(raw, int | float | str) and not isinstance(raw, bool):
        return normal_number(raw)
    raise TypeError("numbers are numbers")


def _boolean(raw: object) -> bool:
    if raw in (True, False, "0", "1"):
        return raw in (True, "1")
    raise ValueError("neither yes nor no")


def _money(raw: Mapping[str, object]) -> Value:
    amount = _number(raw["value"])
    currency = raw.get("currency")
    if not isinstance(amount, Decimal):
        return amount
    if not isinstance(currency, str) or not currency:
        return Unreadable(str(raw["value"]), say("an amount without a currency"))
    return Money(amount, currency.upper())


def _clock(raw: object) -> time:
    return time.fromisoformat(str(raw))


def _zone(raw: Mapping[str, object]) -> str | Missing | None:
    """The zone's name; MISSING where the body names it by number alone, as webhooks do."""
    name = raw.get("timezone_name")
    if name:
        return str(name)
    return MISSING if raw.get("timezone_id") else None


def _address(raw: Mapping[str, object]) -> Value:
    text = normal_text(str(raw["value"]))
    if text is None:
        return None
    return Address(text, tuple((part, str(raw[part])) for part in ADDRESS_PARTS if raw.get(part)))


def _label(field: Field, raw: object) -> Value:
    number = raw.get("id") if isinstance(raw, dict) else raw
    label = field.option_label(str(number))
    return label if label is not None else _unknown_option(field, number)


def _labels(field: Field, raw: object) -> Value:
    numbers = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(numbers, list):
        raise TypeError("options come as a list")
    labels = []
    for number in numbers:
        label = _label(field, number)
        if not isinstance(label, str):
            return label
        labels.append(label)
    order = {option.label: place for place, option in enumerate(field.options)}
    return tuple(sorted(dict.fromkeys(labels), key=order.__getitem__))


def _unknown_option(field: Field, number: object) -> Unreadable:
    return Unreadable(
        str(number),
        say("an option of “{field}” that is not known here yet; refresh the fields", field=field.name),
    )


def moment_from(raw: object) -> datetime | None:
    """An instant as REST (RFC 3339), API v1 (`YYYY-MM-DD HH:MM:SS`, UTC) or a webhook (ISO or epoch seconds) writes it."""
    try:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return datetime.fromtimestamp(raw, UTC)
        if not isinstance(raw, str) or not raw:
            return None
        if raw.isdigit():
            return datetime.fromtimestamp(int(raw), UTC)
        moment = datetime.fromisoformat(raw)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


# --- To JSON ----------------------------------------------------------------------------------------------------------


def value_to(field: Field, value: Value) -> Json:
    """What a write sends for this field; None empties it. Raises InvalidForRemote."""
    if isinstance(value, Unreadable):
        raise refused(field, say("“{raw}” is {reason}", raw=value.raw, reason=value.reason))
    if is_empty(value):
        return None
    match field.kind, value:
        case ((Kind.TEXT | Kind.LONG_TEXT | Kind.LINK), str()):
            return _text_to(field, value)
        case Kind.NUMBER, Decimal():
            return _number_to(field, value)
        case Kind.BOOLEAN, bool():
            return value
        case Kind.DATE, date() if not isinstance(value, datetime):
            return value.isoformat()
        case Kind.DATETIME, datetime():
            return moment_to(value)
        case Kind.PHONE, tuple():
            return _phone_to(field, value)
        case ((Kind.OPTION | Kind.USER), str()):
            return _option_to(field, value)
        case Kind.OPTIONS, tuple():
            return [_option_to(field, label) for label in value]
        case ((Kind.ORGANIZATION | Kind.PERSON), str()) if value.isdigit():
            return int(value)
        case _:
            return _composite_to(field, value)


def _composite_to(field: Field, value: Value) -> Json:
    match field.kind, value:
        case Kind.MONEY, Money():
            return {"value": _number_to(field, value.amount), "currency": value.currency}
        case Kind.TIME, TimeOfDay():
            return {"value": _clock_to(field, value.at), **_zone_to(value.zone)}
        case Kind.DATE_RANGE, DateRange():
            return {
                "value": value.start.isoformat(),
                **_until(None if value.end is None else value.end.isoformat()),
            }
        case Kind.TIME_RANGE, TimeRange():
            until = _until(None if value.end is None else _clock_to(field, value.end))
            return {"value": _clock_to(field, value.start), **until, **_zone_to(value.zone)}
        case Kind.ADDRESS, Address():
            parts: dict[str, Json] = {part: text for part, text in value.parts if part in ADDRESS_PARTS}
            return {"value": _text_to(field, value.text), **parts}
    raise refused(
        field,
        say(
            "“{value}” does not fit a field of type {kind}",
            value=describe(value),
            kind=KIND_WORDS[field.kind],
        ),
    )


def _text_to(field: Field, text: str) -> str:
    if field.max_length is not None and len(text) > field.max_length:
        raise refused(
            field,
            say(
                "the text has {length} characters, the field takes {limit}",
                length=len(text),
                limit=field.max_length,
            ),
        )
    return text


def _number_to(field: Field, number: Decimal) -> int | float:
    if not number.is_finite() or significant_digits(number) > MOST_DIGITS:
        raise refused(
            field,
            say(
                "{number} has more digits than Pipedrive keeps ({limit})",
                number=number,
                limit=MOST_DIGITS,
            ),
        )
    if number == number.to_integral_value() and abs(number) < 10**MOST_DIGITS:
        return int(number)
    return float(number)


def _phone_to(field: Field, numbers: tuple[str, ...]) -> str:
    if len(numbers) > 1:
        raise refused(
            field,
            say(
                "it holds one number, and there are {number}: {listed}",
                number=len(numbers),
                listed=", ".join(numbers),
            ),
        )
    return _text_to(field, numbers[0])


def _option_to(field: Field, label: str) -> int | str:
    number = field.option_id(label)
    if number is None:
        raise refused(
            field,
            say("“{label}” is none of its options", label=label),
            cure=say("Add the option in Pipedrive, refresh and retry."),
            lacks_option=True,
        )
    return int(number) if number.isdigit() else number


def _clock_to(field: Field, at: time) -> str:
    if at.microsecond or at.tzinfo is not None:
        raise refused(field, say("“{time}” is not a time in whole seconds", time=at.isoformat()))
    return at.isoformat(timespec="seconds")


def _until(end: str | None) -> dict[str, Json]:
    # Parts that are left out of a composite value become empty (the v2 migration guide says so of
    # addresses), so an open end is simply not sent.
    return {"until": end} if end is not None else {}


def _zone_to(zone: str | None) -> dict[str, Json]:
    return {"timezone_name": zone} if zone else {}


def moment_to(moment: datetime) -> str:
    """Whole seconds and Z: Pipedrive answers 400 to a fraction (seen by several client authors in 2026)."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def refused(field: Field, reason: str, *, cure: str = "", lacks_option: bool = False) -> InvalidForRemote:
    return InvalidForRemote(
        say("Pipedrive’s field “{field}” can’t take this: {reason}.", field=field.name, reason=reason),
        cure=cure,
        field=field.key,
        lacks_option=lacks_option,
    )
