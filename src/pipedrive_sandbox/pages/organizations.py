"""The list of organizations, and one organization's page with its people and deals."""

from aiohttp import web

from pipedrive_sandbox import organizations
from pipedrive_sandbox.answers import Body, not_found
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.forms import field
from pipedrive_sandbox.pages.layout import company_page, html, redirect, table, text
from pipedrive_sandbox.pages.linked import deal_table
from pipedrive_sandbox.pages.lists import LIVE, PER_PAGE, activity_table, more, start_of
from pipedrive_sandbox.pages.words import moment
from pipedrive_sandbox.records import SHIFT, Condition


def list_organizations(visit: Visit) -> web.Response:
    account = visit.account
    after: Condition = ("key > ?", (account.id * SHIFT + start_of(visit),))
    found = account.records("organization").where(account.id, LIVE, after, limit=PER_PAGE + 1)
    rows = [
        (
            visit.anchor(f"/organizations/{body['id']}", body["name"]),
            text(body["address"] and body["address"]["value"]),
            f"{account.records('person').count(account.id, ('org_id = ?', (body['id'],)), LIVE):,}",
            moment(body["update_time"]),
        )
        for body in found[:PER_PAGE]
    ]
    shown = table("Organizations", ("Name", "Address", "People", "Updated"), rows)
    add = f'<details class="box pad"><summary>Add an organization</summary>{_form(visit, None)}</details>'
    page = shown + more(visit, "/organizations", found) + add
    return html(company_page("Organizations", account.company, "organizations", page))


def show_organization(visit: Visit) -> web.Response:
    account = visit.account
    body = account.records("organization").get(account.id, visit.record_id)
    if body is None:
        raise not_found("There is no such organization")
    here: Condition = ("org_id = ?", (body["id"],))
    people = account.records("person").where(account.id, here, LIVE, limit=PER_PAGE)
    rows = [
        (
            visit.anchor(f"/people/{person['id']}", person["name"]),
            text(", ".join(item["value"] for item in person["emails"])),
        )
        for person in people
    ]
    doings = account.records("activity").where(account.id, here, LIVE, limit=PER_PAGE, order="key DESC")
    deals = account.records("deal").where(account.id, here, LIVE, limit=PER_PAGE, order="key DESC")
    state = "<p class=problem>This organization is deleted.</p>" if body["is_deleted"] else ""
    saved = "<p class=ok role=status>Saved.</p>" if visit.query.get("saved") else ""
    back = f"/organizations/{body['id']}"
    delete_at = visit.link(f"/organizations/{body['id']}/delete")
    delete = (
        f'<form method=post action="{delete_at}"><button class=btn>Delete this organization</button></form>'
    )
    page = (
        f"<h2>{text(body['name'])}</h2>{saved}{state}<p class=muted>Organization {body['id']}, created "
        f"{moment(body['add_time'])}, updated {moment(body['update_time'])}</p><div class=two>"
        f'<section class="box pad">{_form(visit, body)}{"" if body["is_deleted"] else delete}</section>'
        f'<section class="stack"><h3>People</h3>{table("People", ("Name", "E-mail"), rows)}<h3>Deals</h3>'
        f"{deal_table(visit, deals)}<h3>Activities</h3>"
        f"{activity_table(visit, doings, back)}</section></div>"
    )
    return html(company_page(body["name"], account.company, "organizations", page))


def save_organization(visit: Visit) -> web.Response:
    form = visit.form
    given: Body = {key: form[key].strip() for key in ("name",) if key in form}
    given |= {key: form[key].strip() or None for key in ("website",) if key in form}
    if "address" in form:
        address = form["address"].strip()
        given["address"] = {"value": address} if address else None
    shape = organizations.CHANGE if visit.record_id else organizations.CREATE
    shape.enforce(given)
    if visit.record_id:
        body = organizations.change(visit.account, visit.record_id, given, visit.actor)
    else:
        body = organizations.create(visit.account, given, visit.actor)
    return redirect(visit.link(f"/organizations/{body['id']}?saved=1"))


def delete_organization(visit: Visit) -> web.Response:
    organizations.delete(visit.account, visit.record_id, visit.actor)
    return redirect(visit.link("/organizations"))


def _form(visit: Visit, body: Body | None) -> str:
    action = visit.link(f"/organizations/{body['id']}" if body else "/organizations")
    known: Body = body or {"name": "", "address": None, "website": None}
    inputs = (
        field("name", "Name", known["name"]),
        field("address", "Address", known["address"] and known["address"]["value"]),
        field("website", "Website", known["website"]),
    )
    return f'<form class=pad method=post action="{action}">{"".join(inputs)}<button class="btn primary">Save</button></form>'


PAGES = {
    ("GET", "organizations"): list_organizations,
    ("POST", "organizations"): save_organization,
    ("GET", "organizations/{id}"): show_organization,
    ("POST", "organizations/{id}"): save_organization,
    ("POST", "organizations/{id}/delete"): delete_organization,
}
