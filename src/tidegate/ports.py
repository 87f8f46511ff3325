"""What the engine asks of the world: Protocols, and the plain shapes that cross them.

Implementations: `adapters.pipedrive` (Crm), `adapters.outreach` (OutreachApp), `store` (the rest). `tidegate.testing`
ships an in-memory implementation of each, held to the same contract tests. Ports that reach over the network are async;
those that reach our own database are plain functions, which the engine runs on a worker thread.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from tidegate.core.catalogue import OutreachCatalogue, PipedriveCatalogue
from tidegate.core.records import Record, Seen, Side
from tidegate.core.values import Value

T = TypeVar("T")

RunStep = Callable[..., Awaitable[object]]
"""Runs a plain function that touches the database on a worker thread: `await step(function, *args)`."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring spans in one process; they go on while the process is frozen."""
        ...

    async def sleep(self, seconds: float) -> None: ...


# --- The outreach app --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a walk over records. `next_cursor` None: this was the last one."""

    records: tuple[Record, ...]
    next_cursor: str | None = None


class OutreachApp(Protocol):
    """Any app that holds prospects in lists. Prospect ids and list ids are strings, opaque to the engine."""

    async def read_catalogue(self) -> OutreachCatalogue:
        """Fields (system fields under the keys of `core.records`) and lists with their sizes."""
        ...

    async def get_prospects(self, ids: Collection[str]) -> dict[str, Seen]:
        """The present state of each id asked for; one that is not there comes back as Gone."""
        ...

    async def find_by_emails(self, emails: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Normal-form address -> ids of the prospects that hold it, in a stable order. Addresses nobody holds are left out."""
        ...

    async def walk(self, *, list_ids: Sequence[str] | None, cursor: str | None, limit: int) -> Page:
        """Prospects of these lists (None: all) in a stable order, each once, from an opaque cursor on."""
        ...

    async def count(self, *, list_ids: Sequence[str] | None) -> int: ...

    async def create_prospect(self, values: Mapping[str, Value], *, list_id: str | None, key: str) -> Record:
        """A new prospect, e-mail status unverified. The same `key` again answers the prospect made then: safe to repeat.

        Raises InvalidForRemote where a value does not fit, naming the field.
        """
        ...

    async def update_prospect(self, prospect_id: str, values: Mapping[str, Value]) -> Record:
        """Set these fields and no others. Raises RecordGone, InvalidForRemote."""
        ...


class Unchanged:
    """The type of UNCHANGED: leave this as it is."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED = Unchanged()


# --- The CRM -------------------------------------------------------------------------------------------------------


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
    """The person as the delivery showed it; what it did not show is missing."""


class Crm(Protocol):
    """Pipedrive, in Tidegate's words. Every method may raise TemporaryError or NeedsAttention.

    Persons come back without the name of their organization (`Record.organization_id` alone): the engine's own index
    knows the names.
    """

    async def who_am_i(self) -> Account: ...

    async def read_catalogue(self) -> PipedriveCatalogue:
        """Person fields (with `organization` as a writable system field), users, pipelines and stages; all pages."""
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

    async def get_organizations(self, ids: Collection[str]) -> dict[str, Organization]: ...

    async def walk_organizations(
        self, *, cursor: str | None = None, updated_since: datetime | None = None
    ) -> OrganizationPage: ...

    async def create_organization(self, name: str, *, owner_id: str | None) -> Organization: ...

    async def list_webhooks(self) -> tuple[Webhook, ...]: ...

    async def create_webhook(self, request: WebhookRequest) -> Webhook: ...

    async def delete_webhook(self, webhook_id: str) -> None:
        """Gone already is fine."""
        ...


# --- Quota ---------------------------------------------------------------------------------------------------------


class Feature(StrEnum):
    """On what tokens are spent; also their priority, the first first."""

    LIVE = "live"
    """Real-time sync."""
    TRANSFER = "transfer"
    CHECK = "check"
    """Reconciliation, webhooks, index."""
    SETUP = "setup"
    """Connecting and refreshing."""


class Quota(Protocol):
    """Stands between the adapter and the network: one for each Pipedrive company."""

    async def admit(self, tokens: int, *, search: bool = False) -> None:
        """Wait for a place in the burst window and book the tokens. Raises BudgetSpent when the day's share is used up."""
        ...

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Take in what an answer tells about limits."""
        ...


# --- OAuth -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an authorisation gave us."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    scopes: tuple[str, ...]
    api_domain: str


class Authorizer(Protocol):
    """The OAuth dialogue with Pipedrive."""

    def authorize_url(self, state: str) -> str: ...

    async def exchange_code(self, code: str) -> Tokens:
        """Raises AuthorizationLost where the code is wrong or expired."""
        ...

    async def refresh(self, refresh_token: str) -> Tokens:
        """Raises AuthorizationLost where Pipedrive refuses it for good."""
        ...

    async def revoke(self, token: str) -> None: ...


class Credentials(Protocol):
    """Gives the adapter what to put on the next call; keeps it fresh, one refresher at a time."""

    async def headers(self) -> Mapping[str, str]: ...

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """After a 401: get a newer token. False where there is none to get (a personal token)."""
        ...


SIDE_WORDS: Mapping[Side, str] = {Side.OUTREACH: "the prospect store", Side.PIPEDRIVE: "Pipedrive"}
