"""Pipedrive's API as the engine sees it: implements `Crm`.

Every call books its price first, carries the credentials of the moment, and turns a refusal into the error that says what
happens next. A token that has just died is renewed once and the call repeated, since a 401 surely did nothing. Reads are
repeated after a fault that passes; a write only where it surely was not carried out.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from tidegate.adapters.http import Answer, Call, Sender, with_repeats
from tidegate.adapters.pipedrive import prices
from tidegate.adapters.pipedrive.definitions import (
    MOST_NAME,
    account_from,
    catalogue_from,
    new_field_to,
    options_from,
    person_fields,
)
from tidegate.adapters.pipedrive.field_values import moment_from, moment_to
from tidegate.adapters.pipedrive.prices import Endpoint, calls_for
from tidegate.adapters.pipedrive.refusals import Asked, refusal
from tidegate.adapters.pipedrive.sales import SalesCalls
from tidegate.adapters.pipedrive.translate import (
    ON_THEIR_OWN,
    changed_person_to,
    new_person_to,
    organization_from,
    person_from,
)
from tidegate.adapters.pipedrive.webhooks import webhook_from
from tidegate.core.catalogue import Field, Option, PipedriveCatalogue
from tidegate.core.records import Gone, Record, Seen, Side
from tidegate.core.values import Kind, Value
from tidegate.errors import (
    InvalidForRemote,
    MappingBroken,
    PermissionMissing,
    RecordGone,
    RecordRejected,
    RemoteUnavailable,
)
from tidegate.ports import (
    Account,
    Clock,
    Credentials,
    Organization,
    OrganizationPage,
    Page,
    Quota,
    Unchanged,
    Webhook,
    WebhookRequest,
)

T = TypeVar("T")
Raw = Mapping[str, object]
Params = Mapping[str, str | int]

_HUNG_ON = (
    "open_deals_count",
    "closed_deals_count",
    "undone_activities_count",
    "notes_count",
    "files_count",
    "email_messages_count",
)
ATTACHED: Mapping[str, tuple[Endpoint, tuple[str, ...]]] = {
    "person": (prices.PERSONS, _HUNG_ON),
    "organization": (prices.ORGANIZATIONS, (*_HUNG_ON, "people_count")),
}
"""What is asked for to learn whether people use a record. All are in the `include_fields` of both list calls."""


ASKED_ALONE = 10
"""Of the persons that a list left out, so many are asked for one by one, at a token each."""


class Pipedrive(SalesCalls):
    """One company's Pipedrive, as one user sees it.

    `catalogue` is what was read last; without it the person fields are read when they are first needed. What an option or a
    custom field means comes from there, so keep it fresh.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: Credentials,
        quota: Quota,
        http: Sender,
        clock: Clock,
        catalogue: PipedriveCatalogue | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._credentials = credentials
        self._quota = quota
        self._http = http
        self._clock = clock
        self._catalogue = catalogue
        self._reading_catalogue = asyncio.Lock()

    # --- The account ---------------------------------------------------------------------------------------------------

    async def who_am_i(self) -> Account:
        return account_from(await self._object(prices.WHO_AM_I, "the connected user"))

    async def read_catalogue(self) -> PipedriveCatalogue:
        read_at = self._clock.now()
        fields, users, pipelines, stages, filters, activity_types = await together(
            [
                self._all_pages(prices.PERSON_FIELDS, "the person fields"),
                self._list(prices.USERS, "the users"),
                self._all_pages(prices.PIPELINES, "the pipelines"),
                self._all_pages(prices.STAGES, "the stages"),
                self._list(prices.FILTERS, "the filters", {"type": "people"}),
                self._activity_types(),
            ]
        )
        self._catalogue = catalogue_from(
            fields=fields,
            users=users,
            pipelines=pipelines,
            stages=stages,
            filters=filters,
            read_at=read_at,
            activity_types=activity_types,
        )
        return self._catalogue

    async def _activity_types(self) -> list[Raw]:
        """None where the authorisation does not reach activities: nothing else depends on them."""
        try:
            return await self._list(prices.ACTIVITY_TYPES, "the activity types")
        except PermissionMissing:
            return []

    def _known_catalogue(self) -> PipedriveCatalogue | None:
        return self._catalogue

    async def _fields(self) -> tuple[Field, ...]:
        async with self._reading_catalogue:
            catalogue = self._catalogue or await self.read_catalogue()
        return catalogue.fields

    async def create_field(self, name: str, kind: Kind, options: Sequence[str] = ()) -> Field:
        body = new_field_to(name, kind, options)
        about = f"the new field “{name}”"
        made = await self._object(prices.CREATE_PERSON_FIELD, about, json=body, mark="field_code")
        users = self._catalogue.users if self._catalogue else ()
        return self._learn(person_fields([made], users)[-1])

    async def add_options(self, field: Field, labels: Sequence[str]) -> tuple[Option, ...]:
        too_long = next((label for label in labels if not 1 <= len(label) <= MOST_NAME), None)
        if too_long is not None:
            raise InvalidForRemote(
                f"An option has 1 to {MOST_NAME} characters: “{too_long[:60]}” has {len(too_long)}."
            )
        body = [{"label": label} for label in labels]
        answer = await self._answer(prices.ADD_OPTIONS, f"the field “{field.name}”", id_=field.key, json=body)
        added = options_from({"options": answer.get("data")})
        self._learn(replace(field, options=(*field.options, *added)))
        return added

    def _learn(self, field: Field) -> Field:
        """What this field means from now on, where the fields were read before."""
        if self._catalogue is not None:
            self._catalogue = self._catalogue.with_field(field)
        return field

    # --- Persons -------------------------------------------------------------------------------------------------------

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
            raws, next_cursor = await self._walk(
                prices.PERSONS, "persons", cursor, _selection(updated_since, filter_id)
            )
        records = [
            person for person in (person_from(raw, fields) for raw in raws) if isinstance(person, Record)
        ]
        return Page(tuple(records), next_cursor)

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
                body = await self._answer(prices.PERSONS, "the persons of the filter", params=params)
            raws = _objects(body.get("data"))
            found |= wanted & {str(raw.get("id")) for raw in raws}
            cursor = _next_cursor(body)
            if cursor is None or found == wanted or _is_before(raws, oldest):
                return frozenset(found)
            params = {**params, "cursor": cursor}

    async def create_person(
        self, values: Mapping[str, Value], *, owner_id: str | None, organization_id: str | None
    ) -> Record:
        fields = await self._fields()
        body = new_person_to(values, fields, owner_id=owner_id, organization_id=organization_id)
        about = f"the new person “{_name_in(body)}”"
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
        return person_from(await self._object(prices.PERSON, f"person {person_id}", id_=person_id), fields)

    async def remove_person(self, person_id: str) -> None:
        await self._remove(prices.DELETE_PERSON, f"person {person_id}", person_id)

    async def _remove(self, endpoint: Endpoint, about: str, id_: str) -> None:
        with suppress(RecordGone):
            await self._answer(endpoint, about, id_=id_, repeatable=True)

    async def attachments(self, entity: str, ids: Collection[str]) -> dict[str, int]:
        many, counts = ATTACHED[entity]
        wanted = list(dict.fromkeys(ids))
        chunks = [wanted[n : n + prices.IDS_A_CALL] for n in range(0, len(wanted), prices.IDS_A_CALL)]
        about = f"what hangs on {len(wanted)} {entity}s"
        asked: Params = {"limit": prices.IDS_A_CALL, "include_fields": ",".join(counts)}
        lists = await together([self._list(many, about, {**asked, "ids": ",".join(c)}) for c in chunks])
        found = (raw for raws in lists for raw in raws if not raw.get("is_deleted"))
        return {str(raw["id"]): sum(_count(raw.get(name)) for name in counts) for raw in found}

    # --- Organizations -------------------------------------------------------------------------------------------------

    async def get_organizations(self, ids: Collection[str]) -> dict[str, Organization]:
        """Those that are there, by id."""
        found = await self._by_ids(
            list(dict.fromkeys(ids)), one=prices.ORGANIZATION, many=prices.ORGANIZATIONS, word="organization"
        )
        return {str(raw["id"]): organization_from(raw) for raw in found if not raw.get("is_deleted")}

    async def walk_organizations(
        self, *, cursor: str | None = None, updated_since: datetime | None = None
    ) -> OrganizationPage:
        raws, next_cursor = await self._walk(
            prices.ORGANIZATIONS, "organizations", cursor, _selection(updated_since, None)
        )
        return OrganizationPage(tuple(organization_from(raw) for raw in raws), next_cursor)

    async def create_organization(self, name: str, *, owner_id: str | None) -> Organization:
        owner = {} if owner_id is None else {"owner_id": int(owner_id)}
        body = {"name": name, **owner}
        return organization_from(
            await self._object(prices.CREATE_ORGANIZATION, f"the new organization “{name}”", json=body)
        )

    async def remove_organization(self, organization_id: str) -> None:
        await self._remove(prices.DELETE_ORGANIZATION, f"organization {organization_id}", organization_id)

    # --- Webhooks ------------------------------------------------------------------------------------------------------

    async def list_webhooks(self) -> tuple[Webhook, ...]:
        return tuple(map(webhook_from, await self._list(prices.WEBHOOKS, "the webhooks")))

    async def create_webhook(self, request: WebhookRequest) -> Webhook:
        body = {
            "subscription_url": request.url,
            "event_action": request.event_action,
            "event_object": request.event_object,
            "name": request.name[:255],
            "http_auth_user": request.user,
            "http_auth_password": request.password,
            "version": "2.0",
        }
        about = f"the webhook for {request.event_object}s"
        return webhook_from(await self._object(prices.CREATE_WEBHOOK, about, json=body))

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._remove(prices.DELETE_WEBHOOK, f"webhook {webhook_id}", webhook_id)

    # --- Reading many --------------------------------------------------------------------------------------------------

    async def _by_ids(
        self,
        ids: Sequence[str],
        *,
        one: Endpoint,
        many: Endpoint,
        word: str,
        params: Params | None = None,
    ) -> list[Raw]:
        calls, singles = calls_for(len(ids), one=one, many=many)
        bundled, rest = ids[: len(ids) - singles], ids[len(ids) - singles :]
        chunks = [bundled[n * prices.IDS_A_CALL : (n + 1) * prices.IDS_A_CALL] for n in range(calls)]
        about = f"{len(ids)} {word}s"
        lists = await together(
            [
                *(
                    self._list(
                        many, about, {"ids": ",".join(chunk), "limit": prices.IDS_A_CALL, **(params or {})}
                    )
                    for chunk in chunks
                    if chunk
                ),
                *(self._single(one, id_, word, params) for id_ in rest),
            ]
        )
        return [raw for raws in lists for raw in raws if "id" in raw]

    async def _single(
        self, endpoint: Endpoint, id_: str, word: str, params: Params | None = None
    ) -> list[Raw]:
        """The record, or none where it is gone or hidden from us."""
        try:
            return [await self._object(endpoint, f"{word} {id_}", id_=id_, params=params)]
        except RecordGone as error:
            return [{"id": id_, "is_deleted": True}] if error.facts.get("deleted") else []
        except InvalidForRemote as error:
            if error.facts.get("forbidden"):
                return []
            raise

    async def _walk(
        self, endpoint: Endpoint, word: str, cursor: str | None, selection: Params
    ) -> tuple[list[Raw], str | None]:
        """One page and the cursor of the next.

        Our cursor is the last id read and Pipedrive's own. How long the latter lives is not documented; where it is refused,
        a walk by id goes on behind that id from the start (the pages before it are read again), and a walk by update time
        begins again, whose reader can take a record twice.
        """
        last_id, _, theirs = (cursor or "").partition(":")
        params = {**selection, "limit": prices.PAGE}
        if not theirs:
            return _page(await self._answer(endpoint, word, params=params), last_id)
        try:
            return _page(await self._answer(endpoint, word, params={**params, "cursor": theirs}), last_id)
        except InvalidForRemote:
            return await self._walk_again(endpoint, word, params, behind=int(last_id or 0))

    async def _walk_again(
        self, endpoint: Endpoint, word: str, params: Params, *, behind: int
    ) -> tuple[list[Raw], str | None]:
        by_id = params["sort_by"] == "id"
        raws, cursor = _page(await self._answer(endpoint, word, params=params), "")
        while by_id and cursor is not None and not any(_number(raw) > behind for raw in raws):
            theirs = cursor.partition(":")[2]
            raws, cursor = _page(await self._answer(endpoint, word, params={**params, "cursor": theirs}), "")
        return [raw for raw in raws if not by_id or _number(raw) > behind], cursor

    async def _all_pages(self, endpoint: Endpoint, about: str, selection: Params | None = None) -> list[Raw]:
        raws: list[Raw] = []
        params: Params = {**(selection or {}), "limit": prices.PAGE}
        while True:
            body = await self._answer(endpoint, about, params=params)
            raws += _objects(body.get("data"))
            cursor = _next_cursor(body)
            if cursor is None:
                return raws
            params = {**params, "cursor": cursor}

    async def _list(self, endpoint: Endpoint, about: str, params: Params | None = None) -> list[Raw]:
        return _objects((await self._answer(endpoint, about, params=params)).get("data"))

    async def _object(
        self,
        endpoint: Endpoint,
        about: str,
        *,
        id_: str | None = None,
        params: Params | None = None,
        json: object = None,
        mark: str = "id",
    ) -> Raw:
        """The record of an answer; `mark` is the key without which it is none."""
        data = (await self._answer(endpoint, about, id_=id_, params=params, json=json)).get("data")
        if isinstance(data, dict) and mark in data:
            return data
        raise RemoteUnavailable(
            f"Pipedrive's answer about {about} holds no record; this is tried again by itself."
        )

    # --- One call ------------------------------------------------------------------------------------------------------

    async def _answer(
        self,
        endpoint: Endpoint,
        about: str,
        *,
        id_: str | None = None,
        params: Params | None = None,
        json: object = None,
        repeatable: bool = False,
    ) -> Raw:
        call = Call(
            endpoint.method,
            self._address + endpoint.path.replace("{id}", quote(str(id_), safe="")),
            what="Pipedrive",
            params=params or {},
            json=json,
        )
        attempt = partial(self._attempt, endpoint, call, about)
        return await with_repeats(attempt, repeatable=repeatable or endpoint.reads, clock=self._clock)

    async def _attempt(self, endpoint: Endpoint, call: Call, about: str) -> Raw:
        with not_sent_yet():
            headers = await self._credentials.headers()
        answer = await self._send(endpoint, call, headers)
        if answer.status == 401:
            with not_sent_yet():
                renewed = await self._credentials.renew(headers)
                headers = await self._credentials.headers()
            if renewed:
                answer = await self._send(endpoint, call, headers)
        fields = self._catalogue.fields if self._catalogue else ()
        body = answer.json()
        error = refusal(answer, body, Asked(endpoint, about, fields))
        if error is not None:
            raise error
        assert isinstance(body, dict)  # noqa: S101 (refusal() has seen to it)
        return body

    async def _send(self, endpoint: Endpoint, call: Call, headers: Mapping[str, str]) -> Answer:
        await self._quota.admit(endpoint.tokens, search=endpoint.search)
        try:
            answer = await self._http.send(
                Call(call.method, call.url, call.what, call.params, headers, call.json)
            )
        finally:
            self._quota.release(search=endpoint.search)
        self._quota.learn(answer.status, answer.headers)
        return answer


@contextmanager
def not_sent_yet() -> Iterator[None]:
    """Where a token can't be had, the sign-in server may have been asked, but the call itself was not carried out."""
    try:
        yield
    except RemoteUnavailable as error:
        raise RemoteUnavailable(str(error), sent=False, retry_after=error.retry_after) from error


@contextmanager
def _the_filter_may_be_gone() -> Iterator[None]:
    """A refused read by a filter's id means that nobody can read by it any more."""
    try:
        yield
    except RecordRejected as error:
        text = "The chosen Pipedrive filter is gone. Open the settings and choose again."
        raise MappingBroken(text, field="filter_id") from error


def _is_before(raws: Sequence[Raw], moment: datetime | None) -> bool:
    """Whether a page, latest changes first, ends with persons that changed before this moment."""
    last = moment_from(raws[-1].get("update_time")) if raws else None
    return last is not None and moment is not None and last < moment


async def together(coroutines: Sequence[Coroutine[object, object, T]]) -> list[T]:
    """Their results in order. The first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _selection(updated_since: datetime | None, filter_id: str | None) -> dict[str, str | int]:
    """All by id; or what changed, by update time. A filter switches the other selections off, say the OpenAPI documents.

    No `updated_until`: what changes during the walk moves to its end, so it is read again rather than missed, and the
    difference between Pipedrive's clock and ours can't hide anything.
    """
    if filter_id is not None:
        return {"filter_id": int(filter_id), "sort_by": "id", "sort_direction": "asc"}
    if updated_since is not None:
        return {"updated_since": moment_to(updated_since), "sort_by": "update_time", "sort_direction": "asc"}
    return {"sort_by": "id", "sort_direction": "asc"}


def _page(body: Raw, last_id: str) -> tuple[list[Raw], str | None]:
    raws = [raw for raw in _objects(body.get("data")) if "id" in raw]
    theirs = _next_cursor(body)
    last = str(raws[-1]["id"]) if raws else last_id
    return raws, None if theirs is None else f"{last}:{theirs}"


def _next_cursor(body: Raw) -> str | None:
    additional = body.get("additional_data")
    cursor = additional.get("next_cursor") if isinstance(additional, dict) else None
    return cursor if isinstance(cursor, str) and cursor else None


def _objects(data: object) -> list[Raw]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _number(raw: Raw) -> int:
    return int(str(raw["id"]))


def _count(raw: object) -> int:
    return raw if isinstance(raw, int) else 0


def _record(seen: Seen, about: str) -> Record:
    if isinstance(seen, Gone):
        raise RecordGone(f"Pipedrive shows {about} as deleted.")
    return seen


def _called(person_id: str, seen: Record | None) -> str:
    return f"person {person_id} “{seen.name}”" if seen and seen.name else f"person {person_id}"


def _name_in(body: Mapping[str, object]) -> str:
    return str(body.get("name") or f"{body.get('first_name')} {body.get('last_name')}")
