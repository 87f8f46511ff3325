"""The technical details of a refused call: what was asked, and what Pipedrive answered. Pure.

They are kept with a case and read by whoever looks into it, so they hold no header, nothing of what was sent, and only such
values of a query as say nothing of a person. What an answer repeats of our credentials is taken out of it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from tidegate.adapters.http import Answer, Call
from tidegate.adapters.pipedrive.refusals import said

LONGEST_PATH = 300
LONGEST_TEXT = 2000
LONGEST_CODE = 100
LEFT_OUT = "…"
SHORTEST_SECRET = 8
"""Whatever is shorter may stand in a sentence by chance."""

_TELLING = frozenset(
    {
        "ids",
        "limit",
        "sort_by",
        "sort_direction",
        "updated_since",
        "filter_id",
        "include_fields",
        "person_id",
        "org_id",
        "deal_id",
        "status",
        "done",
    }
)
"""Parameters of a query whose values are numbers, times, and words of the API."""
_CREDENTIALS = re.compile(
    r"((?:token|secret|password|authorization)[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?|\b(?:bearer|basic)\s+(?=\S{8}))"
    r"[^\s\"',;&]+",
    re.IGNORECASE,
)


def details_of(
    call: Call, answer: Answer, headers: Mapping[str, str], *, at: datetime
) -> dict[str, str | int]:
    """`headers`: those the call carried, whose values must not be repeated."""
    body = answer.json()
    code = body.get("code") if isinstance(body, Mapping) else None
    return {
        "method": call.method,
        "path": _short(_path(call), LONGEST_PATH),
        "status": answer.status,
        "text": _short(_without_credentials(_plain(_words(body)), headers.values()), LONGEST_TEXT),
        "code": _short(_without_credentials(_plain(code), headers.values()), LONGEST_CODE)
        if isinstance(code, str)
        else "",
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
    }


def _path(call: Call) -> str:
    query = (
        f"{name}={quote(str(value), safe=',:') if name in _TELLING else LEFT_OUT}"
        for name, value in call.params.items()
    )
    path = urlsplit(call.url).path
    return f"{path}?{'&'.join(query)}" if call.params else path


def _words(body: object) -> str:
    more = body.get("error_info") if isinstance(body, Mapping) else None
    return "\n".join(text for text in (said(body), more) if isinstance(text, str) and text)


def _plain(text: str) -> str:
    """Without the characters that steer a terminal or the direction of writing; a line may end."""
    kept = (char for char in text if char == "\n" or unicodedata.category(char)[0] != "C")
    return "".join(kept).strip()


def _without_credentials(text: str, carried: Iterable[str]) -> str:
    for value in carried:
        secret = value.rpartition(" ")[2]  # of "Bearer …", the token
        text = text.replace(secret, LEFT_OUT) if len(secret) >= SHORTEST_SECRET else text
    return _CREDENTIALS.sub(lambda found: f"{found[1]}{LEFT_OUT}", text)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}{LEFT_OUT}"
