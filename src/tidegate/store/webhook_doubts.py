"""What reconciliation finds tells how Pipedrive's webhooks fare: a change that none of them told of is a suspicion."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Max
from django.db.models.functions import Coalesce, Now

from tidegate.core.records import Side
from tidegate.store.models import Change, Connection

CLOCK_MARGIN = timedelta(minutes=2)
"""How far Pipedrive's clock may be ahead of ours."""


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
            source="webhook",
            record_id__in=list(late),
        )
        .values_list("record_id")
        .annotate(told_at=Max("received_at"))
    )
    if any(i not in told_at or told_at[i] < changed_at - CLOCK_MARGIN for i, changed_at in late.items()):
        Connection.objects.filter(pk=connection_id).update(
            webhooks_suspected_at=Coalesce("webhooks_suspected_at", Now())
        )
