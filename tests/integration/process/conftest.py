"""Processes as an operator starts them: each test has a home of its own and ends what it started."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SECONDS = 240
"""So long a test waits for what should happen at once; reached only when it fails."""
SOURCE = str(Path(__file__).parents[3] / "src")


class Started:
    """A started process and the lines it has written so far."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._more = threading.Condition()
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self.lines.append("END")
            self._more.notify_all()

    def wait_for(self, text: str, times: int = 1) -> str:
        """The line that holds this text for the so-many-th time."""

        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        with self._more:
            self._more.wait_for(lambda: len(found()) >= times or self.lines[-1:] == ["END"], SECONDS)
            assert len(found()) >= times, f"{text!r} did not come. It said:\n" + "\n".join(self.lines)
            return found()[times - 1]

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        try:
            code = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail("It did not end. It said:\n" + "\n".join(self.lines))
        self._reader.join(SECONDS)
        return code

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def clear_away(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


Start = Callable[..., Started]


@pytest.fixture
def home() -> Iterator[Path]:
    """A TIDEGATE_HOME with a short path: the database's socket lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="tg-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Starts a command with this test's home and free ports."""
    started: list[Started] = []
    ports = free_ports(2)

    def begin(*command: str, **environment: str) -> Started:
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("TIDEGATE_", "DATABASE_", "DJANGO_"))
        }
        given = {"TIDEGATE_HOME": str(home), "TIDEGATE_PORT": str(ports[0]), "SANDBOX_PORT": str(ports[1])}
        started.append(Started(list(command), clean | {"PYTHONPATH": SOURCE} | given | environment))
        return started[-1]

    yield begin
    for one in started:
        one.clear_away()


@pytest.fixture
def tidegate(start: Start) -> Start:
    """Starts `tidegate COMMAND`."""
    return lambda *words, **environment: start(sys.executable, "-m", "tidegate", *words, **environment)


def free_ports(count: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in opened]
    for each in opened:
        each.close()
    return ports


def is_gone(pid: int) -> bool:
    """Whether this process has ended, or ends while we look; a zombie nobody has buried yet has ended."""
    return until(lambda: not Path(f"/proc/{pid}/stat").exists() or _state(pid) == "Z")


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
