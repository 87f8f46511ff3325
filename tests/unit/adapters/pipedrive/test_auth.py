from base64 import b64decode
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tidegate.adapters.http import HttpSender
from tidegate.adapters.pipedrive.auth import (
    OAuth,
    missing_scopes,
    split_scopes,
)
from tidegate.errors import AuthorizationLost, NeedsAttention, RateLimited, RemoteUnavailable
from tidegate.testing.clock import ManualClock

GRANTED = "base,contacts:full,deals:full,activities:full,users:read,webhooks:full"
TOKENS = {
    "access_token": "v1u:access",
    "token_type": "Bearer",
    "refresh_token": "11:22:refresh",
    "scope": GRANTED,
    "expires_in": 3599,
    "api_domain": "https://acme.pipedrive.com",
}


class Door:
    """Pipedrive's sign-in server: answers as told, keeps what it was asked."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def oauth(self) -> OAuth:
        return OAuth(
            address="https://oauth.example/",
            client_id="the-id",
            client_secret="the-secret",
            redirect_uri="https://tidegate.example/oauth/pipedrive/callback",
            http=HttpSender(httpx2.MockTransport(self)),
            clock=ManualClock(),
        )


def good(**changes) -> httpx2.Response:
    return httpx2.Response(200, json=TOKENS | changes)


def bad(status: int, description: str = "", error: str = "invalid_grant") -> httpx2.Response:
    return httpx2.Response(status, json={"error": error, "error_description": description})


def form_of(request: httpx2.Request) -> dict[str, str]:
    return {key: value[0] for key, value in parse_qs(request.content.decode()).items()}


def test_the_member_is_sent_to_pipedrive_with_the_state():
    url = urlsplit(Door().oauth().authorize_url("state 1"))
    assert url.netloc + url.path == "oauth.example/oauth/authorize"
    assert parse_qs(url.query) == {
        "client_id": ["the-id"],
        "redirect_uri": ["https://tidegate.example/oauth/pipedrive/callback"],
        "state": ["state 1"],
    }


async def test_a_code_is_exchanged_by_a_form_with_the_apps_credentials():
    door = Door(good())
    tokens = await door.oauth().exchange_code("the-code")
    (request,) = door.asked
    assert request.url.path == "/oauth/token"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"the-id:the-secret"
    assert form_of(request) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "https://tidegate.example/oauth/pipedrive/callback",
    }
    assert tokens.access_token == "v1u:access"
    assert tokens.refresh_token == "11:22:refresh"
    assert tokens.api_domain == "https://acme.pipedrive.com"
    assert tokens.expires_at == ManualClock().now() + timedelta(seconds=3599)
    assert "contacts:full" in tokens.scopes


async def test_a_refresh_keeps_what_comes_back():
    door = Door(good(refresh_token="33:44:new"))
    tokens = await door.oauth().refresh("11:22:refresh")
    assert form_of(door.asked[0]) == {"grant_type": "refresh_token", "refresh_token": "11:22:refresh"}
    assert tokens.refresh_token == "33:44:new"


async def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one():
    tokens = await Door(good(refresh_token=None)).oauth().refresh("11:22:refresh")
    assert tokens.refresh_token == "11:22:refresh"


@pytest.mark.parametrize(
    "answer",
    [
        bad(400, "Invalid grant: refresh_token is invalid"),
        bad(401),
        httpx2.Response(400, text="no json at all"),
        httpx2.Response(400, json={"success": False, "message": "Invalid grant: refresh_token is invalid"}),
    ],
)
async def test_a_refused_refresh_means_reconnect(answer):
    with pytest.raises(AuthorizationLost, match="Reconnect"):
        await Door(answer).oauth().refresh("old")


async def test_a_wrong_or_late_code_means_connect_again():
    with pytest.raises(AuthorizationLost, match="Connect again"):
        await Door(bad(400, "Invalid grant: authorization_code has expired")).oauth().exchange_code("late")


@pytest.mark.parametrize(
    "answer",
    [
        bad(400, "Invalid client: client is invalid", "invalid_client"),
        bad(400, "Invalid request: redirect_uri is invalid", "invalid_request"),
    ],
)
async def test_an_app_that_is_not_known_is_the_administrators_to_mend(answer):
    with pytest.raises(NeedsAttention, match="client id") as caught:
        await Door(answer).oauth().refresh("fine")
    assert not isinstance(caught.value, AuthorizationLost)


@pytest.mark.parametrize(
    "answer",
    [
        bad(500),
        bad(503),
        httpx2.Response(200, text="<html>maintenance</html>"),
        httpx2.Response(302),
        httpx2.ReadTimeout("x"),
    ],
)
async def test_a_server_that_fails_loses_no_authorisation(answer):
    with pytest.raises(RemoteUnavailable):
        await Door(answer).oauth().refresh("fine")


async def test_too_many_refreshes_wait():
    with pytest.raises(RateLimited):
        await Door(bad(429)).oauth().refresh("fine")


async def test_a_token_that_may_have_been_used_is_not_sent_twice():
    door = Door(httpx2.ReadTimeout("lost"), good())
    with pytest.raises(RemoteUnavailable):
        await door.oauth().refresh("once")
    assert len(door.asked) == 1


async def test_a_request_that_never_left_is_sent_again():
    door = Door(httpx2.ConnectError("down"), good())
    assert (await door.oauth().refresh("once")).access_token == "v1u:access"


async def test_revoking_sends_the_token_and_takes_any_answer():
    door = Door(httpx2.Response(200), httpx2.Response(400))
    await door.oauth().revoke("11:22:refresh")
    await door.oauth().revoke("unknown")
    assert door.asked[0].url.path == "/oauth/revoke"
    assert form_of(door.asked[0]) == {"token": "11:22:refresh"}


async def test_revoking_where_the_server_fails_is_told():
    with pytest.raises(RemoteUnavailable):
        await Door(httpx2.Response(503)).oauth().revoke("t")


async def test_no_message_holds_a_token():
    for answer in (bad(400), bad(500), httpx2.ReadTimeout("x")):
        with pytest.raises(Exception) as caught:
            await Door(answer).oauth().refresh("11:22:refresh")
        assert "11:22:refresh" not in str(caught.value)
        assert "the-secret" not in repr(caught.value)


@pytest.mark.parametrize("scope", [GRANTED, GRANTED.replace(",", " "), GRANTED.replace(",", ", ")])
def test_scopes_come_apart_at_commas_and_at_spaces(scope):
    assert len(split_scopes(scope)) == 6
    assert missing_scopes(split_scopes(scope)) == ()


def test_scopes_that_are_missing_are_named():
    assert missing_scopes(["base", "contacts:read", "users:read"]) == (
        "contacts:full",
        "deals:full",
        "activities:full",
        "webhooks:full",
    )


def test_an_administrators_scope_opens_webhooks_too():
    assert missing_scopes([*split_scopes(GRANTED)[:-1], "admin"]) == ()


def test_where_no_scopes_are_told_none_are_called_missing():
    assert missing_scopes(()) == ()
