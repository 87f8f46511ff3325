"""The plain lists: activities, webhook deliveries and API calls."""

import re
from urllib.parse import quote

from aiohttp import web

from pipedrive_sandbox import activities
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.call import whole_number
from pipedrive_sandbox.clock import rfc3339_milliseconds
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.layout import company_page, html, redirect, table, text
from pipedrive_sandbox.pages.words import day
from pipedrive_sandbox.records import SHIFT, Condition

LIVE: Condition = ("is_deleted = 0", ())
PER_PAGE = 50
BACK = re.compile(r"/(deals|activities|people/\d+|organizations/\d+)")


def start_of(visit: Visit) -> int:
    return min(whole_number(visit.query.get("start", "")) or 0, SHIFT - 1)


def more(visit: Visit, path: str, found: list[Body]) -> str:
    if len(found) <= PER_PAGE:
        return ""
    address = visit.link(f"{path}?start={found[PER_PAGE - 1]['id']}")
    return f'<p><a href="{address}">Next {PER_PAGE}</a></p>'


def list_activities(visit: Visit) -> web.Response:
    account = visit.account
    before = start_of(visit) or SHIFT
    older: Condition = (
        "key < ?",
        (account.id * SHIFT + before if before < SHIFT else (account.id + 1) * SHIFT,),
    )
    found = account.records("activity").where(account.id, LIVE, older, limit=PER_PAGE + 1, order="key DESC")
    page = activity_table(visit, found[:PER_PAGE]) + more(visit, "/activities", found)
    return html(company_page("Activities", account.company, "activities", page))


def activity_table(visit: Visit, found: list[Body], back: str = "/activities") -> str:
    return table(
        "Activities",
        ("Done", "Subject", "Type", "Person", "Due"),
        activity_rows(visit, found, back, types=True),
        names=1,
    )


def activity_rows(
    visit: Visit, found: list[Body], back: str, *, types: bool = False
) -> list[tuple[str, ...]]:
    """`back` is the page that the tick in a row leads back to. With `types` there is room for what the note says, too."""
    account, today = visit.account, visit.account.now()[:10]
    rows = []
    for body in found:
        person = account.records("person").get(account.id, body["person_id"] or 0)
        note = text(_without_tags(body["note"] or "")[:200]) if types else ""
        subject = text(body["subject"]) + (f'<div class="small note">{note}</div>' if note else "")
        kind = (text(body["type"]),) if types else ()
        due = f"<span class=nowrap>{day(body['due_date'], today)}</span>"
        rows.append((_tick(visit, body, back), subject, *kind, _person_link(visit, person), due))
    return rows


def _tick(visit: Visit, body: Body, back: str) -> str:
    address = visit.link(f"/activities/{body['id']}?back={quote(back)}")
    value, pressed, mark = ("no", "true", "✓") if body["done"] else ("yes", "false", "")
    return (
        f'<form method=post action="{address}"><button class=tick name=done value={value} aria-pressed={pressed} '
        f'aria-label="Done: {text(body["subject"])}">{mark}</button></form>'
    )


def _person_link(visit: Visit, person: Body | None) -> str:
    return "" if person is None else visit.anchor(f"/people/{person['id']}", person["name"])


def _without_tags(html_text: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html_text).split())


def change_activity(visit: Visit) -> web.Response:
    given = {"done": visit.form.get("done") == "yes"}
    activities.change(visit.account, visit.record_id, given, visit.actor)
    back = visit.query.get("back", "")
    return redirect(visit.link(back if BACK.fullmatch(back) else "/activities"))


def deliveries(visit: Visit) -> web.Response:
    rows = []
    for one in visit.sandbox.deliveries.recent(visit.account.id, PER_PAGE):
        outcome = one["status"] or one["error"] or one["state"]
        what = f"{one['action']} {one['entity']} {one['entity_id']}"
        rows.append(
            (
                rfc3339_milliseconds(one["created"]),
                text(what),
                one["webhook"],
                one["attempt"],
                one["state"],
                text(outcome),
            )
        )
    shown = table("Webhook deliveries", ("Time", "Event", "Webhook", "Attempt", "State", "Answer"), rows)
    webhooks = visit.account.records("webhook").where(visit.account.id, LIVE)
    own = [
        (
            one["id"],
            text(one["name"]),
            f"{one['event_action']}.{one['event_object']}",
            text(one["subscription_url"]),
        )
        for one in webhooks
    ]
    page = f"<h2>Webhooks</h2>{table('Webhooks', ('Id', 'Name', 'Event', 'Address'), own)}<h2>Deliveries</h2>{shown}"
    return html(company_page("Webhook deliveries", visit.account.company, "deliveries", page))


def calls(visit: Visit) -> web.Response:
    counters = visit.sandbox.counters
    rows = [(text(name), one.requests, one.tokens) for name, one in sorted(counters.endpoints.items())]
    clients = [(text(name), one.requests, one.tokens) for name, one in sorted(counters.clients.items())]
    limits = visit.sandbox.limits.described(visit.account.company)
    page = (
        f"<p>{limits['spent']:,} of {limits['budget']:,} tokens spent today, {limits['plan'].capitalize()} plan.</p>"
        f"<h2>By client</h2>{table('By client', ('Client', 'Requests', 'Tokens'), clients)}"
        f"<h2>By endpoint</h2>{table('By endpoint', ('Endpoint', 'Requests', 'Tokens'), rows)}"
    )
    return html(company_page("API calls", visit.account.company, "calls", page))


PAGES = {
    ("GET", "activities"): list_activities,
    ("POST", "activities/{id}"): change_activity,
    ("GET", "deliveries"): deliveries,
    ("GET", "calls"): calls,
}
