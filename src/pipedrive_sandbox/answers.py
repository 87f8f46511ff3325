"""What a handler gives back, and the errors in the shapes that Pipedrive gives them.

Nothing here knows HTTP beyond a status number; `server.py` turns both into responses.
"""

from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    def __init__(self, status: int, body: Body, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.answer = Answer(body, status, headers or {})


Problems = list[tuple[str, str]]


def invalid(problems: Problems, field_code: str | None = None) -> ApiError:
    """The answer of API v2 to a body or query that breaks its schema."""
    text = "; ".join(f"{key}: {problem}" for key, problem in problems)
    body: Body = {
        "success": False,
        "error": f"Validation failed: {text}",
        "code": "ERR_SCHEMA_VALIDATION_FAILED",
    }
    if field_code is not None:
        body["field_code"] = field_code
    return ApiError(400, body)


def bad_request(text: str, info: str = "Please check developers.pipedrive.com") -> ApiError:
    return ApiError(400, _general(text, info))


def forbidden(text: str, info: str = "Please check developers.pipedrive.com") -> ApiError:
    return ApiError(403, _general(text, info))


def not_found(text: str = "Entity was not found") -> ApiError:
    return ApiError(404, _general(text, "Object was not found."))


def gone(text: str = "Object was deleted") -> ApiError:
    return ApiError(410, _general(text, "Object was deleted."))


def over_a_limit(text: str, code: str) -> ApiError:
    return ApiError(403, {**_general(text, "Please check the usage limits."), "code": code})


def company_not_open() -> ApiError:
    return ApiError(402, _general("Company account is not open", "Please check the billing of the company."))


def scope_mismatch() -> ApiError:
    return ApiError(
        403,
        {
            "success": False,
            "error": "Scope and URL mismatch",
            "errorCode": 403,
            "error_info": "Please check developers.pipedrive.com",
        },
    )


def gateway_refusal(correlation_id: str) -> ApiError:
    """One answer for no token, an unknown path and a wrong method: the real gateway does not tell them apart."""
    return ApiError(
        401,
        {
            "success": False,
            "error": "unauthorized access",
            "errorCode": 401,
            "error_info": "Please check developers.pipedrive.com",
        },
        {"x-401-by-gw": "true", "x-correlation-id": correlation_id},
    )


def one(record: Any, **extra: Any) -> Answer:
    return Answer({"success": True, "data": record, **extra})


def page(records: list[Any], next_cursor: str | None) -> Answer:
    return Answer({"success": True, "data": records, "additional_data": {"next_cursor": next_cursor}})


def _general(text: str, info: str) -> Body:
    return {"success": False, "error": text, "error_info": info, "data": None, "additional_data": None}
