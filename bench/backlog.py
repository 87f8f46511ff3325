"""A backlog of 100,000 changes: how long it takes to drain, and how much memory the worker needs for it.

`BENCH_BACKLOG` takes another number.
"""

import os
import time

from bench.inside import run_inside
from bench.rows import Row
from bench.running import launched_demo, peak_memory, processor_seconds, told_by_process
from tests.processes.demo import eventually

CHANGES = int(os.environ.get("BENCH_BACKLOG", "100000"))
EDITED = 100
"""Pairs of which something is really to be written."""

FILL = f"""
from django.utils import timezone
from tidegate.core.bases import record_to_json
from tidegate.prospects.models import Prospect
from tidegate.store.mirror import mirrored
from tidegate.store.models import Change, Connection, Link
c = Connection.objects.get(disconnected_at=None)
pairs = list(Link.objects.filter(connection=c).values_list("prospect_id", "person_id"))
bodies = {{i: record_to_json(r, {{}}) for i, r in mirrored(c.lane_id, [p for _, p in pairs]).items()}}
rows = []
for n in range({CHANGES}):
    prospect, person = pairs[n // 2 % len(pairs)]
    about = dict(side="pipedrive", entity="person", record_id=person, source="webhook", delivery_id=f"backlog-{{n}}", body=bodies.get(person)) if n % 2 else dict(side="outreach", entity="prospect", record_id=prospect, source="store")
    rows.append(Change(lane_id=c.lane_id, connection=c, **about))
    if len(rows) == 5000:
        Change.objects.bulk_create(rows); rows.clear()
Change.objects.bulk_create(rows)
for prospect, _ in pairs[:{EDITED}]:
    Prospect.objects.filter(pk=prospect).update(first_name="Backlog")
print(Change.objects.filter(connection=c, done_at=None).count())
"""


def measure() -> list[Row]:
    with launched_demo() as running:
        running.transferred()
        demo, path = running.demo, f"/connections/{running.connection_id}"
        demo.post(f"{path}/pause")
        waiting = int(run_inside(demo, FILL))
        began, before = time.monotonic(), processor_seconds(demo)
        demo.post(f"{path}/resume")
        eventually(lambda: demo.get(f"{path}/health")["waiting"] == 0, "the backlog is drained", seconds=1800)
        seconds = time.monotonic() - began
        return [
            Row(
                f"a backlog of {waiting} changes of 500 pairs, {EDITED} of them edited: until nothing waits",
                f"{seconds:.0f} s",
            ),
            Row(
                "a backlog: the processor's time for each change",
                told_by_process(before, processor_seconds(demo), waiting),
            ),
            Row(
                "a backlog: most memory the worker ever had",
                f"{peak_memory(demo.worker_pids()):.0f} MiB",
                "300 MiB",
            ),
        ]
