"""The E-mail section of a prospect's page, and consent as the pages show and open it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tidegate.prospects.events.recording import Telling, record_events
from tidegate.prospects.models import CampaignEvent, Consent, Prospect
from tidegate.prospects.services import Author, create_prospect
from tidegate.store.models import Workspace

INES = "ines@brightwater.example"
LETTER = '<p onclick="evil()">Hi Inês, see <a href="javascript:evil()">this</a></p><script>evil()</script><h1>Big</h1>'


@pytest.fixture
def author(workspace: Workspace) -> Author:
    return Author(workspace.pk, "Alice", "page")


@pytest.fixture
def ines(author: Author) -> Prospect:
    return create_prospect(author, {"first_name": "Inês", "last_name": "Carvalho", "email": INES}).prospect


def tell(author: Author, kind: str, *, hours: float, email: str = "m1", **facts: Any) -> None:
    at = (timezone.now() - timedelta(hours=hours)).isoformat()
    about = {"id": email, **facts.pop("letter", {})}
    event = {"key": f"{kind}-{email}-{hours}", "type": kind, "at": at, "email": about, **facts}
    (result,) = record_events(author, [Telling({"prospect": {"email": INES}, **event})], source="api")
    assert not result.errors


def story(page: Any) -> list[str]:
    """The entries of the section, each as one line of text."""
    found = re.search(r'id="email-timeline">(.*?)</ol>', page.content.decode(), re.DOTALL)
    assert found
    items = re.findall(r"<li>(.*?)</li>\s*(?=<li>|$)", found[1].strip(), re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<time.*?</time>", "", item)).split()) for item in items]


def test_without_campaigns_the_section_says_how_they_come_in(owner: Client, ines: Prospect):
    assert "No campaign e-mails yet" in owner.get(f"/prospects/{ines.pk}/").content.decode()


def test_emails_and_what_came_of_them_are_told_newest_first(owner: Client, author: Author, ines: Prospect):
    for number, hours in (("m1", 50), ("m2", 40), ("m3", 30)):
        letter = {"subject": f"Subject {number}", "step": number[1], "sender": "maja@northlight.example"}
        tell(author, "email_sent", hours=hours, email=number, letter=letter, campaign={"name": "Q2"})
    tell(author, "email_opened", hours=29, email="m3")
    tell(author, "email_opened", hours=25, email="m3")
    tell(author, "link_clicked", hours=20, email="m3", url="https://northlight.example/case-studies")
    tell(author, "email_opened", hours=19, email="m2")
    tell(author, "email_replied", hours=18, email="m3", reason="Not this quarter, try me again in spring.")
    tell(author, "email_replied", hours=17, email="m2", automatic=True)
    tell(author, "linkedin_viewed", hours=16, email="m2")

    page = owner.get(f"/prospects/{ines.pk}/")

    assert "3 sent, 2 opened, 1 clicked, 1 replied" in page.content.decode()
    lines = story(page)
    assert lines[:6] == [
        "linkedin_viewed “Subject m2”",
        "Replied automatically “Subject m2”",
        "Replied “Subject m3” “Not this quarter, try me again in spring.”",
        "Opened “Subject m2”",
        "Clicked a link northlight.example/case-studies in “Subject m3”",
        lines[5],
    ]
    assert lines[5].startswith("Opened “Subject m3” 2 times, first on")
    assert lines[6] == "“Subject m3” Q2, step 3, from maja@northlight.example"
    assert lines[-1] == "“Subject m1” Q2, step 1, from maja@northlight.example. Not opened"


def test_what_became_known_too_late_to_set_anything_off_says_so(
    owner: Client, author: Author, ines: Prospect
):
    late = "Became known more than seven days late: nothing is set off by it."
    tell(author, "email_sent", hours=24 * 9, letter={"subject": "Hello"})
    tell(author, "email_opened", hours=24 * 8)
    tell(author, "email_delivered", hours=24 * 8)
    tell(author, "email_replied", hours=1)
    at = (timezone.now() - timedelta(days=99)).isoformat()
    imported = {"key": "i", "type": "unsubscribed", "at": at, "prospect": {"email": INES}}
    record_events(author, [Telling(imported)], source="import", historical=True)

    assert [(line.split()[0], late in line) for line in story(owner.get(f"/prospects/{ines.pk}/"))] == [
        ("Replied", False),
        ("Delivered", False),
        ("Opened", True),
        ("“Hello”", True),
        ("Unsubscribed", False),
    ]


def test_the_content_of_an_email_is_shown_cleaned(owner: Client, author: Author, ines: Prospect):
    tell(author, "email_sent", hours=1, letter={"subject": "<b>Hi</b> & “you”", "html": LETTER})

    page = owner.get(f"/prospects/{ines.pk}/").content.decode()

    assert "Hi Inês, see <a rel=" in page
    assert "<p>Big</p>" in page
    assert "evil" not in page
    assert "&lt;b&gt;Hi&lt;/b&gt; &amp; “you”" in page


def test_an_event_without_an_email_is_told_by_its_campaign(owner: Client, author: Author, ines: Prospect):
    at = (timezone.now() - timedelta(hours=1)).isoformat()
    event = {
        "key": "u",
        "type": "unsubscribed",
        "at": at,
        "prospect": {"email": INES},
        "campaign": {"name": "Q2"},
    }
    record_events(author, [Telling(event)], source="api")

    assert story(owner.get(f"/prospects/{ines.pk}/")) == ["Unsubscribed Q2"]


def test_the_number_of_queries_does_not_grow_with_the_story(
    owner: Client, author: Author, ines: Prospect, django_assert_max_num_queries: Any
):
    tell(author, "email_sent", hours=200)
    owner.get(f"/prospects/{ines.pk}/")
    with django_assert_max_num_queries(60) as few:
        owner.get(f"/prospects/{ines.pk}/")
    for number in range(40):
        tell(author, "email_sent", hours=100 + number, email=f"x{number}")
        tell(author, "email_opened", hours=50 + number, email=f"x{number}")
    with django_assert_max_num_queries(len(few)):
        page = owner.get(f"/prospects/{ines.pk}/")
    assert "Older e-mails and events are in the API" in page.content.decode()


class TestConsent:
    def test_who_unsubscribed_is_shown_so_on_the_page_and_in_the_table(
        self, owner: Client, author: Author, ines: Prospect
    ):
        create_prospect(author, {"email": "other@x.example", "first_name": "Other"})
        tell(author, "unsubscribed", hours=1)

        assert (
            "campaigns may not write to this prospect" in owner.get(f"/prospects/{ines.pk}/").content.decode()
        )
        table = owner.get("/prospects/?status=unsubscribed").content.decode()
        assert "Inês Carvalho" in table
        assert "Other" not in re.findall(r'<a class="plain"[^>]*>([^<]*)</a>', table)
        assert 'data-tone="bad"' in table

    def test_a_member_opens_it_again_after_confirming(self, owner: Client, author: Author, ines: Prospect):
        tell(author, "unsubscribed", hours=1)
        page = f"/prospects/{ines.pk}/consent/"

        assert "Writing again without a new consent may break the law" in owner.get(page).content.decode()
        assert owner.post(page).status_code == 422
        ines.refresh_from_db()
        assert ines.consent == Consent.UNSUBSCRIBED

        answer = owner.post(page, {"sure": "yes"}, follow=True).content.decode()
        ines.refresh_from_db()
        assert ines.consent == Consent.OPEN
        assert "May be written to again" in answer
        assert CampaignEvent.objects.filter(type="consent_renewed", prospect=ines).count() == 1

    def test_what_is_open_needs_no_opening(self, owner: Client, ines: Prospect):
        answer = owner.post(f"/prospects/{ines.pk}/consent/", {"sure": "yes"})
        assert (answer.status_code, answer["Location"]) == (302, f"/prospects/{ines.pk}/")
        assert not CampaignEvent.objects.exists()

    def test_a_viewer_may_not(self, viewer: Client, author: Author, ines: Prospect):
        tell(author, "unsubscribed", hours=1)
        assert viewer.post(f"/prospects/{ines.pk}/consent/", {"sure": "yes"}).status_code == 403
        ines.refresh_from_db()
        assert ines.consent == Consent.UNSUBSCRIBED

    def test_a_prospect_of_another_workspace_is_not_found(self, stranger: Client, ines: Prospect):
        assert stranger.post(f"/prospects/{ines.pk}/consent/", {"sure": "yes"}).status_code == 404
