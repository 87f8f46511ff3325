"""Leads in API v1, with their labels and sources. Ids are UUIDs; custom fields are the deal's and stand at the root."""

import uuid
from typing import Any

from pipedrive_sandbox import checks, search_index, v1
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, ApiError, Body, bad_request, one
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.contacts import custom_in_webhook, merged_custom_fields
from pipedrive_sandbox.currencies import CURRENCIES
from pipedrive_sandbox.fields import custom_values, field_set
from pipedrive_sandbox.listing import saved_filter
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor
from pipedrive_sandbox.values import from_v1, in_v1

FIRST_LABELS = (("Hot", "red"), ("Warm", "yellow"), ("Cold", "blue"))
COLORS = ("blue", "brown", "dark-gray", "gray", "green", "orange", "pink", "purple", "red", "yellow")
SOURCES = (
    "Manually created",
    "Deal",
    "Web forms",
    "Prospector",
    "Leadbooster",
    "Live chat",
    "Import",
    "Website visitors",
    "Workflow automation",
    "API",
)
SORTS = (
    "id",
    "title",
    "owner_id",
    "creator_id",
    "was_seen",
    "expected_close_date",
    "next_activity_id",
    "add_time",
    "update_time",
)
LIVE: Condition = ("is_deleted = 0", ())
NOT_FOUND: Body = {
    "success": False,
    "error": "requested lead not found",
    "error_info": "Object was not found.",
    "data": None,
    "additional_data": None,
}


def install(account: Account) -> None:
    for name, color in FIRST_LABELS:
        _save_label(account, name, color)


def lead_by_uuid(account: Account, text: str) -> Body | None:
    found = account.records("lead").where(account.id, ("uuid = ?", (text,)), LIVE, limit=1)
    return found[0] if found and account.sees(found[0]) else None


def list_leads(call: Call) -> Answer:
    return _list(call, ("is_archived = 0", ()))


def list_archived_leads(call: Call) -> Answer:
    return _list(call, ("is_archived = 1", ()))


def _list(call: Call, archive: Condition) -> Answer:
    account, query = call.account, call.query
    start, limit = v1.window(query)
    conditions: list[Condition] = [LIVE, archive]
    for key in ("owner_id", "person_id", "organization_id"):
        if (number := v1.integer(query, key)) is not None:
            conditions.append((f"{key} = ?", (number,)))
    if (since := v1.moment(query, "updated_since")) is not None:
        conditions.append(("update_time >= ?", (since,)))
    if (filter_id := v1.integer(query, "filter_id")) is not None:
        conditions = [LIVE, archive, *saved_filter(account, "lead", filter_id)]
    conditions += account.visibility("json_extract(body, '$.visible_to')")
    order = v1.sorted_by(query, SORTS)
    found = account.records("lead").where(account.id, *conditions, limit=start + limit + 1, order=order)
    return v1.flat_page([shown(account, body) for body in found[start:]], start, limit)


def get_lead(call: Call) -> Answer:
    return one(shown(call.account, _found(call)))


def post_lead(call: Call) -> Answer:
    account, given = call.account, v1.object_body(call.body)
    title = v1.required_text(given, "title", "title")
    if given.get("person_id") is None and given.get("organization_id") is None:
        raise bad_request("A lead must be linked to a person or an organization.")
    now = account.now()
    lead: Body = {
        "id": account.records("lead").new_id(account.id),
        "uuid": str(uuid.uuid4()),
        "title": title,
        "owner_id": account.user_id,
        "creator_id": account.user_id,
        "label_ids": [],
        "person_id": None,
        "organization_id": None,
        "origin": "API",
        "origin_id": given.get("origin_id"),
        "channel": None,
        "channel_id": None,
        "is_archived": False,
        "was_seen": False,
        "value": None,
        "expected_close_date": None,
        "visible_to": account.user["default_visibility"],
        "add_time": now,
        "update_time": now,
        "is_deleted": False,
        "custom_fields": {},
    }
    lead = _laid_over(account, lead, given)
    account.save("lead", None, lead, call.actor)
    search_index.note(account, "lead", lead)
    return Answer({"success": True, "data": shown(account, lead)}, 201)


def patch_lead(call: Call) -> Answer:
    account, before, given = call.account, _found(call), v1.object_body(call.body)
    if before["is_archived"] and given.get("is_archived") is not False:
        raise ApiError(403, {"success": False, "error": "Forbidden"})
    after = _laid_over(account, dict(before), given)
    if given.get("title") is not None:
        after["title"] = v1.required_text(given, "title", "title")
    if "is_archived" in given:
        after["is_archived"] = bool(v1.flag(given, "is_archived"))
    if after["person_id"] is None and after["organization_id"] is None:
        raise bad_request("A lead must be linked to a person or an organization.")
    after["update_time"] = account.now()
    account.save("lead", before, after, call.actor)
    search_index.note(account, "lead", after)
    return one(shown(account, after))


def delete_lead(call: Call) -> Answer:
    before = _found(call)
    delete(call.account, before, call.actor)
    return one({"id": before["uuid"]})


def delete(account: Account, before: Body, actor: Actor) -> None:
    account.save("lead", before, before | {"is_deleted": True, "update_time": account.now()}, actor)
    search_index.note_deleted(account, "lead", before["id"])


def _found(call: Call) -> Body:
    lead = lead_by_uuid(call.account, call.path["id"])
    if lead is None:
        raise ApiError(404, NOT_FOUND)
    return lead


def _laid_over(account: Account, lead: Body, given: Body) -> Body:
    kinds = {"owner_id": "user", "person_id": "person", "organization_id": "organization"}
    for key, kind in kinds.items():
        if key in given:
            number = lead[key] = v1.integer(given, key)
            if number is not None and not account.exists(kind, number):
                raise bad_request(f"{key}: {kind} not found")
    if given.get("owner_id") is None:
        lead["owner_id"] = lead["owner_id"] or account.user_id
    if "label_ids" in given:
        lead["label_ids"] = _label_ids(account, given["label_ids"])
    if "value" in given:
        lead["value"] = _value(given["value"])
    if "expected_close_date" in given:
        if (
            given["expected_close_date"] is not None
            and checks.a_date(given["expected_close_date"]) is not None
        ):
            raise bad_request("expected_close_date is invalid")
        lead["expected_close_date"] = given["expected_close_date"]
    if "visible_to" in given:
        if given["visible_to"] not in [str(level) for level in account.visibility_levels()]:
            raise bad_request("visible_to is invalid")
        lead["visible_to"] = int(given["visible_to"])
    if "was_seen" in given:
        lead["was_seen"] = bool(v1.flag(given, "was_seen"))
    for key in ("channel", "channel_id"):
        if key in given:
            lead[key] = given[key]
    lead["custom_fields"] = merged_custom_fields(lead["custom_fields"], _custom(account, given))
    return lead


def _custom(account: Account, given: Body) -> Body:
    """Custom fields at the root, in v1 form, as the values that v2 takes."""
    custom = field_set(account, "deal").custom
    values = {
        code: from_v1(field["field_type"], code, given) for code, field in custom.items() if code in given
    }
    return custom_values(account, "deal", values)


def _value(value: Any) -> Body | None:
    if value is None:
        return None
    if (
        not isinstance(value, dict)
        or checks.number(value.get("amount"))
        or value.get("currency") not in CURRENCIES
    ):
        raise bad_request("value must have an amount and a currency")
    return {"amount": value["amount"], "currency": value["currency"]}


def _label_ids(account: Account, value: Any) -> list[str]:
    known = {label["uuid"] for label in account.records("lead_label").where(account.id, LIVE)}
    if not isinstance(value, list) or any(item not in known for item in value):
        raise bad_request("label_ids are invalid")
    return value


def shown(account: Account, body: Body) -> Body:
    """A lead as API v1 answers it: times with milliseconds, visibility as text, custom fields that have a value."""
    answer = {key: value for key, value in body.items() if key not in ("uuid", "is_deleted", "custom_fields")}
    custom = field_set(account, "deal").custom
    for code, value in body["custom_fields"].items():
        if code in custom:
            answer |= in_v1(custom[code]["field_type"], code, value)
    return answer | {
        "id": body["uuid"],
        "source_name": "API",
        "source_deal_id": None,
        "next_activity_id": None,
        "visible_to": str(body["visible_to"]),
        "add_time": body["add_time"].replace("Z", ".000Z"),
        "update_time": body["update_time"].replace("Z", ".000Z"),
        "cc_email": f"{account.company['domain']}+lead{body['uuid']}@pipedrivemail.example",
    }


def in_webhook(account: Account, body: Body) -> Body:
    answer = {key: value for key, value in body.items() if key not in ("uuid", "is_deleted", "custom_fields")}
    return answer | {
        "id": body["uuid"],
        "visible_to": str(body["visible_to"]),
        "custom_fields": custom_in_webhook(account, "deal", body),
    }


# Labels and sources


def list_labels(call: Call) -> Answer:
    return one(
        [label_shown(body) for body in call.account.records("lead_label").where(call.account.id, LIVE)]
    )


def post_label(call: Call) -> Answer:
    given = v1.object_body(call.body)
    name = v1.required_text(given, "name", "name")
    return one(label_shown(_save_label(call.account, name, _color(given.get("color")))))


def patch_label(call: Call) -> Answer:
    before, given = _found_label(call), v1.object_body(call.body)
    after = before | {"update_time": call.account.now()}
    if "name" in given:
        after["name"] = v1.required_text(given, "name", "name")
    if "color" in given:
        after["color"] = _color(given["color"])
    call.account.records("lead_label").save(call.account.id, after)
    return one(label_shown(after))


def delete_label(call: Call) -> Answer:
    before = _found_label(call)
    call.account.records("lead_label").save(call.account.id, before | {"is_deleted": True})
    return one({"id": before["uuid"]})


def list_sources(call: Call) -> Answer:
    return one([{"name": name} for name in SOURCES])


def _found_label(call: Call) -> Body:
    this: Condition = ("uuid = ?", (call.path["id"],))
    found = call.account.records("lead_label").where(call.account.id, this, LIVE)
    if not found:
        raise ApiError(404, NOT_FOUND | {"error": "requested lead label not found"})
    return found[0]


def _color(value: Any) -> str:
    if value not in COLORS:
        raise bad_request("color is invalid")
    return str(value)


def _save_label(account: Account, name: str, color: str) -> Body:
    number = account.records("lead_label").new_id(account.id)
    now = account.now()
    body: Body = {"id": number, "uuid": str(uuid.uuid4()), "name": name, "color": color}
    body |= {"add_time": now, "update_time": now, "is_deleted": False}
    account.records("lead_label").save(account.id, body)
    return body


def label_shown(body: Body) -> Body:
    stamps = {key: body[key].replace("Z", ".000Z") for key in ("add_time", "update_time")}
    return {"id": body["uuid"], "name": body["name"], "color": body["color"], **stamps}


READ_SCOPES = ("leads:read", "leads:full")
WRITE_SCOPES = ("leads:full",)
ROUTES = (
    Route("v1", "GET", "/leads", 20, READ_SCOPES, list_leads),
    Route("v1", "POST", "/leads", 10, WRITE_SCOPES, post_lead, takes_body=True),
    Route("v1", "GET", "/leads/archived", 40, READ_SCOPES, list_archived_leads),
    Route("v1", "GET", "/leads/{id}", 2, READ_SCOPES, get_lead),
    Route("v1", "PATCH", "/leads/{id}", 10, WRITE_SCOPES, patch_lead, takes_body=True),
    Route("v1", "DELETE", "/leads/{id}", 6, WRITE_SCOPES, delete_lead),
    Route("v1", "GET", "/leadLabels", 10, READ_SCOPES, list_labels),
    Route("v1", "POST", "/leadLabels", 10, WRITE_SCOPES, post_label, takes_body=True),
    Route("v1", "PATCH", "/leadLabels/{id}", 10, WRITE_SCOPES, patch_label, takes_body=True),
    Route("v1", "DELETE", "/leadLabels/{id}", 6, WRITE_SCOPES, delete_label),
    Route("v1", "GET", "/leadSources", 2, READ_SCOPES, list_sources),
)
