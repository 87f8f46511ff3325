"""The memory of a lane: what it reads, and what a batch comes to in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tidegate.core.brakes import Tally
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.overtaken import OurWrite
from tidegate.core.quarrels import Past
from tidegate.core.records import Record, Side
from tidegate.ports.checks import CheckPage, CheckState
from tidegate.ports.crm import Organization
from tidegate.ports.links import Change, Intent, LinkToSave, LogLine, Question, StoredLink
from tidegate.ports.runs import ActionResult, EmailActivityRow, Look, RunToBegin, StoredRun
from tidegate.ports.transfers import DoneRow, Outcome, PreviewPage, TransferState


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
    mended: list[tuple[str, str]] = field(default_factory=list)
    """(kind, what it holds) of cases of `core.cases`: what they held is done now, or nothing is left to be done."""
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
    given_up: dict[str, str] = field(default_factory=dict)
    """Event id -> why what waits of the run that it began, if it began one, can't be performed any more."""
    told_more: dict[str, CampaignEvent] = field(default_factory=dict)
    """Id of the event that began a run -> a later one that tells more exactly what the run is about."""
    email_activities: list[EmailActivityRow] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    """Ids of prospects that campaigns may not write to and that are linked just now: their persons are to hear of it."""


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

    def events_begun(self, connection_id: str, event_ids: Collection[str]) -> set[str]:
        """Which of these events have begun a run, for whomever."""
        ...

    def begin_runs(self, connection_id: str, runs: Sequence[RunToBegin], hold: Hold) -> None:
        """Write them down with their actions, committed before anything is sent.

        One whose once-key or event is taken is dropped.
        """
        ...

    def email_activities(
        self, connection_id: str, email_ids: Collection[str]
    ) -> dict[str, EmailActivityRow]: ...

    def known_sales(self, *, deal_ids: Collection[str] = (), activity_ids: Collection[str] = ()) -> set[str]:
        """Which of these deals, or activities, some run or campaign e-mail of this company is known to have made."""
        ...

    def peek_changes(self, connection_id: str, *, after: int, limit: int) -> list[Change]:
        """Waiting, due or not, with ids above `after`, oldest first."""
        ...

    def put_off_events(self, connection_id: str) -> dict[str, datetime]:
        """Campaign events that were tried and put off, the oldest first, with when each falls due."""
        ...

    def count_waiting(self, connection_id: str, *, after: int) -> tuple[int, int]:
        """How many changes of records with ids above `after` wait, and the greatest id of all that waits (else `after`)."""
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

    def last_changes(self, person_ids: Collection[str]) -> dict[str, datetime | None]:
        """When Pipedrive said that these persons were changed last, of those that the mirror has."""
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

    def writes_to_persons(
        self, connection_id: str, person_ids: Collection[str], *, since: datetime
    ) -> Mapping[str, Sequence[OurWrite]]:
        """Person id -> what we wrote to it from `since` on, the oldest first; those with an unknown answer come last."""
        ...

    def ask_to_look(self, connection_id: str, person_ids: Sequence[str], *, source: str, hold: Hold) -> None:
        """Put these persons into the inbox: something about them differs from what we know."""
        ...

    def unheard(self, connection_id: str, changed: Mapping[str, datetime]) -> set[str]:
        """Of these persons (id -> when it changed), those that only other connections of the company can have told of since."""
        ...

    def ask_absent_to_look(
        self, present: Collection[str], changed: Mapping[str, datetime], *, hold: Hold
    ) -> None:
        """Put these persons (id -> when it changed) into the inboxes of the launched connections that are not at work."""
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

    def give_up_intents(
        self, connection_id: str, keys: Sequence[tuple[str, str]], at: datetime, hold: Hold
    ) -> None:
        """Note since when nobody waits for the answers of these (kind, key) any more."""
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
