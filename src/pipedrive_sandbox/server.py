"""The HTTP skin: from a request to a call, and from an answer to a response.

The order of refusals is that of the real gateway: unknown path or no token, then limits, then scope, then the call
itself. Every write runs in one transaction; its deliveries leave after the commit.
"""

import asyncio
import re
import socket
import struct
import traceback
import uuid
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from pipedrive_sandbox import control, oauth_pages, pages
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import (
    Answer,
    ApiError,
    company_not_open,
    gateway_refusal,
    invalid,
    scope_mismatch,
)
from pipedrive_sandbox.call import Call, Route
from pipedrive_sandbox.faults import Fault
from pipedrive_sandbox.limits import BLOCK_PAGE, Blocked, Caller
from pipedrive_sandbox.oauth import user_by_api_token
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.webhooks.subscriptions import refused

API_PATH = re.compile(r"/(api|v\d+)(/|$)")
"""Every version that anybody may think of: the gateway refuses the unknown ones as it refuses unknown paths."""
LARGEST_BODY = 64 * 2**20
"""Bytes. Nothing of Pipedrive's comes near it; a seed with a long list of people may."""
UNKNOWN_ERROR = {"success": False, "error": "Internal Server Error", "code": "ERR_UNKNOWN"}
TOO_LARGE = {"success": False, "error": "Request Entity Too Large", "errorCode": 413}
WEBHOOK_SCOPES = {"admin": ("admin",), "webhooks": ("webhooks:read", "webhooks:full")}


@dataclass(frozen=True)
class Identity:
    """Who calls: the account as that user, the limits' caller, and for an app its id and scopes."""

    account: Account
    caller: Caller
    client_id: str | None
    scopes: frozenset[str]


class Server:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.control = control.Control(sandbox)
        self.oauth_pages = oauth_pages.OAuthPages(sandbox)
        self.pages = pages.Pages(sandbox)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if API_PATH.match(path):
            return await self._api(request)
        if path.startswith("/_sandbox"):
            return await self.control.handle(request)
        if path.startswith("/oauth/"):
            return await self._with_faults(request, self.oauth_pages.handle)
        return await self.pages.handle(request)

    async def _api(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._with_faults(request, self._api_answer)

    async def _with_faults(self, request: web.BaseRequest, handler: Any) -> web.StreamResponse:
        struck = self.sandbox.faults.strike(request.method, request.path)
        if not struck:
            response: web.StreamResponse = await handler(request)
            return response
        for fault in struck:
            if fault.kind == "latency":
                await asyncio.sleep(self.sandbox.faults.delay(fault))
        kinds = {fault.kind: fault for fault in struck}
        if "reset" in kinds:
            return cut(request)
        if "block_page" in kinds:
            return web.Response(text=BLOCK_PAGE, status=403, content_type="text/html")
        if "error" in kinds:
            return _json(_faulty(kinds["error"]))
        if "late" in kinds:
            await request.read()  # what was asked for had arrived
            seconds = self.sandbox.faults.delay(kinds["late"])
            self.sandbox.late.add(self.sandbox.state.clock, seconds, lambda: handler(request))
            return cut(request)
        response = await handler(request)
        return cut(request) if "lost_answer" in kinds else response

    async def _api_answer(self, request: web.BaseRequest) -> web.StreamResponse:
        found = self.sandbox.finder.find(request.method, request.path)
        endpoint = (
            f"{request.method} {request.path}" if found is None else f"{request.method} {_name(found[0])}"
        )
        if found is None:
            answer = gateway_refusal(str(uuid.uuid4())).answer
            self.sandbox.counters.add("unknown", "nobody", None, 0, answer.status)
            return _json(answer)
        route, values = found
        try:
            identity = self._identify(request)
        except ApiError as error:
            self.sandbox.counters.add(endpoint, "nobody", None, 0, error.answer.status)
            return _json(error.answer)
        company = identity.account.company
        if not company["is_open"]:
            refusal = company_not_open().answer
            self._count(endpoint, identity, 0, refusal.status)
            return _json(refusal)
        try:
            self.sandbox.limits.admit(identity.caller, company, route)
        except ApiError as error:
            self._count(endpoint, identity, 0, error.answer.status)
            return _json(error.answer)
        except Blocked:
            self._count(endpoint, identity, 0, 403)
            return web.Response(text=BLOCK_PAGE, status=403, content_type="text/html")
        answer = await self._answer(request, route, values, identity)
        failed = answer.status >= 400
        cost = 0 if failed and not self.sandbox.state.switches["charge_failed_calls"] else route.cost
        self.sandbox.limits.spend(identity.account.id, cost)
        self._count(endpoint, identity, cost, answer.status)
        return _json(answer, self.sandbox.limits.headers(identity.caller, company))

    def _count(self, endpoint: str, identity: Identity, cost: int, status: int) -> None:
        self.sandbox.counters.add(endpoint, identity.caller.name, identity.account.id, cost, status)

    async def _answer(
        self, request: web.BaseRequest, route: Route, values: dict[str, str], identity: Identity
    ) -> Answer:
        try:
            self._check_scope(route, identity)
            body = await read_body(request, route) if route.takes_body else None
            call = Call(
                account=identity.account,
                path=values,
                query={key: value for key, value in request.rel_url.query.items() if key != "api_token"},
                body=body,
                client_id=identity.client_id,
                base_url=self.sandbox.base_url(request),
            )
            if request.method == "GET":
                return route.handler(call)
            await self._probe(route, body)
            with self.sandbox.state.transaction():
                return route.handler(call)
        except ApiError as error:
            return error.answer
        except web.HTTPRequestEntityTooLarge:
            return Answer(TOO_LARGE, 413)
        except Exception:
            traceback.print_exc()
            return Answer(UNKNOWN_ERROR, 500)

    async def _probe(self, route: Route, body: Any) -> None:
        creates_webhook = route.method == "POST" and route.path == "/webhooks" and isinstance(body, dict)
        if not creates_webhook or not self.sandbox.state.switches["webhook_probe"]:
            return
        if not await self.sandbox.deliveries.probe(body.get("subscription_url")):
            raise refused({"subscription_url": ["invalid or non-reachable URL"]})

    def _check_scope(self, route: Route, identity: Identity) -> None:
        if identity.client_id is None:
            return
        allowed: tuple[str, ...] = route.scopes
        if route.path.startswith("/webhooks"):
            chosen = self.sandbox.state.switches["webhook_scope"]
            allowed = tuple(scope for scope in allowed if scope in WEBHOOK_SCOPES.get(chosen, allowed))
        if not identity.scopes.intersection(allowed):
            raise scope_mismatch()

    def _identify(self, request: web.BaseRequest) -> Identity:
        token = request.headers.get("x-api-token") or request.rel_url.query.get("api_token")
        if token:
            return self._by_api_token(token)
        header = request.headers.get("Authorization")
        if header is None:
            raise gateway_refusal(str(uuid.uuid4()))
        kind, _, value = header.partition(" ")
        if kind.lower() != "bearer" or not value.strip():
            text = "Invalid request: malformed authorization header"
            raise ApiError(400, {"success": False, "error": text, "errorCode": 400})
        return self._by_access_token(value.strip())

    def _by_api_token(self, token: str) -> Identity:
        found = user_by_api_token(self.sandbox.state, token)
        company = None if found is None else self.sandbox.state.company(found[0])
        if found is None or company is None:
            raise gateway_refusal(str(uuid.uuid4()))
        account = Account(self.sandbox.state, company, found[1])
        name = f"api_token:{account.user['email']}"
        caller = self.sandbox.limits.caller(f"token:{token}", name, account.company, is_oauth=False)
        return Identity(account, caller, None, frozenset())

    def _by_access_token(self, token: str) -> Identity:
        grant = self.sandbox.oauth.grant(token)
        account = None if grant is None else self._account(grant.company, grant.user)
        if grant is None or account is None or not account.user["active_flag"]:
            text = "Invalid token: access_token is invalid"
            raise ApiError(401, {"success": False, "error": text, "errorCode": 401})
        # A refresh brings a new access token, not a new window.
        caller = self.sandbox.limits.caller(
            f"install:{grant.install}", grant.client_id, account.company, is_oauth=True
        )
        return Identity(account, caller, grant.client_id, grant.scopes)

    def _account(self, company_id: int, user_id: int) -> Account | None:
        company = self.sandbox.state.company(company_id)
        user = self.sandbox.state.records["user"].get(company_id, user_id)
        return None if company is None or user is None else Account(self.sandbox.state, company, user)


async def read_body(request: web.BaseRequest, route: Route) -> Any:
    """JSON; v1 also takes a form."""
    raw = await request.read()
    kind = request.content_type
    if route.version == "v1" and kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        try:
            return dict(await request.post())
        except ValueError:  # no boundary, or parts that can't be read
            raise invalid([("body", "The body is not a valid form")]) from None
    if not raw:
        return {}
    if kind != "application/json":
        raise invalid([("body", "The content type must be application/json")])
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise invalid([("body", "The body is not valid JSON")]) from None


def cut(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection without a word; the response returned is never sent."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


def _name(route: Route) -> str:
    return f"/{route.version}{route.path}"


def _faulty(fault: Fault) -> Answer:
    body = {
        "success": False,
        "error": fault.text,
        "errorCode": fault.status,
        "error_info": "A fault of the sandbox.",
    }
    return Answer(body, fault.status)


def _json(answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(answer.body),
        status=answer.status,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {}), **answer.headers},
    )


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """As aiohttp makes one, with room for larger bodies than its mebibyte."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)


async def serve(sandbox: Sandbox, host: str, port: int) -> tuple[web.ServerRunner, int]:
    """Start listening; the port actually taken is returned (useful with port 0)."""
    server = Server(sandbox)
    runner = web.ServerRunner(web.Server(server.handle, request_factory=_request), access_log=None)
    await runner.setup()
    await sandbox.start()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        await sandbox.stop()
        raise
    return runner, int(runner.addresses[0][1])
