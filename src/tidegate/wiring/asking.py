"""One question to a connection's Pipedrive while a person waits for the answer: setting up, refreshing, making fields."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tidegate.adapters.http import HttpSender
from tidegate.ports import Crm, Feature
from tidegate.store.memory import add_spent
from tidegate.store.models import Connection
from tidegate.wiring import parts
from tidegate.wiring.steps import request_step, run

T = TypeVar("T")


def ask_pipedrive(connection: Connection, use: Callable[[Crm], Awaitable[T]]) -> T:
    """What `use` makes of this connection's Pipedrive; its tokens are entered under *setup*, however it ends."""
    quota = parts.quota_of(connection.lane, personal_token=connection.auth_method == "token")

    async def dialogue() -> T:
        async with HttpSender() as http:
            view = quota.with_feature(Feature.SETUP)
            crm = await request_step(parts.crm_of, connection, quota=view, http=http, step=request_step)
            return await use(crm)

    try:
        return run(dialogue)
    finally:
        spent = {feature.value: tokens for feature, tokens in quota.take_spent().items()}
        add_spent(connection.lane_id, spent)
