"""Which campaign e-mail an event is about.

In this order: the e-mail's own id; the provider's message id with the recipient; the latest e-mail to the recipient, of
the campaign if one is named, sent in the 30 days before the event. A message id that nobody knows is of some other mail,
and nothing is guessed from the recipient then.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from tidegate.prospects.bulk_rows import copy_in
from tidegate.prospects.events.content import NewEvent
from tidegate.prospects.models import ACTED_ON, CampaignEmail, EventType

RECENTLY = timedelta(days=30)
"""So long after an e-mail an event that names none can be about it."""
TOLD = ("sender", "subject", "html", "text", "step", "message_id", "recipient")
"""What later tellings add to an e-mail where it is empty; what it has stays."""
BODIES = ("html", "text")
WRITTEN = [*(name for name in TOLD if name not in BODIES), "sent_at", "campaign", "prospect"]
ABOUT_AN_EMAIL = ACTED_ON | {
    EventType.EMAIL_DELIVERED,
    EventType.EMAIL_DELAYED,
    EventType.EMAIL_FAILED,
}
"""Types whose e-mail is looked for where they name none."""


class Emails:
    """The campaign e-mails that a batch of events may be about, those it tells of included."""

    def __init__(self, workspace_id: UUID, events: Sequence[NewEvent]) -> None:
        self.workspace_id = workspace_id
        self.by_key: dict[str, CampaignEmail] = {}
        self.by_message: dict[tuple[str, str], CampaignEmail] = {}
        self.by_recipient: dict[str, list[CampaignEmail]] = {}
        self.made: list[CampaignEmail] = []
        self.changed: dict[int, CampaignEmail] = {}
        for email in self._stored(events):
            self._note(email)

    def _stored(self, events: Sequence[NewEvent]) -> Iterable[CampaignEmail]:
        keys = {event.email_key or key_of(event) for event in events}
        messages = {event.message_id for event in events} - {""}
        wanted = Q(key__in=keys) | Q(message_id__in=messages) if messages else Q(key__in=keys)
        rows = CampaignEmail.objects.filter(workspace_id=self.workspace_id)
        found = {email.pk: email for email in rows.filter(wanted).defer("html", "text")}
        unnamed = [e for e in events if not (e.email_key or e.message_id) and e.recipient]
        if unnamed:
            recent = rows.filter(
                recipient__in={event.recipient for event in unnamed},
                sent_at__gte=min(event.at for event in unnamed) - RECENTLY,
                sent_at__lte=max(event.at for event in unnamed),
            )
            found |= {email.pk: email for email in recent.defer("html", "text")}
        return found.values()

    def _note(self, email: CampaignEmail) -> None:
        self.by_key[email.key] = email
        if email.message_id:
            self.by_message[email.message_id, email.recipient] = email
        if email.recipient and email not in self.by_recipient.setdefault(email.recipient, []):
            self.by_recipient[email.recipient].append(email)

    def find(self, event: NewEvent, campaign_id: int | None) -> CampaignEmail | None:
        """The e-mail that is there already."""
        if event.email_key:
            return self.by_key.get(event.email_key)
        if event.message_id:
            known = self.by_message.get((event.message_id, event.recipient))
            return known or (self._only(event.message_id) if not event.recipient else None)
        if event.type == EventType.EMAIL_SENT:
            return self.by_key.get(key_of(event))
        if event.type not in ABOUT_AN_EMAIL:
            return None
        return latest(self.by_recipient.get(event.recipient, ()), event.at, campaign_id)

    def _only(self, message_id: str) -> CampaignEmail | None:
        found = [email for (known, _), email in self.by_message.items() if known == message_id]
        return found[0] if len(found) == 1 else None

    def take(self, event: NewEvent, campaign_id: int | None, prospect_id: int | None) -> CampaignEmail | None:
        """The e-mail with what this event tells of it; made where it is named, or was sent just now."""
        email = self.find(event, campaign_id)
        if email is None:
            if not (event.email_key or event.type == EventType.EMAIL_SENT):
                return None
            email = CampaignEmail(workspace_id=self.workspace_id, key=event.email_key or key_of(event))
            self.made.append(email)
        if self._fill(email, event, campaign_id, prospect_id) and email.pk is not None:
            self.changed[email.pk] = email
        self._note(email)
        return email

    def _fill(
        self, email: CampaignEmail, event: NewEvent, campaign_id: int | None, prospect_id: int | None
    ) -> bool:
        before = (email.sent_at, email.campaign_id, email.prospect_id)
        told = {name for name in TOLD if getattr(event, name) and not getattr(email, name)}
        for name in told:
            setattr(email, name, getattr(event, name))
        if event.type == EventType.EMAIL_SENT:
            email.sent_at = min(event.at, email.sent_at or event.at)
        if email.campaign_id is None:
            email.campaign_id = campaign_id
        if email.prospect_id is None:
            email.prospect_id = prospect_id
        return bool(told) or before != (email.sent_at, email.campaign_id, email.prospect_id)

    def write(self) -> None:
        copy_in(self.made)
        CampaignEmail.objects.bulk_update(self.changed.values(), WRITTEN, batch_size=500)
        for email in self.changed.values():
            loaded = [name for name in BODIES if name not in email.get_deferred_fields()]
            if loaded:
                email.save(update_fields=loaded)


def key_of(event: NewEvent) -> str:
    """The key of an e-mail that was told of without one."""
    return f"event:{event.key}"[:200]


def latest(emails: Iterable[CampaignEmail], at: datetime, campaign_id: int | None) -> CampaignEmail | None:
    """The last one sent in the time before `at`, of the campaign where one is named."""
    fitting = [
        email
        for email in emails
        if email.sent_at is not None
        and email.sent_at <= at <= email.sent_at + RECENTLY
        and (campaign_id is None or email.campaign_id == campaign_id)
    ]
    return max(fitting, key=lambda email: (email.sent_at, email.pk or 0), default=None)
