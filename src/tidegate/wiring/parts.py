"""Which adapter serves a connection, with which credentials and which quota."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from tidegate.adapters.http import HttpSender
from tidegate.adapters.outreach.prospects import ProspectStore
from tidegate.adapters.pipedrive.api import Pipedrive
from tidegate.adapters.pipedrive.auth import OAuth
from tidegate.adapters.pipedrive.quota import BURST_OAUTH, BURST_TOKEN, SHARE, WINDOW_SECONDS, LaneQuota
from tidegate.config import config
from tidegate.errors import AuthorizationLost, Invalid
from tidegate.ports import Authorizer, Clock, Credentials, OutreachApp, Quota, RunStep
from tidegate.services.credentials import OAuthCredentials, PersonalToken
from tidegate.store.budget import SEAT_TOKENS, daily_budget, spent_today
from tidegate.store.catalogues import pipedrive_catalogue
from tidegate.store.models import Connection, Lane
from tidegate.store.oauth_app import registered_app
from tidegate.store.secrets import decrypt
from tidegate.store.vault import ConnectionVault
from tidegate.words import say

CALLBACK_PATH = "/oauth/pipedrive/callback"


class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


CLOCK = SystemClock()


def outreach_of(connection: Connection, step: RunStep) -> OutreachApp:
    """The outreach app of a connection; so far there is one, the built-in prospect store."""
    return ProspectStore(connection.workspace_id, step)


def authorizer(http: HttpSender) -> Authorizer:
    """Raises Invalid where no OAuth app is set up. Reads the database: in async code, call it as a step."""
    app = registered_app()
    if app is None:
        raise Invalid(
            say(
                "No Pipedrive app is registered yet. Register one first, or connect with a personal API token."
            )
        )
    return OAuth(
        address=config.pipedrive_oauth_url,
        client_id=app.client_id,
        client_secret=app.client_secret,
        redirect_uri=callback_url(),
        http=http,
        clock=CLOCK,
    )


def callback_url() -> str:
    return config.public_url + CALLBACK_PATH


def credentials_of(connection: Connection, http: HttpSender, step: RunStep) -> Credentials:
    """Raises AuthorizationLost where nothing is kept to authorise with."""
    if connection.secret is None:
        raise AuthorizationLost
    if connection.auth_method == "token":
        return PersonalToken(decrypt(connection.secret))
    return OAuthCredentials(ConnectionVault(str(connection.pk)), authorizer(http), CLOCK, step)


def quota_of(lane: Lane, *, personal_token: bool = False) -> LaneQuota:
    """A fresh count for a lane, begun from what the ledger knows."""
    burst = lane.burst_limit or (BURST_TOKEN if personal_token else BURST_OAUTH)
    return LaneQuota(
        CLOCK,
        daily_limit=daily_budget(lane),
        reserve_percent=lane.reserve_percent,
        burst_limit=burst,
        spent_today=spent_today(lane.pk),
    )


def calls_per_second(lane: Lane, *, personal_token: bool) -> float:
    """How fast we call at most: our share of the burst window."""
    burst = lane.burst_limit or (BURST_TOKEN if personal_token else BURST_OAUTH)
    return max(1, int(burst * SHARE)) / WINDOW_SECONDS


def quota_beforehand() -> LaneQuota:
    """For a company of which nothing is known yet: the smallest there is."""
    return LaneQuota(CLOCK, daily_limit=SEAT_TOKENS, burst_limit=BURST_TOKEN)


def crm_at(address: str, credentials: Credentials, http: HttpSender, quota: Quota) -> Pipedrive:
    """A Pipedrive that no connection stands for yet, for the calls that make one."""
    return Pipedrive(address, credentials=credentials, quota=quota, http=http, clock=CLOCK)


class BearerToken(Credentials):
    """An access token that was given a moment ago."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._access_token}"}

    async def renew(self, stale: Mapping[str, str]) -> bool:
        return False


def crm_of(connection: Connection, *, quota: Quota, http: HttpSender, step: RunStep) -> Pipedrive:
    catalogue = pipedrive_catalogue(connection)
    return Pipedrive(
        connection.api_domain,
        credentials=credentials_of(connection, http, step),
        quota=quota,
        http=http,
        clock=CLOCK,
        catalogue=catalogue if catalogue.fields else None,
    )
