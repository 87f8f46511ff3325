"""The API as a whole: its routers, how bodies are read and written, and what holds for each call.

A router is added here and nowhere else. The pieces to build one with: `auth.needs`, `schemas.Body`, `schemas.Answer`,
`paging.page_of`; `routes.connections` shows them at work.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from tidegate import __version__
from tidegate.api.auth import ApiRequest
from tidegate.api.docs import PlainDocs
from tidegate.api.idempotency import carry_out_once
from tidegate.api.openapi import complete
from tidegate.api.parameters import known_parameters, refuse_unknown_parameters
from tidegate.api.problems import answer_with_problems
from tidegate.api.routes import (
    activity,
    audit,
    automations,
    brakes,
    budget,
    campaigns,
    catalogues,
    connections,
    consents,
    fields,
    lists,
    mail_providers,
    members,
    prospects,
    timelines,
    transfers,
    workspaces,
)

DESCRIPTION = "Everything the pages do, for programs: connections and their settings, transfers, logs, and the prospect store."


class StrictJson(Parser):
    """Bodies by the letter of RFC 8259, and without NUL characters, which no database text can hold."""

    def parse_body(self, request: HttpRequest) -> Any:
        body = orjson.loads(request.body)
        if b"\\u0000" in request.body and _holds_nul(body):
            raise ValueError("text with a NUL character (\\u0000)")
        return body


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\x00" in value
        case list():
            return any(map(_holds_nul, value))
        case dict():
            return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    return False


class Json(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data)


class Api(NinjaAPI):
    def get_content_type(self) -> str:
        return Json.media_type  # JSON is UTF-8: it has no charset parameter

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: Mapping[str, Any] | None = None
    ) -> Any:
        return self._document

    @functools.cached_property
    def _document(self) -> dict[str, Any]:
        """Made once: the routes don't change while a process runs."""
        return complete(super().get_openapi_schema(), self)


def _checked(view: Callable[..., Any]) -> Callable[..., Any]:
    """What holds for every view, after its caller is known and its body was read."""
    known = known_parameters(view)

    @functools.wraps(view)
    def call(request: ApiRequest, **values: Any) -> Any:
        refuse_unknown_parameters(request, known)
        return carry_out_once(view, request, **values)

    return call


api = Api(
    title="Tidegate",
    version=__version__,
    description=DESCRIPTION,
    urls_namespace="api",
    docs=PlainDocs(),
    parser=StrictJson(),
    renderer=Json(),
)
answer_with_problems(api)
api.default_router.add_decorator(_checked, mode="operation")
api.add_router("/connections", connections.router)
api.add_router("/connections", catalogues.router)
api.add_router("/connections", transfers.of_connection)
api.add_router("/transfers", transfers.router)
api.add_router("/connections", activity.of_connection)
api.add_router("/attention", activity.attention)
api.add_router("/connections", automations.router)
api.add_router("/connections", consents.router)
api.add_router("/connections", brakes.of_connection)
api.add_router("/halts", brakes.router)
api.add_router("/connections", budget.router)
api.add_router("/lists", lists.router)
api.add_router("/fields", fields.router)
api.add_router("/prospects", prospects.router)
api.add_router("/workspace", workspaces.router)
api.add_router("/prospects", timelines.router)
api.add_router("/campaigns", campaigns.campaigns)
api.add_router("/campaign-events", campaigns.events)
api.add_router("/mail-providers", mail_providers.router)
api.add_router("/audit-log", audit.router)
api.add_router("/members", members.router)
api.add_router("/invitations", members.invitations)
