"""What goes on the next call to Pipedrive: kept fresh early, by one refresher at a time, stored before it is used.

Web and worker processes share the tokens. A refresh is claimed by a conditional update, the tokens are read again first,
and no transaction is open while Pipedrive is asked (lesson 25; the refresh race was measured with five processes).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from tidegate.errors import AuthorizationLost, RemoteUnavailable
from tidegate.ports import Authorizer, Clock, Credentials, RunStep, Tokens
from tidegate.words import say

EARLY = timedelta(minutes=5)
"""A token is renewed so long before it lapses."""
CLAIM_SECONDS = 60
POLL_SECONDS = 0.5


class Vault(Protocol):
    """Where the tokens of a connection are kept. Plain functions on the database."""

    def load(self) -> Tokens: ...

    def claim(self, seconds: float) -> bool:
        """Whether we may refresh now; nobody else may until we save, release, or the claim lapses."""
        ...

    def save(self, tokens: Tokens) -> None: ...

    def release(self) -> None: ...


class OAuthCredentials(Credentials):
    def __init__(self, vault: Vault, authorizer: Authorizer, clock: Clock, step: RunStep) -> None:
        self._vault = vault
        self._authorizer = authorizer
        self._clock = clock
        self._step = step
        self._tokens: Tokens | None = None

    async def headers(self) -> Mapping[str, str]:
        tokens = self._tokens or await self._load()
        if tokens.expires_at - self._clock.now() < EARLY:
            tokens = await self._refresh(tokens.access_token)
        self._tokens = tokens
        return _headers_of(tokens)

    async def renew(self, stale: Mapping[str, str]) -> bool:
        refused = stale.get("Authorization", "").removeprefix("Bearer ")
        self._tokens = await self._refresh(refused)
        return True

    async def _load(self) -> Tokens:
        tokens = await self._step(self._vault.load)
        if not isinstance(tokens, Tokens):
            raise AuthorizationLost
        return tokens

    async def _refresh(self, stale: str) -> Tokens:
        """Newer tokens than the stale one, refreshed by us or by another process."""
        for _ in range(int(CLAIM_SECONDS / POLL_SECONDS)):
            if await self._step(self._vault.claim, CLAIM_SECONDS):
                return await self._refresh_claimed(stale)
            await self._clock.sleep(POLL_SECONDS)
            tokens = await self._load()
            if tokens.access_token != stale:
                return tokens
        raise RemoteUnavailable(say("The authorisation is being renewed by another process."), sent=False)

    async def _refresh_claimed(self, stale: str) -> Tokens:
        try:
            tokens = await self._load()
            if tokens.access_token == stale:
                tokens = await self._authorizer.refresh(tokens.refresh_token)
                await self._step(self._vault.save, tokens)
            return tokens
        finally:
            await self._step(self._vault.release)


class PersonalToken(Credentials):
    """A personal API token: nothing to renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def headers(self) -> Mapping[str, str]:
        return {"x-api-token": self._token}

    async def renew(self, stale: Mapping[str, str]) -> bool:
        return False


def _headers_of(tokens: Tokens) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {tokens.access_token}"}
