"""The activity log's words for a write, and writes written down before they are sent.

An update that reached the other app while its answer or our commit got lost shows as *in step* at the next look: nothing
would tell what it overwrote. A create that did shows as somebody's new record, whose values would be taken for a person's.
So every write is noted beforehand, and recovery logs those that are seen to have arrived.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.core.bases import base_to_json
from tidegate.core.operations import Act, FieldChange, Plan, Write
from tidegate.core.planning import agreed_by, finish
from tidegate.core.records import EMAIL, FIRST_NAME, LAST_NAME, Record, Side, with_organization
from tidegate.core.values import Json, Kind, Value, from_json, same, to_json
from tidegate.ports import Intent, LogLine
from tidegate.services.engine import Engine
from tidegate.services.index import organization_names
from tidegate.services.units import Unit
from tidegate.words import say

UPDATE = "update"
"""The kind of an intent to change a record."""
DELETE = "delete"
"""The kind of an intent to delete one: only an undo does."""
ORGANIZATION_MADE = "organization"
"""The kind of an intent to make an organization; its key is its name's."""
DELETE_ORGANIZATION = "delete_organization"
"""The kind of an intent to delete an organization; its key is the organization's id."""
ORGANIZATION_DELETED = say("Organization deleted")
LATE = say("Arrived although Tidegate got no answer, or stopped before it could note it.")


def change_to_json(engine: Engine, write: Write, change: FieldChange) -> dict[str, Json]:
    """A field's change as the activity log keeps it."""
    catalogue = engine.rules.outreach if write.side is Side.OUTREACH else engine.rules.pipedrive
    known = catalogue.field(change.field)
    told: dict[str, Json] = {
        "side": write.side.value,
        "field": change.field,
        "name": known.name if known else change.field,
        "kind": known.kind.value if known else "text",
        "before": to_json(change.before),
        "after": to_json(change.after),
    }
    if change.conflict:
        told.update(conflict=True, lost=to_json(change.lost))
    return told


def intents_of(engine: Engine, unit: Unit, cause: str) -> list[Intent]:
    """An intent for each record of the unit that is about to be made, changed or deleted."""
    return [*_creates_of(engine, unit, cause), *_changes_of(engine, unit, cause)]


def create_kind(side: Side) -> str:
    """The kind of an intent to make a record there; its key is the id of the record on the other side."""
    return "prospect" if side is Side.OUTREACH else "person"


def _creates_of(engine: Engine, unit: Unit, cause: str) -> list[Intent]:
    now = engine.lane.clock.now()
    return [
        Intent(
            create_kind(write.side),
            unit.id_of(write.side.other) or "",
            {**_facts(engine, unit, plan, write), "cause": cause},
            now,
        )
        for plan in ([unit.plan] if unit.plan else [])
        for write in plan.writes
        if write.act is Act.CREATE
    ]


def _facts(engine: Engine, unit: Unit, plan: Plan, write: Write) -> dict[str, Json]:
    """By what the created record can be recognised, and what is to be remembered of it then."""
    values = write.values
    names = [values.get(FIRST_NAME), values.get(LAST_NAME)]
    sent = Record(write.side, "", values)
    return {
        "key": unit.key,
        "name": " ".join(part for part in names if isinstance(part, str)),
        "emails": to_json(values.get(EMAIL)),
        "record_name": unit.record_name,
        "changes": [change_to_json(engine, write, change) for change in write.changes],
        "base": base_to_json(finish(plan, {write.side: sent}), {}),
    }


def _changes_of(engine: Engine, unit: Unit, cause: str) -> list[Intent]:
    now = engine.lane.clock.now()
    return [
        Intent(
            DELETE if write.act is Act.DELETE else UPDATE,
            update_key(write.side, write.record_id or ""),
            {
                "prospect_id": unit.prospect_id or "",
                "person_id": unit.person_id or "",
                "name": unit.record_name,
                "cause": cause,
                "changes": [change_to_json(engine, write, change) for change in write.changes],
                "agreed": base_to_json(agreed_by(unit.plan, write), {}) if unit.plan else {},
            },
            now,
        )
        for write in (unit.plan.writes if unit.plan else ())
        if write.act is not Act.CREATE
    ]


def update_key(side: Side, record_id: str) -> str:
    return f"{side.value}:{record_id}"


def intent_key(unit: Unit, write: Write) -> tuple[str, str]:
    """(kind, key) of the intent that was written down for this write."""
    if write.act is Act.CREATE:
        return create_kind(write.side), unit.id_of(write.side.other) or ""
    return (DELETE if write.act is Act.DELETE else UPDATE), update_key(write.side, write.record_id or "")


@dataclass(frozen=True, slots=True)
class Arrived:
    """A write without an answer that is seen to have been carried out."""

    intent: Intent
    line: LogLine
    shown: Mapping[str, Value] = field(default_factory=dict)
    """Field -> what the record shows of what was written to it."""


async def arrived(engine: Engine, intents: Sequence[Intent]) -> list[Arrived]:
    """Open updates whose values their record shows now, and deletions that were carried out."""
    ids: dict[Side, set[str]] = {side: set() for side in Side}
    for intent in intents:
        side, _, record_id = intent.key.partition(":")
        ids[Side(side)].add(record_id)
    seen = {
        Side.OUTREACH: await engine.outreach.get_prospects(ids[Side.OUTREACH]) if ids[Side.OUTREACH] else {},
        Side.PIPEDRIVE: await engine.crm.get_persons(ids[Side.PIPEDRIVE]) if ids[Side.PIPEDRIVE] else {},
    }
    there = [record for record in seen[Side.PIPEDRIVE].values() if isinstance(record, Record)]
    names = await organization_names(engine, there)
    found = []
    for intent in intents:
        side, _, record_id = intent.key.partition(":")
        record = seen[Side(side)].get(record_id)
        if intent.kind == DELETE:
            found += [] if isinstance(record, Record) else [Arrived(intent, _line(Side(side), intent, ()))]
        elif isinstance(record, Record):
            record = with_organization(record, names)
            changes = [change for change in fields_of(intent) if _shows(record, change)]
            shown = {str(change["field"]): record.value(str(change["field"])) for change in changes}
            found += [Arrived(intent, _line(Side(side), intent, changes), shown)] if changes else []
    return found


def fields_of(intent: Intent) -> list[Mapping[str, Json]]:
    changes = intent.facts.get("changes")
    return [change for change in changes if isinstance(change, dict)] if isinstance(changes, list) else []


def _shows(record: Record, change: Mapping[str, Json]) -> bool:
    kind = Kind(str(change["kind"]))
    return same(kind, record.value(str(change["field"])), from_json(kind, change["after"]))


def _line(side: Side, intent: Intent, changes: Sequence[Mapping[str, Json]]) -> LogLine:
    return LogLine(
        side=side,
        act=intent.kind,
        prospect_id=str(intent.facts.get("prospect_id") or ""),
        person_id=str(intent.facts.get("person_id") or ""),
        record_name=str(intent.facts.get("name") or ""),
        changes=tuple(changes),
        cause=str(intent.facts.get("cause") or "live"),
        message=LATE,
    )


def organization_deleted(name: str, message: str = ORGANIZATION_DELETED) -> LogLine:
    return LogLine(side=Side.PIPEDRIVE, act="organization", record_name=name, cause="undo", message=message)
