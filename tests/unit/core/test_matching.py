"""docs/sync-rules.md, "Match"."""

from tests.pairs import make_person, make_prospect
from tidegate.core.matching import (
    find_candidates,
    group_by_identity,
    possible,
    shared_addresses,
    shares_address,
    take_turns,
)


def test_any_address_of_either_side_matches():  # M1
    prospect = make_prospect(email=("ann@a.example", "ann@home.example"))

    assert shares_address(prospect, make_person(email=("x@y.example", "ann@home.example")))
    assert not shares_address(prospect, make_person(email=("joann@a.example",)))


def test_addresses_match_without_case_and_surrounding_space():  # M2
    assert shares_address(make_prospect(email=("  Ann@A.example ",)), make_person(email=("ann@a.EXAMPLE",)))


def test_who_was_said_to_be_somebody_else_is_not_possible_any_more():  # M10
    assert possible(["21", "22", "21", "23"], {"22"}) == ("21", "23")
    assert possible(["21"], {"21"}) == ()
    assert possible([], {"21"}) == ()


def test_records_without_an_address_fit_nobody():  # M3
    assert not shares_address(make_prospect(email=()), make_person(email=()))
    assert find_candidates(make_prospect(email=()), {"": ["1"]}) == ()


def test_what_people_write_instead_of_an_address_is_nobodys():  # M3
    prospect = make_prospect(email=("n/a",))

    assert not shares_address(prospect, make_person(email=("n/a",)))
    assert find_candidates(prospect, {"n/a": ["1", "2"]}) == ()


def test_candidates_come_once_each_in_a_stable_order():
    prospect = make_prospect(email=("b@x.example", "a@x.example"))
    holders = {"a@x.example": ["9", "3"], "b@x.example": ["5", "9"], "c@x.example": ["1"]}

    assert find_candidates(prospect, holders) == ("5", "9", "3")


def test_shared_addresses_are_in_the_first_records_order():
    one = make_prospect(email=("b@x.example", "a@x.example", "c@x.example"))
    other = make_person(email=("a@x.example", "b@x.example"))

    assert shared_addresses(one, other) == ("b@x.example", "a@x.example")


def test_a_batch_is_grouped_by_chained_addresses():  # M8
    one = make_prospect("1", email=("a@x.example",))
    two = make_prospect("2", email=("b@x.example",))
    bridge = make_prospect("3", email=("b@x.example", "a@x.example"))
    alone = make_prospect("4", email=())
    nameless = make_prospect("5", email=())

    groups = group_by_identity([one, two, bridge, alone, nameless])

    assert [sorted(record.id for record in group) for group in groups] == [["1", "2", "3"], ["4"], ["5"]]


def test_of_two_that_share_an_address_only_the_first_is_decided_now():  # M8
    one = make_prospect("1", email=("a@x.example",))
    twin = make_prospect("2", email=("A@x.example",))
    other = make_prospect("3", email=("b@x.example",))

    first, later = take_turns([one, twin, other])

    assert [record.id for record in first] == ["1", "3"]
    assert [record.id for record in later] == ["2"]
