"""Deliveries from Pipedrive: is it genuine, what happened, store it, wake the lane. Nothing else happens before the answer."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tidegate.adapters.pipedrive.webhooks import check_genuine, read_delivery
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


def receive_delivery(hook_token: str, authorization: str | None, body: bytes) -> int:
    """Store what a delivery tells; how many rows were new. Raises NotGenuine, Malformed, NotHandled."""
    connection = Connection.objects.filter(hook_token=hook_token, disconnected_at=None).first()
    if connection is None or connection.hook_secret is None:
        raise NotGenuine("There is no connection at this address.")
    check_genuine(authorization, user=HOOK_USER, password=decrypt(connection.hook_secret))
    catalogue = pipedrive_catalogue(connection)
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


def _mark_delivery(connection: Connection) -> None:
    """At most once a second: a burst of deliveries must not queue for one row."""
    now = timezone.now()
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
