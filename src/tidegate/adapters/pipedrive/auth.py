"""The OAuth 2.0 dialogue with Pipedrive.

Three form posts, sent by our own client rather than by an OAuth library: docs/adr/0009. A refused refresh means
*reconnect*; no answer, or a fault of the server, means *later*; and a client id or secret that Pipedrive does not know is
the operator's to mend, so no authorisation is thrown away for it.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from tidegate.adapters.http import Answer, Call, Sender, with_repeats
from tidegate.errors import AuthorizationLost, NeedsAttention, RateLimited, RemoteUnavailable
from tidegate.ports import Clock, Tokens
from tidegate.words import say

REQUIRED_SCOPES: tuple[tuple[str, ...], ...] = (
    ("contacts:full",),
    ("deals:full",),
    ("activities:full",),
    ("users:read",),
    ("webhooks:full", "admin"),
)
"""One of each group must be granted. `base` is always on."""


class OAuth:
    """Implements `Authorizer` for one registered app."""

    def __init__(
        self,
        *,
        address: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        http: Sender,
        clock: Clock,
    ) -> None:
        self._address = address.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._http = http
        self._clock = clock

    def authorize_url(self, state: str) -> str:
        """Where the member signs in. Scopes are not asked for here: Pipedrive takes them from the app's registration."""
        query = urlencode({"client_id": self._client_id, "redirect_uri": self._redirect_uri, "state": state})
        return f"{self._address}/oauth/authorize?{query}"

    async def exchange_code(self, code: str) -> Tokens:
        answer = await self._post(
            "token", {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        )
        return self._tokens(
            answer, lost=say("The code from Pipedrive is wrong or has expired. Connect again.")
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        answer = await self._post("token", {"grant_type": "refresh_token", "refresh_token": refresh_token})
        lost = say(
            "Pipedrive no longer accepts this connection’s authorisation. Reconnect it on the Integrations page."
        )
        return self._tokens(answer, lost=lost, kept_refresh_token=refresh_token)

    async def revoke(self, token: str) -> None:
        """Revoking the refresh token uninstalls the app for this user; an unknown token is fine."""
        answer = await self._post("revoke", {"token": token})
        if answer.status >= 500:
            raise _unavailable(answer)

    async def _post(self, path: str, form: Mapping[str, str]) -> Answer:
        call = Call(
            "POST",
            f"{self._address}/oauth/{path}",
            what=say("Pipedrive’s sign-in server"),
            form=form,
            basic=(self._client_id, self._client_secret),
        )
        # A code and a rotating refresh token can be used once: only what surely never left is sent again.
        return await with_repeats(lambda: self._http.send(call), repeatable=False, clock=self._clock)

    def _tokens(self, answer: Answer, *, lost: str, kept_refresh_token: str = "") -> Tokens:
        body = answer.json()
        if (
            answer.status != 200
            or not isinstance(body, dict)
            or not isinstance(body.get("access_token"), str)
        ):
            raise _refusal(answer, lost)
        lifetime = body.get("expires_in")
        seconds = lifetime if isinstance(lifetime, int | float) else 3600
        return Tokens(
            access_token=body["access_token"],
            refresh_token=str(body.get("refresh_token") or kept_refresh_token),
            expires_at=self._clock.now() + timedelta(seconds=seconds),
            scopes=split_scopes(str(body.get("scope") or "")),
            api_domain=str(body.get("api_domain") or "").rstrip("/"),
        )


def _refusal(answer: Answer, lost: str) -> Exception:
    if answer.status == 429:
        return RateLimited(retry_after=10.0)
    if answer.status >= 500 or answer.status < 400:
        return _unavailable(answer)
    text = answer.body[:2000].decode(errors="replace").casefold()
    if "invalid client" in text or "invalid_client" in text or "redirect_uri" in text:
        return NeedsAttention(
            say(
                "Pipedrive does not know Tidegate’s app under these details. An administrator must check client id, "
                "client secret and callback address against the app in Pipedrive’s Developer Hub."
            )
        )
    return AuthorizationLost(lost)


def _unavailable(answer: Answer) -> RemoteUnavailable:
    return RemoteUnavailable(
        say(
            "Pipedrive’s sign-in server could not answer (status {status}); this is tried again by itself.",
            status=answer.status,
        )
    )


def split_scopes(scope: str) -> tuple[str, ...]:
    """Pipedrive separates scopes by commas, the standard by spaces."""
    return tuple(scope.replace(",", " ").split())


def missing_scopes(granted: Iterable[str]) -> tuple[str, ...]:
    """The scopes Tidegate needs and was not granted. Nothing granted at all means that nothing was told."""
    given = set(granted)
    if not given:
        return ()
    return tuple(group[0] for group in REQUIRED_SCOPES if given.isdisjoint(group))
