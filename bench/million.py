"""A million persons who are the same already: how long until a transfer from Pipedrive knows that, and in how much memory.

The sandbox is seeded with them and the prospect store gets the same people through the API; a first transfer links the pairs,
which takes longer than what is measured. `BENCH_MILLION` takes another number.
"""

import os
from typing import Any

from bench.bulk import HOURS, PART, company, run, set_limits
from bench.rows import Row
from bench.running import peak_memory
from tests.processes.demo import Demo

PERSONS = int(os.environ.get("BENCH_MILLION", "1000000"))


def measure() -> list[Row]:
    with company(0, PERSONS, before_launch=_know_everybody) as (demo, connection_id):
        run(demo, connection_id, "from_pipedrive")
        told = run(demo, connection_id, "from_pipedrive")
        memory = round(peak_memory(demo.worker_pids()))
    same = int(told["transfer"]["unchanged"])
    name = f"{same:,} unchanged persons verified"
    return [
        Row(name, f"{told['seconds']:.0f} s", "600 s for a million"),
        Row(
            f"{name}: the worker's processor time for each", f"{told['worked'] / max(1, same) * 1000:.2f} ms"
        ),
        Row(f"{name}: most memory of the worker", f"{memory} MiB", "400 MiB"),
    ]


def _know_everybody(demo: Demo) -> None:
    """The prospect store gets every person of the sandbox, as Pipedrive shows it: before the launch, so that it is no news."""
    set_limits(demo, burst=False, daily=False)
    names = {o["id"]: o["name"] for page in _pages(demo, "organizations") for o in page}
    waiting: list[dict[str, Any]] = []
    for page in _pages(demo, "persons"):
        waiting += [_prospect(person, names) for person in page if person["emails"]]
        while len(waiting) >= PART:
            _send(demo, waiting[:PART])
            waiting = waiting[PART:]
    if waiting:
        _send(demo, waiting)


def _pages(demo: Demo, kind: str) -> Any:
    cursor = None
    while True:
        params = {"limit": 500} | ({"cursor": cursor} if cursor else {})
        answer = demo.pipedrive.get(f"/api/v2/{kind}", params=params).raise_for_status().json()
        yield answer["data"]
        cursor = answer["additional_data"]["next_cursor"]
        if not cursor:
            return


def _prospect(person: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    return {
        "first_name": person["first_name"] or "",
        "last_name": person["last_name"] or "",
        "emails": [email["value"] for email in person["emails"]],
        "phones": [phone["value"] for phone in person["phones"]],
        "company": names.get(person["org_id"], ""),
        "job_title": person.get("job_title") or "",
    }


def _send(demo: Demo, items: list[dict[str, Any]]) -> None:
    demo.tidegate.post("/prospects/bulk", json={"items": items}, timeout=HOURS).raise_for_status()
