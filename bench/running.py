"""A demo that is connected and launched, as the parts that measure the real processes need it, and what they read of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes.demo import Demo, connect_by_oauth, eventually, running_demo
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
