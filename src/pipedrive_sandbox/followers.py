"""Followers of persons, organizations and deals in API v2."""

from pipedrive_sandbox import checks
from pipedrive_sandbox.answers import Answer, bad_request, invalid, not_found, one, page
from pipedrive_sandbox.call import Call, Handler, Route
from pipedrive_sandbox.checks import Shape
from pipedrive_sandbox.listing import Reader
from pipedrive_sandbox.records import SHIFT, Order, cursor_to, read_cursor

NEW = Shape({"user_id": checks.integer(1)}, required=("user_id",))


def _list(kind: str) -> Handler:
    def handler(call: Call) -> Answer:
        reader = Reader(call.query)
        reader.allow({"limit", "cursor"})
        limit = reader.limit(call.account.state.switches)
        reader.done()
        start = read_cursor(call.query["cursor"])["id"] if "cursor" in call.query else 0
        rows = call.account.state.database.execute(
            "SELECT user_id, add_time FROM follower WHERE kind = ? AND key = ? AND user_id >= ?"
            " ORDER BY user_id LIMIT ?",
            (kind, _key(call, kind), start, limit + 1),
        ).fetchall()
        cursor = cursor_to({"id": rows[limit][0]}, Order()) if len(rows) > limit else None
        return page([{"user_id": user, "add_time": time} for user, time in rows[:limit]], cursor)

    return handler


def _post(kind: str) -> Handler:
    def handler(call: Call) -> Answer:
        call.no_query()
        user = NEW.enforce(call.body)["user_id"]
        if not call.account.exists("user", user):
            raise invalid([("user_id", f"The user '{user}' does not exist")])
        now = call.account.now()
        added = call.account.state.database.execute(
            "INSERT OR IGNORE INTO follower VALUES (?, ?, ?, ?)", (kind, _key(call, kind), user, now)
        ).rowcount
        if not added:
            raise bad_request("The user is already following the entity")
        return Answer({"success": True, "data": {"user_id": user, "add_time": now}}, 201)

    return handler


def _delete(kind: str) -> Handler:
    def handler(call: Call) -> Answer:
        call.no_query()
        user = call.id("follower_id")
        removed = call.account.state.database.execute(
            "DELETE FROM follower WHERE kind = ? AND key = ? AND user_id = ?", (kind, _key(call, kind), user)
        ).rowcount
        if not removed:
            raise not_found("Follower was not found")
        return one({"user_id": user})

    return handler


def _key(call: Call, kind: str) -> int:
    number = call.id()
    if call.account.live(kind, number) is None:
        raise not_found()
    return call.account.id * SHIFT + number


def _routes(path: str, kind: str, own: str) -> tuple[Route, ...]:
    read, write = (f"{own}:read", f"{own}:full"), (f"{own}:full",)
    return (
        Route("v2", "GET", f"/{path}/{{id}}/followers", 10, read, _list(kind)),
        Route("v2", "POST", f"/{path}/{{id}}/followers", 5, write, _post(kind), takes_body=True),
        Route("v2", "DELETE", f"/{path}/{{id}}/followers/{{follower_id}}", 3, write, _delete(kind)),
    )


ROUTES = (
    *_routes("persons", "person", "contacts"),
    *_routes("organizations", "organization", "contacts"),
    *_routes("deals", "deal", "deals"),
)
