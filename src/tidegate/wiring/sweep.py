"""The net under the wakes: lanes with due work and nobody at it, holders that froze, jobs whose worker died.

A stalled job is closed as failed and never retried: the lane has been woken anew, and retrying a job whose queueing lock is
taken again would fail for ever (Procrastinate issues 1446 and 1543).
"""

import logging
from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.jobs import Status as JobStatus

from tidegate.prospects.importing import uploads
from tidegate.store import idempotency
from tidegate.store.holds import end_frozen_holders
from tidegate.store.models import Change, LogEntry
from tidegate.store.schedule import lanes_with_due_work
from tidegate.store.wakes import wake_lane
from tidegate.wiring.idle_tokens import keep_tokens_alive
from tidegate.wiring.imports import wake_stalled_imports
from tidegate.wiring.steps import worker_step
from tidegate.wiring.upkeep import lanes_due_for_a_check, note_downtime

log = logging.getLogger(__name__)

STALLED_SECONDS = 30
CHANGES_KEPT = timedelta(days=30)
LOG_KEPT = timedelta(days=365)
JOBS_KEPT_HOURS = 24


async def sweep_lanes() -> None:
    await _close_stalled_jobs()
    await worker_step(_wake)


def _wake() -> None:
    note_downtime()
    for lane_id in end_frozen_holders():
        log.warning("The holder of lane %s froze; its session was ended and the lane is handed on.", lane_id)
        wake_lane(lane_id)
    for lane_id in {*lanes_with_due_work().values_list("pk", flat=True), *lanes_due_for_a_check()}:
        wake_lane(lane_id)
    wake_stalled_imports()


async def _close_stalled_jobs() -> None:
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await manager.finish_job(job, status=JobStatus.FAILED, delete_job=False)


async def tidy() -> None:
    """Once a day. Retention (changes done, log entries, idempotency keys, finished jobs), and idle authorisations."""
    await worker_step(_delete_old_rows)
    await keep_tokens_alive()
    await app.job_manager.delete_old_jobs(
        nb_hours=JOBS_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


def _delete_old_rows() -> None:
    now = timezone.now()
    Change.objects.filter(done_at__lt=now - CHANGES_KEPT).delete()
    LogEntry.objects.filter(at__lt=now - LOG_KEPT).delete()
    idempotency.forget_old(now)
    uploads.forget_old(now)
