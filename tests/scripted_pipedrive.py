"""A Pipedrive that answers as it is told: for faults and shapes that a server of sound mind does not show.

Answers are kept by method and path; a list is worked off one by one, its last answer stays. Every request is kept.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.payloads import payload
from tidegate.adapters.http import HttpSender
from tidegate.adapters.pipedrive.api import Pipedrive
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.ports import Credentials
from tidegate.testing.clock import ManualClock

Reply = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


def ok(data: Any, *, cursor: str | None = None, status: int = 200) -> httpx2.Response:
    return httpx2.Response(
        status, json={"success": True, "data": data, "additional_data": {"next_cursor": cursor}}
    )


def no(status: int, error: str = "", **more: Any) -> httpx2.Response:
    return httpx2.Response(status, json={"success": False, "error": error, **more})


def edge_page() -> httpx2.Response:
    return httpx2.Response(403, html="<html>You have been blocked</html>")


class RenewableToken:
    """Credentials whose token can be renewed so many times."""

    def __init__(self, renewals: int = 1) -> None:
        self.number = 0
        self.renewals = renewals

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer token-{self.number}"}

    async def renew(self, stale: Any) -> bool:
        if self.renewals == 0:
            return False
        self.renewals -= 1
        self.number += 1
        return True


@dataclass
class ScriptedPipedrive:
    credentials: Credentials = field(default_factory=RenewableToken)
    clock: ManualClock = field(default_factory=ManualClock)
    replies: dict[tuple[str, str], list[Reply]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quota = LaneQuota(self.clock, daily_limit=1_000_000)
        self.answers("GET", "/api/v1/users/me", httpx2.Response(200, json=payload("pipedrive/users_me")))
        self.answers("GET", "/api/v1/users", httpx2.Response(200, json=payload("pipedrive/users")))
        self.answers(
            "GET", "/api/v2/personFields", httpx2.Response(200, json=payload("pipedrive/person_fields"))
        )
        self.answers("GET", "/api/v2/pipelines", httpx2.Response(200, json=payload("pipedrive/pipelines")))
        types = [{"id": i, "key_string": key, "active_flag": True} for i, key in enumerate(("email", "task"))]
        self.answers("GET", "/api/v1/activityTypes", ok(types))
        self.answers("GET", "/api/v1/filters", ok([{"id": 5, "name": "Customers", "active_flag": True}]))
        self.answers("GET", "/api/v2/stages", httpx2.Response(200, json=payload("pipedrive/stages")))

    def answers(self, method: str, path: str, *replies: Reply) -> None:
        self.replies[method, path] = list(replies)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        replies = self.replies.get((request.method, request.url.path))
        if not replies:
            return no(401, "unauthorized access", errorCode=401)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply(request) if callable(reply) else reply

    def crm(self, catalogue: PipedriveCatalogue | None = None) -> Pipedrive:
        return Pipedrive(
            "https://acme.example/",
            credentials=self.credentials,
            quota=self.quota,
            http=HttpSender(httpx2.MockTransport(self)),
            clock=self.clock,
            catalogue=catalogue,
        )

    async def ready(self) -> Pipedrive:
        """A CRM that has read its catalogue, with nothing counted yet."""
        crm = self.crm()
        await crm.read_catalogue()
        self.requests.clear()
        self.quota.take_spent()
        return crm

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(request.method, request.url.path) for request in self.requests]

    def body(self, number: int = -1) -> Any:
        return json.loads(self.requests[number].content)

    def tokens(self) -> int:
        return sum(tokens for tokens, _ in self.quota.take_spent().values())
