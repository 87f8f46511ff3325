"""Campaign events coming in: 10,000 of each kind by API, a thousand a call, and single ones one after another.

`BENCH_EVENTS` takes another number.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.rows import Row, percentile
from bench.running import processor_seconds, told_by_process
from tests.processes.demo import Demo, running_demo

EVENTS = int(os.environ.get("BENCH_EVENTS", "10000"))
PART = 1_000
SINGLE = 100
LETTER = (
    "<p>Hi there,</p>" + "<p>Polarnote now needs 4 days instead of 11 to bring a customer on board.</p>" * 30
)


def measure() -> list[Row]:
    with running_demo() as demo:
        for start in range(0, EVENTS, PART):
            people = [{"email": _address(number)} for number in range(start, min(EVENTS, start + PART))]
            demo.post("/prospects/bulk", {"items": people})
        rows = []
        for kind, more in (
            ("email_sent", f", each with {len(LETTER):,} characters of HTML"),
            ("email_opened", ""),
            ("link_clicked", ""),
        ):
            rows += _accepted(demo, kind, f"{EVENTS:,} events “{kind}” accepted, {PART:,} a call{more}")
        rows += _accepted(demo, "email_opened", f"the same {EVENTS:,} openings told again, all known")
        times = [_single(demo, number) for number in range(SINGLE)]
        rows.append(Row("one event a call, one after another: p95", f"{percentile(times, 95) * 1000:.0f} ms"))
        return rows


def _accepted(demo: Demo, kind: str, what: str) -> list[Row]:
    """By the clock, and by what server and database used of the processors, which a busy machine changes little."""
    before = processor_seconds(demo)
    seconds = _told(demo, kind)
    after = processor_seconds(demo)
    used = after["web"] + after["database"] - before["web"] - before["database"]
    return [
        Row(what, f"{seconds:.1f} s", "10 s"),
        Row(
            f"{what}: processor time",
            f"{used:.1f} s ({told_by_process(before, after, EVENTS)} an event)",
            "6 s",
        ),
    ]


def _told(demo: Demo, kind: str) -> float:
    """Seconds until all of them were accepted."""
    batches = [
        [_event(kind, number) for number in range(start, min(EVENTS, start + PART))]
        for start in range(0, EVENTS, PART)
    ]
    began = time.monotonic()
    for items in batches:
        demo.post("/campaign-events", {"items": items})
    return time.monotonic() - began


def _single(demo: Demo, number: int) -> float:
    began = time.monotonic()
    demo.post("/campaign-events", _event("email_replied", number))
    return time.monotonic() - began


STARTED = datetime.now(UTC) - timedelta(hours=2)


def _event(kind: str, number: int) -> dict[str, Any]:
    letter = {"subject": "How Polarnote cut onboarding time", "html": LETTER} if kind == "email_sent" else {}
    return {
        "key": f"bench-{kind}-{number}",
        "type": kind,
        "at": STARTED.isoformat(),
        "prospect": {"email": _address(number)},
        "campaign": {"id": "bench", "name": "Bench"},
        "email": {"id": f"bench-{number}", **letter},
    }


def _address(number: int) -> str:
    return f"event{number}@company{number % 997}.example"
