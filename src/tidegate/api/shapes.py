"""A JSON schema as rows a person can read, and as an example to copy. Pure; knows nothing of ours but schemas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

DEEPEST = 4
"""Levels that are written out; what lies deeper is only named."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field: `mappings[].outreach`."""

    name: str
    type: str
    required: bool
    description: str


def rows_of(schema: Schema, definitions: Mapping[str, Schema]) -> list[Row]:
    """The fields of an object, those of objects inside it behind their own."""
    return list(_rows(_resolved(schema, definitions), definitions, "", 1))


def _rows(schema: Schema, definitions: Mapping[str, Schema], before: str, depth: int) -> Iterator[Row]:
    required = schema.get("required", ())
    for key, raw in schema.get("properties", {}).items():
        field, _ = _without_null(_resolved(raw, definitions), definitions)
        description = raw.get("description") or field.get("description", "")
        yield Row(before + key, type_of(raw, definitions), key in required, description)
        inner, suffix = field, "."
        if field.get("type") == "array":
            inner, suffix = _resolved(field.get("items", {}), definitions), "[]."
        if inner.get("properties") and depth < DEEPEST:
            yield from _rows(inner, definitions, before + key + suffix, depth + 1)


def type_of(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """The type in words: `text or null`, `list of objects`, `“a”, “b”`."""
    field, nullable = _without_null(_resolved(schema, definitions), definitions)
    return _word(field, definitions) + (" or null" if nullable else "")


_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
_FORMATS = {"date-time": "time", "uuid": "id", "date": "date", "email": "e-mail"}


def _word(field: Schema, definitions: Mapping[str, Schema]) -> str:
    match field:
        case {"enum": values}:
            return " | ".join(str(value) for value in values)
        case {"const": value}:
            return str(value)
        case {"anyOf": choices}:
            return " or ".join(_word(_resolved(choice, definitions), definitions) for choice in choices)
        case {"type": "array", "items": items}:
            return f"list of {_word(_resolved(items, definitions), definitions)}"
        case {"type": "string", "format": form} if form in _FORMATS:
            return _FORMATS[form]
        case {"type": kind}:
            return _WORDS.get(kind, str(kind))
    return "any value"


def example_of(schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    """A value of this shape: what is required, or the first field where nothing is."""
    field, _ = _without_null(_resolved(schema, definitions), definitions)
    match field:
        case {"examples": [first, *_]}:
            return first
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"properties": properties}:
            wanted = field.get("required") or list(properties)[:1]
            return {key: example_of(properties[key], definitions) for key in wanted}
        case {"type": "array", "items": items}:
            return [example_of(items, definitions)]
        case {"type": "boolean"}:
            return field.get("default", True)
        case {"type": "integer" | "number"}:
            return field.get("default", field.get("minimum", 1))
        case {"type": "string", "format": "date-time"}:
            return "2026-05-01T10:00:00Z"
        case {"type": "object"}:
            return {}
    return "…"


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    match schema:
        case {"$ref": reference}:
            return definitions[str(reference).rsplit("/", 1)[-1]]
        case {"allOf": [only]}:
            return {**_resolved(only, definitions), **{k: v for k, v in schema.items() if k != "allOf"}}
    return schema


def _without_null(schema: Schema, definitions: Mapping[str, Schema]) -> tuple[Schema, bool]:
    choices = schema.get("anyOf", [])
    others = [_resolved(choice, definitions) for choice in choices if choice.get("type") != "null"]
    if len(others) == len(choices):
        return schema, False
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return ({**others[0], **rest} if len(others) == 1 else {**rest, "anyOf": others}), True
