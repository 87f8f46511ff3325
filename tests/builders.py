"""Rows for tests: sensible defaults, then what matters to the test at hand.

Alice owns the workspace, Bob may look, Charlie belongs to another one.
"""

import itertools
from datetime import datetime
from typing import Any

from django.utils import timezone

from tidegate.core.connection import Reason, Status
from tidegate.core.records import Side
from tidegate.core.settings import Settings, settings_to_json
from tidegate.prospects.models import Prospect, ProspectEmail, ProspectList
from tidegate.store.models import (
    Attention,
    Change,
    Connection,
    Lane,
    LedgerDay,
    Link,
    LogEntry,
    Membership,
    MirrorAddress,
    MirrorOrganization,
    MirrorPerson,
    Role,
    Transfer,
    TransferRecord,
    User,
    Workspace,
)

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


def make_user(name: str = "Alice", **facts: Any) -> User:
    facts.setdefault("email", f"{name.lower()}@northlight.example")
    password = facts.pop("password", PASSWORD)
    return User.objects.create_user(password=password, name=name, **facts)


def make_workspace(name: str = "Northlight Studio", **facts: Any) -> Workspace:
    return Workspace.objects.create(name=name, **facts)


def make_member(
    workspace: Workspace, name: str = "Alice", role: str = Role.OWNER, **facts: Any
) -> Membership:
    return Membership.objects.create(workspace=workspace, user=make_user(name, **facts), role=role)


def make_lane(**facts: Any) -> Lane:
    facts.setdefault("company_id", str(next(_numbers)))
    facts.setdefault("api_domain", "https://northlight.pipedrive.com")
    return Lane.objects.create(**facts)


def make_connection(
    workspace: Workspace, *, status: str = Status.ACTIVE, settings: Settings | None = None, **facts: Any
) -> Connection:
    """An active connection, launched and connected by OAuth, unless told otherwise."""
    lane = facts.pop("lane", None) or make_lane()
    chosen = settings or Settings(sync_to_list="1", owner_id="7")
    defaults: dict[str, Any] = {
        "reason": Reason.NONE,
        "launched_at": timezone.now(),
        "auth_method": "oauth",
        "api_domain": lane.api_domain,
        "company_id": lane.company_id,
        "company_name": "Northlight",
        "company_domain": "northlight",
        "pipedrive_user_id": "7",
        "pipedrive_user_name": "Maja Lindqvist",
        "settings": settings_to_json(chosen),
    }
    return Connection.objects.create(workspace=workspace, lane=lane, status=status, **(defaults | facts))


def make_prospect(workspace: Workspace, *, email: str | None = None, **facts: Any) -> Prospect:
    """A prospect as it is stored; nothing is announced. `email` None: one is made up, "": none."""
    number = next(_numbers)
    facts.setdefault("first_name", "Signe")
    facts.setdefault("last_name", "Aaltonen")
    address = f"signe{number}@polarnote.example" if email is None else email
    if address:
        facts.setdefault("emails", [{"value": address, "label": "work"}])
    prospect = Prospect.objects.create(workspace_id=workspace.pk, **facts)
    for entry in prospect.emails:
        ProspectEmail.objects.create(
            workspace_id=workspace.pk, prospect=prospect, address=str(entry["value"]).strip().lower()
        )
    return prospect


def make_list(workspace: Workspace, name: str = "Nordic SaaS founders") -> ProspectList:
    return ProspectList.objects.create(workspace_id=workspace.pk, name=name)


def make_person(
    lane: Lane, person_id: int, name: str = "Bram de Wit", *emails: str, **facts: Any
) -> MirrorPerson:
    """A person in the mirror, with its addresses and, where `organization` names one, its organization."""
    organization = facts.pop("organization", "")
    if organization:
        row, _ = MirrorOrganization.objects.get_or_create(
            lane=lane,
            name=organization,
            defaults={"organization_id": next(_numbers), "name_key": organization.casefold()},
        )
        facts["organization_id"] = row.organization_id
    facts.setdefault("record", b"{}")
    person = MirrorPerson.objects.create(lane=lane, person_id=person_id, name=name, **facts)
    for address in emails:
        MirrorAddress.objects.create(lane=lane, address=address, person_id=person_id)
    return person


def make_link(
    connection: Connection, prospect_id: object = None, person_id: object = None, **facts: Any
) -> Link:
    return Link.objects.create(
        connection=connection,
        prospect_id=str(prospect_id or next(_numbers)),
        person_id=str(person_id or next(_numbers)),
        **facts,
    )


def make_change(connection: Connection, record_id: object = None, **facts: Any) -> Change:
    facts.setdefault("side", Side.OUTREACH)
    facts.setdefault("entity", "prospect" if facts["side"] == Side.OUTREACH else "person")
    facts.setdefault("source", "store" if facts["side"] == Side.OUTREACH else "webhook")
    return Change.objects.create(
        lane=connection.lane, connection=connection, record_id=str(record_id or next(_numbers)), **facts
    )


def field_change(
    name: str = "Phone", before: Any = None, after: Any = "+358 9 555 0148", **facts: Any
) -> dict[str, Any]:
    """One entry of `LogEntry.changes`."""
    key = name.lower().replace(" ", "_")
    defaults = {"field": key, "name": name, "kind": "text", "lost": None, "conflict": False}
    return {**defaults, "before": before, "after": after, **facts}


def make_log_entry(connection: Connection, *, at: datetime | None = None, **facts: Any) -> LogEntry:
    """A phone number that went to Pipedrive, unless told otherwise."""
    facts.setdefault("side", Side.PIPEDRIVE)
    facts.setdefault("act", "update")
    facts.setdefault("record_name", "Signe Aaltonen")
    facts.setdefault("prospect_id", "11")
    facts.setdefault("person_id", "21")
    facts.setdefault("cause", "live")
    facts.setdefault("cause_text", "Edited by Tomás Ferreira")
    facts.setdefault("changes", [field_change()] if facts["act"] == "update" else [])
    return LogEntry.objects.create(connection=connection, at=at or timezone.now(), **facts)


def make_attention(connection: Connection, kind: str = "invalid", **facts: Any) -> Attention:
    facts.setdefault("side", Side.PIPEDRIVE)
    facts.setdefault("prospect_id", str(next(_numbers)))
    facts.setdefault("record_name", "Ada Wren")
    facts.setdefault("message", "Team size “about 40” is not a number.")
    facts.setdefault("cure", "Correct the value, then retry.")
    return Attention.objects.create(connection=connection, kind=kind, **facts)


def make_transfer(connection: Connection, *, state: str = "running", **facts: Any) -> Transfer:
    facts.setdefault("direction", "to_pipedrive")
    facts.setdefault("source_app", Side.OUTREACH)
    facts.setdefault("created_by", "Alice")
    facts.setdefault("started_at", timezone.now())
    if state in ("done", "cancelled", "failed"):
        facts.setdefault("finished_at", timezone.now())
    return Transfer.objects.create(connection=connection, state=state, **facts)


def make_transfer_record(transfer: Transfer, *, outcome: str = "created", **facts: Any) -> TransferRecord:
    facts.setdefault("source_id", str(next(_numbers)))
    facts.setdefault("name", "Daniel Hofer")
    facts.setdefault("at", None if outcome == "waiting" else timezone.now())
    return TransferRecord.objects.create(transfer=transfer, outcome=outcome, **facts)


def refused_value(
    name: str = "Lead source", reason: str = "“Retail” is not one of its options"
) -> dict[str, str]:
    return {"side": "pipedrive", "field": name.lower(), "name": name, "reason": reason}


def spend_tokens(lane: Lane, tokens: int, feature: str = "live", **facts: Any) -> LedgerDay:
    facts.setdefault("day", timezone.now().date())
    return LedgerDay.objects.create(lane=lane, feature=feature, tokens=tokens, **facts)
