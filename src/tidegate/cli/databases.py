"""The database as commands meet it: found running or run for a while, written to a file, read from one."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tidegate.config import config
from tidegate.database import EmbeddedDatabase, binaries
from tidegate.errors import ConfigurationError


@contextmanager
def running_database() -> Iterator[None]:
    """The database answers for as long as this lasts. An embedded one that nobody runs yet is run by us."""
    if not config.embedded:
        yield
        return
    database = EmbeddedDatabase(config.home)
    if _join(database):
        yield
        return
    try:
        yield
    finally:
        database.stop()


def _join(database: EmbeddedDatabase) -> bool:
    """True when somebody else runs it; False when it is ours now."""
    deadline = time.monotonic() + 30
    while not database.is_running():
        try:
            database.start()
        except ConfigurationError:
            # Its owner is starting or ending right now; in a moment it answers or is free.
            if database.is_owned_by_another() and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            raise
        return False
    return True


def backup(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tidegate backup",
        description="Write the database to a file that any later version can restore. The service may go on running.",
    )
    parser.add_argument("file", type=Path, help="where to write it, for example tidegate.dump")
    file: Path = parser.parse_args(arguments).file
    draft = file.with_name(f".{file.name}.part")
    with running_database():
        _tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
    draft.replace(file)
    print(f"{file} holds the database ({file.stat().st_size / 1e6:.1f} MB).")
    if (config.home / "secrets").exists():
        print(f"It holds no keys: keep a copy of {config.home / 'secrets'} in another place.")
    return 0


def restore(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tidegate restore",
        description="Replace everything in the database by what a backup holds. Stop web and workers before.",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--replace", action="store_true", help="yes, drop what is in the database now")
    options = parser.parse_args(arguments)
    if not options.file.is_file():
        raise ConfigurationError(f"There is no file {options.file}.")
    with running_database():
        _refuse_to_overwrite(replace=options.replace)
        script = _tool(
            "pg_restore", "--no-owner", "--no-privileges", "--file=-", str(options.file), connect=False
        )
        # In one transaction: whatever goes wrong, the database stays as it was.
        fresh = b"DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"
        _tool(
            "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null",
            given=fresh + script,
        )  # fmt: skip
    print(f"The database holds what was in {options.file}. Bring it to this version: tidegate migrate")
    return 0


def _refuse_to_overwrite(*, replace: bool) -> None:
    query = (
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'), (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')"
    )
    said = _tool("psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--command={query}").decode().strip()
    others, tables = (int(number) for number in said.split("|"))
    if others:
        raise ConfigurationError("The database is in use. Stop web and workers, then run this again.")
    if tables and not replace:
        raise ConfigurationError(
            "The database is not empty. Back it up (tidegate backup FILE), then run this again with --replace."
        )


def _tool(name: str, *arguments: str, connect: bool = True, given: bytes | None = None) -> bytes:
    """Run one of PostgreSQL's client programs against our database; what it printed."""
    database = config.database
    environment = dict(os.environ)
    if connect:
        options = {key: str(value) for key, value in database["OPTIONS"].items()}
        described = {
            "PGHOST": database["HOST"], "PGPORT": str(database["PORT"]), "PGUSER": database["USER"],
            "PGPASSWORD": database["PASSWORD"], "PGDATABASE": database["NAME"],
            "PGSSLMODE": options.get("sslmode", ""), "PGSSLROOTCERT": options.get("sslrootcert", ""),
        }  # fmt: skip
        environment.update({key: value for key, value in described.items() if value})
    command = [str(binaries() / name), *arguments]
    result = subprocess.run(command, input=given, capture_output=True, check=False, env=environment)
    if result.returncode:
        said = " ".join(result.stderr.decode(errors="replace").split()) or f"exit code {result.returncode}"
        raise ConfigurationError(f"{name} failed: {said}")
    sys.stderr.write(result.stderr.decode(errors="replace"))
    return result.stdout
