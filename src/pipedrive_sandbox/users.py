"""Users in API v1. A deactivated user stays in the list: they still own records."""

import secrets
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipedrive_sandbox.account import REGULAR_PERMISSIONS, Account
from pipedrive_sandbox.answers import Answer, ApiError, Body, bad_request, one
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.clock import v1_time
from pipedrive_sandbox.state import State

APPS = ("sales", "global", "account_settings")


def new_user(state: State, company: Body, **given: Any) -> Body:
    """Register a user in a company; the first one is its administrator."""
    records = state.records["user"]
    number = records.new_id(company["id"])
    account = Account(state, company, {})
    user: Body = {
        "id": number,
        "name": f"User {number}",
        "email": f"user{number}@{company['domain']}.example.com",
        "phone": None,
        "is_admin": number == 1,
        "permissions": list(REGULAR_PERMISSIONS),
        "group": 1,
        "default_visibility": 7 if account.groups_visible() else 3,
        "default_currency": company["currency"],
        "timezone_name": company["timezone"],
        "active_flag": True,
        "api_token": secrets.token_hex(20),
        "add_time": account.now(),
        "update_time": account.now(),
        "is_deleted": False,
    }
    unknown = sorted(set(given) - set(user))
    if unknown:
        raise ValueError(f"A user has no {unknown[0]!r}. Known: {', '.join(user)}.")
    user |= given
    records.save(company["id"], user)
    return user


def list_users(call: Call) -> Answer:
    call.no_query()
    return one([shown(call.account, user) for user in visible(call.account)])


def get_me(call: Call) -> Answer:
    call.no_query()
    company = call.account.company
    extra = {
        "company_id": company["id"],
        "company_name": company["name"],
        "company_domain": company["domain"],
        "company_country": company["country"],
        "company_industry": "Design",
        "language": {"language_code": "en", "country_code": "US"},
    }
    return one(shown(call.account, call.account.user) | extra)


def get_user(call: Call) -> Answer:
    call.no_query()
    number = call.id()
    for user in visible(call.account):
        if user["id"] == number:
            return one(shown(call.account, user))
    raise ApiError(404, {"success": False, "error": "User not found or not accessible."})


def find_users(call: Call) -> Answer:
    call.no_query("term", "search_by_email")
    term = call.query.get("term", "").casefold()
    if not term:
        raise bad_request("Search term must be given.")
    key = "email" if call.query.get("search_by_email") == "1" else "name"
    found = [user for user in visible(call.account) if term in user[key].casefold()]
    return one([shown(call.account, user) for user in found])


def visible(account: Account) -> list[Body]:
    users = account.users()
    return (
        users if account.may("see_all_users") else [user for user in users if user["id"] == account.user_id]
    )


def shown(account: Account, user: Body) -> Body:
    """A user as API v1 answers it; `access` without account_settings means no admin rights there."""
    access = [
        {
            "app": app,
            "admin": user["is_admin"],
            "permission_set_id": _permission_set(account.id, app, user["is_admin"]),
        }
        for app in APPS
        if user["is_admin"] or app != "account_settings"
    ]
    offset = datetime.now(ZoneInfo(user["timezone_name"])).strftime("%z")
    return {
        "id": user["id"],
        "name": user["name"],
        "default_currency": user["default_currency"],
        "locale": "en_US",
        "lang": 1,
        "email": user["email"],
        "phone": user["phone"],
        "activated": True,
        "last_login": v1_time(user["update_time"]),
        "created": v1_time(user["add_time"]),
        "modified": v1_time(user["update_time"]),
        "has_created_company": user["id"] == 1,
        "access": access,
        "active_flag": user["active_flag"],
        "timezone_name": user["timezone_name"],
        "timezone_offset": f"{offset[:3]}:{offset[3:]}",
        "role_id": 1,
        "icon_url": None,
        "is_you": user["id"] == account.user_id,
        "is_deleted": not user["active_flag"],
    }


def _permission_set(company: int, app: str, admin: bool) -> str:
    return f"{company:08x}-0000-4000-8000-{APPS.index(app) + 1:04d}{int(admin):08d}"


def in_webhook(account: Account, user: Body) -> Body:
    data = shown(account, user)
    keep = ("name", "email", "phone", "active_flag", "role_id", "icon_url", "has_created_company", "access")
    return {
        "id": str(user["id"]),
        **{key: data[key] for key in keep},
        "default_currency": user["default_currency"],
        "timezone_name": user["timezone_name"],
        "created": user["add_time"],
        "modified": user["update_time"],
    }


ROUTES = (
    Route("v1", "GET", "/users", 20, ("users:read",), list_users),
    Route("v1", "GET", "/users/find", 40, ("users:read",), find_users, is_search=True),
    Route("v1", "GET", "/users/me", 2, ("base",), get_me),
    Route("v1", "GET", "/users/{id}", 2, ("users:read",), get_user),
)
