"""What we wrote to persons lately, read off the activity log and the open intents: each is stored before its webhook is asked about."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from tidegate.core.operations import Act
from tidegate.core.overtaken import OurWrite
from tidegate.core.records import Side
from tidegate.core.values import Json, Kind, Value, from_json
from tidegate.store.models import Intent, LogEntry

ACTS = (Act.UPDATE.value, "overtaken")
"""What was found to be overtaken is a line too: told of again, it is no news."""


def writes_to_persons(
    connection_id: str, person_ids: Collection[str], *, since: datetime
) -> dict[str, list[OurWrite]]:
    """Person id -> our updates of it from `since` on, the oldest first; those whose answer is still unknown come last."""
    found: dict[str, list[OurWrite]] = {}
    lines = LogEntry.objects.filter(
        connection_id=connection_id,
        person_id__in=list(person_ids),
        side=Side.PIPEDRIVE.value,
        act__in=ACTS,
        at__gte=since,
    )
    for person_id, cause, changes in lines.order_by("id").values_list("person_id", "cause", "changes"):
        found.setdefault(person_id, []).append(_write(changes, cause))
    keys = {f"{Side.PIPEDRIVE.value}:{person_id}": person_id for person_id in person_ids}
    intents = Intent.objects.filter(connection_id=connection_id, kind=Act.UPDATE.value, key__in=list(keys))
    for key, facts in intents.order_by("id").values_list("key", "facts"):
        found.setdefault(keys[key], []).append(
            _write(facts.get("changes") or (), str(facts.get("cause") or "live"))
        )
    return found


def _write(changes: Iterable[Mapping[str, Json]], cause: str) -> OurWrite:
    return OurWrite({str(c["field"]): (_value(c, "before"), _value(c, "after")) for c in changes}, cause)


def _value(change: Mapping[str, Json], key: str) -> Value:
    return from_json(Kind(str(change.get("kind") or Kind.TEXT.value)), change.get(key))
