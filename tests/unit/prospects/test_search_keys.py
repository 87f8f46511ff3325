"""How names and words are folded for sorting and searching."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.prospects.models import Prospect
from tidegate.prospects.search_keys import fill_keys, fold, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Inês", "ines"), ("Größe", "grosse"), ("Sørensen", "sorensen"), ("Łukasz", "lukasz"), ("ÅKE", "ake"), ("ﬁn", "fin")],
)  # fmt: skip
def test_accents_and_case_do_not_count(text, folded):
    assert fold(text) == folded


def test_signs_separate_words_in_what_is_stored_and_in_what_is_asked():
    assert words("ines.carvalho@bright-water.example") == ["ines", "carvalho", "bright", "water", "example"]
    assert words("O'Dell & Sons_Ltd") == ["o", "dell", "sons", "ltd"]


@given(st.text(max_size=50))
def test_words_hold_nothing_that_means_something_to_a_query(text):
    assert all(word.isalnum() for word in words(text))


def test_who_has_no_name_is_sorted_by_address_and_then_by_company():
    by_address = Prospect(emails=[{"value": "Zoe@Example.com", "label": ""}], company="Acme")
    by_company = Prospect(company="Ärzte Süd")
    for prospect in (by_address, by_company):
        fill_keys(prospect)

    assert by_address.name_key == "zoe@example.com"
    assert by_company.name_key == "arzte sud"
