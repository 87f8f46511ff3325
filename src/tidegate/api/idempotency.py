"""`Idempotency-Key` on writes: the same request again gets the first one's answer and does nothing.

Applies to every write by itself. Views that speak with Pipedrive are marked `@outside_transaction`; all others run in
one transaction with their answer, so that a crash leaves either both or neither.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja.responses import Status
from pydantic import BaseModel

from tidegate.api.auth import ApiRequest
from tidegate.errors import Invalid
from tidegate.store import idempotency
from tidegate.store.idempotency import Answer

HEADER = "Idempotency-Key"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
View = Callable[..., Any]
V = TypeVar("V", bound=View)


def outside_transaction(view: V) -> V:
    """Mark a view that waits for another server: no transaction is held open around it."""
    view.outside_transaction = True  # type: ignore[attr-defined]
    return view


def carry_out_once(view: View, request: ApiRequest, **values: Any) -> Any:
    """Call the view, or give the answer it gave before where the caller's key says so."""
    if request.method in SAFE_METHODS:
        return view(request, **values)
    key = request.headers.get(HEADER)
    if key is None:
        return _respond(_answer_of(view, view(request, **values)))
    _check(key)
    before = idempotency.claim(request.auth.workspace, key, _digest(request), timezone.now())
    if before is not None:
        return _respond(before, replayed=True)
    try:
        with _transaction_for(view):
            answer = _answer_of(view, view(request, **values))
            idempotency.keep(request.auth.workspace, key, answer)
    except BaseException:
        idempotency.drop(request.auth.workspace, key)
        raise
    return _respond(answer)


def _check(key: str) -> None:
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise Invalid(errors={HEADER: ["Must be 1 to 255 printable characters."]})


def _digest(request: ApiRequest) -> str:
    parts = (str(request.method), request.get_full_path())
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + request.body).hexdigest()


def _transaction_for(view: View) -> AbstractContextManager[Any]:
    return nullcontext() if getattr(view, "outside_transaction", False) else transaction.atomic()


def _answer_of(view: View, result: Any) -> Answer:
    """What a write view returns, in bytes: a pydantic model or None, alone or in a Status.

    Asked of every write, with a key or without, so that both get the same answer.
    """
    status, value = (result.status_code, result.value) if isinstance(result, Status) else (None, result)
    if not isinstance(value, BaseModel | None):
        raise TypeError(f"a write view returned {type(value).__name__}, which can't be kept: return a model")
    return Answer(status or _only_status(view), b"" if value is None else value.model_dump_json().encode())


def _only_status(view: View) -> int:
    """The one status the route declares."""
    (status,) = view._ninja_operation.response_models  # type: ignore[attr-defined]
    return int(status)


def _respond(answer: Answer, *, replayed: bool = False) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    if not answer.body:
        del response["Content-Type"]
    if replayed:
        response["Idempotent-Replayed"] = "true"
    return response
