"""Whether the database answers and workers live: each worker writes a heartbeat every few seconds."""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Max
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

PATIENCE = timedelta(seconds=30)
"""A worker that was seen so lately counts as there."""


def living_workers() -> int:
    return int(ProcrastinateWorker.objects.filter(last_heartbeat__gte=timezone.now() - PATIENCE).count())


def database_fault() -> str | None:
    """What is wrong with the database; None when it answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database does not answer."
    return None


def worker_fault() -> str | None:
    """Why nothing would be done; None when at least one worker lives."""
    try:
        seen = ProcrastinateWorker.objects.aggregate(seen=Max("last_heartbeat"))["seen"]
    except DatabaseError:
        return "The database is not migrated. Run: tidegate migrate"
    if seen is None:
        return "No worker runs. Start one: tidegate worker"
    if timezone.now() - seen > PATIENCE:
        return f"No worker was seen since {seen:%Y-%m-%d %H:%M:%S} UTC. Start one: tidegate worker"
    return None
