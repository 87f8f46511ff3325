"""What pages, API and exports ask of the prospect store: filters, sorted pages by cursor, counts.

A page is found by the key of its first or last row, never by counting off, so the thousandth page costs what the first one
does. Cursors are opaque and carry their position for people ("101 to 150").
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import orjson
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from tidegate.errors import Invalid, NotFound
from tidegate.prospects.models import CampaignEvent, CustomField, Prospect, ProspectEmail, ProspectList
from tidegate.prospects.search_keys import words
from tidegate.prospects.values import normal_email
from tidegate.words import say

FEW = 2_000
"""So many prospects are sorted in no time."""


class Sort(StrEnum):
    """Columns a table can be sorted by; a leading minus is the other way round."""

    NAME = "name"
    NAME_DOWN = "-name"
    CHANGED = "changed"
    CHANGED_DOWN = "-changed"
    ORDER = "id"
    """As they came in."""

    @property
    def column(self) -> str:
        return {"name": "name_key", "changed": "updated_at", "id": "id"}[self.value.lstrip("-")]

    @property
    def down(self) -> bool:
        return self.value.startswith("-")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which prospects of a workspace. Empty values leave everybody in."""

    workspace_id: UUID
    search: str = ""
    list_id: int | None = None
    email_status: str = ""
    consent: str = ""
    email: str = ""
    """Exactly this address, without case."""
    updated_since: datetime | None = None
    event: str = ""
    """An event of this type happened to at least one of their e-mails, whatever happened afterwards; told by a program that
    read along or a privacy proxy (`automatic`), it does not count, told late or imported it does."""
    event_since: datetime | None = None
    """... and it happened at this time or later."""
    also: Q | None = None
    """A condition of the caller's own."""

    @property
    def is_open(self) -> bool:
        """Whether it lets in the whole workspace, or the whole list."""
        return not (self.is_sifting or self.email or self.updated_since)

    @property
    def is_sifting(self) -> bool:
        """Whether it may leave so few that they are found sooner than they are sorted."""
        return bool(self.search or self.email_status or self.consent or self.event or self.also)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place between two rows of a sorted table."""

    key: str
    id: int
    position: int = 0
    """How many rows lie before it."""
    backward: bool = False

    def encode(self) -> str:
        raw = orjson.dumps([self.key, self.id, self.position, self.backward])
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """Raises Invalid."""
    try:
        raw = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        key, row_id, position, backward = raw
        if isinstance(key, str) and isinstance(position, int) and isinstance(backward, bool):
            return Cursor(key.replace("\x00", ""), min(int(row_id), 2**63 - 1), max(0, position), backward)
    except (binascii.Error, ValueError, TypeError):
        pass
    raise Invalid(
        say("The cursor is not one this list gave."),
        errors={"cursor": [say("This is not a cursor of this list.")]},
    )


@dataclass(frozen=True, slots=True)
class Page:
    prospects: tuple[Prospect, ...]
    position: int
    """How many rows lie before the first one."""
    next: str | None
    previous: str | None


def select(wanted: Filter) -> QuerySet[Prospect]:
    """The prospects that pass the filter, in no order."""
    rows = Prospect.objects.filter(workspace_id=wanted.workspace_id)
    if wanted.list_id is not None:
        through = Prospect.lists.through.objects
        rows = rows.filter(Exists(through.filter(prospect_id=OuterRef("pk"), prospectlist_id=wanted.list_id)))
    if wanted.email_status:
        rows = rows.filter(email_status=wanted.email_status)
    if wanted.consent:
        rows = rows.filter(consent=wanted.consent)
    if wanted.email:
        holders = ProspectEmail.objects.filter(
            workspace_id=wanted.workspace_id, address=normal_email(wanted.email)
        )
        rows = rows.filter(pk__in=holders.values("prospect_id"))
    if wanted.updated_since is not None:
        rows = rows.filter(updated_at__gte=wanted.updated_since)
    if wanted.event:
        rows = rows.filter(Exists(_events(wanted)))
    if wanted.also is not None:
        rows = rows.filter(wanted.also)
    return _searched(rows, wanted.search)


def _events(wanted: Filter) -> QuerySet[CampaignEvent]:
    """The events that let a prospect pass. The workspace is named for the sake of the index."""
    rows = CampaignEvent.objects.filter(
        workspace_id=wanted.workspace_id, prospect=OuterRef("pk"), type=wanted.event, automatic=False
    )
    return rows if wanted.event_since is None else rows.filter(at__gte=wanted.event_since)


def narrowed(wanted: Filter) -> QuerySet[Prospect]:
    """The same prospects, in a form that can be sorted and paged quickly however few they are.

    PostgreSQL can't tell how rare the beginning of a word is. For a sorted page of rare ones it may walk through the whole
    order (7 s at a million rows), so a few are found first, unsorted, and only many are left to it.
    """
    rows = select(wanted)
    if not wanted.is_sifting:
        return rows
    ids = list(rows.values_list("pk", flat=True)[: FEW + 1])
    return Prospect.objects.filter(pk__in=ids) if len(ids) <= FEW else rows


def _searched(rows: QuerySet[Prospect], search: str) -> QuerySet[Prospect]:
    if not search.strip():
        return rows
    parts = words(search)
    if not parts:
        return rows.none()
    query = SearchQuery(" & ".join(f"{part}:*" for part in parts), config="simple", search_type="raw")
    return rows.annotate(found=SearchVector("search_words", config="simple")).filter(found=query)


def read_page(wanted: Filter, *, sort: Sort = Sort.NAME, cursor: str | None = None, limit: int = 50) -> Page:
    """One page. Raises Invalid for a cursor that is none."""
    place = decode_cursor(cursor) if cursor else None
    backward = place is not None and place.backward
    rows = narrowed(wanted)
    if place is not None:
        rows = rows.filter(_beyond(place, sort))
    found = list(_ordered(rows, sort, reverse=backward)[: limit + 1])
    more = len(found) > limit
    shown = found[:limit][::-1] if backward else found[:limit]
    return _as_page(shown, sort, place, more=more)


def _as_page(shown: Sequence[Prospect], sort: Sort, place: Cursor | None, *, more: bool) -> Page:
    backward = place is not None and place.backward
    position = 0 if place is None else place.position
    if backward:
        position = max(0, position - len(shown)) if more else 0
    if not shown:
        return Page((), position, None, None)
    has_next = more if not backward else True
    has_previous = more if backward else place is not None
    first = replace(_place_of(shown[0], sort), position=position, backward=True)
    last = replace(_place_of(shown[-1], sort), position=position + len(shown))
    return Page(
        tuple(shown),
        position,
        last.encode() if has_next else None,
        first.encode() if has_previous else None,
    )


def _place_of(prospect: Prospect, sort: Sort) -> Cursor:
    value = getattr(prospect, sort.column)
    return Cursor(value.isoformat() if isinstance(value, datetime) else str(value), prospect.pk)


def _beyond(place: Cursor, sort: Sort) -> Q:
    side = "lt" if sort.down is not place.backward else "gt"
    if sort is Sort.ORDER:
        return Q(**{f"id__{side}": place.id})
    key: object = place.key
    if sort.column == "updated_at":
        try:
            key = datetime.fromisoformat(place.key)
        except ValueError as error:
            raise Invalid(
                say("The cursor belongs to another order."), errors={"cursor": [say("Start anew.")]}
            ) from error
    # Said in two parts, so that PostgreSQL starts in the index where the page starts.
    at_or_beyond = Q(**{f"{sort.column}__{side}e": key})
    return at_or_beyond & (Q(**{f"{sort.column}__{side}": key}) | Q(**{f"id__{side}": place.id}))


def _ordered(rows: QuerySet[Prospect], sort: Sort, *, reverse: bool = False) -> QuerySet[Prospect]:
    sign = "-" if sort.down is not reverse else ""
    columns = ["id"] if sort is Sort.ORDER else [sort.column, "id"]
    return rows.order_by(*(sign + column for column in columns))


def count(wanted: Filter) -> int:
    if wanted.list_id is not None and wanted.is_open:
        return Prospect.lists.through.objects.filter(
            prospectlist_id=wanted.list_id, prospectlist__workspace_id=wanted.workspace_id
        ).count()
    return select(wanted).count()


def in_lists(workspace_id: UUID, list_ids: Sequence[int | str] | None) -> QuerySet[Prospect]:
    """The prospects that are in at least one of these lists, each once; all of the workspace for None."""
    rows = Prospect.objects.filter(workspace_id=workspace_id)
    if list_ids is None:
        return rows
    through = Prospect.lists.through.objects.filter(prospect_id=OuterRef("pk"))
    return rows.filter(Exists(through.filter(prospectlist_id__in=numbers_of(list_ids))))


def walk(wanted: Filter, *, batch: int = 1_000) -> Iterator[list[Prospect]]:
    """All that pass, in the order they came in, a batch at a time, each with its lists."""
    last = 0
    chosen = narrowed(wanted)
    while True:
        rows = chosen.filter(pk__gt=last).order_by("pk").prefetch_related("lists")[:batch]
        found = list(rows)
        if found:
            yield found
        if len(found) < batch:
            return
        last = found[-1].pk


def numbers_of(ids: Iterable[int | str]) -> set[int]:
    """Those of the ids that can be one of ours."""
    return {int(item) for item in map(str, ids) if item.isdecimal() and len(item) < 19}


def known_ids(workspace_id: UUID, ids: Iterable[int | str]) -> set[int]:
    """Those of the ids that are a prospect's of this workspace."""
    rows = Prospect.objects.filter(workspace_id=workspace_id, pk__in=numbers_of(ids))
    return set(rows.values_list("pk", flat=True))


def made_with(workspace_id: UUID, keys: Iterable[str]) -> dict[str, int]:
    """Key -> id of the prospect that was made with it and is still there."""
    rows = Prospect.objects.filter(workspace_id=workspace_id, origin_key__in=set(keys))
    return {str(key): number for key, number in rows.values_list("origin_key", "pk")}


def get_prospect(workspace_id: UUID, prospect_id: int | str) -> Prospect:
    """Raises NotFound."""
    rows = Prospect.objects.filter(workspace_id=workspace_id, pk__in=numbers_of([prospect_id]))
    found = rows.prefetch_related("lists").first()
    if found is None:
        raise NotFound(say("There is no such prospect. It may have been deleted."))
    return found


def get_list(workspace_id: UUID, list_id: int | str) -> ProspectList:
    """Raises NotFound."""
    found = ProspectList.objects.filter(workspace_id=workspace_id, pk__in=numbers_of([list_id])).first()
    if found is None:
        raise NotFound(say("There is no such list. It may have been deleted."))
    return found


def read_lists(workspace_id: UUID) -> list[ProspectList]:
    """The lists by name."""
    return sorted(
        ProspectList.objects.filter(workspace_id=workspace_id), key=lambda item: item.name.casefold()
    )


def list_sizes(workspace_id: UUID) -> dict[int, int]:
    """List id -> how many are in it."""
    through = Prospect.lists.through.objects.filter(prospectlist__workspace_id=workspace_id)
    rows = through.values("prospectlist_id").annotate(size=Count("id")).order_by()
    return {row["prospectlist_id"]: row["size"] for row in rows}


def read_fields(workspace_id: UUID) -> list[CustomField]:
    return list(CustomField.objects.filter(workspace_id=workspace_id))


def doubles_of(prospect: Prospect) -> list[Prospect]:
    """Others that share an address with this one."""
    addresses = [normal_email(entry["value"]) for entry in prospect.emails]
    rows = ProspectEmail.objects.filter(workspace_id=prospect.workspace_id, address__in=addresses)
    others = rows.exclude(prospect=prospect).values("prospect_id")
    return list(Prospect.objects.filter(pk__in=others).order_by("pk"))
