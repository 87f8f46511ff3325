"""The OAuth dialogue against the sandbox, from the code to the uninstall."""

from collections.abc import AsyncIterator, Mapping

import pytest

from tests.sandbox import RunningSandbox, running_sandbox
from tidegate.adapters.pipedrive.auth import OAuth, missing_scopes
from tidegate.errors import AuthorizationLost, NeedsAttention, PermissionMissing
from tidegate.ports import Credentials, Tokens
from tidegate.wiring.parts import CLOCK

SECRET = "secret"
CALLBACK = "http://127.0.0.1:8000/oauth/pipedrive/callback"
SCOPES = ["base", "contacts:full", "deals:full", "activities:full", "users:read", "webhooks:full"]


class Granted(Credentials):
    """Tokens in memory, renewed by the authorizer under test."""

    def __init__(self, tokens: Tokens, oauth: OAuth) -> None:
        self.tokens = tokens
        self.oauth = oauth
        self.renewals = 0

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.tokens.access_token}"}

    async def renew(self, stale: Mapping[str, str]) -> bool:
        self.renewals += 1
        self.tokens = await self.oauth.refresh(self.tokens.refresh_token)
        return True


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as running:
        running.sandbox.oauth.register(
            {"client_id": "app", "client_secret": SECRET, "redirect_uri": [CALLBACK], "scopes": SCOPES}
        )
        yield running


def oauth(running: RunningSandbox, *, secret: str = SECRET, callback: str = CALLBACK) -> OAuth:
    return OAuth(
        address=running.address,
        client_id="app",
        client_secret=secret,
        redirect_uri=callback,
        http=running.http,
        clock=CLOCK,
    )


def code(running: RunningSandbox, scopes: list[str] = SCOPES) -> str:
    app = running.sandbox.oauth.app("app")
    assert app is not None
    with running.sandbox.state.transaction():
        return running.sandbox.oauth.grant_code(app, running.company_id, 1, CALLBACK, scopes)


async def test_a_code_brings_tokens_that_open_the_account(running):
    tokens = await oauth(running).exchange_code(code(running))
    assert tokens.api_domain == running.address
    assert missing_scopes(tokens.scopes) == ()
    account = await running.crm(Granted(tokens, oauth(running))).who_am_i()
    assert account.company_id == str(running.company_id)


async def test_a_code_works_once(running):
    once = code(running)
    await oauth(running).exchange_code(once)
    with pytest.raises(AuthorizationLost):
        await oauth(running).exchange_code(once)


async def test_a_late_code_is_refused(running):
    late = code(running)
    running.sandbox.state.clock.advance(301)
    with pytest.raises(AuthorizationLost):
        await oauth(running).exchange_code(late)


async def test_a_wrong_secret_or_callback_is_the_administrators_to_mend(running):
    for wrong in (oauth(running, secret="wrong"), oauth(running, callback="http://127.0.0.1/elsewhere")):
        with pytest.raises(NeedsAttention) as caught:
            await wrong.exchange_code(code(running))
        assert not isinstance(caught.value, AuthorizationLost)


@pytest.mark.parametrize("rotating", [False, True])
async def test_an_expired_token_is_renewed_and_the_call_goes_through(running, rotating):
    running.sandbox.state.switches.set("rotate_refresh_token", rotating)
    granted = Granted(await oauth(running).exchange_code(code(running)), oauth(running))
    first = granted.tokens.refresh_token
    crm = running.crm(granted)
    for _ in range(3):
        running.sandbox.state.clock.advance(3601)
        await crm.who_am_i()
    assert granted.renewals == 3
    assert (granted.tokens.refresh_token != first) is rotating


async def test_a_refresh_token_that_was_not_used_for_60_days_means_reconnect(running):
    granted = Granted(await oauth(running).exchange_code(code(running)), oauth(running))
    running.sandbox.state.clock.advance(61 * 86_400)
    with pytest.raises(AuthorizationLost):
        await running.crm(granted).who_am_i()


async def test_after_revoking_the_refresh_token_nothing_opens_any_more(running):
    tokens = await oauth(running).exchange_code(code(running))
    await oauth(running).revoke(tokens.refresh_token)
    with pytest.raises(AuthorizationLost):
        await running.crm(Granted(tokens, oauth(running))).who_am_i()
    await oauth(running).revoke(tokens.refresh_token)


async def test_a_missing_scope_is_named_beforehand_and_when_it_is_needed(running):
    tokens = await oauth(running).exchange_code(
        code(running, ["base", "contacts:full", "deals:full", "activities:full"])
    )
    assert missing_scopes(tokens.scopes) == ("users:read", "webhooks:full")
    with pytest.raises(PermissionMissing, match="users:read"):
        await running.crm(Granted(tokens, oauth(running))).read_catalogue()
