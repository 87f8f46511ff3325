"""Whom a campaign event unsubscribes in Pipedrive."""

from datetime import UTC, datetime

import pytest

from tidegate.core.automation import Trigger
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.consent import closes, done_text, ignored_text, is_open, status_change
from tidegate.core.runs import why_no_news

LAUNCH = datetime(2026, 5, 1, tzinfo=UTC)


def event(type: str, **facts) -> CampaignEvent:
    return CampaignEvent("1", "key", type, LAUNCH, LAUNCH, prospect_id="11", **facts)


@pytest.mark.parametrize("type", [*Trigger, "complained", "consent_renewed", "delivered", ""])
def test_a_bounce_and_an_unsubscription_close_and_nothing_else_does(type):  # C1, C3
    assert closes(event(type)) is (type in ("email_bounced", "unsubscribed"))


@pytest.mark.parametrize(
    ("status", "tightened"),
    [("no_consent", True), ("subscribed", True), ("unsubscribed", False), ("archived", False)],
)
def test_only_an_open_status_is_tightened(status, tightened):  # C1, C2
    assert is_open(status) is tightened


@pytest.mark.parametrize("status", [None, "", "something new"])
def test_where_there_is_no_status_we_know_nothing_is_written(status):  # C2
    assert not is_open(status)


@pytest.mark.parametrize("before", ["no_consent", "subscribed"])
def test_what_was_done_is_told_with_what_it_was_before_and_that_it_stays(before):  # C4
    assert "can’t be taken back" in done_text(before)
    assert status_change(before)["before"] == before.replace("_", " ")


def test_what_pipedrive_passed_over_is_told_with_what_to_do():  # C5
    assert "left the marketing status at “subscribed”" in ignored_text("subscribed")
    assert "by hand" in ignored_text("subscribed")


@pytest.mark.parametrize("facts", [{"historical": True}, {}])
def test_an_import_and_what_was_before_the_launch_close_nothing(facts):  # C6
    assert why_no_news(event("unsubscribed", **facts), None if not facts else LAUNCH)
