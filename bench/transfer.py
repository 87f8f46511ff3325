"""A transfer: the demo's own prospects, as an existing list is brought over."""

import time

from bench.rows import Row
from bench.running import Meter, launched_demo, peak_memory


def measure() -> list[Row]:
    with launched_demo() as running:
        meter, began = Meter(running.demo), time.monotonic()
        done = running.demo.finished(running.demo.transfer(running.connection_id), seconds=600)
        seconds, spent = time.monotonic() - began, meter.read()
        return [
            Row(f"transfer of {done['done']} prospects: records a second", f"{done['done'] / seconds:.1f}"),
            Row(
                "transfer: tokens a written record, organizations among them",
                f"{spent.tokens / spent.writes:.2f}",
                "5.1",
            ),
            Row("transfer: answers 429", str(spent.refused), "0"),
            Row(
                "transfer: most memory of the worker",
                f"{peak_memory(running.demo.worker_pids()):.0f} MiB",
                "300 MiB",
            ),
        ]
