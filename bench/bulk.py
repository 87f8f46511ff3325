"""Large transfers: 10,000 prospects into a company of 20,000 persons who know half of them, each a little differently.

Twice, each with a demo of its own: with the burst window of the smallest plan by OAuth, and with the sandbox's limits off,
which shows what the engine itself can do. `BENCH_PROSPECTS` and `BENCH_PERSONS` take other numbers.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.rows import Row
from bench.running import Meter, peak_memory
from tests.processes.demo import Demo, connect_by_oauth, eventually, running_demo

PROSPECTS = int(os.environ.get("BENCH_PROSPECTS", "10000"))
PERSONS = int(os.environ.get("BENCH_PERSONS", "20000"))
PART = 1_000
"""Prospects sent at once; the most the API takes."""
HOURS = 3_600.0


def measure() -> list[Row]:
    return [*paced(PROSPECTS, PERSONS), *unbound(PROSPECTS, PERSONS)]


def paced(prospects: int, persons: int) -> list[Row]:
    """As with the smallest plan: 80 requests in two seconds."""
    with company(prospects, persons) as (demo, connection_id):
        told = run(demo, connection_id)
    rate = told["requests"] / told["seconds"]
    name = f"transfer of {prospects:,} prospects into {persons:,} persons, half of them duplicates"
    return [
        Row(f"{name}: tokens a written record, without the index walk", f"{told['price']:.3f}", "5.1"),
        Row(f"{name}: requests a second of the 40 allowed", f"{rate:.1f}, {rate / 0.4:.0f} %", "90 %"),
        Row(f"{name}: answers 429", str(told["refused"]), "0"),
    ]


def unbound(prospects: int, persons: int) -> list[Row]:
    """The same with the sandbox's limits off: what the engine itself can do."""
    with company(prospects, persons) as (demo, connection_id):
        set_limits(demo, burst=False, daily=False)
        told = run(demo, connection_id)
        memory = round(peak_memory(demo.worker_pids()))
    rate = told["writes"] / told["seconds"]
    name = f"the same {prospects:,} with the limits off"
    return [
        Row(f"{name}: written records a second, organizations among them", f"{rate:.0f}", "400"),
        Row(
            f"{name}: the worker's processor time for each",
            f"{told['worked'] / told['writes'] * 1000:.2f} ms",
            "",
        ),
        Row(f"{name}: worker, most memory it ever had", f"{memory} MiB", "300 MiB"),
    ]


@contextmanager
def company(
    prospects: int, persons: int, *, before_launch: Callable[[Demo], None] = lambda demo: None
) -> Iterator[tuple[Demo, str]]:
    """A running demo with so many more prospects, connected to a company that knows half of them, each a little differently."""
    with running_demo() as demo:
        people = [_person(number) for number in range(prospects)]
        only = demo.post("/lists", {"name": "Bench"})["id"]
        for start in range(0, prospects, PART):
            items = [{**person, "list_ids": [only]} for person in people[start : start + PART]]
            demo.post("/prospects/bulk", {"items": items})
        plan = {
            "reset": True,
            "persons": persons,
            "organizations": max(1, persons // 20),
            "company": {"plan": "lite", "seats": 20},
            "people": [_as_known_over_there(person) for person in people[::2]],
        }
        demo.pipedrive.post("/_sandbox/seed", json=plan, timeout=HOURS).raise_for_status()
        connection_id = connect_by_oauth(demo)
        receiving = demo.post("/lists", {"name": "From Pipedrive"})["id"]
        demo.patch(f"/connections/{connection_id}", {"sync_to_list": receiving, "sync_from_lists": [only]})
        before_launch(demo)
        demo.post(f"/connections/{connection_id}/launch")
        health = f"/connections/{connection_id}/health"
        eventually(lambda: demo.get(health)["checked_at"], "the first look at Pipedrive", seconds=HOURS)
        yield demo, connection_id


def _person(number: int) -> dict[str, Any]:
    return {
        "email": f"bench{number}@company{number % 997}.example",
        "first_name": f"First{number}",
        "last_name": f"Last{number}",
        "company": f"Bench company {number % 997}",
        "job_title": "Engineer",
    }


def _as_known_over_there(person: dict[str, Any]) -> dict[str, Any]:
    return {
        "email": person["email"].upper(),
        "first_name": person["first_name"],
        "last_name": f"{person['last_name']}-Known",
        "organization": person["company"],
        "job_title": "Technician",
    }


def set_limits(demo: Demo, **limits: bool) -> None:
    demo.pipedrive.post("/_sandbox/limits", json=limits).raise_for_status()


def run(demo: Demo, connection_id: str, direction: str = "to_pipedrive") -> dict[str, Any]:
    """One transfer; what it did by the sandbox's counters. The clock starts once the index is there."""
    preview = demo.post(f"/connections/{connection_id}/transfers", {"direction": direction, "preview": True})[
        "id"
    ]
    _ended(demo, preview, "preview")
    meter, before, began, worked = Meter(demo), demo.counters(), time.monotonic(), _worked(demo)
    demo.post(f"/transfers/{preview}/start")
    transfer = _ended(demo, preview, "running")
    seconds, after, spent = time.monotonic() - began, demo.counters(), meter.read()
    return {
        "transfer": transfer,
        "seconds": seconds,
        "worked": _worked(demo) - worked,
        "writes": spent.writes,
        "requests": after["total"]["requests"] - before["total"]["requests"],
        "price": spent.tokens / max(1, spent.writes),
        "refused": spent.refused,
    }


def _ended(demo: Demo, transfer_id: str, state: str) -> dict[str, Any]:
    while (transfer := demo.get(f"/transfers/{transfer_id}"))["state"] == state:
        time.sleep(0.25)
    return dict(transfer)


def _worked(demo: Demo) -> float:
    """Processor seconds of the workers so far: unlike the clock, little disturbed by other work on the machine."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in demo.worker_pids()]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")
