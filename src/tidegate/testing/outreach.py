"""An outreach app in memory: as strict as a real one, and failing on demand.

What people do in it (`add`, `edit`, `delete`, `restore`) and what Tidegate does through the port are told apart, so that a
test can say who wrote what. `spell` stands for an app that stores some values in its own way.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.core.campaigns import CampaignEmail, CampaignEvent
from tidegate.core.catalogue import Field, NamedList, OutreachCatalogue
from tidegate.core.records import EMAIL, FIRST_NAME, LAST_NAME, OPEN_CONSENT, Gone, Record, Seen, Side
from tidegate.core.values import LISTS, Kind, Value, normal_emails
from tidegate.errors import ChangedMeanwhile, InvalidForRemote, RecordGone
from tidegate.ports import Clock, EventPage, Page
from tidegate.testing.checking import check_values
from tidegate.testing.clock import ManualClock
from tidegate.testing.faults import Faults

Spell = Callable[[str, Value], Value]
CLOSED_BY = {"email_bounced": "bounced", "unsubscribed": "unsubscribed"}
"""Type of an event -> what it makes of its prospect's consent."""


def as_written(key: str, value: Value) -> Value:
    return value


@dataclass(frozen=True, slots=True)
class Written:
    """One write that came through the port."""

    act: str
    record_id: str
    values: Mapping[str, Value]


@dataclass(slots=True)
class _Prospect:
    values: dict[str, Value]
    list_ids: set[str]
    updated_at: datetime
    gone: bool = False


class MemoryOutreach:
    """Implements `ports.OutreachApp`."""

    def __init__(
        self,
        fields: Sequence[Field],
        lists: Sequence[NamedList] = (NamedList("1", "Prospects"),),
        *,
        spell: Spell = as_written,
        clock: Clock | None = None,
    ) -> None:
        self.fields = {item.key: item for item in fields}
        self.lists = list(lists)
        self.spell = spell
        self.clock = clock or ManualClock()
        self.faults = Faults()
        self.announced: list[str] = []
        self.consents: dict[str, str] = {}
        """Of those that campaigns may not write to."""
        """Ids of prospects that changed, whoever did it, in order."""
        self.written: list[Written] = []
        self.status: dict[str, str] = {}
        """Prospect id -> e-mail status."""
        self._prospects: dict[str, _Prospect] = {}
        self._keys: dict[str, str] = {}
        self.events: dict[str, CampaignEvent] = {}
        self.emails: dict[str, CampaignEmail] = {}

    # --- What campaigns do ---

    def send(self, prospect_id: str | None, **facts: object) -> str:
        """A campaign e-mail to this prospect, without any event. Answers its id."""
        email_id = str(len(self.emails) + 1)
        self.emails[email_id] = CampaignEmail(email_id, prospect_id, **facts)  # type: ignore[arg-type]
        return email_id

    def happen(self, type: str, *, email_id: str | None = None, **facts: object) -> str:
        """An event, now unless `at` says otherwise; about an e-mail, it is of that one's prospect and campaign."""
        event_id, now = str(len(self.events) + 1), self.clock.now()
        facts = {"at": now, "received_at": now, **facts}
        if email_id is not None:
            email = self.emails[email_id]
            facts.setdefault("prospect_id", email.prospect_id)
            facts.setdefault("campaign_id", email.campaign_id)
            facts.setdefault("campaign_name", email.campaign_name)
        event = CampaignEvent(event_id, f"key-{event_id}", type, email_id=email_id, **facts)  # type: ignore[arg-type]
        self.events[event_id] = event
        self._tighten(event)
        return event_id

    # --- What people do ---

    def add(self, values: Mapping[str, Value], *, list_ids: Collection[str] = ("1",)) -> str:
        prospect_id = str(len(self._prospects) + 1)
        empty: dict[str, Value] = {key: self._empty(item) for key, item in self.fields.items()}
        self._prospects[prospect_id] = _Prospect(
            {**empty, **self._spelled(values)}, set(list_ids), self.clock.now()
        )
        self.announced.append(prospect_id)
        return prospect_id

    def edit(self, prospect_id: str, values: Mapping[str, Value]) -> None:
        kept = self._there(prospect_id)
        kept.values.update(self._spelled(values))
        kept.updated_at = self.clock.now()
        self.announced.append(prospect_id)

    def delete(self, prospect_id: str) -> None:
        self._there(prospect_id).gone = True
        self.announced.append(prospect_id)

    def restore(self, prospect_id: str) -> None:
        self._prospects[prospect_id].gone = False
        self.announced.append(prospect_id)

    def put_in_lists(self, prospect_id: str, list_ids: Collection[str]) -> None:
        self._there(prospect_id).list_ids = set(list_ids)
        self.announced.append(prospect_id)

    def record(self, prospect_id: str) -> Record:
        """What the app shows of a prospect now."""
        kept = self._there(prospect_id)
        shown = {key: value for key, value in kept.values.items() if key in self.fields}
        emails = shown.get(EMAIL)
        return Record(
            Side.OUTREACH,
            prospect_id,
            shown,
            emails=normal_emails(emails) if isinstance(emails, tuple) else (),
            name=f"{shown.get(FIRST_NAME) or ''} {shown.get(LAST_NAME) or ''}".strip(),
            list_ids=frozenset(kept.list_ids),
            updated_at=kept.updated_at,
            consent=self.consents.get(prospect_id, OPEN_CONSENT),
        )

    def close(self, prospect_id: str, consent: str = "unsubscribed") -> None:
        """A member, a program or a file says that campaigns may not write to this prospect."""
        self.consents[prospect_id] = consent

    def keeps_key(self, key: str, prospect_id: str) -> bool:
        """Whether this prospect was created with that key."""
        return self._keys.get(key) == prospect_id

    @property
    def ids(self) -> list[str]:
        return [prospect_id for prospect_id, kept in self._prospects.items() if not kept.gone]

    # --- The port ---

    async def read_catalogue(self) -> OutreachCatalogue:
        self.faults.before("read_catalogue")
        sizes = {
            named.id: sum(named.id in self._prospects[i].list_ids for i in self.ids) for named in self.lists
        }
        lists = tuple(NamedList(named.id, named.name, sizes[named.id]) for named in self.lists)
        return OutreachCatalogue(tuple(self.fields.values()), lists, self.clock.now())

    async def get_prospects(self, ids: Collection[str]) -> dict[str, Seen]:
        self.faults.before("get_prospects")
        there = set(self.ids)
        return {i: self.record(i) if i in there else Gone(Side.OUTREACH, i) for i in ids}

    async def find_by_emails(self, emails: Collection[str]) -> dict[str, tuple[str, ...]]:
        self.faults.before("find_by_emails")
        found = {
            address: tuple(i for i in self.ids if address in self.record(i).emails) for address in emails
        }
        return {address: ids for address, ids in found.items() if ids}

    async def find_by_keys(self, keys: Collection[str]) -> dict[str, str]:
        self.faults.before("find_by_keys")
        there = set(self.ids)
        return {key: made for key in keys if (made := self._keys.get(key)) in there and made is not None}

    async def walk(self, *, list_ids: Sequence[str] | None, cursor: str | None, limit: int) -> Page:
        self.faults.before("walk")
        after = int(cursor or 0)
        wanted = [i for i in self._in_lists(list_ids) if int(i) > after]
        records = tuple(self.record(i) for i in wanted[:limit])
        return Page(records, records[-1].id if len(wanted) > limit else None)

    async def count(self, *, list_ids: Sequence[str] | None) -> int:
        self.faults.before("count")
        return len(self._in_lists(list_ids))

    async def create_prospect(self, values: Mapping[str, Value], *, list_id: str | None, key: str) -> Record:
        self.faults.before("create_prospect")
        if self._keys.get(key) in self.ids:  # a deleted prospect gives its key free
            return self.record(self._keys[key])
        check_values(values, self.fields, "The outreach app")
        if list_id is not None and list_id not in {named.id for named in self.lists}:
            raise InvalidForRemote("The outreach app has no such list.", list_id=list_id)
        prospect_id = self.add(values, list_ids=() if list_id is None else (list_id,))
        self._keys[key] = prospect_id
        self.status[prospect_id] = "unverified"
        self.written.append(Written("create", prospect_id, dict(values)))
        self.faults.after("create_prospect")
        return self.record(prospect_id)

    async def update_prospect(
        self, prospect_id: str, values: Mapping[str, Value], *, seen: Record | None
    ) -> Record:
        self.faults.before("update_prospect")
        if prospect_id not in self.ids:
            raise RecordGone(f"Prospect {prospect_id} is gone.", prospect_id=prospect_id)
        check_values(values, self.fields, "The outreach app")
        now = self.record(prospect_id)
        if seen is not None and any(now.value(key) != seen.value(key) for key in values):
            raise ChangedMeanwhile(
                f"{now.name} was edited in this moment. It is looked at again.", retry_after=0
            )
        self.edit(prospect_id, values)
        self.written.append(Written("update", prospect_id, dict(values)))
        self.faults.after("update_prospect")
        return self.record(prospect_id)

    async def remove_prospect(self, prospect_id: str) -> None:
        self.faults.before("remove_prospect")
        if prospect_id in self.ids:
            self.delete(prospect_id)
            self.written.append(Written("delete", prospect_id, {}))
        self.faults.after("remove_prospect")

    async def get_campaign_events(self, ids: Collection[str]) -> dict[str, CampaignEvent]:
        self.faults.before("get_campaign_events")
        return {i: self.events[i] for i in ids if i in self.events}

    async def get_campaign_emails(self, ids: Collection[str]) -> dict[str, CampaignEmail]:
        self.faults.before("get_campaign_emails")
        return {
            i: replace(
                self.emails[i],
                events=tuple(event for event in self._in_order() if event.email_id == i),
            )
            for i in ids
            if i in self.emails
        }

    async def find_campaign_emails(
        self, prospect_ids: Collection[str], *, since: datetime | None
    ) -> tuple[str, ...]:
        self.faults.before("find_campaign_emails")
        found = {
            event.email_id: None
            for event in self._in_order()
            if event.prospect_id in prospect_ids
            and event.email_id is not None
            and event.trigger is not None
            and (since is None or (event.at >= since and not event.historical))
        }
        return tuple(found)

    async def walk_campaign_events(
        self, *, since: datetime, until: datetime, cursor: str | None, limit: int
    ) -> EventPage:
        self.faults.before("walk_campaign_events")
        start = int(cursor or 0)
        wanted = [event for event in self._in_order() if since <= event.at < until]
        more = str(start + limit) if len(wanted) > start + limit else None
        return EventPage(tuple(wanted[start : start + limit]), more)

    # --- Inside ---

    def _tighten(self, event: CampaignEvent) -> None:
        """As the real store: an event closes its prospect, and none opens it. A bounce is of its main address here."""
        says = CLOSED_BY.get(event.type)
        if event.prospect_id is None or says is None:
            return
        if self.consents.get(event.prospect_id) != "unsubscribed":
            self.consents[event.prospect_id] = says

    def _in_order(self) -> list[CampaignEvent]:
        return sorted(self.events.values(), key=lambda event: (event.at, int(event.id)))

    def _there(self, prospect_id: str) -> _Prospect:
        kept = self._prospects.get(prospect_id)
        if kept is None or kept.gone:
            raise KeyError(f"There is no prospect {prospect_id}.")
        return kept

    def _spelled(self, values: Mapping[str, Value]) -> dict[str, Value]:
        return {key: self.spell(key, value) for key, value in values.items()}

    def _in_lists(self, list_ids: Sequence[str] | None) -> list[str]:
        if list_ids is None:
            return self.ids
        return [i for i in self.ids if self._prospects[i].list_ids.intersection(list_ids)]

    @staticmethod
    def _empty(item: Field) -> Value:
        return () if item.kind in LISTS or item.kind is Kind.OPTIONS else None
