"""Activity types in API v1. `key_string` comes from the first name and never changes; deleting deactivates."""

import re

from pipedrive_sandbox import v1
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, bad_request, not_found, one
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor

ICONS = [
    "task",
    "email",
    "meeting",
    "deadline",
    "call",
    "lunch",
    "calendar",
    "downarrow",
    "document",
    "smartphone",
    "camera",
    "scissors",
    "cogs",
    "bubble",
    "uparrow",
    "checkbox",
    "signpost",
    "shuffle",
    "addressbook",
    "linegraph",
    "picture",
    "car",
    "world",
    "search",
    "clip",
    "sound",
    "brush",
    "key",
    "padlock",
    "pricetag",
    "suitcase",
    "finish",
    "plane",
    "loop",
    "wifi",
    "truck",
    "cart",
    "bulb",
    "bell",
    "presentation",
]
FIRST_TYPES = ("Call", "Meeting", "Task", "Deadline", "Email", "Lunch")
LIVE: Condition = ("is_deleted = 0", ())


def install(account: Account) -> None:
    """The types of a fresh account."""
    for name in FIRST_TYPES:
        _save_new(account, {"name": name, "icon_key": name.lower()}, is_custom=False)


def list_types(call: Call) -> Answer:
    found = call.account.records("activity_type").where(call.account.id, order="key")
    return one([shown(body) for body in sorted(found, key=lambda body: (body["order_nr"], body["id"]))])


def post_type(call: Call) -> Answer:
    call.account.require_admin()
    given = _checked(v1.object_body(call.body))
    v1.required_text(given, "name", "Name")
    if "icon_key" not in given:
        raise bad_request("Icon key must be given.")
    return one(shown(_save_new(call.account, given, is_custom=True)))


def put_type(call: Call) -> Answer:
    call.account.require_admin()
    before = _found(call)
    given = _checked(v1.object_body(call.body))
    after = before | {key: given[key] for key in ("name", "icon_key", "color", "order_nr") if key in given}
    after["update_time"] = call.account.now()
    call.account.records("activity_type").save(call.account.id, after)
    return one(shown(after))


def delete_type(call: Call) -> Answer:
    call.account.require_admin()
    after = _found(call) | {"is_deleted": True, "update_time": call.account.now()}
    call.account.records("activity_type").save(call.account.id, after)
    return one(shown(after))


def create(account: Account, name: str, icon_key: str, actor: Actor) -> Body:
    return _save_new(account, {"name": name, "icon_key": icon_key}, is_custom=True)


def _found(call: Call) -> Body:
    body = call.account.records("activity_type").get(call.account.id, call.id())
    if body is None:
        raise not_found("Activity type not found.")
    return body


def _checked(given: Body) -> Body:
    if "name" in given:
        v1.required_text(given, "name", "Name")
    if "icon_key" in given and given["icon_key"] not in ICONS:
        raise bad_request("Icon key is invalid.")
    if "color" in given and not (
        isinstance(given["color"], str) and re.fullmatch("[0-9A-Fa-f]{6}", given["color"])
    ):
        raise bad_request("Color is invalid.")
    if "order_nr" in given:
        number = v1.integer(given, "order_nr")
        if number is None:
            raise bad_request("order_nr is invalid")
        given["order_nr"] = number
    return given


def _save_new(account: Account, given: Body, *, is_custom: bool) -> Body:
    records = account.records("activity_type")
    number = records.new_id(account.id)
    taken = {body["key_string"] for body in records.where(account.id)}
    key = re.sub(r"[^a-z0-9]+", "_", given["name"].lower()).strip("_") or "type"
    while key in taken:
        key += "_"
    body: Body = {
        "id": number,
        "order_nr": number,
        "name": given["name"],
        "key_string": key,
        "icon_key": given["icon_key"],
        "color": given.get("color", "FFFFFF"),
        "is_custom_flag": is_custom,
        "add_time": account.now(),
        "update_time": account.now(),
        "is_deleted": False,
    }
    records.save(account.id, body)
    return body


def shown(body: Body) -> Body:
    keys = ("id", "order_nr", "name", "key_string", "icon_key", "color", "is_custom_flag")
    return {**{key: body[key] for key in keys}, "active_flag": not body["is_deleted"], **v1.stamps(body)}


READ_SCOPES = ("activities:read", "activities:full", "admin")
ROUTES = (
    Route("v1", "GET", "/activityTypes", 20, READ_SCOPES, list_types),
    Route("v1", "POST", "/activityTypes", 10, ("admin",), post_type, takes_body=True),
    Route("v1", "PUT", "/activityTypes/{id}", 10, ("admin",), put_type, takes_body=True),
    Route("v1", "DELETE", "/activityTypes/{id}", 6, ("admin",), delete_type),
)
