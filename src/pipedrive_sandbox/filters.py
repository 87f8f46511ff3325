"""Saved filters in API v1: one AND group that holds an AND and an OR group, at most 16 conditions.

A filter is kept with the SQL it means, so that a v2 list with `filter_id` only has to put it in.
"""

from typing import Any

from pipedrive_sandbox import v1
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, bad_request, not_found, one
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.fields import field_set
from pipedrive_sandbox.records import Condition

ENTITIES = {
    "deals": "deal",
    "org": "organization",
    "people": "person",
    "activity": "activity",
    "leads": "lead",
}
TYPES = ("deals", "leads", "org", "people", "products", "activity", "projects")
MOST_CONDITIONS = 16
OPERATORS = {
    "=": "{0} = ?",
    "!=": "{0} IS NOT ?",
    "<": "{0} < ?",
    ">": "{0} > ?",
    "<=": "{0} <= ?",
    ">=": "{0} >= ?",
    "LIKE '$%'": "{0} LIKE ? || '%'",
    "LIKE '%$%'": "{0} LIKE '%' || ? || '%'",
    "NOT LIKE '%$%'": "({0} IS NULL OR {0} NOT LIKE '%' || ? || '%')",
    "IS NULL": "{0} IS NULL",
    "IS NOT NULL": "{0} IS NOT NULL",
}
LISTS = {"email": "emails", "phone": "phones", "label_ids": "label_ids"}
LIVE: Condition = ("is_deleted = 0", ())


def list_filters(call: Call) -> Answer:
    kind = call.query.get("type")
    if kind is not None and kind not in TYPES:
        raise bad_request("type is invalid")
    wanted: list[Condition] = [LIVE] + ([("type = ?", (kind,))] if kind else [])
    found = call.account.records("filter").where(call.account.id, *wanted)
    return one([shown(call.account, body) for body in found])


def get_filter(call: Call) -> Answer:
    body = _found(call)
    with_codes = bool(v1.flag(call.query, "include_field_code"))
    return one(shown(call.account, body) | {"conditions": _conditions_shown(call.account, body, with_codes)})


def post_filter(call: Call) -> Answer:
    given = v1.object_body(call.body)
    name = v1.required_text(given, "name", "Name")
    if not isinstance(given.get("type"), str) or given["type"] not in ENTITIES:
        raise bad_request("Filter type must be given.")
    body = create(call.account, name, given["type"], given.get("conditions"))
    with_codes = bool(v1.flag(call.query, "include_field_code"))
    return one(shown(call.account, body) | {"conditions": _conditions_shown(call.account, body, with_codes)})


def put_filter(call: Call) -> Answer:
    before, given = _found(call), v1.object_body(call.body)
    after = before | {"update_time": call.account.now()}
    if "name" in given:
        after["name"] = v1.required_text(given, "name", "Name")
    if "conditions" in given:
        after |= _compiled(call.account, before["entity"], given["conditions"])
    call.account.records("filter").save(call.account.id, after)
    return one(shown(call.account, after) | {"conditions": _conditions_shown(call.account, after, False)})


def delete_filter(call: Call) -> Answer:
    before = _found(call)
    call.account.records("filter").save(call.account.id, before | {"is_deleted": True})
    return one({"id": before["id"]})


def helpers(call: Call) -> Answer:
    return one({"operators": sorted(OPERATORS), "relative_dates": {}, "deleted_date_intervals": {}})


def create(account: Account, name: str, kind: str, conditions: Any) -> Body:
    now = account.now()
    body: Body = {
        "id": account.records("filter").new_id(account.id),
        "name": name,
        "type": kind,
        "entity": ENTITIES[kind],
        "user_id": account.user_id,
        "add_time": now,
        "update_time": now,
        "is_deleted": False,
        **_compiled(account, ENTITIES[kind], conditions),
    }
    account.records("filter").save(account.id, body)
    return body


def _compiled(account: Account, entity: str, conditions: Any) -> Body:
    """The conditions checked, and the SQL they mean."""
    if not isinstance(conditions, dict) or conditions.get("glue") != "and":
        raise bad_request("Conditions must be an object with glue 'and'.")
    groups = conditions.get("conditions")
    if not isinstance(groups, list) or len(groups) > 2:
        raise bad_request("Conditions must hold one AND and one OR group.")
    parts: list[str] = []
    values: list[Any] = []
    count = 0
    for group in groups:
        glue = group.get("glue") if isinstance(group, dict) else None
        items = group.get("conditions") if isinstance(group, dict) else None
        if glue not in ("and", "or") or not isinstance(items, list):
            raise bad_request("Each group must have a glue and conditions.")
        count += len(items)
        compiled = [_condition(account, entity, item) for item in items]
        if compiled:
            parts.append("(" + f" {glue.upper()} ".join(sql for sql, _ in compiled) + ")")
            values += [value for _, one_values in compiled for value in one_values]
    if count > MOST_CONDITIONS:
        raise bad_request(f"A filter cannot have more than {MOST_CONDITIONS} conditions.")
    return {"conditions": conditions, "sql": " AND ".join(parts) or "1", "sql_values": values}


def _condition(account: Account, entity: str, item: Any) -> tuple[str, list[Any]]:
    if not isinstance(item, dict) or item.get("operator") not in OPERATORS:
        raise bad_request(f"Operator is not supported. Known: {', '.join(OPERATORS)}.")
    field = _field(account, entity, item.get("field_id"))
    operator, value = item["operator"], item.get("value")
    path, is_list = _path(field)
    column = f"json_extract(body, '{path}')"
    if is_list:
        return _list_condition(field, path, operator, value)
    if operator in ("IS NULL", "IS NOT NULL"):
        return OPERATORS[operator].format(column), []
    if value is None:
        raise bad_request("A condition needs a value.")
    return OPERATORS[operator].format(column), [_plain(field, value)]


def _path(field: Body) -> tuple[str, bool]:
    """Where records keep the field, and whether they keep a list there."""
    code, kind = field["field_code"], field["field_type"]
    if not field["is_custom_field"]:
        return f"$.{LISTS.get(code, code)}", code in LISTS
    inner = ".value" if kind in ("monetary", "address", "time", "timerange", "daterange") else ""
    return f"$.custom_fields.{code}{inner}", kind == "set"


def _list_condition(field: Body, path: str, operator: str, value: Any) -> tuple[str, list[Any]]:
    length = f"coalesce(json_array_length(body, '{path}'), 0)"
    if operator == "IS NULL":
        return f"{length} = 0", []
    if operator == "IS NOT NULL":
        return f"{length} > 0", []
    item = "value" if field["field_type"] == "set" else "json_extract(value, '$.value')"
    negated, plain = {"!=": ("NOT ", "="), "NOT LIKE '%$%'": ("NOT ", "LIKE '%$%'")}.get(
        operator, ("", operator)
    )
    compare = OPERATORS[plain].format(item)
    found = f"EXISTS (SELECT 1 FROM json_each(body, '{path}') WHERE {compare})"  # noqa: S608  our own field codes
    return negated + found, [_plain(field, value)]


def _plain(field: Body, value: Any) -> Any:
    """The value in the type in which records hold it."""
    numbers = (
        "int",
        "double",
        "enum",
        "user",
        "org",
        "people",
        "monetary",
        "stage",
        "visible_to",
        "set",
        "deal",
    )
    if field["field_type"] == "boolean":
        return bool(v1.flag({"value": value}, "value"))
    if field["field_type"] in numbers and isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            return value
    if not isinstance(value, str | int | float) or abs(_size(value)) > v1.LARGEST_NUMBER:
        raise bad_request("The value of a condition is a text or a number.")
    return value


def _size(value: str | float) -> float:
    return 0 if isinstance(value, str) else value


def _field(account: Account, entity: str, field_id: Any) -> Body:
    wanted = str(field_id)
    for field in field_set(account, "deal" if entity == "lead" else entity).all:
        if wanted in (str(field["id"]), field["field_code"]):
            return field
    raise bad_request(f"Field {wanted} does not exist.")


def _conditions_shown(account: Account, body: Body, with_codes: bool) -> Body:
    groups = []
    for group in body["conditions"]["conditions"]:
        items = []
        for item in group["conditions"]:
            field = _field(account, body["entity"], item.get("field_id"))
            row: Body = {
                "object": item.get("object") or body["entity"],
                "field_id": str(field["id"]),
                "operator": item["operator"],
                "value": None if item.get("value") is None else str(item["value"]),
                "extra_value": item.get("extra_value"),
                "json_value_flag": False,
            }
            items.append(row | ({"field_code": field["field_code"]} if with_codes else {}))
        groups.append({"glue": group["glue"], "conditions": items})
    return {"glue": "and", "conditions": groups}


def _found(call: Call) -> Body:
    body = call.account.live("filter", call.id())
    if body is None:
        raise not_found("Filter not found.")
    return body


def shown(account: Account, body: Body) -> Body:
    return {
        "id": body["id"],
        "name": body["name"],
        "filter_code": None,
        "is_editable": True,
        "active_flag": not body["is_deleted"],
        "type": body["type"],
        "temporary_flag": None,
        "user_id": body["user_id"],
        **v1.stamps(body),
        "visible_to": "7" if account.groups_visible() else "3",
        "last_used_time": None,
        "custom_view_id": None,
    }


READ_SCOPES = (
    "deals:read",
    "deals:full",
    "activities:read",
    "activities:full",
    "contacts:read",
    "contacts:full",
)
WRITE_SCOPES = ("deals:full", "activities:full", "contacts:full")
ROUTES = (
    Route("v1", "GET", "/filters", 20, READ_SCOPES, list_filters),
    Route("v1", "POST", "/filters", 10, WRITE_SCOPES, post_filter, takes_body=True),
    Route("v1", "GET", "/filters/helpers", 20, READ_SCOPES, helpers),
    Route("v1", "GET", "/filters/{id}", 2, READ_SCOPES, get_filter),
    Route("v1", "PUT", "/filters/{id}", 10, WRITE_SCOPES, put_filter, takes_body=True),
    Route("v1", "DELETE", "/filters/{id}", 6, WRITE_SCOPES, delete_filter),
)
