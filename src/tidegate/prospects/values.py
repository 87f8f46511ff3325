"""The JSON normal form of a custom field's value, by field type: read from what people, files and programs give.

`read_value` takes JSON values and texts alike. What does not fit is refused with the reason (`Unfit`), never cut, rounded
or guessed: where a text can be read in two ways, the message says how to write it. `None` means empty. `to_text` writes
a value so that `read_value` reads the same value back.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

from tidegate.prospects.models import FieldType
from tidegate.words import say

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_LENGTH: Mapping[FieldType, int] = {
    FieldType.TEXT: 1_000,
    FieldType.LONG_TEXT: 100_000,
    FieldType.LINK: 2_000,
    FieldType.ADDRESS: 1_000,
    FieldType.OPTION: 200,
    FieldType.PHONE: 100,
    FieldType.EMAIL: 254,
}
"""Of one text, number or address; that of an e-mail address is RFC 5321's."""
MAX_PHONE, MAX_ADDRESS = MAX_LENGTH[FieldType.PHONE], MAX_LENGTH[FieldType.EMAIL]
MAX_DIGITS = 28
"""What decimal arithmetic keeps; a number beyond it would be rounded on its way."""

_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_NO_ADDRESS = r"\s@,;<>()\[\]\"\x00-\x1f\x7f"
_EMAIL = re.compile(rf"[^{_NO_ADDRESS}]+@[^{_NO_ADDRESS}.]+(\.[^{_NO_ADDRESS}.]+)+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_TRUE = frozenset({"true", "yes", "y", "1", "on", "x"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})


class Unfit(ValueError):
    """A value does not fit; the text says why and what would."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """What a value must fit."""

    type: FieldType
    options: tuple[str, ...] = ()


def read_value(shape: FieldShape, raw: object) -> Json:
    """The normal form, or None where it is empty. Raises Unfit."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    return _READERS[shape.type](shape, raw)


def clean_text(raw: object, limit: int) -> str:
    """One line of text without surplus space. Raises Unfit."""
    return " ".join(_text(raw, limit).split("\n"))


def option_key(label: str) -> str:
    """Options are told apart by label, without case and surrounding space, however its accents are encoded."""
    return unicodedata.normalize("NFC", label).strip().casefold()


def normal_email(raw: str) -> str:
    """Addresses are compared without case and surrounding space."""
    return raw.strip().lower()


def read_email(raw: object) -> str:
    """An address as written, checked. Raises Unfit."""
    if not isinstance(raw, str):
        raise Unfit(say("An e-mail address must be text, like ann@example.com."))
    address = raw.strip().removeprefix("mailto:")
    _refuse_unstorable(address)
    if len(address) > MAX_ADDRESS:
        raise Unfit(
            say(
                "The e-mail address is too long: {length} of {limit} characters.",
                length=f"{len(address):,}",
                limit=MAX_ADDRESS,
            )
        )
    if not _EMAIL.fullmatch(address):
        raise Unfit(say("“{address}” is not a valid e-mail address.", address=short(address)))
    return address


def read_phone(raw: object) -> str:
    """A number as written. Raises Unfit."""
    if not isinstance(raw, str | int):
        raise Unfit(say("A phone number must be text, like +44 20 7946 0123."))
    # People write “ext. 12” and “mornings only” into such fields; what is written is kept.
    return clean_text(str(raw), MAX_PHONE)


NO_OBJECT = "item"
"""The key under which what is no object is read: it is refused with the others of its batch, and by that name."""


def as_object(item: object) -> Mapping[str, object]:
    return item if isinstance(item, Mapping) else {NO_OBJECT: item}


def is_no_object(raw: Mapping[str, object]) -> bool:
    return [*raw] == [NO_OBJECT]


def why_unknown(raw: Mapping[str, object]) -> str:
    """What is said of a key that nothing is read from."""
    return say("This must be an object.") if is_no_object(raw) else say("There is no such field.")


def short(text: str, limit: int = 60) -> str:
    """A value as a message quotes it."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _text(raw: object, limit: int) -> str:
    source = _source(raw)
    text = "\n".join(_SPACES.sub(" ", line).strip() for line in source.split("\n")).strip()
    return _checked(text, limit)


def _laid_out_text(raw: object, limit: int) -> str:
    """As it was laid out: indents and inner spaces stay, what is invisible at the ends goes."""
    lines = (line.rstrip(" \t\r\f\v\u00a0") for line in _source(raw).split("\n"))
    text = "\n".join(lines).strip("\n")
    return _checked(text if text.strip() else "", limit)


def _source(raw: object) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise Unfit(say("This must be text."))
    return str(raw).replace("\r\n", "\n")


def _checked(text: str, limit: int) -> str:
    _refuse_unstorable(text)
    if len(text) > limit:
        raise Unfit(
            say("Too long: {length} of {limit} characters.", length=f"{len(text):,}", limit=f"{limit:,}")
        )
    return text


def _refuse_unstorable(text: str) -> None:
    # PostgreSQL stores neither NUL nor half a surrogate pair, in texts or in JSON.
    if "\x00" in text:
        raise Unfit(say("It holds a NUL character, which can’t be stored."))
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise Unfit(say("It holds characters that could not be read. Check the file’s encoding."))


def _read_text(shape: FieldShape, raw: object) -> Json:
    return clean_text(raw, MAX_LENGTH[shape.type]) or None


def _read_long_text(shape: FieldShape, raw: object) -> Json:
    return _laid_out_text(raw, MAX_LENGTH[shape.type]) or None


def _read_link(shape: FieldShape, raw: object) -> Json:
    link = clean_text(raw, MAX_LENGTH[shape.type])
    scheme = re.match(r"([a-z][a-z0-9+.-]*):(?!\d)", link, re.IGNORECASE)
    if scheme and scheme[1].lower() not in ("http", "https", "mailto", "tel"):
        raise Unfit(say("“{link}” is not a web address like https://example.com.", link=short(link)))
    if " " in link:
        raise Unfit(say("“{link}” is not a web address: it holds a space.", link=short(link)))
    return link or None


def read_number(raw: object) -> Decimal:
    """A number from a number or a text. Raises Unfit, also where a separator could mean two things."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise Unfit(say("This must be a number, like 12.5."))
    try:
        number = Decimal(_plain_number(str(raw)))
    except InvalidOperation as error:
        raise Unfit(say("“{value}” is not a number like 12.5.", value=short(str(raw)))) from error
    if (
        not number.is_finite()
        or len(number.as_tuple().digits) > MAX_DIGITS
        or abs(number.adjusted()) > MAX_DIGITS
    ):
        raise Unfit(
            say("“{value}” is out of range: at most {limit} digits.", value=short(str(raw)), limit=MAX_DIGITS)
        )
    return number.normalize() + 0


def _plain_number(raw: str) -> str:
    """The text with a decimal point and no thousands separators."""
    text = re.sub(r"[\s\u00a0\u202f']", "", raw.replace("_", "?"))
    if "," not in text:
        return text.replace(".", "") if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3}){2,}", text) else text
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d+", text):
        return text.replace(".", "").replace(",", ".")
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+\.\d+|[+-]?\d{1,3}(,\d{3}){2,}", text):
        return text.replace(",", "")
    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", text):
        plain, point = text.replace(",", ""), text.replace(",", ".")
        raise Unfit(
            say(
                "“{value}” could mean {plain} or {point}. Write it without the comma.",
                value=raw.strip(),
                plain=plain,
                point=point,
            )
        )
    return text.replace(",", ".", 1) if re.fullmatch(r"[+-]?\d+,\d+", text) else text


def _read_number(shape: FieldShape, raw: object) -> Json:
    return str(read_number(raw))


def _read_money(shape: FieldShape, raw: object) -> Json:
    if isinstance(raw, dict):
        _only_keys(raw, "amount", "currency")
        amount, currency = raw.get("amount"), str(raw.get("currency") or "")
    else:
        words = str(raw).split()
        if len(words) > 1 and _CURRENCY.fullmatch(words[0].upper()):
            words = [*words[1:], words[0]]
        amount, currency = " ".join(words[:-1]), words[-1]
    if not _CURRENCY.fullmatch(currency.strip().upper()) or amount in (None, ""):
        raise Unfit(
            say("“{value}” is not an amount with a currency, like 120.50 EUR.", value=short(str(raw)))
        )
    return {"amount": str(read_number(amount)), "currency": currency.strip().upper()}


def read_date(raw: object) -> date:
    """A date from ISO 8601, from 31.03.2026 or from 31 March 2026. Raises Unfit."""
    text = str(raw).strip() if isinstance(raw, str) else ""
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    if re.fullmatch(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}", text):
        raise Unfit(
            say(
                "“{text}” could be read with the day or the month first. Write it like 2026-03-31.", text=text
            )
        )
    raise Unfit(say("“{value}” is not a date like 2026-03-31.", value=short(str(raw))))


def _read_date(shape: FieldShape, raw: object) -> Json:
    return read_date(raw).isoformat()


def _read_time(shape: FieldShape, raw: object) -> Json:
    if isinstance(raw, dict):
        _only_keys(raw, "at", "zone")
        clock, zone = str(raw.get("at") or ""), raw.get("zone")
    else:
        clock, _, rest = str(raw).strip().partition(" ")
        zone = rest.strip() or None
    try:
        at = time.fromisoformat(clock)
    except ValueError as error:
        raise Unfit(say("“{value}” is not a time like 09:30.", value=short(str(raw)))) from error
    if at.tzinfo is not None or (zone is not None and not _is_zone(zone)):
        raise Unfit(
            say(
                "“{value}” has an unknown time zone. Write it like 09:30 Europe/Berlin.",
                value=short(str(raw)),
            )
        )
    return {"at": at.isoformat(), "zone": None if zone is None else str(zone)}


def _is_zone(name: object) -> bool:
    return isinstance(name, str) and bool(re.fullmatch(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*", name))


def _read_datetime(shape: FieldShape, raw: object) -> Json:
    example = "2026-03-31 09:30+00:00"
    try:
        moment = datetime.fromisoformat(str(raw).strip().removesuffix(" UTC"))
    except ValueError as error:
        raise Unfit(
            say("“{value}” is not a date and time like {example}.", value=short(str(raw)), example=example)
        ) from error
    if str(raw).strip().endswith(" UTC"):
        moment = moment.replace(tzinfo=UTC)
    if moment.tzinfo is None:
        raise Unfit(
            say(
                "“{value}” has no time zone. Write it like {example}.", value=short(str(raw)), example=example
            )
        )
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise Unfit(
            say("“{value}” is not a date and time like {example}.", value=short(str(raw)), example=example)
        ) from error


def _read_date_range(shape: FieldShape, raw: object) -> Json:
    if isinstance(raw, dict):
        _only_keys(raw, "start", "end")
        first, last = raw.get("start"), raw.get("end")
    else:
        first, _, last = (part.strip() for part in re.sub(r" [–-] | to ", "/", str(raw)).partition("/"))
    start = read_date(first)
    end = read_date(last) if last else None
    if end is not None and end < start:
        raise Unfit(say("The range ends on {end} before it starts on {start}.", end=end, start=start))
    return {"start": start.isoformat(), "end": end.isoformat() if end else None}


def _read_boolean(shape: FieldShape, raw: object) -> Json:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Unfit(say("“{value}” is neither yes nor no.", value=short(str(raw))))


def _read_option(shape: FieldShape, raw: object) -> Json:
    wanted = option_key(_text(raw, MAX_LENGTH[FieldType.OPTION]))
    for label in shape.options:
        if option_key(label) == wanted:
            return label
    offered = ", ".join(shape.options[:8]) + (", …" if len(shape.options) > 8 else "")
    if not offered:
        raise Unfit(say("“{value}” is not one of the options: there are none yet.", value=short(str(raw))))
    raise Unfit(
        say("“{value}” is not one of the options: {options}.", value=short(str(raw)), options=offered)
    )


def _read_options(shape: FieldShape, raw: object) -> Json:
    chosen = {_read_option(shape, part) for part in _parts(shape, raw)}
    return [label for label in shape.options if label in chosen] or None


def _parts(shape: FieldShape, raw: object) -> Sequence[object]:
    """The labels in a list, or in a text that separates them by ; or , (a label that holds a comma counts as one)."""
    if isinstance(raw, list | tuple):
        return raw
    known = {option_key(label) for label in shape.options}
    parts: list[object] = []
    for piece in filter(None, (piece.strip() for piece in re.split(r"[;\n]", str(raw)))):
        inner = [part.strip() for part in piece.split(",") if part.strip()]
        parts += [piece] if option_key(piece) in known else inner
    return parts


def _read_phones(shape: FieldShape, raw: object) -> Json:
    items = raw if isinstance(raw, list | tuple) else re.split(r"[;\n]", str(raw))
    numbers = [read_phone(item) for item in items if str(item).strip()]
    return list(dict.fromkeys(numbers)) or None


def _read_emails(shape: FieldShape, raw: object) -> Json:
    items = raw if isinstance(raw, list | tuple) else re.split(r"[;,\n]", str(raw))
    addresses = [normal_email(read_email(item)) for item in items if str(item).strip()]
    return list(dict.fromkeys(addresses)) or None


def _read_address(shape: FieldShape, raw: object) -> Json:
    if isinstance(raw, dict):
        _only_keys(raw, "text", "parts")
        parts = raw.get("parts") or []
        if not isinstance(parts, list | tuple) or not all(_is_pair(part) for part in parts):
            raise Unfit(say("The parts of an address must be pairs of texts."))
        text = _text(raw.get("text") or "", MAX_LENGTH[shape.type])
        return {"text": text, "parts": [[str(name), str(value)] for name, value in parts]} if text else None
    text = _text(raw, MAX_LENGTH[shape.type])
    return {"text": text, "parts": []} if text else None


def _is_pair(part: object) -> bool:
    return isinstance(part, list | tuple) and len(part) == 2 and all(isinstance(item, str) for item in part)


def _only_keys(raw: Mapping[object, object], *known: str) -> None:
    surplus = [str(key) for key in raw if key not in known]
    if surplus:
        raise Unfit(
            say(
                "There is no “{part}” in this type of value; it has {parts}.",
                part=short(surplus[0]),
                parts=" and ".join(known),
            )
        )


_READERS: Mapping[FieldType, Callable[[FieldShape, object], Json]] = {
    FieldType.TEXT: _read_text,
    FieldType.LONG_TEXT: _read_long_text,
    FieldType.NUMBER: _read_number,
    FieldType.MONEY: _read_money,
    FieldType.DATE: _read_date,
    FieldType.TIME: _read_time,
    FieldType.DATETIME: _read_datetime,
    FieldType.DATE_RANGE: _read_date_range,
    FieldType.BOOLEAN: _read_boolean,
    FieldType.OPTION: _read_option,
    FieldType.OPTIONS: _read_options,
    FieldType.PHONE: _read_phones,
    FieldType.EMAIL: _read_emails,
    FieldType.ADDRESS: _read_address,
    FieldType.LINK: _read_link,
}


def to_text(field_type: FieldType | str, value: Json) -> str:
    """A value in one cell of a file or one box of a form; `read_value` gives the same value back."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return "; ".join(str(item) for item in value)
        case dict() if field_type == FieldType.MONEY:
            return f"{Decimal(str(value['amount'])):f} {value['currency']}"
        case dict() if field_type == FieldType.TIME:
            clock = (
                str(value["at"]).removesuffix(":00") if str(value["at"]).count(":") == 2 else str(value["at"])
            )
            return f"{clock} {value['zone'] or ''}".strip()
        case dict() if field_type == FieldType.DATE_RANGE:
            return f"{value['start']}/{value['end']}" if value["end"] else str(value["start"])
        case dict():
            return str(value["text"])
        case str() if field_type == FieldType.DATETIME:
            return value.replace("T", " ")
        case _:
            return str(value)
