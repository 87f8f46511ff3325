"""A demo that is connected and launched, as the parts that measure the real processes need it, and what they read of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes.demo import (
    Demo,
    command_of,
    connect_by_oauth,
    eventually,
    running_demo,
)
from tests.processes.test_two_apps_in_step import settled, sum_of_writes


@dataclass
class Running:
    """The processes, and the connection they keep in step."""

    demo: Demo
    connection_id: str

    def settle(self) -> None:
        settled(self.demo, self.connection_id)

    def transferred(self) -> dict[str, Any]:
        """Bring the demo's own prospects over, and wait until all is quiet."""
        done = self.demo.finished(self.demo.transfer(self.connection_id), seconds=600)
        self.settle()
        return done


@contextmanager
def launched_demo() -> Iterator[Running]:
    with running_demo() as demo:
        connection_id = connect_by_oauth(demo)
        receiving = demo.post("/lists", {"name": "From Pipedrive"})
        demo.patch(f"/connections/{connection_id}", {"sync_to_list": receiving["id"]})
        demo.post(f"/connections/{connection_id}/launch")
        health = f"/connections/{connection_id}/health"
        eventually(lambda: demo.get(health)["checked_at"], "the first look at Pipedrive", seconds=60)
        yield Running(demo, connection_id)


@dataclass(frozen=True)
class Spent:
    """What the sandbox counted between two moments."""

    tokens: int
    writes: int
    refused: int


class Meter:
    """Counts what the sandbox was asked for from now on."""

    def __init__(self, demo: Demo) -> None:
        self._demo, self._before = demo, demo.counters()

    def read(self) -> Spent:
        before, after = self._before, self._demo.counters()
        return Spent(
            after["total"]["tokens"] - before["total"]["tokens"],
            sum_of_writes(after) - sum_of_writes(before),
            _refused(after) - _refused(before),
        )


def _refused(counters: dict[str, Any]) -> int:
    return sum(int(told["statuses"].get("429", 0)) for told in counters["endpoints"].values())


def peak_memory(pids: list[int]) -> float:
    """The most resident memory any of these processes ever had, in MiB."""
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return max(int(status.partition("VmHWM:")[2].split()[0]) for status in statuses) / 1024


def processor_seconds(demo: Demo) -> dict[str, float]:
    """What the demo's processes took of the processor so far, those that ended among it: unlike the clock, little disturbed
    by other work on the machine. By `web`, `worker`, `database`, `sandbox`, and `other`.
    """
    taken: dict[str, float] = dict.fromkeys((*KINDS.values(), "other"), 0.0)
    waiting = [(demo.process.pid, "other")]
    while waiting:
        pid, parents = waiting.pop()
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            kind = _kind_of(command_of(pid), parents)
        except OSError:
            continue
        taken[kind] += sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
        waiting += [(int(child), kind) for child in children]
    return taken


KINDS = {"web": "web", "worker": "worker", "postgres": "database", "pipedrive_sandbox": "sandbox"}
"""A word of a process's command -> what it is."""


def _kind_of(command: str, parents: str) -> str:
    """A process without a word of its own does its parent's work."""
    return next((kind for word, kind in KINDS.items() if word in command.replace("/", " ").split()), parents)


def told_by_process(before: dict[str, float], after: dict[str, float], count: int) -> str:
    """Milliseconds of the processor for each of `count`, by process."""
    parts = {kind: (after[kind] - before[kind]) / count * 1000 for kind in after}
    return ", ".join(f"{kind} {ms:.2f}" for kind, ms in parts.items() if ms >= 0.005) + " ms"
