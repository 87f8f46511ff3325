"""Search in API v2: of persons, organizations, deals, leads and of all at once, and by one field.

Hits come from the index, which is late and keeps deleted records without saying so. `exact_match` is deaf to case;
the search by one field is not.
"""

from dataclasses import dataclass
from typing import Any

from pipedrive_sandbox import checks, search_index
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, ApiError, Body, invalid
from pipedrive_sandbox.call import Call, Handler, Route
from pipedrive_sandbox.listing import Reader
from pipedrive_sandbox.records import SHIFT, Order, cursor_to, read_cursor

MOST_FOUND = 2_000
FIELDS: dict[str, tuple[str, ...]] = {
    "person": ("name", "email", "phone", "notes", "custom_fields"),
    "organization": ("name", "address", "notes", "custom_fields"),
    "deal": ("title", "notes", "custom_fields"),
    "lead": ("title", "notes", "custom_fields"),
}
EXTRAS = {
    "person": ("person.picture",),
    "organization": (),
    "deal": ("deal.cc_email",),
    "lead": ("lead.was_seen",),
}
ALL_TYPES = ("deal", "person", "organization", "product", "lead", "file", "mail_attachment", "project")
ALL_FIELDS = ("address", "code", "custom_fields", "email", "name", "notes", "phone", "title", "description")
OWN_FILTERS: dict[str, dict[str, str]] = {
    "person": {"organization_id": "org_id"},
    "organization": {},
    "deal": {"person_id": "person_id", "organization_id": "org_id"},
    "lead": {"person_id": "person_id", "organization_id": "organization_id"},
}


@dataclass(frozen=True)
class Hit:
    kind: str
    key: int
    score: float


def _scoped(kind: str) -> Handler:
    def handler(call: Call) -> Answer:
        reader = Reader(call.query)
        names = {"term", "fields", "exact_match", "include_fields", "limit", "cursor", *OWN_FILTERS[kind]}
        reader.allow(names | ({"status"} if kind == "deal" else set()))
        reader.names("include_fields", EXTRAS[kind])
        exact = bool(reader.boolean("exact_match"))
        fields = reader.names("fields", FIELDS[kind]) or list(FIELDS[kind])
        wanted = {key: reader.integer(name) for name, key in OWN_FILTERS[kind].items()}
        status = reader.choice("status", ("open", "won", "lost")) if kind == "deal" else None
        limit = reader.limit(call.account.state.switches, call.account.state.switches["search_limit"])
        term = _term(reader, 1 if exact else 2)
        reader.done()
        hits = find(call.account, [kind], fields, term, exact)
        conditions = {key: value for key, value in {**wanted, "status": status}.items() if value is not None}
        shown, cursor = _page(call, hits, limit, conditions)
        return _answered({"items": _items(call.account, shown)}, cursor)

    return handler


def search_items(call: Call) -> Answer:
    reader = Reader(call.query)
    reader.allow(
        {
            *("term", "item_types", "fields", "search_for_related_items", "exact_match", "include_fields"),
            *("limit", "cursor"),
        }
    )
    kinds = reader.names("item_types", ALL_TYPES) or list(ALL_TYPES)
    fields = reader.names("fields", ALL_FIELDS) or list(ALL_FIELDS)
    reader.names("include_fields", ("deal.cc_email", "person.picture", "product.price"))
    related = bool(reader.boolean("search_for_related_items"))
    exact = bool(reader.boolean("exact_match"))
    limit = reader.limit(call.account.state.switches, 100)
    term = _term(reader, 1 if exact else 2)
    reader.done()
    hits = find(call.account, [kind for kind in kinds if kind in FIELDS], fields, term, exact)
    shown, cursor = _page(call, hits, limit, {})
    found = {"items": _items(call.account, shown)}
    found["related_items"] = _items(call.account, _related(call.account, shown)) if related else []
    return _answered(found, cursor)


def search_field(call: Call) -> Answer:
    reader = Reader(call.query)
    reader.allow({"term", "entity_type", "match", "field", "limit", "cursor"})
    kind = reader.choice("entity_type", ("deal", "lead", "person", "organization", "product", "project"))
    match = reader.choice("match", ("exact", "beginning", "middle")) or "exact"
    limit = reader.limit(call.account.state.switches, call.account.state.switches["search_limit"])
    term = _term(reader, 1 if match == "exact" else 2)
    for name, value in (("entity_type", kind), ("field", call.query.get("field"))):
        if not value and not any(key == name for key, _ in reader.problems):
            reader.problems.append((name, "Required parameter is missing"))
    reader.done()
    if kind not in FIELDS:
        return _answered([], None)
    field = _field_name(call.account, kind, call.query["field"])
    rows = _matching_case(call.account, kind, field, term, match)
    name = "title" if kind in ("deal", "lead") else "name"
    start = _offset(call)
    shown = [
        {"id": _public_id(call.account, kind, key), name: value}
        for key, value in rows[start : start + limit]
        if _is_visible(call.account, kind, key)
    ]
    cursor = _cursor(start + limit) if len(rows) > start + limit else None
    return _answered(shown, cursor)


def _term(reader: Reader, shortest: int) -> str:
    term = reader.query.get("term", "").strip()
    if not term:
        raise ApiError(
            400,
            {
                "success": False,
                "error": "[ERR_INVALID_INPUT] term not allowed to be empty",
                "error_info": "Please check developers.pipedrive.com",
                "data": None,
                "additional_data": None,
            },
        )
    if "\0" in term:
        reader.problems.append(("term", checks.not_a("string")))
    if len(term) < shortest:
        reader.problems.append(("term", f"The value must be at least {shortest} characters long"))
    return term


def find(account: Account, kinds: list[str], fields: list[str], term: str, exact: bool) -> list[Hit]:
    """The records of these kinds whose entries match, best first."""
    search_index.catch_up(account.state)
    folded = term.casefold()
    compare = "folded = ?" if exact else "folded LIKE ? ESCAPE '\\'"
    value = folded if exact else f"%{_escaped(folded)}%"
    wanted = [field for field in fields if field != "custom_fields"]
    by_field = f"field IN ({', '.join('?' * len(wanted))})" if wanted else "0"
    if "custom_fields" in fields:
        by_field = f"({by_field} OR field LIKE 'custom_fields.%')"
    low, high = account.id * SHIFT, (account.id + 1) * SHIFT
    rows = account.state.database.execute(
        f"SELECT kind, key, min(length(folded)) FROM search_entry WHERE {compare} AND {by_field}"  # noqa: S608
        f" AND kind IN ({', '.join('?' * len(kinds))}) AND key BETWEEN ? AND ? GROUP BY kind, key LIMIT ?",
        (value, *wanted, *kinds, low, high, MOST_FOUND),
    )
    hits = [Hit(kind, key, round(1.2 * len(folded) / max(length, 1), 5)) for kind, key, length in rows]
    return sorted(hits, key=lambda hit: (-hit.score, hit.kind, hit.key))


def _page(
    call: Call, hits: list[Hit], limit: int, conditions: dict[str, Any]
) -> tuple[list[Hit], str | None]:
    """The hits of one page that the caller may see, and the cursor of the next."""
    kept = [hit for hit in hits if _fits(call.account, hit, conditions)]
    start = _offset(call)
    return kept[start : start + limit], _cursor(start + limit) if len(kept) > start + limit else None


def _items(account: Account, hits: list[Hit]) -> list[Body]:
    return [{"result_score": hit.score, "item": item(account, hit)} for hit in hits]


def _answered(data: Any, cursor: str | None) -> Answer:
    return Answer({"success": True, "data": data, "additional_data": {"next_cursor": cursor}})


def _fits(account: Account, hit: Hit, conditions: dict[str, Any]) -> bool:
    body = account.records(hit.kind).get(account.id, hit.key % SHIFT)
    if body is None or not account.sees(body):
        return False
    if hit.kind == "deal" and body["is_archived"]:
        return False
    return all(body.get(key) == value for key, value in conditions.items())


def item(account: Account, hit: Hit) -> Body:
    """A hit as search shows it, its texts from the index and its links from the record."""
    body = account.records(hit.kind).get(account.id, hit.key % SHIFT) or {}
    texts = _texts(account, hit)
    custom = [value for field, value in texts if field.startswith("custom_fields.")]
    common: Body = {"id": _public_id(account, hit.kind, hit.key), "type": hit.kind}
    tail = {"visible_to": body["visible_to"], "owner": {"id": body["owner_id"]}}
    end = {"custom_fields": custom, "notes": []}
    if hit.kind == "person":
        lists = {
            f"{field}s": [value for name, value in texts if name == field] for field in ("phone", "email")
        }
        organization = _organization(account, body["org_id"])
        return common | {"name": _first(texts, "name"), **lists, **tail, "organization": organization} | end
    if hit.kind == "organization":
        return common | {"name": _first(texts, "name"), "address": _first(texts, "address"), **tail} | end
    title = {"title": _first(texts, "title")}
    if hit.kind == "deal":
        money = {key: body[key] for key in ("value", "currency", "status")}
        stage = account.records("stage").get(account.id, body["stage_id"])
        where: Body = {"stage": None if stage is None else {"id": stage["id"], "name": stage["name"]}}
        people = {
            "person": _person(account, body["person_id"]),
            "organization": _organization(account, body["org_id"]),
        }
        return common | title | money | tail | where | people | end | {"is_archived": body["is_archived"]}
    return common | title | _lead_item(account, body) | tail | end | {"is_archived": body["is_archived"]}


def _lead_item(account: Account, body: Body) -> Body:
    person = account.records("person").get(account.id, body["person_id"] or 0) or {"phones": [], "emails": []}
    money = body["value"] or {"amount": None, "currency": None}
    return {
        "person": _person(account, body["person_id"]),
        "organization": _organization(account, body["organization_id"]),
        "phones": [one["value"] for one in person["phones"]],
        "emails": [one["value"] for one in person["emails"]],
        "value": money["amount"],
        "currency": money["currency"],
    }


def _texts(account: Account, hit: Hit) -> list[tuple[str, str]]:
    return account.state.database.execute(
        "SELECT field, value FROM search_entry WHERE key = ? AND kind = ? ORDER BY rowid", (hit.key, hit.kind)
    ).fetchall()


def _first(texts: list[tuple[str, str]], field: str) -> str | None:
    return next((value for name, value in texts if name == field), None)


def _person(account: Account, number: int | None) -> Body | None:
    body = None if number is None else account.records("person").get(account.id, number)
    return None if body is None else {"id": body["id"], "name": body["name"]}


def _organization(account: Account, number: int | None) -> Body | None:
    body = None if number is None else account.records("organization").get(account.id, number)
    if body is None:
        return None
    return {"id": body["id"], "name": body["name"], "address": body["address"] and body["address"]["value"]}


def _related(account: Account, hits: list[Hit]) -> list[Hit]:
    """The newest deals and leads of found persons and organizations, and persons of found organizations."""
    found: list[Hit] = []
    links = {"person": ("person_id", "person_id"), "organization": ("org_id", "organization_id")}
    for hit in hits:
        if hit.kind not in links:
            continue
        number = hit.key % SHIFT
        wanted = [("deal", links[hit.kind][0]), ("lead", links[hit.kind][1])]
        wanted += [("person", "org_id")] if hit.kind == "organization" else []
        for kind, column in wanted:
            bodies = account.records(kind).where(
                account.id, (f"{column} = ?", (number,)), ("is_deleted = 0", ()), limit=100, order="key DESC"
            )
            found += [
                Hit(kind, account.id * SHIFT + body["id"], 0.0) for body in bodies if account.sees(body)
            ]
    return found


def _field_name(account: Account, kind: str, code: str) -> str:
    if code in FIELDS[kind]:
        return code
    return f"custom_fields.{code}"


def _matching_case(account: Account, kind: str, field: str, term: str, match: str) -> list[tuple[int, str]]:
    search_index.catch_up(account.state)
    compare = {
        "exact": "value = ?",
        "beginning": "substr(value, 1, length(?)) = ?",
        "middle": "instr(value, ?) > 0",
    }
    values = (term, term) if match == "beginning" else (term,)
    low, high = account.id * SHIFT, (account.id + 1) * SHIFT
    narrowed = "folded = ? AND" if match == "exact" else ""
    first = (term.casefold(),) if match == "exact" else ()
    return account.state.database.execute(
        f"SELECT key, value FROM search_entry WHERE {narrowed} {compare[match]} AND kind = ? AND field = ?"  # noqa: S608
        " AND key BETWEEN ? AND ? ORDER BY key LIMIT ?",
        (*first, *values, kind, field, low, high, MOST_FOUND),
    ).fetchall()


def _is_visible(account: Account, kind: str, key: int) -> bool:
    body = account.records(kind).get(account.id, key % SHIFT)
    return body is not None and account.sees(body)


def _public_id(account: Account, kind: str, key: int) -> int | str:
    if kind != "lead":
        return key % SHIFT
    lead = account.records("lead").get(account.id, key % SHIFT)
    return "" if lead is None else str(lead["uuid"])


def _offset(call: Call) -> int:
    """How many hits earlier pages held; search cursors mark a place in the ranking, not a record."""
    text = call.query.get("cursor")
    if text is None:
        return 0
    marker = read_cursor(text)
    if marker.get("field") != "offset":
        raise invalid([("cursor", "Invalid cursor")])
    return int(marker["id"])


def _cursor(offset: int) -> str:
    return cursor_to({"offset": offset, "id": offset}, Order(by="offset"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


CONTACT_SCOPES = ("contacts:read", "contacts:full", "search:read")
ROUTES = (
    Route("v2", "GET", "/persons/search", 20, CONTACT_SCOPES, _scoped("person"), is_search=True),
    Route("v2", "GET", "/organizations/search", 20, CONTACT_SCOPES, _scoped("organization"), is_search=True),
    Route(
        *("v2", "GET", "/deals/search", 20, ("deals:read", "deals:full", "search:read"), _scoped("deal")),
        is_search=True,
    ),
    Route(
        *("v2", "GET", "/leads/search", 20, ("leads:read", "leads:full", "search:read"), _scoped("lead")),
        is_search=True,
    ),
    Route("v2", "GET", "/itemSearch", 20, ("search:read",), search_items, is_search=True),
    Route("v2", "GET", "/itemSearch/field", 20, ("search:read",), search_field, is_search=True),
)
