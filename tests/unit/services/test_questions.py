"""What a person is told to do about what was refused, by what would mend it."""

from types import SimpleNamespace
from typing import Any

import pytest

from tidegate.core.operations import Decision, Plan, Refusal
from tidegate.core.records import Side
from tidegate.errors import InvalidForRemote
from tidegate.services.questions import failed, refused
from tidegate.services.troubles import ADD_OPTION, CURES, INVALID, REFUSED
from tidegate.services.units import Unit

NO_OPTION = Refusal(
    Side.PIPEDRIVE, "heat40", "Temperature", "Mild", "“Mild” is not one of its options", lacks_option=True
)
TOO_LONG = Refusal(Side.PIPEDRIVE, "job_title", "Job title", "x" * 9, "too long: 9 of 8 characters")
ENGINE: Any = SimpleNamespace(rules=SimpleNamespace(pairs=()))


@pytest.mark.parametrize(
    ("refusals", "cure", "lacks_option"),
    [
        ((TOO_LONG,), CURES[INVALID], False),
        ((NO_OPTION,), ADD_OPTION, True),
        ((TOO_LONG, NO_OPTION), ADD_OPTION, True),
    ],
)
def test_where_an_option_is_missing_a_person_is_told_that_it_can_be_added(
    refusals: tuple[Refusal, ...], cure: str, lacks_option: bool
) -> None:
    (asked,) = refused(ENGINE, Unit(Side.OUTREACH), Plan(Decision.UPDATE, refusals=refusals), "1", "2")

    assert asked.cure.startswith(cure)
    assert asked.facts.get("lacks_option", False) is lacks_option


def test_the_same_holds_where_the_option_was_gone_by_the_time_of_the_write() -> None:
    error = InvalidForRemote("“Mild” is none of its options.", field="heat40", lacks_option=True)

    asked = failed(Unit(Side.OUTREACH), Side.PIPEDRIVE, error)

    assert (asked.kind, asked.cure, asked.facts) == (INVALID, ADD_OPTION, {"lacks_option": True})


def test_a_refusal_that_names_no_field_is_of_the_whole_record() -> None:
    named = InvalidForRemote("Too long.", cure="Correct the value and retry.", field="job_title")
    unnamed = InvalidForRemote("No.", cure="Correct the value and retry.")

    assert [failed(Unit(Side.OUTREACH), Side.PIPEDRIVE, each).kind for each in (named, unnamed)] == [
        INVALID,
        REFUSED,
    ]


def test_the_reason_of_a_case_says_what_happened_and_leaves_the_advice_to_its_cure() -> None:
    error = InvalidForRemote("No.", cure="Correct the value and retry.")

    asked = failed(Unit(Side.OUTREACH), Side.PIPEDRIVE, error)

    assert (asked.message, asked.cure) == ("No.", CURES[REFUSED])
    assert error.user_message == "No. Correct the value and retry."
