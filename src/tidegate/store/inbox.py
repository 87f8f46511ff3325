"""The inbox: whatever happened in either app is a row here before anything is done about it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from tidegate import ports
from tidegate.core.bases import record_from_json, record_to_json
from tidegate.core.connection import Status
from tidegate.core.records import Record, Side
from tidegate.core.values import Json, Kind
from tidegate.store.models import Change, Connection
from tidegate.store.models.lanes import FLOW
from tidegate.store.wakes import wake_lane

LOOK = "campaign_email"
"""The entity of a look: a plan to write a campaign e-mail's activity."""


@dataclass(frozen=True, slots=True)
class News:
    """One thing to put into the inbox."""

    side: Side
    entity: str
    record_id: str
    action: str = "change"
    source: str = "store"
    delivery_id: str | None = None
    body: Record | None = None
    before: Record | None = None
    """Where our own write is told of: what the fields it changed held until then."""
    merged_into: str = ""
    actor: str = ""
    due_at: datetime | None = None


def closed_consent(prospect_id: str, actor: str = "", *, source: str = "campaign") -> News:
    """Campaigns may not write to this prospect any more: its person is to hear of it."""
    return News(Side.OUTREACH, "campaign_consent", prospect_id, action="check", source=source, actor=actor)


def add_changes(
    connection: Connection, news: Iterable[News], *, kinds: Mapping[str, Kind] | None = None
) -> int:
    """Store and wake, in the caller's transaction. A delivery that is here already is dropped. How many were new."""
    now = timezone.now()
    rows = [
        Change(
            lane_id=connection.lane_id,
            connection=connection,
            side=item.side.value,
            entity=item.entity,
            record_id=item.record_id,
            action=item.action,
            source=item.source,
            delivery_id=item.delivery_id,
            body=body_to_json(item, kinds or {}),
            merged_into=item.merged_into,
            actor=item.actor[:200],
            received_at=now,
            due_at=item.due_at or now,
        )
        for item in news
    ]
    if not rows:
        return 0
    with transaction.atomic():
        before = _count_of_deliveries(connection, rows)
        Change.objects.bulk_create(rows, batch_size=2000, ignore_conflicts=True)
        if connection.status == Status.ACTIVE:
            wake_lane(connection.lane_id)
    return len(rows) - before


def body_to_json(news: News, kinds: Mapping[str, Kind]) -> dict[str, Json] | None:
    """The record as a delivery showed it, with what was there before beside it."""
    if news.body is None:
        return None
    body = record_to_json(news.body, kinds)
    return body if news.before is None else {**body, "before": record_to_json(news.before, kinds)}


_CAMPAIGN_EVENTS = """
    INSERT INTO store_change (lane_id, connection_id, side, entity, record_id, action, source, merged_into, actor,
                              received_at, due_at, attempts, outcome)
    SELECT %s, %s, %s, 'campaign_event', told.id::text, 'create', 'campaign', '', %s, %s, %s, 0, ''
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS told (id, place) ORDER BY place
"""


def add_campaign_events(connection: Connection, event_ids: Sequence[int], *, actor: str) -> None:
    """The same for events of campaigns, in this order. They come by thousands, and are all alike: one statement."""
    now = timezone.now()
    with database.cursor() as cursor:
        cursor.execute(
            _CAMPAIGN_EVENTS,
            [
                connection.lane_id,
                connection.pk,
                Side.OUTREACH.value,
                actor[:200],
                now,
                now,
                list(event_ids),
            ],
        )
    if connection.status == Status.ACTIVE:
        wake_lane(connection.lane_id)


def _count_of_deliveries(connection: Connection, rows: list[Change]) -> int:
    ids = [row.delivery_id for row in rows if row.delivery_id]
    return Change.objects.filter(connection=connection, delivery_id__in=ids).count() if ids else 0


def take_changes(connection_id: str, limit: int) -> list[ports.Change]:
    """Waiting and due changes of records of a connection, oldest first."""
    return [_to_port(row) for row in _due(connection_id, "").order_by("id")[:limit]]


def take_campaign_changes(connection_id: str, entity: str, limit: int) -> list[ports.Change]:
    """What campaigns tell is followed by itself, so that a flood of events holds up no record.

    Events come in the order in which they were told; looks, most of which are planned ahead, by when they fall due.
    """
    if entity == LOOK:
        rows = Change.objects.filter(connection_id=connection_id, done_at__isnull=True, entity=LOOK)
        rows = rows.filter(due_at__lte=timezone.now()).order_by("due_at", "id")
    else:
        rows = _due(connection_id, entity).order_by("id")
    return [_to_port(row) for row in rows[:limit]]


def _due(connection_id: str, flow: str) -> "QuerySet[Change]":
    return _waiting(connection_id, flow).filter(due_at__lte=timezone.now())


def _waiting(connection_id: str, flow: str) -> "QuerySet[Change]":
    rows = Change.objects.alias(flow=FLOW)
    return rows.filter(connection_id=connection_id, done_at__isnull=True, flow=flow)


def _to_port(row: Change) -> ports.Change:
    side = Side(row.side)
    before = row.body.get("before") if row.body is not None else None
    return ports.Change(
        id=row.pk,
        connection_id=str(row.connection_id),
        side=side,
        entity=row.entity,
        record_id=row.record_id,
        action=row.action,
        source=row.source,
        received_at=row.received_at,
        body=record_from_json(side, row.record_id, row.body) if row.body is not None else None,
        before=record_from_json(side, row.record_id, before) if before is not None else None,
        merged_into=row.merged_into or None,
        actor=row.actor,
        attempts=row.attempts,
    )


def peek_changes(connection_id: str, *, after: int, limit: int) -> list[ports.Change]:
    """Waiting changes of records with ids above `after`, due or not, oldest first."""
    rows = _waiting(connection_id, "").filter(id__gt=after)
    return [_to_port(row) for row in rows.order_by("id")[:limit]]


MOST_PUT_OFF = 1_000
"""So many events that wait to be tried again are looked at, to hold up what happened later."""


def put_off_events(connection_id: str) -> dict[str, datetime]:
    """Campaign events that were tried and put off, the oldest first, with when each falls due."""
    rows = _waiting(connection_id, "campaign_event").filter(attempts__gt=0, due_at__gt=timezone.now())
    return dict(rows.order_by("id").values_list("record_id", "due_at")[:MOST_PUT_OFF])


def count_waiting(connection_id: str, *, after: int) -> tuple[int, int]:
    rows = Change.objects.alias(flow=FLOW).filter(
        connection_id=connection_id, done_at__isnull=True, id__gt=after
    )
    found = rows.aggregate(n=Count("id", filter=Q(flow="")), newest=Max("id"))
    return found["n"], found["newest"] or after


def waiting_again(
    connection_id: str, records: Collection[tuple[Side, str]], *, after: int
) -> set[tuple[Side, str]]:
    """Which of these records have a waiting change with an id above `after`."""
    rows = _waiting(connection_id, "").filter(
        id__gt=after,
        entity__in=["prospect", "person"],
        record_id__in={record_id for _, record_id in records},
    )
    found = {(Side(side), record_id) for side, record_id in rows.values_list("side", "record_id")}
    return found & set(records)


def finish_changes(done: Mapping[int, str], later: Mapping[int, datetime]) -> None:
    """Mark changes as done with their outcome, and put off those that must wait; one statement each."""
    with database.cursor() as cursor:
        if done:
            cursor.execute(
                "UPDATE store_change c SET done_at = now(), outcome = v.outcome, body = NULL "
                "FROM unnest(%s::bigint[], %s::text[]) AS v(id, outcome) WHERE c.id = v.id AND c.done_at IS NULL",
                [list(done), list(done.values())],
            )
        if later:
            cursor.execute(
                "UPDATE store_change c SET due_at = v.due_at, attempts = attempts + 1 "
                "FROM unnest(%s::bigint[], %s::timestamptz[]) AS v(id, due_at) WHERE c.id = v.id AND c.done_at IS NULL",
                [list(later), list(later.values())],
            )
