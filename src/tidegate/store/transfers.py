"""The rows of transfers, previews and undos: how they begin, move from state to state, and what is stored of a page.

At most one run and one preview a connection: the database's own constraints see to that, whoever asks at once.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, TextField, Value, When
from django.utils import timezone

from tidegate.core.connection import Status
from tidegate.core.records import Side
from tidegate.core.settings import Direction
from tidegate.core.transfer import UNDOABLE, State, marked
from tidegate.errors import Conflict
from tidegate.ports import DoneRow, Organization, Outcome, PreviewPage, TransferState
from tidegate.store.models import (
    Connection,
    PreviewClaim,
    Transfer,
    TransferOrganization,
    TransferRecord,
)
from tidegate.store.models.transfers import COUNTED
from tidegate.store.rows import put_rows
from tidegate.store.wakes import wake_lane

WAITING = "waiting"
"""The outcome of a chosen record that was not dealt with yet."""
RUNS_ALREADY = "A transfer is running already. Wait for it to end, or cancel it."

# --- begin, pause, end


def begin_transfer(
    connection: Connection,
    *,
    direction: Direction,
    source_app: Side,
    total: int | None,
    actor: str,
    records: Sequence[str] | None = None,
) -> Transfer:
    """A running transfer; real-time changes wait until it ends. Raises Conflict where one is under way.

    `records`: only these of the source.
    """
    try:
        with transaction.atomic():
            transfer = _new(connection, direction, source_app, "running", total, actor, records)
            _begin_syncing(connection)
            wake_lane(connection.lane_id)
    except IntegrityError as error:
        raise Conflict(RUNS_ALREADY) from error
    connection.refresh_from_db()
    return transfer


def begin_preview(
    connection: Connection,
    *,
    direction: Direction,
    source_app: Side,
    total: int | None,
    actor: str,
    records: Sequence[str] | None = None,
) -> Transfer:
    """A preview takes the place of an earlier one. The connection keeps its status: live sync goes on."""
    try:
        with transaction.atomic():
            _drop_previews(connection)
            preview = _new(connection, direction, source_app, "preview", total, actor, records)
            wake_lane(connection.lane_id)
    except IntegrityError as error:
        raise Conflict("Another preview was begun at the same moment. Look at that one.") from error
    return preview


def begin_undo(
    transfer: Transfer, *, delete_created: bool, actor: str, records: Sequence[str] | None = None
) -> Transfer:
    """The preview of taking a transfer back, or these records of it. It takes the place of an earlier preview."""
    if transfer.undoes_id is not None:
        raise Conflict("An undo can't be undone. Transfer the records again instead.")
    if transfer.state not in UNDOABLE:
        raise Conflict("Only a transfer that has ended can be undone. Cancel it first.")
    connection = transfer.connection
    total = transfer.records.filter(done_rows()).count() + (
        transfer.organizations.count() if delete_created else 0
    )
    try:
        with transaction.atomic():
            _drop_previews(connection)
            undo = _new(
                connection,
                Direction(transfer.direction),
                Side(transfer.source_app),
                "preview",
                total,
                actor,
                records,
                undoes=transfer,
                delete_created=delete_created,
            )
            wake_lane(connection.lane_id)
    except IntegrityError as error:
        raise Conflict("Another preview was begun at the same moment. Look at that one.") from error
    return undo


def _new(
    connection: Connection,
    direction: Direction,
    source_app: Side,
    state: str,
    total: int | None,
    actor: str,
    records: Sequence[str] | None,
    **facts: Any,
) -> Transfer:
    transfer = Transfer.objects.create(
        connection=connection,
        direction=direction.value,
        source_app=source_app.value,
        state=state,
        total=total if records is None else len(records),
        picked=records is not None,
        settings=connection.settings,
        settings_version=connection.settings_version,
        created_by=actor,
        started_at=timezone.now(),
        **facts,
    )
    TransferRecord.objects.bulk_create(
        TransferRecord(transfer=transfer, source_id=source_id, outcome=WAITING) for source_id in records or ()
    )
    return transfer


def _drop_previews(connection: Connection) -> None:
    earlier = Transfer.objects.filter(connection=connection, state__in=["preview", "ready"])
    PreviewClaim.objects.filter(transfer__in=earlier).delete()
    earlier.update(state="cancelled", finished_at=timezone.now())


def run_previewed(preview: Transfer, *, actor: str, records: Sequence[str] | None = None) -> None:
    """Turn a ready preview into its run, which decides about every record anew. Raises Conflict.

    `records`: only these of what it showed.
    """
    try:
        with transaction.atomic():
            row = Transfer.objects.select_for_update().select_related("connection").get(pk=preview.pk)
            if row.state != "ready":
                raise Conflict("Only a preview that is ready can be started.")
            if row.undoes_id is None and row.settings_version != row.connection.settings_version:
                raise Conflict("The settings were changed since this preview. Preview again, then start.")
            _choose(row, records)
            for name in (*COUNTED, "page", "tokens"):
                setattr(row, name, 0)
            row.state, row.cursor, row.created_by, row.pace = "running", "", actor, []
            row.started_at, row.finished_at = timezone.now(), None
            row.save()
            _begin_syncing(row.connection)
            wake_lane(row.connection.lane_id)
    except IntegrityError as error:
        raise Conflict(RUNS_ALREADY) from error
    preview.refresh_from_db()


def _choose(row: Transfer, records: Sequence[str] | None) -> None:
    """What of a preview's records is left to do: all of the source, those it was made for, or those chosen now."""
    if records is not None:
        kept = row.records.filter(source_id__in=list(records))
        if kept.count() != len(set(records)):
            raise Conflict("Some of these records are not in the preview. Preview again, then choose.")
        row.records.exclude(source_id__in=list(records)).delete()
        row.picked, row.total = True, len(set(records))
    if row.picked:
        row.records.update(outcome=WAITING, reason="", changes=[])
    else:
        row.records.all().delete()


def retry_failed(transfer: Transfer, *, actor: str, records: Sequence[str] | None = None) -> int:
    """Run the failed records of an ended transfer once more, or these of them. How many there are.

    A transfer follows the settings as they are now: what made a record fail may have been mended there.
    """
    try:
        with transaction.atomic():
            row = Transfer.objects.select_for_update().select_related("connection").get(pk=transfer.pk)
            if row.state not in ("done", "failed"):
                raise Conflict("Only the failed records of a transfer that has ended can be retried.")
            failed = row.records.filter(outcome__in=["failed", "attention"])
            if records is not None:
                failed = failed.filter(source_id__in=list(records))
            count = failed.update(outcome=WAITING, reason="")
            if count == 0:
                raise Conflict("None of these records failed: there is nothing to retry.")
            row.failed = max(0, row.failed - count)
            row.picked, row.state, row.state_text, row.cursor = True, "running", "", ""
            row.pace = []
            row.started_at, row.finished_at = timezone.now(), None
            row.settings, row.settings_version = row.connection.settings, row.connection.settings_version
            row.save()
            _begin_syncing(row.connection)
            wake_lane(row.connection.lane_id)
    except IntegrityError as error:
        raise Conflict(RUNS_ALREADY) from error
    transfer.refresh_from_db()
    return count


def _begin_syncing(connection: Connection) -> None:
    """What it was before is read in the same statement: a status from memory may be an old one."""
    Connection.objects.filter(pk=connection.pk).exclude(status=Status.SYNCING.value).update(
        before_syncing=F("status"), status=Status.SYNCING.value, reason="", reason_text=""
    )


def hold_transfer(transfer: Transfer) -> None:
    """Pause it where it is. The connection stays *Syncing*: real-time changes go on waiting."""
    if Transfer.objects.filter(pk=transfer.pk, state="running").update(state="paused", state_text="") != 1:
        raise Conflict("This transfer is not running.")
    transfer.refresh_from_db()


def go_on_with_transfer(transfer: Transfer) -> None:
    with transaction.atomic():
        if (
            Transfer.objects.filter(pk=transfer.pk, state="paused").update(
                state="running", state_text="", put_off_until=None
            )
            != 1
        ):
            raise Conflict("This transfer is not paused.")
        _begin_syncing(transfer.connection)
        wake_lane(transfer.connection.lane_id)
    transfer.refresh_from_db()


def cancel_transfer(transfer: Transfer) -> None:
    with transaction.atomic():
        dropped = Transfer.objects.filter(pk=transfer.pk, state__in=["preview", "ready"])
        if dropped.update(state="cancelled", finished_at=timezone.now()):
            transfer.claims.all().delete()
        elif transfer.state in ("running", "paused"):
            finish_transfer(str(transfer.pk), "cancelled", timezone.now())
        else:
            raise Conflict("This transfer has ended already.")
        wake_lane(transfer.connection.lane_id)
    transfer.refresh_from_db()


# --- pages


def settled_records(transfer_id: str, source_ids: Collection[str]) -> set[str]:
    rows = TransferRecord.objects.filter(transfer_id=transfer_id, source_id__in=list(source_ids))
    return set(rows.exclude(outcome=WAITING).values_list("source_id", flat=True))


def waiting_records(transfer_id: str, limit: int) -> list[str]:
    rows = TransferRecord.objects.filter(transfer_id=transfer_id, outcome=WAITING).order_by("id")
    return list(rows.values_list("source_id", flat=True)[:limit])


def done_rows() -> Q:
    """Records that a transfer wrote or linked."""
    return Q(outcome__in=["created", "updated"]) | Q(outcome="unchanged", linked=True)


def done_records(undo: TransferState, after: int, limit: int) -> list[DoneRow]:
    rows = TransferRecord.objects.filter(done_rows(), transfer_id=undo.undoes or "", id__gt=after)
    if undo.picked:
        chosen = TransferRecord.objects.filter(transfer_id=undo.id).values("source_id")
        rows = rows.filter(source_id__in=chosen)
    return [
        DoneRow(
            row.pk,
            row.source_id,
            row.target_id,
            row.name,
            row.outcome,
            row.linked,
            tuple(row.changes),
            row.written_at,
        )
        for row in rows.order_by("id")[:limit]
    ]


def store_organizations(transfer: TransferState, organizations: Sequence[Organization]) -> None:
    """Those that the transfer created: an undo looks whether they may go. What an undo makes again is nobody's."""
    if transfer.undoes is None:
        TransferOrganization.objects.bulk_create(
            [
                TransferOrganization(transfer_id=transfer.id, organization_id=int(o.id), name=o.name[:300])
                for o in organizations
            ],
            ignore_conflicts=True,
        )


def organizations_made(undo: TransferState, after: int, limit: int) -> list[Organization]:
    rows = TransferOrganization.objects.filter(transfer_id=undo.undoes or "", organization_id__gt=after)
    return [Organization(str(o.organization_id), o.name) for o in rows.order_by("organization_id")[:limit]]


def store_outcomes(transfer: TransferState, outcomes: Sequence[Outcome]) -> None:
    put_rows(
        TransferRecord,
        [
            {
                "transfer_id": transfer.id,
                "source_id": o.source_id,
                "target_id": o.target_id,
                "name": o.name[:300],
                "outcome": o.outcome,
                "reason": o.reason,
                "changes": o.changes,
                "linked": o.linked,
                "written_at": o.written_at,
            }
            for o in outcomes
        ],
        unique=("transfer_id", "source_id"),
        update=("target_id", "name", "outcome", "reason", "changes", "linked", "written_at"),
    )


def advance(transfer: TransferState, outcomes: Sequence[Outcome], cursor: str | None, *, tokens: int) -> None:
    """Count a page, and remember how far it came when."""
    row = Transfer.objects.only("pace", "started_at", "created_at", *COUNTED).get(pk=transfer.id)
    before = row.done
    counted = Counter(o.outcome if o.outcome != "attention" else "failed" for o in outcomes)
    seconds = (timezone.now() - (row.started_at or row.created_at)).total_seconds()
    done = before + sum(counted[name] for name in COUNTED)
    Transfer.objects.filter(pk=transfer.id).update(
        cursor=cursor or "",
        page=F("page") + 1,
        put_off_until=None,
        state_text=Case(When(state="running", then=Value("", TextField())), default=F("state_text")),
        tokens=F("tokens") + tokens,
        pace=marked(row.pace or [[0.0, before]], seconds, done),
        **{name: F(name) + counted[name] for name in COUNTED},
    )
    if cursor is None:
        finish_transfer(transfer.id, "done", timezone.now())


def store_claims(transfer_id: str, page: PreviewPage) -> None:
    put_rows(
        PreviewClaim,
        [
            {"transfer_id": transfer_id, "kind": c.kind, "key": c.key[:400], "holder": c.holder}
            for c in page.claims
        ],
        unique=("transfer_id", "kind", "key"),
    )


def advance_preview(row: Transfer, page: PreviewPage, cursor: str | None, *, tokens: int) -> None:
    """Count what would happen; after the last page the claims have done their work."""
    for outcome in page.outcomes:
        name = "failed" if outcome.outcome == "attention" else outcome.outcome
        setattr(row, name, getattr(row, name) + 1)
    row.planned = {
        name: row.planned.get(name, 0) + page.counts.get(name, 0) for name in {*row.planned, *page.counts}
    }
    row.cursor, row.page, row.tokens = cursor or "", row.page + 1, row.tokens + tokens
    row.state_text, row.put_off_until = "", None
    if cursor is None:
        row.state, row.finished_at = "ready", timezone.now()
        row.claims.all().delete()
    row.save()


def finish_transfer(transfer_id: str, state: str, now: datetime, *, text: str = "") -> None:
    """End a transfer and give the connection back the status it had before."""
    ended = Transfer.objects.filter(pk=transfer_id, state__in=["running", "paused"]).update(
        state=state, state_text=text, finished_at=now
    )
    if ended:
        transfer = Transfer.objects.select_related("connection").get(pk=transfer_id)
        if transfer.undoes_id is not None and state == State.DONE and not transfer.picked:
            Transfer.objects.filter(pk=transfer.undoes_id).update(state=State.UNDONE)
        Connection.objects.filter(pk=transfer.connection_id, status="syncing").update(
            status=transfer.connection.before_syncing or "paused", before_syncing=""
        )
