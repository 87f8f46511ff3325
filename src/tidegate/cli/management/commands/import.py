"""`tidegate import my.csv --list NAME`: prospects from a CSV file, through the same import as the page's."""

import csv
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tidegate.cli.workspaces import find_workspace
from tidegate.errors import Invalid
from tidegate.prospects import queries, services
from tidegate.prospects.exporting import csv_line
from tidegate.prospects.importing.columns import (
    CUSTOM,
    LIST,
    NEW,
    SKIP,
    SYSTEM_TARGETS,
    Column,
    describe_columns,
    looks_like_header,
)
from tidegate.prospects.importing.files import Row, look_at, read_rows
from tidegate.prospects.importing.running import TWICE, Importer, Plan, RowReport, in_batches
from tidegate.prospects.models import FieldType
from tidegate.prospects.services import Author, Outcome, Policy
from tidegate.store.models import Workspace

SHOWN = 20
"""Rejected rows that are named on the screen; a file of all of them comes with --errors."""
SAMPLE = 5_000


class Command(BaseCommand):
    help = "Import prospects from a CSV file. Importing the same file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument(
            "--list", action="append", default=[], metavar="NAME", help="add everyone to this list"
        )
        parser.add_argument("--workspace", metavar="NAME", help="where there are several")
        parser.add_argument(
            "--policy",
            choices=[policy.value for policy in Policy],
            default=Policy.OVERWRITE.value,
            help="prospects that are here already: take over the file's values (the default), fill empty fields, or skip",
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help=f"send a column elsewhere: {', '.join(SYSTEM_TARGETS)}, custom.KEY, new:TYPE or skip",
        )
        parser.add_argument(
            "--known-only", action="store_true", help="make no custom fields for unknown columns"
        )
        parser.add_argument("--encoding", default="", help="where it is not recognised, for example cp1252")
        parser.add_argument("--delimiter", default="", help="where it is not recognised, for example ;")
        parser.add_argument(
            "--errors", type=Path, metavar="FILE", help="write the rows not taken to this file"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = find_workspace(options["workspace"])
        try:
            with options["file"].open("rb") as file:
                self.import_file(file, workspace, options)
        except OSError as error:
            raise CommandError(f"{options['file']} can't be read: {error.strerror}.") from error
        except Invalid as error:
            texts = [text for texts in error.errors.values() for text in texts] or [str(error)]
            raise CommandError("\n".join(texts)) from error

    def import_file(self, file: BinaryIO, workspace: Workspace, options: dict[str, Any]) -> None:
        author = Author(workspace.pk, "the command line", "import")
        delimiter = {"\\t": "\t", "tab": "\t"}.get(options["delimiter"], options["delimiter"])
        shape = look_at(file, encoding=options["encoding"], delimiter=delimiter)
        rows = read_rows(file, shape)
        header = next(rows).cells
        if not looks_like_header(header):
            raise CommandError(
                "The first row holds an e-mail address, so the file has no header. Add one first."
            )
        sample = [row.cells for row in islice(rows, SAMPLE)]
        columns = describe_columns(header, sample, queries.read_fields(workspace.pk))
        rows.close()
        plan = Plan(
            targets=chosen_targets(columns, options["map"], known_only=options["known_only"]),
            list_ids=() if options["dry_run"] else list_ids(author, options["list"]),
            policy=Policy(options["policy"]),
        )
        importer = Importer(author, header, plan, dry=options["dry_run"])
        self.say_columns(columns, plan)
        total = sum(1 for _ in read_rows(file, shape)) - 1
        body = read_rows(file, shape)
        next(body)
        with ExitStack() as stack:
            failures = ErrorFile(options["errors"], header, stack)
            counts = self.take_all(importer, body, failures, total)
        self.say_result(counts, failures, dry=options["dry_run"])

    def take_all(
        self, importer: Importer, rows: Iterator[Row], failures: "ErrorFile", total: int
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        bar = Progress(
            TextColumn("Importing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        with bar:
            task = bar.add_task("", total=total)
            for batch in in_batches(rows):
                for report in importer.take(batch):
                    counts[report.outcome] += 1
                    failures.note(report)
                bar.advance(task, len(batch))
        return counts

    def say_columns(self, columns: Sequence[Column], plan: Plan) -> None:
        for column, target in zip(columns, plan.targets, strict=True):
            self.stdout.write(f"  {column.name} -> {in_words(target)}")

    def say_result(self, counts: Counter[str], failures: "ErrorFile", *, dry: bool) -> None:
        for line in failures.lines:
            self.stdout.write(line)
        if failures.count > len(failures.lines):
            rest = failures.count - len(failures.lines)
            self.stdout.write(f"  and {rest:,} more. --errors FILE writes all of them to a file.")
        parts = [f"{counts[Outcome.CREATED]:,} created", f"{counts[Outcome.UPDATED]:,} updated"]
        parts.append(f"{counts[Outcome.UNCHANGED]:,} unchanged")
        if counts[TWICE]:
            parts.append(f"{counts[TWICE]:,} twice in the file")
        if counts[Outcome.REJECTED]:
            parts.append(f"{counts[Outcome.REJECTED]:,} rejected")
        self.stdout.write(("Dry run, nothing written: " if dry else "") + ", ".join(parts) + ".")


class ErrorFile:
    """Rows that were not taken, or not wholly: some for the screen, all for a file where one is wanted."""

    def __init__(self, path: Path | None, header: Sequence[str], stack: ExitStack) -> None:
        self.count = 0
        self.lines: list[str] = []
        self.file = None
        if path is not None:
            self.file = stack.enter_context(path.open("w", encoding="utf-8-sig", newline=""))
            self.file.write(csv_line(["Line", "Problem", *header]))

    def note(self, report: RowReport) -> None:
        if not report.reason:
            return
        self.count += 1
        if len(self.lines) < SHOWN:
            taken = "rejected" if report.rejected else "taken without this"
            self.lines.append(f"  Line {report.row.line:,} {taken}: {report.reason[:300]}")
        if self.file is not None:
            csv.writer(self.file).writerow([report.row.line, report.reason, *printable(report.row.cells)])


def printable(cells: Sequence[str]) -> list[str]:
    """Cells with what could not be read replaced by a question mark."""
    return [cell.encode("utf-8", "replace").decode() for cell in cells]


def chosen_targets(columns: Sequence[Column], asked: Sequence[str], *, known_only: bool) -> tuple[str, ...]:
    """Where the columns go: by themselves, unless asked otherwise. Raises CommandError."""
    targets = [SKIP if known_only and column.target.startswith(NEW) else column.target for column in columns]
    by_name = {column.name.casefold(): column.index for column in columns}
    for text in asked:
        name, sign, target = text.rpartition("=")
        if not sign or name.strip().casefold() not in by_name:
            names = ", ".join(column.name for column in columns)
            raise CommandError(f"--map {text}: there is no such column. The file has: {names}")
        targets[by_name[name.strip().casefold()]] = target.strip()
    return tuple(targets)


def list_ids(author: Author, names: Sequence[str]) -> tuple[int, ...]:
    return tuple(item.pk for item in services.get_or_create_lists(author, names).values())


def in_words(target: str) -> str:
    if target.startswith(NEW) and target.removeprefix(NEW) in FieldType.values:
        return f"a custom field, {FieldType(target.removeprefix(NEW)).label.lower()}"
    if target == SKIP:
        return "not imported"
    return target if target.startswith(CUSTOM) or target == LIST else SYSTEM_TARGETS.get(target, target)
