"""Who we are to Pipedrive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an authorisation gave us."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    scopes: tuple[str, ...]
    api_domain: str


class Authorizer(Protocol):
    """The OAuth dialogue with Pipedrive."""

    def authorize_url(self, state: str) -> str: ...

    async def exchange_code(self, code: str) -> Tokens:
        """Raises AuthorizationLost where the code is wrong or expired."""
        ...

    async def refresh(self, refresh_token: str) -> Tokens:
        """Raises AuthorizationLost where Pipedrive refuses it for good."""
        ...

    async def revoke(self, token: str) -> None: ...


class Credentials(Protocol):
    """Gives the adapter what to put on the next call; keeps it fresh, one refresher at a time."""

    async def headers(self) -> Mapping[str, str]: ...

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """After a 401: get a newer token. False where there is none to get (a personal token)."""
        ...
