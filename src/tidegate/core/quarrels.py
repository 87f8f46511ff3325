"""Two apps that rewrite a value in turn: recognised by what was written lately, and stopped.

An app that stores a value in its own way at once is no trouble: its answer becomes the base. One that rewrites it a moment
later (an automation, a formatting robot) announces a change, and where the other app has a robot of its own, each answers
the other for ever. The activity log tells: the same field was written on one side, then the other, and so on. Rules:
docs/sync-rules.md, "Quarrels".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from tidegate.core.operations import Decision, Plan, Quarrel
from tidegate.core.records import Side
from tidegate.core.values import Json, to_json

KIND = "oscillating"
"""Of the question that a person is asked."""
MOST_TURNS = 6
"""So many writes of one field in turn are carried out, then no more: three each way."""
MOST_TURNS_A_DAY = 24
"""The same, where the turns are slow and bring another value each time, as two people's edits also might."""
WINDOW = timedelta(hours=24)
"""How far back turns are counted."""
QUICK = timedelta(seconds=60)
"""A robot answers within seconds; people who edit one field in turn take longer."""
FEW = 2
"""A robot comes back to its own values; so many different ones a side are still a robot's."""


@dataclass(frozen=True, slots=True)
class PastWrite:
    """A write of one record of a pair: how long ago it was, and field -> the value it got, as JSON."""

    ago: timedelta
    side: Side
    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a pair's latest writes, the oldest first, and the mappings that are stopped already."""

    writes: tuple[PastWrite, ...] = ()
    stopped: frozenset[str] = frozenset()


NO_PAST = Past()
NOW = timedelta()


def hold_back(plan: Plan, past: Past) -> Plan:
    """The plan without the writes that would go on with a quarrel. What is held back stays a change (as what is refused)."""
    quarrels = [q for key in plan.fields if (q := _quarrel(plan, key, past)) is not None]
    if not quarrels:
        return plan
    keys = {quarrel.key for quarrel in quarrels}
    writes = tuple(
        replace(write, changes=left)
        for write in plan.writes
        if (left := tuple(c for c in write.changes if c.field not in _fields(plan, keys, write.side)))
    )
    return replace(
        plan,
        decision=Decision.UPDATE if writes else Decision.UNCHANGED,
        writes=writes,
        agreed={key: entry for key, entry in plan.agreed.items() if key not in keys},
        quarrels=tuple(quarrels),
    )


def _quarrel(plan: Plan, key: str, past: Past) -> Quarrel | None:
    fields = dict(zip(Side, plan.fields[key], strict=True))
    for write in plan.writes:
        change = next((c for c in write.changes if c.field == fields[write.side]), None)
        if change is None:
            continue
        coming = PastWrite(NOW, write.side, {change.field: to_json(change.after)})
        turns = _in_turn([*_of_field(past.writes, fields), coming], fields)
        if key in past.stopped or _is_quarrel(turns, fields):
            told = {write.side: change.before, write.side.other: change.after}
            return Quarrel(key, fields, len(turns) - 1, told)
    return None


def _fields(plan: Plan, keys: Collection[str], side: Side) -> set[str]:
    return {plan.fields[key][0 if side is Side.OUTREACH else 1] for key in keys}


def _of_field(writes: Sequence[PastWrite], fields: Mapping[Side, str]) -> list[PastWrite]:
    return [write for write in writes if fields[write.side] in write.values]


def _in_turn(writes: Sequence[PastWrite], fields: Mapping[Side, str]) -> list[PastWrite]:
    """The latest writes that went to one side, then the other, within the window."""
    turns = [writes[-1]]
    for write in reversed(writes[:-1]):
        if write.side is turns[0].side or write.ago > WINDOW:
            break
        turns.insert(0, write)
    return turns


def _is_quarrel(turns: Sequence[PastWrite], fields: Mapping[Side, str]) -> bool:
    """`turns` with the one that is about to come."""
    if len(turns) > MOST_TURNS_A_DAY:
        return True
    latest = turns[-1 - MOST_TURNS :]
    if len(latest) <= MOST_TURNS:
        return False
    quick = all(earlier.ago - later.ago <= QUICK for earlier, later in pairwise(latest))
    return quick or all(_few_values(latest, side, fields[side]) for side in Side)


def _few_values(turns: Sequence[PastWrite], side: Side, field: str) -> bool:
    values: list[Json] = []
    for turn in turns:
        if turn.side is side and turn.values[field] not in values:
            values.append(turn.values[field])
    return len(values) <= FEW
