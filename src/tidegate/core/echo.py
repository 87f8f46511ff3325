"""Whether a webhook's body proves that nothing happened: our own write coming back, or a change of what isn't mapped.

The sender of a change tells nothing (another app of the same user looks like us), so an echo is known by its values. A
body may only ever save a look, never cause a write: where it can't prove sameness, the record is looked at.
Rules: docs/sync-rules.md, "Echoes".
"""

from collections.abc import Iterable

from tidegate.core.operations import Base
from tidegate.core.records import ORGANIZATION, Record, Side
from tidegate.core.settings import Pair
from tidegate.core.values import MISSING, Unreadable, Value, is_readable


def is_echo(record: Record, base: Base, pairs: Iterable[Pair]) -> bool:
    """Whether every mapped field that the record shows equals what the base remembers of its side."""
    return all(_agrees(record, base, pair) for pair in pairs)


def _agrees(record: Record, base: Base, pair: Pair) -> bool:
    shown = _shown(record, pair.of(record.side))
    if shown is MISSING:
        return True
    entry = base.get(pair.key)
    if entry is None or not is_readable(shown):
        return False
    return pair.same(shown, entry[0] if record.side is Side.OUTREACH else entry[1])


def _shown(record: Record, key: str) -> Value:
    """Bodies name the organization by id alone: without its name, nothing is proven."""
    value = record.value(key)
    if key == ORGANIZATION and value is MISSING:
        return (
            None
            if record.organization_id is None
            else Unreadable(record.organization_id, "an id, not a name")
        )
    return value
