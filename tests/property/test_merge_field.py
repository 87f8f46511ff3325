"""Laws of the merge of one pair, over every combination of a small domain. docs/sync-rules.md, "Merge" to "Transfer"."""

from collections.abc import Iterator
from itertools import product

import pytest

from tests.pairs import OUTREACH, PIPEDRIVE, make_field, make_pair
from tidegate.core.merge import Entry, Live, Merged, Overwrite, Policy, merge_field
from tidegate.core.records import Side
from tidegate.core.settings import Direction, Pair
from tidegate.core.values import MISSING, Kind, Unreadable, Value, is_empty, is_readable

ODD = Unreadable("??", "not a text")
READABLE: tuple[Value, ...] = (None, "old", "new", "other")
SHOWN: tuple[Value, ...] = (*READABLE, "too long by far", MISSING, ODD)
ENTRIES: tuple[Entry | None, ...] = (None, *product(READABLE, READABLE))
TEXT = make_pair(
    outreach=make_field(key="left", max_length=5), pipedrive=make_field(key="right", max_length=5)
)
DIRECTIONS = [(d, w) for d, w in product(Direction, Side) if d.sender in (None, w)]
LIVES = [Live(d, w, meeting=m) for (d, w), m in product(DIRECTIONS, (False, True))]
OVERWRITES = [Overwrite(s, writable=w) for s, w in product(Side, (False, True))]
POLICIES: tuple[Policy, ...] = (*LIVES, *OVERWRITES)
CASES: list[tuple[Value, Value, Entry | None, Policy]] = list(product(SHOWN, SHOWN, ENTRIES, POLICIES))

LISTS: tuple[Value, ...] = ((), ("a@x.de",), ("b@x.de",), ("a@x.de", "b@x.de"), ("b@x.de", "c@x.de"))
LIST_ENTRIES: tuple[Entry | None, ...] = (None, *product(LISTS, LISTS))
EMAIL = make_pair(Kind.EMAIL)
LIST_CASES: list[tuple[Value, Value, Entry | None, Policy]] = list(
    product((*LISTS, MISSING), LISTS, LIST_ENTRIES, POLICIES)
)


Case = tuple[Pair, Entry, Entry | None, Policy]


def merge(pair: Pair, now: Entry, entry: Entry | None, policy: Policy) -> Merged:
    return merge_field(pair, now[0], now[1], entry, policy)


def of(pair: Entry, side: Side) -> Value:
    return pair[0] if side is OUTREACH else pair[1]


def at(side: Side, value: Value, other: Value) -> Entry:
    """This value on this side, the other one on the other."""
    return (value, other) if side is OUTREACH else (other, value)


def items(value: Value) -> set[str]:
    assert isinstance(value, tuple)
    return set(value)


def settled(pair: Pair, now: Entry, merged: Merged) -> Entry:
    """What both sides show once the merge is carried out."""
    left, right = (merged.changes[s].after if s in merged.changes else of(now, s) for s in Side)
    return left, right


def every_case() -> Iterator[Case]:
    for outreach, pipedrive, entry, policy in CASES:
        yield TEXT, (outreach, pipedrive), entry, policy
    for outreach, pipedrive, entry, policy in LIST_CASES:
        yield EMAIL, (outreach, pipedrive), entry, policy


def test_the_domain_reaches_every_outcome():
    seen = set()
    for pair, now, entry, policy in every_case():
        merged = merge(pair, now, entry, policy)
        seen.add(("writes", len(merged.changes)))
        seen.update(("conflict", c.conflict) for c in merged.changes.values())
        seen.update(("empties", is_empty(c.after)) for c in merged.changes.values())
        seen.add(("refused", len(merged.refusals)))
        seen.add(("entry", merged.entry is None))

    assert seen >= {("writes", n) for n in (0, 1, 2)}
    assert seen >= {(what, yes) for what in ("conflict", "empties", "entry") for yes in (True, False)}
    assert seen >= {("refused", n) for n in (0, 1, 2)}


def test_no_write_without_a_difference():
    for pair, now, entry, policy in every_case():
        for side, change in merge(pair, now, entry, policy).changes.items():
            assert not pair.same(change.before, change.after)
            assert change.before == of(now, side)


def test_nothing_is_written_where_it_may_not_flow():  # O1, T5
    for pair, now, entry, policy in every_case():
        for side in merge(pair, now, entry, policy).changes:
            assert policy.may_write(side)


def test_missing_and_unreadable_neither_empty_nor_are_written_to():  # G6, V3
    for pair, now, entry, policy in every_case():
        if not all(map(is_readable, now)):
            merged = merge(pair, now, entry, policy)
            assert not merged.changes
            assert merged.entry == entry
            assert merged.agreed is None
            assert len(merged.refusals) == sum(isinstance(value, Unreadable) for value in now)


def test_what_does_not_fit_is_refused_whole_and_stays_a_change():  # G7, V1
    for pair, now, entry, policy in every_case():
        merged = merge(pair, now, entry, policy)
        fits = [
            r
            for r in merged.refusals
            if is_readable(of(now, Side.OUTREACH)) and is_readable(of(now, PIPEDRIVE))
        ]
        for refusal in fits:
            assert refusal.reason == "too long: 15 of 5 characters"
            assert refusal.value == "too long by far"
            assert merged.agreed is None
            again = merge(pair, now, merged.entry, with_link(policy))
            assert again.refusals == merged.refusals
        for change in merged.changes.values():
            assert change.after in (*READABLE, *LISTS) or items(change.after) <= {
                "a@x.de",
                "b@x.de",
                "c@x.de",
            }


def with_link(policy: Policy) -> Policy:
    """The policy at the next look, when the two are linked."""
    return Live(policy.direction, policy.winner) if isinstance(policy, Live) else policy


def test_what_was_written_causes_no_further_write():  # G1
    for pair, now, entry, policy in every_case():
        merged = merge(pair, now, entry, policy)
        if merged.agreed is not None:
            then = settled(pair, now, merged)
            assert merged.agreed == then
            again = merge(pair, then, merged.agreed, with_link(policy))
            assert not again.changes
            assert again.entry == merged.agreed


def test_a_side_that_spells_what_it_gets_causes_no_further_write():  # B1
    for pair, now, entry, policy in every_case():
        merged = merge(pair, now, entry, policy)
        if merged.agreed is None:
            continue
        left, right = (
            "SPELT" if s in merged.changes and isinstance(of(merged.agreed, s), str) else of(merged.agreed, s)
            for s in Side
        )
        answered = (left, right)
        again = merge(pair, answered, answered, with_link(policy))
        if isinstance(policy, Live):
            assert not again.changes


def test_a_write_that_failed_is_still_due():  # G8
    for pair, now, entry, policy in every_case():
        merged = merge(pair, now, entry, policy)
        if merged.changes:
            again = merge(pair, now, merged.entry, with_link(policy))
            assert {s: c.after for s, c in again.changes.items()} == {
                s: c.after for s, c in merged.changes.items()
            }, (now, entry, policy)


def test_two_sides_that_agree_are_left_alone():  # G4, F1
    for value, entry, policy in product(READABLE, ENTRIES, POLICIES):
        merged = merge(TEXT, (value, value), entry, policy)

        assert not merged.changes
        assert merged.entry is not None


def test_nothing_changed_means_nothing_to_do_and_nothing_to_store():  # G1
    for (left, right), policy in product(product(READABLE, READABLE), LIVES):
        merged = merge(TEXT, (left, right), (left, right), policy)

        assert merged == Merged((left, right))


def two_way(winner: Side, *, meeting: bool = False) -> Live:
    return Live(Direction.TWO_WAY, winner, meeting)


@pytest.mark.parametrize(("side", "winner"), list(product(Side, Side)))
def test_a_change_on_one_side_wins_whoever_the_source_app_is(side, winner):  # G2
    now = ("new", "old") if side is OUTREACH else ("old", "new")

    merged = merge(TEXT, now, ("old", "old"), two_way(winner))

    change = merged.changes[side.other]
    assert (change.before, change.after, change.conflict, change.lost) == ("old", "new", False, None)
    assert merged.agreed == ("new", "new")


@pytest.mark.parametrize("side", Side)
def test_an_emptied_value_empties_the_other_side(side):  # G3
    now = (None, "old") if side is OUTREACH else ("old", None)

    merged = merge(TEXT, now, ("old", "old"), two_way(PIPEDRIVE))

    assert merged.changes[side.other].after is None


def test_two_different_changes_are_a_conflict_that_the_source_app_wins():  # G5
    for winner, base in product(Side, (None, "old")):
        merged = merge(TEXT, ("new", "other"), (base, base), two_way(winner))

        (loser, change), *rest = merged.changes.items()
        assert not rest
        assert loser is winner.other
        assert change.conflict
        assert (change.lost, change.after) == (("new", "other") if loser is OUTREACH else ("other", "new"))


def test_only_changes_on_both_sides_are_a_conflict_between_linked_records():  # G5
    for (left, right), (was_left, was_right), winner in product(
        product(READABLE, READABLE), product(READABLE, READABLE), Side
    ):
        merged = merge(TEXT, (left, right), (was_left, was_right), two_way(winner))
        both = left != was_left and right != was_right and left != right

        assert any(c.conflict for c in merged.changes.values()) == both


def test_in_two_way_linked_sides_agree_after_any_change():  # G2, G5
    for now, entry, winner in product(product(READABLE, READABLE), product(READABLE, READABLE), Side):
        if now != entry:
            merged = merge(TEXT, now, entry, two_way(winner))
            left, right = settled(TEXT, now, merged)
            assert TEXT.same(left, right)


def test_in_two_way_linked_lists_agree_after_any_change():  # I1
    for now, was, winner in product(product(LISTS, LISTS), LISTS, Side):
        merged = merge(EMAIL, now, (was, was), two_way(winner))
        left, right = settled(EMAIL, now, merged)
        assert EMAIL.same(left, right)


def test_lists_end_with_every_addition_and_without_every_removal():  # I1
    for now, was, winner in product(product(LISTS, LISTS), LISTS, Side):
        merged = merge(EMAIL, now, (was, was), two_way(winner))
        held, one, other, before = map(items, (settled(EMAIL, now, merged)[0], *now, was))
        assert held == (one | other) - (before - one) - (before - other)


# --- First meeting ---


@pytest.mark.parametrize("winner", Side)
def test_at_the_first_meeting_the_winner_fills_and_overwrites(winner):  # F2, F3
    filled = merge(TEXT, ("new", None), None, two_way(winner, meeting=True))
    fought = merge(TEXT, ("new", "other"), None, two_way(winner, meeting=True))

    assert filled.changes[PIPEDRIVE].after == "new"
    assert not filled.changes[PIPEDRIVE].conflict
    assert set(fought.changes) == {winner.other}
    assert fought.changes[winner.other].conflict


def test_at_the_first_meeting_no_address_is_lost():  # F4
    for (left, right), (direction, winner) in product(product(LISTS, LISTS), DIRECTIONS):
        merged = merge(EMAIL, (left, right), None, Live(direction, winner, meeting=True))
        for side, held in zip(Side, map(items, settled(EMAIL, (left, right), merged)), strict=True):
            assert held >= items(of((left, right), side))
            if direction.flows_to(side):
                assert held == items(left) | items(right)


def test_a_new_mapping_fills_what_is_empty_and_overwrites_nothing():  # F2, F5
    for (left, right), (direction, winner) in product(product(READABLE, READABLE), DIRECTIONS):
        merged = merge(TEXT, (left, right), None, Live(direction, winner))
        for change in merged.changes.values():
            assert is_empty(change.before)
        if left and right:
            assert merged == Merged((left, right))


# --- One-way ---

ONE_WAY = [d for d in Direction if d is not Direction.TWO_WAY]


@pytest.mark.parametrize("direction", ONE_WAY)
def test_one_way_never_writes_to_the_sender(direction):  # O1
    sender = direction.sender
    for pair, now, entry, policy in every_case():
        if isinstance(policy, Live) and policy.direction is direction:
            assert sender not in merge(pair, now, entry, policy).changes


@pytest.mark.parametrize("direction", ONE_WAY)
def test_one_way_a_change_of_the_receiver_alone_is_seen_and_left(direction):  # O2
    sender = direction.sender
    assert sender is not None
    for was, is_now in product(READABLE, READABLE):
        if was != is_now:
            now = ("old", is_now) if sender is OUTREACH else (is_now, "old")
            entry = ("old", was) if sender is OUTREACH else (was, "old")
            merged = merge(TEXT, now, entry, Live(direction, sender))
            assert not merged.changes
            assert not merge(TEXT, now, merged.entry, Live(direction, sender)).changes


@pytest.mark.parametrize("direction", ONE_WAY)
def test_one_way_the_senders_next_change_overwrites_the_receivers(direction):  # O3
    sender = direction.sender
    assert sender is not None
    policy = Live(direction, sender)
    left = merge(TEXT, at(sender, "old", "other"), ("old", "old"), policy)

    sent = merge(TEXT, at(sender, "new", "other"), left.entry, policy)

    assert sent.changes[sender.other].after == "new"
    assert sent.changes[sender.other].before == "other"


@pytest.mark.parametrize("direction", ONE_WAY)
def test_one_way_both_changed_the_sender_wins_and_the_other_value_is_kept(direction):  # O4
    sender = direction.sender
    assert sender is not None
    now = ("new", "other") if sender is OUTREACH else ("other", "new")

    change = merge(TEXT, now, ("old", "old"), Live(direction, sender)).changes[sender.other]

    assert (change.after, change.lost, change.conflict) == ("new", "other", True)


@pytest.mark.parametrize("direction", ONE_WAY)
def test_after_a_change_of_direction_only_new_changes_travel(direction):  # O5
    sender = direction.sender
    assert sender is not None
    seen = merge(TEXT, at(sender, "old", "other"), ("old", "old"), Live(direction, sender))

    later = merge(TEXT, at(sender, "old", "other"), seen.entry, two_way(PIPEDRIVE))
    changed = merge(TEXT, at(sender, "old", "new"), seen.entry, two_way(PIPEDRIVE))

    assert not later.changes
    assert changed.changes[sender].after == "new"


# --- Transfer ---


def test_a_transfer_writes_the_other_side_of_the_source_alone():  # T5
    for pair, now, entry, policy in every_case():
        if isinstance(policy, Overwrite):
            changes = merge(pair, now, entry, policy).changes
            assert set(changes) <= ({policy.source.other} if policy.writable else set())


def test_a_transfer_never_empties():  # T3
    for pair, now, entry, policy in every_case():
        if isinstance(policy, Overwrite):
            for change in merge(pair, now, entry, policy).changes.values():
                assert not is_empty(change.after)


def test_a_transfer_overwrites_every_difference_with_the_sources_value():  # T2
    for source, (left, right), entry in product(Side, product(READABLE, READABLE), ENTRIES):
        if left != right and of((left, right), source) is not None:
            merged = merge(TEXT, (left, right), entry, Overwrite(source))
            assert merged.changes[source.other].after == of((left, right), source)


def test_a_transfer_of_what_only_the_source_changed_is_no_conflict():  # T2
    for source in Side:
        policy = Overwrite(source)
        changed = merge(TEXT, at(source, "new", "old"), ("old", "old"), policy)
        fought = merge(TEXT, at(source, "new", "other"), ("old", "old"), policy)
        unknown = merge(TEXT, at(source, "new", "other"), None, policy)

        assert [m.changes[source.other].conflict for m in (changed, fought, unknown)] == [False, True, True]


def test_a_transfer_puts_the_sources_primary_first_and_loses_no_address():  # T4
    for source, now in product(Side, product(LISTS, LISTS)):
        merged = merge(EMAIL, now, None, Overwrite(source))
        first, held = of(now, source), of(settled(EMAIL, now, merged), source.other)
        if isinstance(first, tuple) and first:
            assert isinstance(held, tuple)
            assert held[0] == first[0]
            assert set(held) == items(now[0]) | items(now[1])


def test_a_transfer_twice_equals_once():  # T7
    for pair, now, entry, policy in every_case():
        if isinstance(policy, Overwrite):
            merged = merge(pair, now, entry, policy)
            then = settled(pair, now, merged)
            assert not merge(pair, then, merged.agreed or merged.entry, policy).changes


def test_a_change_that_waits_for_the_end_of_a_transfer_is_still_one():  # T6
    """The source emptied a field just before: a transfer does not wipe the other side, real time does so afterwards."""
    merged = merge(TEXT, (None, "old"), ("old", "old"), Overwrite(OUTREACH))

    assert not merged.changes
    assert merge(TEXT, (None, "old"), merged.entry, two_way(PIPEDRIVE)).changes[PIPEDRIVE].after is None


def test_what_was_added_to_a_list_that_a_transfer_writes_still_travels_afterwards():  # T6
    for source, now, held in product(Side, product(LISTS, LISTS), LISTS):
        merged = merge(EMAIL, now, (held, held), Overwrite(source))
        then = settled(EMAIL, now, merged)

        end = settled(EMAIL, then, merge(EMAIL, then, merged.agreed or merged.entry, two_way(source)))

        added = items(of(now, source.other)) - items(held)
        assert added <= items(end[0]) & items(end[1])


def test_a_number_spelled_differently_is_not_written():  # V4
    pair = make_pair(Kind.PHONE, country="DE")
    spellings: tuple[Value, ...] = (("0171 55 66 77",), ("+49 171 556677",), ("0049171556677",))

    for left, right, policy in product(spellings, spellings, POLICIES):
        assert not merge(pair, (left, right), None, policy).changes
        assert not merge(pair, (left, right), (spellings[0], spellings[1]), policy).changes
