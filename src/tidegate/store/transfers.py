"""The rows of transfers, previews and undos: how they begin and move from state to state.

At most one run and one preview a connection: the database's own constraints see to that, whoever asks at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tidegate.core.connection import Status
from tidegate.core.records import Side
from tidegate.core.settings import Direction
from tidegate.core.transfer import EXPECTED, UNDOABLE, USUAL, Include, State, work_of_chosen
from tidegate.errors import Conflict
from tidegate.store.mirror import organizations_named
from tidegate.store.models import Connection, PreviewClaim, Transfer, TransferRecord
from tidegate.store.models.transfers import COUNTED
from tidegate.store.wakes import wake_lane
from tidegate.words import say

WAITING = "waiting"
"""The outcome of a chosen record that was not dealt with yet."""
MOST_WAITS = 20
"""So many reasons why a run stood still are remembered, the latest."""
RUNS_ALREADY = say("A transfer is running already. Wait for it to end, or cancel it.")

# --- begin, pause, end


def begin_transfer(
    connection: Connection,
    *,
    direction: Direction,
    source_app: Side,
    total: int | None,
    actor: str,
    records: Sequence[str] | None = None,
    include: Include = USUAL,
) -> Transfer:
    """A running transfer; real-time changes wait until it ends. Raises Conflict where one is under way.

    `records`: only these of the source.
    """
    try:
        with transaction.atomic():
            transfer = _new(connection, direction, source_app, "running", total, actor, records, include)
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
    include: Include = USUAL,
) -> Transfer:
    """A preview takes the place of an earlier one. The connection keeps its status: live sync goes on."""
    try:
        with transaction.atomic():
            _drop_previews(connection)
            preview = _new(connection, direction, source_app, "preview", total, actor, records, include)
            wake_lane(connection.lane_id)
    except IntegrityError as error:
        raise Conflict(say("Another preview was begun at the same moment. Look at that one.")) from error
    return preview


def begin_undo(
    transfer: Transfer, *, delete_created: bool, actor: str, records: Sequence[str] | None = None
) -> Transfer:
    """The preview of taking a transfer back, or these records of it. It takes the place of an earlier preview."""
    if transfer.undoes_id is not None:
        raise Conflict(say("An undo can’t be undone. Transfer the records again instead."))
    if transfer.state not in UNDOABLE:
        raise Conflict(say("Only a transfer that has ended can be undone. Cancel it first."))
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
        raise Conflict(say("Another preview was begun at the same moment. Look at that one.")) from error
    return undo


def _new(
    connection: Connection,
    direction: Direction,
    source_app: Side,
    state: str,
    total: int | None,
    actor: str,
    records: Sequence[str] | None,
    include: Include = USUAL,
    **facts: Any,
) -> Transfer:
    transfer = Transfer.objects.create(
        connection=connection,
        direction=direction.value,
        source_app=source_app.value,
        state=state,
        total=total if records is None else len(records),
        picked=records is not None,
        past_emails=include.past_emails,
        constants=include.constants,
        settings=_settings_for(connection, constants=include.constants),
        settings_version=connection.settings_version,
        created_by=actor,
        started_at=timezone.now(),
        **facts,
    )
    TransferRecord.objects.bulk_create(
        TransferRecord(transfer=transfer, source_id=source_id, outcome=WAITING) for source_id in records or ()
    )
    return transfer


def _settings_for(connection: Connection, *, constants: bool) -> dict[str, Any]:
    """The settings of the moment, as a run goes by them."""
    return dict(connection.settings) if constants else {**connection.settings, "constants": []}


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
                raise Conflict(say("Only a preview that is ready can be started."))
            if row.undoes_id is None and row.settings_version != row.connection.settings_version:
                raise Conflict(
                    say("The settings were changed since this preview. Preview again, then start.")
                )
            row.planned = _planned(row, records)
            _choose(row, records)
            for name in (*COUNTED, "page", "tokens"):
                setattr(row, name, 0)
            row.state, row.cursor, row.created_by, row.pace = "running", "", actor, []
            row.waits = []
            row.started_at, row.finished_at = timezone.now(), None
            row.save()
            _begin_syncing(row.connection)
            wake_lane(row.connection.lane_id)
    except IntegrityError as error:
        raise Conflict(RUNS_ALREADY) from error
    preview.refresh_from_db()


def _planned(row: Transfer, records: Sequence[str] | None) -> dict[str, Any]:
    """What the run has to do, and under `outcomes` how many records come to each: of all that was previewed, or of those
    chosen from it.
    """
    if records is None:
        return {**row.planned, EXPECTED: {name: getattr(row, name) for name in COUNTED}}
    chosen = row.records.filter(source_id__in=list(records)).values_list("outcome", "changes")
    work, organizations = work_of_chosen(chosen, Direction(row.direction))
    known = organizations_named(row.connection.lane_id, organizations)
    return work | {"organizations_created": len(organizations.keys() - known.keys())}


def _choose(row: Transfer, records: Sequence[str] | None) -> None:
    """What of a preview's records is left to do: all of the source, those it was made for, or those chosen now."""
    if records is not None:
        kept = row.records.filter(source_id__in=list(records))
        if kept.count() != len(set(records)):
            raise Conflict(say("Some of these records are not in the preview. Preview again, then choose."))
        row.records.exclude(source_id__in=list(records)).delete()
        row.picked, row.total = True, len(set(records))
    if row.picked:
        row.records.update(outcome=WAITING, reason="", changes=[], refusals=[])
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
                raise Conflict(say("Only the failed records of a transfer that has ended can be retried."))
            failed = row.records.filter(outcome__in=["failed", "attention"])
            if records is not None:
                failed = failed.filter(source_id__in=list(records))
            count = failed.update(outcome=WAITING, reason="", refusals=[])
            if count == 0:
                raise Conflict(say("None of these records failed: there is nothing to retry."))
            row.failed = max(0, row.failed - count)
            row.picked, row.state, row.state_text, row.cursor = True, "running", "", ""
            row.pace, row.waits = [], []
            row.started_at, row.finished_at = timezone.now(), None
            row.settings = _settings_for(row.connection, constants=row.constants)
            row.settings_version = row.connection.settings_version
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


def hold_transfer(transfer: Transfer, *, actor: str = "") -> None:
    """Pause it where it is. The connection stays *Syncing*: real-time changes go on waiting."""
    if stop_transfers(Transfer.objects.filter(pk=transfer.pk), "", actor=actor) != 1:
        raise Conflict(say("This transfer is not running."))
    transfer.refresh_from_db()


def stop_transfers(of: QuerySet[Transfer], reason: str, *, actor: str = "") -> int:
    """Pause those of them that run: because a member (`actor`) wanted it, or for a reason. How many did."""
    return of.filter(state="running").update(
        state="paused", state_text=reason, paused_at=timezone.now(), paused_by=actor
    )


def note_wait(of: QuerySet[Transfer], reason: str) -> None:
    """Remember, beside the pace of those of them that run, why they stand still."""
    for row in of.filter(state="running").only("waits", "started_at", "created_at"):
        row.waits = [*row.waits, [seconds_since_start(row), reason]][-MOST_WAITS:]
        row.save(update_fields=["waits"])


def seconds_since_start(transfer: Transfer) -> float:
    return round((timezone.now() - transfer.began_at).total_seconds(), 1)


def go_on_with_transfer(transfer: Transfer) -> None:
    with transaction.atomic():
        if (
            Transfer.objects.filter(pk=transfer.pk, state="paused").update(
                state="running", state_text="", put_off_until=None, paused_at=None, paused_by=""
            )
            != 1
        ):
            raise Conflict(say("This transfer is not paused."))
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
            raise Conflict(say("This transfer has ended already."))
        wake_lane(transfer.connection.lane_id)
    transfer.refresh_from_db()


def done_rows() -> Q:
    """Records that a transfer wrote or linked."""
    return Q(outcome__in=["created", "updated"]) | Q(outcome="unchanged", linked=True)


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
