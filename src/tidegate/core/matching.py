"""Who fits whom by e-mail address, before there is a link.

Two records fit when they share an address in normal form, any address of either. A search hit or a row of an index is a
candidate, never a match: equality is checked here. Records without an address fit nobody. Rules: docs/sync-rules.md,
"Match".
"""

from collections.abc import Collection, Iterable, Mapping

from tidegate.core.records import Record
from tidegate.core.values import is_email, normal_emails


def addresses(record: Record) -> tuple[str, ...]:
    """The record's addresses in normal form by which it can be known; "n/a" and the like are nobody's."""
    return tuple(address for address in normal_emails(record.emails) if is_email(address))


def find_candidates(record: Record, holders: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Ids of the other side's records that hold an address of this one.

    In the order of the record's own addresses, then in the order of each address's holders; each id once.
    """
    found: dict[str, None] = {}
    for address in addresses(record):
        found.update(dict.fromkeys(holders.get(address, ())))
    return tuple(found)


def possible(found: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    """Of the ids that share an address, those of whom nobody has said that they are somebody else; each once, in order."""
    return tuple(each for each in dict.fromkeys(found) if each not in others)


def shares_address(one: Record, other: Record) -> bool:
    return not set(addresses(one)).isdisjoint(addresses(other))


def shared_addresses(one: Record, other: Record) -> tuple[str, ...]:
    held = set(addresses(other))
    return tuple(address for address in addresses(one) if address in held)


def group_by_identity(records: Iterable[Record]) -> tuple[tuple[Record, ...], ...]:
    """Records of one side that are the same somebody: chained by shared addresses, in the order they came.

    A record without an address is a group of its own.
    """
    groups: list[list[Record]] = []
    group_of: dict[str, list[Record]] = {}
    for record in records:
        held = addresses(record)
        touched = list({id(g): g for a in held if (g := group_of.get(a)) is not None}.values())
        group = touched[0] if touched else []
        if not touched:
            groups.append(group)
        group.append(record)
        for absorbed in touched[1:]:
            group.extend(absorbed)
            groups.remove(absorbed)
        group_of.update((a, group) for member in group for a in addresses(member))
    return tuple(tuple(group) for group in groups)


def take_turns(records: Iterable[Record]) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Of the unlinked records of one batch: those to decide now, and those that wait until these are linked.

    Two that share an address must not both be created: the first goes first, and the second then finds what it made.
    """
    groups = group_by_identity(records)
    first = tuple(group[0] for group in groups)
    later = tuple(record for group in groups for record in group[1:])
    return first, later
