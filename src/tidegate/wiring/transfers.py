"""What a member or a program can do with transfers, their previews and their undos. Reached through `wiring.actions`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from tidegate.config import config
from tidegate.core.connection import Reason
from tidegate.core.records import Side
from tidegate.core.settings import Direction, Settings
from tidegate.core.settings import problems as settings_problems
from tidegate.core.transfer import UNDOABLE, USUAL, Cost, Forecast, Include, Work, ends_at, forecast
from tidegate.core.undo import MOST_UNASKED
from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.store import catalogues
from tidegate.store import transfers as rows
from tidegate.store.audit import Act, note
from tidegate.store.models import Connection, Transfer
from tidegate.store.queries import budget_today
from tidegate.wiring import parts
from tidegate.wiring.parts import calls_per_second
from tidegate.wiring.steps import request_step, run
from tidegate.words import Counted, say

MOST_CHOSEN = 500
"""Records that can be chosen one by one."""

_TYPE = Counted(
    "Type {number} to confirm that {count} record is undone.",
    "Type {number} to confirm that {count} records are undone.",
)


def start_transfer(
    connection: Connection,
    *,
    direction: Direction,
    source_app: Side | None,
    actor: str,
    records: Sequence[str] | None = None,
    include: Include = USUAL,
) -> Transfer:
    """Begin to transfer what exists, or only these records of the source. The source app is the sender unless another
    one is chosen."""
    sender = _check_transfer(connection, direction)
    total = _count(connection, direction, connection.get_settings())
    with transaction.atomic():
        begun = rows.begin_transfer(
            connection,
            direction=direction,
            source_app=source_app or sender,
            total=total,
            actor=actor,
            records=_chosen(records),
            include=include,
        )
        _note_started(begun, actor, records)
    return begun


def _note_started(transfer: Transfer, actor: str, records: Sequence[str] | None) -> None:
    facts = {
        "direction": transfer.direction,
        "source_app": transfer.source_app,
        "records": "all" if records is None else len(records),
    }
    if transfer.undoes_id is None:
        facts |= {"past_emails": transfer.past_emails, "constants": transfer.constants}
    act = Act.TRANSFER_STARTED if transfer.undoes_id is None else Act.UNDO_STARTED
    connection = transfer.connection
    note(connection.workspace_id, act, actor=actor, subject=connection.company_name, after=facts)


def preview_transfer(
    connection: Connection,
    *,
    direction: Direction,
    source_app: Side | None,
    actor: str,
    records: Sequence[str] | None = None,
    include: Include = USUAL,
) -> Transfer:
    """Begin to plan a transfer without writing anything. It ends as *ready*, and `start_previewed` makes it a run."""
    sender = _check_transfer(connection, direction)
    return rows.begin_preview(
        connection,
        direction=direction,
        source_app=source_app or sender,
        total=_count(connection, direction, connection.get_settings()),
        actor=actor,
        records=_chosen(records),
        include=include,
    )


def _chosen(records: Sequence[str] | None) -> list[str] | None:
    """The chosen ids, each once. Raises Invalid."""
    if records is None:
        return None
    chosen = list(dict.fromkeys(records))
    if not chosen:
        raise Invalid(errors={"records": [say("Choose at least one record.")]})
    if len(chosen) > MOST_CHOSEN:
        text = say(
            "Choose at most {most} records one by one, or transfer all of them.",
            most=MOST_CHOSEN,
        )
        raise Invalid(errors={"records": [text]})
    return chosen


def _check_transfer(connection: Connection, direction: Direction) -> Side:
    """The sending app, where a transfer this way is possible at all."""
    if direction is Direction.TWO_WAY:
        raise Invalid(
            errors={"direction": [say("A transfer goes one way: choose to_pipedrive or from_pipedrive.")]}
        )
    settings = connection.get_settings()
    wanted = (
        replace(settings, direction=direction) if settings.direction is not Direction.TWO_WAY else settings
    )
    found = settings_problems(
        wanted, catalogues.outreach_catalogue(connection), catalogues.pipedrive_catalogue(connection)
    )
    if found:
        raise Invalid(
            say("The settings are not complete."),
            errors={problem.place: [problem.message] for problem in found},
        )
    _check_authorised(connection)
    return Side.OUTREACH if direction is Direction.TO_PIPEDRIVE else Side.PIPEDRIVE


def _check_authorised(connection: Connection) -> None:
    if connection.secret is None or connection.reason == Reason.RECONNECT:
        raise Conflict(say("Pipedrive no longer accepts this connection. Reconnect it first."))


def start_previewed(
    transfer: Transfer, *, actor: str, records: Sequence[str] | None = None, confirm: int | None = None
) -> None:
    """Run what a ready preview showed, or only these records of it.

    An undo of many records asks for their number. Raises Conflict where the settings were changed since, and Invalid.
    """
    if transfer.undoes is None:
        _check_transfer(transfer.connection, Direction(transfer.direction))
    else:
        _check_authorised(transfer.connection)
        _check_undoable(transfer.undoes)
        _check_confirmed(transfer, confirm)
    with transaction.atomic():
        rows.run_previewed(transfer, actor=actor, records=_chosen(records))
        _note_started(transfer, actor, records)


# --- undo and retry


def undo_transfer(
    transfer: Transfer, *, delete_created: bool, actor: str, records: Sequence[str] | None = None
) -> Transfer:
    """The preview of taking a transfer back, or only these records of it; `start_previewed` runs it.

    Raises Conflict where it is too late, where it is an undo itself, or where it has not ended.
    """
    _check_undoable(transfer)
    _check_authorised(transfer.connection)
    chosen = _chosen(records)
    if chosen is not None:
        known = set(transfer.records.filter(source_id__in=chosen).values_list("source_id", flat=True))
        if unknown := [source_id for source_id in chosen if source_id not in known]:
            text = say("The transfer has no record {id}.", id=unknown[0])
            raise Invalid(errors={"records": [text]})
    return rows.begin_undo(transfer, delete_created=delete_created, actor=actor, records=chosen)


def _check_undoable(transfer: Transfer) -> None:
    if transfer.undoes_id is not None:
        raise Conflict(say("An undo can’t be undone. Transfer the records again instead."))
    until = undo_possible_until(transfer)
    if until is None:
        raise Conflict(say("Only a transfer that has ended can be undone. Cancel it first."))
    if until <= timezone.now():
        raise Conflict(
            say(
                "A transfer can be undone for {days} days. This one ended on {day}.",
                days=config.undo_days,
                day=f"{transfer.finished_at:%d %B %Y}",
            )
        )


def undo_possible_until(transfer: Transfer) -> datetime | None:
    """When it is too late to undo this transfer; None where there is nothing to undo, or not yet."""
    never = transfer.state not in UNDOABLE or transfer.undoes_id is not None
    if never or transfer.finished_at is None or transfer.started_at is None:
        return None
    return transfer.finished_at + timedelta(days=config.undo_days)


def touched_by(undo: Transfer) -> int:
    """How many records the run of an undo's preview would touch: what is typed to confirm it."""
    return undo.restored + undo.deleted + undo.unlinked


def must_confirm(undo: Transfer) -> bool:
    return undo.undoes_id is not None and touched_by(undo) > MOST_UNASKED


def _check_confirmed(undo: Transfer, confirm: int | None) -> None:
    count = touched_by(undo)
    if must_confirm(undo) and confirm != count:
        raise Invalid(
            say("This undo touches many records."),
            errors={"confirm": [_TYPE(count, number=count)]},
        )


def retry_failed(transfer: Transfer, *, actor: str, records: Sequence[str] | None = None) -> int:
    """Run what failed of an ended transfer once more, or only these records. How many there are."""
    if transfer.undoes_id is None:
        _check_transfer(transfer.connection, Direction(transfer.direction))
    _check_authorised(transfer.connection)
    return rows.retry_failed(transfer, actor=actor, records=_chosen(records))


# --- what it costs


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the run of a preview costs, and how it fits into today's budget."""

    work: Work
    cost: Cost
    forecast: Forecast
    calls_per_second: float
    left_today: int
    """Tokens that transfers may still spend today."""
    ends_at: datetime | None
    """About when it is done, if it starts now; None where the budget leaves nothing for it."""


def estimate(transfer: Transfer) -> Estimate:
    """By what the preview counted so far, and today's budget as it is now."""
    if not transfer.planned and transfer.state != "preview":
        raise NotFound(say("This transfer was not previewed, so nothing was reckoned beforehand."))
    lane = transfer.connection.lane
    rate = calls_per_second(lane, personal_token=transfer.connection.auth_method == "token")
    budget = budget_today(lane)
    per_day = budget.total - budget.reserve
    left = max(per_day - budget.used, 0)
    work = Work.of(transfer.planned)
    cost = work.cost(calls_per_second=rate)
    ahead = forecast(cost, calls_per_second=rate, left_today=left, per_day=per_day)
    return Estimate(work, cost, ahead, rate, left, ends_at(ahead, timezone.now()))


def _count(connection: Connection, direction: Direction, settings: Settings) -> int | None:
    """How many records there are to go through; None where only the walk will tell."""
    if direction is Direction.FROM_PIPEDRIVE:
        if settings.filter_id is not None:  # only Pipedrive knows whom it holds
            return None
        return connection.lane.persons.count() or None
    return run(_count_prospects, connection, settings)


async def _count_prospects(connection: Connection, settings: Settings) -> int:
    return await parts.outreach_of(connection, request_step).count(list_ids=settings.sync_from_lists)


# --- pause, continue, cancel


def pause_transfer(transfer: Transfer, *, actor: str) -> None:
    rows.hold_transfer(transfer, actor=actor)


def continue_transfer(transfer: Transfer, *, actor: str) -> None:
    """Raises Conflict where it is not paused, or waits for the connection to be reconnected."""
    transfer.connection.refresh_from_db()
    _check_authorised(transfer.connection)
    rows.go_on_with_transfer(transfer)


def cancel_transfer(transfer: Transfer, *, actor: str) -> None:
    rows.cancel_transfer(transfer)
