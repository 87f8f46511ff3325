"""Drain a lane that is in our hands: live changes before transfers, connection by connection, for a fair stretch of time."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from tidegate.core.connection import Reason, Status
from tidegate.errors import (
    AuthorizationLost,
    BudgetSpent,
    LaneLost,
    MappingBroken,
    NeedsAttention,
    PermissionMissing,
    RateLimited,
    TemporaryError,
)
from tidegate.ports import Feature, Schedule, Serving, TransferState
from tidegate.services.brakes import Halted
from tidegate.services.campaigns import follow_events
from tidegate.services.consent import follow_consents
from tidegate.services.emails import follow_emails
from tidegate.services.engine import Engine, Lane
from tidegate.services.live import follow
from tidegate.services.overlap import land
from tidegate.services.preview import preview_page
from tidegate.services.recover import recover_intents
from tidegate.services.sameness import check_page
from tidegate.services.transfer import transfer_page
from tidegate.services.unanswered import known_at
from tidegate.services.undo import preview_undo_page, undo_page

STRETCH_SECONDS = 30.0
"""After so long a lane is handed on, so that many lanes share few workers fairly."""
BEAT_SECONDS = 2.0
ROUND_SECONDS = 0.05
"""A shorter round is waited out: what comes one by one, fast, is followed by the handful."""
PAUSE_SECONDS = 15
"""How long a lane waits after a failure that names no time of its own."""


@dataclass(slots=True)
class Drained:
    """How a drain ended."""

    more: bool = False
    """Something is left to be done at once."""
    lost: bool = False
    """Somebody else holds the lane by now."""
    wait_until: datetime | None = None
    looks_up_at: datetime | None = None
    """When it can be known what became of writes without an answer, that nothing else waits for."""
    recovered: set[str] = field(default_factory=set)
    reread: set[str] = field(default_factory=set)
    """Connections whose catalogue was read again, because a write named a field that is gone."""

    @property
    def is_quiet(self) -> bool:
        """Everything was done that there was."""
        return not (self.more or self.lost or self.wait_until)


async def drain(lane: Lane, schedule: Schedule, *, seconds: float = STRETCH_SECONDS) -> Drained:
    """Work until the lane is quiet or the stretch is over. The lane's hold is the caller's to release."""
    heart = asyncio.create_task(_beat(lane))
    lane.deadline = lane.clock.monotonic() + seconds
    ended = Drained()
    try:
        try:
            while (began := lane.clock.monotonic()) < lane.deadline or _is_read_ahead(lane):
                if not await _round(lane, schedule, ended):
                    ended.looks_up_at = _looks_up_at(lane)
                    return ended
                if all(engine.flight is None for engine in lane.engines):
                    await lane.clock.sleep(max(0.0, began + ROUND_SECONDS - lane.clock.monotonic()))
            ended.more = True
        finally:
            await _land_all(lane)
    except (RateLimited, BudgetSpent) as error:
        ended.wait_until = await _wait(lane, schedule, error, error.retry_after)
    except LaneLost:
        ended.lost = True  # its new holder goes on
    except TemporaryError as error:
        ended.wait_until = await _wait(lane, schedule, error, error.retry_after or PAUSE_SECONDS)
    finally:
        heart.cancel()
        with suppress(asyncio.CancelledError):
            await heart
    return ended


def _looks_up_at(lane: Lane) -> datetime | None:
    times = [known_at(engine.awaited, lane.clock.now()) for engine in lane.engines if engine.awaited]
    return max(times, default=None)


def _is_read_ahead(lane: Lane) -> bool:
    """Whether a page was read ahead of the end of the stretch: it is used, or it would be paid for twice."""
    return any(engine.flight is not None and engine.flight.ahead is not None for engine in lane.engines)


async def _land_all(lane: Lane) -> None:
    """Leave nothing of any connection in flight when the lane is let go. Raises the first error, once all have landed."""
    landed = await asyncio.gather(*map(land, lane.engines), return_exceptions=True)
    for error in landed:
        if error is not None:
            raise error


async def _beat(lane: Lane) -> None:
    """Tell the sweep that this holder lives. By real time, not by the lane's clock: it is told to other processes."""
    with suppress(LaneLost):
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await lane.step(lane.hold.check)


async def _round(lane: Lane, schedule: Schedule, ended: Drained) -> bool:
    """One batch for each connection. Whether anything was done."""
    busy = False
    for engine in lane.engines:
        try:
            busy |= await _serve(engine, schedule, ended)
        except MappingBroken as error:
            busy |= await _mend(engine, schedule, ended, error)
        except Halted as error:
            await lane.step(schedule.halt, engine.connection_id, error.stopped)
        except NeedsAttention as error:
            await lane.step(schedule.stop, engine.connection_id, *stopped_by(error), error.user_message)
    return busy


def stopped_by(error: NeedsAttention) -> tuple[Status, Reason]:
    """How a connection waits for the person that this error needs: to reconnect it, or to settle something and resume."""
    if isinstance(error, AuthorizationLost | PermissionMissing):
        return Status.PAUSED, Reason.RECONNECT
    return Status.FAILED, Reason.INCOMPLETE


async def _mend(engine: Engine, schedule: Schedule, ended: Drained, error: MappingBroken) -> bool:
    """A field vanished while we wrote: read what there is, so that its pair sleeps and the rest goes on.

    Where that did not help, or it isn't a field, a person must look at the settings.
    """
    if "field" not in error.facts or engine.connection_id in ended.reread:
        await engine.run(
            schedule.stop, engine.connection_id, Status.FAILED, Reason.INCOMPLETE, error.user_message
        )
        return False
    ended.reread.add(engine.connection_id)
    ended.recovered.discard(engine.connection_id)  # the batch's other creates may have gone through
    engine.spend_as(Feature.LIVE)  # without it no change goes on
    await engine.run(schedule.learn_catalogue, engine.connection_id, await engine.crm.read_catalogue())
    return True


async def _serve(engine: Engine, schedule: Schedule, ended: Drained) -> bool:
    serving = await engine.run(schedule.load, engine.connection_id)
    if not _goes_on(engine, serving, ended):
        await land(engine)
    if serving.status not in (Status.ACTIVE, Status.SYNCING):
        return await _preview(engine, schedule, serving)
    _go_by(engine, serving)
    if serving.status is Status.SYNCING:
        return await _transfer(engine, schedule, serving, ended)
    engine.spend_as(Feature.LIVE)
    await _recover(engine, ended)
    followed = await follow(engine)
    reread = partial(_reread, engine, schedule)
    followed |= await follow_events(engine, reread)
    followed |= await follow_consents(engine, reread)
    followed |= await follow_emails(engine, reread)
    busy = await _preview(engine, schedule, serving) or followed
    return busy or await _check(engine, schedule, serving)


async def _reread(engine: Engine, schedule: Schedule) -> bool:
    """Know the settings as they are now. Whether the connection is active still."""
    serving = await engine.run(schedule.load, engine.connection_id)
    _go_by(engine, serving)
    return serving.status is Status.ACTIVE


def _go_by(engine: Engine, serving: Serving) -> None:
    """The settings of the moment, and what was decided about changes that the brakes had stopped."""
    engine.rules, engine.campaigns = serving.rules, serving.campaigns
    engine.passed_upto, engine.left_upto = serving.passed_upto, serving.left_upto


async def _recover(engine: Engine, ended: Drained, *, patient: bool = False) -> None:
    """What was sent perhaps is looked up before anything else is written about it."""
    if engine.unsure or engine.connection_id not in ended.recovered:
        await recover_intents(engine, patient=patient)
        ended.recovered.add(engine.connection_id)


async def _transfer(engine: Engine, schedule: Schedule, serving: Serving, ended: Drained) -> bool:
    """A page of the connection's transfer.

    One whose share of the budget is used up waits by itself: the lane's other connections go on following changes.
    """
    if serving.transfer is None:
        return False
    engine.spend_as(Feature.TRANSFER)
    page = undo_page if serving.transfer.undoes else transfer_page
    try:
        await _recover(engine, ended, patient=True)  # a page is settled as a whole
        await page(engine, serving.transfer)
    except BudgetSpent as error:
        await land(engine)  # what was written is stored first
        await _put_off(engine, schedule, serving.transfer, error)
        return False
    return True


def _goes_on(engine: Engine, serving: Serving, ended: Drained) -> bool:
    """Whether what is in flight is the next page of the transfer that runs."""
    flight, transfer = engine.flight, serving.transfer
    same = flight is not None and transfer is not None and flight.transfer_id == transfer.id
    return same and serving.status is Status.SYNCING and engine.connection_id in ended.recovered


async def _check(engine: Engine, schedule: Schedule, serving: Serving) -> bool:
    """A page of the rolling check, when there is nothing else to do."""
    if serving.check is None:
        return False
    engine.spend_as(Feature.CHECK)
    try:
        await check_page(engine, serving.check)
    except BudgetSpent as error:
        until = engine.lane.clock.now() + timedelta(seconds=error.retry_after or PAUSE_SECONDS)
        await engine.run(schedule.put_off_check, engine.connection_id, until)
        return False
    return True


async def _preview(engine: Engine, schedule: Schedule, serving: Serving) -> bool:
    """A page of the connection's preview, between two batches of live changes, which come first.

    A preview whose share of the budget is used up waits by itself: live sync has a share of its own and goes on. So it does
    where a preview can't go on at all, as its source is gone.
    """
    if serving.preview is None or serving.preview_rules is None:
        return False
    engine.spend_as(Feature.TRANSFER)
    try:
        page = preview_undo_page if serving.preview.undoes else preview_page
        await page(replace(engine, rules=serving.preview_rules, campaigns=serving.campaigns), serving.preview)
    except BudgetSpent as error:
        await _put_off(engine, schedule, serving.preview, error)
        return False
    except MappingBroken as error:
        await engine.run(schedule.end_preview, serving.preview.id, error.user_message)
    return True


async def _put_off(engine: Engine, schedule: Schedule, transfer: TransferState, error: BudgetSpent) -> None:
    until = engine.lane.clock.now() + timedelta(seconds=error.retry_after or PAUSE_SECONDS)
    await engine.run(schedule.put_off_transfer, transfer.id, until, error.user_message)


async def _wait(lane: Lane, schedule: Schedule, error: TemporaryError, seconds: float | None) -> datetime:
    until = lane.clock.now() + timedelta(seconds=seconds or PAUSE_SECONDS)
    await lane.step(schedule.wait, lane.id, until, error.user_message)
    return until
