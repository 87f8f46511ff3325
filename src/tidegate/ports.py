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

from tidegate.core.automation import Action, Trigger
from tidegate.core.brakes import Brake, Tally
from tidegate.core.campaigns import CampaignEmail, CampaignEvent
from tidegate.core.catalogue import Field, Option, OutreachCatalogue, PipedriveCatalogue
from tidegate.core.connection import Reason, Status
from tidegate.core.deals import Activity, Deal, NewActivity
from tidegate.core.planning import Rules
from tidegate.core.quarrels import Past
from tidegate.core.records import Record, Seen, Side
from tidegate.core.runs import CampaignRules
from tidegate.core.runs import Outcome as ActionOutcome
from tidegate.core.sameness import Why
from tidegate.core.values import Json, Kind, Value

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


@dataclass(frozen=True, slots=True)
class EventPage:
    """A stretch of a walk over campaign events. `next_cursor` None: this was the last one."""

    events: tuple[CampaignEvent, ...]
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

    async def remove_prospect(self, prospect_id: str) -> None:
        """Delete it. Gone already is fine."""
        ...

    async def get_campaign_events(self, ids: Collection[str]) -> dict[str, CampaignEvent]:
        """The events of these ids; one that is not there is left out."""
        ...

    async def get_campaign_emails(self, ids: Collection[str]) -> dict[str, CampaignEmail]:
        """The campaign e-mails of these ids with all their events in order; one that is not there is left out."""
        ...

    async def walk_campaign_events(
        self, *, since: datetime, until: datetime, cursor: str | None, limit: int
    ) -> EventPage:
        """Events that happened from `since` (inclusive) to `until` (exclusive), in the order in which they happened."""
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
    """The person as the delivery showed it; what it did not show is missing. Of an organization, its name."""


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


# --- Quota ---------------------------------------------------------------------------------------------------------


class Feature(StrEnum):
    """On what tokens are spent; also their priority, the first first."""

    LIVE = "live"
    """Real-time sync."""
    AUTOMATION = "automation"
    """What campaign events start."""
    TRANSFER = "transfer"
    HISTORY = "history"
    """Campaign e-mails as activities."""
    CHECK = "check"
    """Reconciliation, webhooks, index."""
    SETUP = "setup"
    """Connecting and refreshing."""


class Quota(Protocol):
    """Stands between the adapter and the network: one for each Pipedrive company."""

    async def admit(self, tokens: int, *, search: bool = False) -> None:
        """Wait for a place in the burst window and book the tokens. Raises BudgetSpent when the day's share is used up."""
        ...

    def release(self, *, search: bool = False) -> None:
        """The call that was admitted is over, however it ended."""
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


# --- What we remember ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the inbox. It says *look at this record*; `body` may only ever prove that there is nothing to do."""

    id: int
    connection_id: str
    side: Side
    entity: str
    record_id: str
    action: str
    source: str
    received_at: datetime
    body: Record | None = None
    merged_into: str | None = None
    actor: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class StoredLink:
    id: int
    prospect_id: str
    person_id: str
    base: Mapping[str, Json]
    """Mapping key -> [outreach value, Pipedrive value] as JSON: `core.bases` decodes it for the pairs in force."""
    state: str
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkToSave:
    prospect_id: str
    person_id: str
    base: Mapping[str, Json]
    state: str = "linked"
    written_at: datetime | None = None
    id: int | None = None
    """The row to change; None makes a new one."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A write about to be sent."""

    kind: str
    key: str
    facts: Mapping[str, Json]
    created_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """What was done, as the activity log shows it."""

    side: Side
    act: str
    prospect_id: str = ""
    person_id: str = ""
    record_name: str = ""
    changes: tuple[Mapping[str, Json], ...] = ()
    cause: str = "live"
    cause_text: str = ""
    message: str = ""
    tokens: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something for *Needs attention*."""

    kind: str
    message: str
    cure: str = ""
    side: Side | None = None
    prospect_id: str = ""
    person_id: str = ""
    record_name: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record of a transfer."""

    source_id: str
    target_id: str
    name: str
    outcome: str
    reason: str = ""
    changes: tuple[Mapping[str, Json], ...] = ()
    linked: bool = False
    """The link between the two was made here."""
    written_at: datetime | None = None
    """When the target shows it was written, where it was created here."""


@dataclass(frozen=True, slots=True)
class StoredAction:
    """One action of a run, as the settings had it when the run began, and what became of it."""

    position: int
    action: Action
    outcome: ActionOutcome
    deal_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """An automation at work for one event, or one that was."""

    id: int
    trigger: Trigger
    event_id: str
    event_at: datetime
    prospect_id: str
    person_id: str
    """Empty: the prospect was not in Pipedrive, so nothing was done and nothing counts as having run."""
    campaign_id: str
    email_id: str
    actions: tuple[StoredAction, ...]


@dataclass(frozen=True, slots=True)
class RunToBegin:
    trigger: Trigger
    once_key: str
    event: CampaignEvent
    prospect_id: str
    person_id: str
    record_name: str
    actions: tuple[Action, ...]
    not_performed: str = ""
    """Why none of the actions can be performed, where that is known beforehand."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What became of one action."""

    run_id: int
    position: int
    outcome: ActionOutcome
    reason: str = ""
    text: str = ""
    deal_id: str = ""
    activity_id: str = ""


@dataclass(frozen=True, slots=True)
class EmailActivityRow:
    """The activity of a campaign e-mail, as it was written last."""

    email_id: str
    prospect_id: str
    person_id: str
    activity_id: str
    deal_id: str = ""
    moments: Mapping[Trigger, datetime] = field(default_factory=dict)
    digest: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Write the activity of this campaign e-mail when the time has come, unless that is planned for earlier already."""

    email_id: str
    due_at: datetime


@dataclass(slots=True)
class Results:
    """What a batch comes to; stored in one transaction, and only where the lane is still ours."""

    done: dict[int, str] = field(default_factory=dict)
    """Change id -> outcome."""
    later: dict[int, datetime] = field(default_factory=dict)
    """Change id -> when to try again."""
    links: list[LinkToSave] = field(default_factory=list)
    links_gone: list[int] = field(default_factory=list)
    """Links that an undo takes back."""
    log: list[LogLine] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    """(prospect id, person id) pairs that were written: what waited for them is settled."""
    intents_done: list[tuple[str, str]] = field(default_factory=list)
    """(kind, key) of creates whose record is known now."""
    persons: list[Record] = field(default_factory=list)
    persons_gone: list[str] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    """Id of a person that was merged away -> the one that lives on: an alias for ever."""
    organizations: list[Organization] = field(default_factory=list)
    """Those that were created."""
    organizations_gone: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    follow_up: list[str] = field(default_factory=list)
    """Ids of persons to look at in turn: survivors of a merge that a link has moved to."""
    actions: list[ActionResult] = field(default_factory=list)
    email_activities: list[EmailActivityRow] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Example:
    """One record that a brake stopped, as the page shows it."""

    name: str
    act: str
    """`create`, `update` or `unlink`."""
    side: str
    """The side that would have been written; of `unlink`, the side whose record is gone."""
    prospect_id: str = ""
    person_id: str = ""
    changes: tuple[Mapping[str, Json], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a brake kept from being written."""

    brake: Brake
    message: str
    tally: Tally = field(default_factory=Tally)
    """Written lately and about to be written, as far as was looked ahead."""
    linked: int = 0
    waiting: int = 0
    """Changes that wait."""
    upto: int = 0
    """The newest of them: what a member says holds for it and for all before it."""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class TransferState:
    """A running transfer as the engine sees it."""

    id: str
    connection_id: str
    direction: str
    source_app: Side
    cursor: str
    page: int
    settings: Mapping[str, Json]
    actor: str = ""
    picked: bool = False
    """It goes over chosen records (those that wait in it) instead of the whole source."""
    undoes: str | None = None
    """The transfer that this one takes back."""
    delete_created: bool = False
    """Of an undo: what the transfer created is deleted, where nobody touched it."""


@dataclass(frozen=True, slots=True)
class DoneRow:
    """What a transfer did with one record, as it was stored."""

    id: int
    source_id: str
    target_id: str
    name: str
    outcome: str
    linked: bool
    changes: tuple[Mapping[str, Json], ...]
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What an earlier record of a preview would have taken, so that a later one can't take it again."""

    kind: str
    """`address` (of the target side), `record` (of the target side), `organization`; of an undo: `deleted`, a person."""
    key: str
    holder: str = ""
    """Of an address: the target's record that would hold it. Of a deleted person: its organization."""


@dataclass(slots=True)
class PreviewPage:
    """What a page of a preview comes to."""

    outcomes: list[Outcome] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """What the run would have to do, to be added up: `core.transfer.Work`."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """How far the rolling check of a connection has come, where a page of it is due."""

    connection_id: str
    cursor: str
    """Of the walk over Pipedrive's persons; empty: a round begins."""
    round: int


@dataclass(frozen=True, slots=True)
class OutOfStep:
    """A linked pair whose two records differ."""

    prospect_id: str
    person_id: str
    name: str
    why: Why
    fields: tuple[Mapping[str, Json], ...] = ()
    """[{"name", "kind", "outreach", "pipedrive", "why"}]"""


@dataclass(slots=True)
class CheckPage:
    """What a page of the check found."""

    seen: list[str]
    """Persons of the page, linked or not."""
    in_step: list[str] = field(default_factory=list)
    """Prospect ids, as in `on_their_way`: pairs with a change that waits anyway."""
    on_their_way: list[str] = field(default_factory=list)
    differing: list[OutOfStep] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far the mirror of a company's persons or organizations reaches."""

    complete: bool
    cursor: str
    high_water: datetime | None
    """Pipedrive's clock: updates up to here are in."""


class Hold(Protocol):
    """A lane in our hands. It ends with our database session; `check` tells whether it still lives."""

    lane_id: int
    epoch: int
    seen_alive_at: float
    """When (monotonic) the hold was last verified."""

    def check(self) -> None:
        """Beat the heart. Raises LaneLost."""
        ...

    def release(self) -> None: ...


class Memory(Protocol):
    """The store of one lane and its connections. Plain functions that touch the database."""

    def take_changes(self, connection_id: str, limit: int) -> list[Change]:
        """Changes of records, waiting and due, oldest first. What campaigns tell is asked for by itself."""
        ...

    def take_campaign_changes(self, connection_id: str, entity: str, limit: int) -> list[Change]:
        """Waiting and due changes of one entity, `campaign_event` or `campaign_email`, oldest first."""
        ...

    def runs_of(self, connection_id: str, prospect_ids: Collection[str]) -> list[StoredRun]:
        """Every run of these prospects, oldest first."""
        ...

    def begin_runs(self, connection_id: str, runs: Sequence[RunToBegin], hold: Hold) -> None:
        """Write them down with their actions, committed before anything is sent. One whose once-key is taken is dropped."""
        ...

    def email_activities(
        self, connection_id: str, email_ids: Collection[str]
    ) -> dict[str, EmailActivityRow]: ...

    def known_sales(
        self, connection_id: str, *, deal_ids: Collection[str] = (), activity_ids: Collection[str] = ()
    ) -> set[str]:
        """Which of these deals, or activities, some run or campaign e-mail is known to have made."""
        ...

    def peek_changes(self, connection_id: str, *, after: int, limit: int) -> list[Change]:
        """Waiting, due or not, with ids above `after`, oldest first."""
        ...

    def count_waiting(self, connection_id: str, *, after: int) -> tuple[int, int]:
        """How many changes with ids above `after` wait, and the greatest id among them (`after` where none does)."""
        ...

    def waiting_again(
        self, connection_id: str, records: Collection[tuple[Side, str]], *, after: int
    ) -> set[tuple[Side, str]]:
        """Which of these records have a waiting change with an id above `after`."""
        ...

    def written_lately(self, connection_id: str, minutes: int) -> Tally:
        """What live sync wrote in the last minutes; a record counts once however often it was updated."""
        ...

    def count_linked(self, connection_id: str) -> int: ...

    def links_of(
        self, connection_id: str, *, prospect_ids: Collection[str] = (), person_ids: Collection[str] = ()
    ) -> list[StoredLink]: ...

    def linked_persons(self, connection_id: str, person_ids: Collection[str]) -> dict[str, str]:
        """Person id -> the prospect it is linked to."""
        ...

    def kept_apart(
        self, connection_id: str, *, prospect_ids: Collection[str] = (), person_ids: Collection[str] = ()
    ) -> set[tuple[str, str]]:
        """(prospect id, person id) of pairs that a member said are not the same."""
        ...

    def survivors(self, person_ids: Collection[str]) -> dict[str, str]:
        """Id of a person that was merged away -> the one that lives on; those never merged are left out."""
        ...

    def holders(self, addresses: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Normal-form address -> persons of the mirror that hold it, lowest id first."""
        ...

    def mirrored(self, person_ids: Collection[str]) -> dict[str, Record]:
        """What the mirror last saw of these persons, the organization's name filled in."""
        ...

    def organization_names(self, ids: Collection[str]) -> dict[str, str]: ...

    def organizations_named(self, names: Collection[str]) -> dict[str, Organization]:
        """Name key -> the organization of that name with the lowest id."""
        ...

    def persons_named(self, name: str, since: datetime) -> list[Record]:
        """Persons of the mirror of exactly this name that changed since."""
        ...

    def past_writes(self, connection_id: str, prospect_ids: Collection[str]) -> dict[str, Past]:
        """Prospect id -> what was written to its pair within `quarrels.WINDOW` and since its last quarrel was settled."""
        ...

    def ask_to_look(self, connection_id: str, person_ids: Sequence[str], *, source: str, hold: Hold) -> None:
        """Put these persons into the inbox: something about them differs from what we know."""
        ...

    def doubt_webhooks(self, connection_id: str, missed: Mapping[str, datetime], *, hold: Hold) -> None:
        """These persons differ from what we know and changed a while ago: did no webhook tell of them, it is suspected."""
        ...

    def index_state(self, entity: str) -> IndexState: ...

    def save_index(
        self,
        entity: str,
        state: IndexState,
        *,
        persons: Sequence[Record] = (),
        organizations: Sequence[Organization] = (),
        hold: Hold,
    ) -> None:
        """Remember what a walk or a look showed. The persons of an organization with another name are put into the inbox."""
        ...

    def open_intents(self, connection_id: str) -> list[Intent]: ...

    def write_intents(self, connection_id: str, intents: Sequence[Intent], hold: Hold) -> None:
        """Committed before anything is sent. One that is there already is left as it is."""
        ...

    def drop_intents(self, connection_id: str, keys: Sequence[tuple[str, str]], hold: Hold) -> None: ...

    def commit(
        self, connection_id: str, results: Results, hold: Hold, *, spent: Mapping[str, tuple[int, int]]
    ) -> None:
        """Everything of a batch in one transaction. Raises LaneLost where another worker holds the lane by now."""
        ...

    def settled_records(self, transfer_id: str, source_ids: Collection[str]) -> set[str]:
        """Which of these records have their outcome in this transfer already."""
        ...

    def waiting_records(self, transfer_id: str, limit: int) -> list[str]:
        """Chosen records of this transfer that have no outcome yet, in order."""
        ...

    def done_records(self, undo: TransferState, after: int, limit: int) -> list[DoneRow]:
        """What the transfer that `undo` takes back wrote or linked, by row id; of chosen records only these."""
        ...

    def organizations_made(self, undo: TransferState, after: int, limit: int) -> list[Organization]:
        """Organizations that the transfer created, by id."""
        ...

    def commit_page(
        self,
        transfer: TransferState,
        results: Results,
        hold: Hold,
        *,
        cursor: str | None,
        spent: Mapping[str, tuple[int, int]],
    ) -> None:
        """The same for a page of a transfer, with its cursor. `cursor` None: that was the last page."""
        ...

    def claimed(self, transfer_id: str, kind: str, keys: Collection[str]) -> dict[str, str]:
        """Key -> holder, of what earlier records of this preview would have taken."""
        ...

    def claims_held(self, transfer_id: str, kind: str, holders: Collection[str]) -> dict[str, int]:
        """Holder -> how many claims of this kind it has in this preview."""
        ...

    def commit_check(
        self,
        state: CheckState,
        page: CheckPage,
        hold: Hold,
        *,
        cursor: str | None,
        spent: Mapping[str, tuple[int, int]],
    ) -> None:
        """A page of the rolling check with its cursor; what changed goes into the inbox. `cursor` None: the round is done."""
        ...

    def commit_preview(
        self,
        preview: TransferState,
        page: PreviewPage,
        hold: Hold,
        *,
        cursor: str | None,
        spent: Mapping[str, tuple[int, int]],
    ) -> None:
        """A page of a preview with its cursor. `cursor` None: that was the last page, and the preview is ready."""
        ...


# --- What a lane has to do ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Serving:
    """What a connection wants done now, by the settings in force."""

    status: Status
    rules: Rules
    campaigns: CampaignRules = field(default_factory=CampaignRules)
    transfer: TransferState | None = None
    preview: TransferState | None = None
    """A preview under way and not put off."""
    preview_rules: Rules | None = None
    passed_upto: int = 0
    """Changes up to this id were confirmed: the brakes let them through."""
    left_upto: int = 0
    """Changes up to this id are left where they were made."""
    check: CheckState | None = None
    """The rolling check, where its next page is due."""


class Schedule(Protocol):
    """What the drain asks about the connections of its lane, and tells of them. Plain functions on the database."""

    def load(self, connection_id: str) -> Serving:
        """Read anew before each batch, so that new settings hold from then on."""
        ...

    def stop(self, connection_id: str, status: Status, reason: Reason, text: str) -> None:
        """Pause or fail a connection that a person must look after."""
        ...

    def halt(self, connection_id: str, stopped: Stopped) -> None:
        """Pause a connection for its brakes, and keep what was stopped until a member confirms or drops it."""
        ...

    def learn_catalogue(self, connection_id: str, catalogue: PipedriveCatalogue) -> None:
        """Keep what Pipedrive offers now, and tell where the settings name what is no longer there.

        A catalogue that has become empty is not kept: the brakes stop the connection.
        """
        ...

    def wait(self, lane_id: int, until: datetime, reason: str) -> None:
        """Nothing is to be done for this lane before."""
        ...

    def put_off_check(self, connection_id: str, until: datetime) -> None:
        """The rolling check rests until then; everything else of the lane goes on."""
        ...

    def put_off_preview(self, preview_id: str, until: datetime, reason: str) -> None:
        """This preview waits; everything else of the lane goes on."""
        ...
