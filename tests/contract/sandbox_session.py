"""One session with the sandbox in which every call it offers is made at least once, recorded with all answers.

A plain client makes it, no adapter: what is recorded is what any program would see.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx2

from tests.sandbox import running_sandbox

CUSTOM_FIELDS: dict[str, Any] = {
    "varchar": "Blue",
    "text": "A longer text",
    "double": 4.5,
    "phone": "+49 30 901820",
    "date": "2026-05-04",
    "monetary": {"value": 12.5, "currency": "EUR"},
    "daterange": {"value": "2026-05-04", "until": "2026-05-09"},
    "time": {"value": "10:30:00", "timezone_id": 20},
    "timerange": {"value": "10:30:00", "until": "11:30:00", "timezone_id": 20},
    "address": {"value": "1 Harbour Street, Bergen"},
}


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    request: httpx2.Request
    status: int
    body: Any


@dataclass
class Session:
    http: httpx2.AsyncClient
    exchanges: list[Exchange] = field(default_factory=list)
    counters: dict[str, Any] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The `data` of the answer; everything is recorded."""
        more: dict[str, Any] = {} if body is None else {"json": body}
        request = self.http.build_request(method, f"/api{path}", params=query, **more)
        response = await self.http.send(request)
        exchange = Exchange(method, path, request, response.status_code, response.json())
        self.exchanges.append(exchange)
        return exchange.body.get("data")

    async def made(self, path: str, body: dict[str, Any]) -> Any:
        data = await self.ask("POST", path, body)
        assert data is not None, self.exchanges[-1]
        return data["id"]


async def recorded_session() -> Session:
    company = {"plan": "ultimate", "contact_sync": True, "campaigns": True}
    async with running_sandbox(
        company=company, persons=30, organizations=8, deals=10, activities=12
    ) as running:
        headers = {"x-api-token": running.api_token}
        async with httpx2.AsyncClient(base_url=running.address, headers=headers, timeout=30) as http:
            await http.post("/_sandbox/limits", json={"burst": False})
            await http.post("/_sandbox/switches", json={"search_delay": 0, "empty_fields": "null"})
            await http.delete("/_sandbox/counters")
            session = Session(http)
            await play(session)
            session.counters = (await http.get("/_sandbox/counters")).json()
            return session


async def play(session: Session) -> None:
    await define_fields(session)
    made = await make_contacts(session)
    await work_deals(session, made)
    await work_activities_and_notes(session, made)
    await work_leads(session, made)
    await arrange_pipelines(session)
    await keep_filters(session)
    await keep_webhooks(session)
    await look_around(session, made)
    await search(session)
    await merge(session, made)
    await take_away(session, made)
    await be_refused(session)


async def define_fields(session: Session) -> None:
    ask = session.ask
    for entity in ("personFields", "organizationFields", "dealFields"):
        field_ = await ask("POST", f"/v2/{entity}", {"field_name": "Shade", "field_type": "enum", "options": [{"label": "Red"}, {"label": "Green"}]})  # fmt: skip
        code = field_["field_code"]
        await ask("GET", f"/v2/{entity}/{code}", include_fields="ui_visibility")
        await ask("PATCH", f"/v2/{entity}/{code}", {"field_name": "Tint"})
        added = await ask("POST", f"/v2/{entity}/{code}/options", [{"label": "Blue"}])
        await ask("PATCH", f"/v2/{entity}/{code}/options", [{"id": added[0]["id"], "label": "Azure"}])
        await ask("DELETE", f"/v2/{entity}/{code}/options", [{"id": added[0]["id"]}])
        await ask("GET", f"/v2/{entity}", limit=3)
        await ask("DELETE", f"/v2/{entity}/{code}")
    for kind in CUSTOM_FIELDS:
        for entity in ("personFields", "organizationFields", "dealFields"):
            await ask("POST", f"/v2/{entity}", {"field_name": f"A {kind}", "field_type": kind})
    await ask("GET", "/v2/activityFields", limit=100)
    await ask("GET", "/v2/activityFields/subject")


async def custom_values(session: Session, entity: str) -> dict[str, Any]:
    fields = await session.ask("GET", f"/v2/{entity}", limit=500)
    wanted = {f"A {kind}": value for kind, value in CUSTOM_FIELDS.items()}
    return {each["field_code"]: wanted[each["field_name"]] for each in fields if each["field_name"] in wanted}


async def make_contacts(session: Session) -> dict[str, Any]:
    ask = session.ask
    organization = {"name": "Harbour Works", "owner_id": 1, "visible_to": 3, "address": {"value": "1 Harbour Street, Bergen"}}  # fmt: skip
    organization["custom_fields"] = await custom_values(session, "organizationFields")
    org = await session.made("/v2/organizations", organization)
    other_org = await session.made("/v2/organizations", {"name": "Harbour Works Ltd"})
    person = {
        "name": "Ingrid Moe",
        "org_id": org,
        "emails": [{"value": "ingrid@harbour.example", "primary": True, "label": "work"}],
        "phones": [{"value": "+47 55 21 00 00", "primary": True, "label": "work"}],
        "marketing_status": "subscribed",
        "custom_fields": await custom_values(session, "personFields"),
    }
    ingrid = await session.made("/v2/persons", person)
    double = await session.made("/v2/persons", {"name": "I. Moe"})
    await ask("PATCH", f"/v2/organizations/{org}", {"name": "Harbour Works AS"})
    await ask("PATCH", f"/v2/persons/{ingrid}", {"name": "Ingrid S. Moe"})
    for kind, id_ in (("persons", ingrid), ("organizations", org)):
        await ask(
            "GET", f"/v2/{kind}/{id_}", include_fields="next_activity_id,open_deals_count,followers_count"
        )
        await ask("GET", f"/v2/{kind}/{id_}")
        await ask("GET", f"/v2/{kind}", limit=100)
        first = await ask("GET", f"/v2/{kind}", limit=1, sort_by="update_time", sort_direction="desc")
        assert len(first) == 1
        cursor = session.exchanges[-1].body["additional_data"]["next_cursor"]
        await ask("GET", f"/v2/{kind}", limit=2, cursor=cursor, sort_by="update_time", sort_direction="desc")
        await follow(session, f"/v2/{kind}/{id_}")
    return {"org": org, "other_org": other_org, "person": ingrid, "double": double}


async def follow(session: Session, record: str) -> None:
    await session.ask("POST", f"{record}/followers", {"user_id": 2})
    await session.ask("GET", f"{record}/followers", limit=10)
    await session.ask("DELETE", f"{record}/followers/2")


async def work_deals(session: Session, made: dict[str, Any]) -> None:
    ask = session.ask
    body = {
        "title": "Two cranes",
        "value": 12000,
        "currency": "EUR",
        "person_id": made["person"],
        "org_id": made["org"],
        "expected_close_date": date(2026, 12, 1).isoformat(),
        "custom_fields": await custom_values(session, "dealFields"),
    }
    deal = made["deal"] = await session.made("/v2/deals", body)
    made["other_deal"] = await session.made("/v2/deals", {"title": "Two cranes again"})
    lost = await session.made("/v2/deals", {"title": "One crane", "status": "lost", "lost_reason": "Price"})
    won = await session.made("/v2/deals", {"title": "Three cranes", "status": "won"})
    put_away = await session.made("/v2/deals", {"title": "Old cranes"})
    await ask("PATCH", f"/v2/deals/{put_away}", {"is_archived": True})
    await ask("PATCH", f"/v2/deals/{deal}", {"value": 12500.5})
    await ask(
        "GET", f"/v2/deals/{deal}", include_fields="next_activity_id,activities_count,email_messages_count"
    )
    for each in (deal, lost, won):
        await ask("GET", f"/v2/deals/{each}")
    await ask("GET", "/v2/deals", limit=100)
    await ask("GET", "/v2/deals", status="won", limit=1)
    await ask("GET", "/v2/deals/archived", limit=10)
    await follow(session, f"/v2/deals/{deal}")


async def work_activities_and_notes(session: Session, made: dict[str, Any]) -> None:
    ask = session.ask
    body = {
        "subject": "Call about cranes",
        "type": "call",
        "due_date": "2026-11-30",
        "due_time": "10:00",
        "duration": "00:30",
        "deal_id": made["deal"],
        "org_id": made["org"],
        "participants": [{"person_id": made["person"], "primary": True}],
        "location": {"value": "Bergen"},
        "note": "<p>Ask about the height</p>",
    }
    made["activity"] = activity = await session.made("/v2/activities", body)
    await ask("PATCH", f"/v2/activities/{activity}", {"done": True})
    await ask("GET", f"/v2/activities/{activity}", include_fields="attendees")
    await ask("GET", "/v2/activities", limit=50)
    await ask("GET", "/v1/activityTypes")
    kind = await session.made("/v1/activityTypes", {"name": "Site visit", "icon_key": "car"})
    await ask("PUT", f"/v1/activityTypes/{kind}", {"name": "Visit on site"})
    await ask("DELETE", f"/v1/activityTypes/{kind}")
    made["note"] = note = await session.made(
        "/v1/notes", {"content": "<b>Tall</b>", "person_id": made["person"]}
    )
    await session.made("/v1/notes", {"content": "Wide", "deal_id": made["deal"], "org_id": made["org"]})
    await ask("PUT", f"/v1/notes/{note}", {"content": "Taller"})
    await ask("GET", f"/v1/notes/{note}")
    await ask("GET", "/v1/notes", limit=5)


async def work_leads(session: Session, made: dict[str, Any]) -> None:
    ask = session.ask
    label = await session.made("/v1/leadLabels", {"name": "Harbours", "color": "green"})
    await ask("PATCH", f"/v1/leadLabels/{label}", {"name": "Ports"})
    await ask("GET", "/v1/leadLabels")
    body = {"title": "A crane to come", "person_id": made["person"], "label_ids": [label]}
    lead = await session.made("/v1/leads", body | {"value": {"amount": 300, "currency": "EUR"}})
    put_away = await session.made("/v1/leads", {"title": "Gone by", "organization_id": made["org"]})
    await ask("PATCH", f"/v1/leads/{put_away}", {"is_archived": True})
    await ask("PATCH", f"/v1/leads/{lead}", {"title": "A crane to come soon"})
    await ask("GET", f"/v1/leads/{lead}")
    await ask("GET", f"/v1/leads/{lead}/permittedUsers")
    await ask("GET", "/v1/leads")
    await ask("GET", "/v1/leads/archived")
    await ask("GET", "/v1/leadSources")
    await ask("GET", "/v2/leads/search", term="crane")
    await ask("DELETE", f"/v1/leads/{lead}")
    await ask("DELETE", f"/v1/leadLabels/{label}")


async def arrange_pipelines(session: Session) -> None:
    ask = session.ask
    pipeline = await session.made("/v2/pipelines", {"name": "Harbours"})
    await ask("PATCH", f"/v2/pipelines/{pipeline}", {"name": "Ports", "is_deal_probability_enabled": True})
    await ask("GET", f"/v2/pipelines/{pipeline}")
    await ask("GET", "/v2/pipelines")
    await session.made("/v2/stages", {"name": "Heard of", "pipeline_id": pipeline})
    stage = await session.made("/v2/stages", {"name": "Seen", "pipeline_id": pipeline})
    await ask("PATCH", f"/v2/stages/{stage}", {"name": "Seen it", "deal_probability": 40})
    await ask("GET", f"/v2/stages/{stage}")
    await ask("GET", "/v2/stages", pipeline_id=pipeline)
    await ask("DELETE", f"/v2/stages/{stage}")
    await ask("DELETE", f"/v2/pipelines/{pipeline}")


async def keep_filters(session: Session) -> None:
    ask = session.ask
    fields = await ask("GET", "/v1/personFields")
    name = next(each["id"] for each in fields if each["key"] == "name")
    condition = {"object": "person", "field_id": str(name), "operator": "LIKE '%$%'", "value": "Moe"}
    conditions = {
        "glue": "and",
        "conditions": [{"glue": "and", "conditions": [condition]}, {"glue": "or", "conditions": []}],
    }
    body = {"name": "The Moes", "type": "people", "conditions": conditions}
    kept = await session.made("/v1/filters", body)
    await ask("PUT", f"/v1/filters/{kept}", {"name": "All Moes", "conditions": conditions})
    await ask("GET", f"/v1/filters/{kept}")
    await ask("GET", "/v1/filters", type="people")
    await ask("GET", "/v1/filters/helpers")
    await ask("GET", "/v2/persons", filter_id=kept)
    await ask("DELETE", f"/v1/filters/{kept}")


async def keep_webhooks(session: Session) -> None:
    url = {"subscription_url": "http://127.0.0.1:9/harbour", "name": "harbour", "version": "2.0"}
    body = url | {
        "event_action": "change",
        "event_object": "person",
        "http_auth_user": "u",
        "http_auth_password": "p",
    }
    hook = await session.made("/v1/webhooks", body)
    await session.ask("GET", "/v1/webhooks")
    await session.ask("DELETE", f"/v1/webhooks/{hook}")


async def look_around(session: Session, made: dict[str, Any]) -> None:
    ask = session.ask
    me = await ask("GET", "/v1/users/me")
    await ask("GET", f"/v1/users/{me['id']}")
    await ask("GET", f"/v1/users/{me['id']}/permissions")
    for kind in ("persons", "organizations", "deals"):
        await ask("GET", f"/v1/{kind}/1/permittedUsers")
    await ask("GET", "/v1/users")
    await ask("GET", "/v1/users/find", term=me["email"], search_by_email=1)
    await ask("GET", "/v1/currencies", term="euro")
    await ask("GET", "/v1/userSettings")
    since = me["created"]
    for item in (
        "person",
        "organization",
        "deal",
        "activity",
        "note",
        "user",
        "stage",
        "pipeline",
        "filter",
        "activityType",
    ):
        await ask("GET", "/v1/recents", since_timestamp=since, items=item, limit=5)
    for entity in ("persons", "organizations", "deals"):
        key = {"persons": "person", "organizations": "org", "deals": "deal"}[entity]
        await ask("GET", f"/v1/{entity}/{made[key]}/changelog", limit=5)
    for entity in ("personFields", "organizationFields", "dealFields"):
        fields = await ask("GET", f"/v1/{entity}", limit=50)
        await ask("GET", f"/v1/{entity}/{fields[0]['id']}")
    for entity in ("activityFields", "leadFields", "noteFields"):
        await ask("GET", f"/v1/{entity}")


async def search(session: Session) -> None:
    ask = session.ask
    await ask("GET", "/v2/persons/search", term="ingrid", include_fields="person.picture")
    await ask("GET", "/v2/organizations/search", term="harbour", fields="name")
    await ask("GET", "/v2/deals/search", term="cranes", status="open")
    await ask("GET", "/v2/itemSearch", term="harbour", item_types="organization,person,deal")
    await ask("GET", "/v2/itemSearch", term="cranes", search_for_related_items="true")
    await ask("GET", "/v2/itemSearch/field", term="harbour", entity_type="organization", field="name", match="beginning")  # fmt: skip


async def merge(session: Session, made: dict[str, Any]) -> None:
    await session.ask("PUT", f"/v1/persons/{made['double']}/merge", {"merge_with_id": made["person"]})
    await session.ask("PUT", f"/v1/organizations/{made['other_org']}/merge", {"merge_with_id": made["org"]})
    await session.ask("PUT", f"/v1/deals/{made['other_deal']}/merge", {"merge_with_id": made["deal"]})


async def take_away(session: Session, made: dict[str, Any]) -> None:
    await session.ask("DELETE", f"/v1/notes/{made['note']}")
    for key, kind in (
        ("activity", "activities"),
        ("deal", "deals"),
        ("person", "persons"),
        ("org", "organizations"),
    ):
        await session.ask("DELETE", f"/v2/{kind}/{made[key]}")


async def be_refused(session: Session) -> None:
    """Errors cost their tokens too, and count."""
    await session.ask("GET", "/v2/persons/99999999")
    await session.ask("GET", "/v2/persons", limit=0)
    await session.ask("POST", "/v2/deals", {})


def template_of(path: str, routes: list[tuple[str, str]], method: str) -> str | None:
    """The route, `/v2/persons/{id}`, that a concrete path belongs to."""
    known = sorted((each for verb, each in routes if verb == method), key=lambda each: each.count("{"))
    return next((each for each in known if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path)), None)
