"""Whether the two records of a linked pair show the same, and if not, why. Pure; rules: docs/sync-rules.md, "Proof of sameness"."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.core.operations import Base
from tidegate.core.records import Record, Side
from tidegate.core.settings import Pair
from tidegate.core.values import MISSING, Unreadable, Value


class Why(StrEnum):
    """Why a pair is not in step, the gravest first."""

    CHANGED = "changed"
    """One side changed and the change was not followed: it is looked at now."""
    GONE = "gone"
    """One of the two records can't be seen any more."""
    UNREADABLE = "unreadable"
    """One app shows what the other can't take."""
    LEFT = "left"
    """Both sides were left to differ: the direction, a refusal, or a member wanted it so."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One mapped field that shows different values."""

    pair: Pair
    outreach: Value
    pipedrive: Value
    why: Why


def differences(prospect: Record, person: Record, base: Base, pairs: Sequence[Pair]) -> list[Difference]:
    """The mapped fields in which the two differ. What a side does not show at all can't be compared, and is left out."""
    found = []
    for pair in pairs:
        now = (prospect.value(pair.of(Side.OUTREACH)), person.value(pair.of(Side.PIPEDRIVE)))
        if MISSING in now or pair.same(*now):
            continue
        found.append(Difference(pair, *now, _why(pair, now, base.get(pair.key))))
    return found


def _why(pair: Pair, now: tuple[Value, Value], entry: tuple[Value, Value] | None) -> Why:
    if any(isinstance(value, Unreadable) for value in now):
        return Why.UNREADABLE
    if entry is None or not (pair.same(now[0], entry[0]) and pair.same(now[1], entry[1])):
        return Why.CHANGED
    return Why.LEFT


def gravest(found: Sequence[Difference]) -> Why:
    """Of at least one difference."""
    return min((difference.why for difference in found), key=list(Why).index)


ROUND_EVERY = timedelta(hours=24)
PAGE_EVERY = timedelta(minutes=45)
"""32 pages a day at most: 320 tokens for 16,000 persons, so that an idle connection stays below 950 a day. A larger company is checked in rounds of several days."""


def next_page_at(now: datetime, round_began_at: datetime, *, more: bool, in_a_hurry: bool) -> datetime:
    """When the check goes on. `in_a_hurry`: a member asked for this round."""
    if not more:
        return max(now, round_began_at + ROUND_EVERY)
    return now if in_a_hurry else now + PAGE_EVERY
