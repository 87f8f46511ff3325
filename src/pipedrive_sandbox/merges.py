"""Merging two persons, organizations or deals in API v1.

The record in the URL disappears; the one named by `merge_with_id` survives, wins conflicts, and has its empty fields
filled. What hung on the vanished record hangs on the survivor afterwards.
"""

from collections.abc import Callable

from pipedrive_sandbox import deals, organizations, persons, v1, v1_shapes
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.activities import participants
from pipedrive_sandbox.answers import Answer, Body, bad_request, not_found, one
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.records import SHIFT
from pipedrive_sandbox.state import Actor

LINKED: dict[str, dict[str, str]] = {
    "person": {"deal": "person_id", "note": "person_id", "lead": "person_id"},
    "organization": {
        "person": "org_id",
        "deal": "org_id",
        "activity": "org_id",
        "note": "org_id",
        "lead": "organization_id",
    },
    "deal": {"activity": "deal_id", "note": "deal_id"},
}
STORE: dict[str, Callable[..., Body]] = {
    "person": persons.store_change,
    "organization": organizations.store_change,
    "deal": deals.store_change,
}
DELETE: dict[str, Callable[..., None]] = {
    "person": persons.delete,
    "organization": organizations.delete,
    "deal": deals.delete,
}
UNTOUCHED = (
    "id",
    "add_time",
    "update_time",
    "is_deleted",
    "custom_fields",
    "emails",
    "phones",
    "im",
    "label_ids",
    *("first_name", "last_name"),  # they go with the name, which is never empty
    *(
        "won_time",
        "lost_time",
        "close_time",
        "first_won_time",
        "lost_reason",
        "archive_time",
    ),  # with the status
)


def merge(account: Account, kind: str, vanishing: int, surviving: int, actor: Actor) -> Body:
    account.require("merge", "You do not have permissions to merge")
    gone, kept = account.live(kind, vanishing), account.live(kind, surviving)
    if gone is None or kept is None:
        raise not_found(f"{kind.capitalize()} not found.")
    if vanishing == surviving:
        raise bad_request(f"Cannot merge {'an' if kind == 'organization' else 'a'} {kind} with itself.")
    after = filled(kept, gone)
    _move_links(account, kind, vanishing, surviving, actor)
    if kind == "person":
        _move_participants(account, vanishing, surviving, actor)
    _move_followers(account, kind, vanishing, surviving)
    _as_admin(account, lambda admin: DELETE[kind](admin, vanishing, actor, {"merged_to_id": str(surviving)}))
    return STORE[kind](account, kept, after, actor, {"merged_from_id": str(vanishing)})


def filled(kept: Body, gone: Body) -> Body:
    """The survivor with its gaps filled from the other one."""
    after = dict(kept)
    for key, value in gone.items():
        if key not in UNTOUCHED and after.get(key) in (None, "", []):
            after[key] = value
    after["custom_fields"] = gone["custom_fields"] | kept["custom_fields"]
    for key in ("emails", "phones", "im"):
        if key in kept:
            known = {item["value"].casefold() for item in kept[key]}
            new = [item | {"primary": False} for item in gone[key] if item["value"].casefold() not in known]
            after[key] = kept[key] + new
            if after[key] and not any(item["primary"] for item in after[key]):
                after[key][0] = after[key][0] | {"primary": True}
    after["label_ids"] = kept["label_ids"] or gone["label_ids"]
    return after


def _as_admin(account: Account, deed: Callable[[Account], None]) -> None:
    """A merge needs no right to delete."""
    deed(Account(account.state, account.company, account.user | {"is_admin": True}))


def _move_links(account: Account, kind: str, vanishing: int, surviving: int, actor: Actor) -> None:
    for linked, key in LINKED[kind].items():
        records = account.records(linked)
        for body in records.where(account.id, (f"{key} = ?", (vanishing,)), ("is_deleted = 0", ())):
            _save_moved(account, linked, body, body | {key: surviving, "update_time": account.now()}, actor)


def _move_participants(account: Account, vanishing: int, surviving: int, actor: Actor) -> None:
    mentioned = (
        "EXISTS (SELECT 1 FROM json_each(body, '$.participants') WHERE json_extract(value, '$.person_id') = ?)",
        (vanishing,),
    )
    for body in account.records("activity").where(account.id, mentioned, ("is_deleted = 0", ())):
        people = [
            item | {"person_id": surviving if item["person_id"] == vanishing else item["person_id"]}
            for item in body["participants"]
        ]
        moved = participants(people)
        primary = next((item["person_id"] for item in moved if item["primary"]), None)
        after = body | {"participants": moved, "person_id": primary, "update_time": account.now()}
        _save_moved(account, "activity", body, after, actor)


def _save_moved(account: Account, kind: str, before: Body, after: Body, actor: Actor) -> None:
    if account.state.switches["webhook_merge_touches_links"]:
        account.save(kind, before, after, actor)
    else:
        account.records(kind).save(account.id, after)


def _move_followers(account: Account, kind: str, vanishing: int, surviving: int) -> None:
    account.state.database.execute(
        "UPDATE OR IGNORE follower SET key = ? WHERE kind = ? AND key = ?",
        (account.id * SHIFT + surviving, kind, account.id * SHIFT + vanishing),
    )


def _partner(call: Call) -> int:
    number = v1.integer(v1.object_body(call.body), "merge_with_id")
    if number is None:
        raise bad_request("merge_with_id must be given.")
    return number


def merge_persons(call: Call) -> Answer:
    survivor = merge(call.account, "person", call.id(), _partner(call), call.actor)
    return one(v1_shapes.person(call.account, survivor) | {"merge_what_id": call.id()})


def merge_organizations(call: Call) -> Answer:
    survivor = merge(call.account, "organization", call.id(), _partner(call), call.actor)
    return one({"id": survivor["id"]})


def merge_deals(call: Call) -> Answer:
    survivor = merge(call.account, "deal", call.id(), _partner(call), call.actor)
    return one(v1_shapes.deal(call.account, survivor) | {"merge_what_id": call.id()})


ROUTES = (
    Route("v1", "PUT", "/persons/{id}/merge", 40, ("contacts:full",), merge_persons, takes_body=True),
    Route(
        "v1", "PUT", "/organizations/{id}/merge", 40, ("contacts:full",), merge_organizations, takes_body=True
    ),
    Route("v1", "PUT", "/deals/{id}/merge", 40, ("deals:full",), merge_deals, takes_body=True),
)
