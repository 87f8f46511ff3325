"""Deliveries from Pipedrive: is it genuine, what happened, store it, wake the lane. Nothing else happens before the answer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db import connection as database
from django.db.models import Q
from django.utils import timezone

from tidegate.adapters.pipedrive.webhooks import check_genuine, read_delivery
from tidegate.core.records import Side
from tidegate.errors import NotGenuine, TemporaryError
from tidegate.ports import Happening
from tidegate.store.deliveries import Listener, listener_at, store_delivery
from tidegate.store.inbox import News
from tidegate.store.models import OWN_WRITE, Connection
from tidegate.store.webhook_doubts import doubt_late_deliveries
from tidegate.wiring.upkeep import HOOK_USER
from tidegate.words import say

OF_THE_CATALOGUE = frozenset({"user", "pipeline", "stage", "person_field"})
"""Of these the catalogue is read anew; of lists, filters and what no webhook told by the daily reread."""
ATTEMPTS = 4
"""Each after the first by the connection's row as it is then."""
MARK_SECONDS = 1.0
"""A burst of deliveries must not queue for the connection's row."""

PATIENCE_SECONDS = 5.0
"""So long without a database is waited out: Pipedrive waits ten seconds for an answer, and ten refused deliveries make a ban of
half an hour. A longer outage is answered at once, so that deliveries don't hold all threads."""
PAUSE_SECONDS = 0.1

_marked: dict[UUID, float] = {}


@dataclass
class Outage:
    """How long this process has been without its database."""

    since: float | None = None

    def is_short(self) -> bool:
        if self.since is None:
            self.since = time.monotonic()
        return time.monotonic() - self.since < PATIENCE_SECONDS

    def is_over(self) -> None:
        self.since = None


_outage = Outage()


def receive_delivery(hook_token: str, authorization: str | None, body: bytes) -> None:
    """Store what a delivery tells, committed when this returns. Raises NotGenuine, Malformed, NotHandled."""
    try:
        _receive(hook_token, authorization, body)
    except (OperationalError, InterfaceError):
        if database.in_atomic_block:
            raise
        _receive_again(hook_token, authorization, body)
    _outage.is_over()


def _receive_again(hook_token: str, authorization: str | None, body: bytes) -> None:
    """The connection broke since the last delivery, or there is no database for a moment. Nothing is stored twice."""
    while True:
        database.close()
        try:
            return _receive(hook_token, authorization, body)
        except (OperationalError, InterfaceError):
            if not _outage.is_short():
                raise
            time.sleep(PAUSE_SECONDS)


def _receive(hook_token: str, authorization: str | None, body: bytes) -> None:
    for attempt in range(ATTEMPTS):
        listener = _genuine(hook_token, authorization, anew=attempt > 0)
        if _take(listener, read_delivery(body, listener.catalogue.fields)):
            return
    raise TemporaryError(say("The connection changed again and again while a delivery was to be stored."))


def _genuine(hook_token: str, authorization: str | None, *, anew: bool) -> Listener:
    """Refused only by what the row says now: the secret may be a new one."""
    listener = listener_at(hook_token, anew=anew)
    if listener is None:
        raise NotGenuine(say("There is no connection at this address."))
    try:
        check_genuine(authorization, user=HOOK_USER, password=listener.password)
    except NotGenuine:
        if anew:
            raise
        return _genuine(hook_token, authorization, anew=True)
    return listener


def _take(listener: Listener, happenings: Sequence[Happening]) -> bool:
    _mark_delivery(listener.connection_id)
    if any(happening.attempt > 1 for happening in happenings):
        doubt_late_deliveries(listener.connection_id)
    if any(happening.entity in OF_THE_CATALOGUE for happening in happenings):
        # read anew at the next drain
        Connection.objects.filter(pk=listener.connection_id).update(catalogue_read_at=None)
    return not listener.launched or store_delivery(
        listener, [_news(happening, listener) for happening in happenings]
    )


def _mark_delivery(connection_id: UUID) -> None:
    if time.monotonic() < _marked.get(connection_id, 0.0) + MARK_SECONDS:
        return
    now = timezone.now()
    stale = Q(last_delivery_at=None) | Q(last_delivery_at__lt=now.replace(microsecond=0))
    Connection.objects.filter(stale, pk=connection_id).update(last_delivery_at=now)
    _marked[connection_id] = time.monotonic()


def _news(happening: Happening, listener: Listener) -> News:
    hidden = happening.permitted is not None and listener.user_id not in happening.permitted
    ours = happening.by_program and happening.actor_id == listener.user_id
    return News(
        Side.PIPEDRIVE,
        happening.entity,
        happening.record_id,
        action=happening.action,
        source=OWN_WRITE if ours else "webhook",
        delivery_id=f"{happening.event_id}:{happening.entity}:{happening.record_id}"[:80],
        body=None if hidden else happening.body,  # what we can't see any more is looked at, whatever it shows
        before=happening.before if ours else None,
        merged_into=happening.merged_into or "",
        actor=say("Pipedrive user {id}", id=happening.actor_id) if happening.actor_id else "",
    )
