"""The plain lists: organizations, activities, webhook deliveries and API calls."""

from aiohttp import web

from pipedrive_sandbox import activities
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import rfc3339_milliseconds
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.layout import company_page, html, redirect, table, text
from pipedrive_sandbox.records import SHIFT, Condition

LIVE: Condition = ("is_deleted = 0", ())
PER_PAGE = 50


def _start(visit: Visit) -> int:
    given = visit.query.get("start", "0")
    return int(given) if given.isdigit() else 0


def _more(visit: Visit, path: str, found: list[Body]) -> str:
    if len(found) <= PER_PAGE:
        return ""
    address = visit.link(f"{path}?start={found[PER_PAGE - 1]['id']}")
    return f'<p><a href="{address}">Next {PER_PAGE}</a></p>'


def organizations(visit: Visit) -> web.Response:
    account = visit.account
    after: Condition = ("key > ?", (account.id * SHIFT + _start(visit),))
    found = account.records("organization").where(account.id, LIVE, after, limit=PER_PAGE + 1)
    rows = [
        (
            text(body["name"]),
            text(body["address"] and body["address"]["value"]),
            account.records("person").count(account.id, ("org_id = ?", (body["id"],)), LIVE),
            body["update_time"],
        )
        for body in found[:PER_PAGE]
    ]
    shown = table("Organizations", ("Name", "Address", "People", "Updated"), rows)
    page = shown + _more(visit, "/organizations", found)
    return html(company_page("Organizations", account.company, "organizations", page))


def list_activities(visit: Visit) -> web.Response:
    account = visit.account
    before = _start(visit) or SHIFT
    older: Condition = (
        "key < ?",
        (account.id * SHIFT + before if before < SHIFT else (account.id + 1) * SHIFT,),
    )
    found = account.records("activity").where(account.id, LIVE, older, limit=PER_PAGE + 1, order="key DESC")
    page = activity_table(visit, found[:PER_PAGE]) + _more(visit, "/activities", found)
    return html(company_page("Activities", account.company, "activities", page))


def activity_table(visit: Visit, found: list[Body]) -> str:
    rows = []
    for body in found:
        person = visit.account.records("person").get(visit.account.id, body["person_id"] or 0)
        done = (
            f'<form method=post action="{visit.link("/activities/" + str(body["id"]))}">'
            f'<button class="btn small" name=done value="{"no" if body["done"] else "yes"}">'
            f"{'Done' if body['done'] else 'To do'}</button></form>"
        )
        note = text(body["note"])[:200]
        subject = text(body["subject"]) + (f"<div class=small>{note}</div>" if note else "")
        rows.append(
            (done, subject, text(body["type"]), text(person and person["name"]), text(body["due_date"]))
        )
    return table("Activities", ("Done", "Subject", "Type", "Person", "Due"), rows)


def change_activity(visit: Visit) -> web.Response:
    given = {"done": visit.form.get("done") == "yes"}
    body = activities.change(visit.account, visit.record_id, given, visit.actor)
    back = f"/people/{body['person_id']}" if body["person_id"] and visit.query.get("back") else "/activities"
    return redirect(visit.link(back))


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
    ("GET", "organizations"): organizations,
    ("GET", "activities"): list_activities,
    ("POST", "activities/{id}"): change_activity,
    ("GET", "deliveries"): deliveries,
    ("GET", "calls"): calls,
}
