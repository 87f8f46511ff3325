"""Imports of the pages, worked on by a worker: waking them, and what a wake does.

As with lanes, a job is a wake-up: how far an import has come is in its own row, and a lost job costs time alone.
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from procrastinate import exceptions
from procrastinate.contrib.django import app

from tidegate.prospects.importing import uploads
from tidegate.prospects.importing.running import Plan
from tidegate.prospects.models import Import
from tidegate.wiring.steps import worker_step

IMPORT = "tidegate.import"
AT_ONCE = timedelta(seconds=10)
"""So long a thread is held; then other work has its turn."""


@transaction.atomic
def start_import(upload: Import, plan: Plan) -> None:
    """Raises Invalid, Conflict."""
    uploads.start(upload, plan)
    wake_import(upload.pk)


def wake_import(import_id: UUID) -> None:
    """Ask a worker to go on with this import; asked twice is once."""
    try:
        with transaction.atomic():
            app.configure_task(IMPORT, queueing_lock=f"import:{import_id}", queue="imports").defer(
                import_id=str(import_id)
            )
    except exceptions.AlreadyEnqueued:
        pass


def wake_stalled_imports() -> None:
    for import_id in uploads.stalled_imports(timezone.now()):
        wake_import(import_id)


async def work_on_import(import_id: str) -> None:
    """Take the rows of an import until the last one is done."""
    while await worker_step(_advance, UUID(import_id)):
        pass


def _advance(import_id: UUID) -> bool:
    return uploads.advance(import_id, until=timezone.now() + AT_ONCE)
