"""Every refusal of the API as problem details (RFC 9457), and which error becomes which status.

A problem's `type` is `urn:tidegate:problem:` and the error's name in kebab case: programs compare it, people look it up
in docs/reference/errors.md. Nothing leaves the API as HTML or as a bare status.
"""

import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.schema import Field
from pydantic import BaseModel

from tidegate import errors
from tidegate.store.idempotency import StillRunning

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:tidegate:problem:"
RETRY_AFTER = 5
"""Seconds to wait where an error that passes by itself doesn't say how long it takes."""

STATUSES: Mapping[type[errors.TidegateError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.Refused: 409,
    errors.NeedsAttention: 409,
    errors.TemporaryError: 503,
    errors.RecordRejected: 422,
    errors.NotGenuine: 401,
    errors.DeliveryRejected: 400,
}
"""By the nearest ancestor."""


class ProblemBody(BaseModel):
    """Problem details as in RFC 9457."""

    type: str = Field(..., examples=["urn:tidegate:problem:invalid"])
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]] | None = Field(
        None, description="Field -> messages, where fields are at fault; `mappings.2` is the third item."
    )


class ProblemError(Exception):
    """A refusal that only the API knows: no key, a scope missing, a body that is not JSON."""

    def __init__(
        self,
        status: int,
        name: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.name, self.title, self.detail = status, name, title, detail
        self.headers, self.more = headers or {}, more


def problem(
    status: int, name: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> HttpResponse:
    """The answer. `more` are further members; those that are None are left out."""
    body = {"type": TYPE_PREFIX + name, "title": title, "status": status, "detail": detail}
    body |= {key: value for key, value in more.items() if value is not None}
    return HttpResponse(orjson.dumps(body), status=status, content_type=CONTENT_TYPE, headers=headers)


def answer_with_problems(api: NinjaAPI) -> None:
    """Teach an API to answer every error in this form."""
    handlers: Mapping[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Exception: _unexpected,
        ProblemError: _stated,
        HttpError: _http_error,
        Http404: _missing,
        ValidationError: _invalid_request,
        RequestDataTooBig: _too_big,
        UnreadablePostError: _cut_off,
        errors.TidegateError: _tidegate_error,
    }
    for error_class, handler in handlers.items():
        api.add_exception_handler(error_class, handler)


def status_of(error: type[errors.TidegateError]) -> int:
    return next((STATUSES[ancestor] for ancestor in error.__mro__ if ancestor in STATUSES), 500)


def name_of(error: type[Exception]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


def title_of(error: type[Exception]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", error.__name__).capitalize()


def no_such_path(request: HttpRequest) -> HttpResponse:
    detail = f"There is nothing at {request.path}. See /api/v1/docs for what there is."
    return problem(404, "not-found", "Not found", detail)


def method_not_allowed(request: HttpRequest, allowed: Sequence[str]) -> HttpResponse:
    methods = ", ".join(sorted(allowed))
    detail = f"{request.method} is not possible here, only {methods}."
    return problem(405, "method-not-allowed", "Method not allowed", detail, headers={"Allow": methods})


def _tidegate_error(request: HttpRequest, error: errors.TidegateError) -> HttpResponse:
    kind = type(error)
    headers, more = {}, {}
    if isinstance(error, errors.TemporaryError):
        headers["Retry-After"] = str(math.ceil(error.retry_after or RETRY_AFTER))
    if isinstance(error, StillRunning):
        headers["Retry-After"] = "1"
    if isinstance(error, errors.Invalid):
        more["errors"] = error.errors or None
    return problem(
        status_of(kind), name_of(kind), title_of(kind), error.user_message, headers=headers, **more
    )


def _stated(request: HttpRequest, error: ProblemError) -> HttpResponse:
    return problem(error.status, error.name, error.title, error.detail, headers=error.headers, **error.more)


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 400:  # the one case in which the framework itself speaks: a body it can't parse
        cause = error.__cause__
        return problem(400, "malformed", "Malformed", f"The body is not valid JSON: {cause or error}.")
    return problem(error.status_code, "refused", "Refused", str(error))


def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, "not-found", "Not found", str(error) or "There is no such thing here.")


def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(413, "too-big", "Too big", "The body is too big. Send fewer items at once.")


def _cut_off(request: HttpRequest, error: UnreadablePostError) -> HttpResponse:
    return problem(400, "malformed", "Malformed", "The body ended before it was complete.")


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    detail = "Something went wrong in Tidegate. The server's log says what; nobody needs to repeat the request to find out."
    return problem(500, "unexpected", "Unexpected", detail)


def _invalid_request(request: HttpRequest, error: ValidationError) -> HttpResponse:
    if any(fault["loc"][0] == "path" for fault in error.errors):  # an id of a wrong form is an id nobody has
        return problem(404, "not-found", "Not found", "There is no such thing here.")
    found: dict[str, list[str]] = {}
    for fault in error.errors:
        found.setdefault(_field_of(fault["loc"]), []).append(_message_of(fault))
    return problem(422, "invalid", "Invalid", summary_of(found), errors=found)


def summary_of(found: Mapping[str, Sequence[str]]) -> str:
    """One line for people who read only the detail: the first fault, and how many more there are."""
    field, texts = next(iter(found.items()))
    more = sum(map(len, found.values())) - 1
    return f"{field}: {texts[0]}" + (f" (and {more} more)" if more else "")


def _field_of(loc: Sequence[str | int]) -> str:
    """`mappings.0.outreach` from ("body", argument, "mappings", 0, "outreach"); a query parameter by its name."""
    if loc[0] == "query":
        return str(loc[-1])
    return ".".join(str(part) for part in loc[2:]) or "body"


_MESSAGES = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field.",
    "string_type": "Must be text.",
    "bool_type": "Must be true or false.",
    "int_type": "Must be a whole number.",
    "int_parsing": "Must be a whole number.",
    "list_type": "Must be a list.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
}


def _message_of(fault: Mapping[str, Any]) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "missing" if len(fault["loc"]) == 2 and fault["loc"][0] == "body":
            return "A JSON body is required."
        case "enum" | "literal_error":
            return f"Must be {context['expected']}."
        case "value_error":
            return str(context.get("error", fault["msg"]))
        case kind:
            return _MESSAGES.get(kind, f"{fault['msg']}.".replace("Input should", "Must").replace("..", "."))
