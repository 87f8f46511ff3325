"""What live sync costs: new records, edits, echoes, and changes that change nothing."""

import time

from bench.rows import Row
from bench.running import Meter, Running, launched_demo
from tests.processes.demo import Demo
from tests.processes.test_two_apps_in_step import add_prospects, edit_prospect, linked

NEWCOMERS = (50, 200)
"""So many at once. What the look for who is there already costs (10 tokens a batch) is shared by them."""
EDITS = 50
BURST_PAUSE = 0.06
"""Seconds between our own writes to the sandbox: they have a burst window of their own to stay below."""


def measure() -> list[Row]:
    with launched_demo() as running:
        running.transferred()
        return [*(_newcomers(running, many) for many in NEWCOMERS), _edits(running), _nothing(running)]


def _quiet(running: Running) -> None:
    """Everything was followed, the echoes of our own writes among it."""
    demo: Demo = running.demo
    demo.pipedrive.post("/_sandbox/deliveries/wait", json={"seconds": 30}).raise_for_status()
    time.sleep(1)
    running.settle()


def _newcomers(running: Running, many: int) -> Row:
    meter = Meter(running.demo)
    add_prospects(running.demo, f"bench{many}", many)
    time.sleep(1)
    _quiet(running)
    spent = meter.read()
    return Row(
        f"live, {many} new prospects at once: tokens a written record, organizations and the look for who is there already among them",
        f"{spent.tokens / spent.writes:.2f}",
        "5.1",
    )


def _edits(running: Running) -> Row:
    pairs = linked(running.demo, running.connection_id)[:EDITS]
    meter = Meter(running.demo)
    for number, pair in enumerate(pairs):
        edit_prospect(running.demo, pair, f"Priced{number}")
    time.sleep(1)
    _quiet(running)
    spent = meter.read()
    return Row(
        f"live, {spent.writes} edits of prospects one after another: tokens a written record, the look at the other side and the echo among them",
        f"{spent.tokens / spent.writes:.2f}",
    )


def _nothing(running: Running) -> Row:
    """Prospects saved as they were, and persons edited where nothing is mapped."""
    demo, meter = running.demo, Meter(running.demo)
    pairs = linked(demo, running.connection_id)[:EDITS]
    for prospect_id, _ in pairs:
        shown = demo.get(f"/prospects/{prospect_id}")
        demo.patch(f"/prospects/{prospect_id}", {"last_name": shown["last_name"]})
    own = 0
    for _, person_id in pairs:
        demo.pipedrive.patch(f"/api/v2/persons/{person_id}", json={"visible_to": 3}).raise_for_status()
        own += 5
        time.sleep(BURST_PAUSE)
    time.sleep(1)
    _quiet(running)
    return Row(f"{2 * len(pairs)} changes that change nothing: tokens", str(meter.read().tokens - own), "0")
