"""Campaign events come in: many at once, each once, with a fixed number of queries whatever their number.

The key makes an event idempotent: told again the same way it is known, told otherwise it is refused with what differs.
An event with a fault is refused alone. Everything is one transaction; who listens hears of it inside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from tidegate.errors import Invalid
from tidegate.prospects.authors import Author, announce_events
from tidegate.prospects.bulk_rows import copy_in
from tidegate.prospects.consent import tighten
from tidegate.prospects.events.content import NewEvent, differences, read_event
from tidegate.prospects.events.emails import Emails
from tidegate.prospects.events.people import People, consents_of
from tidegate.prospects.events.waiting import adopt_for_emails, is_late
from tidegate.prospects.models import Campaign, CampaignEmail, CampaignEvent, EventType
from tidegate.prospects.services.saving import lock_addresses
from tidegate.words import say

MAX_EVENTS = 1_000


class EventOutcome(StrEnum):
    CREATED = "created"
    UNCHANGED = "unchanged"
    """The same event was told before."""
    CONFLICT = "conflict"
    """The key belongs to an event with other content."""
    REJECTED = "rejected"


@dataclass(slots=True)
class EventResult:
    outcome: EventOutcome
    event_id: int | None = None
    prospect_id: int | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)
    """Why it was refused, by key."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One event as it is told, and as it came, where that is something else."""

    told: Mapping[str, object]
    original: Mapping[str, Any] | None = None


@transaction.atomic
def record_events(
    author: Author, tellings: Sequence[Telling], *, source: str, historical: bool = False
) -> list[EventResult]:
    """Store these events; answers in the order asked. `historical`: nothing is ever set off by them.

    Raises Invalid for more than MAX_EVENTS.
    """
    if len(tellings) > MAX_EVENTS:
        raise Invalid(
            say(
                "At most {limit} events in one call, not {number}.",
                limit=f"{MAX_EVENTS:,}",
                number=f"{len(tellings):,}",
            )
        )
    return _Batch(author, tellings, source=source, historical=historical).run()


class _Batch:
    def __init__(self, author: Author, tellings: Sequence[Telling], *, source: str, historical: bool) -> None:
        self.author = author
        self.tellings = tellings
        self.source = source
        self.historical = historical
        self.now = timezone.now()
        self.results: dict[int, EventResult] = {}
        self.events: dict[int, NewEvent] = {}
        """By their place in the batch: those that are new."""
        self.repeats: dict[int, int] = {}
        """Place -> the place of the same event earlier in this batch."""

    def run(self) -> list[EventResult]:
        self.read()
        lock_addresses(self.author.workspace_id)
        self.set_known_aside()
        if self.events:
            self.store()
        for place, first in self.repeats.items():
            self.results[place] = EventResult(EventOutcome.UNCHANGED, self.results[first].event_id)
        return [self.results[place] for place in range(len(self.tellings))]

    def read(self) -> None:
        first: dict[str, int] = {}
        for place, telling in enumerate(self.tellings):
            event, faults = read_event(telling.told, self.now)
            if faults:
                self.refuse(place, EventOutcome.REJECTED, faults)
            elif event.key not in first:
                first[event.key] = place
                self.events[place] = event
            elif self.events[first[event.key]].digest == event.digest:
                self.repeats[place] = first[event.key]
            else:
                self.refuse_other(place, self.events[first[event.key]], event)

    def refuse(self, place: int, outcome: EventOutcome, errors: dict[str, list[str]]) -> None:
        self.results[place] = EventResult(outcome, errors=errors)

    def refuse_other(self, place: int, before: NewEvent, after: NewEvent) -> None:
        texts = differences(before, after) or [say("Its content was another one.")]
        self.refuse(place, EventOutcome.CONFLICT, {"key": texts})

    def set_known_aside(self) -> None:
        by_key = {event.key: place for place, event in self.events.items()}
        rows = CampaignEvent.objects.filter(workspace_id=self.author.workspace_id, key__in=by_key)
        for event_id, key, digest, prospect_id in rows.values_list("pk", "key", "digest", "prospect_id"):
            place = by_key[key]
            event = self.events.pop(place)
            if digest == event.digest or self.tellings[place].original is not None:
                # A provider's own key is its word for “the same”, whatever else it sends along the second time.
                self.results[place] = EventResult(EventOutcome.UNCHANGED, event_id, prospect_id)
            else:
                stored = CampaignEvent.objects.values_list("raw", flat=True).get(pk=event_id)
                self.refuse_other(place, read_event(stored, self.now)[0], event)

    def store(self) -> None:
        people = People(self.author, self.events.values())
        about = {place: people.with_address(self.no_later(event)) for place, event in self.events.items()}
        campaigns = _campaigns(self.author, self.events.values())
        emails = Emails(self.author.workspace_id, list(about.values()))
        rows: dict[int, CampaignEvent] = {}
        about_email: dict[int, CampaignEmail | None] = {}
        # What was sent comes first, so that what happened to it finds it, in whatever order both were told.
        for place in sorted(self.events, key=lambda p: (_order(self.events[p]), p)):
            event = about[place]
            campaign_id = campaigns.get(event.campaign_key)
            prospect_id = people.find(event)
            fault = people.fault(event, prospect_id) or _other_recipient(emails, event, prospect_id)
            if fault:
                self.refuse(place, EventOutcome.REJECTED, fault)
                continue
            email = emails.take(event, campaign_id, prospect_id)
            rows[place], about_email[place] = self.row(place, event, campaign_id, prospect_id, email), email
        emails.write()
        for place, row in rows.items():
            row.email = about_email[place]  # by now it has its id
        copy_in(list(rows.values()))
        for place, row in rows.items():
            self.results[place] = EventResult(EventOutcome.CREATED, row.pk, row.prospect_id)
        adopted = adopt_for_emails([*emails.made, *emails.changed.values()])
        fresh = {row.pk for row in rows.values()}
        known = [*rows.values(), *(event for event in adopted if event.pk not in fresh)]
        own = {event.prospect_id for event in known}
        tighten(self.author, consents_of(self.author, known), of_events=own)
        announce_events(self.author, known)

    def no_later(self, event: NewEvent) -> NewEvent:
        """What a fast clock tells counts as of now, and so does the e-mail that it sent."""
        return event if event.at <= self.now else replace(event, at=self.now)

    def row(
        self,
        place: int,
        event: NewEvent,
        campaign_id: int | None,
        prospect_id: int | None,
        email: CampaignEmail | None,
    ) -> CampaignEvent:
        telling = self.tellings[place]
        return CampaignEvent(
            workspace_id=self.author.workspace_id,
            key=event.key,
            type=event.type,
            at=event.at,
            received_at=self.now,
            campaign_id=campaign_id or (email.campaign_id if email else None),
            prospect_id=prospect_id or (email.prospect_id if email else None),
            recipient=event.recipient or (email.recipient if email else ""),
            message_id=event.message_id,
            url=event.url,
            reason=event.reason,
            automatic=event.automatic,
            historical=self.historical or is_late(event.at, self.now),
            source=self.source,
            raw=dict(telling.told if telling.original is None else telling.original),
            digest=self.events[place].digest,
        )


def _order(event: NewEvent) -> tuple[bool, datetime]:
    return event.type != EventType.EMAIL_SENT, event.at


def _other_recipient(emails: Emails, event: NewEvent, prospect_id: int | None) -> dict[str, list[str]]:
    """An e-mail is one message to one recipient: an id that is used for several is a template's."""
    email = emails.by_key.get(event.email_key) if event.email_key else None
    if email is None or not email.recipient or event.recipient in ("", email.recipient):
        return {}
    if prospect_id is not None and prospect_id == email.prospect_id:
        return {}
    text = say(
        "This e-mail went to {recipient}. An e-mail’s id stands for one message to one recipient.",
        recipient=email.recipient,
    )
    return {"email.id": [text]}


def _campaigns(author: Author, events: Iterable[NewEvent]) -> dict[str, int]:
    """Campaign key -> the campaign's id; made where it is new, renamed where it was told by another name."""
    names = {event.campaign_key: event.campaign_name for event in events if event.campaign_key}
    rows = Campaign.objects.filter(workspace_id=author.workspace_id, key__in=names)
    found = {campaign.key: campaign for campaign in rows}
    made = [
        Campaign(workspace_id=author.workspace_id, key=key, name=name or key)
        for key, name in names.items()
        if key not in found
    ]
    Campaign.objects.bulk_create(made)
    renamed = [item for item in found.values() if names[item.key] not in ("", item.name)]
    for campaign in renamed:
        campaign.name = names[campaign.key]
    Campaign.objects.bulk_update(renamed, ["name"])
    return {campaign.key: campaign.pk for campaign in (*found.values(), *made)}
