"""Prospects: one by one, and up to a thousand at once, recognised by their e-mail addresses."""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from django.db.models import QuerySet
from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import BaseModel, Field, JsonValue

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import UNSET, Answer, Body, GivenId, GivenMoment, Id, Moment, Unchecked
from tidegate.prospects import queries, services
from tidegate.prospects.models import Prospect
from tidegate.prospects.services import MAX_ITEMS, Author, ItemResult, Outcome, Policy
from tidegate.prospects.services.lists import list_numbers
from tidegate.prospects.values import as_object

router = Router(tags=["Prospects"])

EmailStatus = Literal["unverified", "valid", "unverifiable", "invalid"]
Consent = Literal["open", "bounced", "unsubscribed"]
EmailEvent = Literal[
    "email_sent", "email_opened", "link_clicked", "email_replied", "email_bounced", "unsubscribed"
]
Text = Annotated[str, Field(max_length=255)]


class Entry(Body):
    """An address or a number with its label, for example "work"."""

    value: str
    label: str = ""


class ProspectChanges(Body):
    """What a prospect holds. In a change, what is not sent stays as it is; null empties."""

    email: str | None = Field(UNSET, description="The primary address alone; the others stay.")
    emails: list[str | Entry] = Field(UNSET, description="All addresses, the primary one first.")
    first_name: Text | None = UNSET
    last_name: Text | None = UNSET
    company: Text | None = UNSET
    job_title: Text | None = UNSET
    phone: str | None = Field(UNSET, description="The primary number alone; the others stay.")
    phones: list[str | Entry] = Field(UNSET, description="All numbers, the primary one first.")
    email_status: EmailStatus = Field(UNSET, description="What is known about the primary address.")
    consent: Consent = Field(
        UNSET,
        description="Whether campaigns may write to them. It only ever tightens; only a member opens it again, on the page.",
    )
    custom: dict[str, JsonValue] = Field(
        UNSET, description="Custom field key -> value. Keys that are not sent stay as they are; null empties."
    )
    list_ids: list[GivenId] = Field(UNSET, description="The lists it is in; not sent: they stay.")

    def content(self) -> dict[str, Any]:
        """What was sent, as the services take it."""
        sent = self.model_dump(include=self.model_fields_set - {"list_ids"})
        return {key: value for key, value in sent.items() if key != "list_ids"}


class NewProspect(ProspectChanges):
    """A name, an e-mail address, a phone number or a company is needed."""


class BulkItem(ProspectChanges):
    """As for one prospect, except that addresses and `list_ids` are added to those there are."""


class Bulk(Body):
    items: list[Annotated[JsonValue, Unchecked(BulkItem)]] = Field(
        min_length=1,
        max_length=MAX_ITEMS,
        description="An item with a fault is rejected alone; the others are taken.",
    )
    policy: Literal["overwrite", "fill", "skip"] = Field(
        "overwrite", description="For prospects who are here already: `fill` writes only their empty fields."
    )


class BulkResult(BaseModel):
    outcome: Literal["created", "updated", "unchanged", "rejected"]
    id: str | None = None
    errors: dict[str, list[str]] | None = Field(None, description="Why it was rejected: field -> messages.")

    @classmethod
    def of(cls, result: ItemResult) -> Self:
        found = None if result.prospect_id is None else str(result.prospect_id)
        return cls(outcome=result.outcome.value, id=found, errors=result.errors or None)


class BulkAnswer(BaseModel):
    data: list[BulkResult] = Field(description="One for each item, in order.")
    counts: dict[str, int] = Field(description="Outcome -> number of items.")


class EntryAnswer(Answer):
    value: str
    label: str


class ProspectAnswer(Answer):
    id: Id
    name: str = Field(description="How pages call it: the name, else the address or the company.")
    email: str = Field(description="The primary address; empty where there is none.")
    emails: list[EntryAnswer]
    first_name: str
    last_name: str
    company: str
    job_title: str
    phone: str = Field(description="The primary number; empty where there is none.")
    phones: list[EntryAnswer]
    email_status: EmailStatus
    consent: Consent
    consent_at: Moment | None = Field(description="Since when it is tightened.")
    custom: dict[str, JsonValue] = Field(description="Custom field key -> value; empty ones are left out.")
    list_ids: list[Id]
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, prospect: Prospect) -> Self:
        """The prospect's lists must have been fetched along (`shown_prospects`)."""
        names = cls.model_fields.keys() - {"id", "list_ids"}
        shown = {name: getattr(prospect, name) for name in names}
        list_ids = sorted(item.pk for item in prospect.lists.all())
        return cls.model_validate({**shown, "id": prospect.pk, "list_ids": list_ids})


class ProspectQuery(PageQuery):
    email: str | None = Field(None, description="Exactly this address, without case; any of a prospect's.")
    list_id: GivenId | None = None
    q: str | None = Field(
        None, max_length=200, description="Beginnings of words of names, company and e-mail addresses."
    )
    email_status: EmailStatus | None = None
    consent: Consent | None = None
    event: EmailEvent | None = Field(
        None,
        description="It happened to one of their e-mails, whatever happened afterwards; by a person, not a program.",
    )
    updated_since: GivenMoment | None = Field(
        None, description="Changed at this time or later; the oldest change comes first then."
    )


def shown_prospects(rows: QuerySet[Prospect]) -> QuerySet[Prospect]:
    return rows.prefetch_related("lists")


def author_of(request: ApiRequest) -> Author:
    """On whose behalf this call writes."""
    return Author(request.auth.workspace_id, actor(request), "api")


@router.get("", auth=needs(Scope.READ), response=Page[ProspectAnswer], summary="List prospects")
def list_prospects(request: ApiRequest, query: Query[ProspectQuery]) -> Page[ProspectAnswer]:
    workspace_id = request.auth.workspace_id
    wanted = queries.Filter(
        workspace_id,
        search=query.q or "",
        list_id=None if query.list_id is None else queries.get_list(workspace_id, query.list_id).pk,
        email_status=query.email_status or "",
        consent=query.consent or "",
        event=query.event or "",
        email=query.email or "",
        updated_since=query.updated_since,
    )
    order = ("pk",) if query.updated_since is None else ("updated_at", "pk")
    return page_of(shown_prospects(queries.narrowed(wanted)), query, ProspectAnswer.of, order=order)


@router.post("", auth=needs(Scope.WRITE_PROSPECTS), response={201: ProspectAnswer}, summary="Make a prospect")
def create_prospect(request: ApiRequest, new: NewProspect) -> Answered[ProspectAnswer]:
    """Refused with 409 where somebody has one of the addresses already; `/prospects/bulk` updates them instead."""
    list_ids = list_numbers(new.given().get("list_ids") or ())
    saved = services.create_prospect(author_of(request), new.content(), list_ids=list_ids)
    return Answered(201, _answer(request, saved.prospect.pk))


@router.post(
    "/bulk",
    auth=needs(Scope.WRITE_PROSPECTS),
    response=BulkAnswer,
    summary="Make or change up to 1,000 prospects by e-mail address",
)
def upsert_prospects(request: ApiRequest, bulk: Bulk) -> BulkAnswer:
    """A prospect is recognised by any of its addresses. Sending the same items again changes nothing."""
    items = [as_object(item) for item in bulk.items]
    results = services.upsert_prospects(author_of(request), items, policy=Policy(bulk.policy))
    counts = Counter(result.outcome.value for result in results)
    return BulkAnswer(
        data=[BulkResult.of(result) for result in results],
        counts={outcome.value: counts[outcome.value] for outcome in Outcome},
    )


@router.get("/{prospect_id}", auth=needs(Scope.READ), response=ProspectAnswer, summary="Read a prospect")
def read_prospect(request: ApiRequest, prospect_id: str) -> ProspectAnswer:
    return _answer(request, prospect_id)


@router.patch(
    "/{prospect_id}", auth=needs(Scope.WRITE_PROSPECTS), response=ProspectAnswer, summary="Change a prospect"
)
def update_prospect(request: ApiRequest, prospect_id: str, changes: ProspectChanges) -> ProspectAnswer:
    """Refused with 409 where an address it would get belongs to somebody else already, or `consent` would be loosened."""
    found = queries.get_prospect(request.auth.workspace_id, prospect_id)
    given = changes.given()
    services.update_prospect(
        author_of(request),
        found.pk,
        changes.content(),
        list_ids=list_numbers(given["list_ids"]) if "list_ids" in given else None,
        allow_double=False,
    )
    return _answer(request, found.pk)


@router.delete(
    "/{prospect_id}", auth=needs(Scope.WRITE_PROSPECTS), response={204: None}, summary="Delete a prospect"
)
def delete_prospect(request: ApiRequest, prospect_id: str) -> Answered[None]:
    """Its person in Pipedrive stays."""
    found = queries.get_prospect(request.auth.workspace_id, prospect_id)
    services.delete_prospects(author_of(request), [found.pk])
    return Answered(204, None)


def _answer(request: ApiRequest, prospect_id: int | str) -> ProspectAnswer:
    return ProspectAnswer.of(queries.get_prospect(request.auth.workspace_id, prospect_id))
