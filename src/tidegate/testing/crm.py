"""Pipedrive in memory: what the port `Crm` promises, as strict as the real one, and failing on demand.

People's deeds (`add_person`, `edit_person`, `merge_persons`, ...) and Tidegate's writes through the port are told apart.
Everything that happens is put down in `deliveries`, as webhooks would tell it: a test hands on as many of them as it
likes, in the order it likes. Tokens are counted by Pipedrive's published prices.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from tidegate.core.catalogue import Field, Option, PersonFilter, PipedriveCatalogue, Pipeline, User
from tidegate.core.records import EMAIL, FIRST_NAME, LAST_NAME, ORGANIZATION, PHONE, Gone, Record, Seen, Side
from tidegate.core.values import LISTS, Kind, Value, normal_emails
from tidegate.errors import InvalidForRemote, MappingBroken, RecordGone, RemoteUnavailable, TidegateError
from tidegate.ports import (
    Account,
    Clock,
    Organization,
    OrganizationPage,
    Page,
    Quota,
    Unchanged,
    Webhook,
    WebhookRequest,
)
from tidegate.testing.checking import check_values
from tidegate.testing.clock import ManualClock
from tidegate.testing.faults import Faults
from tidegate.testing.outreach import Spell, Written, as_written
from tidegate.testing.quota import CountingQuota
from tidegate.testing.sales import MemorySales

PAGE = 500
MOST_NAME = 255
NO_SUCH_FIELDS = frozenset({Kind.BOOLEAN, Kind.DATETIME, Kind.EMAIL, Kind.UNKNOWN})
"""Kinds that nobody can make a custom field of."""
WEBHOOKS_PER_USER = 40


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a webhook would tell. `body` is None for a deletion."""

    entity: str
    action: str
    id: str
    body: Record | None = None
    merged_into: str | None = None
    before: Record | None = None
    """Of our own write: what the fields that it changed held until then."""


@dataclass(slots=True)
class _Person:
    values: dict[str, Value]
    organization_id: str | None
    owner_id: str | None
    updated_at: datetime
    gone: bool = False
    hidden: bool = False


def _lost() -> RemoteUnavailable:
    return RemoteUnavailable("The connection broke before Pipedrive answered.", sent=True)


def _named(organization: Organization) -> Record:
    return Record(Side.PIPEDRIVE, organization.id, name=organization.name)


class MemoryCrm(MemorySales):
    """Implements `ports.Crm`."""

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        users: Sequence[User] = (
            User("7", "Olga Owner", "olga@acme.example", is_me=True, time_zone="Europe/Helsinki"),
        ),
        pipelines: Sequence[Pipeline] = (),
        spell: Spell = as_written,
        clock: Clock | None = None,
        quota: Quota | None = None,
    ) -> None:
        super().__init__()
        self.fields = {item.key: item for item in fields}
        self.users = list(users)
        self.pipelines = list(pipelines)
        self.spell = spell
        self.clock = clock or ManualClock()
        self.quota = quota or CountingQuota()
        self.faults = Faults()
        self.tokens: Counter[str] = Counter()
        """Tokens by method of the port."""
        self.deliveries: list[Delivery] = []
        self.written: list[Written] = []
        self.webhooks: dict[str, Webhook] = {}
        self.attached: Counter[tuple[str, str]] = Counter()
        """("person" or "organization", id) -> deals, tasks, notes and the like that people hung on it."""
        self._filters: dict[str, tuple[str, Callable[[Record], bool]]] = {}
        self._persons: dict[str, _Person] = {}
        self._organizations: dict[str, Organization] = {}
        self._to_be_late: set[str] = set()
        self._late: list[tuple[float, Callable[[], Awaitable[Any]]]] = []
        self._next = 0

    # --- What people do ---

    def add_person(
        self, values: Mapping[str, Value], *, organization_id: str | None = None, owner_id: str | None = "7"
    ) -> str:
        person_id = self._new_id()
        own = {key: item for key, item in self.fields.items() if key != ORGANIZATION}
        empty: dict[str, Value] = {key: self._empty(item) for key, item in own.items()}
        self._persons[person_id] = _Person(
            {**empty, **self._spelled(values)}, organization_id, owner_id, self._stamp()
        )
        self._tell("create", person_id)
        return person_id

    def edit_person(
        self,
        person_id: str,
        values: Mapping[str, Value],
        *,
        organization_id: str | Unchanged | None = Unchanged(),  # noqa: B008 (has no state)
    ) -> None:
        """Somebody types it: whose deed a delivery tells of counts only where it is ours."""
        self._change_person(person_id, values, organization_id)
        self._tell("change", person_id)

    def _change_person(
        self, person_id: str, values: Mapping[str, Value], organization_id: str | Unchanged | None
    ) -> None:
        kept = self._there(person_id)
        kept.values.update(self._spelled(values))
        if not isinstance(organization_id, Unchanged):
            kept.organization_id = organization_id
        kept.updated_at = self._stamp()

    def delete_person(self, person_id: str) -> None:
        self._there(person_id).gone = True
        self.deliveries.append(Delivery("person", "delete", person_id))

    def restore_person(self, person_id: str) -> None:
        kept = self._persons[person_id]
        kept.gone, kept.updated_at = False, self._stamp()
        self._tell("change", person_id)

    def hide_person(self, person_id: str, *, hidden: bool = True) -> None:
        """The connected user may no longer see this person; no webhook tells."""
        self._persons[person_id].hidden = hidden

    def merge_persons(self, loser: str, survivor: str) -> None:
        """The survivor keeps its values; its empty fields are filled, its addresses, numbers, deals and activities added to."""
        lost, kept = self._there(loser), self._there(survivor)
        for key, value in lost.values.items():
            mine = kept.values[key]
            if self.fields[key].kind in LISTS and isinstance(mine, tuple) and isinstance(value, tuple):
                kept.values[key] = tuple(dict.fromkeys([*mine, *value]))
            elif mine is None or mine == ():
                kept.values[key] = value
        lost.gone, kept.updated_at = True, self._stamp()
        self._hand_over(loser, survivor)
        self.deliveries.append(Delivery("person", "delete", loser, merged_into=survivor))
        self._tell("change", survivor)

    def add_organization(self, name: str) -> str:
        organization = Organization(self._new_id(), name, self._stamp())
        self._organizations[organization.id] = organization
        self.deliveries.append(Delivery("organization", "create", organization.id, _named(organization)))
        return organization.id

    def rename_organization(self, organization_id: str, name: str) -> None:
        organization = self._organizations[organization_id]
        self._organizations[organization_id] = replace(organization, name=name, updated_at=self._stamp())
        self.deliveries.append(
            Delivery("organization", "change", organization_id, _named(self._organizations[organization_id]))
        )

    def add_filter(self, name: str, holds: Callable[[Record], bool]) -> str:
        filter_id = self._new_id()
        self._filters[filter_id] = (name, holds)
        return filter_id

    def delete_filter(self, filter_id: str) -> None:
        del self._filters[filter_id]

    def person(self, person_id: str) -> Record:
        """What Pipedrive shows of a person now: the organization's id, not its name."""
        kept = self._there(person_id)
        shown = {key: value for key, value in kept.values.items() if key in self.fields}
        emails = shown.get(EMAIL)
        return Record(
            Side.PIPEDRIVE,
            person_id,
            shown,
            emails=normal_emails(emails) if isinstance(emails, tuple) else (),
            name=f"{shown.get(FIRST_NAME) or ''} {shown.get(LAST_NAME) or ''}".strip() or _stand_in(shown),
            owner_id=kept.owner_id,
            organization_id=kept.organization_id,
            updated_at=kept.updated_at,
        )

    @property
    def person_ids(self) -> list[str]:
        return [i for i, kept in self._persons.items() if not kept.gone and not kept.hidden]

    def _has_address(self, person_id: str) -> bool:
        return any("@" in address for address in self.person(person_id).emails)

    @property
    def deleted_ids(self) -> list[str]:
        return [i for i, kept in self._persons.items() if kept.gone]

    @property
    def organizations(self) -> list[Organization]:
        return list(self._organizations.values())

    # --- The port ---

    async def who_am_i(self) -> Account:
        await self._charge("who_am_i", 2)
        me = self._me()
        return Account("1", "Acme", "acme", me.id, me.name, me.email)

    async def read_catalogue(self) -> PipedriveCatalogue:
        await self._charge("read_catalogue", 60)
        return PipedriveCatalogue(
            tuple(self.fields.values()),
            tuple(self.users),
            tuple(self.pipelines),
            self.clock.now(),
            activity_types=("call", "email", "task"),
            filters=tuple(PersonFilter(i, name) for i, (name, _holds) in self._filters.items()),
        )

    async def create_field(self, name: str, kind: Kind, options: Sequence[str] = ()) -> Field:
        await self._charge("create_field", 5)
        has_options = kind in (Kind.OPTION, Kind.OPTIONS)
        if kind in NO_SUCH_FIELDS or not 1 <= len(name) <= MOST_NAME or bool(options) != has_options:
            raise InvalidForRemote(f"Pipedrive refused the new field “{name}”.")
        kind = Kind.TEXT if kind is Kind.LINK else kind
        made = Field(
            key=f"field-{self._new_id()}",
            name=name,
            kind=kind,
            custom=True,
            options=tuple(Option(self._new_id(), label) for label in options),
            max_length=MOST_NAME if kind in (Kind.TEXT, Kind.PHONE) else None,
            single=kind is Kind.PHONE,
        )
        self.fields[made.key] = made
        for kept in self._persons.values():
            kept.values[made.key] = self._empty(made)
        self._answer("create_field")
        return made

    async def add_options(self, field: Field, labels: Sequence[str]) -> tuple[Option, ...]:
        await self._charge("add_options", 5)
        known = self.fields.get(field.key)
        if known is None:
            raise RecordGone(f"Pipedrive does not show the field “{field.name}”.")
        if known.kind not in (Kind.OPTION, Kind.OPTIONS) or not labels or not all(labels):
            raise InvalidForRemote(f"Pipedrive refused the options of “{field.name}”.")
        added = tuple(Option(self._new_id(), label) for label in labels)
        self.fields[field.key] = replace(known, options=(*known.options, *added))
        self._answer("add_options")
        return added

    async def get_persons(self, ids: Collection[str]) -> dict[str, Seen]:
        single = len(ids) <= 10
        await self._charge("get_persons", len(ids) if single else -(-len(ids) // 100) * 10)
        there = set(self.person_ids)
        return {i: self.person(i) if i in there else self._gone(i) for i in ids}

    async def walk_persons(
        self,
        *,
        cursor: str | None = None,
        updated_since: datetime | None = None,
        filter_id: str | None = None,
    ) -> Page:
        await self._charge("walk_persons", 10)
        records = [self.person(i) for i in self.person_ids]
        if filter_id is not None:
            records = [record for record in records if self._held(filter_id, record)]
        order: Callable[[Record], tuple[datetime, int]] = lambda r: (r.updated_at or self._stamp(), int(r.id))  # noqa: E731
        if updated_since is not None:
            records = sorted((r for r in records if order(r)[0] >= updated_since), key=order)
        start = int(cursor or 0)
        return Page(tuple(records[start : start + PAGE]), _cursor_after(start, len(records)))

    async def in_filter(self, filter_id: str, persons: Collection[Record]) -> frozenset[str]:
        await self._charge("in_filter", 10)
        there = set(self.person_ids) & {person.id for person in persons}
        return frozenset(i for i in there if self._held(filter_id, self.person(i)))

    def _held(self, filter_id: str, person: Record) -> bool:
        if filter_id not in self._filters:
            raise MappingBroken("The chosen Pipedrive filter is gone.", field="filter_id")
        return self._filters[filter_id][1](person)

    async def create_person(
        self, values: Mapping[str, Value], *, owner_id: str | None, organization_id: str | None
    ) -> Record:
        await self._charge("create_person", 5)
        self._check_person(values, organization_id, owner_id)
        if not any(values.get(key) for key in (FIRST_NAME, LAST_NAME, EMAIL, PHONE)):
            raise InvalidForRemote("A person needs a name, an address or a number.")
        person_id = self.add_person(
            {**values, **self._named(values, {})},
            organization_id=organization_id,
            owner_id=owner_id or self._me().id,
        )
        self.written.append(Written("create", person_id, dict(values)))
        self._answer("create_person")
        return self.person(person_id)

    async def update_person(
        self,
        person_id: str,
        values: Mapping[str, Value],
        *,
        seen: Record | None,
        organization_id: str | Unchanged | None,
    ) -> Record:
        await self._charge("update_person", 5)
        if person_id not in self.person_ids:
            raise RecordGone(f"Person {person_id} is gone.", person_id=person_id)
        self._check_person(values, None if isinstance(organization_id, Unchanged) else organization_id, None)
        named = self._named(values, self._persons[person_id].values)
        before = self.person(person_id)
        self._change_person(person_id, {**values, **named}, organization_id)
        self._tell("change", person_id, before=before)
        self.written.append(Written("update", person_id, dict(values)))
        self._answer("update_person")
        return self.person(person_id)

    async def remove_person(self, person_id: str) -> None:
        await self._charge("remove_person", 3)
        if person_id in self.person_ids:
            self.delete_person(person_id)
            self.written.append(Written("delete", person_id, {}))
        self._answer("remove_person")

    async def attachments(self, entity: str, ids: Collection[str]) -> dict[str, int]:
        await self._charge("attachments", -(-len(ids) // 100) * 10)
        if entity == "person":
            there = set(self.person_ids)
            return {i: self.attached["person", i] for i in ids if i in there}
        people = Counter(self._persons[i].organization_id for i in self.person_ids)
        return {i: self.attached["organization", i] + people[i] for i in ids if i in self._organizations}

    async def get_organizations(self, ids: Collection[str]) -> dict[str, Organization]:
        await self._charge("get_organizations", len(ids) if len(ids) <= 10 else -(-len(ids) // 100) * 10)
        return {i: self._organizations[i] for i in ids if i in self._organizations}

    async def walk_organizations(
        self, *, cursor: str | None = None, updated_since: datetime | None = None
    ) -> OrganizationPage:
        await self._charge("walk_organizations", 10)
        found = [
            o
            for o in self._organizations.values()
            if updated_since is None or (o.updated_at is not None and o.updated_at >= updated_since)
        ]
        start = int(cursor or 0)
        return OrganizationPage(tuple(found[start : start + PAGE]), _cursor_after(start, len(found)))

    async def create_organization(self, name: str, *, owner_id: str | None) -> Organization:
        await self._charge("create_organization", 5)
        if not name.strip() or len(name) > 255:
            raise InvalidForRemote("Pipedrive refused the organization's name.", field="name")
        organization_id = self.add_organization(name)
        self.written.append(Written("create_organization", organization_id, {"name": name}))
        self._answer("create_organization")
        return self._organizations[organization_id]

    async def remove_organization(self, organization_id: str) -> None:
        await self._charge("remove_organization", 3)
        if self._organizations.pop(organization_id, None) is not None:
            self.deliveries.append(Delivery("organization", "delete", organization_id))
            self.written.append(Written("delete_organization", organization_id, {}))
            for kept in self._persons.values():
                if kept.organization_id == organization_id:
                    kept.organization_id = None
        self._answer("remove_organization")

    async def list_webhooks(self) -> tuple[Webhook, ...]:
        await self._charge("list_webhooks", 10)
        return tuple(self.webhooks.values())

    async def create_webhook(self, request: WebhookRequest) -> Webhook:
        await self._charge("create_webhook", 10)
        if len(self.webhooks) >= WEBHOOKS_PER_USER:
            raise InvalidForRemote(f"A user may have {WEBHOOKS_PER_USER} webhooks.")
        webhook = Webhook(self._new_id(), request.url, request.event_object, request.event_action)
        self.webhooks[webhook.id] = webhook
        self._answer("create_webhook")
        return webhook

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._charge("delete_webhook", 6)
        self.webhooks.pop(webhook_id, None)
        self._answer("delete_webhook")

    # --- Inside ---

    async def _charge(self, method: str, tokens: int) -> None:
        if self._late:
            await self._carry_out_late_ones()
        await self.quota.admit(tokens)
        self.tokens[method] += tokens
        self.faults.before(method)

    def _answer(self, method: str) -> None:
        self.faults.after(method)

    def lose_answer(self, method: str, *, times: int = 1) -> None:
        """The next calls act, and their answer gets lost: the write may have happened or not, for all we know."""
        self.faults.fail(method, _lost(), times=times, after=True)

    def land_late(self, method: str, seconds: float, *, error: BaseException | None = None) -> None:
        """The next call gets no answer, and is carried out only so many seconds later, with the next call then.

        `error`: what the caller meets instead of the lost answer; their death, for instance.
        """
        if method in self._to_be_late:
            return
        self._to_be_late.add(method)
        call = getattr(self, method)

        async def late(*args: Any, **kwargs: Any) -> Any:
            self._to_be_late.remove(method)
            setattr(self, method, call)
            self.faults.calls[method] += 1
            self._late.append((self.clock.monotonic() + seconds, partial(call, *args, **kwargs)))
            raise error or _lost()

        setattr(self, method, late)

    async def _carry_out_late_ones(self) -> None:
        due = [act for at, act in self._late if at <= self.clock.monotonic()]
        self._late = [(at, act) for at, act in self._late if at > self.clock.monotonic()]
        for act in due:
            with suppress(TidegateError):  # nobody hears of it
                await act()

    def _check_person(
        self, values: Mapping[str, Value], organization_id: str | None, owner_id: str | None
    ) -> None:
        if ORGANIZATION in values:
            raise InvalidForRemote("A person's organization is set by its id.", field=ORGANIZATION)
        for key in values:
            if key not in self.fields:
                raise MappingBroken(f"Pipedrive has no field “{key}” any more.", field=key)
        check_values(values, self.fields, "Pipedrive")
        if organization_id is not None and organization_id not in self._organizations:
            raise InvalidForRemote("Pipedrive has no such organization.", field=ORGANIZATION)
        if owner_id is not None and owner_id not in {user.id for user in self.users}:
            raise InvalidForRemote("Pipedrive has no such user.", field="owner_id")

    def _there(self, person_id: str) -> _Person:
        kept = self._persons.get(person_id)
        if kept is None or kept.gone:
            raise KeyError(f"There is no person {person_id}.")
        return kept

    def _gone(self, person_id: str) -> Gone:
        """A deleted person says so; one that is hidden, or never was, is not shown."""
        kept = self._persons.get(person_id)
        return Gone(Side.PIPEDRIVE, person_id, deleted=kept is not None and kept.gone)

    def _spelled(self, values: Mapping[str, Value]) -> dict[str, Value]:
        return {key: self.spell(key, value) for key, value in values.items()}

    def _me(self) -> User:
        return next((user for user in self.users if user.is_me), self.users[0])

    @staticmethod
    def _named(values: Mapping[str, Value], before: Mapping[str, Value]) -> dict[str, Value]:
        """Where only one of the names is there, Pipedrive gets it as the whole name, and splits that at its first space."""
        if FIRST_NAME not in values and LAST_NAME not in values:
            return {}
        first, last = (values.get(key, before.get(key)) for key in (FIRST_NAME, LAST_NAME))
        if bool(first) == bool(last):
            return {}
        head, _, tail = str(first or last).partition(" ")
        return {FIRST_NAME: head, LAST_NAME: tail or None}

    def _tell(self, action: str, person_id: str, *, before: Record | None = None) -> None:
        now = self.person(person_id)
        if before is not None:
            changed = {key: value for key, value in before.values.items() if value != now.value(key)}
            before = replace(before, values=changed, emails=())
        self.deliveries.append(Delivery("person", action, person_id, now, before=before))

    def _stamp(self) -> datetime:
        return self.clock.now().replace(microsecond=0)

    def _new_id(self) -> str:
        self._next += 1
        return str(self._next)

    @staticmethod
    def _empty(item: Field) -> Value:
        return () if item.kind in LISTS or item.kind is Kind.OPTIONS else None


def _stand_in(values: Mapping[str, Value]) -> str:
    """What a person without a name is called: its address or number, which is no name among its values."""
    listed = values.get(EMAIL) or values.get(PHONE)
    return listed[0] if isinstance(listed, tuple) and listed else ""


def _cursor_after(start: int, total: int) -> str | None:
    return str(start + PAGE) if start + PAGE < total else None
