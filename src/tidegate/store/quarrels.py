"""What was written to a pair lately, read off the activity log: it is stored in the transaction of the link itself."""

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from tidegate.core.operations import Act
from tidegate.core.quarrels import KIND, WINDOW, Past, PastWrite
from tidegate.core.records import Side
from tidegate.store.models import Attention, LogEntry


def past_writes(connection_id: str, prospect_ids: Collection[str]) -> dict[str, Past]:
    """Prospect id -> its pair's latest writes since a quarrel of it was last settled, and what is stopped now."""
    now = timezone.now()
    since = now - WINDOW
    ids = list(prospect_ids)
    settled_at, stopped = _quarrels(connection_id, ids)
    writes: dict[str, list[PastWrite]] = {}
    rows = LogEntry.objects.filter(
        connection_id=connection_id, prospect_id__in=ids, act=Act.UPDATE.value, at__gte=since
    )
    for row in rows.order_by("id").values_list("prospect_id", "at", "side", "changes"):
        prospect_id, at, side, changes = row
        if at > settled_at.get(prospect_id, since):
            values = {str(change["field"]): change["after"] for change in changes}
            writes.setdefault(prospect_id, []).append(PastWrite(now - at, Side(side), values))
    return {i: Past(tuple(writes.get(i, ())), stopped.get(i, frozenset())) for i in {*writes, *stopped}}


def _quarrels(
    connection_id: str, ids: Collection[str]
) -> tuple[dict[str, datetime], dict[str, frozenset[str]]]:
    """Of these prospects' quarrels: when the last one was settled, and the mappings of those that stand."""
    settled_at: dict[str, datetime] = {}
    stopped: dict[str, frozenset[str]] = {}
    rows = Attention.objects.filter(connection_id=connection_id, kind=KIND, prospect_id__in=ids)
    for row in rows.order_by("id"):
        if row.settled_at is not None:
            settled_at[row.prospect_id] = row.settled_at
        else:
            stopped[row.prospect_id] = frozenset(map(str, row.facts.get("mappings", [])))
    return settled_at, stopped
