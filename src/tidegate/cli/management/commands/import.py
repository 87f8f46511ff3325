"""`tidegate import FILE`: prospects from a CSV file; the rows it can't take are listed with reasons."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tidegate.cli.commands import TidegateCommand
from tidegate.cli.importing import Summary, Wishes, import_file, lines_about
from tidegate.cli.workspaces import add_workspace_option, choose_workspace
from tidegate.errors import Invalid
from tidegate.prospects.importing.columns import SYSTEM_TARGETS
from tidegate.prospects.services import Policy
from tidegate.store.models import Workspace


class Command(TidegateCommand):
    help = "Import prospects from a CSV file. Columns are known by their names; unknown ones become custom fields."
    suppressed_base_arguments = TidegateCommand.suppressed_base_arguments | {"-v"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--list", action="append", default=[], metavar="NAME", help="add everyone to this list"
        )
        parser.add_argument(
            "--policy",
            choices=[p.value for p in Policy],
            default=Policy.OVERWRITE.value,
            help="prospects who are here already: overwrite with the file, fill their empty fields, or skip them",
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help=f"send a column elsewhere: {', '.join(SYSTEM_TARGETS)}, custom.KEY, new:TYPE or skip",
        )
        parser.add_argument("--known-only", action="store_true", help="make no custom fields")
        parser.add_argument("--encoding", default="", help="where it is not recognised: cp1252, utf-16, ...")
        parser.add_argument("--delimiter", default="", help="where it is not recognised: ; or tab or ...")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
        parser.add_argument(
            "--errors", type=Path, metavar="FILE", help="write all faulty rows with their reasons, as CSV"
        )
        add_workspace_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = choose_workspace(options["workspace"])
        try:
            summary = self.run_import(workspace, options)
        except OSError as error:
            raise CommandError(f"{error.filename} can't be opened: {error.strerror}") from error
        except Invalid as error:
            reasons = " ".join(text for texts in error.errors.values() for text in texts)
            raise CommandError(reasons or str(error)) from error
        for line in summary.columns:
            self.stdout.write(f"  {line}")
        for line in lines_about(summary):
            self.stdout.write(line)
        if options["dry_run"]:
            self.stdout.write("Nothing was written.")

    def run_import(self, workspace: Workspace, options: dict[str, Any]) -> Summary:
        columns = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
        with ExitStack() as stack:
            path = options["errors"]
            errors = stack.enter_context(path.open("w", encoding="utf-8-sig", newline="")) if path else None
            progress = stack.enter_context(
                Progress(*columns, transient=True, disable=not self.stdout.isatty())
            )
            task = progress.add_task("", total=None)
            return import_file(
                options["file"],
                workspace,
                actor="tidegate import",
                wishes=wishes_of(options),
                errors=errors,
                progress=lambda rows: progress.advance(task, rows),
            )


def wishes_of(options: dict[str, Any]) -> Wishes:
    delimiter = {"tab": "\t", "\\t": "\t"}.get(options["delimiter"], options["delimiter"])
    if len(delimiter) > 1:
        raise CommandError("--delimiter is one sign, or the word tab.")
    return Wishes(
        lists=options["list"],
        policy=Policy(options["policy"]),
        mapping=options["map"],
        known_only=options["known_only"],
        encoding=options["encoding"],
        delimiter=delimiter,
        dry=options["dry_run"],
    )
