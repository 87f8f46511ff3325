"""The body of a webhook, version 2: `meta`, `data`, `previous`.

A create has no `previous`, a delete no `data`; a change has in `previous` only what differs. `data` is not what the
REST API answers: names and types differ by entity.
"""

import uuid
from collections.abc import Callable

from pipedrive_sandbox import activities, deals, leads, notes, organizations, persons, pipelines, users
from pipedrive_sandbox.account import Account, sees
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import rfc3339_milliseconds
from pipedrive_sandbox.state import Event

SHAPERS: dict[str, Callable[[Account, Body], Body]] = {
    "person": persons.in_webhook,
    "organization": organizations.in_webhook,
    "deal": deals.in_webhook,
    "activity": activities.in_webhook,
    "note": notes.in_webhook,
    "lead": leads.in_webhook,
    "pipeline": pipelines.pipeline_in_webhook,
    "stage": pipelines.stage_in_webhook,
    "user": users.in_webhook,
}


def content(account: Account, event: Event) -> Body:
    """`data` and `previous`, the same for every subscription."""
    shape = SHAPERS.get(event.entity, as_it_is)
    before = None if event.before is None else shape(account, event.before)
    after = None if event.after is None else shape(account, event.after)
    if event.action == "delete":
        return {"data": None, "previous": before}
    return {"data": after, "previous": None if before is None else differences(before, after or {})}


def as_it_is(account: Account, body: Body) -> Body:
    return body


def differences(before: Body, after: Body) -> Body:
    """The old values of the keys whose value changed; custom fields one level down."""
    changed = {
        key: value for key, value in before.items() if key != "custom_fields" and after.get(key) != value
    }
    old, new = before.get("custom_fields"), after.get("custom_fields")
    if isinstance(old, dict) and isinstance(new, dict):
        custom = {code: value for code, value in old.items() if new.get(code) != value}
        if custom:
            changed["custom_fields"] = custom
    return changed


def permitted(account: Account, event: Event) -> list[int]:
    """The users who may see the record, whoever changed it."""
    body = event.after if event.after is not None else event.before
    grouped = account.groups_visible()
    everybody = account.users()
    return [user["id"] for user in everybody if sees(user, everybody, body or {}, grouped)]


def meta(account: Account, event: Event, webhook: Body, correlation_id: str, allowed: list[int]) -> Body:
    moment = account.state.clock.now()
    iso = account.state.switches["webhook_timestamp"] == "iso"
    found = {
        "action": event.action,
        "entity": event.entity,
        "entity_id": str(event.record_id),
        "company_id": str(account.id),
        "user_id": str(event.actor.user_id),
        "webhook_id": str(webhook["id"]),
        "webhook_owner_id": str(webhook["owner_id"]),
        "id": str(uuid.uuid4()),
        "correlation_id": correlation_id,
        "timestamp": rfc3339_milliseconds(moment) if iso else str(int(moment)),
        "type": webhook["type"],
        "version": "2.0",
        "is_bulk_edit": event.actor.is_bulk,
        "change_source": event.actor.source,
        "attempt": 1,
        "host": f"{account.company['domain']}.pipedrive.com",
        **event.meta,
    }
    if event.entity != "user":
        found["permitted_user_ids"] = [str(user_id) for user_id in allowed]
    return found
