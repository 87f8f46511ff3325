"""The base of a link and a mirrored record as JSON, and back.

A stored base outlives changes of the mapping: what no pair in force asks for is kept as it was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tidegate.core.operations import Base
from tidegate.core.records import Record, Side
from tidegate.core.settings import Pair
from tidegate.core.values import Json, Kind, Value, from_json, to_json

Pairs = Sequence[Pair]
KINDS = {kind.value: kind for kind in Kind}
"""Looked up rather than made: a mirror has thirty values for each person."""


def base_from_json(raw: Mapping[str, Json], pairs: Pairs) -> Base:
    """What both sides showed for the pairs in force; a pair that was not in force then has no entry."""
    base: dict[str, tuple[Value, Value]] = {}
    for pair in pairs:
        entry = raw.get(pair.key)
        if isinstance(entry, list) and len(entry) == 2:
            base[pair.key] = (from_json(pair.kind, entry[0]), from_json(pair.kind, entry[1]))
    return base


def base_to_json(base: Base, before: Mapping[str, Json]) -> dict[str, Json]:
    """The stored form, on top of what was stored before."""
    return {**before, **{key: [to_json(one), to_json(other)] for key, (one, other) in base.items()}}


def record_to_json(record: Record, kinds: Mapping[str, Kind]) -> dict[str, Json]:
    """A record with the kind beside each value, so that it can be read back whatever the catalogue says by then."""
    return {
        "name": record.name,
        "values": {
            key: [kinds.get(key, Kind.TEXT), None if value is None else to_json(value)]
            for key, value in record.values.items()
        },
        "emails": list(record.emails),
        "labels": dict(record.labels),
        "owner_id": record.owner_id,
        "organization_id": record.organization_id,
        "updated_at": record.updated_at.isoformat() if record.updated_at else None,
    }


def record_from_json(side: Side, record_id: str, raw: Mapping[str, Json]) -> Record:
    values = raw.get("values")
    labels = raw.get("labels")
    emails = raw.get("emails")
    return Record(
        side=side,
        id=record_id,
        values={key: from_json(_kind(e[0]), e[1]) for key, e in values.items() if isinstance(e, list)}
        if isinstance(values, dict)
        else {},
        emails=tuple(str(address) for address in emails) if isinstance(emails, list) else (),
        labels={key: str(label) for key, label in labels.items()} if isinstance(labels, dict) else {},
        name=str(raw.get("name") or ""),
        owner_id=_text(raw.get("owner_id")),
        organization_id=_text(raw.get("organization_id")),
        updated_at=datetime.fromisoformat(str(raw["updated_at"])) if raw.get("updated_at") else None,
    )


def _kind(name: Json) -> Kind:
    return KINDS.get(str(name)) or Kind(str(name))


def _text(raw: Json) -> str | None:
    return None if raw is None else str(raw)
