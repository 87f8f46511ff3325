"""The embedded PostgreSQL: its data under TIDEGATE_HOME/postgres, reached by a UNIX socket, never by network.

One process owns it (it holds `postgres.lock`), starts it as its child and ends it; others only connect. PostgreSQL
refuses to run as root, so root lends it a system user of its own. What a crash left behind is cleared away, but only
what is certainly dead: two servers on one data directory would destroy it.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from tidegate.config import socket_directory
from tidegate.database.accounts import Account, server_account
from tidegate.database.programs import binaries, command_line, end_with_parent, how_it_ended
from tidegate.errors import ConfigurationError

DATABASE = "tidegate"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_checkpoints": "off",
}
TEST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}
"""For databases that are thrown away: fast, and lost when the machine goes down."""


class EmbeddedDatabase:
    """Starts and stops the PostgreSQL of one TIDEGATE_HOME."""

    def __init__(
        self,
        home: Path,
        *,
        settings: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.home = home
        self.data = home / "postgres"
        self.sockets = socket_directory(home)
        self.log = home / "postgres.log"
        self.settings = {**SETTINGS, **(settings or {})}
        self.tell = tell
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._account: Account | None = None
        self._log_size_at_start = 0

    def is_running(self) -> bool:
        """Whether it answers, whoever started it."""
        with suppress(psycopg.Error):
            psycopg.connect(**self._address(), connect_timeout=3).close()
            return True
        return False

    def start(self) -> None:
        """Own it and run it, with its database made. Raises ConfigurationError where that can't be done."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._own()
            try:
                self._prepare()
                self._launch()
                self._make_database()
            except BaseException:
                self.stop()
                raise
        except PermissionError as error:
            raise ConfigurationError(
                f"{error.filename} can't be used by this user. Choose another place: TIDEGATE_HOME=~/tidegate"
            ) from error

    def revive(self) -> None:
        """Start it again if it died by itself; it replays its log and nothing committed is lost."""
        if self.process is not None and self.process.poll() is not None:
            how = how_it_ended(self.process.returncode)
            self.tell(f"The database ended unexpectedly ({how}); it starts again. Its log: {self.log}")
            self._launch()
            self.tell("The database is back. Nothing that was committed is lost.")

    def stop(self) -> None:
        """End it in good order: clients are cut off, everything committed is on disk."""
        self._end_server()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _end_server(self) -> None:
        if self.process is not None:
            for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
                if self.process.poll() is not None:
                    break
                self.process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(seconds)
            self.process = None

    def run_once(self, version: int) -> None:
        """Start this version and end it in good order: whatever a crash left is put right."""
        self._launch(version)
        self._end_server()

    def run_tool(self, name: str, *arguments: str, version: int | None = None, **options: Any) -> str:
        """Run one of PostgreSQL's own programs as the server's user; its output, or an error that quotes it."""
        command = [str(binaries(version) / name), *arguments]
        result = subprocess.run(command, capture_output=True, check=False, **self._as_account(), **options)
        if result.returncode:
            said = " ".join((result.stderr or result.stdout).decode(errors="replace").split())
            raise ConfigurationError(f"The embedded database: {name} failed: {said}")
        return str(result.stdout, errors="replace")

    def is_owned_by_another(self) -> bool:
        """Whether some process runs it, or is about to."""
        try:
            with (self.home / "postgres.lock").open("a+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            pass
        return False

    def server_account(self) -> Account | None:
        """Find out, and from then on use, the account that the server's programs run as."""
        self._account = server_account(self.data, self.home, self.tell)
        return self._account

    def _own(self) -> None:
        self._lock = (self.home / "postgres.lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "another process"
            self._lock.close()
            self._lock = None
            raise ConfigurationError(
                f"Tidegate already runs here ({owner}). Stop it first, or choose another place: TIDEGATE_HOME=./other"
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()}")
        self._lock.flush()

    def _prepare(self) -> None:
        from tidegate.database.upgrade import bring_up_to_date

        self.server_account()
        bring_up_to_date(self)
        if not (self.data / "PG_VERSION").exists():
            draft = self.home / "postgres.new"
            self.initialize(draft)
            if self.data.exists() and not any(self.data.iterdir()):
                self.data.rmdir()
            draft.rename(self.data)
        if self.sockets != self.data:
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            self.give(self.sockets)
            if self.sockets.stat().st_uid != self.data.stat().st_uid:
                raise ConfigurationError(
                    f"{self.sockets} belongs to somebody else; choose a shorter TIDEGATE_HOME."
                )

    def initialize(self, draft: Path, *options: str) -> None:
        """Make a data directory under another name: an interrupted start leaves nothing that looks finished."""
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.give(draft)
        quick = ("--no-sync",) if self.settings.get("fsync") == "off" else ()
        self.run_tool(
            "initdb", f"--pgdata={draft}", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions", *quick, *options,
            cwd=draft,
        )  # fmt: skip

    def _clear_remains(self) -> None:
        """What a killed owner left: a server that still runs is ended, marks that name a dead one are removed."""
        for mark in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            pid = _first_number(mark)
            if pid is None:
                continue
            if self._is_our_server(pid):
                self.tell(f"Ending the database server that an earlier run left behind (process {pid}).")
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
                self._wait_for_end(pid)
            # The number may belong to any other process by now (in a container it usually does), and PostgreSQL
            # would refuse to start because of it. We hold the lock and looked: nobody serves this directory.
            mark.unlink(missing_ok=True)

    def _is_our_server(self, pid: int) -> bool:
        words = command_line(pid)
        return bool(words) and "postgres" in words[0] and str(self.data) in words

    def _wait_for_end(self, pid: int) -> None:
        deadline = time.monotonic() + 60
        while self._is_our_server(pid):
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"The embedded database's process {pid} does not end. End it: kill -QUIT {pid}"
                )
            time.sleep(0.05)

    def _launch(self, version: int | None = None) -> None:
        self._clear_remains()
        _keep_small(self.log)
        self.process = self._spawn(version)
        deadline = time.monotonic() + 300  # after a crash it replays its log first
        while not self.is_running():
            has_ended = self.process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                said = self._said()
                # A killed server's own children take a moment to notice and to let go of its memory.
                if "still in use" not in said or time.monotonic() > deadline:
                    raise self._did_not_start(_complaint(said))
                self.process = self._spawn(version)
            time.sleep(0.05)

    def _spawn(self, version: int | None) -> "subprocess.Popen[bytes]":
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._log_size_at_start = log.tell()
            return subprocess.Popen(
                [
                    str(binaries(version) / "postgres"),
                    "-D",
                    str(self.data),
                    "-k",
                    str(self.sockets),
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,  # Ctrl-C at the terminal is for its owner, who ends it last
                preexec_fn=end_with_parent(signal.SIGINT),
                **self._as_account(),
            )

    def _said(self) -> str:
        """What the server that was started last has written to its log."""
        with self.log.open("rb") as log:
            log.seek(self._log_size_at_start)
            return log.read().decode(errors="replace").strip()

    def _did_not_start(self, said: str) -> ConfigurationError:
        return ConfigurationError(f"The embedded database did not start: {said} (more in {self.log})")

    def _make_database(self) -> None:
        with psycopg.connect(**self._address(), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not found:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _address(self) -> dict[str, Any]:
        return {"host": str(self.sockets), "user": "postgres", "dbname": "postgres"}

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Hand a new directory to the account that the server runs as."""
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)


def _first_number(path: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(path.read_text().splitlines()[0])
    return None


def _complaint(said: str) -> str:
    """The line that tells why it ended: after it come hints, and that it is shut down."""
    lines = said.splitlines()
    fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return [*lines, *fatal][-1] if lines else "it said nothing"


def _keep_small(path: Path) -> None:
    if path.exists() and path.stat().st_size > 5_000_000:
        path.replace(path.with_suffix(".log.1"))
