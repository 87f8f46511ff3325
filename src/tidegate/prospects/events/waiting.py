"""Events that wait: for a prospect with the recipient's address, or for the e-mail they are about.

Whoever makes one of these appear calls this in the same transaction and under the same lock (`lock_addresses`), so that
no event can slip between the look and the write.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from tidegate.prospects.authors import Author, announce_events
from tidegate.prospects.consent import Since, tighten, tightest_of
from tidegate.prospects.events.content import LATE
from tidegate.prospects.events.emails import ABOUT_AN_EMAIL, RECENTLY, latest
from tidegate.prospects.events.people import concerns, consents_of
from tidegate.prospects.models import CampaignEmail, CampaignEvent, Consent, Prospect, ProspectEmail


def adopt_for_prospects(author: Author, added: Collection[tuple[int, str]]) -> None:
    """These (prospect id, address) pairs are new: what waits for such an address is theirs, and its consent holds for them."""
    if not added:
        return
    holders: dict[str, int] = {}
    for prospect_id, address in sorted(added):
        holders.setdefault(address, prospect_id)
    workspace_id = author.workspace_id
    emails = list(
        CampaignEmail.objects.filter(workspace_id=workspace_id, prospect=None, recipient__in=holders).only(
            "recipient"
        )
    )
    for email in emails:
        email.prospect_id = holders[email.recipient]
    CampaignEmail.objects.bulk_update(emails, ["prospect"], batch_size=1_000)
    waiting = CampaignEvent.objects.filter(workspace_id=workspace_id, prospect=None, recipient__in=holders)
    events = list(waiting.defer("raw"))
    give(events, {event.pk: holders[event.recipient] for event in events})
    own = {event.prospect_id for event in events}
    tighten(author, consents_of(author, events), of_events=own)
    tighten(author, _of_other_holders(author, added))
    announce_events(author, events)


def give(events: Sequence[CampaignEvent], prospects: dict[int, int]) -> None:
    """Say whose these events are (event id -> prospect id). What became known too late is part of the story alone."""
    now = timezone.now()
    for event in events:
        event.prospect_id = prospects[event.pk]
        event.historical = event.historical or is_late(event.at, now)
    CampaignEvent.objects.bulk_update(events, ["prospect", "historical"], batch_size=1_000)


def is_late(at: datetime, now: datetime) -> bool:
    return now - at > LATE


def _of_other_holders(author: Author, added: Collection[tuple[int, str]]) -> dict[int, Since]:
    """Prospect id -> the consent of those who have the same address already."""
    rows = ProspectEmail.objects.filter(
        workspace_id=author.workspace_id, address__in={address for _, address in added}
    )
    closed: dict[str, list[Since]] = {}
    for row in rows.exclude(prospect__consent=Consent.OPEN).select_related("prospect"):
        if concerns(row.prospect, row.address, row.prospect.consent):
            since = Consent(row.prospect.consent), row.prospect.consent_at or timezone.now()
            closed.setdefault(row.address, []).append(since)
    newcomers = Prospect.objects.in_bulk({pid for pid, address in added if address in closed})
    found: dict[int, list[Since]] = {}
    for pid, address in added:
        words = closed.get(address, ())
        said = [word for word in words if concerns(newcomers[pid], address, word[0])]
        found.setdefault(pid, []).extend(said)
    return tightest_of(found)


def adopt_for_emails(emails: Sequence[CampaignEmail]) -> list[CampaignEvent]:
    """These e-mails are new, or more is known of them: events that are about them say so, and have their prospect.

    Answers the events whose prospect became known by it.
    """
    if not emails:
        return []
    found = {event.pk: event for event in _about(emails)}
    known = {email.pk: email for email in emails}
    for event in found.values():
        known.setdefault(event.email_id or 0, event.email)  # type: ignore[arg-type]
    unknown = CampaignEvent.objects.filter(email__in=[email.pk for email in emails], prospect=None)
    found |= {event.pk: event for event in unknown.defer("raw") if event.pk not in found}
    whose = {}
    for event in found.values():
        email = known[event.email_id or 0]
        event.campaign_id = event.campaign_id or email.campaign_id
        event.recipient = event.recipient or email.recipient
        if event.prospect_id is None and email.prospect_id is not None:
            whose[event.pk] = email.prospect_id
    CampaignEvent.objects.bulk_update(found.values(), ["email", "campaign", "recipient"], batch_size=1_000)
    named = [found[pk] for pk in whose]
    give(named, whose)
    return named


def _about(emails: Sequence[CampaignEmail]) -> Iterable[CampaignEvent]:
    """Events without an e-mail that are about one of these."""
    waiting = CampaignEvent.objects.filter(workspace_id=emails[0].workspace_id, email=None)
    waiting = waiting.defer("raw")
    by_message = {email.message_id: email for email in emails if email.message_id}
    if by_message:
        for event in waiting.filter(message_id__in=by_message):
            email = by_message[event.message_id]
            if event.recipient in ("", email.recipient) or not email.recipient:
                event.email = email
                yield event
    sent = {email.recipient: email.sent_at for email in emails if email.sent_at and email.recipient}
    if sent:
        first, last = min(sent.values()), max(sent.values()) + RECENTLY
        unnamed = waiting.filter(message_id="", type__in=ABOUT_AN_EMAIL, recipient__in=sent)
        events = list(unnamed.filter(at__gte=first, at__lte=last))
        nearby = _sent_to(emails[0].workspace_id, {event.recipient for event in events}, since=first)
        for event in events:
            nearest = latest(nearby[event.recipient], event.at, event.campaign_id)
            if nearest is not None:
                event.email = nearest
                yield event


def _sent_to(
    workspace_id: UUID, recipients: Iterable[str], *, since: datetime
) -> dict[str, list[CampaignEmail]]:
    """All that was sent to them: another e-mail may be nearer to an event than the one that just appeared."""
    found: dict[str, list[CampaignEmail]] = {recipient: [] for recipient in recipients}
    if not found:
        return found
    rows = CampaignEmail.objects.filter(
        workspace_id=workspace_id, recipient__in=found, sent_at__gte=since
    ).defer("html", "text")
    for email in rows:
        found[email.recipient].append(email)
    return found
