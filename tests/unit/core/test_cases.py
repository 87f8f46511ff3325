"""What a case of a campaign holds: more with each failure, less with whatever is mended."""

import pytest

from tidegate.core.cases import held, with_more, without


def test_what_is_told_again_is_held_once() -> None:
    assert with_more({"of": ["1", "2"]}, {"of": ["2", "3"]}) == ["1", "2", "3"]


def test_what_is_mended_is_let_go_and_the_rest_stays() -> None:
    assert without({"of": ["1", "2", "3"]}, {"2", "9"}) == ["1", "3"]


@pytest.mark.parametrize("facts", [{}, {"of": None}, {"of": "12"}, {"candidates": ["1"]}])
def test_a_case_of_a_record_holds_nothing(facts: dict[str, object]) -> None:
    assert held(facts) == []
