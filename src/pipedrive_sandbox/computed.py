"""Fields that are counted or looked up only when `include_fields` asks for them."""

from collections.abc import Callable
from typing import Any

from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.records import SHIFT, Condition

OPEN: Condition = ("status = 'open' AND is_archived = 0", ())
CLOSED: Condition = ("status IN ('won', 'lost') AND is_archived = 0", ())
WON: Condition = ("status = 'won' AND is_archived = 0", ())
LOST: Condition = ("status = 'lost' AND is_archived = 0", ())
LIVE: Condition = ("is_deleted = 0", ())
DONE: Condition = ("done = 1", ())
UNDONE: Condition = ("done = 0", ())

COMMON = (
    "next_activity_id",
    "last_activity_id",
    "open_deals_count",
    "related_open_deals_count",
    "closed_deals_count",
    "related_closed_deals_count",
    "email_messages_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "files_count",
    "notes_count",
    "followers_count",
    "won_deals_count",
    "related_won_deals_count",
    "lost_deals_count",
    "related_lost_deals_count",
    "smart_bcc_email",
)
OF_PERSONS = (
    *COMMON,
    "participant_open_deals_count",
    "participant_closed_deals_count",
    "last_incoming_mail_time",
    "last_outgoing_mail_time",
    "marketing_status",
    "doi_status",
)
OF_ORGANIZATIONS = (*COMMON, "people_count")
OF_DEALS = (
    *(name for name in COMMON if not name.endswith("deals_count")),
    "first_won_time",
    "products_count",
    "participants_count",
    "last_incoming_mail_time",
    "last_outgoing_mail_time",
    "source_lead_id",
)

LINK = {"person": "person_id", "organization": "org_id", "deal": "deal_id"}
# Mail, files, products and participants beyond the primary one are outside the sandbox: nothing to count.
ALWAYS_ZERO = (
    "email_messages_count",
    "files_count",
    "products_count",
    "participant_open_deals_count",
    "participant_closed_deals_count",
)
ALWAYS_NULL = ("last_incoming_mail_time", "last_outgoing_mail_time", "doi_status")
DEALS_OF: dict[str, Condition] = {
    "open_deals_count": OPEN,
    "closed_deals_count": CLOSED,
    "won_deals_count": WON,
    "lost_deals_count": LOST,
}
ACTIVITIES_OF: dict[str, list[Condition]] = {
    "activities_count": [],
    "done_activities_count": [DONE],
    "undone_activities_count": [UNDONE],
}


def computed(account: Account, kind: str, body: Body, names: tuple[str, ...]) -> Body:
    return {name: _one(account, kind, body, name) for name in names}


def _one(account: Account, kind: str, body: Body, name: str) -> Any:
    linked: Condition = (f"{LINK[kind]} = ?", (body["id"],))
    if name in ALWAYS_ZERO:
        return 0
    if name in ALWAYS_NULL:
        return None
    if name in DEALS_OF:
        return account.records("deal").count(account.id, linked, LIVE, DEALS_OF[name])
    if name.startswith("related_"):
        return _related_deals(account, kind, body, DEALS_OF[name.removeprefix("related_")])
    if name in ACTIVITIES_OF:
        return account.records("activity").count(account.id, linked, LIVE, *ACTIVITIES_OF[name])
    special = SPECIAL.get(name)
    return body.get(name) if special is None else special(account, kind, body)


def _related_deals(account: Account, kind: str, body: Body, status: Condition) -> int:
    """Deals of the organization's persons, or of the person's organization, that are not the record's own."""
    if kind == "organization":
        related: Condition = (
            "org_id IS NOT ? AND person_id IN (SELECT key % ? FROM person WHERE company = ? AND org_id = ?)",
            (body["id"], SHIFT, account.id, body["id"]),
        )
    elif body["org_id"] is None:
        return 0
    else:
        related = ("org_id = ? AND person_id IS NOT ?", (body["org_id"], body["id"]))
    return account.records("deal").count(account.id, related, LIVE, status)


def _next_activity(account: Account, kind: str, body: Body) -> int | None:
    return _activity(account, kind, body, UNDONE, "due_date, key")


def _last_activity(account: Account, kind: str, body: Body) -> int | None:
    return _activity(account, kind, body, DONE, "due_date DESC, key DESC")


def _activity(account: Account, kind: str, body: Body, done: Condition, order: str) -> int | None:
    linked: Condition = (f"{LINK[kind]} = ?", (body["id"],))
    order = order.replace("due_date", "json_extract(body, '$.due_date')")
    found = account.records("activity").where(account.id, linked, LIVE, done, limit=1, order=order)
    return found[0]["id"] if found else None


def _notes(account: Account, kind: str, body: Body) -> int:
    return account.records("note").count(account.id, (f"{LINK[kind]} = ?", (body["id"],)), LIVE)


def _followers(account: Account, kind: str, body: Body) -> int:
    row = account.state.database.execute(
        "SELECT count(*) FROM follower WHERE kind = ? AND key = ?", (kind, account.id * SHIFT + body["id"])
    ).fetchone()
    return int(row[0])


def _people(account: Account, kind: str, body: Body) -> int:
    return account.records("person").count(account.id, ("org_id = ?", (body["id"],)), LIVE)


def _participants(account: Account, kind: str, body: Body) -> int:
    return 0 if body["person_id"] is None else 1


def _smart_bcc(account: Account, kind: str, body: Body) -> str:
    return f"{account.company['domain']}+{kind}{body['id']}@pipedrivemail.example"


SPECIAL: dict[str, Callable[[Account, str, Body], Any]] = {
    "next_activity_id": _next_activity,
    "last_activity_id": _last_activity,
    "notes_count": _notes,
    "followers_count": _followers,
    "people_count": _people,
    "participants_count": _participants,
    "smart_bcc_email": _smart_bcc,
}
