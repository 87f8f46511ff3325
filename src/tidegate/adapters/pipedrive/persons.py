"""Persons: the calls that read, find, create, change and remove them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime

from tidegate.adapters.pipedrive import abouts, prices
from tidegate.adapters.pipedrive.account import AccountCalls
from tidegate.adapters.pipedrive.calls import Params, Raw, next_cursor, objects, selection, together
from tidegate.adapters.pipedrive.field_values import moment_from
from tidegate.adapters.pipedrive.prices import calls_for
from tidegate.adapters.pipedrive.translate import ON_THEIR_OWN, changed_person_to, new_person_to, person_from
from tidegate.core.catalogue import Field
from tidegate.core.records import Gone, Record, Seen, Side
from tidegate.core.values import Value
from tidegate.errors import MappingBroken, RecordGone, RecordRejected
from tidegate.ports import Page, Unchanged
from tidegate.words import say

ASKED_ALONE = 10
"""Of the persons that a list left out, so many are asked for one by one, at a token each."""


class PersonCalls(AccountCalls):
    """The part of `Pipedrive` that is about persons."""

    async def get_persons(self, ids: Collection[str]) -> dict[str, Seen]:
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        fields = await self._fields()
        found = await self._by_ids(wanted, one=prices.PERSON, many=prices.PERSONS, word="person")
        found += await self._left_out(wanted, {str(raw["id"]) for raw in found})
        seen = {str(raw["id"]): person_from(raw, fields) for raw in found}
        return {id_: seen.get(id_, Gone(Side.PIPEDRIVE, id_)) for id_ in wanted}

    async def _left_out(self, wanted: Sequence[str], found: Collection[str]) -> list[Raw]:
        """Lists leave out deleted and hidden persons alike; asked for alone, a deleted one says so."""
        _, singles = calls_for(len(wanted), one=prices.PERSON, many=prices.PERSONS)
        missing = [id_ for id_ in wanted[: len(wanted) - singles] if id_ not in found]
        answers = await together(
            [self._single(prices.PERSON, id_, "person") for id_ in missing[:ASKED_ALONE]]
        )
        return [raw for raws in answers for raw in raws]

    async def walk_persons(
        self,
        *,
        cursor: str | None = None,
        updated_since: datetime | None = None,
        filter_id: str | None = None,
    ) -> Page:
        fields = await self._fields()
        with _the_filter_may_be_gone() if filter_id else nullcontext():
            raws, following = await self._walk(
                prices.PERSONS, "persons", cursor, selection(updated_since, filter_id)
            )
        records = [
            person for person in (person_from(raw, fields) for raw in raws) if isinstance(person, Record)
        ]
        return Page(tuple(records), following)

    async def in_filter(self, filter_id: str, persons: Collection[Record]) -> frozenset[str]:
        wanted = frozenset(person.id for person in persons)
        oldest = min((person.updated_at for person in persons if person.updated_at), default=None)
        params: Params = {
            "filter_id": int(filter_id),
            "sort_by": "update_time",
            "sort_direction": "desc",
            "limit": prices.PAGE,
        }
        found: set[str] = set()
        while True:
            with _the_filter_may_be_gone():
                body = await self._answer(prices.PERSONS, say("the persons of the filter"), params=params)
            raws = objects(body.get("data"))
            found |= wanted & {str(raw.get("id")) for raw in raws}
            cursor = next_cursor(body)
            if cursor is None or found == wanted or _is_before(raws, oldest):
                return frozenset(found)
            params = {**params, "cursor": cursor}

    async def create_person(
        self, values: Mapping[str, Value], *, owner_id: str | None, organization_id: str | None
    ) -> Record:
        fields = await self._fields()
        body = new_person_to(values, fields, owner_id=owner_id, organization_id=organization_id)
        about = say("the new person “{name}”", name=_name_in(body))
        return _record(person_from(await self._object(prices.CREATE_PERSON, about, json=body), fields), about)

    async def update_person(
        self,
        person_id: str,
        values: Mapping[str, Value],
        *,
        seen: Record | None,
        organization_id: str | Unchanged | None,
    ) -> Record:
        fields = await self._fields()
        about = _called(person_id, seen)
        if seen is None and not ON_THEIR_OWN.isdisjoint(values):
            seen = _record(await self._person(person_id, fields), about)
        body = changed_person_to(values, fields, seen=seen, organization_id=organization_id)
        if not body:
            return _record(await self._person(person_id, fields), about)
        return _record(
            person_from(await self._object(prices.UPDATE_PERSON, about, id_=person_id, json=body), fields),
            about,
        )

    async def _person(self, person_id: str, fields: Sequence[Field]) -> Seen:
        return person_from(
            await self._object(prices.PERSON, abouts.one("person", person_id), id_=person_id), fields
        )

    async def remove_person(self, person_id: str) -> None:
        await self._remove(prices.DELETE_PERSON, abouts.one("person", person_id), person_id)


@contextmanager
def _the_filter_may_be_gone() -> Iterator[None]:
    """A refused read by a filter's id means that nobody can read by it any more."""
    try:
        yield
    except RecordRejected as error:
        text = say("The chosen Pipedrive filter is gone. Open the settings and choose again.")
        raise MappingBroken(text, field="filter_id") from error


def _is_before(raws: Sequence[Raw], moment: datetime | None) -> bool:
    """Whether a page, latest changes first, ends with persons that changed before this moment."""
    last = moment_from(raws[-1].get("update_time")) if raws else None
    return last is not None and moment is not None and last < moment


def _record(seen: Seen, about: str) -> Record:
    if isinstance(seen, Gone):
        raise RecordGone(say("Pipedrive shows {about} as deleted.", about=about))
    return seen


def _called(person_id: str, seen: Record | None) -> str:
    if seen and seen.name:
        return say("person {id} “{name}”", id=person_id, name=seen.name)
    return abouts.one("person", person_id)


def _name_in(body: Mapping[str, object]) -> str:
    return str(body.get("name") or f"{body.get('first_name')} {body.get('last_name')}")
