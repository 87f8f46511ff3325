"""The e-mails of a prospect and what happened to them, as one story."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import OuterRef, QuerySet, Subquery

from tidegate.prospects.models import ACTED_ON, CampaignEmail, CampaignEvent, EventType, Prospect

COUNTED = (
    EventType.EMAIL_SENT,
    EventType.EMAIL_OPENED,
    EventType.LINK_CLICKED,
    EventType.EMAIL_REPLIED,
    EventType.EMAIL_BOUNCED,
)

OF_AN_EMAIL = ACTED_ON | {EventType.EMAIL_DELIVERED, EventType.EMAIL_DELAYED, EventType.EMAIL_FAILED}
"""Types that tell how it went with an e-mail."""


def emails_of(prospect: Prospect) -> QuerySet[CampaignEmail]:
    """Those that are known to be sent, with their campaign."""
    rows = CampaignEmail.objects.filter(prospect=prospect, sent_at__isnull=False)
    return rows.select_related("campaign")


def events_of(prospect: Prospect) -> QuerySet[CampaignEvent]:
    """With their campaign and e-mail (its bodies left out)."""
    rows = CampaignEvent.objects.filter(prospect=prospect)
    return rows.select_related("campaign", "email__campaign").defer("raw", "email__html", "email__text")


def last_events(prospect_ids: Iterable[int]) -> dict[int, CampaignEvent]:
    """What happened last to an e-mail of each of these prospects, with its campaign, by prospect id; whoever has no e-mail
    is left out. What was imported counts, what a program did doesn't.

    The index gives the newest event of each at once, however long their stories are.
    """
    newest = CampaignEvent.objects.filter(prospect=OuterRef("pk"), type__in=OF_AN_EMAIL, automatic=False)
    ids = Subquery(newest.order_by("-at", "-pk").values("pk")[:1])
    people = Prospect.objects.filter(pk__in=list(prospect_ids)).values_list(ids)
    rows = CampaignEvent.objects.filter(pk__in=people).select_related("campaign", "email__campaign")
    named = ("type", "at", "prospect", "campaign__name", "email__campaign__name")
    return {event.prospect_id: event for event in rows.only(*named) if event.prospect_id is not None}


@dataclass(slots=True)
class Counts:
    """How many e-mails were sent, opened, ...: each counts once, however often it was opened."""

    emails: dict[EventType, int] = field(default_factory=dict)

    def of(self, kind: str) -> int:
        return self.emails.get(EventType(kind), 0)


def counts_of(prospect: Prospect) -> Counts:
    rows = CampaignEvent.objects.filter(prospect=prospect, type__in=COUNTED, automatic=False)
    pairs = rows.values_list("type", "email_id", "pk")
    # Without an e-mail, every event stands for one of its own.
    told = {(kind, ("email", email_id) if email_id else ("event", pk)) for kind, email_id, pk in pairs}
    sent = CampaignEmail.objects.filter(prospect=prospect, sent_at__isnull=False).count()
    counts = Counter(kind for kind, _ in told)
    counts[EventType.EMAIL_SENT] = sent
    return Counts({kind: counts[kind] for kind in COUNTED})


def status_of(kinds: Iterable[str]) -> EventType:
    """The highest of what happened to an e-mail: sent, opened, clicked, replied; or that it bounced."""
    found = {EventType(kind) for kind in kinds if kind in COUNTED}
    return max(found, key=COUNTED.index, default=EventType.EMAIL_SENT)
