"""Activities in API v2. The person is set through `participants`; `person_id` only tells who is the primary one."""

from typing import Any

from pipedrive_sandbox import checks
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, Problems, one, page
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.checks import Shape, list_of, nullable, object_of, string
from pipedrive_sandbox.contacts import ADDRESS, AN_ID, enforce, reference_problems
from pipedrive_sandbox.fields import field_set
from pipedrive_sandbox.leads import lead_by_uuid
from pipedrive_sandbox.listing import Listing, Reader, listed
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor
from pipedrive_sandbox.values import address

LARGEST_NOTE = 100 * 1024
FALLBACK_TYPE = "call"
LIVE: Condition = ("is_deleted = 0", ())
OPTIONAL_ID = nullable(AN_ID)
CHANGE = Shape(
    {
        "subject": string(255),
        "type": string(64, minimum=1),
        "owner_id": AN_ID,
        "deal_id": OPTIONAL_ID,
        "lead_id": nullable(string(36)),
        "org_id": OPTIONAL_ID,
        "project_id": OPTIONAL_ID,
        "due_date": nullable(checks.a_date),
        "due_time": nullable(checks.a_time_of_day),
        "duration": nullable(checks.a_duration),
        "busy": checks.boolean,
        "done": checks.boolean,
        "location": nullable(ADDRESS),
        "participants": list_of(
            object_of({"person_id": AN_ID, "primary": checks.boolean}, required=("person_id",))
        ),
        "attendees": list_of(
            object_of(
                {
                    "email": string(255, minimum=1),
                    "name": nullable(string(255)),
                    "status": nullable(string(64)),
                    "is_organizer": checks.boolean,
                    "person_id": OPTIONAL_ID,
                    "user_id": OPTIONAL_ID,
                },
                required=("email",),
            )
        ),
        "public_description": nullable(string()),
        "priority": OPTIONAL_ID,
        "note": nullable(string(LARGEST_NOTE)),
    }
)
LISTING = Listing(
    "activity",
    filters={
        "owner_id": "owner_id = ?",
        "deal_id": "deal_id = ?",
        "person_id": "person_id = ?",
        "org_id": "org_id = ?",
    },
    flags={"done": "done = ?"},
    texts={"lead_id": "lead_id = ?"},
    sorts=("id", "update_time", "add_time", "due_date"),
    includes=("attendees",),
    record_parameters=("include_fields",),
)


def list_activities(call: Call) -> Answer:
    bodies, cursor, view = listed(call, LISTING, [LIVE])
    return page([shown(body, view.includes) for body in bodies], cursor)


def get_activity(call: Call) -> Answer:
    reader = Reader(call.query)
    reader.allow({"include_fields"})
    includes = tuple(reader.names("include_fields", LISTING.includes))
    reader.done()
    return one(shown(call.account.readable("activity", call.id()), includes))


def post_activity(call: Call) -> Answer:
    call.no_query()
    return one(shown(create(call.account, CHANGE.enforce(call.body), call.actor)))


def patch_activity(call: Call) -> Answer:
    call.no_query()
    number = call.id()
    return one(shown(change(call.account, number, CHANGE.enforce(call.body), call.actor)))


def delete_activity(call: Call) -> Answer:
    call.no_query()
    delete(call.account, call.id(), call.actor)
    return one({"id": call.id()})


def create(account: Account, given: Body, actor: Actor) -> Body:
    enforce(_problems(account, given))
    activity = new_activity(account, account.records("activity").new_id(account.id), given)
    account.save("activity", None, activity, actor)
    return activity


def new_activity(account: Account, number: int, given: Body) -> Body:
    now = account.now()
    kind = given.get("type", FALLBACK_TYPE)
    activity: Body = {
        "id": number,
        "subject": given.get("subject") or _type_name(account, kind),
        "type": kind,
        "owner_id": given.get("owner_id", account.user_id),
        "creator_user_id": account.user_id,
        "is_deleted": False,
        "add_time": now,
        "update_time": now,
        "deal_id": None,
        "lead_id": None,
        "person_id": None,
        "org_id": None,
        "project_id": None,
        "due_date": None,
        "due_time": None,
        "duration": None,
        "busy": False,
        "done": False,
        "marked_as_done_time": None,
        "location": None,
        "participants": [],
        "attendees": [],
        "conference_meeting_client": None,
        "conference_meeting_url": None,
        "conference_meeting_id": None,
        "public_description": None,
        "priority": None,
        "outcome": None,
        "note": None,
    }
    return laid_over(account, activity, given)


def change(account: Account, number: int, given: Body, actor: Actor) -> Body:
    before = account.writable("activity", number)
    enforce(_problems(account, given))
    after = laid_over(account, dict(before), given)
    if "subject" in given:
        after["subject"] = given["subject"] or _type_name(account, after["type"])
    if account.tells_nothing(before, after):
        return before
    after["update_time"] = account.now()
    account.save("activity", before, after, actor)
    return after


def delete(account: Account, number: int, actor: Actor) -> None:
    before = account.writable("activity", number)
    account.save("activity", before, before | {"is_deleted": True, "update_time": account.now()}, actor)


PLAIN_KEYS = (
    "type",
    "owner_id",
    "deal_id",
    "lead_id",
    "org_id",
    "due_date",
    "busy",
    "attendees",
    "public_description",
    "priority",
    "note",
)


def laid_over(account: Account, activity: Body, given: Body) -> Body:
    """The activity with what was given; times of day come back with seconds."""
    activity |= {key: given[key] for key in PLAIN_KEYS if key in given}
    for key in ("due_time", "duration"):
        if key in given:
            activity[key] = _with_seconds(given[key])
    if "location" in given:
        activity["location"] = given["location"] and address(given["location"])
    if "participants" in given:
        activity["participants"] = participants(given["participants"])
        primary = next((one["person_id"] for one in activity["participants"] if one["primary"]), None)
        activity["person_id"] = primary
    if "done" in given and given["done"] != activity["done"]:
        activity["done"] = given["done"]
        activity["marked_as_done_time"] = account.now() if given["done"] else None
    return activity


def participants(given: list[Body]) -> list[Body]:
    """Each person once, exactly one of them primary."""
    marked = [item["person_id"] for item in given if item.get("primary")]
    people = list(dict.fromkeys(item["person_id"] for item in given))
    primary = marked[-1] if marked else (people[0] if people else None)
    return [{"person_id": person, "primary": person == primary} for person in people]


def _with_seconds(text: str | None) -> str | None:
    if not text:
        return None
    return text if text.count(":") == 2 else f"{text}:00"


def _type_name(account: Account, key: str) -> str:
    for kind in account.records("activity_type").where(account.id, LIVE):
        if kind["key_string"] == key:
            return str(kind["name"])
    return "Call"


def _problems(account: Account, given: Body) -> Problems:
    problems = reference_problems(account, given)
    for key, kind in (("deal_id", "deal"), ("project_id", "project")):
        number = given.get(key)
        if number is not None and (kind == "project" or not account.exists(kind, number)):
            problems.append((key, f"The {kind} '{number}' does not exist or is not accessible"))
    for item in given.get("participants", []):
        if not account.exists("person", item["person_id"]):
            problems.append(("participants", f"The person '{item['person_id']}' does not exist"))
    if given.get("lead_id") is not None and lead_by_uuid(account, given["lead_id"]) is None:
        problems.append(("lead_id", f"The lead '{given['lead_id']}' does not exist"))
    if "type" in given and not _is_type(account, given["type"]):
        problems.append(("type", f"The activity type '{given['type']}' does not exist"))
    priority = given.get("priority")
    if priority is not None and priority not in field_set(account, "activity").option_ids("priority"):
        problems.append(("priority", f"Option '{priority}' does not exist"))
    return problems


def _is_type(account: Account, key: str) -> bool:
    return any(kind["key_string"] == key for kind in account.records("activity_type").where(account.id, LIVE))


def shown(body: Body, includes: tuple[str, ...] = ()) -> Body:
    """An activity as API v2 answers it."""
    return {key: value for key, value in body.items() if key != "attendees" or key in includes}


def in_webhook(account: Account, body: Body) -> Body:
    """An activity as a webhook shows it: other names for its flags, objects for its times."""
    zone = account.state.records["user"].get(account.id, body["owner_id"])
    answer: dict[str, Any] = {
        key: value for key, value in body.items() if key not in ("is_deleted", "busy", "due_time", "duration")
    }
    answer["active_flag"] = not body["is_deleted"]
    answer["busy_flag"] = body["busy"]
    timezone = None if zone is None else zone["timezone_name"]
    answer["due_time"] = body["due_time"] and {"value": body["due_time"], "timezone_id": timezone}
    answer["duration"] = body["duration"] and {"value": body["duration"], "timezone_id": None}
    return answer


READ_SCOPES = ("activities:read", "activities:full")
WRITE_SCOPES = ("activities:full",)
ROUTES = (
    Route("v2", "GET", "/activities", 10, READ_SCOPES, list_activities),
    Route("v2", "POST", "/activities", 5, WRITE_SCOPES, post_activity, takes_body=True),
    Route("v2", "GET", "/activities/{id}", 1, READ_SCOPES, get_activity),
    Route("v2", "PATCH", "/activities/{id}", 5, WRITE_SCOPES, patch_activity, takes_body=True),
    Route("v2", "DELETE", "/activities/{id}", 3, WRITE_SCOPES, delete_activity),
)
