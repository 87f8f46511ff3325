"""What a live connection needs beside following changes: its webhooks in place, and a regular look for what they missed."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from tidegate.adapters.pipedrive.webhooks import plan_webhooks, wanted_webhooks
from tidegate.config import config
from tidegate.core.connection import Status
from tidegate.errors import RemoteUnavailable
from tidegate.ports import Crm
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date
from tidegate.store.models import Connection, Lane
from tidegate.store.secrets import decrypt
from tidegate.wiring.steps import worker_step

WEBHOOKS_EVERY = timedelta(hours=24)
CHECK_EVERY = timedelta(hours=1)
HOOK_USER = "tidegate"


def hook_url(connection: Connection) -> str:
    return f"{config.public_url}/hooks/pipedrive/{connection.hook_token}"


async def keep_up(connection: Connection, engine: Engine) -> None:
    """Whatever is due for this connection."""
    now = engine.lane.clock.now()
    if connection.webhooks_checked_at is None or now - connection.webhooks_checked_at > WEBHOOKS_EVERY:
        await put_webhooks_in_place(connection, engine.crm)
    checked_at = await worker_step(_checked_at, engine.lane.id)
    if checked_at is None or now - checked_at > CHECK_EVERY:
        await bring_up_to_date(engine)
        await worker_step(_mark_checked, engine.lane.id)


async def put_webhooks_in_place(connection: Connection, crm: Crm) -> None:
    """Make it so: list first, create what is missing, delete what is ours and no longer wanted."""
    secret = decrypt(connection.hook_secret) if connection.hook_secret else ""
    wanted = wanted_webhooks(hook_url(connection), HOOK_USER, secret)
    create, delete = plan_webhooks(await crm.list_webhooks(), wanted)
    for request in create:
        try:
            await crm.create_webhook(request)
        except RemoteUnavailable:
            return  # whether it was made shows when they are listed again, at the next drain
    for webhook_id in delete:
        await crm.delete_webhook(webhook_id)
    await worker_step(_mark_webhooks, connection)


async def remove_webhooks(connection: Connection, crm: Crm) -> None:
    path = hook_url(connection).rsplit("/", 1)[-1]
    for webhook in await crm.list_webhooks():
        if webhook.url.endswith(path):
            await crm.delete_webhook(webhook.id)


def _mark_webhooks(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(webhooks_checked_at=timezone.now())


def _checked_at(lane_id: int) -> datetime | None:
    return Lane.objects.values_list("checked_at", flat=True).get(pk=lane_id)


def _mark_checked(lane_id: int) -> None:
    Lane.objects.filter(pk=lane_id).update(checked_at=timezone.now())


def lanes_due_for_a_check() -> list[int]:
    """Lanes with a live connection that were not looked at for an hour, and needn't wait."""
    now = timezone.now()
    due = Lane.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=now - CHECK_EVERY),
        Q(wait_until=None) | Q(wait_until__lte=now),
        connections__status__in=[Status.ACTIVE.value, Status.SYNCING.value],
    )
    return list(due.distinct().values_list("pk", flat=True))
