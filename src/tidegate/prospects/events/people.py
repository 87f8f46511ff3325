"""Whom a batch of events is about, and what it means for their consent."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tidegate.prospects.authors import Author
from tidegate.prospects.consent import OF_EVENT, Since, tightest_of
from tidegate.prospects.events.content import NewEvent
from tidegate.prospects.models import CampaignEvent, Consent, EventType, Prospect, ProspectEmail
from tidegate.prospects.queries import numbers_of
from tidegate.prospects.values import normal_email
from tidegate.words import say


class People:
    """The prospects that a batch of events names."""

    def __init__(self, author: Author, events: Iterable[NewEvent]) -> None:
        ids = numbers_of(event.prospect_id for event in events if event.prospect_id)
        addresses = {event.recipient for event in events if event.recipient}
        rows = Prospect.objects.filter(workspace_id=author.workspace_id).only("emails")
        self.primary = {prospect.pk: prospect.email for prospect in rows.filter(pk__in=ids)}
        """Prospect id -> its primary address."""
        holders = ProspectEmail.objects.filter(workspace_id=author.workspace_id, address__in=addresses)
        # Two prospects with one address are the same person twice, as far as an e-mail can tell: the first one has it.
        held = holders.order_by("-prospect_id").values_list("address", "prospect_id")
        self.by_address: dict[str, int] = dict(held)

    def find(self, event: NewEvent) -> int | None:
        """The id of the prospect that is meant."""
        if event.prospect_id:
            known = numbers_of([event.prospect_id]) & self.primary.keys()
            if known:
                return known.pop()
        return self.by_address.get(event.recipient) if event.recipient else None

    def with_address(self, event: NewEvent) -> NewEvent:
        """The event with the primary address of who is named by id alone: by it the e-mail is found."""
        prospect_id = None if event.recipient else self.find(event)
        if prospect_id is None:
            return event
        return replace(event, recipient=normal_email(self.primary[prospect_id]))

    def fault(self, event: NewEvent, prospect_id: int | None) -> dict[str, list[str]]:
        if prospect_id is None and event.prospect_id and not event.recipient and not event.email_key:
            return {"prospect.id": [say("There is no prospect with the id {id}.", id=event.prospect_id)]}
        return {}


def consents_of(author: Author, events: Sequence[CampaignEvent]) -> dict[int, Since]:
    """Prospect id -> what these events make of its consent. It is the address that is closed: whoever has it is meant."""
    telling = [event for event in events if event.type in OF_EVENT]
    holders = _holders(author, {event.recipient for event in telling}) if telling else {}
    found: dict[int, list[Since]] = {}
    for event in telling:
        consent = OF_EVENT[EventType(event.type)]
        for prospect_id in _concerned(event, consent, holders.get(event.recipient, ())):
            found.setdefault(prospect_id, []).append((consent, event.at))
    return tightest_of(found)


def _holders(author: Author, addresses: Iterable[str]) -> dict[str, list[Prospect]]:
    rows = ProspectEmail.objects.filter(workspace_id=author.workspace_id, address__in=addresses)
    found: dict[str, list[Prospect]] = {}
    for row in rows.select_related("prospect"):
        found.setdefault(row.address, []).append(row.prospect)
    return found


def concerns(holder: Prospect, address: str, consent: str) -> bool:
    """Who unsubscribed did so with all of their addresses; of an address that bounced, it matters whether mail goes there."""
    return consent == Consent.UNSUBSCRIBED or normal_email(holder.email) == address


def _concerned(event: CampaignEvent, consent: Consent, holders: Iterable[Prospect]) -> set[int]:
    found = {holder.pk for holder in holders if concerns(holder, event.recipient, consent)}
    if event.prospect_id is not None and (consent == Consent.UNSUBSCRIBED or not event.recipient):
        found.add(event.prospect_id)
    return found
