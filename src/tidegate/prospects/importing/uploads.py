"""A file on its way in: kept with its plan until every row was taken, so that an import can be left, stopped and resumed.

A batch of rows, the problems found in it and how far the import has come are one transaction: after a crash it goes on
with the next row, and no row is taken twice.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.prospects.authors import Author
from tidegate.prospects.exporting import csv_line
from tidegate.prospects.importing.columns import (
    LINE,
    PROBLEM,
    Column,
    column_names,
    describe_columns,
    looks_like_header,
)
from tidegate.prospects.importing.files import Row, Shape, look_at, read_rows
from tidegate.prospects.importing.running import BATCH, Importer, Plan, RowReport, check_plan, in_batches
from tidegate.prospects.models import Import, ImportProblem, ImportState
from tidegate.prospects.queries import read_fields
from tidegate.words import say

MAX_BYTES = 50 * 1024 * 1024
LOOKED_AT = 5_000
"""Rows that tell what a column holds, and that are tried before anything is written."""
SHOWN_PROBLEMS = 50
KEPT = timedelta(days=30)
UPLOADS_KEPT = timedelta(days=2)
"""How long a file waits for its columns to be matched."""
STALLED = timedelta(seconds=30)

NO_HEADER = say("The first line does not name the columns. Put a line like “Email,First name,Company” first.")


@dataclass(frozen=True, slots=True)
class Check:
    """What an import would do, tried with the first rows."""

    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    """Target -> values that do not fit it."""
    problems: tuple[RowReport, ...] = ()


def receive(author: Author, file_name: str, content: bytes) -> Import:
    """Keep a file until its columns are matched. Raises Invalid where it can't be imported at all."""
    if len(content) > MAX_BYTES:
        text = say(
            "The file has {size} MB; the limit is {limit} MB. Use the command line.",
            size=f"{len(content) // 1024**2:,}",
            limit=MAX_BYTES // 1024**2,
        )
        raise Invalid(text, errors={"file": [text]})
    made = Import(
        workspace_id=author.workspace_id, file_name=file_name[-255:], content=content, actor=author.actor
    )
    _describe(made, look_at(io.BytesIO(content)))
    made.save()
    return made


def reread(upload: Import, *, encoding: str, delimiter: str) -> None:
    """Read the file another way than it seemed to be written. Raises Invalid."""
    _describe(upload, look_at(io.BytesIO(upload.content), encoding=encoding, delimiter=delimiter))
    upload.plan = {}
    upload.save()


def _describe(upload: Import, shape: Shape) -> None:
    upload.encoding, upload.delimiter, upload.escape = shape.encoding, shape.delimiter, shape.escape
    rows = _rows(upload)
    header = next(rows).cells
    if not looks_like_header(header):
        raise Invalid(NO_HEADER, errors={"file": [NO_HEADER]})
    upload.header, upload.rows_total = column_names(header), sum(1 for _ in rows)
    if not upload.rows_total:
        text = say("The file names columns, but holds no rows.")
        raise Invalid(text, errors={"file": [text]})


def get_upload(workspace_id: UUID, upload_id: UUID) -> Import:
    """Raises NotFound."""
    found = Import.objects.filter(workspace_id=workspace_id, pk=upload_id).first()
    if found is None:
        raise NotFound(say("There is no such import. It may have been tidied away."))
    return found


def recent_imports(workspace_id: UUID, count: int = 5) -> list[Import]:
    rows = Import.objects.filter(workspace_id=workspace_id).exclude(state=ImportState.UPLOADED)
    return list(rows.defer("content").order_by("-created_at")[:count])


def read_columns(upload: Import) -> list[Column]:
    """The file's columns, each with where it would go by itself."""
    rows = _rows(upload)
    header = next(rows).cells
    sample = [row.cells for row in islice(rows, LOOKED_AT)]
    return describe_columns(header, sample, read_fields(upload.workspace_id))


def try_out(upload: Import, plan: Plan) -> Check:
    """What would become of the first rows. Writes nothing. Raises Invalid where the plan can't work."""
    rows = _rows(upload)
    importer = Importer(_author(upload), next(rows).cells, plan, dry=True)
    check = Check(rows=min(upload.rows_total, LOOKED_AT))
    problems: list[RowReport] = []
    for batch in in_batches(islice(rows, LOOKED_AT)):
        for report in importer.take(batch):
            check.counts[report.outcome] += 1
            if not report.rejected:
                check.left_out.update(importer.original_targets(report.places))
            if report.reason and len(problems) < SHOWN_PROBLEMS:
                problems.append(report)
    return Check(check.rows, check.counts, check.left_out, tuple(problems))


@transaction.atomic
def start(upload: Import, plan: Plan) -> None:
    """Let the import run by this plan. Raises Invalid, and Conflict where it runs or ran already."""
    locked = Import.objects.select_for_update().get(pk=upload.pk)
    if locked.state != ImportState.UPLOADED:
        raise Conflict(say("This import was started already."))
    check_plan(plan, locked.header, read_fields(locked.workspace_id))
    locked.plan, locked.state, locked.worked_at = plan.to_json(), ImportState.RUNNING, timezone.now()
    locked.save(update_fields=["plan", "state", "worked_at"])


def advance(upload_id: UUID, *, until: datetime) -> bool:
    """Take batches until this moment; whether there is more to do. One worker at a time: the row is locked for a batch."""
    upload = Import.objects.filter(pk=upload_id, state=ImportState.RUNNING).first()
    if upload is None:
        return False
    try:
        return _take_batches(upload, until)
    except Invalid as error:
        texts = [text for texts in error.errors.values() for text in texts] or [str(error)]
        _finish(upload, ImportState.FAILED, " ".join(texts))
        return False


def _take_batches(upload: Import, until: datetime) -> bool:
    rows = _rows(upload)
    importer = Importer(_author(upload), next(rows).cells, Plan.from_json(upload.plan))
    importer.note(list(islice(rows, upload.rows_done)))
    for batch in in_batches(rows, BATCH):
        if not _take_batch(upload, importer, batch):
            return False
        if timezone.now() >= until:
            return True
    _finish(upload, ImportState.DONE)
    return False


@transaction.atomic
def _take_batch(upload: Import, importer: Importer, batch: Sequence[Row]) -> bool:
    """False where somebody else works on this import, or stopped it."""
    rows = Import.objects.select_for_update(skip_locked=True).defer("content")
    locked = rows.filter(pk=upload.pk, state=ImportState.RUNNING, rows_done=upload.rows_done).first()
    if locked is None:
        return False
    reports = importer.take(batch)
    ImportProblem.objects.bulk_create(
        ImportProblem(
            run=locked,
            line=report.row.line,
            rejected=report.rejected,
            reason=report.reason,
            cells=report.row.printable,
        )
        for report in reports
        if report.reason
    )
    counts = Counter(locked.counts) + Counter(report.outcome for report in reports)
    locked.counts, locked.rows_done, locked.worked_at = (
        dict(counts),
        locked.rows_done + len(batch),
        timezone.now(),
    )
    locked.save(update_fields=["counts", "rows_done", "worked_at"])
    upload.rows_done = locked.rows_done
    return True


def _finish(upload: Import, state: ImportState, message: str = "") -> None:
    """The file is not needed any more: its rows are prospects, or problems with their cells."""
    rows = Import.objects.filter(pk=upload.pk, state=ImportState.RUNNING)
    rows.update(state=state, message=message, finished_at=timezone.now(), content=b"")


@transaction.atomic
def stop(upload: Import) -> bool:
    """Take no more rows; those that were taken stay. Whether it was running."""
    stopped = Import.objects.filter(pk=upload.pk, state=ImportState.RUNNING).update(
        state=ImportState.FAILED, message="Stopped.", finished_at=timezone.now(), content=b""
    )
    return bool(stopped)


def stalled_imports(now: datetime) -> list[UUID]:
    """Imports that run and that nobody works on."""
    rows = Import.objects.filter(state=ImportState.RUNNING, worked_at__lt=now - STALLED)
    return list(rows.values_list("pk", flat=True))


def forget_old(now: datetime) -> None:
    """Retention: imports that ended, and files that nobody came back for."""
    Import.objects.filter(finished_at__lt=now - KEPT).delete()
    Import.objects.filter(state=ImportState.UPLOADED, created_at__lt=now - UPLOADS_KEPT).delete()


def problem_lines(upload: Import) -> Iterator[str]:
    """The rows that were not taken, or not wholly, as a CSV file that can be mended and imported again."""
    problems = ImportProblem.objects.filter(run=upload).order_by("line", "pk")
    yield "\ufeff" + csv_line([*upload.header, LINE, PROBLEM])
    for problem in problems.iterator(chunk_size=500):
        line = io.StringIO()
        cells = [*problem.cells, *[""] * (len(upload.header) - len(problem.cells))]
        csv.writer(line).writerow([*cells, problem.line, problem.reason])
        yield line.getvalue()


def _rows(upload: Import) -> Iterator[Row]:
    shape = Shape(upload.encoding, upload.delimiter, upload.escape)
    return read_rows(_open(upload), shape)


def _open(upload: Import) -> BinaryIO:
    return io.BytesIO(bytes(upload.content))


def _author(upload: Import) -> Author:
    return Author(upload.workspace_id, upload.actor, "import")
