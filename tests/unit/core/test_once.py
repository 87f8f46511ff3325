"""How often an automation runs: by its rule, and in whatever order events become known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.automation import Often
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.once import Ran, once_key, ran_already, told_more_exactly

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CAMPAIGN_OF = {"7": "5", "8": "5", "9": "6", "10": None}
"""E-mail -> its campaign; the last one is outside of any."""


def event(type: str = "email_sent", **facts: object) -> CampaignEvent:
    told = CampaignEvent("1", "key", type, NOW, NOW, prospect_id="11", campaign_id="5", email_id="7")
    return replace(told, **facts)  # type: ignore[arg-type]


def followed(often: Often, told: Sequence[CampaignEvent]) -> list[Ran]:
    """The runs that these events come to, one after another."""
    runs: list[Ran] = []
    for each in told:
        earlier = ran_already(often, each, runs)
        if earlier is None:
            runs.append(Ran(each.type, each.id, each.campaign_id, each.email_id))
        elif (known := told_more_exactly(earlier, each)) is not None:
            runs[runs.index(earlier)] = known
    return runs


@pytest.mark.parametrize("often", Often)
@pytest.mark.parametrize("same_email", [True, False])
@pytest.mark.parametrize("same_campaign", [True, False])
def test_how_often_says_what_counts_as_having_run(
    often: Often, same_email: bool, same_campaign: bool
) -> None:  # R2, R3
    past = Ran("email_sent", "0", "5" if same_campaign else "6", "7" if same_email else "8")

    runs_again = ran_already(often, event(), [past]) is None

    assert (
        runs_again
        is {
            Often.PER_PROSPECT: False,
            Often.PER_CAMPAIGN: not same_campaign,
            Often.EVERY_EMAIL: not same_email,
        }[often]
    )
    assert ran_already(often, event("email_opened"), [past]) is None


@pytest.mark.parametrize("often", Often)
def test_the_same_event_never_runs_twice(often: Often) -> None:  # R3
    past = Ran("email_sent", "1", "99", "98")

    assert ran_already(often, event(), [past]) is past


@pytest.mark.parametrize("order", list(permutations(["7", "8", None])))
def test_an_event_without_an_email_is_one_of_its_campaigns(order: Sequence[str | None]) -> None:  # R4
    told = [event(id=str(number), email_id=email_id) for number, email_id in enumerate(order)]

    assert {run.email_id for run in followed(Often.EVERY_EMAIL, told)} == {"7", "8"}
    assert len(followed(Often.EVERY_EMAIL, told)) == 2
    assert len(followed(Often.PER_CAMPAIGN, told)) == 1


@pytest.mark.parametrize("order", list(permutations(["5", "6", None])))
def test_an_event_of_which_nothing_is_told_is_one_of_any_campaign(order: Sequence[str | None]) -> None:  # R4
    told = [event(id=str(number), campaign_id=c, email_id=None) for number, c in enumerate(order)]

    for often in (Often.PER_CAMPAIGN, Often.EVERY_EMAIL):
        assert {run.campaign_id for run in followed(often, told)} == {"5", "6"}


def test_a_run_without_an_email_is_taken_by_one_email_only() -> None:  # R4
    nameless = Ran("email_sent", "0", "5", None)

    assert told_more_exactly(nameless, event()) == replace(nameless, email_id="7")
    assert told_more_exactly(replace(nameless, email_id="7"), event(email_id="8")) is None
    assert told_more_exactly(nameless, event(campaign_id="6", email_id="9")) is None


events = st.one_of(
    st.builds(
        lambda email_id, **facts: event(email_id=email_id, campaign_id=CAMPAIGN_OF[email_id], **facts),
        st.sampled_from(list(CAMPAIGN_OF)),
        type=st.sampled_from(["email_sent", "email_opened"]),
    ),
    st.builds(
        event,
        st.sampled_from(["email_sent", "email_opened"]),
        campaign_id=st.sampled_from(["5", "6", None]),
        email_id=st.none(),
    ),
)
days = st.lists(events, max_size=12).map(lambda told: [replace(e, id=str(n)) for n, e in enumerate(told)])


@settings(deadline=None)
@given(days, st.sampled_from(Often), st.randoms(use_true_random=False))
def test_the_order_in_which_events_become_known_changes_nothing(told, often, dice):  # R2, R3, R4
    other = dice.sample(told, len(told)) + dice.sample(told, len(told) // 2)

    first, second = (
        sorted((run.trigger, run.campaign_id or "", run.email_id or "") for run in followed(often, order))
        for order in (told, other)
    )

    assert len(first) == len(second)
    if often is Often.EVERY_EMAIL:
        assert first == second


@settings(deadline=None)
@given(days, st.sampled_from(Often))
def test_there_are_as_many_runs_as_different_things_were_told_of(told, often):  # R2, R4
    exact = {exactly(often, each) for each in told}

    most_exact = [
        one for one in exact if not any(other != one and other[: len(one)] == one for other in exact)
    ]

    assert len(followed(often, told)) == len(most_exact)


def exactly(often: Often, told: CampaignEvent) -> tuple[str, ...]:
    """What an event tells, as far as the rule asks."""
    depth = {Often.PER_PROSPECT: 0, Often.PER_CAMPAIGN: 1, Often.EVERY_EMAIL: 2}[often]
    named = [told.email_id] if told.email_id else []
    campaign = [told.campaign_id or "none"] if told.campaign_id or named else []
    return (told.type, *[*campaign, *named][:depth])


@settings(deadline=None)
@given(days, st.sampled_from(Often))
def test_the_key_of_a_run_agrees_with_the_rule(told, often):  # R2, R3
    """What the store holds runs to by their keys is never stricter than what is decided here."""
    begun = {run.event_id for run in followed(often, told)}
    keys = [(each.type, once_key(often, each)) for each in told if each.id in begun]

    assert len(keys) == len(set(keys))
