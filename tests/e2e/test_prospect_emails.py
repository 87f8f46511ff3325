"""A prospect's campaign e-mails in a real browser: the story looks well, and a letter opens by keyboard alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.e2e.conftest import Visitor, apart
from tidegate.prospects.events.recording import Telling, record_events
from tidegate.prospects.models import Prospect
from tidegate.prospects.services import Author, create_prospect
from tidegate.store.models import Workspace

LETTER = (
    "<h1>Hi Inês,</h1><p>Polarnote had the same hand-over problem. <a href='https://northlight.example'>Read on</a></p>"
    "<table><tr><td>" + "A-very-long-word" * 12 + "</td></tr></table><script>document.title = 'evil'</script>"
    "<img src=x onerror=\"document.title = 'evil'\">"
)


def furnish(workspace: Workspace) -> Prospect:
    author = Author(workspace.pk, "Alice", "api")
    raw = {"email": "ines@brightwater.example", "first_name": "Inês", "last_name": "Carvalho"}
    prospect = create_prospect(author, raw).prospect
    story: list[tuple[str, int, dict[str, Any]]] = [
        (
            "email_sent",
            50,
            {"email": {"id": "m1", "subject": "How Polarnote cut onboarding time", "html": LETTER}},
        ),
        ("email_opened", 40, {}),
        ("email_opened", 30, {}),
        ("link_clicked", 29, {"url": "https://northlight.example/case-studies/" + "long-name-" * 15}),
        ("email_replied", 28, {"reason": "Not this quarter, try me again in spring."}),
        ("linkedin_viewed", 20, {}),
        ("unsubscribed", 10, {}),
    ]
    events = [
        {
            "key": f"k{number}",
            "type": kind,
            "at": (timezone.now() - timedelta(hours=hours)).isoformat(),
            "prospect": {"id": str(prospect.pk)},
            "campaign": {"name": "Q2 intro, Nordics"},
            "email": {"id": "m1"},
            **facts,
        }
        for number, (kind, hours, facts) in enumerate(story)
    ]
    record_events(author, [Telling(event) for event in events], source="api")
    return prospect


@pytest.fixture
def ines(workspace: Workspace) -> Prospect:
    return apart(furnish, workspace)


def test_the_story_is_read_a_letter_opened_and_consent_renewed(visitor: Visitor, ines: Prospect) -> None:
    visitor.sign_in()
    visitor.open(f"/prospects/{ines.pk}/")
    page = visitor.page
    expect(page.get_by_text("1 sent, 1 opened, 1 clicked, 1 replied")).to_be_visible()
    opener = page.get_by_text("Show e-mail")
    opener.focus()
    page.keyboard.press("Enter")
    letter = page.get_by_role("region", name="“How Polarnote cut onboarding time”")
    expect(letter).to_be_visible()
    expect(letter.get_by_role("link", name="Read on")).to_have_attribute(
        "rel", "noopener noreferrer nofollow"
    )
    assert page.title().startswith("Inês Carvalho")
    visitor.looks_well("prospect-emails")

    visitor.follow(page.get_by_role("link", name="Open it by hand"))
    visitor.looks_well("prospect-consent")
    page.get_by_label("They have consented anew").check()
    page.get_by_role("button", name="May be written to again").click()
    expect(page.get_by_text("Inês Carvalho may be written to again")).to_be_visible()
    expect(page.locator("#email-timeline").get_by_text("May be written to again")).to_be_visible()
