"""The built-in prospect store as an outreach app: implements the port `OutreachApp` for one workspace.

It uses what any program could use (`prospects.services`, `prospects.queries`), and writes with the origin "sync", so that
what the engine writes is not taken for news. System fields go by the keys of `core.records`, custom ones by `custom.KEY`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from tidegate.adapters.outreach.campaigns import find_emails, get_emails, get_events, walk_events
from tidegate.adapters.outreach.gathering import Gathering
from tidegate.core.campaigns import CampaignEmail, CampaignEvent
from tidegate.core.catalogue import Field, NamedList, Option, OutreachCatalogue
from tidegate.core.records import (
    COMPANY,
    EMAIL,
    FIRST_NAME,
    JOB_TITLE,
    LAST_NAME,
    PHONE,
    Gone,
    Record,
    Seen,
    Side,
)
from tidegate.core.values import (
    MISSING,
    Json,
    Kind,
    Missing,
    Unreadable,
    Value,
    describe,
    from_json,
    normal_email,
    normal_emails,
    normal_phones,
    normal_text,
    phone_key,
    to_json,
)
from tidegate.errors import (
    ChangedMeanwhile,
    Invalid,
    InvalidForRemote,
    MappingBroken,
    NotFound,
    RecordGone,
    TidegateError,
)
from tidegate.ports import EventPage, Page, RunStep
from tidegate.prospects import queries, services
from tidegate.prospects.content import MAX_ENTRIES, MAX_TEXT
from tidegate.prospects.models import CustomField, FieldType, Prospect, ProspectEmail
from tidegate.prospects.models.people import shown_name
from tidegate.prospects.services import Author
from tidegate.prospects.services.lists import list_numbers
from tidegate.prospects.values import MAX_ADDRESS, MAX_DIGITS, MAX_LENGTH, MAX_PHONE
from tidegate.words import say

T = TypeVar("T")

CUSTOM = "custom."
SYSTEM_FIELDS = (
    Field(FIRST_NAME, say("First name"), Kind.TEXT, max_length=MAX_TEXT, one_line=True),
    Field(LAST_NAME, say("Last name"), Kind.TEXT, max_length=MAX_TEXT, one_line=True),
    Field(EMAIL, say("E-mail"), Kind.EMAIL, max_length=MAX_ADDRESS, max_items=MAX_ENTRIES),
    Field(PHONE, say("Phone"), Kind.PHONE, max_length=MAX_PHONE, max_items=MAX_ENTRIES),
    Field(COMPANY, say("Company name"), Kind.TEXT, max_length=MAX_TEXT, one_line=True),
    Field(JOB_TITLE, say("Position"), Kind.TEXT, max_length=MAX_TEXT, one_line=True),
)
_EMPTY: Mapping[Kind, Json] = {Kind.EMAIL: [], Kind.PHONE: [], Kind.OPTIONS: []}
TEXT_KEYS = (FIRST_NAME, LAST_NAME, COMPANY, JOB_TITLE)


@dataclass(frozen=True, slots=True)
class Creation:
    """A prospect to be made: the values, the list that receives it, and the key by which it is made once."""

    values: Mapping[str, Value]
    list_id: str | None
    key: str


class ProspectStore:
    """The prospects of one workspace. `run_step` carries a plain function to a thread that may touch the database."""

    def __init__(self, workspace_id: UUID, run_step: RunStep, *, actor: str = "Pipedrive sync") -> None:
        self.workspace_id = workspace_id
        self._run_step = run_step
        self._author = Author(workspace_id, actor, "sync")
        self._creates = Gathering[Creation, Record](self._create_together)

    async def read_catalogue(self) -> OutreachCatalogue:
        return cast(OutreachCatalogue, await self._run_step(self._read_catalogue))

    async def get_prospects(self, ids: Collection[str]) -> dict[str, Seen]:
        return cast(dict[str, Seen], await self._run_step(self._get_prospects, ids))

    async def find_by_emails(self, emails: Collection[str]) -> dict[str, tuple[str, ...]]:
        return cast(dict[str, tuple[str, ...]], await self._run_step(self._find_by_emails, emails))

    async def find_by_keys(self, keys: Collection[str]) -> dict[str, str]:
        found = await self._run_step(queries.made_with, self.workspace_id, keys)
        return {key: str(number) for key, number in cast(dict[str, int], found).items()}

    async def walk(self, *, list_ids: Sequence[str] | None, cursor: str | None, limit: int) -> Page:
        return cast(Page, await self._run_step(self._walk, list_ids, cursor, limit))

    async def count(self, *, list_ids: Sequence[str] | None) -> int:
        return cast(int, await self._run_step(self._count, list_ids))

    async def create_prospect(self, values: Mapping[str, Value], *, list_id: str | None, key: str) -> Record:
        return await self._creates.ask(Creation(values, list_id, key))

    async def update_prospect(
        self, prospect_id: str, values: Mapping[str, Value], *, seen: Record | None
    ) -> Record:
        return cast(Record, await self._run_step(self._update_prospect, prospect_id, values, seen))

    async def remove_prospect(self, prospect_id: str) -> None:
        await self._run_step(self._remove_prospect, prospect_id)

    async def get_campaign_events(self, ids: Collection[str]) -> dict[str, CampaignEvent]:
        return cast(dict[str, CampaignEvent], await self._run_step(get_events, self.workspace_id, ids))

    async def get_campaign_emails(self, ids: Collection[str]) -> dict[str, CampaignEmail]:
        return cast(dict[str, CampaignEmail], await self._run_step(get_emails, self.workspace_id, ids))

    async def find_campaign_emails(
        self, prospect_ids: Collection[str], *, since: datetime | None
    ) -> tuple[str, ...]:
        found = await self._run_step(find_emails, self.workspace_id, prospect_ids, since)
        return cast(tuple[str, ...], found)

    async def walk_campaign_events(
        self, *, since: datetime, until: datetime, cursor: str | None, limit: int
    ) -> EventPage:
        page = await self._run_step(walk_events, self.workspace_id, since, until, cursor, limit)
        return cast(EventPage, page)

    def _read_catalogue(self) -> OutreachCatalogue:
        custom = tuple(field_of(item) for item in queries.read_fields(self.workspace_id))
        sizes = queries.list_sizes(self.workspace_id)
        lists = queries.read_lists(self.workspace_id)
        return OutreachCatalogue(
            fields=SYSTEM_FIELDS + custom,
            lists=tuple(NamedList(str(item.pk), item.name, sizes.get(item.pk, 0)) for item in lists),
        )

    def _get_prospects(self, ids: Collection[str]) -> dict[str, Seen]:
        rows = Prospect.objects.filter(workspace_id=self.workspace_id, pk__any=queries.numbers_of(ids))
        found = {record.id: record for record in self._records(rows)}
        return {item: found.get(item) or Gone(Side.OUTREACH, item) for item in ids}

    def _find_by_emails(self, emails: Collection[str]) -> dict[str, tuple[str, ...]]:
        wanted = {normal_email(address): address for address in emails}
        rows = ProspectEmail.objects.filter(workspace_id=self.workspace_id, address__any=wanted)
        found: dict[str, tuple[str, ...]] = {}
        for address, prospect_id in rows.order_by("prospect_id").values_list("address", "prospect_id"):
            found[wanted[address]] = (*found.get(wanted[address], ()), str(prospect_id))
        return found

    def _walk(self, list_ids: Sequence[str] | None, cursor: str | None, limit: int) -> Page:
        rows = queries.in_lists(self.workspace_id, list_ids)
        rows = rows.filter(pk__gt=int(cursor or 0)).order_by("pk")
        records = self._records(rows[: limit + 1])
        if len(records) <= limit:
            return Page(tuple(records))
        return Page(tuple(records[:limit]), next_cursor=records[limit - 1].id)

    def _count(self, list_ids: Sequence[str] | None) -> int:
        return queries.in_lists(self.workspace_id, list_ids).count()

    async def _create_together(self, creations: Sequence[Creation]) -> list[Record | TidegateError]:
        return cast(list[Record | TidegateError], await self._run_step(self._create_prospects, creations))

    def _create_prospects(self, creations: Sequence[Creation]) -> list[Record | TidegateError]:
        """Whether somebody with this address is here already is the engine's question, answered before."""
        made: dict[str, Record | TidegateError] = {}
        for list_id in dict.fromkeys(creation.list_id for creation in creations):
            made.update(self._create_in(list_id, [c for c in creations if c.list_id == list_id]))
        return [made[creation.key] for creation in creations]

    def _create_in(
        self, list_id: str | None, creations: Sequence[Creation]
    ) -> Mapping[str, Record | TidegateError]:
        newcomers: list[services.Newcomer] = []
        made: dict[str, Record | TidegateError] = {}
        for creation in creations:
            try:
                newcomers.append(services.Newcomer(self._raw(creation.values), creation.key))
            except InvalidForRemote as error:
                made[creation.key] = error
        try:
            lists = [] if list_id is None else list_numbers([list_id])
            saved = services.create_prospects(self._author, newcomers, list_ids=lists)
        except Invalid:
            gone = MappingBroken(
                say(
                    "The list that receives persons no longer exists. Open the settings and choose another one."
                )
            )
            return dict.fromkeys((creation.key for creation in creations), gone)
        values = {creation.key: creation.values for creation in creations}
        numbers = {
            n.key: str(one.prospect.pk)
            for n, one in zip(newcomers, saved, strict=True)
            if isinstance(one, services.Saved)
        }
        seen = self._get_prospects(numbers.values())
        for newcomer, one in zip(newcomers, saved, strict=True):
            if isinstance(one, Invalid):
                made[newcomer.key] = self._refused(values[newcomer.key], one)
            else:
                shown = seen[numbers[newcomer.key]]
                made[newcomer.key] = shown if isinstance(shown, Record) else _gone(shown)
        return made

    def _update_prospect(self, prospect_id: str, values: Mapping[str, Value], seen: Record | None) -> Record:
        def still(now: Prospect) -> None:
            self._compare(now, values, seen)

        try:
            now = queries.get_prospect(self.workspace_id, prospect_id)
            services.update_prospect(self._author, now.pk, self._raw(values, now), still=still)
        except NotFound as error:
            raise RecordGone(say("The prospect was deleted."), prospect_id=prospect_id) from error
        except Invalid as error:
            raise self._refused(values, error) from error
        return self._record(now.pk)

    def _compare(self, now: Prospect, keys: Iterable[str], seen: Record | None) -> None:
        """Compare before set: the row is locked. Raises ChangedMeanwhile."""
        if seen is None:
            return
        shown = _values_of(vars(now), self._custom())
        if any(shown.get(key, MISSING) != seen.value(key) for key in keys):
            raise ChangedMeanwhile(
                say(
                    "{name} was edited in the moment Tidegate was about to write. It is looked at again.",
                    name=now.name,
                ),
                retry_after=0,
            )

    def _remove_prospect(self, prospect_id: str) -> None:
        services.delete_prospects(self._author, queries.numbers_of([prospect_id]))

    def _record(self, prospect_id: int) -> Record:
        seen = self._get_prospects([str(prospect_id)])[str(prospect_id)]
        if isinstance(seen, Gone):
            raise _gone(seen)
        return seen

    def _records(self, rows: "QuerySet[Prospect]") -> list[Record]:
        lists = Prospect.lists.through.objects.filter(prospect_id=OuterRef("pk")).values("prospectlist_id")
        fields = self._custom()
        return [_to_record(row, fields) for row in rows.values(*SHOWN, in_lists=ArraySubquery(lists))]

    def _custom(self) -> "Custom":
        return [
            (CUSTOM + item.key, item.key, Kind(item.type)) for item in queries.read_fields(self.workspace_id)
        ]

    def _raw(self, values: Mapping[str, Value], now: Prospect | None = None) -> dict[str, object]:
        """The values in the words of the store. Raises InvalidForRemote for what could not be read in the first place."""
        raw: dict[str, object] = {}
        custom: dict[str, Json] = {}
        for key, value in values.items():
            if isinstance(value, Missing | Unreadable):
                raise self._cannot_take(key, value, say("it could not be read"))
            if key.startswith(CUSTOM):
                custom[key.removeprefix(CUSTOM)] = to_json(value)
            elif key == EMAIL:
                raw["emails"] = _as_written(value, now.emails if now else [], normal_email)
            elif key == PHONE:
                raw["phones"] = _as_written(value, now.phones if now else [], phone_key)
            else:
                raw[key] = to_json(value)
        return {**raw, "custom": custom} if custom else raw

    def _refused(self, values: Mapping[str, Value], error: Invalid) -> InvalidForRemote:
        """The first fault, named by the field it is about."""
        place, texts = next(iter(error.errors.items()), ("", [str(error)]))
        key = {"emails": EMAIL, "phones": PHONE}.get(place, place)
        return self._cannot_take(key, values.get(key), texts[0])

    def _cannot_take(self, key: str, value: Value, reason: str) -> InvalidForRemote:
        names = {field.key: field.name for field in self._read_catalogue().fields}
        shown = describe(value)
        quoted = f"“{shown[:80]}…”" if len(shown) > 80 else f"“{shown}”"
        message = say(
            "“{field}” in the prospect store can’t take {value}: {reason}",
            field=names.get(key, key),
            value=quoted,
            reason=reason,
        )
        return InvalidForRemote(message, field=key, value=shown)


def _gone(prospect: Gone) -> RecordGone:
    return RecordGone(say("The prospect was deleted."), prospect_id=prospect.id)


def field_of(item: CustomField) -> Field:
    """A custom field as the engine knows it."""
    return Field(
        key=CUSTOM + item.key,
        name=item.name,
        kind=Kind(item.type),
        custom=True,
        options=tuple(Option(label, label) for label in item.options),
        max_length=MAX_LENGTH.get(FieldType(item.type)),
        max_digits=MAX_DIGITS if item.type in (FieldType.NUMBER, FieldType.MONEY) else None,
        one_line=item.type in (FieldType.TEXT, FieldType.LINK),
    )


SHOWN = ("pk", *TEXT_KEYS, "emails", "phones", "custom", "updated_at", "consent")
"""Plain rows, since a transfer reads a million: making an object of each would cost more than all that is decided about it."""

Row = Mapping[str, Any]
Custom = Sequence[tuple[str, str, Kind]]
"""Custom fields: our key, the store's key and the kind of each."""


def _to_record(row: Row, fields: Custom) -> Record:
    """A prospect as the engine sees it."""
    values = _values_of(row, fields)
    return Record(
        side=Side.OUTREACH,
        id=str(row["pk"]),
        values=values,
        emails=cast(tuple[str, ...], values[EMAIL]),
        name=shown_name(row["pk"], row[FIRST_NAME], row[LAST_NAME], row["emails"], row[COMPANY]),
        list_ids=frozenset(map(str, row["in_lists"])),
        labels={
            entry["value"]: entry["label"] for entry in (*row["emails"], *row["phones"]) if entry.get("label")
        },
        updated_at=row["updated_at"],
        consent=row["consent"],
    )


def _values_of(row: Row, fields: Custom) -> dict[str, Value]:
    values: dict[str, Value] = {key: normal_text(row[key]) for key in TEXT_KEYS}
    values[EMAIL] = normal_emails([entry["value"] for entry in row["emails"]])
    values[PHONE] = normal_phones([entry["value"] for entry in row["phones"]])
    for key, stored, kind in fields:
        values[key] = from_json(kind, row["custom"].get(stored, _EMPTY.get(kind)))
    return values


def _as_written(
    value: Value, now: Sequence[Mapping[str, str]], same: Callable[[str], str]
) -> list[dict[str, str]]:
    """Addresses or numbers in the order given; those that are there already keep their spelling and their label."""
    items = value if isinstance(value, tuple) else ()
    there = {same(entry["value"]): dict(entry) for entry in now}
    return [there.get(same(item), {"value": item, "label": ""}) for item in items]
