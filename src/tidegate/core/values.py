"""Kinds of fields and the normal form of their values.

A value in normal form is a plain immutable Python value, so that plain equality decides (with `same` for the few
kinds whose spelling may differ). `None` means *empty*: a person left or made it so. `MISSING` means the side did not
show the field at all, and `Unreadable` that it showed something we can't read: neither may ever empty the other side.
Rules: docs/sync-rules.md, "Values".
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers

from tidegate.words import say


class Kind(StrEnum):
    """The data types a mapped field can have. Only fields of one kind (or of `compatible` kinds) can be mapped."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DATE_RANGE = "date_range"
    TIME_RANGE = "time_range"
    BOOLEAN = "boolean"
    OPTION = "option"
    OPTIONS = "options"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    LINK = "link"
    USER = "user"
    ORGANIZATION = "organization"
    PERSON = "person"
    UNKNOWN = "unknown"


KIND_WORDS: Mapping[Kind, str] = {
    Kind.TEXT: say("text"),
    Kind.LONG_TEXT: say("long text"),
    Kind.NUMBER: say("number"),
    Kind.MONEY: say("money"),
    Kind.DATE: say("date"),
    Kind.TIME: say("time"),
    Kind.DATETIME: say("datetime"),
    Kind.DATE_RANGE: say("date range"),
    Kind.TIME_RANGE: say("time range"),
    Kind.BOOLEAN: say("boolean"),
    Kind.OPTION: say("option"),
    Kind.OPTIONS: say("options"),
    Kind.PHONE: say("phone"),
    Kind.EMAIL: say("email"),
    Kind.ADDRESS: say("address"),
    Kind.LINK: say("link"),
    Kind.USER: say("user"),
    Kind.ORGANIZATION: say("organization"),
    Kind.PERSON: say("person"),
    Kind.UNKNOWN: say("unknown"),
}
"""As messages say it in the middle of a sentence."""


class Missing:
    """The type of MISSING: the side did not show this field."""

    _only: "Missing | None" = None

    def __new__(cls) -> "Missing":
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that could not be brought into normal form, with the reason in plain words."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str
    """ISO 4217, upper case."""


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    at: time
    zone: str | None = None
    """IANA name, or None where the side keeps none."""


@dataclass(frozen=True, slots=True)
class DateRange:
    start: date
    end: date | None = None


@dataclass(frozen=True, slots=True)
class TimeRange:
    start: time
    end: time | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    text: str
    parts: tuple[tuple[str, str], ...] = ()
    """Parts as the other side splits them; never compared, since each app splits in its own way."""


Value = (
    None
    | str
    | Decimal
    | bool
    | date
    | datetime
    | Money
    | TimeOfDay
    | DateRange
    | TimeRange
    | Address
    | tuple[str, ...]
    | Missing
    | Unreadable
)
"""text, long text, link, option (its label), user, organization, person: str · number: Decimal · options: tuple of labels
in the field's order · e-mail and phone: tuple of strings, the primary one first · the rest as named."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

LISTS: Final = frozenset({Kind.EMAIL, Kind.PHONE})
"""Kinds whose value is a tuple with the primary one first."""
_TEXTS = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.LINK})
_WRITTEN_OUT = frozenset({Kind.NUMBER, Kind.DATE, Kind.DATETIME})
"""Kinds whose values are no texts, and are texts as JSON."""
_MOST_PLACES = 28
"""Before or after the point; the store keeps no more either."""
_NO_ADDRESS = r"\s@,;<>()\[\]\"\x00-\x1f\x7f"
_EMAIL = re.compile(rf"[^{_NO_ADDRESS}]+@[^{_NO_ADDRESS}.]+(\.[^{_NO_ADDRESS}.]+)+")
"""What the prospect store takes for an address, too."""
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")


def compatible(outreach: Kind, pipedrive: Kind) -> bool:
    """Whether fields of these kinds can be mapped. Pipedrive has no link type: its texts take links and texts."""
    if outreach is Kind.UNKNOWN or pipedrive is Kind.UNKNOWN:
        return False
    if outreach in _TEXTS and pipedrive in _TEXTS:
        return True
    return outreach is pipedrive


def is_empty(value: Value) -> bool:
    """Whether a person would call this empty. Missing and unreadable are not empty."""
    return value is None or value == "" or value == ()


def is_readable(value: Value) -> bool:
    return not isinstance(value, Missing | Unreadable)


def normal_text(raw: str) -> str | None:
    if (
        raw.isprintable() and "  " not in raw
    ):  # nearly always: one line, and no other blanks than single spaces
        return raw.strip() or None
    text = "\n".join(_SPACES.sub(" ", line).strip() for line in raw.replace("\r\n", "\n").split("\n")).strip()
    return text or None


def laid_out_text(raw: str) -> str | None:
    """A text of several lines as it was laid out: indents and inner spaces stay, what is invisible at the ends goes."""
    lines = (line.rstrip(" \t\r\f\v\u00a0") for line in raw.replace("\r\n", "\n").split("\n"))
    text = "\n".join(lines).strip("\n")
    return text if text.strip() else None


def normal_email(raw: str) -> str:
    """Addresses are compared without case and surrounding space."""
    return raw.strip().lower()


def is_email(address: str) -> bool:
    """Whether this can be somebody's address. People write "n/a" or "none" into such fields, which are nobody's."""
    return _EMAIL.fullmatch(address) is not None


def normal_emails(raw: Sequence[str]) -> tuple[str, ...]:
    """Addresses in order, the primary first, blanks and repetitions dropped."""
    return tuple(dict.fromkeys(address for address in map(normal_email, raw) if address))


def normal_phones(raw: Sequence[str]) -> tuple[str, ...]:
    """Numbers as they were written, in order, repetitions by number dropped."""
    numbers = tuple(text for number in raw if (text := number.strip()))
    if (
        len(numbers) < 2
    ):  # nearly always: nothing to compare, and comparing takes longer than all else about a record
        return numbers
    seen: dict[str, str] = {}
    for text in numbers:
        seen.setdefault(phone_key(text), text)
    return tuple(seen.values())


@lru_cache(maxsize=100_000)
def phone_key(number: str, country: str = "") -> str:
    """By what two spellings of one number are told to be the same: +49301234567, with `;12` for an extension.

    `country` (ISO 3166) is how a number without a country code is read; without it such a number is its digits and
    letters. What is no number at all is compared as text.
    """
    text = number.strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        parsed = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        # Letters count: they tell "1234 x5" from "12345", and one number by words from another.
        bare = re.sub(r"[\W_]", "", text).casefold()
        return bare if any(map(str.isdigit, bare)) else text.casefold()
    key = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return f"{key};{parsed.extension}" if parsed.extension else key


def normal_number(raw: str | int | float | Decimal) -> Decimal | Unreadable:
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        return Unreadable(str(raw), say("not a number"))
    if not number.is_finite():
        return Unreadable(str(raw), say("not a number"))
    if abs(number.adjusted()) > _MOST_PLACES:
        return Unreadable(str(raw), say("not a number of a usual size"))
    return plain_number(number)


def plain_number(number: Decimal) -> Decimal:
    """The number without trailing zeros and without a negative zero; every digit that counts is kept."""
    if not number:
        return Decimal(0)
    # Decimal.normalize rounds to the context's 28 digits unless told otherwise.
    return number.normalize(Context(prec=len(number.as_tuple().digits)))


def significant_digits(number: Decimal) -> int:
    return len(plain_number(number).as_tuple().digits)


def normal_date(raw: str) -> date | Unreadable:
    try:
        return date.fromisoformat(raw.strip())
    except ValueError:
        return Unreadable(raw, say("not a date like 2026-03-31"))


def option_key(label: str) -> str:
    """Options map by label, compared without case and surrounding space, however its accents are encoded."""
    return unicodedata.normalize("NFC", label).strip().casefold()


def name_key(name: str) -> str:
    """What two spellings of one organization's name share: no case, no extra space."""
    return " ".join(name.casefold().split())


def same(kind: Kind, one: Value, other: Value, country: str = "") -> bool:
    """Whether two values of a kind mean the same, whatever their spelling. `country`: how phone numbers are read.

    An equivalence: two values are the same when what they are compared by is equal. Missing and unreadable values are
    the same as themselves alone.
    """
    if type(one) is type(other) and one == other:
        return True
    if one is None or other is None:
        return comparison_key(kind, one if other is None else other, country) is None
    return comparison_key(kind, one, country) == comparison_key(kind, other, country)


def comparison_key(kind: Kind, value: Value, country: str = "") -> object:
    """What `same` compares: equal keys mean equal values. All that is empty has the key None."""
    match value:
        case Missing() | Unreadable() | bool():
            return (type(value), value)
        case tuple():
            return _items_key(kind, value, country) if value else None
        case str() if kind in (Kind.OPTION, Kind.USER):
            return option_key(value) or None
        case str():
            return normal_text(value)
        case Address():
            return normal_text(value.text)
        case Decimal():
            return plain_number(value)
        case Money():
            return (plain_number(value.amount), value.currency)
        case datetime():
            return value.astimezone(UTC)
        case _:
            return value


def _items_key(kind: Kind, items: tuple[str, ...], country: str) -> object:
    if kind in LISTS:
        keys = [item_key(kind, item, country) for item in items]
        return (keys[0], frozenset(keys))
    return frozenset(map(option_key, items))


def item_key(kind: Kind, item: str, country: str = "") -> str:
    """By what two addresses or two numbers are told to be the same."""
    return phone_key(item, country) if kind is Kind.PHONE else normal_email(item)


def to_json(value: Value) -> Json:
    """A value as plain JSON; `from_json` with the same kind gives it back unchanged."""
    if type(value) is str:  # nearly always
        return value
    match value:
        case None | bool() | str():
            return value
        case Missing():
            return {"missing": True}
        case Unreadable():
            return {"unreadable": value.raw, "reason": value.reason}
        case Decimal():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
        case Money():
            return {"amount": str(value.amount), "currency": value.currency}
        case TimeOfDay():
            return {"at": value.at.isoformat(), "zone": value.zone}
        case DateRange():
            return {"start": value.start.isoformat(), "end": value.end.isoformat() if value.end else None}
        case TimeRange():
            end = value.end.isoformat() if value.end else None
            return {"start": value.start.isoformat(), "end": end, "zone": value.zone}
        case Address():
            return {"text": value.text, "parts": [list(part) for part in value.parts]}


def from_json(kind: Kind, raw: Json) -> Value:
    """The inverse of `to_json` for values of a kind. What was kept as another kind comes back Unreadable."""
    if raw is None or (type(raw) is str and kind not in _WRITTEN_OUT):  # nearly always
        return raw
    try:
        return _from_json(kind, raw)
    except (ValueError, KeyError, InvalidOperation):
        return Unreadable(str(raw), say("kept as another type of data than {kind}", kind=KIND_WORDS[kind]))


def _from_json(kind: Kind, raw: Json) -> Value:
    if isinstance(raw, dict):
        return _from_object(kind, raw)
    if isinstance(raw, list):
        return tuple(str(item) for item in raw)
    if not isinstance(raw, str):
        return raw if isinstance(raw, bool) else None
    match kind:
        case Kind.NUMBER:
            return Decimal(raw)
        case Kind.DATE:
            return date.fromisoformat(raw)
        case Kind.DATETIME:
            return datetime.fromisoformat(raw)
        case _:
            return raw


def _from_object(kind: Kind, raw: dict[str, Json]) -> Value:
    if raw.get("missing"):
        return MISSING
    if "unreadable" in raw:
        return Unreadable(str(raw["unreadable"]), str(raw["reason"]))
    match kind:
        case Kind.MONEY:
            return Money(Decimal(str(raw["amount"])), str(raw["currency"]))
        case Kind.TIME:
            return TimeOfDay(time.fromisoformat(str(raw["at"])), _text_or_none(raw["zone"]))
        case Kind.DATE_RANGE:
            end = raw["end"]
            return DateRange(
                date.fromisoformat(str(raw["start"])), date.fromisoformat(str(end)) if end else None
            )
        case Kind.TIME_RANGE:
            end = raw["end"]
            return TimeRange(
                time.fromisoformat(str(raw["start"])),
                time.fromisoformat(str(end)) if end else None,
                _text_or_none(raw["zone"]),
            )
        case _:
            parts = raw["parts"]
            pairs = parts if isinstance(parts, list) else []
            return Address(
                str(raw["text"]), tuple((str(p[0]), str(p[1])) for p in pairs if isinstance(p, list))
            )


def _text_or_none(raw: Json) -> str | None:
    return None if raw is None else str(raw)


def describe(value: Value) -> str:
    """A value in one line for people: pages, log lines, messages. Empty becomes the empty string."""
    match value:
        case None | Missing():
            return ""
        case Unreadable():
            return value.raw
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:f}"
        case tuple():
            return ", ".join(value)
        case Money():
            return f"{value.amount:f} {value.currency}"
        case TimeOfDay():
            return f"{value.at:%H:%M} {value.zone or ''}".strip()
        case DateRange():
            return f"{value.start.isoformat()} – {value.end.isoformat() if value.end else ''}".strip()
        case TimeRange():
            end = f"{value.end:%H:%M}" if value.end else ""
            return f"{value.start:%H:%M} – {end} {value.zone or ''}".strip()
        case Address():
            return value.text
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        case _:
            return str(value)
