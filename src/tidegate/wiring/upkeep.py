"""What a live connection needs beside following changes: its webhooks in place, and a regular look for what they missed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Q
from django.utils import timezone

from tidegate.adapters.pipedrive.webhooks import (
    failing,
    last_taken,
    plan_webhooks,
    wanted_webhooks,
    wished_webhooks,
)
from tidegate.config import config
from tidegate.core.brakes import Brake, emptied_lists
from tidegate.core.catalogue import NamedList
from tidegate.core.checks import (
    EVERY,
    Webhooks,
    check_every,
    goes_astray,
    list_webhooks_now,
    suspicion_is_over,
    webhooks_fare,
)
from tidegate.core.connection import Status
from tidegate.errors import PermissionMissing, RecordRejected, RemoteUnavailable
from tidegate.ports import Crm, Stopped, Webhook, WebhookRequest
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date
from tidegate.store.catalogues import outreach_catalogue, store_catalogues
from tidegate.store.models import Connection, Lane
from tidegate.store.queries import budget_today
from tidegate.store.schedule import LaneSchedule
from tidegate.store.secrets import decrypt
from tidegate.store.webhook_doubts import doubt_after_downtime
from tidegate.wiring.steps import worker_step
from tidegate.words import Counted, say

CATALOGUE_EVERY = timedelta(hours=24)
DOWN_AFTER = timedelta(seconds=90)
"""A lane that was not swept for so long: everything was down, and Pipedrive gave its deliveries up meanwhile."""
SWEPT_EVERY = timedelta(seconds=20)
HOOK_USER = "tidegate"
_HELD = Counted(
    "“{list}” held {count} prospect and holds none now", "“{list}” held {count} prospects and holds none now"
)


def hook_url(connection: Connection) -> str:
    return f"{config.public_url}/hooks/pipedrive/{connection.hook_token}"


async def keep_up(connection: Connection, engine: Engine) -> None:
    """Whatever is due for this connection."""
    now = engine.lane.clock.now()
    if connection.catalogue_read_at is None or now - connection.catalogue_read_at > CATALOGUE_EVERY:
        await reread_catalogue(connection, engine.crm)
    if list_webhooks_now(
        checked_at=connection.webhooks_checked_at,
        suspected_at=connection.webhooks_suspected_at,
        fare=fare_of(connection, now),
        now=now,
    ):
        await _try_webhooks(connection, engine.crm)
    checked_at = await worker_step(_checked_at, engine.lane.id)
    if checked_at is None or now - checked_at > await worker_step(_check_every, connection, now):
        await _watch_lists(connection, engine)
        await bring_up_to_date(engine)
        await worker_step(_mark_checked, engine.lane.id)


async def reread_catalogue(connection: Connection, crm: Crm) -> None:
    """Some 62 tokens. What vanished sleeps from the next batch on, and is told under Needs attention."""
    catalogue = await crm.read_catalogue()
    await worker_step(LaneSchedule().learn_catalogue, str(connection.pk), catalogue)


def fare_of(connection: Connection, now: datetime) -> Webhooks:
    return webhooks_fare(
        problem=connection.webhooks_problem, suspected_at=connection.webhooks_suspected_at, now=now
    )


def _check_every(connection: Connection, now: datetime) -> timedelta:
    return check_every(fare_of(connection, now), spent_share=_spent_share(connection.lane))


def _spent_share(lane: Lane) -> float:
    budget = budget_today(lane)
    return budget.used / max(1, budget.total - budget.reserve)


async def _watch_lists(connection: Connection, engine: Engine) -> None:
    """The sizes of the lists as they are now; a synced one that became empty all of a sudden stops the connection."""
    before = await worker_step(outreach_catalogue, connection)
    after = await engine.outreach.read_catalogue()
    settings = connection.get_settings()
    emptied = emptied_lists(before, after, settings.sync_from_lists) if settings.brakes.on else []
    if emptied:
        what = _emptied(emptied)
        stopped = Stopped(Brake.LIST, say("A list that is synced is suddenly empty: {what}.", what=what))
        await worker_step(LaneSchedule().halt, str(connection.pk), stopped)
    else:
        await worker_step(partial(store_catalogues, connection, outreach=after))


def _emptied(lists: Sequence[NamedList]) -> str:
    first, *others = lists
    what = _HELD(first.size or 0, list=first.name)
    return say("{what}, {rest}", what=what, rest=_emptied(others)) if others else what


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
    wished = wished_webhooks(hook_url(connection), HOOK_USER, secret)
    existing = await crm.list_webhooks()
    lacking, delete = plan_webhooks(existing, (*wanted, *wished))
    create = [request for request in lacking if request in wanted]
    if connection.webhooks_checked_at is not None and (
        create or await _doubtful(connection, existing, wanted)
    ):
        await worker_step(_suspect, connection)
    for request in create:
        try:
            await crm.create_webhook(request)
        except RemoteUnavailable:
            return  # whether it was made shows when they are listed again, at the next drain
    for webhook_id in delete:
        await crm.delete_webhook(webhook_id)
    if set(wished) <= set(lacking) and _first_list_of_the_day(connection):
        await _try_for_one(crm, wished)
    await worker_step(_mark_webhooks, connection, "")


def _first_list_of_the_day(connection: Connection) -> bool:
    checked_at = connection.webhooks_checked_at
    return checked_at is None or checked_at.date() < timezone.now().date()


async def _try_for_one(crm: Crm, wished: Sequence[WebhookRequest]) -> None:
    """What Pipedrive does not grant is done without: the catalogue is reread daily all the same."""
    for request in wished:
        try:
            await crm.create_webhook(request)
        except RemoteUnavailable:
            return
        except (RecordRejected, PermissionMissing):
            continue
        return


async def _doubtful(
    connection: Connection, existing: Sequence[Webhook], wanted: Sequence[WebhookRequest]
) -> bool:
    """Whether what Pipedrive tells of its deliveries says that some did not come here."""
    arrived_at = await worker_step(_arrived_at, connection)
    return failing(existing, wanted) or goes_astray(
        taken_at=last_taken(existing, wanted), arrived_at=arrived_at
    )


async def remove_webhooks(connection: Connection, crm: Crm) -> None:
    path = hook_url(connection).rsplit("/", 1)[-1]
    for webhook in await crm.list_webhooks():
        if webhook.url.endswith(path):
            await crm.delete_webhook(webhook.id)


def _suspect(connection: Connection) -> None:
    """One was removed, or a delivery was refused or went elsewhere: what it had to tell is looked for at once, and often for
    a while."""
    connection.webhooks_suspected_at = connection.webhooks_suspected_at or timezone.now()
    connection.save(update_fields=["webhooks_suspected_at"])
    Lane.objects.filter(pk=connection.lane_id).update(checked_at=None)


def _mark_webhooks(connection: Connection, problem: str) -> None:
    connection.webhooks_checked_at, connection.webhooks_problem = timezone.now(), problem
    connection.save(update_fields=["webhooks_checked_at", "webhooks_problem"])


def _arrived_at(connection: Connection) -> datetime | None:
    """As it is now: deliveries come while a lane is being worked on."""
    return Connection.objects.values_list("last_delivery_at", flat=True).get(pk=connection.pk)


def _checked_at(lane_id: int) -> datetime | None:
    return Lane.objects.values_list("checked_at", flat=True).get(pk=lane_id)


def _mark_checked(lane_id: int) -> None:
    """A suspicion that this look did not confirm may be over."""
    now = timezone.now()
    Lane.objects.filter(pk=lane_id).update(checked_at=now)
    for connection in Connection.objects.filter(lane_id=lane_id).exclude(webhooks_suspected_at=None):
        suspected_at = connection.webhooks_suspected_at
        if suspected_at is not None and suspicion_is_over(
            suspected_at=suspected_at, last_delivery_at=connection.last_delivery_at, now=now
        ):
            Connection.objects.filter(pk=connection.pk, webhooks_suspected_at=suspected_at).update(
                webhooks_suspected_at=None
            )


def lanes_due_for_a_check() -> list[int]:
    """Lanes with a live connection that were not looked at for long enough, and needn't wait."""
    now = timezone.now()
    live = Connection.objects.select_related("lane").filter(
        Q(lane__wait_until=None) | Q(lane__wait_until__lte=now),
        Q(lane__checked_at=None) | Q(lane__checked_at__lt=now - min(EVERY.values())),
        status__in=[Status.ACTIVE.value, Status.SYNCING.value],
    )
    rolling = Lane.objects.filter(
        Q(wait_until=None) | Q(wait_until__lte=now),
        connections__status=Status.ACTIVE.value,
        connections__sameness__due_at__lte=now,
    )
    due = {connection.lane_id for connection in live if _is_due(connection, now)}
    return list(due | set(rolling.values_list("pk", flat=True)))


def _is_due(connection: Connection, now: datetime) -> bool:
    checked_at = connection.lane.checked_at
    if checked_at is None:
        return True
    age = now - checked_at
    return age > check_every(fare_of(connection, now)) and age > _check_every(connection, now)


def note_downtime() -> None:
    """After everything was down, each lane is looked at: Pipedrive gives a delivery up after some three minutes."""
    now = timezone.now()
    away = list(Lane.objects.filter(swept_at__lt=now - DOWN_AFTER).values_list("pk", flat=True))
    if away:
        doubt_after_downtime(away)
        Lane.objects.filter(pk__in=away).update(checked_at=None, swept_at=now)
    Lane.objects.filter(Q(swept_at=None) | Q(swept_at__lt=now - SWEPT_EVERY)).update(swept_at=now)
