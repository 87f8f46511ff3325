"""Organizations in API v2. Names are not unique; an address needs only its `value`."""

from pipedrive_sandbox import checks, search_index
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, Problems, one, page
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.checks import Shape, list_of, nullable, string
from pipedrive_sandbox.computed import OF_ORGANIZATIONS, computed
from pipedrive_sandbox.contacts import (
    ADDRESS,
    AN_ID,
    custom_in_webhook,
    custom_view,
    enforce,
    label_objects,
    label_problems,
    merged_custom_fields,
    reference_problems,
    system_view,
)
from pipedrive_sandbox.fields import custom_values, field_set, missing_required
from pipedrive_sandbox.listing import RECORD_PARAMETERS, Listing, Reader, View, listed, view_of
from pipedrive_sandbox.persons import LIVE, READ_SCOPES, WRITE_SCOPES
from pipedrive_sandbox.state import Actor
from pipedrive_sandbox.values import address

COUNT = nullable(checks.integer(0))
CHANGE = Shape(
    {
        "name": string(255, minimum=1),
        "owner_id": AN_ID,
        "visible_to": checks.integer(),
        "label_ids": list_of(AN_ID),
        "address": nullable(ADDRESS),
        "website": nullable(string(255)),
        "linkedin": nullable(string(255)),
        "industry": nullable(AN_ID),
        "annual_revenue": COUNT,
        "employee_count": COUNT,
        "custom_fields": checks.any_object,
    }
)
CREATE = Shape({**CHANGE.keys, "add_time": checks.a_moment}, required=("name",))
LISTING = Listing("organization", filters={"owner_id": "owner_id = ?"}, includes=OF_ORGANIZATIONS)
PLAIN_KEYS = (
    "owner_id",
    "visible_to",
    "label_ids",
    "website",
    "linkedin",
    "industry",
    "annual_revenue",
    "employee_count",
)


def list_organizations(call: Call) -> Answer:
    account = call.account
    bodies, cursor, view = listed(call, LISTING, [LIVE, *account.visibility()])
    return page([shown(account, body, view) for body in bodies], cursor)


def get_organization(call: Call) -> Answer:
    reader = Reader(call.query)
    reader.allow(set(RECORD_PARAMETERS))
    view = view_of(reader, OF_ORGANIZATIONS)
    reader.done()
    return one(shown(call.account, call.account.readable("organization", call.id()), view))


def post_organization(call: Call) -> Answer:
    call.no_query()
    return one(shown(call.account, create(call.account, CREATE.enforce(call.body), call.actor)))


def patch_organization(call: Call) -> Answer:
    call.no_query()
    number = call.id()
    return one(shown(call.account, change(call.account, number, CHANGE.enforce(call.body), call.actor)))


def delete_organization(call: Call) -> Answer:
    call.no_query()
    delete(call.account, call.id(), call.actor)
    return one({"id": call.id()})


def create(account: Account, given: Body, actor: Actor) -> Body:
    enforce(_problems(account, given))
    custom = custom_values(account, "organization", given.get("custom_fields", {}))
    organization = new_organization(account, account.records("organization").new_id(account.id), given)
    organization["custom_fields"] = merged_custom_fields({}, custom)
    enforce(missing_required(account, "organization", organization))
    account.save("organization", None, organization, actor)
    search_index.note(account, "organization", organization)
    return organization


def new_organization(account: Account, number: int, given: Body) -> Body:
    now = account.now()
    return {
        "id": number,
        "name": given["name"].strip(),
        "owner_id": given.get("owner_id", account.user_id),
        "add_time": given.get("add_time", now),
        "update_time": now,
        "is_deleted": False,
        "visible_to": given.get("visible_to", account.user["default_visibility"]),
        "address": given.get("address") and address(given["address"]),
        "label_ids": given.get("label_ids", []),
        "website": given.get("website"),
        "linkedin": given.get("linkedin"),
        "industry": given.get("industry"),
        "annual_revenue": given.get("annual_revenue"),
        "employee_count": given.get("employee_count"),
        "picture_id": None,
        "custom_fields": {},
    }


def change(
    account: Account, number: int, given: Body, actor: Actor, meta: dict[str, str] | None = None
) -> Body:
    before = account.writable("organization", number)
    enforce(_problems(account, given))
    custom = custom_values(account, "organization", given.get("custom_fields", {}))
    after = before | {key: given[key] for key in PLAIN_KEYS if key in given}
    if "name" in given:
        after["name"] = given["name"].strip()
    if "address" in given:
        after["address"] = given["address"] and address(given["address"])
    after["custom_fields"] = merged_custom_fields(before["custom_fields"], custom)
    enforce(missing_required(account, "organization", after))
    return store_change(account, before, after, actor, meta)


def store_change(
    account: Account, before: Body, after: Body, actor: Actor, meta: dict[str, str] | None = None
) -> Body:
    if account.tells_nothing(before, after, meta):
        return before
    after["update_time"] = account.now()
    account.save("organization", before, after, actor, meta)
    search_index.note(account, "organization", after)
    return after


def delete(account: Account, number: int, actor: Actor, meta: dict[str, str] | None = None) -> None:
    before = account.writable("organization", number)
    account.require("delete_records", "You do not have permissions to delete organizations")
    after = before | {"is_deleted": True, "update_time": account.now()}
    account.save("organization", before, after, actor, meta)
    search_index.note_deleted(account, "organization", number)


def _problems(account: Account, given: Body) -> Problems:
    problems = reference_problems(account, given) + label_problems(account, "organization", given)
    industry = given.get("industry")
    if industry is not None and industry not in field_set(account, "organization").option_ids("industry"):
        problems.append(("industry", f"Option '{industry}' does not exist"))
    return problems


PLAIN = View()
SHOWN_KEYS = (
    "id",
    "name",
    "owner_id",
    "add_time",
    "update_time",
    "is_deleted",
    "visible_to",
    "address",
    "label_ids",
    "website",
    "linkedin",
    "industry",
    "annual_revenue",
    "employee_count",
    "picture_id",
)


def shown(account: Account, body: Body, view: View = PLAIN) -> Body:
    """An organization as API v2 answers it."""
    plain = {key: body[key] for key in SHOWN_KEYS if key != "picture_id"}
    answer = system_view(account, "organization", plain)
    answer["custom_fields"] = custom_view(account, "organization", body, view)
    if view.labels:
        answer["labels"] = label_objects(account, "organization", body["label_ids"])
    return answer | computed(account, "organization", body, view.includes)


def in_webhook(account: Account, body: Body) -> Body:
    answer = shown(account, body)
    answer["visible_to"] = str(body["visible_to"])
    answer["label"] = body["label_ids"][0] if body["label_ids"] else None
    answer["custom_fields"] = custom_in_webhook(account, "organization", body)
    return answer


ROUTES = (
    Route("v2", "GET", "/organizations", 10, READ_SCOPES, list_organizations),
    Route("v2", "POST", "/organizations", 5, WRITE_SCOPES, post_organization, takes_body=True),
    Route("v2", "GET", "/organizations/{id}", 1, READ_SCOPES, get_organization),
    Route("v2", "PATCH", "/organizations/{id}", 5, WRITE_SCOPES, patch_organization, takes_body=True),
    Route("v2", "DELETE", "/organizations/{id}", 3, WRITE_SCOPES, delete_organization),
)
