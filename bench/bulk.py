"""Large transfers: 10,000 prospects into a company of 20,000 persons who know half of them, each a little differently.

Three times, each with a demo of its own: with the burst window of the smallest plan by OAuth, and with the sandbox's limits
off, without and with the deliveries of its own writes. `BENCH_PROSPECTS` and `BENCH_PERSONS` take other numbers.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.rows import Row
from bench.running import Meter, peak_memory, processor_seconds, told_by_process
from tests.processes.demo import Demo, connect_by_oauth, eventually, running_demo

PROSPECTS = int(os.environ.get("BENCH_PROSPECTS", "10000"))
PERSONS = int(os.environ.get("BENCH_PERSONS", "20000"))
PART = 1_000
"""Prospects sent at once; the most the API takes."""
HOURS = 3_600.0


def measure() -> list[Row]:
    return [
        *paced(PROSPECTS, PERSONS),
        *unbound(PROSPECTS, PERSONS, deliveries=False),
        *unbound(PROSPECTS, PERSONS, deliveries=True),
    ]


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


def unbound(prospects: int, persons: int, *, deliveries: bool) -> list[Row]:
    """The same with the sandbox's limits off: what engine, database and sandbox can do; then with the deliveries of every write
    coming back at the same time, so that the pages' process has its share of the processors, too."""
    with company(prospects, persons) as (demo, connection_id):
        set_limits(demo, burst=False, daily=False)
        if not deliveries:
            demo.pipedrive.post("/_sandbox/switches", json={"webhook_delay": HOURS}).raise_for_status()
        told = run(demo, connection_id)
        memory = round(peak_memory(demo.worker_pids()))
    rate = told["writes"] / told["seconds"]
    name = f"the same {prospects:,} with the limits off, deliveries " + (
        "coming back meanwhile" if deliveries else "held back"
    )
    limit = "" if deliveries else "400"
    return [
        Row(f"{name}: written records a second, organizations among them", f"{rate:.0f}", limit),
        Row(f"{name}: the processor's time for each", told["processors"]),
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


def run(
    demo: Demo, connection_id: str, direction: str = "to_pipedrive", *, previewed: bool = True
) -> dict[str, Any]:
    """One transfer; what it did by the sandbox's counters. After a preview the clock starts once the index is there."""
    path = f"/connections/{connection_id}/transfers"
    if previewed:
        transfer_id = demo.post(path, {"direction": direction, "preview": True})["id"]
        _ended(demo, transfer_id, "preview")
    meter, before, began, worked = Meter(demo), demo.counters(), time.monotonic(), processor_seconds(demo)
    if previewed:
        demo.post(f"/transfers/{transfer_id}/start")
    else:
        transfer_id = demo.post(path, {"direction": direction})["id"]
    transfer = _ended(demo, transfer_id, "running")
    seconds, after, spent = time.monotonic() - began, demo.counters(), meter.read()
    counted = max(1, spent.writes if previewed else transfer["done"])
    return {
        "transfer": transfer,
        "seconds": seconds,
        "processors": told_by_process(worked, processor_seconds(demo), counted),
        "writes": spent.writes,
        "requests": after["total"]["requests"] - before["total"]["requests"],
        "price": spent.tokens / max(1, spent.writes),
        "refused": spent.refused,
    }


def _ended(demo: Demo, transfer_id: str, state: str) -> dict[str, Any]:
    while (transfer := demo.get(f"/transfers/{transfer_id}"))["state"] == state:
        time.sleep(1)  # each look takes the pages' process some milliseconds
    return dict(transfer)
