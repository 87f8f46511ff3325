"""What the brakes stopped: kept with the pause in one transaction, and decided by a member once."""

import logging
from dataclasses import asdict

from django.db import transaction
from django.utils import timezone

from tidegate.core.connection import Reason, Status
from tidegate.errors import Conflict
from tidegate.ports import Stopped
from tidegate.store.models import Connection, Halt
from tidegate.words import say

log = logging.getLogger(__name__)

CONFIRMED, DROPPED = "confirmed", "dropped"


def keep_halt(connection_id: str, stopped: Stopped) -> None:
    """Pause the connection and keep what was stopped; a connection that is not active any more needs no stopping."""
    counts = {**asdict(stopped.tally), "linked": stopped.linked, "waiting": stopped.waiting}
    with transaction.atomic():
        active = Connection.objects.filter(pk=connection_id, status=Status.ACTIVE.value)
        paused = active.update(
            status=Status.PAUSED.value, reason=Reason.BRAKES.value, reason_text=stopped.message
        )
        if not paused:
            return
        log.warning("Connection %s was stopped by its brakes: %s", connection_id, stopped.message)
        Halt.objects.update_or_create(
            connection_id=connection_id,
            decided_at=None,
            defaults={
                "brake": stopped.brake.value,
                "message": stopped.message,
                "counts": counts,
                "examples": [asdict(example) for example in stopped.examples],
                "upto": stopped.upto,
                "created_at": timezone.now(),
            },
        )


def open_halt(connection: Connection) -> Halt | None:
    return Halt.objects.filter(connection=connection, decided_at=None).first()


def decide_halt(halt: Halt, decision: str, *, actor: str) -> None:
    """Remember what a member said, in the caller's transaction. Raises Conflict where it was decided already."""
    rows = Halt.objects.filter(pk=halt.pk, decided_at=None)
    if not rows.update(decision=decision, decided_at=timezone.now(), decided_by=actor[:200]):
        raise Conflict(say("This was decided already."))
    mark = {"passed_upto": halt.upto} if decision == CONFIRMED else {"left_upto": halt.upto}
    if halt.upto:
        Connection.objects.filter(pk=halt.connection_id).update(**mark)
    halt.refresh_from_db()
