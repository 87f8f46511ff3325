"""A campaign in Pipedrive: what its history costs a prospect, and how long a deal takes to stand on the board.

`BENCH_CAMPAIGN` takes another number of prospects. The sandbox's limits are off: tokens are counted, not waited for. What
happens to an e-mail within five minutes is one write, so the first part takes some six minutes beside the writes.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench.bulk import HOURS, PART, company, run, set_limits
from bench.rows import Row, percentile
from bench.running import processor_seconds, told_by_process
from tests.processes.demo import Demo, eventually

PROSPECTS = int(os.environ.get("BENCH_CAMPAIGN", "10000"))
KINDS = ("email_sent", "email_opened", "link_clicked")
DEALS = 300
EVENTS_A_SECOND = 10.0
LOOK_EVERY = 0.1
LETTER = "<p>Hi there,</p>" + "<p>Polarnote brings a customer on board in 4 days instead of 11.</p>" * 30


def measure() -> list[Row]:
    with company(PROSPECTS, 2) as (demo, connection_id):
        set_limits(demo, burst=False, daily=False)
        demo.patch(f"/connections/{connection_id}/budget", {"daily_budget": 100_000_000})
        run(demo, connection_id, previewed=False)
        return [*_history(demo, connection_id), *_deals(demo, connection_id)]


def _history(demo: Demo, connection_id: str) -> list[Row]:
    demo.patch(f"/connections/{connection_id}", {"include_email_history": True, "automations": []})
    before, made_before = _done(demo), _made(demo)  # the seed's own people have activities of their own
    began, worked = time.monotonic(), processor_seconds(demo)
    for kind in KINDS:
        for start in range(0, PROSPECTS, PART):
            numbers = range(start, min(PROSPECTS, start + PART))
            demo.post("/campaign-events", {"items": [_event("history", kind, n) for n in numbers]})
    _wait_until(lambda: _made(demo) - made_before >= PROSPECTS, "an activity for every e-mail")
    made = time.monotonic() - began
    waiting = f"/connections/{connection_id}/waiting"
    _wait_until(lambda: not demo.get(waiting)["data"], "the last window of five minutes")
    processors = told_by_process(worked, processor_seconds(demo), PROSPECTS * len(KINDS))
    tokens = _spent(demo, connection_id, "history")
    name = f"a campaign of {PROSPECTS:,} prospects, each e-mail sent, opened and clicked"
    return [
        Row(f"{name}: tokens a prospect for history", f"{tokens / PROSPECTS:.2f}", "11"),
        Row(f"{name}: activities a prospect", f"{(_done(demo) - before) / PROSPECTS:.2f}", "1"),
        Row(f"{name}: until every e-mail stood in Pipedrive", f"{made:.0f} s"),
        Row(f"{name}: the processor's time for an event, from the call to Pipedrive", processors),
    ]


def _wait_until(done: Callable[[], bool], what: str) -> None:
    """With a second between two looks: they take the pages' process and the sandbox something each."""

    def look() -> bool:
        time.sleep(1)
        return done()

    eventually(look, what, seconds=HOURS)


def _event(campaign: str, kind: str, number: int) -> dict[str, Any]:
    letter = {"subject": "How Polarnote cut onboarding time", "html": LETTER} if kind == "email_sent" else {}
    return {
        "key": f"{campaign}-{kind}-{number}",
        "type": kind,
        "at": datetime.now(UTC).isoformat(),
        "prospect": {"email": f"bench{number}@company{number % 997}.example"},
        "campaign": {"id": campaign, "name": campaign},
        "email": {"id": f"{campaign}-{number}", **letter},
    }


def _made(demo: Demo) -> int:
    """How many activities were made through the API so far, by the sandbox's own count."""
    told = demo.counters()["endpoints"].get("POST /v2/activities", {"statuses": {}})
    return sum(count for status, count in told["statuses"].items() if status.startswith("2"))


def _done(demo: Demo) -> int:
    """How many done activities the sandbox keeps, by walking over them as any program could."""
    found = 0
    params: dict[str, str | int] = {"done": "true", "limit": 500}
    while True:
        answer = demo.pipedrive.get("/api/v2/activities", params=params).raise_for_status().json()
        found += len(answer["data"])
        cursor = answer["additional_data"]["next_cursor"]
        if cursor is None:
            return found
        params["cursor"] = str(cursor)


def _spent(demo: Demo, connection_id: str, feature: str) -> int:
    days = demo.get(f"/connections/{connection_id}/budget")["days"]
    return sum(int(day["tokens"].get(feature, 0)) for day in days)


def _deals(demo: Demo, connection_id: str) -> list[Row]:
    pipeline = demo.pipedrive.get("/api/v2/pipelines").raise_for_status().json()["data"][0]
    create = {"kind": "create_deal", "pipeline_id": str(pipeline["id"]), "title": "{name} deal"}
    automation = {"trigger": "email_sent", "enabled": True, "often": "per_campaign", "actions": [create]}
    changes = {"include_email_history": False, "automations": [automation]}
    demo.patch(f"/connections/{connection_id}", changes)
    told: dict[str, float] = {}
    shown: dict[str, float] = {}
    over = threading.Event()
    count = min(DEALS, PROSPECTS)

    def look() -> None:
        while len(shown) < count and not over.wait(LOOK_EVERY):
            newest: dict[str, str | int] = {"sort_by": "add_time", "sort_direction": "desc", "limit": 100}
            answer = demo.pipedrive.get("/api/v2/deals", params=newest).raise_for_status().json()
            now = time.monotonic()
            ours = {deal["title"] for deal in answer["data"]} & told.keys()  # the sample data has deals, too
            for title in ours:
                shown.setdefault(title, now)

    looking = threading.Thread(target=look)
    looking.start()
    began, worked = time.monotonic(), processor_seconds(demo)
    for number in range(count):
        time.sleep(max(0.0, began + number / EVENTS_A_SECOND - time.monotonic()))
        told[f"First{number} Last{number} deal"] = time.monotonic()
        demo.post("/campaign-events", _event("deals", "email_sent", number))
    looking.join(timeout=120)
    over.set()
    processors = told_by_process(worked, processor_seconds(demo), count)
    seconds = [shown[title] - at for title, at in told.items() if title in shown]
    name = f"{count} events “sent” at {EVENTS_A_SECOND:.0f} a second, from the call to the deal on the board"
    return [
        Row(f"{name}: p50", f"{percentile(seconds, 50):.2f} s"),
        Row(f"{name}: p95", f"{percentile(seconds, 95):.2f} s", "3 s"),
        Row(f"{name}: deals made", str(len(seconds)), str(count)),
        Row(f"{name}: the processor's time for each", processors),
    ]
