"""What a live connection needs beside following changes: its webhooks in place, and a regular look for what they missed."""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Q
from django.utils import timezone

from tidegate.adapters.pipedrive.webhooks import plan_webhooks, wanted_webhooks
from tidegate.config import config
from tidegate.core.brakes import Brake, emptied_lists
from tidegate.core.connection import Status
from tidegate.errors import PermissionMissing, RecordRejected, RemoteUnavailable
from tidegate.ports import Crm, Stopped
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date
from tidegate.store.catalogues import outreach_catalogue, store_catalogues
from tidegate.store.models import Connection, Lane
from tidegate.store.schedule import LaneSchedule
from tidegate.store.secrets import decrypt
from tidegate.wiring.steps import worker_step

WEBHOOKS_EVERY = timedelta(hours=24)
CATALOGUE_EVERY = timedelta(hours=24)
CHECK_EVERY = timedelta(hours=1)
CHECK_WITHOUT_WEBHOOKS_EVERY = timedelta(minutes=10)
"""20 tokens a look: some 10 % of the smallest budget, for a server that Pipedrive can't reach."""
HOOK_USER = "tidegate"


def hook_url(connection: Connection) -> str:
    return f"{config.public_url}/hooks/pipedrive/{connection.hook_token}"


async def keep_up(connection: Connection, engine: Engine) -> None:
    """Whatever is due for this connection."""
    now = engine.lane.clock.now()
    if connection.catalogue_read_at is None or now - connection.catalogue_read_at > CATALOGUE_EVERY:
        await reread_catalogue(connection, engine.crm)
    if connection.webhooks_checked_at is None or now - connection.webhooks_checked_at > WEBHOOKS_EVERY:
        await _try_webhooks(connection, engine.crm)
    checked_at = await worker_step(_checked_at, engine.lane.id)
    if checked_at is None or now - checked_at > _check_every(connection):
        await _watch_lists(connection, engine)
        await bring_up_to_date(engine)
        await worker_step(_mark_checked, engine.lane.id)


async def reread_catalogue(connection: Connection, crm: Crm) -> None:
    """Some 62 tokens. What vanished sleeps from the next batch on, and is told under Needs attention."""
    catalogue = await crm.read_catalogue()
    await worker_step(LaneSchedule().learn_catalogue, str(connection.pk), catalogue)


async def _watch_lists(connection: Connection, engine: Engine) -> None:
    """The sizes of the lists as they are now; a synced one that became empty all of a sudden stops the connection."""
    before = await worker_step(outreach_catalogue, connection)
    after = await engine.outreach.read_catalogue()
    settings = connection.get_settings()
    emptied = emptied_lists(before, after, settings.sync_from_lists) if settings.brakes.on else []
    if emptied:
        names = ", ".join(f"“{each.name}” held {each.size} prospects and holds none now" for each in emptied)
        stopped = Stopped(Brake.LIST, f"A list that is synced is suddenly empty: {names}.")
        await worker_step(LaneSchedule().halt, str(connection.pk), stopped)
    else:
        await worker_step(partial(store_catalogues, connection, outreach=after))


def _check_every(connection: Connection) -> timedelta:
    return CHECK_WITHOUT_WEBHOOKS_EVERY if connection.webhooks_problem else CHECK_EVERY


async def _try_webhooks(connection: Connection, crm: Crm) -> None:
    """Sync goes on without them, slower: a server without a public address, or a user without the right."""
    try:
        await put_webhooks_in_place(connection, crm)
    except (RecordRejected, PermissionMissing) as error:
        await worker_step(_mark_webhooks, connection, error.user_message)


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
    await worker_step(_mark_webhooks, connection, "")


async def remove_webhooks(connection: Connection, crm: Crm) -> None:
    path = hook_url(connection).rsplit("/", 1)[-1]
    for webhook in await crm.list_webhooks():
        if webhook.url.endswith(path):
            await crm.delete_webhook(webhook.id)


def _mark_webhooks(connection: Connection, problem: str) -> None:
    connection.webhooks_checked_at, connection.webhooks_problem = timezone.now(), problem
    connection.save(update_fields=["webhooks_checked_at", "webhooks_problem"])


def _checked_at(lane_id: int) -> datetime | None:
    return Lane.objects.values_list("checked_at", flat=True).get(pk=lane_id)


def _mark_checked(lane_id: int) -> None:
    Lane.objects.filter(pk=lane_id).update(checked_at=timezone.now())


def lanes_due_for_a_check() -> list[int]:
    """Lanes with a live connection that were not looked at for long enough, and needn't wait."""
    now = timezone.now()
    blind = ~Q(connections__webhooks_problem="") & Q(checked_at__lt=now - CHECK_WITHOUT_WEBHOOKS_EVERY)
    due = Lane.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=now - CHECK_EVERY) | blind,
        Q(wait_until=None) | Q(wait_until__lte=now),
        connections__status__in=[Status.ACTIVE.value, Status.SYNCING.value],
    )
    return list(due.distinct().values_list("pk", flat=True))
