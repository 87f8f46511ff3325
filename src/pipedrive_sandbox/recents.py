"""Recents in API v1: everything that changed since a moment, of several kinds, oldest first; and the currencies.

How far back it answers is limited. Rows that never changed since they were added are in it as well, deleted ones too.
"""

from typing import Any

from pipedrive_sandbox import checks, currencies, v1, v1_shapes
from pipedrive_sandbox.answers import Answer, Body, bad_request, one
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.clock import rfc3339, v1_time
from pipedrive_sandbox.records import Condition

UNSERVED = ("file", "product")
WITH_VISIBILITY = ("person", "organization", "deal")


def recents(call: Call) -> Answer:
    account, query = call.account, call.query
    since = _since(call)
    names = [name for name in query.get("items", "").split(",") if name] or list(v1_shapes.SHAPES)
    unknown = [name for name in names if name not in v1_shapes.SHAPES and name not in UNSERVED]
    if unknown:
        raise bad_request(f"items: '{unknown[0]}' is not known")
    start, limit = v1.window(query)
    changed: Condition = ("is_deleted IN (0, 1) AND update_time >= ?", (since,))
    found: list[tuple[str, str, Body]] = []
    for name in names:
        if name in UNSERVED:
            continue
        kind = v1_shapes.SHAPES[name][0]
        seen = account.visibility() if kind in WITH_VISIBILITY else []
        bodies = account.records(kind).where(
            account.id, changed, *seen, limit=start + limit + 1, order="update_time, key"
        )
        found += [(body["update_time"], name, body) for body in bodies]
    found.sort(key=lambda entry: (entry[0], entry[1], entry[2]["id"]))
    page = found[start : start + limit + 1]
    items = [
        {"item": name, "id": body["id"], "data": v1_shapes.SHAPES[name][1](account, body)}
        for _, name, body in page
    ]
    answer = v1.paginated(items, start, limit)
    shown = page[:limit]
    times: dict[str, Any] = {
        "since_timestamp": v1_time(since),
        "last_timestamp_on_page": v1_time(shown[-1][0]) if shown else None,
    }
    answer.body["additional_data"] = times | answer.body["additional_data"]
    return answer


def _since(call: Call) -> str:
    text = call.query.get("since_timestamp")
    if text is None or checks.a_v1_moment(text) is not None:
        raise bad_request("since_timestamp must be given as YYYY-MM-DD HH:MM:SS")
    days = call.account.state.switches["recents_days"]
    oldest = rfc3339(call.account.state.clock.now() - days * 86_400)
    return max(oldest, text.replace(" ", "T") + "Z")


def list_currencies(call: Call) -> Answer:
    term = call.query.get("term", "").casefold()
    found = [
        currencies.shown(number, code)
        for number, (code, (name, _, _)) in enumerate(currencies.CURRENCIES.items(), start=1)
        if term in code.casefold() or term in name.casefold()
    ]
    return one(found)


def user_settings(call: Call) -> Answer:
    return one(
        {
            "marketplace_team": False,
            "list_limit": 500,
            "beta_app": False,
            "prevent_salesphone_callto_override": False,
            "file_upload_destination": "s3",
            "callto_link_syntax": "",
            "autofill_deal_expected_close_date": False,
            "person_duplicate_condition": "name_and_email",
        }
    )


ROUTES = (
    Route("v1", "GET", "/recents", 20, ("recents:read", "search:read"), recents),
    Route("v1", "GET", "/currencies", 20, ("base",), list_currencies),
    Route("v1", "GET", "/userSettings", 2, ("base",), user_settings),
)
