"""Pipedrive's official OpenAPI documents, where they are at hand: what a request must look like, and what it costs.

They are not part of this repository. TIDEGATE_OPENAPI_DIR names the folder with `v1.yaml` and `v2.yaml`; without it,
`../shared/reference/openapi` beside the checkout is tried, and tests that need them are skipped with a word.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent

TOLERATED: Mapping[tuple[str, str], str] = {
    ("first_name", "not allowed"): "taken by the live API though the body does not list it (seen 2026)",
    ("last_name", "not allowed"): "taken by the live API though the body does not list it (seen 2026)",
    (
        "org_id",
        "None is not of type 'integer'",
    ): "null takes a person out of its organization (seen 2026)",
}
"""(place, complaint) -> why it is right all the same."""

PROSE = {"example", "description", "title"}


def folder() -> Path | None:
    named = os.environ.get("TIDEGATE_OPENAPI_DIR")
    places = [Path(named)] if named else [parent / "shared/reference/openapi" for parent in ROOT.parents]
    return next((place for place in places if (place / "v2.yaml").exists()), None)


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    document: Mapping[str, Any]

    @property
    def tokens(self) -> int:
        return int(self.document["x-token-cost"])

    @property
    def scopes(self) -> set[str]:
        return {scope for way in self.document.get("security", []) for scope in way.get("oauth2", [])}


class OfficialDocuments:
    def __init__(self, place: Path) -> None:
        self._paths = {version: _load(place / f"{version}.yaml")["paths"] for version in ("v1", "v2")}

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that a concrete path, or a template like /api/v2/persons/{id}, belongs to."""
        found = re.fullmatch(r"/(?:api/)?(v[12])(/.*)", path)
        if found is None:
            return None
        version, rest = found.groups()
        templates = sorted(self._paths[version], key=lambda template: template.count("{"))
        for template in templates:
            pattern = re.sub(r"\{[^}]+\}", r"[^/]+", template)
            if re.fullmatch(pattern, rest) and method.lower() in self._paths[version][template]:
                return Operation(template, method, self._paths[version][template][method.lower()])
        return None

    def problems(self, request: httpx2.Request) -> list[str]:
        """What the documents object to in a request, without what is tolerated."""
        operation = self.operation(request.method, request.url.path)
        if operation is None:
            return [f"no such operation: {request.method} {request.url.path}"]
        found = [*_query_problems(operation, request), *_body_problems(operation, request)]
        return [f"{place}: {text}" for place, text in found if (place, text) not in TOLERATED]


def _load(path: Path) -> Any:
    return yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def _query_problems(operation: Operation, request: httpx2.Request) -> Iterator[tuple[str, str]]:
    known = {each["name"]: each for each in operation.document.get("parameters", []) if each["in"] == "query"}
    for name, text in request.url.params.multi_items():
        if name not in known:
            yield name, "not allowed"
            continue
        schema = plain(known[name]["schema"])
        # A list in one parameter is documented as a text with the choices of its items.
        texts = text.split(",") if "omma" in known[name].get("description", "") else [text]
        for each in texts:
            for error in Draft202012Validator(schema).iter_errors(_from_query(schema.get("type"), each)):
                yield name, error.message


def _from_query(kind: object, text: str) -> object:
    if kind in ("integer", "number") and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text == "true" if kind == "boolean" and text in ("true", "false") else text


def _body_problems(operation: Operation, request: httpx2.Request) -> Iterator[tuple[str, str]]:
    content = operation.document.get("requestBody", {}).get("content", {})
    if not content:
        if request.content:
            yield "body", "not allowed"
        return
    if request.headers.get("content-type") != "application/json":
        yield "content-type", str(request.headers.get("content-type"))
        return
    yield from schema_problems(content["application/json"]["schema"], orjson.loads(request.content))


def schema_problems(schema: Mapping[str, Any], value: object) -> Iterator[tuple[str, str]]:
    """(top-level place, complaint); keys the schema does not list are refused, as API v2 does."""
    for error in Draft202012Validator(closed(schema)).iter_errors(value):
        if error.validator == "additionalProperties":
            for name in set(error.instance) - set(error.schema.get("properties", {})):
                yield ".".join(map(str, [*error.absolute_path, name])), "not allowed"
        else:
            yield ".".join(map(str, error.absolute_path)), error.message


def closed(schema: Any) -> Any:
    """The schema as JSON Schema in which objects take what they list and no more."""
    return _closed(plain(schema))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: item if key == "properties" else _closed(item) for key, item in schema.items()}
    if isinstance(made.get("properties"), dict):
        made["properties"] = {name: _closed(item) for name, item in made["properties"].items()}
        made.setdefault("additionalProperties", False)
    return made


def plain(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema: nullable becomes a type, allOf one object, prose is left out."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: plain(item) for key, item in schema.items() if key not in PROSE | {"properties", "allOf"}}
    if isinstance(schema.get("properties"), dict):
        # Keys of this object, among them "title" and "description", not words about it.
        made["properties"] = {name: plain(item) for name, item in schema["properties"].items()}
    for part in schema.get("allOf", []):
        made = _joined(made, plain(part))
    if made.pop("nullable", False):
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What must hold when both must: the keys of both, the narrower word of the later."""
    made = one | other
    if "properties" in one and "properties" in other:
        shared = one["properties"].keys() & other["properties"].keys()
        narrowed = {name: _joined(one["properties"][name], other["properties"][name]) for name in shared}
        made["properties"] = one["properties"] | other["properties"] | narrowed
    if "required" in one and "required" in other:
        made["required"] = sorted({*one["required"], *other["required"]})
    return made


@cache
def _documents(place: Path) -> OfficialDocuments:
    return OfficialDocuments(place)


def official_documents() -> OfficialDocuments:
    """The documents, or a skip that says how to get them."""
    place = folder()
    if place is None:
        pytest.skip(
            "Pipedrive's OpenAPI documents are not at hand: set TIDEGATE_OPENAPI_DIR to a folder with v1.yaml and v2.yaml"
        )
    return _documents(place)
