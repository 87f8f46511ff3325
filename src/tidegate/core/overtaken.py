"""An edit that our write replaced unseen: somebody typed into a field between our look and our write of that very field.

Pipedrive has no conditional write, but the webhook of a change tells what the changed fields held before. The webhook of our
own write thus shows what was really there. Where that is neither what we had looked at nor what we wrote, it was somebody's
edit: it is logged, and given back where the rules would have kept it. Rules: docs/sync-rules.md, "Edits overtaken by a write".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tidegate.core.lists import merge_lists
from tidegate.core.operations import Act, Base, Decision, FieldChange, Plan, Write
from tidegate.core.records import FIRST_NAME, LAST_NAME, Record, Side
from tidegate.core.settings import Pair
from tidegate.core.values import LISTS, Value, is_readable

NAME_PARTS = frozenset({FIRST_NAME, LAST_NAME})


@dataclass(frozen=True, slots=True)
class OurWrite:
    """A write of ours to one person, as the log or an open intent keeps it: field -> (what was looked at, what was sent)."""

    fields: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    cause: str = "live"


@dataclass(frozen=True, slots=True)
class Overtaken:
    """One field of a person: somebody's value that a write of ours replaced."""

    pair: Pair
    looked_at: Value
    typed: Value
    written: Value
    cause: str = "live"

    @property
    def field(self) -> str:
        return self.pair.of(Side.PIPEDRIVE)


def find_overtaken(
    before: Record, after: Record, writes: Sequence[OurWrite], base: Base, pairs: Collection[Pair]
) -> tuple[Overtaken, ...]:
    """What the webhook of our own write shows to have been overtaken.

    `before` holds what the changed fields showed earlier, `after` what they show now; `writes` are ours to this person, the
    oldest first. A webhook that fits none of them is of another program of our user.
    """
    found = []
    for pair in pairs:
        key = pair.of(Side.PIPEDRIVE)
        typed, written = before.value(key), after.value(key)
        if not is_readable(typed) or not is_readable(written) or pair.same(typed, written):
            continue
        known = base.get(pair.key)
        mine = [
            (seen, write.cause)
            for write in writes
            for seen in _looked_at(pair, write, written, known[1] if known else None)
        ]
        if mine and not any(pair.same(seen, typed) for seen, _ in mine):
            seen, cause = mine[-1]
            found.append(Overtaken(pair, seen, typed, written, cause))
    return tuple(found)


def _looked_at(pair: Pair, write: OurWrite, written: Value, agreed: Value) -> list[Value]:
    """What this write had seen of the field, if it can be the one that made it `written`.

    Pipedrive may have stored in its own way what was sent: then the base holds its answer. Both parts of a name go with
    either, the other part as it was looked at.
    """
    key = pair.of(Side.PIPEDRIVE)
    if key in write.fields:
        seen, sent = write.fields[key]
        return [seen] if pair.same(sent, written) or pair.same(agreed, written) else []
    if key in NAME_PARTS and NAME_PARTS.intersection(write.fields) and pair.same(agreed, written):
        return [written]
    return []


def given_back(person: Record, overtaken: Sequence[Overtaken], winner: Side) -> tuple[FieldChange, ...]:
    """What to write to Pipedrive so that it shows what the rules would have kept. A field edited again since is left."""
    changes = []
    for lost in overtaken:
        now = person.value(lost.field)
        if not lost.pair.same(now, lost.written):
            continue
        value = _kept(lost, winner)
        if not lost.pair.same(value, now):
            changes.append(FieldChange(lost.field, now, value))
    return tuple(changes)


def _kept(lost: Overtaken, winner: Side) -> Value:
    """The conflict rule, had we seen the edit: our write was what the other side wanted, the edit is Pipedrive's change."""
    if lost.cause == "transfer":
        return lost.written
    if lost.pair.kind in LISTS:
        base = _items(lost.looked_at)
        now = _items(lost.written), _items(lost.typed)
        return merge_lists(lost.pair.item_key, now, (base, base), winner=winner).pipedrive
    ours = lost.cause != "undo" and not lost.pair.same(lost.looked_at, lost.written)
    return lost.written if ours and winner is Side.OUTREACH else lost.typed


def _items(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def as_if_seen(person: Record, changes: Sequence[FieldChange]) -> Record:
    """The person as they would show themselves, had the edit not been overtaken: the decision is made about this."""
    return replace(person, values={**person.values, **{change.field: change.after for change in changes}})


def give_back(plan: Plan, person: Record, changes: Sequence[FieldChange]) -> Plan:
    """A plan made `as_if_seen`, with what brings the person there. What the plan itself writes to such a field goes first."""
    if not changes or plan.decision not in (Decision.UPDATE, Decision.UNCHANGED):
        return plan
    write = plan.write_to(Side.PIPEDRIVE)
    planned = {change.field: change for change in write.changes} if write is not None else {}
    for change in changes:
        mine = planned.get(change.field)
        planned[change.field] = change if mine is None else replace(mine, before=change.before)
    others = tuple(each for each in plan.writes if each.side is not Side.PIPEDRIVE)
    back = Write(Act.UPDATE, Side.PIPEDRIVE, person.id, tuple(planned.values()))
    return replace(plan, decision=Decision.UPDATE, writes=(*others, back))
