"""The supervisor: starts processes, prefixes their lines, starts again what crashed, and ends them all together.

One thread and no polling: it sleeps until a process writes or ends, a signal arrives, or a restart is due. Processes
get a session of their own, so that Ctrl-C reaches them once, through the supervisor. On Linux the system ends them
when the supervisor itself is killed; nothing is left behind.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol, TextIO

from tidegate.database import end_with_parent, how_it_ended

CONFIGURATION_FAULT = 2
"""The exit code of a process whose settings are wrong: starting it again would change nothing."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COLOURS = {"web": 36, "worker": 35, "sandbox": 33, "tidegate": 32}


@dataclass(frozen=True)
class Service:
    """A process to keep running; with `once`, a step that ends by itself and whose failure ends everything."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds."""

    first_restart: float = 1.0
    longest_restart: float = 30.0
    calm: float = 60.0
    """After so long without a crash the next restart is quick again."""
    stop: float = 15.0
    """A process that has not ended so long after being told is killed."""


class Foundation(Protocol):
    """What the processes stand on: started before them, ended after them, revived when it dies."""

    def revive(self) -> None: ...
    def stop(self) -> None: ...


class Supervisor:
    def __init__(
        self,
        *,
        foundation: Foundation | None = None,
        patience: Patience | None = None,
        output: TextIO | None = None,
    ) -> None:
        self.foundation = foundation
        self.patience = patience or Patience()
        self.output = output or sys.stdout
        self.stopping: signal.Signals | None = None
        self.exit_code = 0
        self._running: dict[str, _Running] = {}
        self._selector = selectors.DefaultSelector()
        self._parent = _WaitingParent()

    def run(self, steps: Sequence[Service], services: Sequence[Service]) -> int:
        """Carry out the steps one after the other, then keep the services running until told to stop."""
        with ExitStack() as cleanup:
            cleanup.callback(self._end_foundation)
            self._watch_signals(cleanup)
            cleanup.callback(self._end_processes)
            for step in steps:
                self._start(step)
                self._loop(until=lambda: not self._running)
                if self._is_over():
                    return self.exit_code
            for service in services:
                self._start(service)
            self._loop(until=lambda: False)
        return self.exit_code

    def tell(self, line: str, name: str = "tidegate") -> None:
        label = f"{name:<8} |"
        if self.output.isatty() and name in COLOURS:
            label = f"\x1b[{COLOURS[name]}m{label}\x1b[0m"
        with suppress(BrokenPipeError):
            print(label, line, file=self.output, flush=True)

    def _is_over(self) -> bool:
        return self.stopping is not None or self.exit_code != 0

    def _loop(self, until: Callable[[], bool]) -> None:
        while not self._is_over() and not until():
            for key, _ in self._selector.select(self._seconds_to_wait()):
                key.data()
            self._reap()
            self._restart_due()
            if self.stopping is None and self._parent.was_interrupted():
                self._stop_on(signal.SIGINT)

    def _seconds_to_wait(self) -> float | None:
        waits = [r.restart_at - time.monotonic() for r in self._running.values() if r.restart_at is not None]
        if self._parent.exists:
            waits.append(0.5)
        return max(0.0, min(waits)) if waits else None

    def _start(self, service: Service, crashes: int = 0) -> None:
        process = subprocess.Popen(
            service.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **service.environment},
            start_new_session=True,
            preexec_fn=end_with_parent(signal.SIGKILL),
        )
        running = _Running(service, process, crashes)
        self._running[service.name] = running
        assert process.stdout is not None  # noqa: S101 - asked for above
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, lambda: self._pass_on(running))

    def _pass_on(self, running: "_Running") -> None:
        """Print what the process wrote, whole lines only; at its end also the line it left unfinished."""
        pipe = running.process.stdout
        if pipe is None or pipe.closed:
            return
        with suppress(BlockingIOError):
            data = os.read(pipe.fileno(), 65536)
            running.rest += data
            if not data:
                self._selector.unregister(pipe)
                pipe.close()
                running.rest += b"\n" if running.rest else b""
        *lines, running.rest = running.rest.split(b"\n")
        for line in lines:
            self.tell(line.decode(errors="replace").rstrip("\r"), running.service.name)

    def _reap(self) -> None:
        for name, running in list(self._running.items()):
            if running.restart_at is None and running.process.poll() is not None:
                self._drain(running)
                self._ended(name, running)
        if self.foundation is not None and self.stopping is None:
            self.foundation.revive()

    def _ended(self, name: str, running: "_Running") -> None:
        code = running.process.returncode
        if running.service.once:
            del self._running[name]
            if code != 0:
                self.exit_code = code if code > 0 else 1
            return
        if code == CONFIGURATION_FAULT:
            del self._running[name]
            self.exit_code = code
            return
        lived = time.monotonic() - running.started_at
        running.crashes = 1 if lived > self.patience.calm else running.crashes + 1
        delay = min(self.patience.first_restart * 2 ** (running.crashes - 1), self.patience.longest_restart)
        running.restart_at = time.monotonic() + delay
        self.tell(f"{name} ended unexpectedly ({how_it_ended(code)}); it starts again in {delay:g} s.")

    def _restart_due(self) -> None:
        for running in list(self._running.values()):
            if (
                running.restart_at is not None
                and running.restart_at <= time.monotonic()
                and not self._is_over()
            ):
                self._start(running.service, running.crashes)

    def _drain(self, running: "_Running") -> None:
        """What is still in the pipe of an ended process. A grandchild may hold the pipe open: don't wait for it."""
        pipe = running.process.stdout
        while pipe is not None and not pipe.closed:
            before = running.rest
            self._pass_on(running)
            if running.rest == before and not pipe.closed:
                self._selector.unregister(pipe)
                pipe.close()

    def _watch_signals(self, cleanup: ExitStack) -> None:
        """Signals wake the loop through a socket; the handlers only note what came."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
            cleanup.callback(end.close)

        def forget() -> None:
            with suppress(BlockingIOError):
                ours.recv(4096)

        self._selector.register(ours, selectors.EVENT_READ, forget)
        cleanup.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(theirs.fileno()))
        for number in STOP_SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # started by nohup
            cleanup.callback(signal.signal, number, signal.signal(number, self._on_stop_signal))
        cleanup.callback(signal.signal, signal.SIGCHLD, signal.signal(signal.SIGCHLD, lambda *_: None))

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_on(signal.Signals(number))

    def _stop_on(self, number: signal.Signals) -> None:
        if self.stopping is None:
            self.stopping = number
            return
        for running in self._running.values():  # told twice: at once
            running.signal(signal.SIGKILL)

    def _end_processes(self) -> None:
        alive = [r for r in self._running.values() if r.restart_at is None and r.process.poll() is None]
        if alive:
            self.tell(f"Stopping {', '.join(r.service.name for r in alive)}.")
        for running in alive:
            running.signal(signal.SIGTERM)
        deadline = time.monotonic() + self.patience.stop
        while alive := [r for r in alive if r.process.poll() is None]:
            if time.monotonic() > deadline:
                for running in alive:
                    self.tell(f"{running.service.name} did not end in time and is killed.")
                    running.signal(signal.SIGKILL)
                    running.process.wait()
            for key, _ in self._selector.select(0.2):
                key.data()
        for running in self._running.values():
            self._drain(running)

    def _end_foundation(self) -> None:
        if self.foundation is not None:
            self.foundation.stop()


class _Running:
    """A started service and what is known of it."""

    def __init__(self, service: Service, process: "subprocess.Popen[bytes]", crashes: int) -> None:
        self.service = service
        self.process = process
        self.crashes = crashes
        self.started_at = time.monotonic()
        self.restart_at: float | None = None
        self.rest = b""

    def signal(self, number: signal.Signals) -> None:
        """To the whole session: a process may have children of its own."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                if number == signal.SIGKILL:
                    os.killpg(self.process.pid, number)
                else:
                    self.process.send_signal(number)


class _WaitingParent:
    """`make`, when it runs us. Interrupted alone (`kill -INT`), it waits for its child and does not pass the signal on.

    It gives up its own handler for SIGINT at that moment, which Linux shows in /proc; at a terminal Ctrl-C reaches us
    anyway.
    """

    def __init__(self) -> None:
        self.status = Path(f"/proc/{os.getppid()}/status")
        self.exists = self._read("Name") == "make" and self._catches_interrupts()

    def was_interrupted(self) -> bool:
        return self.exists and self.status.parent.name == str(os.getppid()) and not self._catches_interrupts()

    def _catches_interrupts(self) -> bool:
        return bool(int(self._read("SigCgt") or "0", 16) & 1 << (signal.SIGINT - 1))

    def _read(self, key: str) -> str:
        with suppress(OSError):
            for line in self.status.read_text().splitlines():
                if line.startswith(f"{key}:"):
                    return line.split(":", 1)[1].strip()
        return ""
