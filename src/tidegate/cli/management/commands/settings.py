"""`tidegate settings`: the settings of a connection as a file: written, compared, applied."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tidegate.cli.commands import TidegateCommand, plain_errors
from tidegate.cli.workspaces import add_connection_option, choose_connection
from tidegate.core.settings import Settings
from tidegate.core.settings_file import (
    Place,
    SettingsFile,
    differences,
    read_file,
    settings_of,
    write_settings,
)
from tidegate.errors import Conflict
from tidegate.store.models import Connection
from tidegate.wiring import actions


class Command(TidegateCommand):
    help = "Write the settings of a connection to a file, compare them with a file, or apply a file."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="export | diff | apply")
        export = verbs.add_parser("export", help="write the settings to a file")
        diff = verbs.add_parser("diff", help="show what applying a file would change")
        apply = verbs.add_parser("apply", help="save the settings of a file")
        for verb in (export, diff, apply):
            verb.add_argument("file", metavar="FILE", help="a TOML file; - is the screen or the input")
            add_connection_option(verb)
        which = apply.add_mutually_exclusive_group()
        which.add_argument("--version", type=int, help="the version these changes are made to; the file's")
        which.add_argument(
            "--force", action="store_true", help="whatever was saved since the file was written"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connection = choose_connection(options["connection"])
        place = place_of(connection)
        if options["verb"] == "export":
            self._export(connection, place, options["file"])
            return
        with plain_errors():
            file = read_file(_read(options["file"]))
            settings = settings_of(file, place)
            changes = differences(connection.get_settings(), settings, place)
            for line in changes or ["Nothing changes."]:
                self.stdout.write(line)
            if options["verb"] == "apply" and changes:
                version = None if options["force"] else expected_version(file, place, options["version"])
                self._apply(connection, settings, version)

    def _export(self, connection: Connection, place: Place, path: str) -> None:
        text = write_settings(connection.get_settings(), place)
        if path == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} can't be written: {error.strerror}.") from error
        self.stdout.write(f"Written to {path}: version {place.version}.")

    def _apply(self, connection: Connection, settings: Settings, version: int | None) -> None:
        try:
            saved = actions.save_settings(connection, settings, version=version, actor="tidegate settings")
        except Conflict as error:
            connection.refresh_from_db()
            raise CommandError(
                f"The settings are at version {connection.settings_version} by now, and these changes were made to "
                f"version {version}. Export them again, or say --force to replace what was saved since."
            ) from error
        self.stdout.write(f"Saved as version {saved.settings_version}.")
        for problem in actions.problems(saved):
            self.stdout.write(f"Still to do: {problem.message}")


def place_of(connection: Connection) -> Place:
    return Place(
        connection=str(connection.pk),
        company=connection.company_name,
        version=connection.settings_version,
        outreach=actions.outreach_catalogue(connection),
        pipedrive=actions.pipedrive_catalogue(connection),
    )


def expected_version(file: SettingsFile, place: Place, given: int | None) -> int:
    """The version the file was made from. That of another connection says nothing here."""
    if given is not None:
        return given
    if file.connection != place.connection:
        raise CommandError(
            f"The file is of another connection. Say --version {place.version} to replace these settings by it."
        )
    return file.version


def _read(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not a text in UTF-8.") from error
