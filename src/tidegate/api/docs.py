"""The API's documentation as one plain page of this server: no scripts, nothing from elsewhere.

It is made from the OpenAPI document alone, so it can't say anything else than what programs read.
"""

import shlex
from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from tidegate.api.shapes import Schema, example_of, rows_of, type_of


class PlainDocs(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        document = api.get_openapi_schema(path_params=kwargs)
        groups = groups_of(document, request.build_absolute_uri("/").rstrip("/"))
        return render(request, "api/docs.html", {"info": document["info"], "groups": groups})


def groups_of(document: Mapping[str, Any], address: str) -> dict[str, list[dict[str, Any]]]:
    """What the page shows of each operation, by tag, in the order of the document."""
    groups: dict[str, list[dict[str, Any]]] = {}
    definitions = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            shown = _operation(details, method.upper(), path, definitions, address)
            groups.setdefault(details["tags"][0], []).append(shown)
    return groups


def _operation(
    details: Mapping[str, Any], method: str, path: str, definitions: Mapping[str, Schema], address: str
) -> dict[str, Any]:
    body = details.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = {
        status: answer for status, answer in details["responses"].items() if str(status).startswith("2")
    }
    status, answer = next(iter(answers.items()))
    shape = answer.get("content", {}).get("application/json", {}).get("schema")
    return {
        "id": details["operationId"],
        "method": method,
        "path": path,
        "summary": details["summary"],
        "description": details.get("description", ""),
        "scope": next(iter(details["security"][0].values()))[0],
        "parameters": [_parameter(parameter, definitions) for parameter in details["parameters"]],
        "body": rows_of(body, definitions) if body else [],
        "body_is_optional": bool(body) and not details["requestBody"].get("required"),
        "status": status,
        "answer": rows_of(shape, definitions) if shape else [],
        "curl": _curl(method, address + path, example_of(body, definitions) if body else None),
    }


def _parameter(parameter: Mapping[str, Any], definitions: Mapping[str, Schema]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "type": type_of(parameter["schema"], definitions),
        "required": parameter["required"],
        "description": parameter.get("description", ""),
    }


def _curl(method: str, url: str, body: Any) -> str:
    parts = ["curl" if method == "GET" else f"curl -X {method}", shlex.quote(url)]
    parts.append('-H "Authorization: Bearer $TIDEGATE_KEY"')
    if body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d {shlex.quote(orjson.dumps(body).decode())}")
    return " \\\n  ".join(parts)
