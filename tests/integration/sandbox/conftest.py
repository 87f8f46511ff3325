"""A sandbox that listens on a free port, a client for it, and a receiver for its webhooks. No sleeps anywhere."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.server import serve

APP = {
    "client_id": "app",
    "client_secret": "secret",
    "name": "An app",
    "redirect_uri": ["http://127.0.0.1:1/callback"],
    "scopes": "contacts:full,deals:read,users:read,webhooks:full,search:read",
}


PATIENCE = 60
"""Seconds after which something hangs, on the busiest machine."""


def found(pattern: str, text: str) -> str:
    """The first group of the pattern in the text, which must be there."""
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text[:500]}"
    return match[1]


@dataclass
class Reply:
    status: int
    body: Any
    headers: Any
    text: str

    @property
    def data(self) -> Any:
        assert self.status < 300, self.text
        return self.body["data"]


@dataclass
class Client:
    """Speaks to one sandbox; `headers` say as whom."""

    session: aiohttp.ClientSession
    base: str
    sandbox: Sandbox
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, body: Any = None, *, as_: dict[str, str] | None = None, **more: Any
    ) -> Reply:
        headers = self.headers if as_ is None else as_
        if body is not None:
            more["data"] = orjson.dumps(body)
            headers = {"Content-Type": "application/json", **headers}
        async with self.session.request(
            method, self.base + path, headers=headers, allow_redirects=False, **more
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return Reply(response.status, orjson.loads(text) if is_json else None, response.headers, text)

    async def get(self, path: str, **more: Any) -> Reply:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Reply:
        return await self.ask("POST", path, body, **more)

    async def patch(self, path: str, body: Any, **more: Any) -> Reply:
        return await self.ask("PATCH", path, body, **more)

    async def form(self, path: str, given: dict[str, str], **more: Any) -> Reply:
        return await self.ask("POST", path, data=given, **more)

    async def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        reply = await self.ask(method, f"/_sandbox/{path}", body, as_={})
        assert reply.status == 200, reply.text
        return reply.body

    async def quiet(self) -> None:
        await asyncio.wait_for(self.sandbox.deliveries.quiet(), PATIENCE)

    async def advance(self, seconds: float) -> None:
        """Move the clock and let everything that became due happen."""
        await self.control("clock", {"advance": seconds})
        await self.quiet()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    sandbox = Sandbox(chance=1)
    runner, port = await serve(sandbox, "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        client = Client(session, f"http://127.0.0.1:{port}", sandbox)
        await client.control("apps", APP)
        plan = {"persons": 5, "organizations": 3, "deals": 3, "activities": 3}
        seeded = await client.control("seed", plan)
        client.headers["x-api-token"] = seeded["api_token"]
        yield client
    await runner.cleanup()
    await sandbox.stop()


@dataclass
class Hooks:
    """Receives webhooks; `statuses` are used up one by one, then 200."""

    address: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    others: list[tuple[str, Any]] = field(default_factory=list)
    hanging: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = orjson.loads(await request.read())
        if request.method == "POST" and body == {}:
            return web.Response()  # the call that asks whether anybody answers here, before a webhook is made
        self.authorizations.append(request.headers.get("Authorization"))
        if request.method != "POST":
            self.others.append((request.method, body))
            return web.Response()
        self.received.append(body)
        self.arrived.set()
        if self.hanging:
            await self.released.wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def told(self) -> list[tuple[str, str, str]]:
        return [
            (one["meta"]["action"], one["meta"]["entity"], one["meta"]["entity_id"]) for one in self.received
        ]


@pytest.fixture
async def hooks() -> AsyncIterator[Hooks]:
    hooks = Hooks()
    runner = web.ServerRunner(web.Server(hooks.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hooks.address = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hooks
    hooks.released.set()
    await runner.cleanup()


async def subscribe(
    client: Client, hooks: Hooks, action: str = "*", entity: str = "*", **more: Any
) -> dict[str, Any]:
    given = {
        "subscription_url": hooks.address,
        "event_action": action,
        "event_object": entity,
        "name": "Hook",
        **more,
    }
    reply = await client.post("/api/v1/webhooks", given)
    assert reply.status == 201, reply.text
    data: dict[str, Any] = reply.data
    return data
