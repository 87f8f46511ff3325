"""Three-way merge of one pair of fields, then of two records.

The base is two-sided: for each pair what either side showed when both last agreed. A side changed when its value differs
from its *own* entry, so a value that one app normalises is no change. When a change was made is never asked. Missing and
unreadable values did not change and are never written to nor emptied from. What does not fit is refused, never cut.

A merged pair says what to write, and what to remember if the writes are done (`agreed`) or not (`entry`): a change that
could not be written stays a change. Rules: docs/sync-rules.md, "Merge", "First meeting", "One-way", "Transfer".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Final

from tidegate.core.fitting import fit
from tidegate.core.lists import lay_over, merge_lists
from tidegate.core.operations import Base, FieldChange, Refusal
from tidegate.core.records import Record, Side
from tidegate.core.settings import NAMES, Direction, Pair
from tidegate.core.values import LISTS, MISSING, Unreadable, Value, is_empty, is_readable
from tidegate.words import say

Entry = tuple[Value, Value]
"""What outreach showed and what Pipedrive showed."""
NOTHING: Final[Entry] = (None, None)
SIDES: Final = (Side.OUTREACH, Side.PIPEDRIVE)
"""As a tuple: an enumeration makes its members' list anew each time, and every field of every record asks."""


@dataclass(frozen=True, slots=True)
class Live:
    """Real time: changes travel where the direction lets them."""

    direction: Direction
    winner: Side
    meeting: bool = False
    """The two were not linked until now."""
    leaving: bool = False
    """Nothing travels: what both sides show is taken as what they agreed on."""

    def may_write(self, side: Side) -> bool:
        return not self.leaving and self.direction.flows_to(side)


@dataclass(frozen=True, slots=True)
class Overwrite:
    """A transfer: the source's values overwrite the other side's, if that may be written at all."""

    source: Side
    writable: bool = True

    @property
    def winner(self) -> Side:
        return self.source

    def may_write(self, side: Side) -> bool:
        return self.writable and side is self.source.other


Policy = Live | Overwrite


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of one pair."""

    entry: Entry | None
    """What the base holds while nothing is written; None: no entry."""
    agreed: Entry | None = None
    """What both sides will show once `changes` are written."""
    changes: Mapping[Side, FieldChange] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()


def merge_field(pair: Pair, outreach: Value, pipedrive: Value, entry: Entry | None, policy: Policy) -> Merged:
    """What becomes of a pair that shows these two values, given the base's entry for it."""
    now = (outreach, pipedrive)
    if not is_readable(outreach) or not is_readable(pipedrive):
        return Merged(entry, refusals=_unreadable(pair, now))
    if now == entry and isinstance(policy, Live):  # nearly always: nothing to compare by kind
        return Merged(entry)
    if entry is not None and not (is_readable(entry[0]) and is_readable(entry[1])):
        entry = None
    if pair.same(outreach, pipedrive):
        return Merged(_rested(pair, now, entry))
    if isinstance(policy, Overwrite):
        return _overwrite(pair, now, entry, policy)
    if entry is not None and not _changed(pair, now, entry):
        return Merged(entry)
    if entry is None and not policy.meeting and not any(map(is_empty, now)):
        return Merged(now)
    if pair.kind in LISTS:
        return _merge_lists(pair, now, entry, policy)
    return _merge_single(pair, now, entry, policy)


def _unreadable(pair: Pair, now: Entry) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            side,
            pair.of(side),
            pair.field(side).name,
            value,
            say("can’t be read: {reason}", reason=value.reason),
        )
        for side, value in zip(Side, now, strict=True)
        if isinstance(value, Unreadable)
    )


def _changed(pair: Pair, now: Entry, entry: Entry) -> list[Side]:
    """The sides that differ from their own entry."""
    sides = zip(SIDES, now, entry, strict=True)
    return [side for side, value, before in sides if not pair.same(value, before)]


def _rested(pair: Pair, now: Entry, entry: Entry | None) -> Entry:
    """The entry as it was while nothing changed (so that it needs no storing), else what is seen now."""
    return entry if entry is not None and not _changed(pair, now, entry) else now


def _merge_single(pair: Pair, now: Entry, entry: Entry | None, policy: Live) -> Merged:
    """Who speaks: the only side that changed or has a value; where both do, the winner."""
    if entry is None:
        speaking = [side for side, value in zip(SIDES, now, strict=True) if not is_empty(value)]
    else:
        speaking = _changed(pair, now, entry)
    conflict = len(speaking) == 2
    source = policy.winner if conflict else speaking[0]
    if not policy.may_write(source.other):
        return Merged(now)
    heard = _of(now, source.other)
    return _send(pair, now, {source.other: _of(now, source)}, entry or (heard, heard), conflict=conflict)


def _merge_lists(pair: Pair, now: Entry, entry: Entry | None, policy: Live) -> Merged:
    """Without an entry both were empty before: everything there counts as added."""
    base = entry or NOTHING
    merged = merge_lists(pair.item_key, _items(now), _items(base), winner=policy.winner)
    wanted = {side: _as_held(pair, side, merged.of(side)) for side in SIDES if policy.may_write(side)}
    values = {side: items for side, items in wanted.items() if not pair.same(items, _of(now, side))}
    if not values:
        return Merged(now)
    return _send(pair, now, values, base, conflict=merged.conflict)


def _overwrite(pair: Pair, now: Entry, entry: Entry | None, policy: Overwrite) -> Merged:
    """What is not written keeps its entry: a change that waits for the transfer's end is still one afterwards."""
    target = policy.source.other
    value, before = _of(now, policy.source), _of(now, target)
    pending = entry or (before, before)
    if is_empty(value) or not policy.may_write(target):
        return Merged(entry or now)
    if pair.kind in LISTS:
        pending = entry or NOTHING
        items = lay_over(pair.item_key, _items(now), _items(pending), source=policy.source)
        value = _as_held(pair, target, items)
    if pair.same(value, before):
        return Merged(entry or now)
    known = entry is not None and target not in _changed(pair, now, entry)
    sent = _send(pair, now, {target: value}, pending, conflict=not is_empty(before) and not known)
    return replace(sent, agreed=None) if _still_adds(pair, target, value, now, entry) else sent


def _still_adds(pair: Pair, target: Side, value: Value, now: Entry, entry: Entry | None) -> bool:
    """Whether the target's list keeps what was added there since both agreed, and the source has yet to get."""
    if pair.kind not in LISTS or entry is None or not isinstance(value, tuple):
        return False
    had, has = _items((_of(entry, target), _of(now, target.other)))
    known = {pair.item_key(item) for item in (*had, *has)}
    return any(pair.item_key(item) not in known for item in value)


def _send(pair: Pair, now: Entry, values: Mapping[Side, Value], pending: Entry, *, conflict: bool) -> Merged:
    """Changes for what fits. `pending` is remembered until they are written."""
    changes: dict[Side, FieldChange] = {}
    refusals: list[Refusal] = []
    agreed = now
    for side, value in values.items():
        fitted = fit(value, pair.field(side), side)
        if isinstance(fitted, Refusal):
            refusals.append(fitted)
            continue
        before = _of(now, side)
        lost = before if conflict else None
        changes[side] = FieldChange(pair.of(side), before, fitted, lost=lost, conflict=conflict)
        agreed = (fitted, agreed[1]) if side is Side.OUTREACH else (agreed[0], fitted)
    return Merged(pending, None if refusals else agreed, changes, tuple(refusals))


def _of(entry: Entry, side: Side) -> Value:
    return entry[0] if side is Side.OUTREACH else entry[1]


def _items(entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    one, other = entry
    return (one if isinstance(one, tuple) else (), other if isinstance(other, tuple) else ())


def _as_held(pair: Pair, side: Side, items: tuple[str, ...]) -> tuple[str, ...]:
    """A field that holds one address or number shows the other side's primary one."""
    return items[:1] if pair.field(side).single else items


@dataclass(frozen=True, slots=True)
class MergedRecords:
    """What becomes of two records: the changes for either side, and what to remember (see `Merged`)."""

    changes: Mapping[Side, tuple[FieldChange, ...]]
    base: Base
    agreed: Base
    refusals: tuple[Refusal, ...]


def merge_records(
    prospect: Record, person: Record, base: Base, pairs: Sequence[Pair], policy: Policy
) -> MergedRecords:
    """Every pair by itself: one that is refused or unreadable holds up no other. The two names go together."""
    if base and _in_step(prospect, person, base, pairs):
        return MergedRecords(_NO_CHANGES, base, {}, ())
    merged = {
        pair.key: merge_field(pair, *_now(pair, prospect, person), base.get(pair.key), policy)
        for pair in pairs
    }
    _keep_names_together(prospect, person, base, pairs, merged, policy)
    return MergedRecords(
        {side: tuple(m.changes[side] for m in merged.values() if side in m.changes) for side in SIDES},
        {key: m.entry for key, m in merged.items() if m.entry is not None},
        {key: m.agreed for key, m in merged.items() if m.agreed is not None},
        tuple(refusal for m in merged.values() for refusal in m.refusals),
    )


_NO_CHANGES: Mapping[Side, tuple[FieldChange, ...]] = dict.fromkeys(Side, ())


def _in_step(prospect: Record, person: Record, base: Base, pairs: Sequence[Pair]) -> bool:
    """Whether both sides show the very same for every pair, as they did when they last agreed: nearly always, and cheap to
    see. The base holds the pairs in force, no others.
    """
    for pair in pairs:
        value = prospect.values.get(pair.mapping.outreach, MISSING)
        if base.get(pair.key) != (value, value) or not is_readable(value):
            return False
        if person.values.get(pair.mapping.pipedrive, MISSING) != value:
            return False
    return len(base) == len(pairs)


def _now(pair: Pair, prospect: Record, person: Record) -> Entry:
    return prospect.value(pair.mapping.outreach), person.value(pair.mapping.pipedrive)


def _keep_names_together(
    prospect: Record,
    person: Record,
    base: Base,
    pairs: Sequence[Pair],
    merged: dict[str, Merged],
    policy: Policy,
) -> None:
    """Where two apps split one name differently, a change of one part takes the other part along.

    Pipedrive takes a name that has one part only whole, and splits it at the first space.
    """
    names = [pair for pair in pairs if pair.mapping in NAMES and pair.key in base]
    touched = any(merged[pair.key].changes or merged[pair.key].entry != base[pair.key] for pair in names)
    if not touched or len(names) != 2 or not _agreed_on_whole_name(names, base):
        return
    for part, other in permutations(names):
        target = _renamed(other, _now(other, prospect, person), base[other.key], merged[other.key], policy)
        mine, now = merged[part.key], _now(part, prospect, person)
        if target is None or mine.changes or mine.refusals or mine.entry is None or part.same(*now):
            continue
        if not _changed(part, now, mine.entry):
            merged[part.key] = _send(part, now, {target: _of(now, target.other)}, mine.entry, conflict=False)
            if not merged[other.key].changes:  # agreed on once the name is written, not before
                agreed = merged[other.key].entry if merged[part.key].changes else None
                merged[other.key] = Merged(base[other.key], agreed)


def _agreed_on_whole_name(names: Sequence[Pair], base: Base) -> bool:
    """Whether both sides held the same name, however they split it into its parts."""
    left, right = (
        " ".join(part for pair in names if isinstance(part := base[pair.key][half], str)) for half in (0, 1)
    )
    return left.casefold() == right.casefold()


def _renamed(part: Pair, now: Entry, entry: Entry, merged: Merged, policy: Policy) -> Side | None:
    """The side that a new part of the name goes to, or where it is the same by now; None: nowhere."""
    if merged.refusals:
        return None
    changed = _changed(part, now, entry)
    source = changed[0] if len(changed) == 1 else policy.winner if changed else None
    return source.other if source is not None and policy.may_write(source.other) else None


def empty_record(side: Side, pairs: Iterable[Pair]) -> Record:
    """A record that is still to be made: every mapped field is there and empty."""
    return Record(side, "", {pair.of(side): None for pair in pairs})
