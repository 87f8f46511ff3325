"""The deal board: one column a stage, deals that can be dragged, and a form in each for who has no script."""

from aiohttp import web

from pipedrive_sandbox import deals
from pipedrive_sandbox.answers import Body, not_found
from pipedrive_sandbox.call import whole_number
from pipedrive_sandbox.pages import latest
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.layout import company_page, html, icon, redirect, text
from pipedrive_sandbox.pages.trouble import tools
from pipedrive_sandbox.pages.words import day, money, plural
from pipedrive_sandbox.pipelines import pipelines, stages_of
from pipedrive_sandbox.records import Condition

LIVE: Condition = ("is_deleted = 0", ())
OPEN: Condition = ("status = 'open'", ())
TO_DO: Condition = ("done = 0", ())
MOST_IN_COLUMN = 100
SCRIPT = '<script src="/static/board.js" defer></script>'


def board(visit: Visit) -> web.Response:
    account = visit.account
    every = pipelines(account)
    wanted = visit.query.get("pipeline", "")
    current = next((one for one in every if str(one["id"]) == wanted), every[0] if every else None)
    if current is None:
        return html(company_page("Deals", account.company, "deals", "<p>This company has no pipeline.</p>"))
    stages = stages_of(account, current["id"])
    columns = "".join(_column(visit, stage, stages) for stage in stages)
    body = (
        _head(visit, every, current)
        + '<div class=board tabindex=0 role=region aria-label="Deal board, scrolls sideways">'
        + columns
        + "</div>"
        + latest.panels(visit)
    )
    return html(company_page("Deals", account.company, "deals", body, script=SCRIPT, tools=tools(visit)))


def _head(visit: Visit, every: list[Body], current: Body) -> str:
    """The choice of the pipeline, and what the company has spent and registered."""
    account, limits = visit.account, visit.sandbox.limits
    options = "".join(
        f'<option value="{one["id"]}"{" selected" if one is current else ""}>{text(one["name"])}</option>'
        for one in every
    )
    count, total = _sum(visit, ("pipeline_id = ?", (current["id"],)))
    budget = f"{limits.spent_today(account.id):,} of {limits.budget(account.company):,}"
    webhooks = account.records("webhook").count(account.id, LIVE)
    return (
        f'<form class=row><input type=hidden name=company value="{account.id}"><label class=row>Pipeline '
        f"<select class=select name=pipeline>{options}</select></label><button class=btn>Show</button>"
        f"<span class=muted>{plural(count, 'open deal')}, {money(total, account.company['currency'])}</span>"
        f"<span class='muted push'>Budget used {budget} tokens, {plural(webhooks, 'webhook')} registered</span></form>"
    )


def _sum(visit: Visit, where: Condition) -> tuple[int, float]:
    deals_there = (where, LIVE, OPEN, deals.NOT_ARCHIVED)
    records = visit.account.records("deal")
    return records.count(visit.account.id, *deals_there), records.total(
        visit.account.id, "value", *deals_there
    )


def _column(visit: Visit, stage: Body, stages: list[Body]) -> str:
    account = visit.account
    here: Condition = ("stage_id = ?", (stage["id"],))
    count, total = _sum(visit, here)
    found = account.records("deal").where(
        account.id, here, LIVE, OPEN, deals.NOT_ARCHIVED, limit=MOST_IN_COLUMN
    )
    cards = "".join(_card(visit, deal, stages) for deal in found)
    more = f"<p class=small>and {count - len(found):,} more</p>" if count > len(found) else ""
    return (
        f'<section class=column data-stage="{stage["id"]}" aria-label="{text(stage["name"])}"><header>'
        f"<h2>{text(stage['name'])}</h2><p>{plural(count, 'deal')}, {money(total, account.company['currency'])}</p>"
        f"</header><ul>{cards}</ul>{more}</section>"
    )


def _card(visit: Visit, deal: Body, stages: list[Body]) -> str:
    account = visit.account
    person = account.records("person").get(account.id, deal["person_id"] or 0)
    organization = account.records("organization").get(account.id, deal["org_id"] or 0)
    owner = account.records("user").get(account.id, deal["owner_id"]) or {"name": ""}
    title = text(deal["title"])
    if person is not None:
        title = visit.anchor(f"/people/{person['id']}", deal["title"])
    worth = ", ".join(filter(None, (money(deal["value"], deal["currency"]), owner["name"].split(" ")[0])))
    return (
        f'<li class=deal draggable=true data-move="{visit.link("/deals/" + str(deal["id"]))}"><h3>{title}</h3>'
        f"<p>{text(organization and organization['name'])}</p><p>{text(worth)}</p>"
        f"<p class=todo>{_next_activity(visit, deal)}</p>{_moving(visit, deal, stages)}</li>"
    )


def _next_activity(visit: Visit, deal: Body) -> str:
    account, today = visit.account, visit.account.now()[:10]
    this: Condition = ("deal_id = ?", (deal["id"],))
    found = account.records("activity").where(account.id, this, LIVE, TO_DO, limit=1, order="due_date, key")
    if not found:
        return f"{icon('none')}No activity planned"
    due = found[0]["due_date"]
    when = day(due, today).replace("Today", "today")
    late = ", overdue" if due and due < today else ""
    return icon("task") + text(found[0]["subject"]) + (f", {when}{late}" if when else "")


def _moving(visit: Visit, deal: Body, stages: list[Body]) -> str:
    """What dragging does, as a form; and the ways a deal leaves the board."""
    options = "".join(
        f'<option value="{stage["id"]}"{" selected" if stage["id"] == deal["stage_id"] else ""}>{text(stage["name"])}'
        "</option>"
        for stage in stages
    )
    label = text(deal["title"])
    return (
        f'<details><summary aria-label="Move or end {label}">Move or end</summary>'
        f'<form method=post action="{visit.link("/deals/" + str(deal["id"]))}">'
        f'<select class=select name=stage_id aria-label="Stage of {label}">{options}</select>'
        "<button class=btn>Move</button><button class=btn name=status value=won>Won</button>"
        "<button class=btn name=status value=lost>Lost</button><button class=btn name=archive value=yes>Archive</button>"
        "<button class=btn name=delete value=yes>Delete</button></form></details>"
    )


def change_deal(visit: Visit) -> web.Response:
    """Move a deal to a stage, end it, put it away or delete it."""
    deal = visit.account.live("deal", visit.record_id)
    if deal is None:
        raise not_found("There is no such deal")
    given: Body = {}
    if visit.form.get("delete"):
        deals.delete(visit.account, visit.record_id, visit.actor)
    elif visit.form.get("archive"):
        given = {"is_archived": True}
    elif visit.form.get("status") in deals.STATUSES:
        given = {"status": visit.form["status"]}
    elif stage_id := whole_number(visit.form.get("stage_id", "")):
        given = {"stage_id": stage_id}
    if given:
        deals.change(visit.account, visit.record_id, given, visit.actor)
    return redirect(visit.link(f"/deals?pipeline={deal['pipeline_id']}"))


PAGES = {("GET", "deals"): board, ("POST", "deals/{id}"): change_deal}
