"""docs/sync-rules.md, "Lists"."""

import pytest

from tests.pairs import OUTREACH, PIPEDRIVE
from tidegate.core.lists import MergedLists, lay_over, merge_lists
from tidegate.core.values import phone_key


def merge(
    outreach: str, pipedrive: str, base: str = "", base_pipedrive: str | None = None, **facts
) -> MergedLists:
    """Lists as words of one letter each: "ab" is (a, b)."""
    before = tuple(base), tuple(base if base_pipedrive is None else base_pipedrive)
    facts.setdefault("winner", PIPEDRIVE)
    return merge_lists(str.lower, (tuple(outreach), tuple(pipedrive)), before, **facts)


@pytest.mark.parametrize(
    ("base", "outreach", "pipedrive", "merged"),
    [
        ("a", "ab", "a", "ab"),  # one added
        ("a", "ab", "ac", "acb"),  # both added: the winner's order, then the other's
        ("ab", "a", "ab", "a"),  # one removed
        ("abc", "ab", "ac", "a"),  # both removed
        ("ab", "b", "abc", "bc"),  # one removed the primary, the other added
        ("a", "", "ab", "b"),  # one emptied, the other added
        ("ab", "ba", "ab", "ba"),  # another primary chosen
        ("ab", "ba", "abc", "bac"),  # another primary chosen on one side, an addition on the other
        ("a", "x", "y", "yx"),  # both replaced
        ("", "a", "b", "ba"),  # first meeting
        ("", "ab", "b", "ba"),  # first meeting, one in common
        ("ab", "", "", ""),
    ],
)
def test_both_sides_end_with_what_either_added_and_neither_removed(
    base, outreach, pipedrive, merged
):  # I1, I2
    result = merge(outreach, pipedrive, base)

    assert "".join(result.outreach) == merged
    assert result.pipedrive == result.outreach


def test_the_winner_sets_the_primary_where_both_chose_another():  # I2
    assert merge("x", "y", "a", winner=OUTREACH).outreach == ("x", "y")
    assert merge("x", "y", "a", winner=PIPEDRIVE).outreach == ("y", "x")


def test_only_two_different_new_primaries_are_a_conflict():  # I3
    assert merge("x", "y", "a").conflict
    assert not merge("x", "xy", "a").conflict
    assert not merge("ab", "ac", "a").conflict
    assert not merge("xa", "ab", "a").conflict


def test_each_side_keeps_its_own_spelling():  # I4
    result = merge("Ab", "aBc", "ab")

    assert result.outreach == ("A", "b", "c")
    assert result.pipedrive == ("a", "B", "c")


def test_what_an_app_spells_in_its_own_way_is_still_one_item():  # I5
    """Pipedrive made 0171 55 into +49 171 55: removing it here removes it there."""
    base = ("0171 55",), ("+49 171 55",)

    added = merge_lists(phone_key, (("0171 55", "0172 66"), ("+49 171 55",)), base, winner=PIPEDRIVE)
    replaced = merge_lists(phone_key, (("0172 66",), ("+49 171 55",)), base, winner=PIPEDRIVE)

    assert added.pipedrive == ("+49 171 55", "0172 66")
    assert added.outreach == ("0171 55", "0172 66")
    assert replaced.pipedrive == ("0172 66",)


def test_what_only_one_side_ever_had_stays_there():  # I6
    """A person's second address that the prospect never got is not lost when the prospect's own one changes."""
    result = merge("x", "ab", "a", "ab", winner=OUTREACH)

    assert result.pipedrive == ("x", "b")


def test_an_item_added_on_one_side_stays_though_the_other_removed_its_own():  # I1
    assert merge("b", "", "", "b").pipedrive == ("b",)


def test_an_item_written_in_both_spellings_is_not_taken_for_one():  # I5
    result = merge("a", "ba", "a", "b")

    assert result.pipedrive == ("b", "a")


@pytest.mark.parametrize(
    ("base", "source", "target", "laid"),
    [
        ("", "a", "b", "ab"),  # nothing is lost
        ("", "ab", "b", "ab"),  # the source's order
        ("ab", "a", "ab", "a"),  # what the source removed goes
        ("ab", "ab", "b", "ab"),  # what the target removed comes back
        ("a", "b", "ac", "bc"),
    ],
)
def test_a_transfer_lays_the_sources_list_over_the_others(base, source, target, laid):  # T4
    both = (tuple(base), tuple(base))

    assert "".join(lay_over(str.lower, (tuple(source), tuple(target)), both, source=OUTREACH)) == laid
    assert "".join(lay_over(str.lower, (tuple(target), tuple(source)), both, source=PIPEDRIVE)) == laid
