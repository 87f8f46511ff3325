"""The outreach app: where prospects live."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tidegate.core.campaigns import CampaignEmail, CampaignEvent
from tidegate.core.catalogue import OutreachCatalogue
from tidegate.core.records import Record, Seen
from tidegate.core.values import Value


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

    async def find_by_keys(self, keys: Collection[str]) -> dict[str, str]:
        """Key of `create_prospect` -> id of the prospect that it made. Keys that made nobody who is still there are left out."""
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

    async def update_prospect(
        self, prospect_id: str, values: Mapping[str, Value], *, seen: Record | None
    ) -> Record:
        """Set these fields and no others. Raises RecordGone, InvalidForRemote, ChangedMeanwhile.

        `seen` is what the prospect showed when the write was decided. An app that can compare writes nothing where one of
        the fields shows something else by now, and raises ChangedMeanwhile. None: written whatever it shows.
        """
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

    async def find_campaign_emails(
        self, prospect_ids: Collection[str], *, since: datetime | None
    ) -> tuple[str, ...]:
        """Ids of the e-mails to these prospects of which something worth acting on was told that happened since; nothing
        that was imported, and no automatic reply. Since None: at any time, imported or not.
        """
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
