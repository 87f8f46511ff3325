"""What happened to a prospect: e-mails, their events and syncs in one list, the newest first.

Three tables make one order: by time, then by kind, then by id. Each is asked for its rows beyond the cursor, so that a
page costs the same wherever it lies.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

import orjson
from django.db.models import Model, Q, QuerySet
from ninja import Query, Router
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.paging import Page, PageQuery
from tidegate.api.routes.activity import LogAnswer
from tidegate.api.routes.campaigns import EventAnswer
from tidegate.api.schemas import Answer, Moment
from tidegate.errors import Invalid
from tidegate.prospects import queries
from tidegate.prospects.letters import clean_html
from tidegate.prospects.models import CampaignEmail, CampaignEvent
from tidegate.prospects.timeline import emails_of, events_of, status_of
from tidegate.store.models import LogEntry

router = Router(tags=["Prospects"])

Kind = Literal["sync", "email", "event"]
KINDS: tuple[Kind, ...] = ("sync", "email", "event")
"""Of the same moment, an event comes after its e-mail: in a list from new to old, before it."""


class EmailAnswer(Answer):
    id: str
    campaign_id: str | None
    campaign: str
    step: str
    sender: str
    recipient: str
    message_id: str
    subject: str
    html: str = Field(description="Safe to show: without scripts, images, styles and frames.")
    sent_at: Moment
    status: str = Field(description="The highest of its events: email_sent, email_opened, ...")

    @classmethod
    def of(cls, email: CampaignEmail) -> Self:
        """Its campaign and its events must have been fetched along."""
        names = ("step", "sender", "recipient", "message_id", "subject", "sent_at")
        return cls.model_validate(
            {
                **{name: getattr(email, name) for name in names},
                "id": email.key,
                "campaign_id": email.campaign.key if email.campaign else None,
                "campaign": email.campaign.name if email.campaign else "",
                "html": clean_html(email.html, email.text),
                "status": status_of(event.type for event in email.events.all() if not event.automatic),
            }
        )


class TimelineItem(Answer):
    """One of three: what `kind` names is there, the others are null."""

    kind: Kind
    at: Moment
    email: EmailAnswer | None = None
    event: EventAnswer | None = None
    sync: LogAnswer | None = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    at: datetime
    rank: int
    id: int


@router.get(
    "/{prospect_id}/timeline",
    auth=needs(Scope.READ),
    response=Page[TimelineItem],
    summary="List what happened to a prospect",
)
def list_timeline(request: ApiRequest, prospect_id: str, page: Query[PageQuery]) -> Page[TimelineItem]:
    """Its campaign e-mails, their events, and its syncs with every connection; the newest first."""
    found = queries.get_prospect(request.auth.workspace_id, prospect_id)
    syncs = LogEntry.objects.filter(
        connection__workspace=request.auth.workspace_id, prospect_id=str(found.pk)
    )
    sources: Sequence[tuple[QuerySet[Any], str]] = (
        (syncs, "at"),
        (emails_of(found).prefetch_related("events"), "sent_at"),
        (events_of(found), "at"),
    )
    cursor = None if page.cursor is None else _read_cursor(page.cursor)
    rows: list[tuple[Place, Model]] = []
    for rank, (source, column) in enumerate(sources):
        if cursor is not None:
            source = source.filter(_before(cursor, rank, column))
        newest = source.order_by(f"-{column}", "-pk")[: page.limit + 1]
        rows += [(Place(getattr(row, column), rank, row.pk), row) for row in newest]
    rows.sort(key=lambda pair: pair[0], reverse=True)
    shown = rows[: page.limit]
    return Page(
        data=[_item(place, row) for place, row in shown],
        next_cursor=_make_cursor(shown[-1][0]) if len(rows) > page.limit else None,
    )


def _item(place: Place, row: Model) -> TimelineItem:
    match row:
        case CampaignEmail():
            return TimelineItem(kind="email", at=place.at, email=EmailAnswer.of(row))
        case CampaignEvent():
            return TimelineItem(kind="event", at=place.at, event=EventAnswer.of(row))
        case LogEntry():
            return TimelineItem(kind="sync", at=place.at, sync=LogAnswer.of(row))
    raise TypeError(type(row))


def _before(cursor: Place, rank: int, column: str) -> Q:
    earlier = Q(**{f"{column}__lt": cursor.at})
    if rank > cursor.rank:
        return earlier
    same = Q(**{column: cursor.at})
    return earlier | (same if rank < cursor.rank else same & Q(pk__lt=cursor.id))


def _make_cursor(place: Place) -> str:
    raw = orjson.dumps([place.at.isoformat(), place.rank, place.id])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read_cursor(text: str) -> Place:
    try:
        at, rank, row_id = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = Place(datetime.fromisoformat(at), int(rank), int(row_id))
        if place.at.tzinfo is not None and 0 <= place.rank < len(KINDS) and 0 <= place.id < 2**63:
            return place
    except (ValueError, TypeError, AttributeError):
        pass
    message = "This cursor can't be read. Take next_cursor as it was given, or start without one."
    raise Invalid(errors={"cursor": [message]})
