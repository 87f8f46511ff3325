"""What is kept of the values that stay behind in a transfer."""

from tidegate.core.operations import Decision, Plan, Refusal
from tidegate.core.records import Side
from tidegate.core.refused import refusals_to_json

RETAIL = Refusal(Side.PIPEDRIVE, "branch40", "Branch", "Retail", "“Retail” is not one of its options")


def test_a_value_is_told_by_its_field_and_the_reason_alone() -> None:
    assert refusals_to_json(Plan(Decision.CREATE, refusals=(RETAIL,))) == (
        {
            "side": "pipedrive",
            "field": "branch40",
            "name": "Branch",
            "reason": "“Retail” is not one of its options",
        },
    )


def test_what_is_refused_twice_for_the_same_reason_is_told_once() -> None:
    twice = Refusal(Side.PIPEDRIVE, "branch40", "Branch", "Retail", f"{RETAIL.reason}.")
    other = Refusal(Side.PIPEDRIVE, "branch41", "Trade", "Retail", RETAIL.reason)
    told = refusals_to_json(Plan(Decision.UPDATE, refusals=(RETAIL, twice, other)))
    assert [(each["field"], each["reason"]) for each in told] == [
        ("branch40", RETAIL.reason),
        ("branch41", RETAIL.reason),
    ]


def test_a_plan_that_refuses_nothing_leaves_nothing_behind() -> None:
    assert refusals_to_json(Plan(Decision.UPDATE)) == ()
