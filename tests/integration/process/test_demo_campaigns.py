"""The demo's campaigns: part of the story of its prospects, once, and setting nothing off."""

import pytest

from tests.builders import make_prospect, make_workspace
from tidegate.cli.demo_campaigns import furnish_campaigns
from tidegate.prospects.models import Campaign, CampaignEmail, CampaignEvent, Consent, Prospect

pytestmark = pytest.mark.django_db


def test_the_demos_prospects_have_a_story_that_sets_nothing_off() -> None:
    workspace = make_workspace()
    for _ in range(45):
        make_prospect(workspace, company="Acme {not a field}")

    told = furnish_campaigns(workspace)

    events = CampaignEvent.objects.all()
    assert events.count() == told > 150
    assert not events.filter(historical=False).exists()
    assert not events.filter(email=None).exists()
    assert set(events.values_list("type", flat=True)) == {
        "email_sent", "email_opened", "link_clicked", "email_replied", "email_bounced", "unsubscribed",
    }  # fmt: skip
    assert CampaignEmail.objects.count() == 90
    assert Campaign.objects.count() == 2
    assert set(Prospect.objects.values_list("consent", flat=True)) == set(Consent.values)


def test_a_second_start_changes_nothing() -> None:
    workspace = make_workspace()
    make_prospect(workspace)
    assert furnish_campaigns(workspace) > 0
    assert furnish_campaigns(workspace) == 0
