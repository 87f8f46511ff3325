"""Waking a lane: a job is a wake-up, never the truth.

Deferred in the caller's transaction, in a savepoint of its own: a wake that is queued already is fine and must not
poison the transaction (seen with Procrastinate 3.10: AlreadyEnqueued leaves the transaction aborted).
"""

from datetime import datetime

from django.db import connection as database
from django.db import transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app

DRAIN = "tidegate.drain"


def wake_lane(lane_id: int, *, at: datetime | None = None) -> None:
    """Ask for a drain of this lane, now or later. Any number of wakes before the drain starts are one.

    A wake for later has a lock of its own, so that it never swallows one for now.
    """
    lock = f"lane:{lane_id}" if at is None else f"lane:{lane_id}:later"
    try:
        with transaction.atomic():
            app.configure_task(DRAIN, queueing_lock=lock, schedule_at=at, queue="lanes").defer(
                lane_id=lane_id
            )
    except exceptions.AlreadyEnqueued:
        pass


_ASLEEP = """
    SELECT NOT EXISTS (SELECT FROM store_lane WHERE id = %s AND (held_until > now() OR wait_until > now()))
        AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo')
"""


def wake_if_asleep(lane_id: int) -> None:
    """Ask for a drain unless one is under way, queued or set for later. Only after the commit of what it is to find:

    who holds a lane looks once more after letting go. Where a holder was killed, the sweep hands its lane on.
    """
    with database.cursor() as cursor:
        cursor.execute(_ASLEEP, [lane_id, f"lane:{lane_id}"])
        asleep = cursor.fetchone()[0]
    if asleep:
        wake_lane(lane_id)
