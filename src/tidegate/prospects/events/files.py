"""Campaign history of another tool as a file: JSON, JSON lines, or CSV, event by event in the words of the API.

In CSV, a column is a field (`prospect.email`, `email.subject`); well-known names of other tools' columns are understood.
An event without a key gets one from its content, so that the same file again changes nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tidegate.errors import Invalid
from tidegate.prospects.events.content import FIELDS
from tidegate.prospects.importing.files import look_at, read_rows
from tidegate.prospects.values import as_object, is_no_object
from tidegate.words import say

MAX_FILE = 200 * 1024 * 1024
COLUMNS: Mapping[str, str] = {
    "event": "type",
    "event_type": "type",
    "event type": "type",
    "date": "at",
    "time": "at",
    "event_time": "at",
    "event time": "at",
    "timestamp": "at",
    "recipient": "prospect.email",
    "recipient_email": "prospect.email",
    "prospect_email": "prospect.email",
    "to": "prospect.email",
    "campaign": "campaign.name",
    "campaign_name": "campaign.name",
    "campaign_id": "campaign.id",
    "email_id": "email.id",
    "message_id": "email.message_id",
    "email_subject": "email.subject",
    "subject": "email.subject",
    "html": "email.html",
    "body": "email.html",
    "text": "email.text",
    "step": "email.step",
    "sender": "email.sender",
    "sender_email": "email.sender",
    "link": "url",
}
TYPES: Mapping[str, str] = {
    "sent": "email_sent",
    "open": "email_opened",
    "opened": "email_opened",
    "click": "link_clicked",
    "clicked": "link_clicked",
    "reply": "email_replied",
    "replied": "email_replied",
    "bounce": "email_bounced",
    "bounced": "email_bounced",
    "unsubscribe": "unsubscribed",
}
"""Words of other tools for types that we have a word for."""
_PLACES = {name for name in FIELDS[""] if name not in FIELDS} | {
    f"{part}.{name}" for part, names in FIELDS.items() if part for name in names
}


def read_events(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events of a file with the number of each one's line or item, from 1. Raises Invalid, OSError."""
    if path.stat().st_size > MAX_FILE:
        raise Invalid(
            say("{file} is larger than {limit} MB. Split it.", file=path.name, limit=MAX_FILE // 1024 // 1024)
        )
    with path.open("rb") as file:
        start = file.read(100).lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    rows = _from_json(path, path.read_bytes()) if start in (b"[", b"{") else _from_csv(path)
    for number, event in rows:
        kind = event.get("type")
        if isinstance(kind, str):
            event["type"] = TYPES.get(kind.strip().lower(), kind)
        yield number, event if is_no_object(event) else {"key": f"import:{_digest(event)}", **event}


def _from_json(path: Path, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """A list, an object with `items`, or an object a line."""
    text = content.lstrip(b"\xef\xbb\xbf")
    try:
        parsed = orjson.loads(text)
        items = parsed.get("items", [parsed]) if isinstance(parsed, dict) else parsed
    except orjson.JSONDecodeError:
        items = [
            _line(path, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    if not isinstance(items, list):
        raise Invalid(say("{file} holds no list of events.", file=path.name))
    for number, item in enumerate(items, 1):
        yield number, dict(as_object(item))


def _line(path: Path, number: int, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            say("Line {line} of {file} is not JSON: {error}.", line=number, file=path.name, error=error)
        ) from error


def _from_csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as file:
        rows = read_rows(file, look_at(file))
        places = [_place(name) for name in next(rows).cells]
        missing = {"type", "at"} - set(places)
        if missing:
            raise Invalid(
                say(
                    "The first line must name the columns, and {columns} is not among them. Known: {known}.",
                    columns=" and ".join(sorted(missing)),
                    known=", ".join(sorted(_PLACES)),
                )
            )
        for row in rows:
            if any(cell.strip() for cell in row.cells):
                yield row.line, _event(places, row.cells)


def _place(name: str) -> str:
    """The field that a column fills; empty for one that is not known."""
    plain = name.strip().lower()
    return plain if plain in _PLACES else COLUMNS.get(plain, "")


def _event(places: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for place, cell in zip(places, row, strict=False):
        text = cell.strip()
        if not place or not text:
            continue
        part, _, name = place.rpartition(".")
        if part:
            event.setdefault(part, {})[name] = text
        elif place == "automatic":
            event[place] = text.lower() in ("true", "yes", "1")
        else:
            event[place] = text
    if isinstance(at := event.get("at"), str):
        event["at"] = _with_zone(at)
    return event


def _with_zone(text: str) -> str:
    """Exports without a zone mean UTC."""
    plain = text.removesuffix(" UTC").strip().replace(" ", "T", 1)
    clock = plain.partition("T")[2]
    has_zone = plain.endswith("Z") or "+" in clock or "-" in clock
    return plain if has_zone or not clock else f"{plain}Z"


def _digest(event: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]
