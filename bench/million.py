"""A million persons who are the same already: how long until a transfer from Pipedrive knows that, and in how much memory.

The sandbox is seeded with them and the prospect store gets the same people straight into its database; a first transfer links
the pairs. `BENCH_MILLION` takes another number.
"""

import os

from bench.bulk import company, run, set_limits
from bench.inside import run_inside
from bench.rows import Row
from bench.running import peak_memory
from tests.processes.demo import Demo

PERSONS = int(os.environ.get("BENCH_MILLION", "1000000"))


def measure() -> list[Row]:
    with company(0, PERSONS, before_launch=_prepare) as (demo, connection_id):
        linking = run(demo, connection_id, "from_pipedrive", previewed=False)
        told = run(demo, connection_id, "from_pipedrive", previewed=False)
        memory = round(peak_memory(demo.worker_pids()))
    same = int(told["transfer"]["unchanged"])
    name = f"{same:,} unchanged persons verified"
    return [
        Row(f"{same:,} persons met for the first time, and linked", f"{linking['seconds']:.0f} s"),
        Row(name, f"{told['seconds']:.0f} s", "600 s for a million"),
        Row(f"{name}: the processor's time for each", told["processors"]),
        Row(f"{name}: most memory of the worker", f"{memory} MiB", "400 MiB"),
    ]


def _prepare(demo: Demo) -> None:
    """The prospect store gets every person of the sandbox, as Pipedrive shows it: before the launch, so that it is no news."""
    set_limits(demo, burst=False, daily=False)
    address, token = demo.facts["sandbox_url"], demo.facts["sandbox_api_token"]
    run_inside(
        demo, f"from bench.people import know_everybody; print(know_everybody({address!r}, {token!r}))"
    )
