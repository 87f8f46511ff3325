"""What hangs on a person: activities, deals and notes, forms to add some, and the merge into another person."""

import math

from aiohttp import web

from pipedrive_sandbox import activities, deals, merges, notes
from pipedrive_sandbox.answers import Body, bad_request, not_found
from pipedrive_sandbox.call import whole_number
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.forms import choice, field
from pipedrive_sandbox.pages.layout import redirect, table, text
from pipedrive_sandbox.pages.lists import LIVE, PER_PAGE, activity_table
from pipedrive_sandbox.pages.words import moment, money
from pipedrive_sandbox.pipelines import pipelines, stages_of
from pipedrive_sandbox.records import Condition


def linked_to(visit: Visit, person: Body) -> str:
    back = f"/people/{person['id']}"
    add = "" if person["is_deleted"] else _adding(visit, person)
    return (
        f"<h3>Activities</h3>{activity_table(visit, _linked(visit, 'activity'), back)}"
        f"<h3>Deals</h3>{deal_table(visit, _linked(visit, 'deal'))}<h3>Notes</h3>{_notes(visit)}{add}"
    )


def _linked(visit: Visit, kind: str) -> list[Body]:
    this: Condition = ("person_id = ?", (visit.record_id,))
    return visit.account.records(kind).where(visit.account.id, this, LIVE, limit=PER_PAGE, order="key DESC")


def deal_table(visit: Visit, found: list[Body]) -> str:
    rows = []
    for deal in found:
        stage = visit.account.records("stage").get(visit.account.id, deal["stage_id"])
        title = visit.anchor(f"/deals?pipeline={deal['pipeline_id']}", deal["title"])
        state = deal["status"] + (", archived" if deal["is_archived"] else "")
        rows.append((title, money(deal["value"], deal["currency"]), text(stage and stage["name"]), state))
    return table("Deals", ("Title", "Value", "Stage", "Status"), rows)


def _notes(visit: Visit) -> str:
    rows = [(text(note["content"]), moment(note["add_time"])) for note in _linked(visit, "note")]
    return table("Notes", ("Note", "Written"), rows)


def _adding(visit: Visit, person: Body) -> str:
    base = f"/people/{person['id']}"
    account = visit.account
    kinds = [
        (kind["key_string"], kind["name"])
        for kind in account.records("activity_type").where(account.id, LIVE)
    ]
    stages = [
        (stage["id"], f"{pipeline['name']}: {stage['name']}")
        for pipeline in pipelines(account)
        for stage in stages_of(account, pipeline["id"])
    ]
    activity = field("subject", "Subject", "", prefix="a-") + choice("type", "Type", kinds, prefix="a-")
    activity += field("due_date", "Due", account.now()[:10], "date", prefix="a-")
    deal = field("title", "Title", f"{person['name']} deal", prefix="d-")
    deal += choice("stage_id", "Stage", stages, prefix="d-") + field(
        "value", "Value", 0, "number", prefix="d-"
    )
    into = field("merge_with_id", "Number of the person who stays", "", "number", prefix="m-")
    forms = (
        ("Add an activity", f"{base}/activities", activity),
        ("Add a deal", f"{base}/deals", deal),
        ("Add a note", f"{base}/notes", field("content", "Note", "", prefix="n-")),
        ("Merge into another person", f"{base}/merge", into),
    )
    return "".join(_folded(visit, label, action, inputs) for label, action, inputs in forms)


def _folded(visit: Visit, label: str, action: str, inputs: str) -> str:
    return (
        f'<details class="box pad"><summary>{label}</summary><form class=pad method=post action="{visit.link(action)}">'
        f"{inputs}<div><button class=btn>{label}</button></div></form></details>"
    )


def _person(visit: Visit) -> Body:
    person = visit.account.live("person", visit.record_id)
    if person is None:
        raise not_found("There is no such person")
    return person


def _back(visit: Visit, number: int) -> web.Response:
    return redirect(visit.link(f"/people/{number}?saved=1"))


def add_activity(visit: Visit) -> web.Response:
    person, form = _person(visit), visit.form
    given: Body = {
        "subject": form.get("subject", "").strip(),
        "type": form.get("type", ""),
        "due_date": form.get("due_date") or None,
        "org_id": person["org_id"],
        "participants": [{"person_id": person["id"], "primary": True}],
    }
    activities.create(visit.account, activities.CHANGE.enforce(given), visit.actor)
    return _back(visit, person["id"])


def add_deal(visit: Visit) -> web.Response:
    person, form = _person(visit), visit.form
    given: Body = {
        "title": form.get("title", ""),
        "person_id": person["id"],
        "org_id": person["org_id"],
        "value": _number(form.get("value", "")),
    }
    if stage_id := whole_number(form.get("stage_id", "")):
        given["stage_id"] = stage_id
    deals.create(visit.account, deals.CREATE.enforce(given), visit.actor)
    return _back(visit, person["id"])


def _number(given: str) -> float:
    try:
        value = float(given or 0)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise bad_request("The value is not a number.")
    return int(value) if value.is_integer() else value


def add_note(visit: Visit) -> web.Response:
    person = _person(visit)
    notes.create(
        visit.account, {"content": visit.form.get("content", ""), "person_id": person["id"]}, visit.actor
    )
    return _back(visit, person["id"])


def merge_person(visit: Visit) -> web.Response:
    other = whole_number(visit.form.get("merge_with_id", "").strip())
    if other is None:
        raise bad_request("Give the number of the person who stays.")
    kept = merges.merge(visit.account, "person", visit.record_id, other, visit.actor)
    return _back(visit, kept["id"])


PAGES = {
    ("POST", "people/{id}/activities"): add_activity,
    ("POST", "people/{id}/deals"): add_deal,
    ("POST", "people/{id}/notes"): add_note,
    ("POST", "people/{id}/merge"): merge_person,
}
