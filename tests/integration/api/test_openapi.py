"""The OpenAPI document is true, complete and valid."""

import re
from typing import Any

import orjson
import pytest
from django.test import Client
from jsonschema import Draft202012Validator


@pytest.fixture
def document(client: Client) -> Any:
    return orjson.loads(client.get("/api/v1/openapi.json").content)


def test_every_reference_resolves(document: Any) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for item in value.values() for ref in references(item)]
        return [ref for item in value for ref in references(item)] if isinstance(value, list) else []

    found = references(document)

    assert found
    for reference in found:
        *_, name = reference.split("/")
        assert reference == f"#/components/schemas/{name}"
        assert name in document["components"]["schemas"]


def test_every_schema_is_a_json_schema(document: Any) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_a_name_of_its_own_a_scope_and_its_refusals(document: Any) -> None:
    operations = [details for methods in document["paths"].values() for details in methods.values()]

    names = [details["operationId"] for details in operations]
    assert len(names) == len(set(names)) > 0
    for details in operations:
        assert details["security"] == [{"ApiKey": [details["security"][0]["ApiKey"][0]]}]
        assert {"401", "403", "422"} <= set(details["responses"])


def test_the_documentation_is_a_page_that_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/api/v1/docs")

    page = answer.content.decode()
    assert re.findall(r'(?:src|href|action)="(?![/#])[^"]*"', page) == []
    assert "<script" not in page
    assert "style=" not in page
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_the_documentation_shows_every_operation(client: Client, document: Any) -> None:
    page = client.get("/api/v1/docs").content.decode()

    for path, methods in document["paths"].items():
        for details in methods.values():
            assert f'id="{details["operationId"]}"' in page
        assert f"<code>{path}</code>" in page
