"""Strict checks of what a caller sends. Each check returns the complaint, or None when the value is fine.

API v2 converts nothing: a number in quotes, 0 for false or a date with a fraction of a second is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipedrive_sandbox.answers import Problems, invalid

Check = Callable[[Any], str | None]

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
DURATION = re.compile(r"\d{1,3}:[0-5]\d(:[0-5]\d)?")
RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
V1_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
LARGEST_ID = 2**31 - 1


def not_a(kind: str) -> str:
    return f"The value is not a valid '{kind}'"


def string(maximum: int = 65_535, minimum: int = 0) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return not_a("string")
        if len(value) > maximum:
            return f"The value must not be longer than {maximum} characters"
        if len(value.strip()) < minimum:
            return "The value must not be empty"
        return None

    return check


def integer(minimum: int = -LARGEST_ID, maximum: int = LARGEST_ID) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not int:
            return not_a("integer")
        return None if minimum <= value <= maximum else f"The value must be between {minimum} and {maximum}"

    return check


def boolean(value: Any) -> str | None:
    return None if type(value) is bool else not_a("boolean")


def number(value: Any) -> str | None:
    return None if type(value) in (int, float) else not_a("number")


def number_between(minimum: float, maximum: float) -> Check:
    def check(value: Any) -> str | None:
        if complaint := number(value):
            return complaint
        return None if minimum <= value <= maximum else f"The value must be between {minimum} and {maximum}"

    return check


def one_of(*choices: Any) -> Check:
    def check(value: Any) -> str | None:
        if any(value == choice and type(value) is type(choice) for choice in choices):
            return None
        return f"The value must be one of: {', '.join(str(choice) for choice in choices)}"

    return check


def nullable(inner: Check) -> Check:
    return lambda value: None if value is None else inner(value)


def list_of(inner: Check, maximum: int = 10_000) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return not_a("array")
        if len(value) > maximum:
            return f"The value must not have more than {maximum} items"
        return next((complaint for item in value if (complaint := inner(item))), None)

    return check


def object_of(keys: Mapping[str, Check], required: tuple[str, ...] = (), *, is_open: bool = False) -> Check:
    """An object with these keys; an open one may have others, which nobody looks at."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return not_a("object")
        for key, item in value.items():
            if key not in keys:
                if is_open:
                    continue
                return f"Parameter '{key}' is not allowed for this request"
            if complaint := keys[key](item):
                return f"{key}: {complaint}"
        missing = [key for key in required if key not in value]
        return f"{missing[0]}: Required parameter is missing" if missing else None

    return check


def any_object(value: Any) -> str | None:
    return None if isinstance(value, dict) else not_a("object")


def a_date(value: Any) -> str | None:
    if not isinstance(value, str):
        return not_a("string")
    return None if DATE.fullmatch(value) and _parses(date.fromisoformat, value) else not_a("date")


def a_time_of_day(value: Any) -> str | None:
    if not isinstance(value, str):
        return not_a("string")
    return None if TIME_OF_DAY.fullmatch(value) else not_a("time")


def a_duration(value: Any) -> str | None:
    if not isinstance(value, str):
        return not_a("string")
    return None if DURATION.fullmatch(value) else not_a("duration")


def a_moment(value: Any) -> str | None:
    """RFC 3339 in whole seconds with Z; a fraction is refused as the live API does."""
    if not isinstance(value, str):
        return not_a("string")
    return None if RFC3339.fullmatch(value) and _parses(datetime.fromisoformat, value) else not_a("datetime")


def a_v1_moment(value: Any) -> str | None:
    if not isinstance(value, str):
        return not_a("string")
    return None if V1_TIME.fullmatch(value) and _parses(datetime.fromisoformat, value) else not_a("datetime")


def _parses(parse: Callable[[str], Any], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Shape:
    """The keys that a JSON body may have."""

    keys: Mapping[str, Check]
    required: tuple[str, ...] = ()

    def problems(self, body: Any) -> Problems:
        if not isinstance(body, dict):
            return [("body", not_a("object"))]
        problems: Problems = []
        for key, value in body.items():
            check = self.keys.get(key)
            if check is None:
                problems.append((key, f"Parameter '{key}' is not allowed for this request"))
            elif complaint := check(value):
                problems.append((key, complaint))
        problems += [(key, "Required parameter is missing") for key in self.required if key not in body]
        return problems

    def enforce(self, body: Any) -> dict[str, Any]:
        if problems := self.problems(body):
            raise invalid(problems)
        result: dict[str, Any] = body
        return result

    def without(self, *names: str) -> "Shape":
        return Shape({key: check for key, check in self.keys.items() if key not in names})
