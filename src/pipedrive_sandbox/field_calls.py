"""The field calls of API v2 for persons, organizations, deals and activities (the last read-only)."""

from collections.abc import Callable

from pipedrive_sandbox import checks, fields
from pipedrive_sandbox.answers import Answer, invalid, one, page
from pipedrive_sandbox.call import Call, Handler, Route
from pipedrive_sandbox.checks import Shape, list_of, nullable, object_of, string
from pipedrive_sandbox.listing import Reader
from pipedrive_sandbox.records import Order
from pipedrive_sandbox.values import CREATABLE_TYPES

EXTRA_KEYS = ("ui_visibility", "important_fields", "required_fields")
NAME = string(255, minimum=1)
DIALOG = object_of({"show": checks.boolean, "order": nullable(checks.integer())})
UI_VISIBILITY = object_of(
    {
        "add_visible_flag": checks.boolean,
        "details_visible_flag": checks.boolean,
        "show_in_add_deal_dialog": DIALOG,
        "show_in_add_person_dialog": DIALOG,
        "projects_detail_visible_flag": checks.boolean,
        "show_in_pipelines": object_of(
            {"show_in_all": checks.boolean, "pipeline_ids": list_of(checks.integer(1))}
        ),
    },
    is_open=True,
)
STAGE_IDS = list_of(checks.integer(1))
IMPORTANT_FIELDS = object_of({"enabled": checks.boolean, "stage_ids": STAGE_IDS}, is_open=True)
REQUIRED_FIELDS = object_of(
    {"enabled": checks.boolean, "stage_ids": STAGE_IDS, "statuses": checks.any_object}, is_open=True
)
CHANGE = Shape(
    {
        "field_name": NAME,
        "ui_visibility": UI_VISIBILITY,
        "important_fields": IMPORTANT_FIELDS,
        "required_fields": REQUIRED_FIELDS,
    }
)
CREATE = Shape(
    {
        **CHANGE.keys,
        "field_type": checks.one_of(*CREATABLE_TYPES),
        "options": list_of(object_of({"label": NAME}, required=("label",)), fields.MOST_OPTIONS),
    },
    required=("field_name", "field_type"),
)
DEAL_EXTRA = {"description": nullable(string(255))}
OPTION_ID = checks.integer(1)
NEW_OPTIONS = list_of(object_of({"label": NAME}, required=("label",)), fields.MOST_OPTIONS)
RENAMED_OPTIONS = list_of(
    object_of({"id": OPTION_ID, "label": NAME}, required=("id", "label")), fields.MOST_OPTIONS
)
DELETED_OPTIONS = list_of(object_of({"id": OPTION_ID}, required=("id",)), fields.MOST_OPTIONS)


def _list(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        reader = Reader(call.query)
        reader.allow({"include_fields", "limit", "cursor"})
        extra = tuple(reader.names("include_fields", EXTRA_KEYS))
        order = Order(cursor=call.query.get("cursor"), limit=reader.limit(call.account.state.switches))
        reader.done()
        live = fields.conditions(call.account, entity)
        found, cursor = call.account.records("field").page(call.account.id, live, order)
        return page([fields.shown(field, extra) for field in found], cursor)

    return handler


def _get(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        reader = Reader(call.query)
        reader.allow({"include_fields"})
        extra = tuple(reader.names("include_fields", EXTRA_KEYS))
        reader.done()
        return one(fields.shown(fields.get_field(call.account, entity, call.path["field_code"]), extra))

    return handler


def _post(entity: str) -> Handler:
    shape = Shape({**CREATE.keys, **(DEAL_EXTRA if entity == "deal" else {})}, CREATE.required)

    def handler(call: Call) -> Answer:
        call.no_query()
        field = fields.create_field(call.account, entity, shape.enforce(call.body), call.actor)
        return one(fields.shown(field, EXTRA_KEYS))

    return handler


def _patch(entity: str) -> Handler:
    shape = Shape({**CHANGE.keys, **(DEAL_EXTRA if entity == "deal" else {})})

    def handler(call: Call) -> Answer:
        call.no_query()
        given = shape.enforce(call.body)
        field = fields.change_field(call.account, entity, call.path["field_code"], given, call.actor)
        return one(fields.shown(field, EXTRA_KEYS))

    return handler


def _delete(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        call.no_query()
        return one(
            fields.shown(fields.delete_field(call.account, entity, call.path["field_code"], call.actor))
        )

    return handler


def _options(call: Call, check: checks.Check) -> None:
    call.no_query()
    if complaint := check(call.body):
        raise invalid([("body", complaint)])
    if not call.body:
        raise invalid([("body", "At least one option is needed")])
    ids = [item["id"] for item in call.body if "id" in item]
    if len(set(ids)) < len(ids):
        raise invalid([("body", "An option is named twice")])


def _answer(options: list[dict[str, object]]) -> Answer:
    return one([{"id": item["id"], "label": item["label"]} for item in options], additional_data=None)


def _post_options(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        _options(call, NEW_OPTIONS)
        labels = [item["label"] for item in call.body]
        return _answer(fields.add_options(call.account, entity, call.path["field_code"], labels, call.actor))

    return handler


def _patch_options(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        _options(call, RENAMED_OPTIONS)
        names = {item["id"]: item["label"] for item in call.body}
        return _answer(
            fields.rename_options(call.account, entity, call.path["field_code"], names, call.actor)
        )

    return handler


def _delete_options(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        _options(call, DELETED_OPTIONS)
        ids = [item["id"] for item in call.body]
        return _answer(fields.delete_options(call.account, entity, call.path["field_code"], ids, call.actor))

    return handler


def _routes(entity: str, own: str, special: str) -> tuple[Route, ...]:
    base, one_field, options = f"/{entity}Fields", f"/{entity}Fields/{{field_code}}", "/options"
    read = (f"{own}:read", f"{own}:full", "admin", special)
    create = ("admin", special)
    change = (f"{own}:full", "admin", special)

    def route(
        method: str, path: str, cost: int, scopes: tuple[str, ...], make: Callable[[str], Handler]
    ) -> Route:
        takes_body = method in ("POST", "PATCH") or path.endswith(options)
        return Route("v2", method, path, cost, scopes, make(entity), takes_body=takes_body)

    return (
        route("GET", base, 10, read, _list),
        route("POST", base, 5, create, _post),
        route("GET", one_field, 1, read, _get),
        route("PATCH", one_field, 5, change, _patch),
        route("DELETE", one_field, 3, create, _delete),
        route("POST", one_field + options, 5, change, _post_options),
        route("PATCH", one_field + options, 5, change, _patch_options),
        route("DELETE", one_field + options, 3, change, _delete_options),
    )


ROUTES = (
    *_routes("person", "contacts", "contact-fields:full"),
    *_routes("organization", "contacts", "contact-fields:full"),
    *_routes("deal", "deals", "deal-fields:full"),
    Route("v2", "GET", "/activityFields", 10, ("admin",), _list("activity")),
    Route("v2", "GET", "/activityFields/{field_code}", 1, ("admin",), _get("activity")),
)
