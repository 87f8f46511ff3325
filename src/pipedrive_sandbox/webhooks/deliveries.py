"""Sending webhooks: at once after the write, with retries, a ban and a removal, all by the movable clock.

A delivery is a row written in the transaction of the write that caused it, so that a restart of the sandbox loses
none. Ten failed first attempts ban a webhook for half an hour; what happens meanwhile is lost, as at Pipedrive.
"""

import asyncio
import contextlib
import random
import uuid
from typing import Any

import aiohttp
import orjson

from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import rfc3339_milliseconds
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Event, State
from pipedrive_sandbox.webhooks import payloads, subscriptions

RETRY_AFTER = {1: 3.0, 2: 30.0, 3: 150.0}
TIME_OUT = 10.0
FAILURES_TO_BAN = 10
BAN = 30 * 60.0
SILENCE_TO_REMOVAL = 3 * 24 * 3600.0
MOST_AT_ONCE = 64
LONGEST_PAUSE = 3600.0
KEPT_DELIVERIES = 2_000
LIVE: Condition = ("is_deleted = 0", ())


def subscribed(state: State, company: int) -> list[Body]:
    cached = state.webhook_cache.get(company)
    if cached is None:
        cached = state.webhook_cache[company] = state.records["webhook"].where(company, LIVE)
    return cached


def matches(webhook: Body, event: Event) -> bool:
    return webhook["event_object"] in ("*", event.entity) and webhook["event_action"] in ("*", event.action)


class Deliveries:
    def __init__(self, state: State, seed: int | None = None) -> None:
        self.state = state
        self.chance = random.Random(seed)  # noqa: S311  which deliveries are doubled is no secret
        self._woken = asyncio.Event()
        self._settled_one = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._written_down = False
        state.before_commit.append(self.write_down)
        state.after_commit.append(self._wake_for_new)

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST_AT_ONCE), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        tasks = [*self._running.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def wake(self) -> None:
        self._woken.set()

    def _wake_for_new(self) -> None:
        """Most writes of most programs have no subscriber, and a look at what waits has its price."""
        if self._written_down:
            self._written_down = False
            self.wake()

    def write_down(self, events: list[Event]) -> None:
        """Turn the events of a write into waiting deliveries, inside the same transaction."""
        accounts: dict[int, Account] = {}
        for event in events:
            webhooks = [
                webhook for webhook in subscribed(self.state, event.company) if matches(webhook, event)
            ]
            if not webhooks:
                continue
            if event.company not in accounts:
                company = self.state.company(event.company)
                accounts[event.company] = Account(self.state, company or {}, {"id": 0, "is_admin": True})
            self._write_down_one(accounts[event.company], event, webhooks)

    def _write_down_one(self, account: Account, event: Event, webhooks: list[Body]) -> None:
        content = payloads.content(account, event)
        allowed = payloads.permitted(account, event)
        correlation_id = str(uuid.uuid4())
        now = self.state.clock.now()
        switches = self.state.switches
        for webhook in webhooks:
            banned = webhook["banned_until"] is not None and webhook["banned_until"] > now
            dropped = self.chance.random() < switches["webhook_drop"]
            if banned or dropped or webhook["user_id"] not in allowed:
                continue
            payload = {"meta": payloads.meta(account, event, webhook, correlation_id, allowed), **content}
            due = now + switches["webhook_delay"]
            copies = 2 if self.chance.random() < switches["webhook_duplicate"] else 1
            for _ in range(copies):
                self._insert(webhook, payload, attempt=1, due=due)
            self._written_down = True

    def _insert(self, webhook: Body, payload: Body, attempt: int, due: float) -> None:
        meta = payload["meta"]
        self.state.database.execute(
            "INSERT INTO delivery (company, webhook, entity, action, entity_id, attempt, due, state, created, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)",
            (
                webhook["company_id"],
                webhook["id"],
                meta["entity"],
                meta["action"],
                meta["entity_id"],
                attempt,
                due,
                self.state.clock.now(),
                orjson.dumps(payload),
            ),
        )

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            self._remove_the_silent()
            upcoming = self._start_due()
            pause = self.state.clock.sleep(LONGEST_PAUSE if upcoming is None else upcoming)
            waits: list[asyncio.Task[Any]] = [
                asyncio.create_task(self._woken.wait()),
                asyncio.create_task(pause),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    def _start_due(self) -> float | None:
        """Start what is due and free to run; return the seconds until the next one."""
        free = MOST_AT_ONCE - len(self._running)
        now = self.state.clock.now()
        rows = self.state.database.execute(
            "SELECT id, company, webhook, attempt, payload, due FROM delivery WHERE state = 'waiting'"
            " ORDER BY due, id LIMIT ?",
            (MOST_AT_ONCE + len(self._running),),
        ).fetchall()
        waiting = [row for row in rows if row[0] not in self._running]
        due = [row for row in waiting if row[5] <= now]
        if self.state.switches["webhook_shuffle"]:
            self.chance.shuffle(due)
        for row in due[: max(free, 0)]:
            self._running[row[0]] = asyncio.create_task(self._deliver(*row[:5]))
        later = [row[5] - now for row in waiting if row[5] > now]
        return min(later, default=None) if free > len(due) else None

    async def _deliver(
        self, delivery_id: int, company: int, webhook_id: int, attempt: int, payload: bytes
    ) -> None:
        try:
            webhook = self.state.records["webhook"].get(company, webhook_id)
            if webhook is None or webhook["is_deleted"]:
                self._settle(delivery_id, "lost", None, "the webhook is gone")
                return
            body = orjson.loads(payload)
            body["meta"]["attempt"] = attempt
            if attempt > 1 and self.state.switches["webhook_new_id_on_retry"]:
                body["meta"]["id"] = str(uuid.uuid4())
            status, error = await self._post(webhook, orjson.dumps(body))
            with self.state.transaction():
                self._after(delivery_id, company, webhook_id, attempt, body, status, error)
        finally:
            self._running.pop(delivery_id, None)
            self._woken.set()
            self._settled_one.set()

    async def probe(self, url: Any) -> bool:
        """Whether anything answers at an address a webhook is to be made for."""
        if self._session is None or not isinstance(url, str):
            return False
        time_out = aiohttp.ClientTimeout(total=TIME_OUT)
        try:
            async with self._session.post(
                url, data=b"{}", timeout=time_out, allow_redirects=False
            ) as response:
                return response.status < 500
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False

    async def _post(self, webhook: Body, body: bytes) -> tuple[int | None, str | None]:
        """The status of the answer, or why there was none in ten seconds of the sandbox's clock."""
        sending = asyncio.create_task(self._send(webhook, body))
        patience = asyncio.create_task(self.state.clock.sleep(TIME_OUT))
        try:
            await asyncio.wait({sending, patience}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return None, "no answer within 10 s"
            return sending.result(), None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"
        finally:
            for task in (sending, patience):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, OSError, ValueError):
                await sending

    async def _send(self, webhook: Body, body: bytes) -> int:
        if self._session is None:
            raise RuntimeError("Deliveries were not started.")
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Pipedrive Webhooks"}
        auth = None
        if webhook["http_auth_user"] is not None or webhook["http_auth_password"] is not None:
            auth = aiohttp.encode_basic_auth(
                webhook["http_auth_user"] or "", webhook["http_auth_password"] or ""
            )
            headers["Authorization"] = auth
        async with self._session.post(
            webhook["subscription_url"],
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response:
            await response.read()
            return response.status

    def _after(
        self,
        delivery_id: int,
        company: int,
        webhook_id: int,
        attempt: int,
        body: Body,
        status: int | None,
        error: str | None,
    ) -> None:
        webhook = self.state.records["webhook"].get(company, webhook_id)
        now = self.state.clock.now()
        done = status is not None and 200 <= status < 300
        self._settle(delivery_id, "done" if done else "failed", status, error)
        if webhook is None or webhook["is_deleted"]:
            return
        if not done and attempt in RETRY_AFTER:
            self._insert(webhook, body, attempt + 1, now + RETRY_AFTER[attempt])
        self._keep_score(webhook, attempt, done, status, now)

    def _keep_score(self, webhook: Body, attempt: int, done: bool, status: int | None, now: float) -> None:
        after = webhook | {"last_delivery_time": rfc3339_milliseconds(now), "last_http_status": status}
        if done:
            after["failing_since"] = None
            if self.state.switches["webhook_success_resets_failures"]:
                after["failures"] = 0
        else:
            after["failing_since"] = webhook["failing_since"] or now
            banned = webhook["banned_until"] is not None and webhook["banned_until"] > now
            if attempt == 1 and not banned:
                after["failures"] = webhook["failures"] + 1
                if after["failures"] >= FAILURES_TO_BAN:
                    after |= {"failures": 0, "banned_until": now + BAN}
        self.state.records["webhook"].save(webhook["company_id"], after)
        self.state.webhook_cache.pop(webhook["company_id"], None)

    def _remove_the_silent(self) -> None:
        """Three days without one success: the webhook is deleted, and nobody is told."""
        now = self.state.clock.now()
        for company in self.state.companies():
            for webhook in subscribed(self.state, company["id"]):
                since = webhook["failing_since"]
                if since is not None and now - since >= SILENCE_TO_REMOVAL:
                    account = Account(self.state, company, {"id": 0, "is_admin": True})
                    with self.state.transaction():
                        subscriptions.remove(account, webhook, "no successful delivery in 3 days")

    def _settle(self, delivery_id: int, outcome: str, status: int | None, error: str | None) -> None:
        self.state.database.execute(
            "UPDATE delivery SET state = ?, status = ?, error = ? WHERE id = ?",
            (outcome, status, error, delivery_id),
        )
        if delivery_id % 100 == 0:
            self.state.database.execute(
                "DELETE FROM delivery WHERE state <> 'waiting' AND id <= ?", (delivery_id - KEPT_DELIVERIES,)
            )

    async def quiet(self) -> None:
        """Return once all that is due has been sent and answered; retries of later do not count."""
        while self._running or self._due_now():
            self._settled_one.clear()
            await self._settled_one.wait()

    def _due_now(self) -> int:
        row = self.state.database.execute(
            "SELECT count(*) FROM delivery WHERE state = 'waiting' AND due <= ?", (self.state.clock.now(),)
        ).fetchone()
        return int(row[0])

    def waiting(self) -> int:
        row = self.state.database.execute("SELECT count(*) FROM delivery WHERE state = 'waiting'").fetchone()
        return int(row[0])

    def recent(self, company: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
        names = "id, company, webhook, entity, action, entity_id, attempt, due, state, created, status, error"
        where = "" if company is None else "WHERE company = ?"
        rows = self.state.database.execute(
            f"SELECT {names} FROM delivery {where} ORDER BY id DESC LIMIT ?",  # noqa: S608  our own column names
            (*(() if company is None else (company,)), limit),
        )
        return [dict(zip(names.split(", "), row, strict=True)) for row in rows]
