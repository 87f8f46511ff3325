"""`tidegate COMMAND`: the operator's verbs.

A fault in the settings is one line and exit code 2. Commands that work with data find their database running, or run
the embedded one for as long as they need it. Most verbs are Django management commands in `management/commands`.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from tidegate import __version__
from tidegate.errors import ConfigurationError

Arguments = Sequence[str]

HELP = """\
Tidegate keeps an e-mail outreach app and Pipedrive in step.

Usage: tidegate COMMAND [OPTIONS]     (tidegate COMMAND --help says more)

Run it
  up         database, web and worker, until Ctrl-C
  demo       the same with a Pipedrive sandbox and sample data
  web        the pages and the API alone
  worker     one worker alone; start as many as you like
  migrate    bring the database to this version

Look after it
  status     connections, workers and what waits
  doctor     check this installation
  password   a link by which a user chooses a new password
  backup     write the database to a file
  restore    read the database from a file

Move data
  import     prospects from a CSV file into a list
  export     prospects to a CSV file
  event      tell of a campaign event by hand
  import-events   past campaign events from a CSV or JSON file
  transfer   transfer existing records between the store and Pipedrive
  settings   settings of a connection as a file: export, diff, apply

manage runs any other Django command. Settings are environment variables: see .env.example.
"""


def main(arguments: Arguments | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 a setting or the command itself is at fault."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tidegate.settings")
    try:
        return _run(words)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(words: list[str]) -> int:
    if not words or words[0] in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0 if words else 2
    if words[0] in ("version", "--version"):
        print(f"Tidegate {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if name in SUPERVISED:
        return SUPERVISED[name](rest)
    if name in MANAGED:
        return _manage([name, *rest])
    if name == "manage" and rest:
        return _manage(rest)
    print(f"There is no command “{name}”. All commands: tidegate help", file=sys.stderr)
    return 2


def _manage(words: list[str]) -> int:
    from tidegate.cli.databases import running_database

    wants_help = "--help" in words or "-h" in words
    with nullcontext() if wants_help else running_database():
        from django.core.management import ManagementUtility
        from django.db import OperationalError

        try:
            ManagementUtility(["tidegate", *words]).execute()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        except OperationalError as error:
            said = " ".join(str(error).split())
            print(
                f"The database can't be used: {said}. Check DATABASE_URL, or run: tidegate doctor",
                file=sys.stderr,
            )
            return 1
    return 0


def _up(arguments: Arguments) -> int:
    from tidegate.cli.up import up

    return up(arguments)


def _demo(arguments: Arguments) -> int:
    from tidegate.cli.demo import demo

    return demo(arguments)


def _announce(arguments: Arguments) -> int:
    from tidegate.cli.answers import announce

    return announce(arguments)


def _web(arguments: Arguments) -> int:
    from tidegate.cli.serve import serve

    return serve(arguments)


def _backup(arguments: Arguments) -> int:
    from tidegate.cli.databases import backup

    return backup(arguments)


def _restore(arguments: Arguments) -> int:
    from tidegate.cli.databases import restore

    return restore(arguments)


SUPERVISED: dict[str, Callable[[Arguments], int]] = {
    "up": _up,
    "demo": _demo,
    "announce": _announce,
    "web": _web,
    "backup": _backup,
    "restore": _restore,
}
"""Verbs that need no Django in their own process; each imports what it needs only when it is called."""
MANAGED = (
    "worker",
    "migrate",
    "prepare",
    "furnish",
    "status",
    "doctor",
    "password",
    "import",
    "export",
    "event",
    "import-events",
    "transfer",
    "settings",
)
