"""Persons in API v2: names, lists of e-mails and phones, the link to an organization.

Nothing about a person is unique. A PATCH of `emails` or `phones` replaces the whole list.
"""

import re

from pipedrive_sandbox import checks, search_index
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, Problems, bad_request, forbidden, invalid, one, page
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.checks import Shape, list_of, nullable, string
from pipedrive_sandbox.computed import OF_PERSONS, computed
from pipedrive_sandbox.contacts import (
    ADDRESS,
    AN_ID,
    LABELLED_VALUE,
    custom_in_webhook,
    custom_view,
    enforce,
    label_objects,
    label_problems,
    merged_custom_fields,
    reference_problems,
    system_view,
)
from pipedrive_sandbox.fields import custom_values, missing_required
from pipedrive_sandbox.listing import RECORD_PARAMETERS, Listing, Reader, View, listed, view_of
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor
from pipedrive_sandbox.values import address

CONTACT_SYNC_KEYS = ("postal_address", "notes", "im", "birthday", "job_title")
MARKETING_STATUSES = ("no_consent", "unsubscribed", "subscribed", "archived")
MOST_VALUES = 100
AN_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

CHANGE = Shape(
    {
        "name": string(255, minimum=1),
        "first_name": nullable(string(255)),
        "last_name": nullable(string(255)),
        "owner_id": AN_ID,
        "org_id": nullable(AN_ID),
        "emails": list_of(LABELLED_VALUE, MOST_VALUES),
        "phones": list_of(LABELLED_VALUE, MOST_VALUES),
        "visible_to": checks.integer(),
        "label_ids": list_of(AN_ID),
        "postal_address": nullable(ADDRESS),
        "notes": nullable(string(10_000)),
        "im": list_of(LABELLED_VALUE, MOST_VALUES),
        "birthday": nullable(checks.a_date),
        "job_title": nullable(string(255)),
        "marketing_status": checks.one_of(*MARKETING_STATUSES),
        "custom_fields": checks.any_object,
    }
)
CREATE = Shape({**CHANGE.keys, "add_time": checks.a_moment})
NAME_PARTS = {"first_name", "last_name"}
ONE_NAME_ONLY = "Cannot set 'name' and 'first_name'/'last_name' at the same time"

LISTING = Listing(
    "person",
    filters={
        "owner_id": "owner_id = ?",
        "org_id": "org_id = ?",
        "deal_id": "key % 68719476736 IN (SELECT person_id FROM deal WHERE deal.company = person.company"
        " AND deal.key % 68719476736 = ? AND deal.is_deleted = 0)",
    },
    includes=OF_PERSONS,
)
LIVE: Condition = ("is_deleted = 0", ())


def list_persons(call: Call) -> Answer:
    account = call.account
    bodies, cursor, view = listed(call, LISTING, [LIVE, *account.visibility()])
    return page([shown(account, body, view) for body in bodies], cursor)


def get_person(call: Call) -> Answer:
    reader = Reader(call.query)
    reader.allow(set(RECORD_PARAMETERS))
    view = view_of(reader, OF_PERSONS)
    reader.done()
    return one(shown(call.account, call.account.readable("person", call.id()), view))


def post_person(call: Call) -> Answer:
    call.no_query()
    given = CREATE.enforce(call.body)
    return one(written(call.account, create(call.account, given, call.actor)))


def patch_person(call: Call) -> Answer:
    call.no_query()
    person_id = call.id()
    given = CHANGE.enforce(call.body)
    return one(written(call.account, change(call.account, person_id, given, call.actor)))


def delete_person(call: Call) -> Answer:
    call.no_query()
    delete(call.account, call.id(), call.actor)
    return one({"id": call.id()})


def create(account: Account, given: Body, actor: Actor) -> Body:
    _check(account, given)
    custom = custom_values(account, "person", given.get("custom_fields", {}))
    names = _names(given, None)
    half = len(NAME_PARTS & given.keys()) == 1 and account.state.switches["half_names"] == "refuse"
    if names["name"] is None or half:
        raise bad_request("Name must be given.")
    person = new_person(account, account.records("person").new_id(account.id), names, given)
    person["custom_fields"] = merged_custom_fields({}, custom)
    enforce(missing_required(account, "person", person))
    account.save("person", None, person, actor)
    search_index.note(account, "person", person)
    return person


def new_person(account: Account, person_id: int, names: Body, given: Body) -> Body:
    now = account.now()
    person: Body = {
        "id": person_id,
        **names,
        "owner_id": given.get("owner_id", account.user_id),
        "org_id": given.get("org_id"),
        "add_time": given.get("add_time", now),
        "update_time": now,
        "emails": values_list(account, given.get("emails", []), is_email=True),
        "phones": values_list(account, given.get("phones", [])),
        "is_deleted": False,
        "visible_to": given.get("visible_to", account.user["default_visibility"]),
        "label_ids": given.get("label_ids", []),
        "picture_id": None,
        "marketing_status": "no_consent",
        "marketing_status_changed": False,
        "postal_address": given.get("postal_address") and address(given["postal_address"]),
        "notes": given.get("notes"),
        "im": values_list(account, given.get("im", [])),
        "birthday": given.get("birthday"),
        "job_title": given.get("job_title"),
        "custom_fields": {},
    }
    if has_valid_email(person):
        person["marketing_status"] = given.get("marketing_status", "no_consent")
    return person


def has_valid_email(person: Body) -> bool:
    return any(AN_ADDRESS.fullmatch(item["value"]) for item in person["emails"])


def change(
    account: Account, person_id: int, given: Body, actor: Actor, meta: dict[str, str] | None = None
) -> Body:
    before = account.writable("person", person_id)
    _check(account, given)
    custom = custom_values(account, "person", given.get("custom_fields", {}))
    after = before | _names(given, before)
    for key in ("owner_id", "org_id", "visible_to", "label_ids", "notes", "birthday", "job_title"):
        if key in given:
            after[key] = given[key]
    for key in ("emails", "phones", "im"):
        if key in given:
            after[key] = values_list(account, given[key], is_email=key == "emails")
    if "postal_address" in given:
        after["postal_address"] = given["postal_address"] and address(given["postal_address"])
    after |= _marketing(after, given)
    after["custom_fields"] = merged_custom_fields(before["custom_fields"], custom)
    enforce(missing_required(account, "person", after))
    return store_change(account, before, after, actor, meta)


def _marketing(person: Body, given: Body) -> Body:
    """One change in a person's life, and none without a valid address; Pipedrive keeps silent about other tries."""
    wanted = given.get("marketing_status", person["marketing_status"])
    is_change = wanted != person["marketing_status"]
    if not is_change or person.get("marketing_status_changed") or not has_valid_email(person):
        return {}
    return {"marketing_status": wanted, "marketing_status_changed": True}


def store_change(
    account: Account, before: Body, after: Body, actor: Actor, meta: dict[str, str] | None = None
) -> Body:
    if account.tells_nothing(before, after, meta):
        return before
    after["update_time"] = account.now()
    account.save("person", before, after, actor, meta)
    search_index.note(account, "person", after)
    return after


def delete(account: Account, person_id: int, actor: Actor, meta: dict[str, str] | None = None) -> None:
    before = account.writable("person", person_id)
    account.require("delete_records", "You do not have permissions to delete persons")
    after = before | {"is_deleted": True, "update_time": account.now()}
    account.save("person", before, after, actor, meta)
    search_index.note_deleted(account, "person", person_id)


def restore(account: Account, person_id: int, actor: Actor) -> Body:
    """What a user can do in the web pages for 30 days; no call of the API does it."""
    before = account.readable("person", person_id)
    if not before["is_deleted"]:
        raise bad_request("The person is not deleted.")
    after = before | {"is_deleted": False, "update_time": account.now()}
    account.records("person").save(account.id, after)
    told = account.state.switches["webhook_restore"]
    if told != "silent":
        account.emit("person", told, person_id, before if told == "change" else None, after, actor)
    search_index.forget_no_more(account, "person", person_id)
    search_index.note(account, "person", after)
    return after


def _check(account: Account, given: Body) -> None:
    names = NAME_PARTS & given.keys()
    if "name" in given and names:
        raise bad_request(ONE_NAME_ONLY)
    if not account.company["contact_sync"] and any(key in given for key in CONTACT_SYNC_KEYS):
        raise forbidden("Contact sync is not enabled for this company")
    if not account.company["campaigns"] and "marketing_status" in given:
        raise forbidden("Campaigns are not enabled for this company")
    problems: Problems = reference_problems(account, given) + label_problems(account, "person", given)
    if account.state.switches["two_primaries"] == "refuse":
        for key in ("emails", "phones"):
            if sum(bool(item.get("primary")) for item in given.get(key, [])) > 1:
                problems.append((key, "Only one primary value is allowed"))
    if problems:
        raise invalid(problems)


def _names(given: Body, before: Body | None) -> Body:
    """`name`, `first_name` and `last_name`, of which either the first or the others were given."""
    if "name" in given:
        first, _, last = given["name"].strip().partition(" ")
        return {"name": given["name"].strip(), "first_name": first, "last_name": last.strip() or None}
    if "first_name" not in given and "last_name" not in given:
        return {key: before[key] if before else None for key in ("name", "first_name", "last_name")}
    old = before or {"first_name": None, "last_name": None}
    first = given.get("first_name", old["first_name"]) or None
    last = given.get("last_name", old["last_name"]) or None
    name = " ".join(part for part in (first, last) if part)
    if not name:
        raise bad_request("Name must be given.")
    return {"name": name, "first_name": first, "last_name": last}


def values_list(account: Account, items: list[Body], *, is_email: bool = False) -> list[Body]:
    """The items as stored: label `work` when left out, exactly one primary."""
    lower = is_email and account.state.switches["lower_case_emails"]
    marked = [index for index, item in enumerate(items) if item.get("primary")]
    primary = marked[-1] if marked else 0
    return [
        {
            "value": item["value"].lower() if lower else item["value"],
            "primary": index == primary,
            "label": item.get("label", "work"),
        }
        for index, item in enumerate(items)
    ]


PLAIN = View()
SHOWN_KEYS = (
    "id",
    "name",
    "first_name",
    "last_name",
    "owner_id",
    "org_id",
    "add_time",
    "update_time",
    "emails",
    "phones",
    "is_deleted",
    "visible_to",
    "label_ids",
    "picture_id",
)


def shown(account: Account, body: Body, view: View = PLAIN) -> Body:
    """A person as API v2 answers it."""
    answer = system_view(account, "person", {key: body[key] for key in SHOWN_KEYS})
    if account.company["contact_sync"]:
        answer |= {key: body[key] for key in CONTACT_SYNC_KEYS}
    answer["custom_fields"] = custom_view(account, "person", body, view)
    if view.labels:
        answer["labels"] = label_objects(account, "person", body["label_ids"])
    if view.includes:
        allowed = [
            name for name in view.includes if account.company["campaigns"] or name not in CAMPAIGN_KEYS
        ]
        answer |= computed(account, "person", body, tuple(allowed))
    return answer


CAMPAIGN_KEYS = ("marketing_status", "doi_status")


def written(account: Account, body: Body) -> Body:
    """A person as the answer to a write shows it: with Campaigns the marketing status comes unasked."""
    answer = shown(account, body)
    if account.company["campaigns"]:
        answer["marketing_status"] = body["marketing_status"]
    return answer


def in_webhook(account: Account, body: Body) -> Body:
    """A person as a webhook shows it: `visible_to` is text, `label` stands beside `label_ids`."""
    answer = shown(account, body)
    answer["visible_to"] = str(body["visible_to"])
    answer["label"] = body["label_ids"][0] if body["label_ids"] else None
    answer["custom_fields"] = custom_in_webhook(account, "person", body)
    return answer


READ_SCOPES = ("contacts:read", "contacts:full")
WRITE_SCOPES = ("contacts:full",)
ROUTES = (
    Route("v2", "GET", "/persons", 10, READ_SCOPES, list_persons),
    Route("v2", "POST", "/persons", 5, WRITE_SCOPES, post_person, takes_body=True),
    Route("v2", "GET", "/persons/{id}", 1, READ_SCOPES, get_person),
    Route("v2", "PATCH", "/persons/{id}", 5, WRITE_SCOPES, patch_person, takes_body=True),
    Route("v2", "DELETE", "/persons/{id}", 3, WRITE_SCOPES, delete_person),
)
