"""The way in for Pipedrive's deliveries that leaves out what pages need: sessions, languages, forms, the resolver of addresses.

A bulk edit over there sends hundreds of deliveries a second, and slow answers end in a ban. The same address is among Django's
own (`web.hooks`), for servers that don't come by here, and answers the same.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings

from tidegate.errors import Malformed, NotGenuine, NotHandled
from tidegate.wiring.receive import receive_delivery

log = logging.getLogger(__name__)

ADDRESS = "/hooks/pipedrive/"

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: HTTPStatus
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()


TAKEN = Answer(HTTPStatus.OK)
UNKNOWN = Answer(
    HTTPStatus.UNAUTHORIZED,
    "The credentials are wrong.",
    (("WWW-Authenticate", 'Basic realm="Tidegate"'),),
)
POST_ONLY = Answer(HTTPStatus.METHOD_NOT_ALLOWED, "Deliveries are sent with POST.", (("Allow", "POST"),))
TOO_LARGE = Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The delivery is too large.")
NOT_STORED = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "The delivery could not be stored. Send it again.")


def answer_delivery(hook_token: str, authorization: str | None, body: bytes) -> Answer:
    """What Pipedrive is told; where it is told that all is well, the delivery is stored."""
    try:
        receive_delivery(hook_token, authorization, body)
    except NotGenuine:
        return UNKNOWN
    except Malformed as error:
        return Answer(HTTPStatus.BAD_REQUEST, error.user_message)
    except NotHandled:
        pass  # known and of no interest: said as done, so that it is not sent again
    return TAKEN


def intake_before(pages: Application) -> Application:
    """The WSGI application that takes deliveries itself and leaves all else to the pages."""

    def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO") or "")
        if not path.startswith(ADDRESS):
            return pages(environ, start_response)
        answer = _answer(environ, path.removeprefix(ADDRESS))
        body = answer.text.encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response(f"{answer.status.value} {answer.status.phrase}", [*headers, *answer.headers])
        return [body]

    return application


def _answer(environ: Environ, hook_token: str) -> Answer:
    if environ["REQUEST_METHOD"] != "POST":
        return POST_ONLY
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = str(environ.get("CONTENT_LENGTH") or "")
    body = environ["wsgi.input"].read(min(int(length), most + 1) if length.isdecimal() else most + 1)
    if len(body) > most:
        return TOO_LARGE
    try:
        return answer_delivery(hook_token, environ.get("HTTP_AUTHORIZATION"), body)
    except Exception:
        log.exception("A delivery could not be stored; Pipedrive sends it again.")
        return NOT_STORED
