"""For those who watch the server: `/healthz` says that it lives, `/readyz` that it can do its work."""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tidegate.store.workers import last_heartbeat

PATIENCE = timedelta(seconds=30)
"""A worker that was seen so lately counts as there: it writes its heartbeat every few seconds."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Nothing else is asked: a database that is away is no reason to kill the web."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and a worker was seen lately, else 503 and which of them is missing."""
    checks = {"database": database_fault(), "worker": None}
    if checks["database"] is None:
        checks["worker"] = worker_fault()
    faults = {name: fault for name, fault in checks.items() if fault is not None}
    if faults:
        return JsonResponse({"status": "not ready", "faults": faults}, status=503)
    return JsonResponse({"status": "ready"})


def database_fault() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database does not answer."
    return None


def worker_fault() -> str | None:
    try:
        seen = last_heartbeat()
    except DatabaseError:
        return "The database is not migrated. Run: tidegate migrate"
    if seen is None:
        return "No worker runs. Start one: tidegate worker"
    if timezone.now() - seen > PATIENCE:
        return f"No worker was seen since {seen:%Y-%m-%d %H:%M:%S} UTC. Start one: tidegate worker"
    return None


urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
