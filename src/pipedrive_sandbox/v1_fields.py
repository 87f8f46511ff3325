"""The field lists that API v1 still has. They tell what v2 does not: whether a field can be searched or bulk-edited."""

from pipedrive_sandbox import v1
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, not_found, one
from pipedrive_sandbox.call import Call, Handler, Route
from pipedrive_sandbox.fields import field_set
from pipedrive_sandbox.search_index import SEARCHED_TYPES

V1_KEYS = {
    "label_ids": "label",
    "is_archived": "archive_status",
    "done": "done",
    "busy": "busy_flag",
}
NOTE_FIELDS = (
    ("content", "Content", "text"),
    ("user_id", "User", "user"),
    ("deal_id", "Deal", "deal"),
    ("person_id", "Person", "people"),
    ("org_id", "Organization", "org"),
    ("lead_id", "Lead", "lead"),
    ("add_time", "Add time", "date"),
    ("update_time", "Update time", "date"),
    ("pinned_to_deal_flag", "Pinned to deal", "boolean"),
    ("pinned_to_person_flag", "Pinned to person", "boolean"),
    ("pinned_to_organization_flag", "Pinned to organization", "boolean"),
    ("pinned_to_lead_flag", "Pinned to lead", "boolean"),
)


def _list(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        start, limit = v1.window(call.query)
        found = [
            shown(call.account, field, number)
            for number, field in enumerate(field_set(call.account, entity).all, 1)
        ]
        return v1.flat_page(found[start : start + limit + 1], start, limit)

    return handler


def _get(entity: str) -> Handler:
    def handler(call: Call) -> Answer:
        wanted = call.path["id"]
        for number, field in enumerate(field_set(call.account, entity).all, 1):
            if wanted in (str(field["id"]), field["field_code"]):
                return one(shown(call.account, field, number))
        raise not_found("Field not found.")

    return handler


def list_note_fields(call: Call) -> Answer:
    start, limit = v1.window(call.query)
    found = [
        {
            "id": number,
            "key": key,
            "name": name,
            "field_type": kind,
            "active_flag": True,
            "edit_flag": False,
            "bulk_edit_allowed": True,
            "mandatory_flag": key == "content",
        }
        for number, (key, name, kind) in enumerate(NOTE_FIELDS, 1)
    ]
    return v1.flat_page(found[start : start + limit + 1], start, limit)


def shown(account: Account, field: Body, number: int) -> Body:
    """A field as API v1 answers it; `edit_flag` is true for custom fields."""
    custom = field["is_custom_field"]
    answer: Body = {
        "id": field["id"],
        "key": field["field_code"] if custom else V1_KEYS.get(field["field_code"], field["field_code"]),
        "name": field["field_name"],
        "order_nr": number,
        "field_type": field["field_type"],
        **v1.stamps(field),
        "last_updated_by_user_id": None,
        "created_by_user_id": None,
        "active_flag": not field["is_deleted"],
        "edit_flag": custom,
        "index_visible_flag": True,
        "details_visible_flag": field["ui_visibility"]["details_visible_flag"],
        "add_visible_flag": field["ui_visibility"]["add_visible_flag"],
        "important_flag": field["important_fields"]["enabled"],
        "bulk_edit_allowed": field["is_writable"],
        "searchable_flag": field["field_type"] in SEARCHED_TYPES,
        "filtering_allowed": True,
        "sortable_flag": True,
        "mandatory_flag": field["required_fields"]["enabled"] or field["field_code"] in ("name", "title"),
    }
    options = field["options"]
    answer["options"] = options and [{"id": option["id"], "label": option["label"]} for option in options]
    if options is not None:
        answer["options_deleted"] = []
    return answer


def _routes(path: str, entity: str, scopes: tuple[str, ...]) -> tuple[Route, Route]:
    return (
        Route("v1", "GET", path, 20, scopes, _list(entity)),
        Route("v1", "GET", f"{path}/{{id}}", 2, scopes, _get(entity)),
    )


CONTACTS = ("contacts:read", "contacts:full", "contact-fields:full", "admin")
ROUTES = (
    *_routes("/personFields", "person", CONTACTS),
    *_routes("/organizationFields", "organization", CONTACTS),
    *_routes("/dealFields", "deal", ("deals:read", "deals:full", "deal-fields:full", "admin")),
    Route("v1", "GET", "/activityFields", 20, ("activities:read", "activities:full"), _list("activity")),
    Route("v1", "GET", "/leadFields", 20, ("leads:read", "leads:full", "admin"), _list("deal")),
    Route(
        *("v1", "GET", "/noteFields", 20),
        *(("deals:read", "deals:full", "contacts:read", "contacts:full"), list_note_fields),
    ),
)
