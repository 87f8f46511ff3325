"""Webhook subscriptions, in the v1 calls: 40 for a user, or 40 for each user of an app.

Subscriptions made with an OAuth token belong to that app alone and vanish with its installation. There is no update.
"""

from typing import Any
from urllib.parse import urlsplit

from pipedrive_sandbox import checks
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, ApiError, Body
from pipedrive_sandbox.call import Call, Route, whole_number
from pipedrive_sandbox.checks import Shape, nullable, one_of, string
from pipedrive_sandbox.clock import rfc3339_milliseconds
from pipedrive_sandbox.records import Condition

MOST_WEBHOOKS = 40
ACTIONS = ("create", "change", "delete", "*")
OBJECTS = (
    "activity",
    "deal",
    "lead",
    "note",
    "organization",
    "person",
    "pipeline",
    "product",
    "stage",
    "user",
    "board",
    "phase",
    "project",
    "task",
    "deal_product",
    "deal_installment",
    "dealField",
    "personField",
    "organizationField",
    "*",
)


def a_version(value: Any) -> str | None:
    if value == "1.0":
        return "the sandbox sends payloads of version 2.0 only"
    return one_of("2.0")(value)


SHAPE = Shape(
    {
        "subscription_url": string(2_048, minimum=1),
        "event_action": one_of(*ACTIONS),
        "event_object": one_of(*OBJECTS),
        "name": string(255, minimum=1),
        "user_id": checks.integer(1),
        "http_auth_user": nullable(string(255)),
        "http_auth_password": nullable(string(255)),
        "version": a_version,
    },
    required=("subscription_url", "event_action", "event_object", "name"),
)
OWN_HOSTS = ("api.pipedrive.com", "oauth.pipedrive.com")
SHOWN_KEYS = (
    "id",
    "company_id",
    "owner_id",
    "user_id",
    "event_action",
    "event_object",
    "subscription_url",
    "version",
    "is_active",
    "add_time",
    "remove_time",
    "type",
    "http_auth_user",
    "http_auth_password",
    "remove_reason",
    "last_delivery_time",
    "last_http_status",
    "admin_id",
    "name",
)
LIVE: Condition = ("is_deleted = 0", ())


def list_webhooks(call: Call) -> Answer:
    call.no_query()
    return _answer([shown(body) for body in _mine(call)])


def post_webhook(call: Call) -> Answer:
    call.no_query()
    account = call.account
    account.require("webhooks", "Forbidden")
    given = _checked(call.body, call.base_url)
    listener = given.get("user_id", account.user_id)
    if account.records("user").get(account.id, listener) is None:
        raise refused({"user_id": ["not found"]})
    if listener != account.user_id and not account.is_admin:
        raise ApiError(403, {"success": False, "message": "Forbidden"})
    if len(_mine(call)) >= MOST_WEBHOOKS:
        raise ApiError(
            422,
            {
                "status": "error",
                "success": False,
                "errors": {"webhook": ["maximum number of webhooks reached"]},
            },
        )
    body = _new(call, given, listener)
    account.records("webhook").save(account.id, body)
    account.state.webhook_cache.pop(account.id, None)
    return _answer(shown(body), 201)


def delete_webhook(call: Call) -> Answer:
    call.no_query()
    number = whole_number(call.path["id"])
    body = next((body for body in _mine(call) if body["id"] == number), None)
    if body is None:
        raise ApiError(404, {"status": "error", "success": False, "errors": {"id": ["not found"]}})
    remove(call.account, body, "user request")
    return Answer({"status": "ok", "success": True})


def remove(account: Account, body: Body, reason: str) -> None:
    now = rfc3339_milliseconds(account.state.clock.now())
    gone = body | {"is_deleted": True, "is_active": 0, "remove_time": now, "remove_reason": reason}
    account.records("webhook").save(account.id, gone)
    account.state.webhook_cache.pop(account.id, None)


def remove_of_install(account: Account, client_id: str) -> None:
    """An uninstalled app loses the webhooks it made for that user."""
    theirs: Condition = ("client_id = ? AND owner_id = ?", (client_id, account.user_id))
    for body in account.records("webhook").where(account.id, theirs, LIVE):
        remove(account, body, "app uninstalled")


def _mine(call: Call) -> list[Body]:
    """The subscriptions this caller may list or delete: an app its own, a token those of its user."""
    account = call.account
    own: Condition = ("client_id IS ? AND owner_id = ?", (call.client_id, account.user_id))
    if call.client_id is None and account.is_admin:
        own = ("client_id IS NULL", ())
    return account.records("webhook").where(account.id, own, LIVE)


def _checked(body: Any, base_url: str) -> Body:
    errors: dict[str, list[str]] = {}
    for key, complaint in SHAPE.problems(body):
        errors.setdefault(key, []).append(complaint)
    if errors:
        raise refused(errors)
    given: Body = body
    if not _reachable(given["subscription_url"], base_url):
        raise refused({"subscription_url": ["invalid or non-reachable URL"]})
    return given


def _reachable(url: str, base_url: str) -> bool:
    """https anywhere, or plain http on this machine; never the API itself."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises ValueError for a port that is no number
    except ValueError:
        return False
    host = parts.hostname or ""
    local = (
        host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost") or host.startswith("127.")
    )
    if parts.scheme not in ("https", "http") or (parts.scheme == "http" and not local) or not host:
        return False
    return host not in OWN_HOSTS and f"{parts.scheme}://{parts.netloc}" != base_url


def _new(call: Call, given: Body, listener: int) -> Body:
    account = call.account
    now = account.now()
    return {
        "id": account.records("webhook").new_id(account.id),
        "company_id": account.id,
        "owner_id": account.user_id,
        "user_id": listener,
        "event_action": given["event_action"],
        "event_object": given["event_object"],
        "subscription_url": given["subscription_url"],
        "version": given.get("version", "2.0"),
        "is_active": 1,
        "add_time": now,
        "update_time": now,
        "remove_time": None,
        "type": "general" if call.client_id is None else "application",
        "http_auth_user": given.get("http_auth_user"),
        "http_auth_password": given.get("http_auth_password"),
        "remove_reason": None,
        "last_delivery_time": None,
        "last_http_status": None,
        "admin_id": account.user_id,
        "name": given["name"],
        "client_id": call.client_id,
        "is_deleted": False,
        "failures": 0,
        "banned_until": None,
        "failing_since": None,
    }


def refused(errors: dict[str, list[str]]) -> ApiError:
    return ApiError(400, {"status": "error", "success": False, "errors": errors})


def shown(body: Body) -> Body:
    answer = {key: body[key] for key in SHOWN_KEYS}
    answer["add_time"] = body["add_time"].replace("Z", ".000Z")
    return answer


def _answer(data: Any, status: int = 200) -> Answer:
    return Answer({"status": "ok", "success": True, "data": data}, status)


READ_SCOPES = ("admin", "webhooks:read", "webhooks:full")
WRITE_SCOPES = ("admin", "webhooks:full")
ROUTES = (
    Route("v1", "GET", "/webhooks", 10, READ_SCOPES, list_webhooks),
    Route("v1", "POST", "/webhooks", 10, WRITE_SCOPES, post_webhook, takes_body=True),
    Route("v1", "DELETE", "/webhooks/{id}", 6, WRITE_SCOPES, delete_webhook),
)
