"""What changed last: the two tables under the deal board."""

from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.layout import table, text
from pipedrive_sandbox.pages.lists import LIVE, activity_rows
from pipedrive_sandbox.pages.words import ago
from pipedrive_sandbox.records import SHIFT

SHOWN = 5
NEWEST = "update_time DESC, key DESC"


def panels(visit: Visit) -> str:
    return f"<div class=two>{_people(visit)}{_activities(visit)}</div>"


def _people(visit: Visit) -> str:
    account = visit.account
    rows = []
    for person in account.records("person").where(account.id, LIVE, limit=SHOWN, order=NEWEST):
        organization = account.records("organization").get(account.id, person["org_id"] or 0)
        name = visit.anchor(f"/people/{person['id']}", person["name"])
        who = text(changed_by(visit, "person", person))
        rows.append((name, text(organization and organization["name"]), who))
    shown = table("People", ("Name", "Organization", "Changed by"), rows)
    return _panel(visit, "People", "/people", account.records("person").count(account.id, LIVE), shown)


def _activities(visit: Visit) -> str:
    account = visit.account
    found = account.records("activity").where(account.id, LIVE, limit=SHOWN, order=NEWEST)
    shown = table(
        "Activities", ("Done", "Subject", "Person", "Due"), activity_rows(visit, found, "/deals"), names=1
    )
    return _panel(
        visit, "Activities", "/activities", account.records("activity").count(account.id, LIVE), shown
    )


def _panel(visit: Visit, title: str, path: str, count: int, shown: str) -> str:
    every = visit.anchor(path, f"All {count:,}")
    return f'<section class=box><div class="row between head"><h2>{title}</h2>{every}</div>{shown}</section>'


def changed_by(visit: Visit, kind: str, body: Body) -> str:
    """`Tidegate, 12 s ago`: the app, or the user who did it by hand or with a token of theirs."""
    account = visit.account
    row = account.state.database.execute(
        "SELECT moment, user_id, client_id FROM touched WHERE kind = ? AND key = ?",
        (kind, account.id * SHIFT + body["id"]),
    ).fetchone()
    if row is None:
        return "Sample data"
    moment, user_id, client_id = row
    app = None if client_id is None else visit.sandbox.oauth.app(client_id)
    user = account.records("user").get(account.id, user_id)
    who = app["name"] if app is not None else (user or {}).get("name", "Somebody")
    return f"{who}, {ago(account.state.clock.now() - moment)}"
