"""Drain a lane with the real parts: hold it, build its engines, work, let go, and make sure that no wake is lost.

One count of the quota per company and process outlives the drains: the burst window is Pipedrive's, not ours.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from tidegate.adapters.http import HttpSender
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.errors import LaneLost, NeedsAttention, TemporaryError, TidegateError
from tidegate.ports import Feature, Hold, Quota, Schedule
from tidegate.services.drain import STRETCH_SECONDS, Drained, drain, stopped_by
from tidegate.services.engine import Engine, Lane, Tries
from tidegate.store.budget import daily_budget, spent_today
from tidegate.store.catalogues import person_kinds, pipedrive_catalogue
from tidegate.store.holds import hold_lane
from tidegate.store.memory import LaneMemory
from tidegate.store.models import Connection
from tidegate.store.models import Lane as LaneRow
from tidegate.store.schedule import (
    LaneSchedule,
    connections_at_work,
    has_due_work,
    must_wait,
    next_due_at,
    rules_in_force,
)
from tidegate.store.wakes import wake_lane
from tidegate.wiring.parts import CLOCK, crm_of, outreach_of, quota_of
from tidegate.wiring.steps import worker_step
from tidegate.wiring.upkeep import keep_up
from tidegate.words import say

log = logging.getLogger(__name__)

VERIFY_SECONDS = 5.0
"""No call goes out unless the hold was seen alive this recently. The heartbeat sees to that; a frozen worker that thaws
finds it old and asks first."""

UNFORESEEN = say(
    "An unforeseen error stopped the sync; it is tried again by itself. The server’s log has the details."
)
UNFORESEEN_PAUSE = timedelta(seconds=30)

LINGER_SECONDS = 0.5
"""How long a quiet lane is held on to: edits seldom come alone, and taking a lane up costs more than following an edit."""
LOOK_EVERY = 0.05
"""Seconds between looks at the inbox meanwhile."""

_held: set[int] = set()
"""Lanes that this process holds."""
_asked_again: set[int] = set()
"""Those of them that were woken meanwhile: for something an inbox doesn't show, perhaps, as a launch."""
_quotas: dict[int, LaneQuota] = {}
_fresh: dict[int, dict[str, float]] = {}
_surveyed: dict[int, dict[str, int]] = {}
_tries: dict[int, dict[tuple[str, str], Tries]] = {}
_sender = HttpSender()


async def close_network() -> None:
    """Before the worker's event loop ends."""
    await _sender.aclose()


class GuardedQuota(Quota):
    """The quota of a lane in our hands: after the wait for a place, and right before the call, the hold is verified."""

    def __init__(self, quota: LaneQuota, hold: Hold, feature: Feature) -> None:
        self._quota = quota
        self._hold = hold
        self.feature = feature

    def spend_as(self, feature: Feature) -> None:
        self.feature = feature

    async def admit(self, tokens: int, *, search: bool = False) -> None:
        feature = self.feature
        await self._quota.admit(tokens, search=search, feature=feature)
        if CLOCK.monotonic() - self._hold.seen_alive_at > VERIFY_SECONDS:
            try:
                await worker_step(self._hold.check)
            except BaseException:
                self._quota.withdraw(tokens, search=search, feature=feature)
                raise

    def release(self, *, search: bool = False) -> None:
        self._quota.release(search=search)

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        self._quota.learn(status, headers)


async def drain_lane(lane_id: int) -> Drained | None:
    """Work on a lane until it is quiet or its stretch is over. None where somebody holds it already."""
    if lane_id in _held:
        _asked_again.add(lane_id)
        return None
    until = await worker_step(must_wait, lane_id)
    if until is not None:
        await worker_step(wake_lane, lane_id, at=until)
        return None
    ended = await _held_and_drained(lane_id)
    if ended is not None:
        await worker_step(_wake_again, lane_id, ended, asked=lane_id in _asked_again)
    return ended


async def _held_and_drained(lane_id: int) -> Drained | None:
    if lane_id in _held:
        return None
    _held.add(lane_id)
    _asked_again.discard(lane_id)
    try:
        hold = await worker_step(hold_lane, lane_id)
        if hold is None:
            return None
        try:
            return await _work(hold)
        except Exception as error:
            await worker_step(_put_off, lane_id, error)
            raise
        finally:
            await worker_step(hold.release)
    finally:
        _held.discard(lane_id)  # before the last look: whoever is woken from now on takes the lane up


async def _work(hold: Hold) -> Drained:
    rows = await worker_step(connections_at_work, hold.lane_id)
    if not rows:
        return Drained()
    quota = await worker_step(_quota, rows[0])
    lane = Lane(
        id=hold.lane_id,
        hold=hold,
        memory=LaneMemory(hold.lane_id, person_kinds(pipedrive_catalogue(rows[0]))),
        clock=CLOCK,
        step=worker_step,
        fresh=_fresh.setdefault(hold.lane_id, {}),
        surveyed=_surveyed.setdefault(hold.lane_id, {}),
        tries=_tries.setdefault(hold.lane_id, {}),
        take_spent=lambda: {feature.value: spent for feature, spent in quota.take_spent().items()},
    )
    schedule = LaneSchedule()
    await _take_up(lane, rows, quota, schedule)
    deadline = CLOCK.monotonic() + STRETCH_SECONDS
    ended = await drain(lane, schedule)
    while ended.is_quiet and await _more_came(hold.lane_id, deadline):
        ended = await drain(lane, schedule, seconds=deadline - CLOCK.monotonic())
    await worker_step(_learn, hold.lane_id, quota)
    return ended


async def _take_up(lane: Lane, rows: Sequence[Connection], quota: LaneQuota, schedule: Schedule) -> None:
    """Build the engine of each connection, then keep each up: what one's regular check finds, all of them look at."""
    for row in rows:
        try:
            lane.engines.append(await _engine(row, lane, quota))
        except NeedsAttention as error:
            await _stop(row, lane, schedule, error)
    live = {str(row.pk): row for row in rows if row.is_live}
    for row, engine in [(live[e.connection_id], e) for e in lane.engines if e.connection_id in live]:
        try:
            await _kept_up(row, engine)
        except NeedsAttention as error:
            await _stop(row, lane, schedule, error)


async def _stop(row: Connection, lane: Lane, schedule: Schedule, error: NeedsAttention) -> None:
    await worker_step(schedule.stop, str(row.pk), *stopped_by(error), error.user_message)
    lane.engines = [engine for engine in lane.engines if engine.connection_id != str(row.pk)]


async def _kept_up(row: Connection, engine: Engine) -> None:
    """Upkeep leaves a larger share of the budget alone than live sync: what keeps it waiting keeps no change waiting."""
    try:
        await keep_up(row, engine)
    except LaneLost:
        raise
    except TemporaryError as error:
        log.info("Upkeep of connection %s waits: %s", row.pk, error)


async def _more_came(lane_id: int, deadline: float) -> bool:
    """Whether there is something to do again before a quiet lane is let go."""
    until = min(deadline, CLOCK.monotonic() + LINGER_SECONDS)
    while CLOCK.monotonic() < until and lane_id not in _asked_again:
        if await worker_step(has_due_work, lane_id):
            return True
        await CLOCK.sleep(LOOK_EVERY)
    return False


def _quota(row: Connection) -> LaneQuota:
    """The process's count for this lane, told what all processes spent and what a member has set."""
    lane = row.lane
    quota = _quotas.get(lane.pk)
    if quota is None:
        quota = _quotas[lane.pk] = quota_of(lane, personal_token=row.auth_method == "token")
    quota.know(
        spent_today=spent_today(lane.pk), daily_limit=daily_budget(lane), reserve_percent=lane.reserve_percent
    )
    return quota


async def _engine(row: Connection, lane: Lane, quota: LaneQuota) -> Engine:
    guarded = GuardedQuota(quota, lane.hold, Feature.CHECK)
    crm = await worker_step(lambda: crm_of(row, quota=guarded, http=_sender, step=worker_step))
    rules = await worker_step(rules_in_force, row, row.get_settings())
    notices = row.is_live or row.launched_at is not None
    return Engine(
        str(row.pk),
        rules,
        crm,
        outreach_of(row, worker_step),
        lane,
        guarded.spend_as,
        notices,
        share_left=quota.share_left,
    )


def _learn(lane_id: int, quota: LaneQuota) -> None:
    """What the answers told about the burst window outlives the process."""
    LaneRow.objects.filter(pk=lane_id).exclude(burst_limit=quota.burst_limit).update(
        burst_limit=quota.burst_limit
    )


def _put_off(lane_id: int, error: Exception) -> None:
    """What nobody foresaw fails the job and is in the log; the lane waits a little instead of failing in a circle."""
    reason = error.user_message if isinstance(error, TidegateError) else UNFORESEEN
    LaneSchedule().wait(lane_id, CLOCK.now() + UNFORESEEN_PAUSE, reason)


def _wake_again(lane_id: int, ended: Drained, *, asked: bool) -> None:
    """After letting go: look once more, so that no wake is lost between."""
    if ended.wait_until is not None:
        return  # the schedule has set the alarm
    if ended.more or asked or has_due_work(lane_id):
        wake_lane(lane_id)
        return
    due = [time for time in (next_due_at(lane_id), ended.looks_up_at) if time is not None]
    if due:
        wake_lane(lane_id, at=min(due))
