"""A finished sentence is told in another language: which one it is, and which facts it holds. ADR 18."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.languages import bracketed, plain
from tests.sentences import Said, all_said
from tidegate.web.said import _found, said
from tidegate.words import SAID, Counted, Template, say

SAIDS = all_said()
ORDINARY = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=12)
ANY = st.one_of(
    st.text(max_size=30),
    st.sampled_from([text for each in SAIDS for text in each.texts]),
    st.sampled_from(["", " ", ". ", "“", "”", ": ", "{", "}", "{0}", "%(count)s", "⟦"]),
)


@pytest.fixture(autouse=True, scope="module")
def other_language() -> Iterator[None]:
    with bracketed():
        yield


def made_with(each: Said, text: str, facts: dict[str, str]) -> str:
    if each.facts is None:
        return text.format(**facts | {"count": "1" if text == each.texts[0] else "1,200"})
    return say(text, **facts)


@st.composite
def sentences(draw: st.DrawFn, facts: st.SearchStrategy[str]) -> str:
    each = draw(st.sampled_from(SAIDS))
    text = draw(st.sampled_from(each.texts))
    return made_with(each, text, {name: draw(facts) for name in Template.of(text).names})


@pytest.mark.parametrize("each", SAIDS, ids=lambda each: each.place)
def test_every_sentence_is_found_again(each: Said) -> None:
    """With facts that are words of ours where the template says so, and names elsewhere."""
    for text in each.texts:
        names = Template.of(text).names
        facts = {name: "the connected user" if name in SAID else f"Acme{i}" for i, name in enumerate(names)}
        told = said(made_with(each, text, facts))

        assert plain(told) == made_with(each, text, facts)
        assert told.startswith("⟦") and told.endswith("⟧"), told
        assert told.count("⟦") == 1 + sum(name in SAID for name in names)


@given(sentences(ORDINARY))
def test_names_stay_as_they_are(sentence: str) -> None:
    told = _found("eo", sentence)

    assert told is None or plain(told) == sentence


@given(st.lists(sentences(ANY), min_size=1, max_size=3).map(" ".join))
def test_nothing_is_lost_on_the_way_whatever_the_facts_are(sentence: str) -> None:
    """Also where a fact reads like another sentence, or like a part of this one."""
    assert plain(said(sentence)) == plain(sentence)


def test_sentences_that_follow_each_other_are_told_one_by_one() -> None:
    told = said(
        "Pipedrive asked for a pause; the work goes on by itself afterwards. It was imported. It was given back."
    )

    assert told.count("⟦") == 3


def test_what_is_not_known_stays_as_it_is() -> None:
    assert said("Pipedrive's own words: a value, or none") == "Pipedrive's own words: a value, or none"
    assert said("") == ""


def test_a_plural_is_told_by_its_number() -> None:
    rows = Counted.known["{count} prospects have the same e-mail address."]

    assert said(rows(1200)) == "⟦1,200 prospects have the same e-mail address.⟧"
    assert said(rows(1)) == "⟦1 prospect has the same e-mail address.⟧"


def test_facts_that_are_words_of_ours_are_told_too() -> None:
    assert said("Create a deal: There is no open deal of this person.") == (
        "⟦⟦Create a deal⟧: ⟦There is no open deal of this person.⟧⟧"
    )
    assert said("Rank: too long: 300 of 255 characters.") == "⟦Rank: ⟦too long: 300 of 255 characters⟧.⟧"
