"""Deliveries into the inbox: whatever arrives within the same few milliseconds is one statement and one commit.

What a delivery is checked against and read by is kept in memory. The statement that stores it says whether that still holds,
so a changed secret, a new catalogue, a launch or an end of the connection counts from the next delivery on.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
from django.db import DataError, Error
from django.db import connection as database

from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.connection import Status
from tidegate.core.values import Kind
from tidegate.store.catalogues import person_kinds, pipedrive_catalogue
from tidegate.store.inbox import News, body_to_json
from tidegate.store.models import Connection
from tidegate.store.secrets import decrypt
from tidegate.store.wakes import wake_if_asleep

MOST_KEPT = 1000
"""Connections kept in memory; beyond it all are forgotten and read again."""
NUL = b"\\u0000"
"""What PostgreSQL's JSON can't hold. A body may be left out: the record is looked at then."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A connection as its deliveries need it, as its row was when it was read."""

    connection_id: UUID
    lane_id: int
    sealed: bytes = field(repr=False)
    password: str = field(repr=False)
    user_id: str
    """The connected Pipedrive user, in whose name we write."""
    launched: bool
    catalogue: PipedriveCatalogue
    catalogue_read_at: datetime | None
    kinds: Mapping[str, Kind]


_listeners: dict[str, Listener] = {}


def listener_at(hook_token: str, *, anew: bool = False) -> Listener | None:
    """Who listens at this address: from memory, or read `anew`. None where nobody does."""
    known = None if anew else _listeners.get(hook_token)
    if known is not None:
        return known
    row = Connection.objects.filter(hook_token=hook_token, disconnected_at=None).defer("settings").first()
    if row is None or row.hook_secret is None:
        _listeners.pop(hook_token, None)
        return None
    catalogue = pipedrive_catalogue(row)
    listener = Listener(
        row.pk,
        row.lane_id,
        bytes(row.hook_secret),
        decrypt(row.hook_secret),
        row.pipedrive_user_id,
        row.launched_at is not None,
        catalogue,
        row.catalogue_read_at,
        person_kinds(catalogue),
    )
    if len(_listeners) >= MOST_KEPT:
        _listeners.clear()
    if listener.launched and listener.catalogue_read_at is not None:
        _listeners[hook_token] = (
            listener  # without the time nothing tells two readings of the catalogue apart
        )
    return listener


@dataclass(slots=True)
class _Waiting:
    listener: Listener
    news: Sequence[News]
    holds: bool | None = None
    error: Error | None = None


_queue: deque[_Waiting] = deque()
_one_at_a_time = Lock()


def store_delivery(listener: Listener, news: Sequence[News]) -> bool:
    """Store and wake, committed when this returns. False where the listener is not what it was, and nothing was stored.

    Who comes while another one's statement is under way waits, and is stored with all that came meanwhile.
    """
    mine = _Waiting(listener, news)
    _queue.append(mine)
    with _one_at_a_time:
        if mine.holds is None and mine.error is None:
            _store([_queue.popleft() for _ in range(len(_queue))])
    if mine.error is not None:
        raise mine.error
    return bool(mine.holds)


def _store(waiting: list[_Waiting]) -> None:
    waiting.sort(key=lambda each: id(each.listener))
    for _, group in groupby(waiting, key=lambda each: id(each.listener)):
        together = list(group)
        try:
            _store_together(together)
        except DataError as error:  # one of them can't be stored, and must not spoil the others
            if len(together) == 1:
                together[0].error = error
            else:
                for each in together:
                    _store([each])
        except Error as error:  # each of them is told, whoever's turn it was
            for each in together:
                each.error = error


_INSERT = """
    WITH listener AS (
        SELECT id, lane_id, status FROM store_connection
        WHERE id = %(connection)s AND hook_secret = %(sealed)s AND catalogue_read_at IS NOT DISTINCT FROM %(read_at)s
            AND disconnected_at IS NULL AND launched_at IS NOT NULL
    ), stored AS (
        INSERT INTO store_change (lane_id, connection_id, side, entity, record_id, action, source, delivery_id, body,
            merged_into, actor, received_at, due_at, attempts, outcome)
        SELECT listener.lane_id, listener.id, n.side, n.entity, n.record_id, n.action, n.source, n.delivery_id,
            n.body::jsonb, n.merged_into, n.actor, now(), coalesce(n.due_at, now()), 0, ''
        FROM listener, unnest(%(side)s::text[], %(entity)s::text[], %(record_id)s::text[], %(action)s::text[],
            %(source)s::text[], %(delivery_id)s::text[], %(body)s::text[], %(merged_into)s::text[], %(actor)s::text[],
            %(due_at)s::timestamptz[])
            AS n(side, entity, record_id, action, source, delivery_id, body, merged_into, actor, due_at)
        ON CONFLICT (connection_id, delivery_id) DO NOTHING RETURNING 1
    )
    SELECT status, (SELECT count(*) FROM stored) FROM listener
"""


def _store_together(waiting: Iterable[_Waiting]) -> None:
    """The deliveries of one listener."""
    waiting = list(waiting)
    listener = waiting[0].listener
    news = [item for each in waiting for item in each.news]
    facts: dict[str, Any] = {
        "connection": listener.connection_id,
        "sealed": listener.sealed,
        "read_at": listener.catalogue_read_at,
        "side": [item.side.value for item in news],
        "body": [_body(item, listener.kinds) for item in news],
        "actor": [item.actor[:200] for item in news],
    }
    for name in ("entity", "record_id", "action", "source", "delivery_id", "merged_into", "due_at"):
        facts[name] = [getattr(item, name) for item in news]
    with database.cursor() as cursor:
        cursor.execute(_INSERT, facts)
        row = cursor.fetchone()
    for each in waiting:
        each.holds = row is not None
    if row is not None and row[0] == Status.ACTIVE and row[1]:
        wake_if_asleep(listener.lane_id)


def _body(news: News, kinds: Mapping[str, Kind]) -> str | None:
    body = body_to_json(news, kinds)
    if body is None:
        return None
    packed = orjson.dumps(body)
    return None if NUL in packed else packed.decode()
