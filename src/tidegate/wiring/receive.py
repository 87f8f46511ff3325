"""Deliveries from Pipedrive: is it genuine, what happened, store it, wake the lane. Nothing else happens before the answer."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tidegate.adapters.pipedrive.webhooks import check_genuine, read_delivery
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.records import Side
from tidegate.errors import NotGenuine
from tidegate.ports import Happening
from tidegate.store.catalogues import person_kinds, pipedrive_catalogue
from tidegate.store.inbox import News, add_changes
from tidegate.store.models import Connection
from tidegate.store.secrets import decrypt
from tidegate.wiring.upkeep import HOOK_USER

OF_THE_CATALOGUE = frozenset({"user", "pipeline", "stage"})
"""What Pipedrive has webhooks for; fields have none, and are seen by the daily reread."""

_catalogues: dict[UUID, tuple[datetime, PipedriveCatalogue]] = {}


def receive_delivery(hook_token: str, authorization: str | None, body: bytes) -> int:
    """Store what a delivery tells; how many rows were new. Raises NotGenuine, Malformed, NotHandled."""
    rows = Connection.objects.filter(hook_token=hook_token, disconnected_at=None)
    connection = rows.defer("catalogue", "settings").first()
    if connection is None or connection.hook_secret is None:
        raise NotGenuine("There is no connection at this address.")
    check_genuine(authorization, user=HOOK_USER, password=decrypt(connection.hook_secret))
    catalogue = _catalogue_of(connection)
    happenings = read_delivery(body, catalogue.fields)
    with transaction.atomic():
        _mark_delivery(connection)
        if any(happening.entity in OF_THE_CATALOGUE for happening in happenings):
            Connection.objects.filter(pk=connection.pk).update(
                catalogue_read_at=None
            )  # read anew at the next drain
        if connection.launched_at is None:
            return 0
        return add_changes(connection, map(_news, happenings), kinds=person_kinds(catalogue))


def _catalogue_of(connection: Connection) -> PipedriveCatalogue:
    """Reading it takes longer than all the rest of a delivery, so each process keeps what it read until it is read anew."""
    read_at = connection.catalogue_read_at
    known = _catalogues.get(connection.pk)
    if known is not None and known[0] == read_at:
        return known[1]
    catalogue = pipedrive_catalogue(connection)
    if read_at is not None:  # without it nothing tells two readings apart
        _catalogues[connection.pk] = read_at, catalogue
    return catalogue


def _mark_delivery(connection: Connection) -> None:
    """At most once a second: a burst of deliveries must not queue for one row."""
    now = timezone.now()
    if connection.last_delivery_at is not None and connection.last_delivery_at >= now.replace(microsecond=0):
        return
    stale = Q(last_delivery_at=None) | Q(last_delivery_at__lt=now.replace(microsecond=0))
    Connection.objects.filter(stale, pk=connection.pk).update(last_delivery_at=now)


def _news(happening: Happening) -> News:
    return News(
        Side.PIPEDRIVE,
        happening.entity,
        happening.record_id,
        action=happening.action,
        source="webhook",
        delivery_id=f"{happening.event_id}:{happening.entity}:{happening.record_id}"[:80],
        body=happening.body,
        merged_into=happening.merged_into or "",
        actor=f"Pipedrive user {happening.actor_id}" if happening.actor_id else "",
    )
