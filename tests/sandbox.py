"""The Pipedrive sandbox in this process, reached over HTTP, with a company of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from pipedrive_sandbox import deals, persons
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.seed import Seeder
from pipedrive_sandbox.seed_plan import Plan
from pipedrive_sandbox.server import serve
from pipedrive_sandbox.state import Actor
from tidegate.adapters.http import HttpSender
from tidegate.adapters.pipedrive.api import Pipedrive
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.ports import Credentials
from tidegate.services.credentials import PersonalToken
from tidegate.wiring.parts import CLOCK


class Recorder(httpx2.AsyncBaseTransport):
    """Sends requests on and keeps them."""

    def __init__(self) -> None:
        self.inner = httpx2.AsyncHTTPTransport()
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class RunningSandbox:
    sandbox: Sandbox
    address: str
    company_id: int
    api_token: str
    http: HttpSender
    recorder: Recorder
    quota: LaneQuota = field(default_factory=lambda: LaneQuota(CLOCK, daily_limit=10_000_000, burst_limit=20))

    def crm(self, credentials: Credentials | None = None) -> Pipedrive:
        return Pipedrive(
            self.address,
            credentials=credentials or PersonalToken(self.api_token),
            quota=self.quota,
            http=self.http,
            clock=CLOCK,
        )

    @property
    def account(self) -> Account:
        state = self.sandbox.state
        company = state.company(self.company_id)
        user = state.records["user"].get(self.company_id, 1)
        assert company is not None
        assert user is not None
        return Account(state, company, user)

    def create_person(self, given: dict[str, Any]) -> int:
        """As a person in Pipedrive's pages would, with the webhooks that follow."""
        with self.sandbox.state.transaction():
            return int(persons.create(self.account, given, Actor(1, "app"))["id"])

    def delete_person(self, person_id: str) -> None:
        with self.sandbox.state.transaction():
            persons.delete(self.account, int(person_id), Actor(1, "app"))

    def change_deal(self, deal_id: str, given: dict[str, Any]) -> None:
        with self.sandbox.state.transaction():
            deals.change(self.account, int(deal_id), given, Actor(1, "app"))

    def delete_deal(self, deal_id: str) -> None:
        with self.sandbox.state.transaction():
            deals.delete(self.account, int(deal_id), Actor(1, "app"))

    def change_company(self, **facts: Any) -> None:
        with self.sandbox.state.transaction():
            self.sandbox.state.save_company(self.account.company | facts)


@asynccontextmanager
async def running_sandbox(**plan: Any) -> AsyncIterator[RunningSandbox]:
    """An empty company with contact sync, three users and two pipelines, unless the plan says otherwise."""
    sandbox = Sandbox()
    sandbox.state.switches.set("webhook_probe", False)  # nobody answers at the addresses that most tests name
    runner, port = await serve(sandbox, "127.0.0.1", 0)
    recorder = Recorder()
    wanted = {
        "company": {"plan": "ultimate", "contact_sync": True},
        "persons": 0,
        "organizations": 0,
        "fields": False,
    }
    seeder = Seeder(sandbox.state, Plan.of(wanted | plan))
    for _ in seeder.run():
        pass
    summary = seeder.summary()
    try:
        async with HttpSender(recorder) as http:
            yield RunningSandbox(
                sandbox,
                f"http://127.0.0.1:{port}",
                summary["company_id"],
                summary["api_token"],
                http,
                recorder,
            )
    finally:
        await recorder.aclose()
        await runner.cleanup()
        await sandbox.stop()
