"""Brakes: what is unusual enough to be stopped before it is written, until a member confirms or drops it.

Pure: what was written lately and what is about to be, against a connection's limits. A transfer has no brakes: somebody
ordered it, and could look at its preview. Rules: docs/sync-rules.md, "Brakes".
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum

from tidegate.core.catalogue import NamedList, OutreachCatalogue, PipedriveCatalogue
from tidegate.core.limits import Limits
from tidegate.core.operations import Act, Decision, FieldChange, Plan
from tidegate.core.values import is_empty, is_readable

LEAST_VANISHED = 20
"""Fewer records that can't be seen any more, though nobody deleted them, are everyday life."""
LEAST_OF_A_LIST = 20
"""A list that held fewer prospects may become empty without a word."""


class Brake(StrEnum):
    """What was unusual."""

    SHARE = "share"
    """An unusual share of the linked records was about to change."""
    EMPTIED = "emptied"
    """Many values were about to be emptied."""
    CREATED = "created"
    """Unusually many records were about to be made."""
    VANISHED = "vanished"
    """Many records can't be seen any more, and nobody told that they were deleted."""
    CATALOGUE = "catalogue"
    """An app offers nothing where it offered something before."""
    LIST = "list"
    """A list that is synced has become empty all of a sudden."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of what: written lately, or about to be."""

    updated: int = 0
    created: int = 0
    emptied: int = 0
    vanished: int = 0
    looked_at: int = 0
    """Linked pairs whose person was asked for: of so many did the others vanish."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def tally_of(plan: Plan, *, told: bool) -> Tally:
    """What one plan adds. `told`: somebody announced that the record was deleted."""
    acts = {write.act for write in plan.writes}
    return Tally(
        updated=acts == {Act.UPDATE},
        created=Act.CREATE in acts,
        emptied=sum(is_emptying(change) for write in plan.writes for change in write.changes),
        vanished=plan.decision is Decision.UNLINK and not told,
        looked_at=not plan.new_link and plan.prospect_id is not None and plan.person_id is not None,
    )


def is_emptying(change: FieldChange) -> bool:
    return is_readable(change.before) and not is_empty(change.before) and is_empty(change.after)


def tripped(tally: Tally, limits: Limits, *, linked: int) -> Brake | None:
    """The brake that stops this, the gravest first; None where it may go through. `linked`: how many pairs there are."""
    if not limits.on:
        return None
    if tally.vanished >= LEAST_VANISHED and 2 * tally.vanished >= tally.looked_at:
        return Brake.VANISHED
    if tally.emptied > limits.emptied:
        return Brake.EMPTIED
    if tally.updated > limits.records and 100 * tally.updated > limits.share_percent * linked:
        return Brake.SHARE
    if tally.created > limits.created:
        return Brake.CREATED
    return None


def may_trip(waiting: int, limits: Limits) -> bool:
    """Whether so many waiting changes could come to anything unusual at all: where not, nobody needs to look ahead."""
    return limits.on and waiting > min(limits.records, limits.created)


def missing_from(before: PipedriveCatalogue, after: PipedriveCatalogue) -> list[str]:
    """What Pipedrive offered before and offers none of now: `fields`, `users`, `pipelines`."""
    parts = ("fields", "users", "pipelines")
    return [part for part in parts if getattr(before, part) and not getattr(after, part)]


def emptied_lists(
    before: OutreachCatalogue, after: OutreachCatalogue, synced: Collection[str] | None
) -> list[NamedList]:
    """Lists that are synced (None: all are), held many prospects before and hold none now. A removed list is told elsewhere."""
    now = {each.id: each for each in after.lists}
    return [
        each
        for each in before.lists
        if (synced is None or each.id in synced)
        and (each.size or 0) >= LEAST_OF_A_LIST
        and each.id in now
        and now[each.id].size == 0
    ]
