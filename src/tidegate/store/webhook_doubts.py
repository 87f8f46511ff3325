"""How Pipedrive's webhooks fare: a change that none of them told of is a suspicion, and so is one that came at a second try."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from tidegate.core.records import Side
from tidegate.store.models import OWN_WRITE, Change, Connection

CLOCK_MARGIN = timedelta(minutes=2)
"""How far Pipedrive's clock may be ahead of ours."""

DOUBTED_EVERY = timedelta(minutes=1)
"""A burst of late deliveries must not queue for the connection's row."""


def doubt_late_deliveries(connection_id: UUID) -> None:
    """A delivery came at its second try or later: the first failed, ten of which make a ban. The suspicion begins anew."""
    now = timezone.now()
    older = Q(webhooks_suspected_at=None) | Q(webhooks_suspected_at__lt=now - DOUBTED_EVERY)
    Connection.objects.filter(older, pk=connection_id).update(webhooks_suspected_at=now)


def doubt_after_downtime(lane_ids: Collection[int]) -> None:
    """Nothing was taken for longer than Pipedrive tries: a ban that began meanwhile goes on."""
    live = Connection.objects.filter(lane_id__in=lane_ids, disconnected_at=None).exclude(
        webhooks_checked_at=None
    )
    live.update(webhooks_suspected_at=timezone.now())


def doubt(connection_id: str, missed: Mapping[str, datetime]) -> None:
    """`missed`: person -> when it changed. Only changes since the webhooks were last seen in place count."""
    in_place_since = Connection.objects.values_list("webhooks_checked_at", flat=True).get(pk=connection_id)
    if in_place_since is None:
        return
    late = {person_id: at for person_id, at in missed.items() if at > in_place_since}
    told_at = dict(
        Change.objects.filter(
            connection_id=connection_id,
            side=Side.PIPEDRIVE.value,
            source__in=("webhook", OWN_WRITE),
            record_id__in=list(late),
        )
        .values_list("record_id")
        .annotate(told_at=Max("received_at"))
    )
    if any(i not in told_at or told_at[i] < changed_at - CLOCK_MARGIN for i, changed_at in late.items()):
        Connection.objects.filter(pk=connection_id).update(
            webhooks_suspected_at=Coalesce("webhooks_suspected_at", Now())
        )
