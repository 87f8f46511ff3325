"""Connecting and disconnecting as they ship, against the Pipedrive sandbox.

A connection is made whole or not at all, and what was granted is given back where it is not kept. Of one that is ended nothing is
left over there, and it ends here whatever is there.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from tests.builders import make_link, make_workspace
from tests.sandbox import RunningSandbox, running_sandbox
from tidegate.config import config
from tidegate.errors import AuthorizationLost, Conflict, PermissionMissing
from tidegate.ports import WebhookRequest
from tidegate.store import oauth_app
from tidegate.store.audit import Act
from tidegate.store.models import AuditEntry, Connection, Lane, LedgerDay, Workspace
from tidegate.store.vault import ConnectionVault
from tidegate.wiring import actions, connecting, parts, upkeep
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
            for module in (connecting, parts, oauth_app):
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


async def by_oauth(
    running: RunningSandbox,
    workspace: Workspace,
    connection: Connection | None = None,
    scopes: list[str] = SCOPES,
) -> Connection:
    app = running.sandbox.oauth.app("app")
    assert app is not None
    with running.sandbox.state.transaction():
        code = running.sandbox.oauth.grant_code(app, running.company_id, 1, parts.callback_url(), scopes)
    return await request_step(
        actions.finish_authorisation, workspace, code, actor="Alice", connection=connection
    )


async def by_token(
    running: RunningSandbox, workspace: Workspace, connection: Connection | None = None
) -> Connection:
    return await request_step(
        actions.connect_with_token,
        workspace=workspace,
        company_domain="northlight",
        api_token=running.api_token,
        actor="Alice",
        connection=connection,
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


Connect = Callable[..., Coroutine[Any, Any, Connection]]


@pytest.mark.parametrize("connect", [by_oauth, by_token])
def test_a_new_connection_knows_both_sides_and_what_asking_cost(
    workspace: Workspace, play: Use, connect: Connect
) -> None:
    async def story(running: RunningSandbox) -> None:
        await connect(running, workspace)

    play(story)
    made = Connection.objects.get()
    assert (made.status, made.reason, made.settings_version) == ("paused", "new", 1)
    assert {user.is_me for user in actions.pipedrive_catalogue(made).users} == {True, False}
    assert made.get_settings().owner_id == made.pipedrive_user_id
    assert made.lane.seats == 3  # as many as are active there
    spent = LedgerDay.objects.get()
    assert (spent.lane_id, spent.feature) == (made.lane_id, "setup")
    assert spent.tokens > 60  # the catalogue, and whose account it is


READ_ON_THE_WAY = ("/v1/users/me", "/api/v2/personFields", "/v1/users", "/api/v2/pipelines")


@pytest.mark.parametrize("failing", READ_ON_THE_WAY)
@pytest.mark.parametrize("connect", [by_oauth, by_token])
def test_wherever_pipedrive_refuses_on_the_way_nothing_is_half_connected(
    workspace: Workspace, play: Use, connect: Connect, failing: str
) -> None:
    async def story(running: RunningSandbox) -> None:
        fault = running.sandbox.faults.add({"kind": "error", "calls": f"GET *{failing}", "status": 403})
        with pytest.raises(PermissionMissing):
            await connect(running, workspace)
        assert fault.struck
        running.sandbox.faults.remove()
        assert not await request_step(Connection.objects.exists)
        assert not await request_step(Lane.objects.exists)
        assert not await request_step(AuditEntry.objects.exists)

        await connect(running, workspace)  # and the next try goes through

    play(story)
    assert Connection.objects.get().settings


@pytest.mark.parametrize("connect", [by_oauth, by_token])
def test_a_reconnect_that_fails_half_way_leaves_the_connection_as_it_was(
    workspace: Workspace, play: Use, connect: Connect
) -> None:
    async def story(running: RunningSandbox) -> None:
        made = await connect(running, workspace)
        before = made.secret
        await request_step(actions.lose_authorisation, made, "The app was removed.")
        running.sandbox.faults.add({"kind": "error", "calls": "GET *personFields", "status": 403})
        with pytest.raises(PermissionMissing):
            await connect(running, workspace, connection=made)
        await request_step(made.refresh_from_db)
        assert (made.secret, made.reason) == (before, "reconnect")

    play(story)
    assert not AuditEntry.objects.filter(act=Act.RECONNECTED).exists()


def installs(running: RunningSandbox) -> int:
    return len(running.sandbox.oauth.installs())


def test_what_another_company_granted_is_given_back(workspace: Workspace, play: Use) -> None:
    async def story(running: RunningSandbox) -> None:
        made = await by_token(running, workspace)
        await request_step(Connection.objects.update, company_id="another")
        await request_step(made.refresh_from_db)
        with pytest.raises(Conflict, match="You signed in to"):
            await by_oauth(running, workspace, connection=made)
        assert installs(running) == 0

    play(story)


def test_too_few_permissions_are_given_back_and_named(workspace: Workspace, play: Use) -> None:
    async def story(running: RunningSandbox) -> None:
        with pytest.raises(PermissionMissing, match="contacts:full"):
            await by_oauth(running, workspace, scopes=["base", "users:read"])
        assert installs(running) == 0
        assert not await request_step(Connection.objects.exists)

    play(story)


def test_a_grant_by_which_another_workspace_lives_is_never_given_back(
    workspace: Workspace, play: Use
) -> None:
    async def story(running: RunningSandbox) -> None:
        theirs = await by_oauth(running, await request_step(make_workspace, "Another one"))
        with pytest.raises(PermissionMissing):
            await by_oauth(running, workspace, scopes=["base", "users:read"])
        assert installs(running) == 1
        mine = await by_oauth(running, workspace)
        await disconnect(theirs)
        assert installs(running) == 1
        await disconnect(mine)
        assert installs(running) == 0

    play(story)


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
