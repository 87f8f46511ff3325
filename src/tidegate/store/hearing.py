"""Which connection has heard of a change in Pipedrive: all of a company share the mirror, but each has webhooks of its own.

So what the mirror knows may be news to a connection whose webhook was lost, and what is looked up while it is paused would
pass it by.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Q

from tidegate.core.records import Side
from tidegate.store.models import Change, Connection


def absent(lane_id: int, present: Collection[str]) -> list[str]:
    """The launched connections of the company that are not at work: what they miss now, nobody looks for later."""
    rows = Connection.objects.filter(lane_id=lane_id, disconnected_at=None, launched_at__isnull=False)
    return [str(pk) for pk in rows.exclude(pk__in=present).values_list("pk", flat=True)]


def unheard(lane_id: int, connection_id: str, changed: Mapping[str, datetime]) -> set[str]:
    """Of these persons (id -> when it changed), those that only other connections can have told of since the launch of this one.

    The only connection of a company has heard of all that the mirror knows.
    """
    if not changed or not Connection.objects.filter(lane_id=lane_id).exclude(pk=connection_id).exists():
        return set()
    launched_at = Connection.objects.values_list("launched_at", flat=True).get(pk=connection_id)
    news = {i: at for i, at in changed.items() if launched_at is not None and at > launched_at}
    return news.keys() - heard(connection_id, news)


def heard(connection_id: str, changed: Mapping[str, datetime]) -> set[str]:
    """Of these persons (id -> when it changed), those that wait in the connection's inbox, or were told to it since."""
    if not changed:
        return set()
    still_known = Q(done_at=None) | Q(received_at__gte=min(changed.values()))
    rows = Change.objects.filter(still_known, connection_id=connection_id, side=Side.PIPEDRIVE.value)
    told = rows.filter(entity="person", record_id__in=list(changed))
    return {
        record_id
        for record_id, received_at, done_at in told.values_list("record_id", "received_at", "done_at")
        if done_at is None or received_at >= changed[record_id]
    }
