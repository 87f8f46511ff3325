"""For those who watch the server: `/healthz` says that it lives, `/readyz` that it can do its work."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tidegate.store.readiness import database_fault, worker_fault


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
        response = JsonResponse({"status": "not ready", "faults": faults}, status=503)
        response._has_been_logged = True  # type: ignore[attr-defined]  # an answer, no error of the server's
        return response
    return JsonResponse({"status": "ready"})


urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
