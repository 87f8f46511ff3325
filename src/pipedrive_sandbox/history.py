"""The changelog of persons, organizations and deals in API v1: which field changed when, by whom, from what to what."""

from typing import Any

import orjson

from pipedrive_sandbox.answers import Answer, Body
from pipedrive_sandbox.call import Call, Handler, Route
from pipedrive_sandbox.clock import rfc3339, v1_time
from pipedrive_sandbox.listing import Reader
from pipedrive_sandbox.records import Order, cursor_to, read_cursor
from pipedrive_sandbox.state import HISTORY_KINDS


def _list(kind: str) -> Handler:
    def handler(call: Call) -> Answer:
        account = call.account
        account.readable(kind, call.id())
        reader = Reader(call.query)
        limit = reader.limit(account.state.switches)
        reader.done()
        before = read_cursor(call.query["cursor"])["id"] if "cursor" in call.query else 2**62
        rows = account.state.database.execute(
            "SELECT id, moment, user_id, source, changes FROM history WHERE company = ? AND kind = ? AND record = ?"
            " AND id <= ? ORDER BY id DESC LIMIT ?",
            (account.id, kind, call.id(), before, limit + 1),
        ).fetchall()
        cursor = cursor_to({"id": rows[limit][0]}, Order()) if len(rows) > limit else None
        entries = [entry for row in rows[:limit] for entry in _entries(row)]
        return Answer({"success": True, "data": entries, "additional_data": {"next_cursor": cursor}})

    return handler


def _entries(row: tuple[Any, ...]) -> list[Body]:
    _, moment, user, source, changes = row
    return [
        {
            "field_key": key,
            "old_value": _text(old),
            "new_value": _text(new),
            "actor_user_id": user,
            "time": v1_time(rfc3339(moment)),
            "change_source": source,
            "change_source_user_agent": None,
            "is_bulk_update_flag": False,
        }
        for key, (old, new) in orjson.loads(changes).items()
    ]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


PATHS = {"person": "persons", "organization": "organizations", "deal": "deals"}
ROUTES = tuple(
    Route("v1", "GET", f"/{PATHS[kind]}/{{id}}/changelog", 20, ("recents:read",), _list(kind))
    for kind in HISTORY_KINDS
)
