"""One call to Pipedrive, and the reads of many records that are made of such calls.

Every call books its price first, carries the credentials of the moment, and turns a refusal into the error that says what
happens next. A token that has just died is renewed once and the call repeated, since a 401 surely did nothing. Reads are
repeated after a fault that passes; a write only where it surely was not carried out.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from tidegate.adapters.http import Answer, Call, Sender, with_repeats
from tidegate.adapters.pipedrive import abouts, prices
from tidegate.adapters.pipedrive.details import details_of
from tidegate.adapters.pipedrive.field_values import moment_to
from tidegate.adapters.pipedrive.prices import Endpoint, calls_for
from tidegate.adapters.pipedrive.refusals import Asked, refusal
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.errors import InvalidForRemote, RecordGone, RemoteUnavailable
from tidegate.ports import Clock, Credentials, Quota
from tidegate.words import say

T = TypeVar("T")
Raw = Mapping[str, object]
Params = Mapping[str, str | int]


class Calls:
    """The calls of one company's Pipedrive, as one user. `catalogue` is what was read last."""

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

    # --- Reading many -------------------------------------------------------------------------------------------------

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
        about = abouts.MANY[word](len(ids))
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
            return [await self._object(endpoint, abouts.one(word, id_), id_=id_, params=params)]
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
            raws += objects(body.get("data"))
            cursor = next_cursor(body)
            if cursor is None:
                return raws
            params = {**params, "cursor": cursor}

    async def _list(self, endpoint: Endpoint, about: str, params: Params | None = None) -> list[Raw]:
        return objects((await self._answer(endpoint, about, params=params)).get("data"))

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
            say(
                "Pipedrive’s answer about {about} holds no record; this is tried again by itself.",
                about=about,
            )
        )

    # --- One call -----------------------------------------------------------------------------------------------------

    async def _remove(self, endpoint: Endpoint, about: str, id_: str) -> None:
        with suppress(RecordGone):
            await self._answer(endpoint, about, id_=id_, repeatable=True)

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
            error.details = details_of(call, answer, headers, at=self._clock.now())
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


async def together(coroutines: Sequence[Coroutine[object, object, T]]) -> list[T]:
    """Their results in order. The first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def selection(updated_since: datetime | None, filter_id: str | None) -> dict[str, str | int]:
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
    raws = [raw for raw in objects(body.get("data")) if "id" in raw]
    theirs = next_cursor(body)
    last = str(raws[-1]["id"]) if raws else last_id
    return raws, None if theirs is None else f"{last}:{theirs}"


def next_cursor(body: Raw) -> str | None:
    additional = body.get("additional_data")
    cursor = additional.get("next_cursor") if isinstance(additional, dict) else None
    return cursor if isinstance(cursor, str) and cursor else None


def objects(data: object) -> list[Raw]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _number(raw: Raw) -> int:
    return int(str(raw["id"]))
