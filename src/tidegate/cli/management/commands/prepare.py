"""What `tidegate up` does before it starts the rest: migrations and static files."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser

from tidegate.cli.commands import TidegateCommand
from tidegate.cli.demo_data import demo_workspace
from tidegate.cli.migrations import pending_migrations
from tidegate.cli.static_files import collect_static_files


class Command(TidegateCommand):
    help = "Bring the database to this version and collect the static files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--static-only", action="store_true", help="leave the database as it is")
        parser.add_argument("--demo", action="store_true", help="make the demo's owner, too")

    def handle(self, *args: Any, **options: Any) -> None:
        collect_static_files()
        if options["static_only"]:
            return
        pending = pending_migrations()
        if pending:
            self.stdout.write(f"Bringing the database to this version ({len(pending)} steps).")
            call_command("migrate", interactive=False, verbosity=0)
        if options["demo"]:
            demo_workspace()
