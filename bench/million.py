"""A million persons who are the same already: how long until a transfer from Pipedrive knows that, and in how much memory.

First all of them are brought over, which takes much longer than what is measured. `BENCH_MILLION` takes another number.
"""

import os

from bench.bulk import company, run, set_limits
from bench.rows import Row
from bench.running import peak_memory

PERSONS = int(os.environ.get("BENCH_MILLION", "1000000"))


def measure() -> list[Row]:
    with company(0, PERSONS) as (demo, connection_id):
        set_limits(demo, burst=False, daily=False)
        run(demo, connection_id, "from_pipedrive")
        told = run(demo, connection_id, "from_pipedrive")
        memory = round(peak_memory(demo.worker_pids()))
    name = f"{told['transfer']['unchanged']:,} unchanged persons verified"
    return [
        Row(name, f"{told['seconds']:.0f} s", "600 s"),
        Row(f"{name}: most memory of the worker", f"{memory} MiB", "400 MiB"),
    ]
