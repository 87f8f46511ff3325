"""What an app refuses to store: written apart from `core.fitting`, so that neither shares the other's mistakes."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from tidegate.core.catalogue import Field
from tidegate.core.values import (
    Address,
    DateRange,
    Kind,
    Missing,
    Money,
    TimeOfDay,
    TimeRange,
    Unreadable,
    Value,
)
from tidegate.errors import InvalidForRemote

Check = Mapping[str, Field]


def check_values(values: Mapping[str, Value], fields: Check, app: str) -> None:
    """Raises InvalidForRemote for the first value that the app would not take as it is."""
    for key, value in values.items():
        field = fields.get(key)
        if field is None:
            raise InvalidForRemote(f"{app} has no field “{key}”.", field=key)
        fault = _fault(value, field)
        if fault:
            raise InvalidForRemote(f"{app} refused “{field.name}”: {fault}.", field=key)


def _fault(value: Value, field: Field) -> str:
    if not field.writable:
        return "read only"
    if isinstance(value, Missing | Unreadable):
        return "not a value"
    if value is None:
        return ""
    if not _of_kind(value, field.kind):
        return f"{value!r} is not of the type {field.kind.value}"
    return _texts_fault(list(_texts(value)), field)


def _of_kind(value: Value, kind: Kind) -> bool:
    match kind:
        case Kind.NUMBER:
            return isinstance(value, Decimal)
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.DATE:
            return isinstance(value, date) and not isinstance(value, datetime)
        case Kind.DATETIME:
            return isinstance(value, datetime) and value.tzinfo is not None
        case Kind.OPTIONS | Kind.EMAIL | Kind.PHONE:
            return isinstance(value, tuple)
        case Kind.MONEY | Kind.TIME | Kind.DATE_RANGE | Kind.TIME_RANGE | Kind.ADDRESS:
            return isinstance(value, Money | TimeOfDay | DateRange | TimeRange | Address)
        case Kind.UNKNOWN:
            return False
        case _:
            return isinstance(value, str)


def _texts(value: Value) -> Iterable[str]:
    if isinstance(value, tuple):
        yield from value
    elif isinstance(value, Address):
        yield value.text
    elif isinstance(value, str):
        yield value


def _texts_fault(texts: list[str], field: Field) -> str:
    if field.kind in (Kind.OPTION, Kind.OPTIONS):
        strange = [text for text in texts if field.option_id(text) is None]
        return f"no such option: {', '.join(strange)}" if strange else ""
    if field.one_line and any("\n" in text for text in texts):
        return "holds one line"
    if field.single and len(texts) > 1:
        return f"holds one, not {len(texts)}"
    if field.max_length is not None and any(len(text) > field.max_length for text in texts):
        return f"longer than {field.max_length} characters"
    return ""
