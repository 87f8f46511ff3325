"""Notes in API v1: HTML pinned to a deal, person, organization or lead. A deleted note can still be read."""

import re
from typing import Any

from pipedrive_sandbox import checks, v1
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, bad_request, forbidden, not_found, one
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.leads import lead_by_uuid
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor

LARGEST_CONTENT = 100 * 1024
LINKS = {"deal_id": "deal", "person_id": "person", "org_id": "organization"}
FOREIGN_LINKS = ("project_id", "task_id")
PINS = ("lead", "deal", "organization", "person", "project", "task")
SORTS = ("id", "user_id", "deal_id", "person_id", "org_id", "content", "add_time", "update_time")
UNSAFE = re.compile(
    r"<(script|style|iframe|object)\b.*?</\1\s*>|\son\w+\s*=\s*(\"[^\"]*\"|'[^']*'|\S+)", re.I | re.S
)
LIVE: Condition = ("is_deleted = 0", ())


def list_notes(call: Call) -> Answer:
    account, query = call.account, call.query
    start, limit = v1.window(query)
    conditions: list[Condition] = [LIVE]
    for key in ("user_id", *LINKS):
        if (number := v1.integer(query, key)) is not None:
            conditions.append((f"{key} = ?", (number,)))
    if "lead_id" in query:
        conditions.append(("lead_id = ?", (query["lead_id"],)))
    for key in FOREIGN_LINKS:
        if v1.integer(query, key) is not None:
            conditions.append(("0", ()))
    conditions += _times(query) + _pins(query)
    order = v1.sorted_by(query, SORTS)
    found = account.records("note").where(account.id, *conditions, limit=start + limit + 1, order=order)
    return v1.paginated([shown(account, body) for body in found[start:]], start, limit)


def _times(query: dict[str, str]) -> list[Condition]:
    conditions: list[Condition] = []
    for key, sql, hour in (
        ("start_date", "add_time >= ?", "T00:00:00Z"),
        ("end_date", "add_time <= ?", "T23:59:59Z"),
    ):
        if key in query:
            if checks.a_date(query[key]) is not None:
                raise bad_request(f"{key} is invalid")
            conditions.append((sql, (query[key] + hour,)))
    if (since := v1.moment(query, "updated_since")) is not None:
        conditions.append(("update_time >= ?", (since,)))
    return conditions


def _pins(query: dict[str, str]) -> list[Condition]:
    conditions: list[Condition] = []
    for pin in PINS:
        key = f"pinned_to_{pin}_flag"
        if (wanted := v1.flag(query, key)) is not None:
            conditions.append((f"json_extract(body, '$.{key}') = ?", (wanted,)))
    return conditions


def get_note(call: Call) -> Answer:
    return one(shown(call.account, _found(call)))


def post_note(call: Call) -> Answer:
    given = v1.object_body(call.body)
    return one(shown(call.account, create(call.account, given, call.actor)))


def put_note(call: Call) -> Answer:
    account, before, given = call.account, _found(call), v1.object_body(call.body)
    if before["is_deleted"]:
        raise not_found("Note not found.")
    after = before | _links(account, given) | _flags(given)
    if "content" in given:
        after["content"] = _content(given)
    after |= {"update_time": account.now(), "last_update_user_id": account.user_id}
    account.save("note", before, after, call.actor)
    return one(shown(account, after))


def delete_note(call: Call) -> Answer:
    before = _found(call)
    if before["is_deleted"]:
        raise not_found("Note not found.")
    call.account.save(
        "note", before, before | {"is_deleted": True, "update_time": call.account.now()}, call.actor
    )
    return one(True)


def create(account: Account, given: Body, actor: Actor) -> Body:
    content = _content(given)
    links = _links(account, given)
    if not any(value is not None for value in links.values()):
        raise bad_request("Note must be associated with a deal, lead, organization, person, project or task.")
    author = v1.integer(given, "user_id") or account.user_id
    if author != account.user_id and not account.is_admin:
        raise forbidden("Only an admin user can set the author of a note.")
    if not account.exists("user", author):
        raise bad_request("User not found.")
    now = account.now()
    note: Body = {
        "id": account.records("note").new_id(account.id),
        "user_id": author,
        "deal_id": None,
        "person_id": None,
        "org_id": None,
        "lead_id": None,
        **links,
        "content": content,
        "add_time": _add_time(given) or now,
        "update_time": now,
        "last_update_user_id": None,
        **{f"pinned_to_{pin}_flag": False for pin in PINS},
        **_flags(given),
        "is_deleted": False,
    }
    account.save("note", None, note, actor)
    return note


def _content(given: Body) -> str:
    content = given.get("content")
    if not isinstance(content, str) or not content:
        raise bad_request("Content must be given.")
    if len(content.encode()) > LARGEST_CONTENT:
        raise bad_request("Content is too long.")
    return UNSAFE.sub("", content)


def _links(account: Account, given: Body) -> Body:
    links: Body = {}
    for key, kind in LINKS.items():
        if key in given:
            number = links[key] = v1.integer(given, key)
            if number is not None and not account.exists(kind, number):
                raise bad_request(f"{kind.capitalize()} not found.")
    if "lead_id" in given:
        links["lead_id"] = given["lead_id"] or None
        if given["lead_id"] and lead_by_uuid(account, str(given["lead_id"])) is None:
            raise bad_request("Lead not found.")
    for key in FOREIGN_LINKS:
        if v1.integer(given, key) is not None:
            raise bad_request(f"{key.removesuffix('_id').capitalize()} not found.")
    return links


def _flags(given: Body) -> Body:
    names = [f"pinned_to_{pin}_flag" for pin in PINS]
    return {name: bool(v1.flag(given, name)) for name in names if name in given}


def _add_time(given: Body) -> str | None:
    text = given.get("add_time")
    if text is None:
        return None
    if checks.a_v1_moment(text) is not None:
        raise bad_request("add_time is invalid")
    return str(text).replace(" ", "T") + "Z"


def _found(call: Call) -> Body:
    body = call.account.records("note").get(call.account.id, call.id())
    if body is None:
        raise not_found("Note not found.")
    return body


def shown(account: Account, body: Body) -> Body:
    """A note as API v1 answers it, with the names of what it hangs on."""
    answer = {key: value for key, value in body.items() if key != "is_deleted"}
    author: Body = account.records("user").get(account.id, body["user_id"]) or {}
    names: dict[str, Any] = {}
    for key, kind in LINKS.items():
        linked = None if body[key] is None else account.records(kind).get(account.id, body[key])
        title = "title" if kind == "deal" else "name"
        names[kind] = None if linked is None else {title: linked[title]}
    return {
        **answer,
        **v1.stamps(body),
        "active_flag": not body["is_deleted"],
        **names,
        "project_id": None,
        "project": None,
        "task_id": None,
        "task": None,
        "user": {
            "email": author.get("email"),
            "name": author.get("name"),
            "icon_url": None,
            "is_you": body["user_id"] == account.user_id,
        },
    }


def in_webhook(account: Account, body: Body) -> Body:
    answer = {key: value for key, value in body.items() if key != "is_deleted"}
    return answer | {"active_flag": not body["is_deleted"]}


READ_SCOPES = ("deals:read", "deals:full", "contacts:read", "contacts:full")
WRITE_SCOPES = ("deals:full", "contacts:full")
ROUTES = (
    Route("v1", "GET", "/notes", 20, READ_SCOPES, list_notes),
    Route("v1", "POST", "/notes", 10, WRITE_SCOPES, post_note, takes_body=True),
    Route("v1", "GET", "/notes/{id}", 2, READ_SCOPES, get_note),
    Route("v1", "PUT", "/notes/{id}", 10, WRITE_SCOPES, put_note, takes_body=True),
    Route("v1", "DELETE", "/notes/{id}", 6, WRITE_SCOPES, delete_note),
)
