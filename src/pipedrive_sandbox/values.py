"""The values of custom fields: what API v2 accepts, what it stores, and how a webhook shows it.

Option fields take option ids, never labels. Composite values are objects with a fixed set of keys.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from pipedrive_sandbox import checks
from pipedrive_sandbox.answers import Body

CREATABLE_TYPES = (
    "varchar",
    "text",
    "double",
    "phone",
    "date",
    "daterange",
    "time",
    "timerange",
    "set",
    "enum",
    "varchar_auto",
    "address",
    "monetary",
    "org",
    "people",
    "user",
)
ADDRESS_PARTS = (
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
)
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
RECORD_OF_TYPE = {"user": "user", "org": "organization", "people": "person"}


@dataclass(frozen=True)
class Surroundings:
    """What a value may refer to: the caller's defaults and the records that exist."""

    currency: str
    timezone: str
    currencies: frozenset[str]
    exists: Callable[[str, int], bool]


class BadValue(Exception):
    """A value that its field cannot hold; the text is the complaint."""


def stored(field: Body, value: Any, around: Surroundings) -> Any:
    """The value as API v2 answers it afterwards; raises BadValue."""
    kind = field["field_type"]
    if value is None:
        return None
    if kind in ("varchar", "varchar_auto", "phone", "text"):
        return _text(value, 65_535 if kind == "text" else 255)
    if kind == "double":
        return _checked(value, checks.number, "number")
    if kind == "date":
        return _checked(value, checks.a_date, "date")
    if kind in ("enum", "set"):
        return _options(field, value)
    if kind in RECORD_OF_TYPE:
        return _reference(kind, value, around)
    return _composite(kind, value, around)


def _text(value: Any, maximum: int) -> str | None:
    if not isinstance(value, str):
        raise BadValue("Expected 'string' as value")
    if len(value) > maximum:
        raise BadValue(f"The value must not be longer than {maximum} characters")
    return value or None


def _checked(value: Any, check: checks.Check, kind: str) -> Any:
    if check(value) is not None:
        raise BadValue(f"Expected '{kind}' as value")
    return value


def _options(field: Body, value: Any) -> Any:
    known = {option["id"] for option in field["options"] or []}
    if field["field_type"] == "enum":
        if type(value) is not int:
            raise BadValue("Expected 'number' as value")
        if value not in known:
            raise BadValue(f"Option '{value}' does not exist")
        return value
    if not isinstance(value, list) or not value or any(type(item) is not int for item in value):
        raise BadValue("Invalid collection")
    unknown = [item for item in value if item not in known]
    if unknown:
        raise BadValue(f"Option '{unknown[0]}' does not exist")
    return list(dict.fromkeys(value))


def _reference(kind: str, value: Any, around: Surroundings) -> int:
    if type(value) is not int:
        raise BadValue("Expected 'number' as value")
    if not around.exists(RECORD_OF_TYPE[kind], value):
        raise BadValue(f"The {RECORD_OF_TYPE[kind]} '{value}' does not exist")
    return value


def _composite(kind: str, value: Any, around: Surroundings) -> Body:
    if not isinstance(value, dict):
        names = {"time": "Time custom field value expected 'object'"}
        raise BadValue(names.get(kind, "Expected 'object' as value"))
    if kind == "monetary":
        return _monetary(value, around)
    if kind == "daterange":
        return _range(value, checks.a_date, {})
    if kind == "time":
        _allow(value, "value", "timezone_id", "timezone_name")
        return {"value": _time_of_day(value.get("value")), **_zone(value, around)}
    if kind == "timerange":
        return _time_range(value, around)
    if kind == "address":
        return address(value) | {"formatted_address": value["value"]}
    raise BadValue("The field is read-only")


def _monetary(value: Body, around: Surroundings) -> Body:
    _allow(value, "value", "currency")
    _checked(value.get("value"), checks.number, "number")
    currency = value.get("currency", around.currency)
    if currency not in around.currencies:
        raise BadValue(f"Currency '{currency}' is not valid")
    return {"value": value["value"], "currency": currency}


def _range(value: Body, check: checks.Check, extra: Body) -> Body:
    _allow(value, "value", "until", "timezone_id", "timezone_name") if extra else _allow(
        value, "value", "until"
    )
    for key in ("value", "until"):
        if check(value.get(key)) is not None:
            raise BadValue(f"Expected a valid '{key}'")
    return {"value": value["value"], "until": value["until"], **extra}


def _time_range(value: Body, around: Surroundings) -> Body:
    result = _range(value, checks.a_time_of_day, _zone(value, around))
    return result | {"value": _time_of_day(result["value"]), "until": _time_of_day(result["until"])}


def _time_of_day(value: Any) -> str:
    text: str = _checked(value, checks.a_time_of_day, "time")
    return text if len(text) == 8 else f"{text}:00"


def _zone(value: Body, around: Surroundings) -> Body:
    name = value.get("timezone_name", around.timezone)
    if "timezone_id" in value and "timezone_name" not in value:
        name = zone_names().get(value["timezone_id"])
    if name not in zone_ids():
        raise BadValue("The time zone is not valid")
    return {"timezone_id": zone_ids()[name], "timezone_name": name}


def address(value: Body) -> Body:
    """Only `value` is needed; every part left out becomes null, on an update too."""
    _allow(value, "value", *ADDRESS_PARTS)
    if not isinstance(value.get("value"), str) or not value["value"]:
        raise BadValue("Expected a valid 'value'")
    for part in ADDRESS_PARTS:
        if not isinstance(value.get(part), str | None):
            raise BadValue(f"Expected 'string' as value of '{part}'")
    return {"value": value["value"], **{part: value.get(part) for part in ADDRESS_PARTS}}


def _allow(value: Body, *keys: str) -> None:
    unknown = [key for key in value if key not in keys]
    if unknown:
        raise BadValue(f"Unknown key '{unknown[0]}'")


@cache
def zone_ids() -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted(available_timezones() | {"UTC"}), start=1)}


@cache
def zone_names() -> dict[int, str]:
    return {number: name for name, number in zone_ids().items()}


def in_webhook(kind: str, value: Any) -> Body | None:
    """The typed object that a webhook shows in place of the plain value."""
    if value is None:
        return None
    if kind in ("enum", *RECORD_OF_TYPE):
        return {"type": kind, "id": value}
    if kind == "set":
        return {"type": kind, "values": [{"id": item} for item in value]}
    if kind in ("daterange", "timerange"):
        shown = {"type": kind, "from": value["value"], "until": value["until"]}
        return shown if kind == "daterange" else shown | {"timezone_id": value["timezone_id"]}
    if kind == "time":
        return {"type": kind, "value": value["value"], "timezone_id": value["timezone_id"]}
    if kind in ("monetary", "address"):
        return {"type": kind, **value}
    return {"type": kind, "value": value}


def in_v1(kind: str, code: str, value: Any) -> Body:
    """The keys at the root of a v1 record that one custom field fills."""
    if kind == "set":
        return {code: None if value is None else ",".join(str(item) for item in value)}
    if kind == "enum":
        return {code: None if value is None else str(value)}
    parts = _v1_parts(kind)
    if not parts:
        return {code: value}
    if value is None:
        return {code: None, **{f"{code}_{part}": None for part in parts}}
    return {code: value["value"], **{f"{code}_{part}": value.get(part) for part in parts}}


def from_v1(kind: str, code: str, given: Body) -> Any:
    """The value of a custom field out of the root of a v1 body: `in_v1` the other way round.

    v1 takes numbers as text and a set as a comma list. What cannot be read stays as it came and is refused later.
    """
    value = given[code]
    if value is None or value == "":
        return None
    if kind == "set":
        return [_number(part.strip()) for part in str(value).split(",")]
    if kind in ("double", "enum", *RECORD_OF_TYPE):
        return _number(value)
    parts = _v1_parts(kind)
    if not parts:
        return value
    whole = {part: given[f"{code}_{part}"] for part in parts if f"{code}_{part}" in given}
    return {"value": _number(value) if kind == "monetary" else value, **whole}


def _number(value: Any) -> Any:
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        return value
    return float(value) if "." in value else int(value)


def _v1_parts(kind: str) -> tuple[str, ...]:
    return {
        "monetary": ("currency",),
        "daterange": ("until",),
        "time": ("timezone_id",),
        "timerange": ("until", "timezone_id"),
        "address": (*ADDRESS_PARTS, "formatted_address"),
    }.get(kind, ())
