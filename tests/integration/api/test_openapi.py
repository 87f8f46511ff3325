"""The OpenAPI document is true, complete and valid."""

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


def test_the_documentation_is_a_page_of_this_server(client: Client) -> None:
    page = client.get("/api/v1/docs").content.decode()

    assert "/api/v1/connections" in page
    assert "http" not in page.replace("https://tidegate", "")
    assert "<script" not in page
