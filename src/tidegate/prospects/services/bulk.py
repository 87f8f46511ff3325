"""Many prospects at once, recognised by their e-mail addresses: a fixed number of queries whatever the number of items.

An item whose addresses belong to two prospects is refused, never guessed. Two items with one address are two changes of
one prospect, in order. An item without an address is told from others by its key, where it has one, else it is new.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tidegate.errors import Invalid
from tidegate.prospects.authors import Author, announce, announce_closed
from tidegate.prospects.content import (
    Content,
    fill_up,
    is_nobody,
    lay_over,
    read_what_fits,
    with_added_addresses,
)
from tidegate.prospects.models import Prospect, ProspectEmail, ProspectList
from tidegate.prospects.services.saving import (
    CHANGEABLE,
    NOBODY,
    Outcome,
    add_memberships,
    custom_shapes,
    lock_addresses,
    missing_memberships,
    new_prospect,
    write_addresses,
)
from tidegate.words import say

MAX_ITEMS = 1_000


class Policy(StrEnum):
    """What happens to a prospect that is here already."""

    OVERWRITE = "overwrite"
    FILL = "fill"
    """Only its empty fields are written."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Item:
    """One prospect as it should be."""

    content: Content
    list_ids: frozenset[int] = frozenset()
    key: str | None = None
    """Recognises an item without an address."""


@dataclass(slots=True)
class ItemResult:
    outcome: Outcome
    prospect_id: int | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)
    """Why it was rejected, by key."""


@transaction.atomic
def upsert_prospects(
    author: Author, raws: Sequence[Mapping[str, object]], *, policy: Policy = Policy.OVERWRITE
) -> list[ItemResult]:
    """Create or update each item; answers in the order asked. An item at fault is rejected alone.

    An item may hold `list_ids` besides the content; it is added to these. Raises Invalid for more than MAX_ITEMS.
    """
    if len(raws) > MAX_ITEMS:
        raise Invalid(
            say(
                "At most {limit} items in one call, not {number}.",
                limit=f"{MAX_ITEMS:,}",
                number=f"{len(raws):,}",
            )
        )
    shapes = custom_shapes(author.workspace_id)
    known_lists = _known_lists(author.workspace_id, raws)
    results: list[ItemResult] = []
    items: list[tuple[int, Item]] = []
    for index, raw in enumerate(raws):
        rest = {key: value for key, value in raw.items() if key != "list_ids"}
        content, faults = read_what_fits(rest, shapes)
        list_ids = _read_list_ids(raw.get("list_ids"), known_lists, faults)
        results.append(ItemResult(Outcome.REJECTED, errors=faults))
        if not faults:
            items.append((index, Item(content, list_ids)))
    for (index, _), result in zip(
        items, upsert_items(author, [i for _, i in items], policy=policy), strict=True
    ):
        results[index] = result
    return results


@transaction.atomic
def upsert_items(
    author: Author, items: Sequence[Item], *, policy: Policy, dry: bool = False
) -> list[ItemResult]:
    """The same for items whose content was checked before. `dry`: say what would happen, and write nothing."""
    if not dry:
        lock_addresses(author.workspace_id)
    return _Batch(author, items, policy, dry=dry).run()


_Placed = tuple[Prospect | None, ItemResult]


class _Batch:
    """One transaction's worth of items, worked on in memory and written at the end."""

    def __init__(self, author: Author, items: Sequence[Item], policy: Policy, *, dry: bool) -> None:
        self.author = author
        self.items = items
        self.policy = policy
        self.dry = dry
        self.holders: dict[str, list[Prospect]] = {}
        """Address -> who has it, those made by this batch included."""
        self.by_key: dict[str, Prospect] = {}
        self.created: list[Prospect] = []
        self.changed: dict[int, Prospect] = {}
        self.closed: set[int] = set()
        """Those that were here, and whose consent was tightened."""

    def run(self) -> list[ItemResult]:
        self.load()
        placed = [self.place(item) for item in self.items]
        if self.dry:
            moved = missing_memberships(self.memberships(placed))
            return [self.result(prospect, result, {pid for pid, _ in moved}) for prospect, result in placed]
        self.write()
        return self.told(placed, add_memberships(self.memberships(placed)))

    def told(self, placed: Sequence[_Placed], moved: Collection[int]) -> list[ItemResult]:
        """The answers, once who listens was told."""
        new = {prospect.pk for prospect in self.created}
        announce(self.author, "create", sorted(new))
        announce(self.author, "change", sorted((self.changed.keys() | set(moved)) - new))
        announce_closed(self.author, sorted(self.closed))
        return [self.result(prospect, result, moved) for prospect, result in placed]

    def load(self) -> None:
        """Who has the addresses and keys of these items; locked, in order of id."""
        workspace_id = self.author.workspace_id
        addresses = {address for item in self.items for address in item.content.addresses}
        rows = ProspectEmail.objects.filter(workspace_id=workspace_id, address__in=addresses)
        pairs = list(rows.order_by("prospect_id").values_list("address", "prospect_id")) if addresses else []
        locked = Prospect.objects.all() if self.dry else Prospect.objects.select_for_update(no_key=True)
        found = locked.filter(pk__in={pid for _, pid in pairs}).order_by("pk")
        prospects = {prospect.pk: prospect for prospect in found} if pairs else {}
        for address, pid in pairs:
            if pid in prospects:
                self.holders.setdefault(address, []).append(prospects[pid])
        keys = {item.key for item in self.items if item.key}
        if keys:
            made = Prospect.objects.filter(workspace_id=workspace_id, origin_key__in=keys)
            self.by_key = {str(prospect.origin_key): prospect for prospect in made}

    def place(self, item: Item) -> _Placed:
        candidates = {
            id(prospect): prospect
            for address in item.content.addresses
            for prospect in self.holders.get(address, ())
        }
        if len(candidates) > 1:
            return None, _ambiguous(list(candidates.values()))
        if candidates:
            prospect = next(iter(candidates.values()))
            return prospect, ItemResult(self.update(prospect, item.content))
        if item.key and item.key in self.by_key:
            return self.by_key[item.key], ItemResult(Outcome.UNCHANGED)
        return self.create(item)

    def create(self, item: Item) -> _Placed:
        prospect = new_prospect(self.author, item.content, key=item.key)
        if is_nobody(prospect):
            return None, ItemResult(Outcome.REJECTED, errors={"email": [NOBODY]})
        self.created.append(prospect)
        self.note_addresses(prospect, item.content)
        if item.key:
            self.by_key[item.key] = prospect
        return prospect, ItemResult(Outcome.CREATED)

    def update(self, prospect: Prospect, content: Content) -> Outcome:
        if self.policy is Policy.SKIP:
            return Outcome.UNCHANGED
        before = prospect.consent
        if self.policy is Policy.FILL:
            changed = fill_up(prospect, content)
        else:
            changed = lay_over(prospect, with_added_addresses(prospect, content))
        if not changed:
            return Outcome.UNCHANGED
        self.note_addresses(prospect, content)
        if prospect.pk is not None:
            self.changed[prospect.pk] = prospect
            if prospect.consent != before:
                self.closed.add(prospect.pk)
        return Outcome.UPDATED

    def note_addresses(self, prospect: Prospect, content: Content) -> None:
        for address in content.addresses:
            holders = self.holders.setdefault(address, [])
            if prospect not in holders:
                holders.append(prospect)

    def write(self) -> None:
        now = timezone.now()
        for prospect in self.changed.values():
            prospect.updated_at = now
        Prospect.objects.bulk_create(self.created)
        Prospect.objects.bulk_create(
            self.changed.values(), update_conflicts=True, unique_fields=["id"], update_fields=CHANGEABLE
        )
        touched = [*self.created, *self.changed.values()]
        if touched:
            write_addresses(self.author, touched)

    def memberships(self, placed: Sequence[_Placed]) -> set[tuple[int, int]]:
        return {
            (prospect.pk, list_id)
            for (prospect, _), item in zip(placed, self.items, strict=True)
            if prospect is not None and prospect.pk is not None
            for list_id in item.list_ids
        }

    def result(self, prospect: Prospect | None, result: ItemResult, moved: Collection[int]) -> ItemResult:
        if prospect is None:
            return result
        result.prospect_id = prospect.pk
        if result.outcome is Outcome.UNCHANGED and prospect.pk in moved:
            result.outcome = Outcome.UPDATED
        return result


def _ambiguous(candidates: Sequence[Prospect]) -> ItemResult:
    names = " and ".join(sorted({candidate.name for candidate in candidates})[:3])
    text = say(
        "{number} prospects have these addresses ({names}), so it is not clear which one is meant.",
        number=len(candidates),
        names=names,
    )
    return ItemResult(Outcome.REJECTED, errors={"email": [text]})


def _known_lists(workspace_id: UUID, raws: Sequence[Mapping[str, object]]) -> set[int]:
    asked = set()
    for raw in raws:
        ids = raw.get("list_ids")
        asked |= (
            {int(item) for item in ids if str(item).isdecimal()} if isinstance(ids, list | tuple) else set()
        )
    rows = (
        ProspectList.objects.select_for_update(no_key=True)
        .order_by("pk")
        .filter(workspace_id=workspace_id, pk__in={i for i in asked if i < 2**63})
    )
    return set(rows.values_list("pk", flat=True)) if asked else set()


def _read_list_ids(raw: object, known: set[int], faults: dict[str, list[str]]) -> frozenset[int]:
    if raw is None:
        return frozenset()
    if not isinstance(raw, list | tuple):
        faults["list_ids"] = [say("This must be a list of list ids.")]
        return frozenset()
    unknown = [item for item in raw if not (str(item).isdecimal() and int(item) in known)]
    if unknown:
        faults["list_ids"] = [say("There is no list with the id {id}.", id=str(unknown[0])[:40])]
    return frozenset(int(item) for item in raw) if not unknown else frozenset()
