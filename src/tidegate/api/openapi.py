"""What the framework can't know of our OpenAPI document: scopes, refusals, and the Idempotency-Key header."""

from collections.abc import Iterator
from typing import Any

from ninja import NinjaAPI
from ninja.operation import Operation
from pydantic.json_schema import models_json_schema

from tidegate.api.auth import BearerKey
from tidegate.api.idempotency import HEADER, SAFE_METHODS
from tidegate.api.problems import CONTENT_TYPE, ProblemBody

SECURITY_SCHEME = "ApiKey"
REFUSALS = {
    400: "The body is not JSON.",
    401: "No API key, or one that is not known.",
    403: "The key's scopes don't include this call; `missing_scope` names the one it needs.",
    404: "There is no such thing in this workspace.",
    409: "It clashes with how things are now, or a person must act first; `detail` says what to do.",
    422: "Values, fields or query parameters are at fault; `errors` names them.",
    503: "It will work again by itself; try after `Retry-After` seconds.",
}
IDEMPOTENCY_HEADER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "Any text of your own. The same request with the same key within 24 hours gets the first answer and does nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def complete(document: dict[str, Any], api: NinjaAPI) -> dict[str, Any]:
    scopes = {operation.view_func.__name__: _scope(operation) for operation in operations(api)}
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            _complete_operation(
                details, method.upper(), has_id="{" in path, scope=scopes[details["operationId"]]
            )
    _, schemas = models_json_schema(
        [(ProblemBody, "serialization")], ref_template="#/components/schemas/{model}"
    )
    components = document["components"]
    components["schemas"] |= schemas["$defs"]
    components["securitySchemes"] = {
        SECURITY_SCHEME: {"type": "http", "scheme": "bearer", "description": BearerKey.openapi_description}
    }
    return document


def operations(api: NinjaAPI) -> Iterator[Operation]:
    """All operations as they are served."""
    for router in api._get_bound_routers():
        for path_view in router.path_operations.values():
            yield from path_view.operations


def _scope(operation: Operation) -> str:
    (key,) = operation.auth_callbacks
    assert isinstance(key, BearerKey)  # noqa: S101 (a route without a scope must not come into being)
    return key.scope.value


def _complete_operation(details: dict[str, Any], method: str, *, has_id: bool, scope: str) -> None:
    writes = method not in SAFE_METHODS
    left_out = {400} if "requestBody" not in details else set()
    left_out |= set() if has_id else {404}
    left_out |= set() if writes else {409, 503}
    schema = {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}
    for status, text in REFUSALS.items():
        if status not in left_out:
            details["responses"][status] = {
                "description": text,
                "content": {CONTENT_TYPE: {"schema": schema}},
            }
    if writes:
        details["parameters"] = [*details.get("parameters", []), IDEMPOTENCY_HEADER]
    details["security"] = [{SECURITY_SCHEME: [scope]}]
