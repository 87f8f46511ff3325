"""Pipedrive for a chaos run: the sandbox on a thread of its own, reached over HTTP by whoever works, and by people's hands.

`RemotePipedrive` shows what `MemoryCrm` shows, so that one history can be played against either. Its webhooks are delivered
over HTTP to an address of ours, which answers or refuses, and keeps what arrived. Its time is the sandbox's: it moves when
told, and nobody waits.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import web

from pipedrive_sandbox import merges, organizations, persons
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.clock import Clock as SandboxClock
from pipedrive_sandbox.faults import Fault
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.seed import Seeder
from pipedrive_sandbox.seed_plan import Plan
from pipedrive_sandbox.server import serve
from pipedrive_sandbox.state import Actor
from pipedrive_sandbox.webhooks import subscriptions
from tidegate.adapters.http import HttpSender
from tidegate.adapters.pipedrive.api import Pipedrive
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.adapters.pipedrive.translate import (
    changed_person_to,
    new_person_to,
    organization_from,
    record_from,
)
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.records import Record
from tidegate.core.values import Value
from tidegate.ports import Clock, Organization
from tidegate.services.credentials import PersonalToken

T = TypeVar("T")

BY_HAND = Actor(1, "app")
GONE: Condition = ("is_deleted = 1", ())
LIVE: Condition = ("is_deleted = 0", ())
WRITES = ("create_person", "update_person", "create_organization")


class SharedClock(Clock):
    """The sandbox's time. Whoever waits moves it."""

    def __init__(self, remote: "RemotePipedrive") -> None:
        self._remote = remote

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._remote.time.now(), UTC)

    def monotonic(self) -> float:
        return self._remote.time.now()

    def move(self, seconds: float) -> None:
        self._remote.move(seconds)

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)
        await asyncio.sleep(0)


@dataclass
class Address:
    """Where Pipedrive delivers: it may be down, and then refuses."""

    status: int = 200
    arrived: list[tuple[str, bytes]] = field(default_factory=list)
    """(Authorization, body) in the order of arrival."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body, authorization = await request.read(), request.headers.get("Authorization")
        if self.status == 200 and authorization:  # without: a probe, whether anybody answers here
            self.arrived.append((authorization, body))
        return web.Response(status=self.status)


class RemotePipedrive(AbstractContextManager["RemotePipedrive"]):
    def __init__(self, random: Random) -> None:
        self.random = random
        self.address = Address()
        self.struck = 0
        """Calls that a fault met."""
        self.written: list[str] = []
        """The writes that Tidegate was told to have succeeded in."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._adapter: Pipedrive | None = None
        self.catalogue: PipedriveCatalogue | None = None

    # --- coming and going

    def __enter__(self) -> "RemotePipedrive":
        self._thread.start()
        self._wait(self._open())
        self.clock = SharedClock(self)
        self.quota = LaneQuota(self.clock, daily_limit=10_000_000, burst_limit=20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        self.sandbox = Sandbox(chance=self.random.randrange(1 << 30))
        self.time: SandboxClock = self.sandbox.state.clock
        self._count_faults()
        self._server, port = await serve(self.sandbox, "127.0.0.1", 0)
        self._hooks = web.ServerRunner(web.Server(self.address.handle, access_log=None))
        await self._hooks.setup()
        await web.TCPSite(self._hooks, "127.0.0.1", 0).start()
        plan: dict[str, Any] = {
            "company": {"plan": "ultimate", "contact_sync": True},
            "persons": 0,
            "organizations": 0,
            "fields": False,
        }
        seeder = Seeder(self.sandbox.state, Plan.of(plan))
        for _ in seeder.run():
            pass
        told = seeder.summary()
        self.company_id, self._token = told["company_id"], told["api_token"]
        self.api_url = f"http://127.0.0.1:{port}"
        self.hook_host = f"http://127.0.0.1:{self._hooks.addresses[0][1]}"

    def _count_faults(self) -> None:
        strike = self.sandbox.faults.strike

        def counting(method: str, path: str) -> list[Fault]:
            hits = strike(method, path)
            self.struck += len(hits)
            return hits

        setattr(self.sandbox.faults, "strike", counting)  # noqa: B010 (mypy would not have a method assigned)

    async def _close(self) -> None:
        await self._server.cleanup()
        await self._hooks.cleanup()
        await self.sandbox.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=60)

    def _do(self, deed: Callable[[Account], T]) -> T:
        """On the sandbox's thread, in one transaction, with the webhooks that follow."""

        async def run() -> T:
            state = self.sandbox.state
            with state.transaction():
                company = state.company(self.company_id)
                user = state.records["user"].get(self.company_id, 1)
                assert company is not None and user is not None
                return deed(Account(state, company, user))

        return self._wait(run())  # type: ignore[no-any-return]

    # --- time and deliveries

    def move(self, seconds: float) -> None:
        async def run() -> None:
            self.time.advance(max(0.0, seconds))
            self.sandbox.deliveries.wake()
            await self.sandbox.late.quiet()

        self._wait(run())

    def deliver(self) -> None:
        """Everything that is due leaves, and is answered."""
        self._wait(self.sandbox.deliveries.quiet())

    def deliver_badly(self, **switches: Any) -> None:
        async def run() -> None:
            for name, value in switches.items():
                self.sandbox.state.switches.set(name, value)

        self._wait(run())

    def fail(self, **fault: Any) -> None:
        async def run() -> None:
            self.sandbox.faults.add(fault)

        self._wait(run())

    def heal(self) -> None:
        async def run() -> None:
            self.sandbox.faults.remove()

        self._wait(run())
        self.address.status = 200
        self.deliver_badly(webhook_drop=0.0, webhook_duplicate=0.0, webhook_delay=0.0, webhook_shuffle=False)

    @property
    def tokens(self) -> int:
        """What the company was charged: the sandbox counts by itself."""
        return self.sandbox.counters.total.tokens

    @property
    def write_calls(self) -> int:
        counted = self.sandbox.counters.endpoints.items()
        return sum(
            count.requests for name, count in counted if name.startswith(("POST /api/v2", "PATCH /api/v2"))
        )

    @property
    def deliveries(self) -> list[tuple[str, bytes]]:
        return self.address.arrived

    @property
    def faults(self) -> "RemotePipedrive":
        return self

    def clear(self) -> None:
        self.heal()

    # --- Tidegate's way in

    async def use(self, work: Callable[[], Awaitable[T]]) -> T:
        """Work with a client of this event loop."""
        async with HttpSender() as http:
            self._adapter = Pipedrive(
                self.api_url,
                credentials=PersonalToken(self._token),
                quota=self.quota,
                http=http,
                clock=self.clock,
                catalogue=self.catalogue,
            )
            return await work()

    def __getattr__(self, name: str) -> Any:
        """The port: whichever client is in use then makes the call."""
        if name.startswith("_") or not hasattr(Pipedrive, name):
            raise AttributeError(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            answer = await getattr(self._adapter, name)(*args, **kwargs)
            if name in WRITES:
                self.written.append(name)
            return answer

        return call

    # --- what people do there

    def learn(self, catalogue: PipedriveCatalogue) -> None:
        self.catalogue, self.fields = catalogue, catalogue.fields

    def add_person(self, values: Mapping[str, Value], *, organization_id: str | None = None) -> str:
        body = new_person_to(values, self.fields, owner_id=None, organization_id=organization_id)
        given = persons.CREATE.enforce(body)
        return str(self._do(lambda account: persons.create(account, given, BY_HAND)["id"]))

    def edit_person(self, person_id: str, values: Mapping[str, Value], *, bulk: bool = False) -> None:
        seen = self.person(person_id)
        given = persons.CHANGE.enforce(changed_person_to(values, self.fields, seen=seen))
        actor = Actor(1, "app", is_bulk=bulk)
        self._do(lambda account: persons.change(account, int(person_id), given, actor))

    def delete_person(self, person_id: str) -> None:
        self._do(lambda account: persons.delete(account, int(person_id), BY_HAND))

    def restore_person(self, person_id: str) -> None:
        self._do(lambda account: persons.restore(account, int(person_id), BY_HAND))

    def merge_persons(self, loser: str, survivor: str) -> None:
        self._do(lambda account: merges.merge(account, "person", int(loser), int(survivor), BY_HAND))

    def rename_organization(self, organization_id: str, name: str) -> None:
        self._do(lambda account: organizations.change(account, int(organization_id), {"name": name}, BY_HAND))

    def remove_webhook(self) -> str:
        """As Pipedrive does after three days without an answer; the object it was for."""

        def remove(account: Account) -> str:
            there = account.records("webhook").where(account.id, LIVE)
            if not there:
                return "nobody"
            subscriptions.remove(account, there[0], "no successful delivery in 3 days")
            return str(there[0]["event_object"])

        return self._do(remove)

    # --- what is there, whatever an API would answer

    def _kept(self, kind: str, which: Condition) -> list[dict[str, Any]]:
        return self._do(lambda account: account.records(kind).where(account.id, which))

    @property
    def person_ids(self) -> list[str]:
        return [str(body["id"]) for body in self._kept("person", LIVE)]

    @property
    def deleted_ids(self) -> list[str]:
        return [str(body["id"]) for body in self._kept("person", GONE)]

    def persons(self) -> list[Record]:
        shown = self._do(
            lambda account: [
                persons.shown(account, body) for body in account.records("person").where(account.id, LIVE)
            ]
        )
        return [record_from(body, self.fields) for body in shown]

    def person(self, person_id: str) -> Record:
        return next(person for person in self.persons() if person.id == person_id)

    @property
    def organizations(self) -> list[Organization]:
        return [organization_from(body) for body in self._kept("organization", LIVE)]
