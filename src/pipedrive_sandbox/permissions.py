"""Who may see a record, and what a user may do, in API v1."""

from pipedrive_sandbox.account import Account, sees
from pipedrive_sandbox.answers import Answer, ApiError, Body, one
from pipedrive_sandbox.call import Call, Handler, Route
from pipedrive_sandbox.leads import NOT_FOUND, lead_by_uuid
from pipedrive_sandbox.users import visible

ALWAYS = (
    "can_add_prospects_as_leads",
    "can_bulk_edit_items",
    "can_change_visibility_of_items",
    "can_convert_deals_to_leads",
    "can_create_own_workflow",
    "can_delete_activities",
    "can_edit_deals_closed_date",
    "can_export_data_from_lists",
    "can_follow_other_users",
    "can_modify_labels",
    "can_see_deals_list_summary",
    "can_see_hidden_items_names",
    "can_share_filters",
    "can_use_api",
)
BY_PERMISSION = {
    "can_add_custom_fields": "add_fields",
    "can_delete_custom_fields": "add_fields",
    "can_edit_custom_fields": "add_fields",
    "can_delete_deals": "delete_deals",
    "can_merge_deals": "merge",
    "can_merge_organizations": "merge",
    "can_merge_people": "merge",
    "can_see_other_users": "see_all_users",
}
ADMINS_ALONE = (
    "can_edit_shared_filters",
    "can_see_company_wide_statistics",
    "can_see_other_users_statistics",
    "can_see_security_dashboard",
    "can_share_insights",
    "can_use_import",
)
OUTSIDE = ("can_add_products", "can_edit_products", "can_use_email_tracking")
"""Rights to what the sandbox does not imitate."""


def get_permissions(call: Call) -> Answer:
    call.no_query()
    number = call.id()
    user = next((user for user in visible(call.account) if user["id"] == number), None)
    if user is None:
        raise ApiError(404, {"success": False, "error": "User not found or not accessible."})
    return one(permissions(Account(call.account.state, call.account.company, user)))


def permissions(account: Account) -> Body:
    rights = dict.fromkeys(ALWAYS, True) | dict.fromkeys(OUTSIDE, False)
    rights |= {name: account.may(permission) for name, permission in BY_PERMISSION.items()}
    return rights | dict.fromkeys(ADMINS_ALONE, account.is_admin)


def _permitted(kind: str) -> Handler:
    def handler(call: Call) -> Answer:
        call.no_query()
        body = _lead(call) if kind == "lead" else call.account.readable(kind, call.id())
        everybody, grouped = call.account.users(), call.account.groups_visible()
        return one([user["id"] for user in everybody if sees(user, everybody, body, grouped)])

    return handler


def _lead(call: Call) -> Body:
    lead = lead_by_uuid(call.account, call.path["id"])
    if lead is None:
        raise ApiError(404, NOT_FOUND)
    return lead


def _route(path: str, kind: str, own: str) -> Route:
    scopes = (f"{own}:read", f"{own}:full")
    return Route("v1", "GET", f"/{path}/{{id}}/permittedUsers", 10, scopes, _permitted(kind))


ROUTES = (
    _route("persons", "person", "contacts"),
    _route("organizations", "organization", "contacts"),
    _route("deals", "deal", "deals"),
    _route("leads", "lead", "leads"),
    Route("v1", "GET", "/users/{id}/permissions", 10, ("users:read",), get_permissions),
)
