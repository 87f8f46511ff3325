"""Disconnecting as it ships, against the Pipedrive sandbox: what is left over there, and that it ends here whatever is there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from tests.builders import make_link
from tests.sandbox import RunningSandbox, running_sandbox
from tidegate.config import config
from tidegate.errors import AuthorizationLost
from tidegate.ports import WebhookRequest
from tidegate.store import oauth_app
from tidegate.store.models import Connection, Workspace
from tidegate.store.vault import ConnectionVault
from tidegate.wiring import actions, parts, upkeep
from tidegate.wiring.steps import request_step

SCOPES = ["base", "contacts:full", "deals:full", "activities:full", "users:read", "webhooks:full"]
FOREIGN = WebhookRequest(
    "https://elsewhere.example/hook", "person", "create", "Another app", "user", "password"
)
Use = Callable[[Callable[[RunningSandbox], Awaitable[None]]], None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Runs a story with a sandbox, its database steps on the thread of the test."""
    monkeypatch.setattr(upkeep, "worker_step", request_step)

    @asynccontextmanager
    async def pointed_at() -> AsyncIterator[RunningSandbox]:
        async with running_sandbox() as running:
            there = replace(
                config,
                pipedrive_api_url=running.address,
                pipedrive_oauth_url=running.address,
                pipedrive_client_id="app",
                pipedrive_client_secret="secret",
            )
            for module in (actions, parts, oauth_app):
                monkeypatch.setattr(module, "config", there)
            app = {"client_id": "app", "client_secret": "secret", "redirect_uri": [parts.callback_url()]}
            running.sandbox.oauth.register(app | {"scopes": SCOPES})
            yield running

    def tell(story: Callable[[RunningSandbox], Awaitable[None]]) -> None:
        async def begin() -> None:
            async with pointed_at() as running:
                await story(running)

        async_to_sync(begin)()

    return tell


async def by_oauth(running: RunningSandbox, workspace: Workspace) -> Connection:
    app = running.sandbox.oauth.app("app")
    assert app is not None
    with running.sandbox.state.transaction():
        code = running.sandbox.oauth.grant_code(app, running.company_id, 1, parts.callback_url(), SCOPES)
    return await request_step(actions.finish_authorisation, workspace, code, actor="Alice")


async def by_token(running: RunningSandbox, workspace: Workspace) -> Connection:
    return await request_step(
        actions.connect_with_token,
        workspace=workspace,
        company_domain="northlight",
        api_token=running.api_token,
        actor="Alice",
    )


async def listen(running: RunningSandbox, connection: Connection) -> None:
    """The webhooks of this connection, beside one of another app."""
    await running.crm().create_webhook(FOREIGN)
    quota = await request_step(parts.quota_of, connection.lane)
    crm = await request_step(parts.crm_of, connection, quota=quota, http=running.http, step=request_step)
    await upkeep.put_webhooks_in_place(connection, crm)


def webhooks(running: RunningSandbox) -> set[tuple[str, str]]:
    """Where Pipedrive was told to deliver to, whoever registered it, and why it no longer does."""
    account = running.account
    rows = account.records("webhook").where(account.id, ("1 = 1", ()))
    return {(row["subscription_url"], row["remove_reason"] if row["is_deleted"] else "") for row in rows}


async def disconnect(connection: Connection, **how: Any) -> None:
    await request_step(actions.disconnect, connection, actor="Alice", **how)


Connect = Callable[[RunningSandbox, Workspace], Coroutine[Any, Any, Connection]]


@pytest.mark.parametrize("connect", [by_oauth, by_token])
def test_disconnecting_takes_down_our_webhooks_alone_and_keeps_the_links(
    workspace: Workspace, play: Use, connect: Connect
) -> None:
    async def story(running: RunningSandbox) -> None:
        connection = await connect(running, workspace)
        await request_step(make_link, connection, "11", "21")
        await listen(running, connection)
        ours = upkeep.hook_url(connection)
        assert webhooks(running) == {(FOREIGN.url, ""), (ours, "")}

        await disconnect(connection)

        assert webhooks(running) == {(FOREIGN.url, ""), (ours, "user request")}

    play(story)
    ended = Connection.objects.get()
    assert (ended.secret, ended.hook_secret, ended.status) == (None, None, "paused")
    assert ended.disconnected_at is not None
    assert ended.links.get().person_id == "21"


def test_disconnecting_gives_the_tokens_back(workspace: Workspace, play: Use) -> None:
    async def story(running: RunningSandbox) -> None:
        connection = await by_oauth(running, workspace)
        tokens = await request_step(ConnectionVault(str(connection.pk)).load)
        oauth = await request_step(parts.authorizer, running.http)
        await oauth.refresh(tokens.refresh_token)

        await disconnect(connection)

        with pytest.raises(AuthorizationLost):
            await oauth.refresh(tokens.refresh_token)

    play(story)


@pytest.mark.parametrize("connect", [by_oauth, by_token])
@pytest.mark.parametrize("delete_history", [False, True])
def test_where_pipedrive_does_not_answer_the_connection_ends_here_all_the_same(
    workspace: Workspace, play: Use, connect: Connect, delete_history: bool
) -> None:
    made: list[Connection] = []

    async def story(running: RunningSandbox) -> None:
        made.append(await connect(running, workspace))

    play(story)  # and then the sandbox is gone

    actions.disconnect(made[0], actor="Alice", delete_history=delete_history)

    left = Connection.objects.filter(pk=made[0].pk).first()
    assert left is None if delete_history else left is not None and left.secret is None
