"""One company as one user sees it: its users, plan, fields, and who may see or do what. No HTTP.

A user with admin rights sees and does everything. Another user sees what the company shares or what is theirs, and
does what their permissions name.
"""

from typing import Any
from zoneinfo import available_timezones

from pipedrive_sandbox import checks
from pipedrive_sandbox.answers import ApiError, Body, forbidden, not_found
from pipedrive_sandbox.checks import Check
from pipedrive_sandbox.clock import rfc3339
from pipedrive_sandbox.currencies import CURRENCIES
from pipedrive_sandbox.records import Condition, Records
from pipedrive_sandbox.state import Actor, Event, State

PLANS: dict[str, dict[str, int]] = {
    "lite": {"multiplier": 1, "token": 20, "oauth": 80, "fields": 30},
    "growth": {"multiplier": 2, "token": 40, "oauth": 160, "fields": 100},
    "premium": {"multiplier": 5, "token": 100, "oauth": 400, "fields": 300},
    "ultimate": {"multiplier": 7, "token": 120, "oauth": 480, "fields": 500},
}
PURGED_AFTER = 30 * 86_400
"""Seconds for which a deleted record can still be read; then it is gone for good."""
GROUP_PLANS = ("premium", "ultimate")
PERMISSIONS = (
    "add_fields",
    "delete_records",
    "delete_deals",
    "edit_others",
    "see_all_users",
    "merge",
    "webhooks",
)
REGULAR_PERMISSIONS = ("edit_others", "see_all_users", "merge", "webhooks")
A_TEXT: tuple[Check, str] = (checks.string(255, minimum=1), "a text")
A_COUNT: tuple[Check, str] = (checks.integer(0), "a whole number, not below 0")
A_FLAG: tuple[Check, str] = (checks.boolean, "true or false")
OF_A_COMPANY: dict[str, tuple[Check, str]] = {
    "name": A_TEXT,
    "domain": A_TEXT,
    "country": A_TEXT,
    "plan": (checks.one_of(*PLANS), f"one of {', '.join(PLANS)}"),
    "currency": (checks.one_of(*CURRENCIES), f"one of {', '.join(CURRENCIES)}"),
    "timezone": (
        checks.one_of(*sorted(available_timezones())),
        "the name of a time zone, like Europe/Helsinki",
    ),
    "seats": (checks.integer(1), "a whole number, not below 1"),
    "top_up": A_COUNT,
    "deals_per_seat": (checks.nullable(A_COUNT[0]), "a whole number, or null for no limit"),
    "contact_sync": A_FLAG,
    "campaigns": A_FLAG,
    "is_open": A_FLAG,
}


class Account:
    """A company, opened by one of its users."""

    def __init__(self, state: State, company: Body, user: Body) -> None:
        self.state = state
        self.company = company
        self.id: int = company["id"]
        self.user = user

    @property
    def user_id(self) -> int:
        return int(self.user["id"])

    @property
    def is_admin(self) -> bool:
        return bool(self.user["is_admin"])

    def may(self, permission: str) -> bool:
        return self.is_admin or permission in self.user["permissions"]

    def require(self, permission: str, text: str = "You do not have permissions to do this") -> None:
        if not self.may(permission):
            raise forbidden(text)

    def require_admin(self) -> None:
        if not self.is_admin:
            raise forbidden("Only an admin user can do this")

    def records(self, kind: str) -> Records:
        return self.state.records[kind]

    def now(self) -> str:
        return rfc3339(self.state.clock.now())

    def users(self) -> list[Body]:
        return self.records("user").where(self.id)

    def groups_visible(self) -> bool:
        return self.company["plan"] in GROUP_PLANS

    def visibility_levels(self) -> tuple[int, ...]:
        return (1, 3, 5, 7) if self.groups_visible() else (1, 3)

    def visibility(self, level: str = "visible_to") -> list[Condition]:
        """What keeps a list to the records this user may see; `level` is where a table has their visibility."""
        if self.is_admin:
            return []
        if not self.groups_visible():
            return [(f"({level} <> 1 OR owner_id = ?)", (self.user_id,))]
        mates = [user["id"] for user in self.users() if user["group"] == self.user["group"]]
        marks = ", ".join("?" * len(mates))
        return [
            (
                f"({level} = 7 OR owner_id = ? OR {level} IN (3, 5) AND owner_id IN ({marks}))",
                (self.user_id, *mates),
            )
        ]

    def sees(self, body: Body) -> bool:
        return self.is_admin or sees(self.user, self.users(), body, self.groups_visible())

    def live(self, kind: str, record_id: int) -> Body | None:
        """The record, unless it is deleted or not this user's to see."""
        body = self.records(kind).get(self.id, record_id)
        if body is None or body["is_deleted"] or ("visible_to" in body and not self.sees(body)):
            return None
        return body

    def exists(self, kind: str, record_id: int) -> bool:
        return self.live(kind, record_id) is not None

    def readable(self, kind: str, record_id: int) -> Body:
        """The record by its id, deleted ones as the switch `deleted_record_by_id` says."""
        body = self.records(kind).get(self.id, record_id)
        if body is None or ("visible_to" in body and not self.sees(body)):
            raise not_found()
        if body["is_deleted"] and body["update_time"] < rfc3339(self.state.clock.now() - PURGED_AFTER):
            raise not_found()
        if body["is_deleted"] and self.state.switches["deleted_record_by_id"] != "found":
            raise self._deleted()
        return body

    def _deleted(self) -> ApiError:
        if self.state.switches["deleted_record_by_id"] == "gone":
            return ApiError(410, {"success": False, "error": "Object was deleted", "data": None})
        return not_found()

    def writable(self, kind: str, record_id: int) -> Body:
        body = self.live(kind, record_id)
        if body is None:
            raise not_found()
        owner = body.get("owner_id", self.user_id)
        if owner != self.user_id and not self.may("edit_others"):
            raise forbidden("You do not have permissions to edit this object")
        return body

    def tells_nothing(self, before: Body, after: Body, meta: dict[str, str] | None = None) -> bool:
        """Whether a change that changes nothing is left without a trace; what tells of a merge (`meta`) never is."""
        return after == before and not meta and not self.state.switches["unchanged_update_fires"]

    def save(
        self, kind: str, before: Body | None, after: Body, actor: Actor, meta: dict[str, str] | None = None
    ) -> None:
        """Store a record and tell of it."""
        self.records(kind).save(self.id, after)
        action = "create" if before is None else "delete" if after["is_deleted"] else "change"
        shown: Body | None = None if action == "delete" else after
        record_id: int | str = after["uuid"] if "uuid" in after else after["id"]
        self.emit(kind, action, record_id, before, shown, actor, meta)

    def emit(
        self,
        kind: str,
        action: str,
        record_id: int | str,
        before: Body | None,
        after: Body | None,
        actor: Actor,
        meta: dict[str, str] | None = None,
    ) -> None:
        self.state.emit(Event(self.id, kind, action, record_id, before, after, actor, meta or {}))


def sees(user: Body, users: list[Body], body: Body, grouped: bool) -> bool:
    """Whether the record's visibility opens it to the user."""
    level = body.get("visible_to", 3)
    if user["is_admin"] or body.get("owner_id") == user["id"]:
        return True
    if not grouped:
        return bool(level != 1)
    if level == 7:
        return True
    groups = {other["id"]: other["group"] for other in users}
    return level in (3, 5) and groups.get(body.get("owner_id")) == user["group"]


def new_company(state: State, **given: Any) -> Body:
    """Register a company; the caller saves users afterwards."""
    taken = {company["id"] for company in state.companies()}
    company: Body = {
        "id": max(taken, default=1000) + 1,
        "name": "Northlight Studio",
        "domain": "northlight",
        "plan": "growth",
        "currency": "EUR",
        "country": "FI",
        "timezone": "Europe/Helsinki",
        "top_up": 0,
        "seats": 3,
        "contact_sync": False,
        "campaigns": False,
        "deals_per_seat": None,
        "is_open": True,
    }
    unknown = sorted(set(given) - set(company))
    if unknown:
        raise ValueError(f"A company has no {unknown[0]!r}. Known: {', '.join(company)}.")
    company = checked_company(company | given)
    state.save_company(company)
    return company


def checked_company(company: Body) -> Body:
    """The company as it is, if everything in it is what the sandbox can work with; raises ValueError."""
    for key, (check, wish) in OF_A_COMPANY.items():
        if check(company[key]) is not None:
            raise ValueError(f"{key.capitalize()} must be {wish}, not {company[key]!r}.")
    return company
