"""The CRM: Pipedrive, in our own words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tidegate.core.catalogue import Field, Option, PipedriveCatalogue
from tidegate.core.deals import Activity, Deal, NewActivity
from tidegate.core.records import Record, Seen
from tidegate.core.values import Kind, Value
from tidegate.ports.outreach import Page, Unchanged


@dataclass(frozen=True, slots=True)
class Account:
    """Whose Pipedrive a connection reaches."""

    company_id: str
    company_name: str
    company_domain: str
    """The sub-domain alone."""
    user_id: str
    user_name: str
    user_email: str
    time_zone: str = "UTC"
    currency: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    organizations: tuple[Organization, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    id: str
    url: str
    event_object: str
    event_action: str
    is_active: bool = True
    last_delivery_at: datetime | None = None
    last_status: int | None = None
    remove_reason: str | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    """What deliveries carry, where Pipedrive's answer shows it."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A webhook to register; its user and password come back to us with every delivery."""

    url: str
    event_object: str
    event_action: str
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Happening:
    """What a delivery of Pipedrive's webhooks tells. It says *look at this record*, no more."""

    event_id: str
    """The same for every delivery of one event, as far as Pipedrive keeps it so."""
    entity: str
    """`person`, `organization`, `user`, `pipeline`, `stage`, `person_field`."""
    record_id: str
    action: str
    """`create`, `change`, `delete`."""
    at: datetime
    merged_into: str | None = None
    """Of a delete: the record that lives on."""
    actor_id: str | None = None
    """The Pipedrive user who did it."""
    company_id: str | None = None
    body: Record | None = None
    """The person as the delivery showed it; what it did not show is missing. Of an organization, its name."""
    before: Record | None = None
    """Of a changed person, what the fields that changed held until then; all others are missing."""
    permitted: frozenset[str] | None = None
    """The Pipedrive users who may see the record; None where the delivery does not say."""
    attempt: int = 1
    """Which try of Pipedrive's to deliver it this is."""
    by_program: bool = False
    """Whether a program did it, in the name of its user."""


class Crm(Protocol):
    """Pipedrive, in Tidegate's words. Every method may raise TemporaryError or NeedsAttention.

    Persons come back without the name of their organization (`Record.organization_id` alone): the engine's own index
    knows the names.
    """

    async def who_am_i(self) -> Account: ...

    async def read_catalogue(self) -> PipedriveCatalogue:
        """Person fields (with `organization` as a writable system field), users, pipelines, stages and saved filters of
        persons; all pages.
        """
        ...

    async def create_field(self, name: str, kind: Kind, options: Sequence[str] = ()) -> Field:
        """A new custom person field; its options have these labels, in order.

        Raises InvalidForRemote where Pipedrive has no fields of this kind or does not take the name. RemoteUnavailable
        with `sent` True means that the field may exist all the same.
        """
        ...

    async def add_options(self, field: Field, labels: Sequence[str]) -> tuple[Option, ...]:
        """New options of a field of single or multiple options: all of them, or none. Raises InvalidForRemote, RecordGone."""
        ...

    async def get_persons(self, ids: Collection[str]) -> dict[str, Seen]:
        """The present state of each, the cheapest way; one that is not returned comes back as Gone."""
        ...

    async def walk_persons(
        self,
        *,
        cursor: str | None = None,
        updated_since: datetime | None = None,
        filter_id: str | None = None,
    ) -> Page:
        """500 persons at a time: all by id, or those updated since (whole seconds, inclusive) by update time."""
        ...

    async def in_filter(self, filter_id: str, persons: Collection[Record]) -> frozenset[str]:
        """The ids of those persons that a saved filter holds at present.

        The filter is read from its latest changed person on until all are found or none can follow, so persons that
        changed a moment ago cost one page. Raises MappingBroken where the filter is gone.
        """
        ...

    async def create_person(
        self, values: Mapping[str, Value], *, owner_id: str | None, organization_id: str | None
    ) -> Record:
        """The new person as Pipedrive stored it. Raises InvalidForRemote.

        RemoteUnavailable with `sent` True means that the person may exist all the same.
        """
        ...

    async def update_person(
        self,
        person_id: str,
        values: Mapping[str, Value],
        *,
        seen: Record | None,
        organization_id: str | Unchanged | None,
    ) -> Record:
        """Set these fields and no others, in one call. `seen` is what we last saw: its labels and names are kept.

        Raises RecordGone, InvalidForRemote.
        """
        ...

    async def remove_person(self, person_id: str) -> None:
        """Delete it; what hangs on it stays. Gone already is fine."""
        ...

    async def attachments(self, entity: str, ids: Collection[str]) -> dict[str, int]:
        """How much people hung on each `person` or `organization`: deals, open tasks, notes, files, mails, and on an
        organization its persons. One that is gone is left out. Done activities don't count: campaign e-mails are such."""
        ...

    async def get_organizations(self, ids: Collection[str]) -> dict[str, Organization]: ...

    async def walk_organizations(
        self, *, cursor: str | None = None, updated_since: datetime | None = None
    ) -> OrganizationPage: ...

    async def create_organization(self, name: str, *, owner_id: str | None) -> Organization: ...

    async def open_deals(
        self, person_ids: Collection[str], *, known: Mapping[str, str] = {}
    ) -> dict[str, tuple[Deal, ...]]:
        """Each person's deals that are open and not archived, the cheapest way.

        `known` (person id -> a deal of theirs) saves asking for the list where that one is the only one.
        """
        ...

    async def get_deals(self, ids: Collection[str]) -> dict[str, Deal]:
        """The present state of each; one that is gone or archived is left out."""
        ...

    async def deals_since(self, moment: datetime) -> tuple[Deal, ...]:
        """Every deal that changed since (whole seconds, inclusive), whatever became of it; archived ones are not told."""
        ...

    async def create_deal(
        self,
        title: str,
        *,
        person_id: str,
        pipeline_id: str,
        stage_id: str,
        owner_id: str | None,
        organization_id: str | None = None,
    ) -> Deal:
        """Raises InvalidForRemote (a limit of the plan, a person that is gone ...), PermissionMissing.

        RemoteUnavailable with `sent` True means that the deal may exist all the same.
        """
        ...

    async def move_deal(self, deal_id: str, stage_id: str) -> Deal:
        """Into a stage, and so into its pipeline. Raises RecordGone, InvalidForRemote (archived, stage gone)."""
        ...

    async def create_activity(self, activity: NewActivity) -> Activity:
        """Raises as `create_deal` does."""
        ...

    async def update_activity(
        self, activity_id: str, *, subject: str, note: str, deal_id: str | None = None
    ) -> Activity:
        """Set these and nothing else. Raises RecordGone, InvalidForRemote."""
        ...

    async def activities_since(self, moment: datetime) -> tuple[Activity, ...]:
        """Every activity that changed since (whole seconds, inclusive) and is not deleted."""
        ...

    async def marketing_status(self, person_id: str) -> str | None:
        """`no_consent`, `unsubscribed`, `subscribed` or `archived`; None where the account has none or the person is gone."""
        ...

    async def unsubscribe(self, person_id: str) -> str | None:
        """Set the marketing status to unsubscribed, and answer what it is now, None where the answer does not tell.

        Pipedrive lets it be changed once, and says nothing when it did not.
        """
        ...

    async def remove_organization(self, organization_id: str) -> None:
        """Gone already is fine."""
        ...

    async def list_webhooks(self) -> tuple[Webhook, ...]: ...

    async def create_webhook(self, request: WebhookRequest) -> Webhook: ...

    async def delete_webhook(self, webhook_id: str) -> None:
        """Gone already is fine."""
        ...
