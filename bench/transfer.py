"""`python -m bench.transfer`: what a transfer costs and how fast it is, measured on real processes from outside.

Three parts, each with a demo of its own: `paced` (the burst window of the smallest plan by OAuth), `unbound` (the sandbox's
limits off: what the engine itself can do) and `verify` (everybody is the same already: how long until that is known, and
how much memory it takes). Nothing here asserts.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.processes.demo import Demo, connect_by_oauth, running_demo

Row = tuple[str, str, str]
"""What, how much, the limit."""
PART = 1_000
"""Prospects sent at once; the most the API takes."""
HOURS = 3_600.0


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    rows: list[Row] = []
    for part in options.parts:
        match part:
            case "paced":
                rows += paced(options.prospects, options.persons)
            case "unbound":
                rows += unbound(options.prospects, options.persons)
            case "verify":
                rows += verify(options.verified)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(f"{datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.1f} at the end\n")
    print("| what | limit | measured |\n| --- | --- | --- |")
    for what, measured, limit in rows:
        print(f"| {what} | {limit} | {measured} |")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description=__doc__)
    parts = ("paced", "unbound", "verify")
    parser.add_argument("parts", nargs="*", default=parts, metavar="|".join(parts))
    parser.add_argument("--prospects", type=int, default=10_000)
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--verified", type=int, default=1_000_000, help="persons of the part `verify`")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(parts):
        parser.error(f"There is no part {unknown.pop()!r}.")
    return options


def paced(prospects: int, persons: int) -> list[Row]:
    """As with the smallest plan: 80 requests in two seconds."""
    with _company(prospects, persons) as (demo, connection_id):
        told = _run(demo, connection_id)
    rate = told["requests"] / told["seconds"]
    name = f"transfer of {prospects:,} prospects into {persons:,} persons, half of them duplicates"
    return [
        (f"{name}: tokens a written record, without the index walk", f"{told['price']:.3f}", "5.1"),
        (f"{name}: requests a second of the 40 allowed", f"{rate:.1f}, {rate / 0.4:.0f} %", "90 %"),
        (f"{name}: answers 429", str(told["refused"]), "0"),
    ]


def unbound(prospects: int, persons: int) -> list[Row]:
    """The same with the sandbox's limits off: what the engine itself can do."""
    with _company(prospects, persons) as (demo, connection_id):
        _set_limits(demo, burst=False, daily=False)
        told = _run(demo, connection_id)
        memory = _memory(demo)
    rate = told["writes"] / told["seconds"]
    name = f"the same {prospects:,} with the limits off"
    return [
        (f"{name}: written records a second, organizations among them", f"{rate:.0f}", "400"),
        (
            f"{name}: the worker's processor time for each",
            f"{told['worked'] / told['writes'] * 1000:.2f} ms",
            "",
        ),
        (f"{name}: worker, most memory it ever had", f"{memory} MiB", "300 MiB"),
    ]


def verify(persons: int) -> list[Row]:
    """Everybody is linked and the same: a transfer from Pipedrive has to find that out."""
    with _company(0, persons) as (demo, connection_id):
        _set_limits(demo, burst=False, daily=False)
        _run(demo, connection_id, "from_pipedrive")
        told = _run(demo, connection_id, "from_pipedrive")
        memory = _memory(demo)
    same = told["transfer"]["unchanged"]
    name = f"{same:,} unchanged persons verified"
    return [
        (name, f"{told['seconds']:.0f} s", "600 s"),
        (f"{name}: worker, most memory it ever had", f"{memory} MiB", "400 MiB"),
    ]


@contextmanager
def _company(prospects: int, persons: int) -> Iterator[tuple[Demo, str]]:
    """A running demo with so many more prospects, connected to a company that knows half of them, each a little differently."""
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder) / "home") as demo:
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
        "last_name": person["last_name"],
        "organization": person["company"],
        "job_title": "Technician",
    }


def _set_limits(demo: Demo, **limits: bool) -> None:
    demo.pipedrive.post("/_sandbox/limits", json=limits).raise_for_status()


def _run(demo: Demo, connection_id: str, direction: str = "to_pipedrive") -> dict[str, Any]:
    """One transfer; what it did by the sandbox's counters. The clock starts once the index is there."""
    preview = demo.post(f"/connections/{connection_id}/transfers", {"direction": direction, "preview": True})[
        "id"
    ]
    _ended(demo, preview, "preview")
    before, began, worked = demo.counters(), time.monotonic(), _worked(demo)
    demo.post(f"/transfers/{preview}/start")
    transfer = _ended(demo, preview, "running")
    seconds, after = time.monotonic() - began, demo.counters()
    writes = _writes(after) - _writes(before)
    return {
        "transfer": transfer,
        "seconds": seconds,
        "worked": _worked(demo) - worked,
        "writes": writes,
        "requests": after["total"]["requests"] - before["total"]["requests"],
        "price": (after["total"]["tokens"] - before["total"]["tokens"]) / max(1, writes),
        "refused": _refused(after) - _refused(before),
    }


def _ended(demo: Demo, transfer_id: str, state: str) -> dict[str, Any]:
    while (transfer := demo.get(f"/transfers/{transfer_id}"))["state"] == state:
        time.sleep(0.25)
    return dict(transfer)


def _writes(counters: dict[str, Any]) -> int:
    return sum(
        count
        for name, told in counters["endpoints"].items()
        if name.split()[0] in ("POST", "PATCH") and "/v2/" in name
        for status, count in told["statuses"].items()
        if status.startswith("2")
    )


def _refused(counters: dict[str, Any]) -> int:
    return sum(int(told["statuses"].get("429", 0)) for told in counters["endpoints"].values())


def _worked(demo: Demo) -> float:
    """Processor seconds of the workers so far: unlike the clock, little disturbed by other work on the machine."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in demo.worker_pids()]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def _memory(demo: Demo) -> int:
    """Highest resident memory of a worker so far, in MiB."""
    peaks = [
        Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]
        for pid in demo.worker_pids()
    ]
    return max(map(int, peaks)) // 1024


if __name__ == "__main__":
    main()
