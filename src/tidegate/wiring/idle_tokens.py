"""Keeps the authorisation of connections that call nobody alive: Pipedrive forgets a refresh token unused for 60 days.

A connection that is paused for a season would otherwise be lost without a word, and its owner would find out on resuming.
"""

import logging
from datetime import timedelta

from django.utils import timezone

from tidegate.adapters.http import HttpSender
from tidegate.core.connection import Reason, Status
from tidegate.errors import AuthorizationLost, TidegateError
from tidegate.store import connections
from tidegate.store.models import Connection
from tidegate.wiring import parts
from tidegate.wiring.steps import worker_step

log = logging.getLogger(__name__)

UNUSED = timedelta(days=20)
"""A third of what Pipedrive allows: forty days are left in which a passing fault does no harm."""


async def keep_tokens_alive() -> None:
    """Renew what was not used for weeks. A connection that Pipedrive no longer knows is paused, to be reconnected."""
    async with HttpSender() as http:
        for connection in await worker_step(_unused):
            try:
                credentials = await worker_step(parts.credentials_of, connection, http, worker_step)
                await credentials.headers()
            except AuthorizationLost as error:
                await worker_step(
                    connections.set_status, connection, Status.PAUSED, Reason.RECONNECT, error.user_message
                )
            except TidegateError as error:
                log.warning("The authorisation of %s was not renewed: %s", connection, error)


def _unused() -> list[Connection]:
    """An access token lives for an hour, so when it lapsed tells when the refresh token was used last."""
    rows = Connection.objects.filter(
        auth_method="oauth", disconnected_at=None, token_expires_at__lt=timezone.now() - UNUSED
    )
    return list(rows.exclude(secret=None).exclude(reason=Reason.RECONNECT.value).order_by("created_at"))
