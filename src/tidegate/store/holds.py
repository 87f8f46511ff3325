"""Holding a lane: a PostgreSQL session advisory lock on a connection of its own, an epoch that fences, a heartbeat.

The lock ends with the session: `kill -9` frees it at once, a lost host after the TCP keepalive. A frozen process keeps
its session, so the sweep ends the session of a holder whose heartbeat is older than `HEARTBEAT_SECONDS`; when the process
thaws, `check` finds its session gone before it sends anything. Why not Procrastinate's lock: docs/adr/0005.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection as django_connection

from tidegate.errors import LaneLost
from tidegate.ports import Hold
from tidegate.store.models import Lane

LOCK_CLASS = 7416
"""The first half of our advisory locks' keys; the second is the lane's id."""
HEARTBEAT_SECONDS = 12
"""A holder that has not beaten for so long is taken for frozen."""

_HOLD = """
    UPDATE store_lane SET epoch = epoch + 1, holder_pid = pg_backend_pid(),
        held_until = now() + make_interval(secs => %s)
    WHERE id = %s RETURNING epoch
"""
_BEAT = "UPDATE store_lane SET held_until = now() + make_interval(secs => %s) WHERE id = %s AND epoch = %s"
_LET_GO = "UPDATE store_lane SET held_until = NULL, holder_pid = NULL WHERE id = %s AND epoch = %s"


@dataclass
class AdvisoryHold(Hold):
    lane_id: int
    epoch: int
    session: "psycopg.Connection[Any]" = field(repr=False)
    seen_alive_at: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        began = time.monotonic()
        try:
            beaten = self.session.execute(_BEAT, (HEARTBEAT_SECONDS, self.lane_id, self.epoch)).rowcount
        except psycopg.Error as error:
            raise LaneLost from error
        if beaten != 1:
            raise LaneLost
        self.seen_alive_at = began

    def release(self) -> None:
        try:
            self.session.execute(_LET_GO, (self.lane_id, self.epoch))
        except psycopg.Error:
            pass  # the session is gone, and the lock with it
        finally:
            self.session.close()


def hold_lane(lane_id: int) -> AdvisoryHold | None:
    """The lane in our hands, or None where somebody else has it."""
    session = psycopg.connect(**session_parameters(), autocommit=True)
    try:
        row = session.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, lane_id)).fetchone()
        held = session.execute(_HOLD, (HEARTBEAT_SECONDS, lane_id)).fetchone() if row and row[0] else None
    except BaseException:
        session.close()
        raise
    if held is None:
        session.close()
        return None
    return AdvisoryHold(lane_id, held[0], session)


def session_parameters() -> dict[str, Any]:
    """Django's own way to the database, with a keepalive that notices a lost host within some ten seconds."""
    parameters = {
        key: value
        for key, value in django_connection.get_connection_params().items()
        if key not in ("context", "prepare_threshold", "cursor_factory")
    }
    return {**parameters, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


def end_frozen_holders() -> list[int]:
    """End the sessions of holders whose heart stopped; the lanes they held."""
    frozen = Lane.objects.raw(
        """
        SELECT lane.* FROM store_lane lane JOIN pg_locks held
          ON held.locktype = 'advisory' AND held.classid = %s AND held.objid = lane.id::oid
         AND held.objsubid = 2 AND held.granted AND held.pid = lane.holder_pid
         AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        WHERE lane.held_until < now()
        """,
        [LOCK_CLASS],
    )
    ended = []
    with django_connection.cursor() as cursor:
        for lane in frozen:
            cursor.execute("SELECT pg_terminate_backend(%s)", [lane.holder_pid])
            ended.append(lane.pk)
    return ended


def fence(hold: Hold) -> None:
    """Inside a transaction: go on only where the lane is still ours, and keep it so until the commit."""
    lane = Lane.objects.select_for_update(no_key=True).filter(pk=hold.lane_id, epoch=hold.epoch).first()
    if lane is None:
        raise LaneLost
