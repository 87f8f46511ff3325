"""What of a transfer is in flight while its pages overlap: plain values, and the tasks of one connection's engine."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.core.operations import Decision
from tidegate.core.records import Gone, Record, Seen, Side
from tidegate.services.units import Unit


@dataclass(frozen=True, slots=True)
class Walked:
    """A stretch of the source: chosen records may be gone by now, walked ones are there."""

    seen: Sequence[Seen]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """A stretch that was looked at: a unit for each record that has no outcome yet."""

    walked: Walked
    units: list[Unit]
    mirror: Mapping[str, float]
    """When the mirror it rests on had been brought up to date: `Lane.fresh` as the look began."""


@dataclass(slots=True)
class Touched:
    """What a page may have changed for the next one: records of either side, and who has which address."""

    ids: set[tuple[Side, str]] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)

    @classmethod
    def by(cls, units: Iterable[Unit]) -> "Touched":
        touched = cls()
        for unit in units:
            if unit.link is None or unit.plan is None or unit.plan.decision is not Decision.UNCHANGED:
                touched.ids.update(_ids_of(unit))
                touched.addresses.update(_addresses_of(unit))
        return touched

    def meets(self, unit: Unit) -> bool:
        return not (self.ids.isdisjoint(_ids_of(unit)) and self.addresses.isdisjoint(_addresses_of(unit)))


def _ids_of(unit: Unit) -> Iterable[tuple[Side, str]]:
    """Every record that the unit is, was written as, or could come to be linked to."""
    for side in Side:
        if record_id := unit.id_of(side):
            yield side, record_id
    for record in unit.returned.values():
        yield record.side, record.id
    for candidate in unit.candidates:
        yield candidate.side, candidate.id
    for taken in unit.taken:
        yield unit.origin.other, taken
    if isinstance(unit.person, Gone) and unit.person.merged_into:
        yield Side.PIPEDRIVE, unit.person.merged_into


def _addresses_of(unit: Unit) -> Iterable[str]:
    for seen in (unit.prospect, unit.person, *unit.returned.values()):
        if isinstance(seen, Record):
            yield from seen.emails


@dataclass(slots=True)
class InFlight:
    """A transfer whose pages overlap: the page that comes next, and what is under way meanwhile."""

    transfer_id: str
    cursor: str
    """Of the page that comes next; the transfer's row says so once the one before is stored."""
    storing: "asyncio.Task[None] | None" = None
    """The page before, on its way into the store."""
    ahead: "asyncio.Task[Looked] | None" = None
    """The page that comes next, being read and looked at."""
    touched: Touched | None = None
    """What the page before wrote, which `ahead` could not rest on."""
