"""What a case of a campaign holds: more with each failure, less with whatever is mended. And the details of the last refusal."""

import pytest

from tidegate.core.cases import details_left, details_with_tries, held, with_more, without
from tidegate.core.values import Json


def test_what_is_told_again_is_held_once() -> None:
    assert with_more({"of": ["1", "2"]}, {"of": ["2", "3"]}) == ["1", "2", "3"]


def test_what_is_mended_is_let_go_and_the_rest_stays() -> None:
    assert without({"of": ["1", "2", "3"]}, {"2", "9"}) == ["1", "3"]


@pytest.mark.parametrize("facts", [{}, {"of": None}, {"of": "12"}, {"candidates": ["1"]}])
def test_a_case_of_a_record_holds_nothing(facts: dict[str, object]) -> None:
    assert held(facts) == []


DETAILS: dict[str, Json] = {"method": "POST", "status": 400}


def test_each_refusal_adds_its_tries() -> None:
    first = details_with_tries(DETAILS, before={}, tries=2)
    assert first == {**DETAILS, "tries": 2}
    assert details_with_tries(DETAILS, before=first, tries=1) == {**DETAILS, "tries": 3}


def test_the_details_are_of_the_last_refusal() -> None:
    before: dict[str, Json] = {"method": "PATCH", "status": 403, "text": "No.", "tries": 1}
    assert details_with_tries(DETAILS, before=before, tries=1) == {**DETAILS, "tries": 2}


def test_where_no_app_answered_there_are_no_details() -> None:
    assert details_with_tries({}, before={**DETAILS, "tries": 4}, tries=1) == {}


def test_the_details_of_a_campaigns_case_say_what_they_are_of() -> None:
    told = details_with_tries(DETAILS, before={}, tries=1, newest=["7"], holds=["7"])
    assert told == {**DETAILS, "of": "7", "tries": 1}


def test_of_several_things_that_failed_nobody_counts_the_tries_also_when_one_is_left() -> None:
    one = details_with_tries(DETAILS, before={}, tries=1, newest=["7"], holds=["7"])
    two = details_with_tries(DETAILS, before=one, tries=1, newest=["8"], holds=["7", "8"])
    assert two == {**DETAILS, "of": "8"}
    assert details_with_tries(DETAILS, before=two, tries=1, newest=["8"], holds=["8"]) == two


def test_details_go_with_what_they_are_of() -> None:
    details: dict[str, Json] = {**DETAILS, "of": "7"}
    assert details_left(details, ["7", "9"]) == details
    assert details_left(details, ["9"]) == {}
