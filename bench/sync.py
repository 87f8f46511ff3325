"""`make bench`: measures the running demo from outside and prints what, the limit, and how much, for docs/benchmarks.md.

Nothing here asserts.
"""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.processes.demo import Demo, connect_by_oauth, eventually, running_demo
from tests.processes.test_two_apps_in_step import (
    Pair,
    add_prospects,
    edit_person,
    edit_prospect,
    linked,
    person_shows,
    prospect_shows,
    settled,
    sum_of_writes,
)

EDITS = 60
CHANGES_A_SECOND = 5.0
IDLE_SECONDS = 30
Row = tuple[str, str, str]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder) / "home") as demo:
        connection_id = _launch(demo)
        rows = [
            *transfer(demo, connection_id),
            *live(demo, connection_id),
            *idle(demo, connection_id),
            memory(demo),
        ]
    _tell(rows)


def _launch(demo: Demo) -> str:
    connection_id = connect_by_oauth(demo)
    receiving = demo.post("/lists", {"name": "From Pipedrive"})
    demo.patch(f"/connections/{connection_id}", {"sync_to_list": receiving["id"]})
    demo.post(f"/connections/{connection_id}/launch")
    health = f"/connections/{connection_id}/health"
    eventually(lambda: demo.get(health)["checked_at"], "the first look at Pipedrive", seconds=60)
    return connection_id


def transfer(demo: Demo, connection_id: str) -> list[Row]:
    """The demo's own prospects, as an existing list is brought over."""
    before, began = demo.counters(), time.monotonic()
    done = demo.finished(demo.transfer(connection_id), seconds=600)
    seconds = time.monotonic() - began
    after = demo.counters()
    tokens = after["total"]["tokens"] - before["total"]["tokens"]
    writes = sum_of_writes(after) - sum_of_writes(before)
    return [
        (f"transfer of {done['done']} prospects: records a second", f"{done['done'] / seconds:.1f}", ""),
        ("transfer: tokens a written record, organizations among them", f"{tokens / writes:.2f}", "5.1"),
        ("transfer: answers 429", str(_refused(after) - _refused(before)), "0"),
    ]


def _refused(counters: dict[str, dict[str, dict[str, dict[str, int]]]]) -> int:
    return sum(int(told["statuses"].get("429", 0)) for told in counters["endpoints"].values())


def live(demo: Demo, connection_id: str) -> list[Row]:
    """One edit at a time for the way there and back; then many for the price."""
    settled(demo, connection_id)
    pairs = linked(demo, connection_id)[:EDITS]
    rows = _arrivals("prospect to person", demo, pairs, edit_prospect, person_shows)
    rows += _arrivals("person to prospect", demo, pairs, edit_person, prospect_shows)
    settled(demo, connection_id)
    before = demo.counters()
    add_prospects(demo, "bench", 50)
    time.sleep(2)
    settled(demo, connection_id)
    after = demo.counters()
    tokens = after["total"]["tokens"] - before["total"]["tokens"]
    writes = sum_of_writes(after) - sum_of_writes(before)
    rows.append(
        (
            "live, 50 new prospects at once: tokens a written record, the look for who is there already among them",
            f"{tokens / writes:.2f}",
            "5.1",
        )
    )
    return rows


def _arrivals(
    way: str,
    demo: Demo,
    pairs: list[Pair],
    edit: Callable[[Demo, Pair, str], None],
    shows: Callable[[Demo, Pair, str], bool],
) -> list[Row]:
    seconds = []
    for number, pair in enumerate(pairs):
        began = time.monotonic()
        name = f"Bench{way[:4]}{number}"
        edit(demo, pair, name)
        while not shows(demo, pair, name) and time.monotonic() - began < 30:
            time.sleep(0.05)
        seconds.append(time.monotonic() - began)
        time.sleep(max(0.0, 1 / CHANGES_A_SECOND - seconds[-1]))
    percentiles = statistics.quantiles(seconds, n=20)
    return [
        (f"{way}, {len(pairs)} edits one after another: p50", f"{percentiles[9]:.2f} s", "1 s"),
        (f"{way}: p95", f"{percentiles[18]:.2f} s", "2 s"),
    ]


def idle(demo: Demo, connection_id: str) -> list[Row]:
    settled(demo, connection_id)
    time.sleep(3)
    before = demo.counters()["total"]["tokens"]
    time.sleep(IDLE_SECONDS)
    spent = demo.counters()["total"]["tokens"] - before
    return [(f"tokens in {IDLE_SECONDS} quiet seconds, scheduled checks not among them", str(spent), "0")]


def memory(demo: Demo) -> Row:
    most = 0
    for pid in demo.worker_pids():
        status = Path(f"/proc/{pid}/status").read_text()
        most = max(most, int(status.partition("VmHWM:")[2].split()[0]))
    return ("worker: most memory it ever had", f"{most / 1024:.0f} MiB", "300 MiB")


def _tell(rows: list[Row]) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.1f} at the end, this benchmark among it\n"
    )
    print("| what | limit | measured |\n| --- | --- | --- |")
    for what, measured, limit in rows:
        print(f"| {what} | {limit} | {measured} |")


if __name__ == "__main__":
    main()
