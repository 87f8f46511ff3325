"""Campaigns, and what happened to their e-mails: up to a thousand events at once."""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from django.db.models import Count, QuerySet
from ninja import Body as InBody
from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.routes.prospects import author_of
from tidegate.api.schemas import UNSET, Answer, Body, Flag, GivenId, GivenMoment, Id, Moment, Unchecked
from tidegate.errors import Conflict, Invalid
from tidegate.prospects import campaign_queries, services
from tidegate.prospects.content import faults_in_words
from tidegate.prospects.events.recording import (
    MAX_EVENTS,
    EventOutcome,
    EventResult,
    Telling,
    record_events,
)
from tidegate.prospects.models import Campaign, CampaignEvent
from tidegate.prospects.values import as_object

campaigns = Router(tags=["Campaigns"])
events = Router(tags=["Campaigns"])


class CampaignAnswer(Answer):
    id: str = Field(description="By which events name it.")
    name: str
    created_at: Moment
    emails: int = Field(description="How many of its e-mails are known.")

    @classmethod
    def of(cls, campaign: Campaign, emails: int = 0) -> Self:
        return cls(id=campaign.key, name=campaign.name, created_at=campaign.created_at, emails=emails)


class NewCampaign(Body):
    name: str = Field(min_length=1, max_length=200)
    id: str = Field(UNSET, min_length=1, max_length=200, description="Your own id; without one, the name.")


class Whom(Body):
    """By id, or by any of their addresses."""

    id: GivenId = UNSET
    email: str = UNSET


class WhichCampaign(Body):
    id: str = Field(UNSET, max_length=200)
    name: str = Field(UNSET, max_length=200)


class WhichEmail(Body):
    """One message to one recipient. What is known of it is added to; what it has stays."""

    id: str = Field(UNSET, max_length=200, description="Your own id of this message to this recipient.")
    message_id: str = Field(
        UNSET,
        max_length=400,
        description="What your e-mail service provider calls it: its events find it by this.",
    )
    sender: str = Field(UNSET, max_length=320)
    step: str = Field(UNSET, max_length=60)
    subject: str = Field(UNSET, max_length=1_000)
    html: str = Field(UNSET, description="At most 5 MB. Stored as it is, and cleaned wherever it is shown.")
    text: str = Field(UNSET, description="At most 5 MB.")


class NewEvent(Body):
    """What happened to an e-mail of a campaign."""

    key: str = Field(max_length=200, description="Makes it idempotent: told again the same way, it is known.")
    type: str = Field(
        max_length=60,
        examples=["email_sent"],
        description="`email_sent`, `email_opened`, `link_clicked`, `email_replied`, `email_bounced` (for good) or "
        "`unsubscribed`. Others are kept and shown, and nothing follows from them.",
    )
    at: AwareDatetime = Field(description="Not in the future. What is told a week late sets nothing off.")
    prospect: Whom = Field(UNSET, description="May be left out where `email.id` is known.")
    campaign: WhichCampaign = UNSET
    email: WhichEmail = Field(
        UNSET, description="Without an id, it is the latest e-mail of the campaign to this prospect."
    )
    url: str = Field(UNSET, description="The link that was clicked.")
    reason: str = Field(UNSET, description="Why it bounced, or what was replied.")
    automatic: Flag = Field(UNSET, description="True: no person did this (out of office).")
    headers: dict[str, str] = Field(
        UNSET, description="Of a reply: by these an automatic one is known, such as `Auto-Submitted`."
    )


class EventsBody(NewEvent):
    """One event; or `items`, and nothing else."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "required": [],
            "examples": [
                {
                    "key": "4711-sent",
                    "type": "email_sent",
                    "at": "2026-05-11T08:00:00Z",
                    "prospect": {"email": "ines@brightwater.example"},
                    "campaign": {"id": "12", "name": "Q2 intro"},
                    "email": {"id": "4711", "subject": "Hello", "html": "<p>Hi Inês</p>"},
                }
            ],
        },
    )

    items: list[NewEvent] = Field(UNSET, max_length=MAX_EVENTS, description="Up to 1,000 events.")


class EventResultAnswer(BaseModel):
    outcome: Literal["created", "unchanged", "conflict", "rejected"] = Field(
        description="unchanged: it is known; conflict: the key belongs to an event with other content."
    )
    id: str | None = None
    prospect_id: str | None = Field(None, description="Null: it waits until somebody has the address.")
    errors: dict[str, list[str]] | None = Field(None, description="Why it was refused: field -> messages.")

    @classmethod
    def of(cls, result: EventResult) -> Self:
        return cls(
            outcome=result.outcome.value,
            id=None if result.event_id is None else str(result.event_id),
            prospect_id=None if result.prospect_id is None else str(result.prospect_id),
            errors=result.errors or None,
        )


class EventResults(BaseModel):
    data: list[EventResultAnswer] = Field(description="One for each item, in order.")
    counts: dict[str, int] = Field(description="Outcome -> number of items.")


class EventAnswer(Answer):
    id: Id
    key: str
    type: str
    at: Moment
    received_at: Moment
    prospect_id: Id | None
    recipient: str
    campaign_id: str | None
    campaign: str
    email_id: str | None
    url: str
    reason: str
    automatic: bool = Field(description="No person did this.")
    historical: bool = Field(description="Imported, or told late: it set nothing off.")
    source: str = Field(description="`api`, `import`, `command`, `page`, or the e-mail service provider.")

    @classmethod
    def of(cls, event: CampaignEvent) -> Self:
        """The event's campaign and e-mail must have been fetched along."""
        own = {
            name: getattr(event, name)
            for name in cls.model_fields.keys() - {"campaign", "campaign_id", "email_id"}
        }
        campaign = event.campaign
        return cls.model_validate(
            {
                **own,
                "campaign_id": campaign.key if campaign else None,
                "campaign": campaign.name if campaign else "",
                "email_id": event.email.key if event.email else None,
            }
        )


class EventQuery(PageQuery):
    type: str | None = Field(None, max_length=60)
    matched: bool | None = Field(None, description="False: only those whose recipient nobody here has.")
    campaign_id: str | None = Field(None, max_length=200)
    since: GivenMoment | None = Field(None, description="Only what happened at this time or later.")


@campaigns.get("", auth=needs(Scope.READ), response=Page[CampaignAnswer], summary="List the campaigns")
def list_campaigns(request: ApiRequest, page: Query[PageQuery]) -> Page[CampaignAnswer]:
    rows: QuerySet[Any] = campaign_queries.read_campaigns(request.auth.workspace_id)
    rows = rows.annotate(size=Count("emails"))
    return page_of(rows, page, lambda campaign: CampaignAnswer.of(campaign, campaign.size))


@campaigns.post("", auth=needs(Scope.WRITE_EVENTS), response={201: CampaignAnswer}, summary="Make a campaign")
def create_campaign(request: ApiRequest, new: NewCampaign) -> Answered[CampaignAnswer]:
    """Not needed before its first event, which makes it by itself."""
    made = services.create_campaign(author_of(request), new.name, new.given().get("id", ""))
    return Answered(201, CampaignAnswer.of(made))


@events.get("", auth=needs(Scope.READ), response=Page[EventAnswer], summary="List campaign events")
def list_campaign_events(request: ApiRequest, query: Query[EventQuery]) -> Page[EventAnswer]:
    """The newest first."""
    rows = campaign_queries.select_events(
        request.auth.workspace_id,
        type=query.type,
        matched=query.matched,
        campaign_key=query.campaign_id,
        since=query.since,
    )
    return page_of(rows, query, EventAnswer.of, order=("-at", "-pk"))


@events.post(
    "",
    auth=needs(Scope.WRITE_EVENTS),
    response={200: EventResults | EventResultAnswer, 201: EventResultAnswer},
    summary="Tell of one campaign event, or of up to 1,000",
)
def create_campaign_events(
    request: ApiRequest, body: InBody[Annotated[JsonValue, Unchecked(EventsBody)]]
) -> Answered[BaseModel]:
    """One event is answered with 201, with 200 where it is known, or refused. Of `items`, each gets its own answer.

    An event of somebody who is not here waits until a prospect has the address; one that comes before its e-mail waits
    for that.
    """
    if not isinstance(body, dict):
        raise Invalid(errors={"body": ["Must be an object."]})
    if "items" in body:
        return Answered(200, _take_all(request, body))
    (result,) = record_events(author_of(request), [Telling(body)], source="api")
    _refuse(result, body)
    created = result.outcome is EventOutcome.CREATED
    return Answered(201 if created else 200, EventResultAnswer.of(result))


def _take_all(request: ApiRequest, body: dict[str, Any]) -> EventResults:
    items = body["items"]
    faults = {key: ["There is no such field beside items."] for key in body if key != "items"}
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_EVENTS:
        faults["items"] = [f"Must be a list of 1 to {MAX_EVENTS:,} events."]
    if faults:
        raise Invalid(faults_in_words(faults), errors=faults)
    tellings = [Telling(as_object(item)) for item in items]
    results = record_events(author_of(request), tellings, source="api")
    counts = Counter(result.outcome.value for result in results)
    return EventResults(
        data=[EventResultAnswer.of(result) for result in results],
        counts={outcome.value: counts[outcome.value] for outcome in EventOutcome},
    )


def _refuse(result: EventResult, body: dict[str, Any]) -> None:
    if result.outcome is EventOutcome.REJECTED:
        raise Invalid(faults_in_words(result.errors), errors=result.errors)
    if result.outcome is EventOutcome.CONFLICT:
        said = "; ".join(result.errors["key"])
        raise Conflict(f"The key “{body.get('key')}” belongs to an event with other content: {said}.")
