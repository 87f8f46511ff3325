"""`tidegate export my.csv`: prospects to a CSV file that `tidegate import` reads back."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tidegate.cli.commands import TidegateCommand
from tidegate.cli.workspaces import add_workspace_option, choose_workspace
from tidegate.prospects import queries
from tidegate.prospects.exporting import csv_lines


class Command(TidegateCommand):
    help = "Export prospects to a CSV file."
    suppressed_base_arguments = TidegateCommand.suppressed_base_arguments | {"-v"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the CSV file to write; - for the screen")
        parser.add_argument("--list", metavar="NAME", help="this list alone")
        add_workspace_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = choose_workspace(options["workspace"])
        wanted = queries.Filter(workspace.pk, list_id=self.find_list(workspace.pk, options["list"]))
        if options["file"] == "-":
            for piece in csv_lines(wanted):
                sys.stdout.write(piece)
            return
        try:
            with open(options["file"], "w", encoding="utf-8", newline="") as file:
                for piece in csv_lines(wanted):
                    file.write(piece)
        except OSError as error:
            raise CommandError(f"{options['file']} can't be written: {error.strerror}.") from error
        self.stdout.write(f"{queries.count(wanted):,} prospects are in {options['file']}.")

    def find_list(self, workspace_id: Any, name: str | None) -> int | None:
        if name is None:
            return None
        lists = queries.read_lists(workspace_id)
        for item in lists:
            if item.name.casefold() == name.strip().casefold():
                return item.pk
        there = ", ".join(item.name for item in lists) or "none"
        raise CommandError(f"There is no list “{name}”. The lists are: {there}.")
