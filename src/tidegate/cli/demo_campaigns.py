"""The demo's campaigns: what was sent to some of its prospects lately, and what came of it, as history.

Everything comes in through the same service as any outreach app's events, once: with a key of its own, at a time before
the demo's first start.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.utils import timezone

from tidegate.prospects.authors import Author
from tidegate.prospects.events.recording import MAX_EVENTS, Telling, record_events
from tidegate.prospects.models import CampaignEvent, Prospect
from tidegate.store.models import Workspace

RECIPIENTS = 90
SENDER = "maja@northlight.example"
LINK = "https://northlight.example/case-studies"
STEPS = (
    (
        "winter",
        "Winter outreach",
        40,
        "Quick question about {company}",
        "<p>Hi {first_name},</p><p>How does {company} keep its sales team and its outreach in step?</p><p>Maja</p>",
    ),
    (
        "q2",
        "Q2 intro, Nordics",
        12,
        "How Polarnote cut onboarding time",
        "<p>Hi {first_name},</p><p>Polarnote had the same hand-over problem you describe on your careers page. They now "
        f'need 4 days instead of 11 to bring a customer on board: <a href="{LINK}">here is how</a>.</p>'
        "<p>Would 20 minutes next week be useful?</p><p>Maja</p>",
    ),
)
"""Campaign key, name, days ago, subject, content."""


def furnish_campaigns(workspace: Workspace) -> int:
    """How many events were new: none where there are some already."""
    if CampaignEvent.objects.filter(workspace_id=workspace.pk).exists():
        return 0
    rows = Prospect.objects.filter(workspace_id=workspace.pk, addresses__isnull=False).distinct()
    people = list(islice(rows.order_by("pk").iterator(), RECIPIENTS))
    author = Author(workspace.pk, "Demo", "import")
    tellings = [Telling(event) for event in story_of(people, timezone.now())]
    for start in range(0, len(tellings), MAX_EVENTS):
        record_events(author, tellings[start : start + MAX_EVENTS], source="import", historical=True)
    return len(tellings)


def story_of(people: list[Prospect], now: datetime) -> Iterator[dict[str, object]]:
    """Most open, some click, few reply; one in thirty bounces, one in forty-five unsubscribes."""
    for number, prospect in enumerate(people):
        for step, (key, name, days, subject, html) in enumerate(STEPS, 1):
            words = {
                "first_name": prospect.first_name or "there",
                "company": prospect.company or "your company",
            }
            email = f"demo-{key}-{prospect.pk}"
            sent_at = now - timedelta(days=days, minutes=7 * number)
            letter = {
                "id": email,
                "subject": subject.format(**words),
                "html": html.format(**words),
                "sender": SENDER,
                "step": str(step),
            }
            about = {"prospect": {"id": str(prospect.pk)}, "campaign": {"id": key, "name": name}}
            yield _event(email, "email_sent", sent_at, {**about, "email": letter})
            for kind, later, facts in _what_came(number + step):
                yield _event(email, kind, sent_at + later, {**about, "email": {"id": email}, **facts})


def _event(email: str, kind: str, at: datetime, facts: dict[str, object]) -> dict[str, object]:
    return {"key": f"{email}-{kind}-{at:%H%M}", "type": kind, "at": at.isoformat(), **facts}


def _what_came(number: int) -> Iterator[tuple[str, timedelta, dict[str, object]]]:
    if number % 30 == 7:
        yield "email_bounced", timedelta(minutes=1), {"reason": "550 5.1.1 The mailbox does not exist."}
        return
    if number % 5 in (1, 2, 3):
        yield "email_opened", timedelta(minutes=77), {}
    if number % 5 == 2:
        yield "email_opened", timedelta(hours=26, minutes=3), {}
        yield "link_clicked", timedelta(hours=26, minutes=5), {"url": LINK}
    if number % 10 == 3:
        yield "email_replied", timedelta(hours=5), {"reason": "Not this quarter, try me again in spring."}
    if number % 15 == 4:
        yield (
            "email_replied",
            timedelta(minutes=2),
            {"reason": "I am out of office until Monday.", "automatic": True},
        )
    if number % 45 == 11:
        yield "unsubscribed", timedelta(hours=6), {}
