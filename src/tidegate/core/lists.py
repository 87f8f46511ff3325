"""Three-way merge of addresses and numbers: what either side added is added, what either side removed is removed.

The primary one is merged like a field of its own. Each side keeps its own spelling of what it holds already. Items that
an app spells in its own way (the base's two entries differ) are recognised as one by their place. Rules:
docs/sync-rules.md, "Lists".
"""

from collections.abc import Callable
from dataclasses import dataclass

from tidegate.core.records import Side

Items = tuple[str, ...]
KeyOf = Callable[[str], str]
"""By what two items are told to be the same."""


@dataclass(frozen=True, slots=True)
class MergedLists:
    outreach: Items
    pipedrive: Items
    conflict: bool
    """Both sides chose another primary one."""

    def of(self, side: Side) -> Items:
        return self.outreach if side is Side.OUTREACH else self.pipedrive


def merge_lists(
    key_of: KeyOf, now: tuple[Items, Items], base: tuple[Items, Items], *, winner: Side
) -> MergedLists:
    """What both sides should hold: in the order of the side that chose another primary one, else of the winner."""
    aliases = _aliases(key_of, now, base)
    left, right = _keyed(key_of, now[0], {}), _keyed(key_of, now[1], aliases)
    was_left, was_right = _keyed(key_of, base[0], {}), _keyed(key_of, base[1], aliases)
    moved = _first(left) != _first(was_left), _first(right) != _first(was_right)
    lead = winner if moved[0] == moved[1] else Side.OUTREACH if moved[0] else Side.PIPEDRIVE
    order = [*left, *right] if lead is Side.OUTREACH else [*right, *left]
    kept = [key for key in dict.fromkeys(order) if _stays(key, (left, right), (was_left, was_right))]
    return MergedLists(
        tuple(left.get(key) or right[key] for key in kept),
        tuple(right.get(key) or left[key] for key in kept),
        conflict=all(moved) and _first(left) != _first(right),
    )


def lay_over(key_of: KeyOf, now: tuple[Items, Items], base: tuple[Items, Items], *, source: Side) -> Items:
    """What a transfer makes of the other side's list: the source's items first, then those the source never had."""
    aliases = _aliases(key_of, now, base)
    left, right = _keyed(key_of, now[0], {}), _keyed(key_of, now[1], aliases)
    if source is Side.OUTREACH:
        mine, theirs, had = left, right, _keyed(key_of, base[0], {})
    else:
        mine, theirs, had = right, left, _keyed(key_of, base[1], aliases)
    kept = [*mine, *(key for key in theirs if key not in mine and key not in had)]
    return tuple(theirs.get(key) or mine[key] for key in kept)


def _keyed(key_of: KeyOf, items: Items, aliases: dict[str, str]) -> dict[str, str]:
    """Key -> the item as written, in order."""
    keyed: dict[str, str] = {}
    for item in items:
        key = key_of(item)
        keyed.setdefault(aliases.get(key, key), item)
    return keyed


def _aliases(key_of: KeyOf, now: tuple[Items, Items], base: tuple[Items, Items]) -> dict[str, str]:
    """Pipedrive's key of an item -> outreach's, for items that one app spells in its own way.

    Known by their place among what the two entries of the base do not share. Where these differ in number, or a side
    shows both spellings, nothing is guessed: then both count as items of their own, and none is lost.
    """
    if not base[0] or not base[1]:
        return {}
    left, right = ([key_of(item) for item in items] for items in base)
    shown_left, shown_right = ({key_of(item) for item in items} for items in now)
    only_left = [key for key in left if key not in right]
    only_right = [key for key in right if key not in left]
    if len(only_left) != len(only_right):
        return {}
    return {
        theirs: ours
        for theirs, ours in zip(only_right, only_left, strict=True)
        if ours not in shown_right and theirs not in shown_left
    }


def _first(items: dict[str, str]) -> str | None:
    return next(iter(items), None)


def _stays(
    key: str, now: tuple[dict[str, str], dict[str, str]], before: tuple[dict[str, str], dict[str, str]]
) -> bool:
    """Added by either side, or removed by neither."""
    sides = list(zip(now, before, strict=True))
    if any(key in held and key not in had for held, had in sides):
        return True
    return not any(key in had and key not in held for held, had in sides)
