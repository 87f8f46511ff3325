"""A unit: one pair (or one unlinked record) with everything the batch knows and decides about it.

Several changes of one record, and the changes of both sides of one link, fold into one unit: however often a record was
touched while it waited, it is looked at and written once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.core.operations import Base, Plan
from tidegate.core.overtaken import Overtaken
from tidegate.core.records import COMPANY, PHONE, Record, Seen, Side
from tidegate.errors import TidegateError
from tidegate.ports import Change, StoredLink


@dataclass(slots=True)
class Unit:
    origin: Side
    prospect_id: str | None = None
    person_id: str | None = None
    link: StoredLink | None = None
    changes: list[Change] = field(default_factory=list)
    prospect: Seen | None = None
    person: Seen | None = None
    candidates: tuple[Record, ...] = ()
    taken: tuple[str, ...] = ()
    rival: str = ""
    """Of a merge: the prospect that the survivor is linked to."""
    barred: str = ""
    """Why the record must not travel, where that can't be seen from it."""
    base: Base | None = None
    """What the link remembers, for the pairs in force; None where it counts for nothing yet."""
    overtaken: tuple[Overtaken, ...] = ()
    """Edits that our own writes replaced, as their webhooks tell."""
    plan: Plan | None = None
    returned: dict[Side, Record] = field(default_factory=dict)
    """What the writes answered."""
    error: TidegateError | None = None
    key: str = ""
    """Under which the outreach app is to make a prospect: see `services.keys`."""
    organization_ids: Mapping[str, str] = field(default_factory=dict)
    """Name -> the organization meant by it, where that is known: names need not be unique."""

    @property
    def record_name(self) -> str:
        seen = [each for each in (self.prospect, self.person) if isinstance(each, Record)]
        return next(filter(None, map(_called, seen)), "") or next(
            (f"{c.entity} {c.record_id}" for c in self.changes), ""
        )

    def id_of(self, side: Side) -> str | None:
        return self.prospect_id if side is Side.OUTREACH else self.person_id

    def seen_of(self, side: Side) -> Seen | None:
        return self.prospect if side is Side.OUTREACH else self.person


def _called(record: Record) -> str:
    """A record without a name is called by its address, number or company: an id tells nobody anything."""
    numbers = record.value(PHONE)
    company = record.value(COMPANY)
    words = (
        record.name,
        *record.emails[:1],
        *(numbers[:1] if isinstance(numbers, tuple) else ()),
        company if isinstance(company, str) else "",
    )
    return next(filter(None, words), "")


def fold(changes: Sequence[Change], links: Iterable[StoredLink]) -> list[Unit]:
    """Changes of prospects and persons as units, in the order of their oldest change."""
    by_prospect: dict[str, StoredLink] = {}
    by_person: dict[str, StoredLink] = {}
    for link in links:
        by_prospect[link.prospect_id] = link
        by_person[link.person_id] = link
    units: dict[tuple[Side, str] | int, Unit] = {}
    for change in changes:
        known = (by_prospect if change.side is Side.OUTREACH else by_person).get(change.record_id)
        key = known.id if known is not None else (change.side, change.record_id)
        unit = units.setdefault(key, _unit_of(change, known))
        unit.changes.append(change)
    return list(units.values())


def _unit_of(change: Change, link: StoredLink | None) -> Unit:
    if link is not None:
        return Unit(change.side, link.prospect_id, link.person_id, link)
    if change.side is Side.OUTREACH:
        return Unit(change.side, prospect_id=change.record_id)
    return Unit(change.side, person_id=change.record_id)
