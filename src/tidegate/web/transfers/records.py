"""A record of a transfer in words: what became of it, its fields before and after, and what a preview marks at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from tidegate.core.records import ORGANIZATION, Side
from tidegate.core.settings import Direction, settings_from_json
from tidegate.core.values import name_key
from tidegate.store.mirror import organizations_named
from tidegate.store.models import Transfer, TransferRecord
from tidegate.web.activity.lines import field_line
from tidegate.web.transfers.choices import SENDER
from tidegate.web.transfers.progress import GROUPS, OUTCOMES, WOULD


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a value comes from that no prospect and no person shows."""

    target: Side
    constants: frozenset[str]
    """Fields that a constant fills."""
    new: frozenset[str]
    """Keys of the names of organizations that are made."""

    def of(self, change: Mapping[str, Any]) -> str:
        if change.get("side") == self.target and change.get("field") in self.constants:
            return _("constant")
        name = _organization_of(change)
        return _("new") if name and name_key(name) in self.new else ""


def marks_of(preview: Transfer, records: Sequence[TransferRecord]) -> Marks:
    """What an undo puts back was there before: it has none."""
    direction = Direction(preview.direction)
    target = SENDER[direction].other
    if preview.undoes_id is not None:
        return Marks(target, frozenset(), frozenset())
    constants = settings_from_json(preview.settings).in_direction(direction).constants_of(target)
    names = {name for record in records for c in record.changes if (name := _organization_of(c))}
    known = organizations_named(preview.connection.lane_id, names) if names else {}
    made = {name_key(name) for name in names} - known.keys()
    return Marks(target, frozenset(constant.field for constant in constants), frozenset(made))


def _organization_of(change: Mapping[str, Any]) -> str:
    """The name that a person's organization gets by it; empty where it gets none."""
    if change.get("side") != Side.PIPEDRIVE or change.get("field") != ORGANIZATION:
        return ""
    return str(change["after"] or "")


def record_words(
    record: TransferRecord, *, marks: Marks | None = None, cure: str = "", email: str = ""
) -> dict[str, Any]:
    """`marks`: those of a preview, which shows every field."""
    words = WOULD if marks else OUTCOMES
    word, tone = words.get(record.outcome, (record.outcome, "calm"))
    fields = [field_line(change) for change in record.changes]
    shown = fields[:2] if record.outcome == "updated" else []
    return {
        "record": record,
        "word": word,
        "tone": tone,
        "cure": cure,
        "email": email,
        "fields": shown,
        "marked_fields": [(line, marks.of(c)) for line, c in zip(fields, record.changes, strict=True)]
        if marks
        else [],
        "conflict": any(field.conflict for field in fields),
        "retryable": record.outcome in GROUPS["failed"],
        "undoable": record.outcome in ("created", "updated") or record.linked,
        "more": len(fields) - len(shown) if shown else 0,
    }
