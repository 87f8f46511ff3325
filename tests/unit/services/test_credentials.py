"""What goes on the next call: renewed early, by one process at a time, and stored before it is used."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tidegate.errors import AuthorizationLost, RemoteUnavailable
from tidegate.ports import Authorizer, Tokens
from tidegate.services.credentials import CLAIM_SECONDS, OAuthCredentials
from tidegate.testing.clock import ManualClock

HOUR = timedelta(hours=1)


@dataclass
class Pipedrive(Authorizer):
    """Answers a refresh token once: the next call must bring the new one."""

    clock: ManualClock
    valid: str = "refresh-0"
    refreshes: int = 0
    fails: Exception | None = None

    def authorize_url(self, state: str) -> str:
        raise NotImplementedError

    async def exchange_code(self, code: str) -> Tokens:
        raise NotImplementedError

    async def revoke(self, refresh_token: str) -> None:
        raise NotImplementedError

    async def refresh(self, refresh_token: str) -> Tokens:
        await asyncio.sleep(0)  # others get their turn while Pipedrive is asked
        if self.fails is not None:
            raise self.fails
        if refresh_token != self.valid:
            raise AuthorizationLost
        self.refreshes += 1
        self.valid = f"refresh-{self.refreshes}"
        return tokens(self.clock, self.refreshes, HOUR)


@dataclass
class Vault:
    """One row that every process shares."""

    kept: Tokens
    claimed: bool = False
    stored: list[str] = field(default_factory=list)

    def load(self) -> Tokens:
        return self.kept

    def claim(self, seconds: float) -> bool:
        assert seconds == CLAIM_SECONDS
        free, self.claimed = not self.claimed, True
        return free

    def save(self, tokens: Tokens) -> None:
        self.kept = tokens
        self.stored.append(tokens.access_token)

    def release(self) -> None:
        self.claimed = False


def tokens(clock: ManualClock, number: int, life: timedelta) -> Tokens:
    return Tokens(
        f"access-{number}", f"refresh-{number}", clock.now() + life, ("base",), "https://acme.example"
    )


async def step(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


@dataclass
class Shared:
    clock: ManualClock
    pipedrive: Pipedrive
    vault: Vault

    def process(self) -> OAuthCredentials:
        return OAuthCredentials(self.vault, self.pipedrive, self.clock, step)


@pytest.fixture
def shared() -> Shared:
    clock = ManualClock()
    return Shared(clock, Pipedrive(clock), Vault(tokens(clock, 0, HOUR)))


@pytest.mark.parametrize(("minutes_left", "renewed"), [(60, 0), (6, 0), (4, 1), (-1, 1)])
async def test_a_token_is_renewed_minutes_before_it_lapses(
    shared: Shared, minutes_left: int, renewed: int
) -> None:
    shared.clock.move((60 - minutes_left) * 60)

    headers = await shared.process().headers()

    assert headers == {"Authorization": f"Bearer access-{renewed}"}
    assert shared.vault.stored == ["access-1"] * renewed


async def test_five_processes_that_need_a_new_token_at_once_ask_for_one(shared: Shared) -> None:
    """Two workers refreshed at once, and each killed the other's token."""
    shared.clock.move(3600)

    headers = await asyncio.gather(*(shared.process().headers() for _ in range(5)))

    assert headers == [{"Authorization": "Bearer access-1"}] * 5
    assert (shared.pipedrive.refreshes, shared.vault.claimed) == (1, False)


async def test_a_refused_token_is_renewed_once_whoever_was_refused(shared: Shared) -> None:
    one, other = shared.process(), shared.process()
    stale = await one.headers()
    assert await other.headers() == stale

    assert await one.renew(stale)
    assert await other.renew(stale)

    assert await other.headers() == {"Authorization": "Bearer access-1"}
    assert shared.pipedrive.refreshes == 1


@pytest.mark.parametrize("error", [AuthorizationLost(), RemoteUnavailable("It is down.")])
async def test_a_refresh_that_fails_says_so_and_lets_the_next_one_try(
    shared: Shared, error: Exception
) -> None:
    shared.clock.move(3600)
    shared.pipedrive.fails = error
    with pytest.raises(type(error)):
        await shared.process().headers()

    shared.pipedrive.fails = None

    assert await shared.process().headers() == {"Authorization": "Bearer access-1"}


async def test_a_process_that_never_ends_its_refresh_is_waited_for_a_minute_and_no_longer(
    shared: Shared,
) -> None:
    shared.clock.move(3600)
    began = shared.clock.monotonic()
    shared.vault.claimed = True

    with pytest.raises(RemoteUnavailable):
        await shared.process().headers()

    assert shared.clock.monotonic() - began == CLAIM_SECONDS
