"""The deal board: one column a stage, deals that can be dragged, and a form in each for who has no script."""

from aiohttp import web

from pipedrive_sandbox import deals
from pipedrive_sandbox.answers import Body, not_found
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.layout import company_page, html, redirect, text
from pipedrive_sandbox.pages.trouble import tools
from pipedrive_sandbox.pipelines import pipelines, stages_of
from pipedrive_sandbox.records import Condition

LIVE: Condition = ("is_deleted = 0", ())
OPEN: Condition = ("status = 'open'", ())
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
    columns = [(stage, _deals_in(visit, stage)) for stage in stages]
    options = "".join(
        f'<option value="{one["id"]}"{" selected" if one is current else ""}>{text(one["name"])}</option>'
        for one in every
    )
    count = sum(len(found) for _, found in columns)
    limits = visit.sandbox.limits
    budget = f"{limits.spent_today(account.id):,} of {limits.budget(account.company):,}"
    body = (
        f'<form class=row><input type=hidden name=company value="{account.id}"><label class=row>Pipeline '
        f"<select class=select name=pipeline>{options}</select></label><button class=btn>Show</button>"
        f"<span class=muted>{count} open deals</span><span class='muted push'>Budget used {budget} tokens</span></form>"
        '<div class=board tabindex=0 role=region aria-label="Deal board, scrolls sideways">'
        + "".join(_column(visit, stage, found, stages) for stage, found in columns)
        + "</div>"
    )
    return html(company_page("Deals", account.company, "deals", body, script=SCRIPT, tools=tools(visit)))


def _deals_in(visit: Visit, stage: Body) -> list[Body]:
    here: Condition = ("stage_id = ?", (stage["id"],))
    return visit.account.records("deal").where(
        visit.account.id, here, LIVE, OPEN, deals.NOT_ARCHIVED, limit=MOST_IN_COLUMN
    )


def _column(visit: Visit, stage: Body, found: list[Body], stages: list[Body]) -> str:
    total = sum(deal["value"] for deal in found)
    noun = "deal" if len(found) == 1 else "deals"
    cards = "".join(_card(visit, deal, stages) for deal in found)
    return (
        f'<section class=column data-stage="{stage["id"]}" aria-label="{text(stage["name"])}"><header>'
        f"<h2>{text(stage['name'])}</h2><p>{len(found)} {noun}, {total:,} {visit.account.company['currency']}</p>"
        f"</header><ul>{cards}</ul></section>"
    )


def _card(visit: Visit, deal: Body, stages: list[Body]) -> str:
    account = visit.account
    person = account.records("person").get(account.id, deal["person_id"] or 0)
    organization = account.records("organization").get(account.id, deal["org_id"] or 0)
    move_to = visit.link(f"/deals/{deal['id']}")
    options = "".join(
        f'<option value="{stage["id"]}"{" selected" if stage["id"] == deal["stage_id"] else ""}>{text(stage["name"])}'
        "</option>"
        for stage in stages
    )
    title = text(deal["title"])
    if person is not None:
        address = visit.link(f"/people/{person['id']}")
        title = f'<a href="{address}">{title}</a>'
    return (
        f'<li class=deal draggable=true data-move="{move_to}"><h3>{title}</h3>'
        f"<p>{text(organization and organization['name'])}</p><p>{deal['value']:,} {deal['currency']}</p>"
        f'<form method=post action="{move_to}"><select class=select name=stage_id aria-label="Stage of {text(deal["title"])}">'
        f"{options}</select><button class=btn>Move</button><button class=btn name=status value=won>Won</button>"
        "<button class=btn name=status value=lost>Lost</button></form></li>"
    )


def change_deal(visit: Visit) -> web.Response:
    """Move a deal to a stage, or end it."""
    given: Body = {}
    if visit.form.get("status") in deals.STATUSES:
        given["status"] = visit.form["status"]
    elif visit.form.get("stage_id", "").isdigit():
        given["stage_id"] = int(visit.form["stage_id"])
    if visit.account.records("deal").get(visit.account.id, visit.record_id) is None:
        raise not_found("There is no such deal")
    deal = deals.change(visit.account, visit.record_id, given, visit.actor)
    return redirect(visit.link(f"/deals?pipeline={deal['pipeline_id']}"))


PAGES = {("GET", "deals"): board, ("POST", "deals/{id}"): change_deal}
