"""Campaign e-mails and events of the prospect store, in the engine's words. Plain functions that touch the database."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from tidegate.core.campaigns import CampaignEmail, CampaignEvent
from tidegate.core.history import READ_CHARACTERS
from tidegate.ports import EventPage
from tidegate.prospects import campaign_queries, models

MOST_READ = READ_CHARACTERS + 1
"""Of an e-mail's content; one more than is ever shown tells that something was left out."""


def get_events(workspace_id: UUID, ids: Collection[str]) -> dict[str, CampaignEvent]:
    return {str(row.pk): event_of(row) for row in campaign_queries.get_events(workspace_id, ids)}


def get_emails(workspace_id: UUID, ids: Collection[str]) -> dict[str, CampaignEmail]:
    rows = campaign_queries.get_emails(workspace_id, ids, most=MOST_READ)
    return {str(row.pk): email_of(row) for row in rows}


def find_emails(workspace_id: UUID, prospect_ids: Collection[str], since: datetime | None) -> tuple[str, ...]:
    return tuple(map(str, campaign_queries.find_emails(workspace_id, prospect_ids, since=since)))


def walk_events(
    workspace_id: UUID, since: datetime, until: datetime, cursor: str | None, limit: int
) -> EventPage:
    after = None
    if cursor is not None:
        at, _, last_id = cursor.rpartition("|")
        after = (datetime.fromisoformat(at), int(last_id))
    rows = campaign_queries.walk_events(workspace_id, since=since, until=until, after=after, limit=limit + 1)
    events = tuple(map(event_of, rows[:limit]))
    if len(rows) <= limit:
        return EventPage(events)
    return EventPage(events, f"{events[-1].at.isoformat()}|{events[-1].id}")


def event_of(row: models.CampaignEvent) -> CampaignEvent:
    """The campaign is the event's own, else its e-mail's."""
    campaign = row.campaign or (row.email.campaign if row.email else None)
    return CampaignEvent(
        id=str(row.pk),
        key=row.key,
        type=row.type,
        at=row.at,
        received_at=row.received_at,
        prospect_id=_id(row.prospect_id),
        campaign_id=_id(campaign.pk if campaign else None),
        campaign_name=campaign.name if campaign else "",
        email_id=_id(row.email_id),
        url=row.url,
        reason=row.reason,
        automatic=row.automatic,
        historical=row.historical,
    )


def email_of(row: Any) -> CampaignEmail:
    """Of a row of `campaign_queries.get_emails`."""
    events = sorted(row.events.all(), key=lambda event: (event.at, event.pk))
    for event in events:
        event.email = row  # as it was fetched, with its campaign
        if event.campaign_id == row.campaign_id:
            event.campaign = row.campaign
    return CampaignEmail(
        id=str(row.pk),
        prospect_id=_id(row.prospect_id),
        campaign_id=_id(row.campaign_id),
        campaign_name=row.campaign.name if row.campaign else "",
        subject=row.subject,
        html=row.html_read,
        text=row.text_read,
        step=row.step,
        sender=row.sender,
        sent_at=row.sent_at,
        events=tuple(map(event_of, events)),
    )


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)
