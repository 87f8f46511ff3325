"""A JSON schema read aloud."""

from typing import Any

import pytest
from jsonschema import validate

from tidegate.api.shapes import Row, example_of, rows_of, type_of

PAIR = {
    "type": "object",
    "properties": {"left": {"type": "string"}, "right": {"type": "string", "description": "Right side."}},
    "required": ["left", "right"],
}
DEFINITIONS: dict[str, Any] = {"Pair": PAIR, "Colour": {"enum": ["red", "blue"], "type": "string"}}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"type": "string", "format": "password"}, "text"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number or null"),
        (
            {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
            "whole number or text or null",
        ),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Pair"}}, "list of object"),
        ({"$ref": "#/components/schemas/Colour"}, "red | blue"),
        ({"anyOf": [{"$ref": "#/components/schemas/Colour"}, {"type": "null"}]}, "red | blue or null"),
        ({"allOf": [{"$ref": "#/components/schemas/Colour"}], "default": "red"}, "red | blue"),
        ({}, "any value"),
    ],
)
def test_a_type_is_said_in_words(schema: Any, words: str) -> None:
    assert type_of(schema, DEFINITIONS) == words


def test_fields_of_inner_objects_follow_their_own() -> None:
    schema = {
        "type": "object",
        "properties": {
            "pairs": {"type": "array", "items": {"$ref": "#/components/schemas/Pair"}},
            "one": {"anyOf": [{"$ref": "#/components/schemas/Pair"}, {"type": "null"}]},
        },
        "required": ["pairs"],
    }

    assert rows_of(schema, DEFINITIONS) == [
        Row("pairs", "list of object", required=True, description=""),
        Row("pairs[].left", "text", required=True, description=""),
        Row("pairs[].right", "text", required=True, description="Right side."),
        Row("one", "object or null", required=False, description=""),
        Row("one.left", "text", required=True, description=""),
        Row("one.right", "text", required=True, description="Right side."),
    ]


def test_a_schema_that_holds_itself_ends() -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}}

    assert len(rows_of(tree, {"Tree": tree})) < 10


@pytest.mark.parametrize(
    "schema",
    [
        PAIR,
        {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "integer"}}},
        {"type": "array", "items": PAIR},
        {"type": "integer", "minimum": 3},
        {"enum": ["x", "y"]},
        {"const": "x"},
        {"type": "string", "examples": ["acme"]},
        {"type": "object"},
    ],
)
def test_an_example_fits_its_schema(schema: Any) -> None:
    validate(example_of(schema, DEFINITIONS), schema)
