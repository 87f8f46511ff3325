"""Live sync with more to do than the burst window lets through: how much of the window it uses, and that it is never refused.

`BENCH_PACING` takes another number of new prospects than 600. The company is on the smallest plan: 40 requests a second by OAuth.
"""

import os
import time

from bench.bulk import company
from bench.rows import Row
from bench.running import Meter
from tests.processes.demo import Demo, eventually
from tests.processes.test_two_apps_in_step import settled

PROSPECTS = int(os.environ.get("BENCH_PACING", "600"))
ALLOWED = 40
"""Requests a second."""


def measure() -> list[Row]:
    with company(1, 200) as (demo, connection_id):
        settled(demo, connection_id)
        only = next(each["id"] for each in demo.get("/lists")["data"] if each["name"] == "Bench")
        known, meter = demo.counters()["total"]["requests"], Meter(demo)
        _add(demo, only)
        eventually(lambda: meter.read().writes > 0, "the first write", seconds=60)
        began, first = time.monotonic(), demo.counters()["total"]["requests"]
        eventually(lambda: meter.read().writes >= PROSPECTS, "all are written", seconds=600)
        rate = (demo.counters()["total"]["requests"] - first) / (time.monotonic() - began)
        settled(demo, connection_id)
        spent = meter.read()
        asked = demo.counters()["total"]["requests"] - known
        return [
            Row(
                f"live, {PROSPECTS} new prospects at once, {asked} requests: a second of the {ALLOWED} allowed",
                f"{rate:.1f}, {100 * rate / ALLOWED:.0f} %",
                "90 %",
            ),
            Row("live, the same: answers 429", str(spent.refused), "0"),
        ]


def _add(demo: Demo, list_id: str) -> None:
    items = [
        {
            "email": f"pace{number}@pace.example",
            "first_name": f"Pace{number}",
            "last_name": "Keeper",
            "list_ids": [list_id],
        }
        for number in range(PROSPECTS)
    ]
    demo.post("/prospects/bulk", {"items": items})
