"""The list of people with its search, and one person's page with a form to edit."""

from typing import Any
from urllib.parse import quote

from aiohttp import web

from pipedrive_sandbox import fields, persons
from pipedrive_sandbox.answers import Body, not_found
from pipedrive_sandbox.call import whole_number
from pipedrive_sandbox.pages.context import Visit
from pipedrive_sandbox.pages.forms import field
from pipedrive_sandbox.pages.latest import changed_by
from pipedrive_sandbox.pages.layout import company_page, html, redirect, text
from pipedrive_sandbox.pages.linked import linked_to
from pipedrive_sandbox.pages.lists import start_of
from pipedrive_sandbox.pages.words import moment
from pipedrive_sandbox.records import SHIFT, Condition
from pipedrive_sandbox.search import find

PER_PAGE = 50
MOST_TO_SCAN = 20_000
EDITABLE_TYPES = ("varchar", "varchar_auto", "text", "phone", "date", "double", "enum", "set")


def list_people(visit: Visit) -> web.Response:
    account, term = visit.account, visit.query.get("q", "").strip()
    start = start_of(visit)
    conditions: list[Condition] = [persons.LIVE]
    if term:
        conditions.append(_search(visit, term))
    conditions.append(("key > ?", (account.id * SHIFT + start,)))
    total = account.records("person").count(account.id, *conditions[:-1])
    found = account.records("person").where(account.id, *conditions, limit=PER_PAGE + 1)
    rows = "".join(_row(visit, person) for person in found[:PER_PAGE])
    more = ""
    if len(found) > PER_PAGE:
        next_page = visit.link(f"/people?q={quote(term)}&start={found[PER_PAGE - 1]['id']}")
        more = f'<p><a href="{next_page}">Next {PER_PAGE}</a></p>'
    body = (
        f'<form class=row role=search><input type=hidden name=company value="{account.id}">'
        f'<input class=input type=search name=q value="{text(term)}" aria-label="Search people">'
        f'<button class=btn>Search</button><span class="muted push">{total:,} people</span></form>'
        '<div class=scroll tabindex=0 role=region aria-label="People, table"><table class=table><thead><tr>'
        "<th scope=col>Name<th scope=col>E-mail<th scope=col>Phone<th scope=col>Organization<th scope=col>Updated"
        f"</thead><tbody>{rows}</tbody></table></div>{more}"
        f'<details class="box pad"><summary>Add a person</summary>{_form(visit, None)}</details>'
    )
    return html(company_page("People", account.company, "people", body))


def _search(visit: Visit, term: str) -> Condition:
    """Names and addresses that hold the term: looked up afresh, or in the search index where that takes too long."""
    account = visit.account
    if account.records("person").count(account.id, persons.LIVE) > MOST_TO_SCAN:
        hits = find(account, ["person"], ["name", "email"], term, False)[: 10 * PER_PAGE]
        keys = tuple(hit.key for hit in hits)
        return f"key IN ({', '.join('?' * len(keys))})", keys
    like = "%" + term.casefold().replace("%", "\\%").replace("_", "\\_") + "%"
    return (
        "(json_extract(body, '$.name') LIKE ? ESCAPE '\\' OR json_extract(body, '$.emails') LIKE ? ESCAPE '\\')",
        (like, like),
    )


def _row(visit: Visit, person: Body) -> str:
    organization = visit.account.records("organization").get(visit.account.id, person["org_id"] or 0)
    cells = (
        ", ".join(item["value"] for item in person["emails"]),
        ", ".join(item["value"] for item in person["phones"]),
        "" if organization is None else organization["name"],
        moment(person["update_time"]),
    )
    link = visit.link(f"/people/{person['id']}")
    return f'<tr><th scope=row><a href="{link}">{text(person["name"])}</a>' + "".join(
        f"<td>{text(cell)}" for cell in cells
    )


def show_person(visit: Visit) -> web.Response:
    person = visit.account.records("person").get(visit.account.id, visit.record_id)
    if person is None:
        raise not_found("There is no such person")
    state = "<p class=problem>This person is deleted.</p>" if person["is_deleted"] else ""
    saved = "<p class=ok role=status>Saved.</p>" if visit.query.get("saved") else ""
    deed = "restore" if person["is_deleted"] else "delete"
    deed_at = visit.link(f"/people/{person['id']}/{deed}")
    button = f"<button class=btn>{deed.capitalize()} this person</button>"
    body = (
        f"<h2>{text(person['name'])}</h2>{saved}{state}<p class=muted>Person {person['id']}, created "
        f"{moment(person['add_time'])}, updated {moment(person['update_time'])}. Changed by: "
        f"{text(changed_by(visit, 'person', person))}</p><div class=two>"
        f'<section class="box pad">{"" if person["is_deleted"] else _form(visit, person)}'
        f'<form method=post action="{deed_at}">{button}</form></section>'
        f"<section class=stack>{linked_to(visit, person)}</section></div>"
    )
    return html(company_page(person["name"], visit.account.company, "people", body))


def save_person(visit: Visit) -> web.Response:
    given = _given(visit)
    if visit.record_id:
        person = persons.change(visit.account, visit.record_id, given, visit.actor)
    else:
        person = persons.create(visit.account, given, visit.actor)
    return redirect(visit.link(f"/people/{person['id']}?saved=1"))


def delete_person(visit: Visit) -> web.Response:
    persons.delete(visit.account, visit.record_id, visit.actor)
    return redirect(visit.link("/people"))


def restore_person(visit: Visit) -> web.Response:
    persons.restore(visit.account, visit.record_id, visit.actor)
    return redirect(visit.link(f"/people/{visit.record_id}?saved=1"))


def _form(visit: Visit, person: Body | None) -> str:
    action = visit.link(f"/people/{person['id']}" if person else "/people")
    values: Body = person or {"emails": [], "phones": [], "custom_fields": {}, "org_id": None}
    inputs = [
        field("first_name", "First name", values.get("first_name")),
        field("last_name", "Last name", values.get("last_name")),
        field("emails", "E-mails, separated by commas", _joined(values["emails"])),
        field("phones", "Phones, separated by commas", _joined(values["phones"])),
        _organization(visit, values["org_id"]),
    ]
    for definition in fields.field_set(visit.account, "person").custom.values():
        if definition["field_type"] in EDITABLE_TYPES:
            value = values["custom_fields"].get(definition["field_code"])
            inputs.append(_custom_input(definition, value))
    return f'<form class=pad method=post action="{action}">{"".join(inputs)}<button class="btn primary">Save</button></form>'


def _joined(items: list[Body]) -> str:
    return ", ".join(item["value"] for item in sorted(items, key=lambda item: not item["primary"]))


def _organization(visit: Visit, org_id: int | None) -> str:
    records = visit.account.records("organization")
    known = records.where(visit.account.id, persons.LIVE, limit=500)
    options = "".join(
        f'<option value="{one["id"]}"{" selected" if one["id"] == org_id else ""}>{text(one["name"])}</option>'
        for one in known
    )
    return (
        '<div class=field><label for="org_id">Organization</label><select class=select id="org_id" name="org_id">'
        f'<option value="">None</option>{options}</select></div>'
    )


def _custom_input(definition: Body, value: Any) -> str:
    name, kind = definition["field_code"], definition["field_type"]
    if kind not in ("enum", "set"):
        html_kind = {"date": "date", "double": "number"}.get(kind, "text")
        return field(name, definition["field_name"], value, html_kind)
    chosen = value if isinstance(value, list) else [value]
    options = "".join(
        f'<option value="{option["id"]}"{" selected" if option["id"] in chosen else ""}>{text(option["label"])}</option>'
        for option in definition["options"]
    )
    rows = min(8, len(definition["options"]))
    many, empty = (f" multiple size={rows}", "") if kind == "set" else ("", '<option value=""></option>')
    none = f'<input type=hidden name="{name}" value="">' if kind == "set" else ""
    return (
        f'<div class=field><label for="{name}">{text(definition["field_name"])}</label>{none}'
        f'<select class=select id="{name}" name="{name}"{many}>{empty}{options}</select></div>'
    )


def _given(visit: Visit) -> Body:
    """The form as the body of a write; a field that the form does not name stays as it is."""
    form = visit.form
    given: Body = {key: form[key].strip() or None for key in ("first_name", "last_name") if key in form}
    for key in ("emails", "phones"):
        if key in form:
            given[key] = [{"value": part.strip()} for part in form[key].split(",") if part.strip()]
    if "org_id" in form:
        given["org_id"] = whole_number(form["org_id"])
    custom: Body = {}
    for code, definition in fields.field_set(visit.account, "person").custom.items():
        if code in form:
            custom[code] = _typed(definition["field_type"], form[code].strip(", "))
    return given | ({"custom_fields": custom} if custom else {})


def _typed(kind: str, value: str) -> Any:
    if not value:
        return None
    if kind == "enum":
        return int(value)
    if kind == "set":
        return [int(part) for part in value.split(",") if part]
    return float(value) if kind == "double" else value


PAGES = {
    ("GET", "people"): list_people,
    ("POST", "people"): save_person,
    ("GET", "people/{id}"): show_person,
    ("POST", "people/{id}"): save_person,
    ("POST", "people/{id}/delete"): delete_person,
    ("POST", "people/{id}/restore"): restore_person,
}
