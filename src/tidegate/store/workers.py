"""Which workers live: each writes a heartbeat every few seconds."""

from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker


def last_heartbeat() -> datetime | None:
    """When any worker was last seen; None when there is none."""
    seen: datetime | None = ProcrastinateWorker.objects.aggregate(seen=Max("last_heartbeat"))["seen"]
    return seen


def living_workers(within: timedelta = timedelta(seconds=30)) -> int:
    return int(ProcrastinateWorker.objects.filter(last_heartbeat__gte=timezone.now() - within).count())
