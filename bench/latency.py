"""From a change to its arrival in the other app, at ten changes a second, each way."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.rows import Row, percentile
from bench.running import Running, launched_demo
from tests.processes.demo import Demo, eventually
from tests.processes.test_two_apps_in_step import Pair, edit_person, edit_prospect, linked

EDITS = 300
CHANGES_A_SECOND = 10.0
LOOK_EVERY = 0.12
"""Seconds between looks at the other app, so that they stay within the sandbox's burst window. Arrivals are told late by
half of it on average."""
LONGEST_SECONDS = 60.0
PAIRS = 100
"""Edited in turn: ten seconds pass until a record is edited again."""

Shown = Callable[[Demo, list[Pair]], set[str]]
"""The first names that the other app shows, of these pairs at least."""


@dataclass(frozen=True)
class Edit:
    pair: Pair
    number: int
    began: float


@dataclass
class Awaited:
    """Edits by the first name they gave, and how long the other app took to show it, or one that was made after it."""

    edits: dict[str, Edit] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def missing(self) -> dict[str, Edit]:
        return {name: edit for name, edit in list(self.edits.items()) if name not in self.seconds}

    def look(self, demo: Demo, shown: Shown) -> None:
        missing = self.missing()
        if not missing:
            return
        names = shown(demo, [edit.pair for edit in missing.values()])
        now = time.monotonic()
        newest = {edit.pair: edit.number for name, edit in missing.items() if name in names}
        for name, edit in missing.items():
            if edit.number <= newest.get(edit.pair, -1):
                self.seconds[name] = now - edit.began


def measure() -> list[Row]:
    with launched_demo() as running:
        running.transferred()
        pairs = linked(running.demo, running.connection_id)[:PAIRS]
        rows = _way(running, "prospect to person", "Out", pairs, edit_prospect, _persons)
        running.settle()
        return rows + _way(running, "person to prospect", "Back", pairs, edit_person, _prospects)


def _way(
    running: Running,
    way: str,
    word: str,
    pairs: list[Pair],
    edit: Callable[[Demo, Pair, str], None],
    shown: Shown,
) -> list[Row]:
    """Edits leave by the clock, whatever has arrived by then; meanwhile a second thread looks at the other app."""
    awaited, ended = Awaited(), threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY):
            awaited.look(running.demo, shown)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    start = time.monotonic()
    for number in range(EDITS):
        time.sleep(max(0.0, start + number / CHANGES_A_SECOND - time.monotonic()))
        name, pair = f"{word}{number}", pairs[number % len(pairs)]
        began = time.monotonic()
        edit(running.demo, pair, name)
        awaited.edits[name] = Edit(pair, number, began)
    rate = EDITS / (time.monotonic() - start)
    try:
        eventually(lambda: not awaited.missing(), "every edit has arrived", seconds=LONGEST_SECONDS)
    finally:
        ended.set()
        looking.join()
    seconds = list(awaited.seconds.values())
    what = f"{way}, {EDITS} edits at {rate:.1f} a second"
    return [
        Row(f"{what}: p50", f"{percentile(seconds, 50):.2f} s", "1 s"),
        Row(f"{what}: p95", f"{percentile(seconds, 95):.2f} s", "2 s"),
    ]


def _persons(demo: Demo, pairs: list[Pair]) -> set[str]:
    ids = ",".join(list(dict.fromkeys(person_id for _, person_id in pairs))[:100])
    answer = demo.pipedrive.get("/api/v2/persons", params={"ids": ids, "limit": 100}).raise_for_status()
    return {str(person["first_name"]) for person in answer.json()["data"]}


def _prospects(demo: Demo, pairs: list[Pair]) -> set[str]:
    since = datetime.now(UTC) - timedelta(seconds=15)
    found = demo.get("/prospects", updated_since=since.isoformat(), limit=500)["data"]
    return {str(prospect["first_name"]) for prospect in found}
