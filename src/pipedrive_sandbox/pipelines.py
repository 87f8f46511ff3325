"""Pipelines and their stages in API v2. The pipeline with the lowest `order_nr` is the default one.

`order_nr` is read-only: a new pipeline or stage goes last. Deleting a stage moves nothing; a deal's stage must exist
when it is written, not for ever.
"""

from pipedrive_sandbox import checks
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, bad_request, invalid, one, page
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.checks import Shape, nullable, string
from pipedrive_sandbox.listing import Listing, listed
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor

LIVE: Condition = ("is_deleted = 0", ())
PIPELINE_LISTING = Listing("pipeline", ids=False, windows=False, saved_filters=False, record_parameters=())
STAGE_LISTING = Listing(
    "stage",
    filters={"pipeline_id": "pipeline_id = ?"},
    sorts=("id", "update_time", "add_time", "order_nr"),
    ids=False,
    windows=False,
    saved_filters=False,
    record_parameters=(),
)
PIPELINE_CHANGE = Shape({"name": string(255, minimum=1), "is_deal_probability_enabled": checks.boolean})
PIPELINE_CREATE = Shape(PIPELINE_CHANGE.keys, required=("name",))
STAGE_CHANGE = Shape(
    {
        "name": string(255, minimum=1),
        "pipeline_id": checks.integer(1),
        "deal_probability": checks.integer(0, 100),
        "is_deal_rot_enabled": checks.boolean,
        "days_to_rotten": nullable(checks.integer(1)),
    }
)
STAGE_CREATE = Shape(STAGE_CHANGE.keys, required=("name", "pipeline_id"))
PIPELINE_KEYS = (
    "id",
    "name",
    "order_nr",
    "is_deleted",
    "is_deal_probability_enabled",
    "add_time",
    "update_time",
)
STAGE_KEYS = (
    "id",
    "order_nr",
    "name",
    "is_deleted",
    "deal_probability",
    "pipeline_id",
    "is_deal_rot_enabled",
    "days_to_rotten",
    "add_time",
    "update_time",
)


def list_pipelines(call: Call) -> Answer:
    bodies, cursor, _ = listed(call, PIPELINE_LISTING, [LIVE])
    return page([pipeline_shown(body) for body in bodies], cursor)


def get_pipeline(call: Call) -> Answer:
    call.no_query()
    return one(pipeline_shown(call.account.readable("pipeline", call.id())))


def post_pipeline(call: Call) -> Answer:
    call.no_query()
    return one(pipeline_shown(create_pipeline(call.account, PIPELINE_CREATE.enforce(call.body), call.actor)))


def patch_pipeline(call: Call) -> Answer:
    call.no_query()
    given = PIPELINE_CHANGE.enforce(call.body)
    call.account.require_admin()
    return one(pipeline_shown(_changed(call.account, "pipeline", call.id(), given, call.actor)))


def delete_pipeline(call: Call) -> Answer:
    call.no_query()
    remove(call.account, "pipeline", call.id(), call.actor)
    return one({"id": call.id()})


def list_stages(call: Call) -> Answer:
    bodies, cursor, _ = listed(call, STAGE_LISTING, [LIVE])
    return page([stage_shown(body) for body in bodies], cursor)


def get_stage(call: Call) -> Answer:
    call.no_query()
    return one(stage_shown(call.account.readable("stage", call.id())))


def post_stage(call: Call) -> Answer:
    call.no_query()
    return one(stage_shown(create_stage(call.account, STAGE_CREATE.enforce(call.body), call.actor)))


def patch_stage(call: Call) -> Answer:
    call.no_query()
    given = STAGE_CHANGE.enforce(call.body)
    call.account.require_admin()
    _require_pipeline(call.account, given)
    return one(stage_shown(_changed(call.account, "stage", call.id(), given, call.actor)))


def delete_stage(call: Call) -> Answer:
    call.no_query()
    remove(call.account, "stage", call.id(), call.actor)
    return one({"id": call.id()})


def create_pipeline(account: Account, given: Body, actor: Actor) -> Body:
    account.require_admin()
    now = account.now()
    pipeline: Body = {
        "id": account.records("pipeline").new_id(account.id),
        "name": given["name"].strip(),
        "order_nr": _last_order(account, "pipeline") + 1,
        "is_deleted": False,
        "is_deal_probability_enabled": given.get("is_deal_probability_enabled", False),
        "add_time": now,
        "update_time": now,
    }
    account.save("pipeline", None, pipeline, actor)
    return pipeline


def create_stage(account: Account, given: Body, actor: Actor) -> Body:
    account.require_admin()
    _require_pipeline(account, given)
    now = account.now()
    in_pipeline: Condition = ("pipeline_id = ?", (given["pipeline_id"],))
    stage: Body = {
        "id": account.records("stage").new_id(account.id),
        "order_nr": _last_order(account, "stage", in_pipeline) + 1,
        "name": given["name"].strip(),
        "is_deleted": False,
        "deal_probability": given.get("deal_probability", 100),
        "pipeline_id": given["pipeline_id"],
        "is_deal_rot_enabled": given.get("is_deal_rot_enabled", False),
        "days_to_rotten": given.get("days_to_rotten"),
        "add_time": now,
        "update_time": now,
    }
    account.save("stage", None, stage, actor)
    return stage


def remove(account: Account, kind: str, number: int, actor: Actor) -> None:
    account.require_admin()
    before = account.writable(kind, number)
    if kind == "stage":
        siblings: Condition = ("pipeline_id = ?", (before["pipeline_id"],))
        if account.records("stage").count(account.id, siblings, LIVE) == 1:
            raise bad_request("A pipeline must have at least one stage")
    elif account.records("pipeline").count(account.id, LIVE) == 1:
        raise bad_request("The last pipeline cannot be deleted")
    account.save(kind, before, before | {"is_deleted": True, "update_time": account.now()}, actor)


def stages_of(account: Account, pipeline_id: int) -> list[Body]:
    here: Condition = ("pipeline_id = ?", (pipeline_id,))
    return account.records("stage").where(account.id, here, LIVE, order="order_nr, key")


def pipelines(account: Account) -> list[Body]:
    return account.records("pipeline").where(account.id, LIVE, order="order_nr, key")


def _changed(account: Account, kind: str, number: int, given: Body, actor: Actor) -> Body:
    before = account.writable(kind, number)
    after = before | given | {"update_time": account.now()}
    if "name" in given:
        after["name"] = given["name"].strip()
    account.save(kind, before, after, actor)
    return after


def _require_pipeline(account: Account, given: Body) -> None:
    number = given.get("pipeline_id")
    if number is not None and not account.exists("pipeline", number):
        raise invalid([("pipeline_id", f"The pipeline '{number}' does not exist")])


def _last_order(account: Account, kind: str, *conditions: Condition) -> int:
    last = account.records(kind).where(account.id, *conditions, order="order_nr DESC", limit=1)
    return int(last[0]["order_nr"]) if last else 0


def pipeline_shown(body: Body) -> Body:
    return {key: body[key] for key in PIPELINE_KEYS}


def stage_shown(body: Body) -> Body:
    return {key: body[key] for key in STAGE_KEYS}


def pipeline_in_webhook(account: Account, body: Body) -> Body:
    return {
        "id": body["id"],
        "name": body["name"],
        "url_title": body["name"].lower().replace(" ", "-"),
        "order_nr": body["order_nr"],
        "active_flag": not body["is_deleted"],
        "deal_probability": body["is_deal_probability_enabled"],
        "add_time": body["add_time"],
        "update_time": body["update_time"],
    }


def stage_in_webhook(account: Account, body: Body) -> Body:
    return {
        "id": body["id"],
        "name": body["name"],
        "order_nr": body["order_nr"],
        "active_flag": not body["is_deleted"],
        "deal_probability": body["deal_probability"],
        "pipeline_id": body["pipeline_id"],
        "rotten_flag": body["is_deal_rot_enabled"],
        "rotten_days": body["days_to_rotten"],
        "add_time": body["add_time"],
        "update_time": body["update_time"],
    }


READ_SCOPES = ("deals:read", "deals:full", "admin")
ROUTES = (
    Route("v2", "GET", "/pipelines", 5, READ_SCOPES, list_pipelines),
    Route("v2", "POST", "/pipelines", 5, ("admin",), post_pipeline, takes_body=True),
    Route("v2", "GET", "/pipelines/{id}", 1, READ_SCOPES, get_pipeline),
    Route("v2", "PATCH", "/pipelines/{id}", 5, ("admin",), patch_pipeline, takes_body=True),
    Route("v2", "DELETE", "/pipelines/{id}", 3, ("admin",), delete_pipeline),
    Route("v2", "GET", "/stages", 5, READ_SCOPES, list_stages),
    Route("v2", "POST", "/stages", 5, ("admin",), post_stage, takes_body=True),
    Route("v2", "GET", "/stages/{id}", 1, READ_SCOPES, get_stage),
    Route("v2", "PATCH", "/stages/{id}", 5, ("admin",), patch_stage, takes_body=True),
    Route("v2", "DELETE", "/stages/{id}", 3, ("admin",), delete_stage),
)
