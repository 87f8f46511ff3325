"""Deals in API v2: their place in a pipeline, their status with its moments, and the archive.

The stage decides the pipeline. An archived deal is out of lists and search and can be edited only by the call that
brings it back. A deal deleted in the last 30 days shows up when the list is asked for `status=deleted`.
"""

from typing import Any

from pipedrive_sandbox import checks, search_index
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import (
    Answer,
    ApiError,
    Body,
    Problems,
    bad_request,
    invalid,
    one,
    over_a_limit,
    page,
)
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.checks import Shape, list_of, nullable, string
from pipedrive_sandbox.clock import rfc3339
from pipedrive_sandbox.computed import OF_DEALS, computed
from pipedrive_sandbox.contacts import (
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
from pipedrive_sandbox.currencies import CURRENCIES
from pipedrive_sandbox.fields import custom_values, missing_required
from pipedrive_sandbox.listing import RECORD_PARAMETERS, Listing, Reader, View, listed, view_of
from pipedrive_sandbox.pipelines import pipelines, stages_of
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor

STATUSES = ("open", "won", "lost")
DELETED_FOR_DAYS = 30
NEVER = "0000-00-00"


def a_close_date(value: Any) -> str | None:
    """Null is refused but an empty text is taken: so does the live API."""
    return None if value == "" else checks.a_date(value)


CHANGE = Shape(
    {
        "title": string(255, minimum=1),
        "owner_id": AN_ID,
        "person_id": nullable(AN_ID),
        "org_id": nullable(AN_ID),
        "pipeline_id": AN_ID,
        "stage_id": AN_ID,
        "value": checks.number,
        "currency": checks.one_of(*CURRENCIES),
        "is_archived": checks.boolean,
        "archive_time": checks.a_v1_moment,
        "status": checks.one_of(*STATUSES),
        "probability": nullable(checks.number_between(0, 100)),
        "lost_reason": nullable(string(150)),
        "visible_to": checks.integer(),
        "close_time": nullable(checks.a_moment),
        "won_time": checks.a_moment,
        "lost_time": checks.a_moment,
        "expected_close_date": a_close_date,
        "label_ids": list_of(AN_ID),
        "custom_fields": checks.any_object,
    }
)
CREATE = Shape(CHANGE.keys, required=("title",))
FILTERS = {
    "owner_id": "owner_id = ?",
    "person_id": "person_id = ?",
    "org_id": "org_id = ?",
    "pipeline_id": "pipeline_id = ?",
    "stage_id": "stage_id = ?",
}
LISTING = Listing("deal", filters=FILTERS, includes=OF_DEALS, others=("status",))
ARCHIVED_LISTING = Listing(
    "deal",
    filters=FILTERS,
    includes=OF_DEALS,
    others=("status",),
    record_parameters=("include_fields", "custom_fields"),
)
ARCHIVED: Condition = ("is_archived = 1", ())
NOT_ARCHIVED: Condition = ("is_archived = 0", ())


def list_deals(call: Call) -> Answer:
    return _list(call, LISTING, NOT_ARCHIVED)


def list_archived_deals(call: Call) -> Answer:
    return _list(call, ARCHIVED_LISTING, ARCHIVED)


def _list(call: Call, listing: Listing, archive: Condition) -> Answer:
    account = call.account
    always = [archive, *account.visibility()]
    status = _status_condition(call)
    if "filter_id" in call.query:
        status = ("is_deleted = 0", ())
    bodies, cursor, view = listed(call, listing, [*always, status])
    return page([shown(account, body, view) for body in bodies], cursor)


def _status_condition(call: Call) -> Condition:
    reader = Reader(call.query)
    wanted = reader.names("status", (*STATUSES, "deleted"))
    reader.done()
    if not wanted:
        return "is_deleted = 0", ()
    marks = ", ".join("?" * len(wanted))
    oldest = rfc3339(call.account.state.clock.now() - DELETED_FOR_DAYS * 86_400)
    live = f"is_deleted = 0 AND status IN ({marks})"
    if "deleted" not in wanted:
        return live, tuple(wanted)
    return f"({live} OR is_deleted = 1 AND update_time >= ?)", (*wanted, oldest)


def get_deal(call: Call) -> Answer:
    reader = Reader(call.query)
    reader.allow(set(RECORD_PARAMETERS))
    view = view_of(reader, OF_DEALS)
    reader.done()
    return one(shown(call.account, call.account.readable("deal", call.id()), view))


def post_deal(call: Call) -> Answer:
    call.no_query()
    return one(shown(call.account, create(call.account, _given(call, CREATE), call.actor)))


def patch_deal(call: Call) -> Answer:
    call.no_query()
    number = call.id()
    return one(shown(call.account, change(call.account, number, _given(call, CHANGE), call.actor)))


def delete_deal(call: Call) -> Answer:
    call.no_query()
    delete(call.account, call.id(), call.actor)
    return one({"id": call.id()})


def _given(call: Call, shape: Shape) -> Body:
    body = call.body
    if (
        isinstance(body, dict)
        and "is_deleted" in body
        and call.account.state.switches["deal_is_deleted"] == "ignore"
    ):
        body = {key: value for key, value in body.items() if key != "is_deleted"}
    return shape.enforce(body)


def create(account: Account, given: Body, actor: Actor) -> Body:
    _refuse_over_limit(account)
    enforce(_problems(account, given))
    custom = custom_values(account, "deal", given.get("custom_fields", {}))
    deal = new_deal(account, account.records("deal").new_id(account.id), given, place(account, given, None))
    deal["origin"] = "API" if actor.source == "api" else "ManuallyCreated"
    deal["custom_fields"] = merged_custom_fields({}, custom)
    _check_close_details(given, deal["status"])
    _apply_status(account, deal, given, "open")
    _apply_archive(account, deal, given)
    enforce(missing_required(account, "deal", deal))
    account.save("deal", None, deal, actor)
    search_index.note(account, "deal", deal)
    return deal


def new_deal(account: Account, number: int, given: Body, where: Body) -> Body:
    now = account.now()
    return {
        "id": number,
        "title": given["title"].strip(),
        "creator_user_id": account.user_id,
        "owner_id": given.get("owner_id", account.user_id),
        "person_id": given.get("person_id"),
        "org_id": given.get("org_id"),
        **where,
        "value": given.get("value", 0),
        "currency": given.get("currency", account.user["default_currency"]),
        "status": given.get("status", "open"),
        "probability": given.get("probability"),
        "lost_reason": given.get("lost_reason"),
        "visible_to": given.get("visible_to", account.user["default_visibility"]),
        "add_time": now,
        "update_time": now,
        "stage_change_time": now,
        "close_time": None,
        "won_time": None,
        "lost_time": None,
        "first_won_time": None,
        "expected_close_date": (given["expected_close_date"] or NEVER)
        if "expected_close_date" in given
        else None,
        "is_archived": False,
        "archive_time": None,
        "is_deleted": False,
        "label_ids": given.get("label_ids", []),
        "origin": "API",
        "origin_id": None,
        "channel": None,
        "channel_id": None,
        "source_lead_id": None,
        "custom_fields": {},
    }


PLAIN_KEYS = (
    "owner_id",
    "person_id",
    "org_id",
    "value",
    "currency",
    "status",
    "probability",
    "lost_reason",
    "visible_to",
    "label_ids",
)


def change(
    account: Account, number: int, given: Body, actor: Actor, meta: dict[str, str] | None = None
) -> Body:
    before = account.writable("deal", number)
    if before["is_archived"] and given.get("is_archived") is not False:
        raise ApiError(403, {"success": False, "error": "Forbidden"})
    enforce(_problems(account, given))
    custom = custom_values(account, "deal", given.get("custom_fields", {}))
    after = before | {key: given[key] for key in PLAIN_KEYS if key in given}
    if "title" in given:
        after["title"] = given["title"].strip()
    if "expected_close_date" in given:
        after["expected_close_date"] = given["expected_close_date"] or NEVER
    after |= place(account, given, before)
    if after["stage_id"] != before["stage_id"]:
        after["stage_change_time"] = account.now()
    _check_close_details(given, after["status"])
    _apply_status(account, after, given, before["status"])
    _apply_archive(account, after, given)
    after["custom_fields"] = merged_custom_fields(before["custom_fields"], custom)
    enforce(missing_required(account, "deal", after))
    return store_change(account, before, after, actor, meta)


def store_change(
    account: Account, before: Body, after: Body, actor: Actor, meta: dict[str, str] | None = None
) -> Body:
    if account.tells_nothing(before, after, meta):
        return before
    after["update_time"] = account.now()
    account.save("deal", before, after, actor, meta)
    search_index.note(account, "deal", after)
    return after


def delete(account: Account, number: int, actor: Actor, meta: dict[str, str] | None = None) -> None:
    before = account.writable("deal", number)
    account.require("delete_deals", "You do not have permissions to delete deals")
    account.save("deal", before, before | {"is_deleted": True, "update_time": account.now()}, actor, meta)
    search_index.note_deleted(account, "deal", number)


def place(account: Account, given: Body, before: Body | None) -> Body:
    """The stage and pipeline a deal ends up in."""
    stage_id, pipeline_id = given.get("stage_id"), given.get("pipeline_id")
    if stage_id is not None:
        stage = account.live("stage", stage_id)
        if stage is None:
            raise invalid([("stage_id", f"The stage '{stage_id}' does not exist")])
        if pipeline_id not in (None, stage["pipeline_id"]) and _mismatch_is_refused(account):
            raise invalid([("stage_id", "The stage does not belong to the given pipeline")])
        return {"pipeline_id": stage["pipeline_id"], "stage_id": stage_id}
    if before is not None and pipeline_id in (None, before["pipeline_id"]):
        return {"pipeline_id": before["pipeline_id"], "stage_id": before["stage_id"]}
    if pipeline_id is None:
        everything = pipelines(account)
        if not everything:
            raise bad_request("The company has no pipeline")
        pipeline_id = everything[0]["id"]
    if not account.exists("pipeline", pipeline_id):
        raise invalid([("pipeline_id", f"The pipeline '{pipeline_id}' does not exist")])
    stages = stages_of(account, pipeline_id)
    if not stages:
        raise invalid([("pipeline_id", "The pipeline has no stages")])
    return {"pipeline_id": pipeline_id, "stage_id": stages[0]["id"]}


def _mismatch_is_refused(account: Account) -> bool:
    return bool(account.state.switches["stage_pipeline_mismatch"] == "refuse")


def _check_close_details(given: Body, status: str) -> None:
    """Details of an end may only come with that end; the live API words it so."""
    if status != "lost" and (given.get("lost_reason") is not None or "lost_time" in given):
        raise bad_request("Lost reason and lost time must can only be set when status is lost")
    if status != "won" and "won_time" in given:
        raise bad_request("Won time can only be set when status is won")
    if status == "open" and given.get("close_time") is not None:
        raise bad_request("Close time can only be set when status is won or lost")


def _apply_status(account: Account, deal: Body, given: Body, old_status: str) -> None:
    """Set the moments that go with the status; a reopened deal keeps its lost reason."""
    status, now = deal["status"], account.now()
    if status == "open":
        if old_status != "open":
            deal |= {"won_time": None, "lost_time": None, "close_time": None}
        return
    if status != old_status:
        deal |= {"won_time": None, "lost_time": None, "close_time": now, f"{status}_time": now}
        if status == "won":
            deal["first_won_time"] = deal["first_won_time"] or now
    for key in ("won_time", "lost_time", "close_time"):
        if key in given:
            deal[key] = given[key]


def _apply_archive(account: Account, deal: Body, given: Body) -> None:
    if "is_archived" in given:
        deal["is_archived"] = given["is_archived"]
        deal["archive_time"] = account.now() if given["is_archived"] else None
    if "archive_time" in given and deal["is_archived"]:
        deal["archive_time"] = given["archive_time"].replace(" ", "T") + "Z"


def _problems(account: Account, given: Body) -> Problems:
    return reference_problems(account, given) + label_problems(account, "deal", given)


def _refuse_over_limit(account: Account) -> None:
    per_seat = account.company["deals_per_seat"]
    if per_seat is None:
        return
    live: Condition = ("is_deleted = 0", ())
    used = account.records("deal").count(account.id, live) + account.records("lead").count(account.id, live)
    if used >= per_seat * account.company["seats"]:
        raise over_a_limit("Deals limit reached", "feature_capping_deals_limit")


PLAIN = View()
SHOWN_KEYS = (
    "id",
    "title",
    "creator_user_id",
    "owner_id",
    "person_id",
    "org_id",
    "pipeline_id",
    "stage_id",
    "value",
    "currency",
    "status",
    "probability",
    "lost_reason",
    "visible_to",
    "add_time",
    "update_time",
    "stage_change_time",
    "close_time",
    "won_time",
    "lost_time",
    "expected_close_date",
    "is_archived",
    "archive_time",
    "is_deleted",
    "label_ids",
    "origin",
    "origin_id",
    "channel",
    "channel_id",
)
REVENUE_PLANS = ("growth", "premium", "ultimate")


def shown(account: Account, body: Body, view: View = PLAIN) -> Body:
    """A deal as API v2 answers it."""
    answer = system_view(account, "deal", {key: body[key] for key in SHOWN_KEYS})
    for status, key in (("won_time", "won"), ("lost_time", "lost"), ("close_time", "close")):
        answer[f"local_{key}_date"] = body[status] and body[status][:10]
    if body["is_deleted"]:
        answer["status"] = "deleted"
    if account.company["plan"] in REVENUE_PLANS:
        answer |= {"acv": None, "arr": None, "mrr": None}
    answer["custom_fields"] = custom_view(account, "deal", body, view)
    if view.labels:
        answer["labels"] = label_objects(account, "deal", body["label_ids"])
    return answer | computed(account, "deal", body, view.includes)


def in_webhook(account: Account, body: Body) -> Body:
    answer = shown(account, body)
    answer["status"] = body["status"]
    answer["visible_to"] = str(body["visible_to"])
    answer["custom_fields"] = custom_in_webhook(account, "deal", body)
    return answer


READ_SCOPES = ("deals:read", "deals:full")
WRITE_SCOPES = ("deals:full",)
ROUTES = (
    Route("v2", "GET", "/deals", 10, READ_SCOPES, list_deals),
    Route("v2", "GET", "/deals/archived", 20, READ_SCOPES, list_archived_deals),
    Route("v2", "POST", "/deals", 5, WRITE_SCOPES, post_deal, takes_body=True),
    Route("v2", "GET", "/deals/{id}", 1, READ_SCOPES, get_deal),
    Route("v2", "PATCH", "/deals/{id}", 5, WRITE_SCOPES, patch_deal, takes_body=True),
    Route("v2", "DELETE", "/deals/{id}", 3, WRITE_SCOPES, delete_deal),
)
