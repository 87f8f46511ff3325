"""`tidegate import FILE`: prospects from a CSV file; the rows it can't take are listed with reasons."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tidegate.cli.importing import Summary, import_file, lines_about
from tidegate.cli.workspaces import add_workspace_option, choose_workspace
from tidegate.errors import Invalid
from tidegate.prospects.services.bulk import Policy


class Command(BaseCommand):
    help = "Import prospects from a CSV file. Columns are known by their names; unknown ones become custom fields."
    requires_system_checks = []
    suppressed_base_arguments = {
        "--version",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--skip-checks",
        "-v",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--list", action="append", default=[], metavar="NAME", help="add everyone to this list"
        )
        parser.add_argument("--policy", choices=[p.value for p in Policy], default=Policy.OVERWRITE.value)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
        parser.add_argument(
            "--errors", type=Path, metavar="FILE", help="write all faulty rows with their reasons"
        )
        add_workspace_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = choose_workspace(options["workspace"])
        columns = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
        try:
            with Progress(*columns, transient=True, disable=not self.stdout.isatty()) as progress:
                task = progress.add_task("", total=None)
                summary = import_file(
                    options["file"],
                    workspace,
                    actor="tidegate import",
                    lists=options["list"],
                    policy=Policy(options["policy"]),
                    dry=options["dry_run"],
                    progress=lambda rows: progress.advance(task, rows),
                )
        except OSError as error:
            raise CommandError(f"{options['file']} can't be read: {error.strerror}") from error
        except Invalid as error:
            reasons = " ".join(text for texts in error.errors.values() for text in texts)
            raise CommandError(reasons or str(error)) from error
        self.report(summary, options["errors"], dry=options["dry_run"])

    def report(self, summary: Summary, errors: Path | None, *, dry: bool) -> None:
        for line in lines_about(summary):
            self.stdout.write(line)
        if dry:
            self.stdout.write("Nothing was written.")
        if errors:
            errors.write_text("".join(f"line {r.row.line}: {r.outcome}: {r.reason}\n" for r in summary.told))
