"""What an idle connection costs a day: each scheduled task is made due in turn, its tokens are counted, and times a day added up."""

import time

from bench.inside import run_inside
from bench.rows import Row
from bench.running import Meter, Running, launched_demo
from tests.processes.demo import eventually

DAY = 86_400
QUIET_SECONDS = 20

INTERVALS = """
from tidegate.core.checks import EVERY, LIST_EVERY, Webhooks
from tidegate.wiring.upkeep import CATALOGUE_EVERY
print(*(every.total_seconds() for every in (EVERY[Webhooks.WORKING], CATALOGUE_EVERY, LIST_EVERY[Webhooks.WORKING])))
"""
DUE = {
    "the regular check": "Lane.objects.update(checked_at=None)",
    "the catalogue": "Connection.objects.update(catalogue_read_at=None); Lane.objects.update(checked_at=None)",
    "the webhooks": "Connection.objects.update(webhooks_checked_at=None); Lane.objects.update(checked_at=None)",
}


def measure() -> list[Row]:
    with launched_demo() as running:
        running.transferred()
        time.sleep(3)
        meter = Meter(running.demo)
        time.sleep(QUIET_SECONDS)
        quiet = meter.read().tokens
        seconds = [float(word) for word in run_inside(running.demo, INTERVALS).split()]
        tokens = {name: _checked(running, code) for name, code in DUE.items()}
        check = tokens["the regular check"]
        proof = _sameness(running)
        a_day = [
            (check, DAY / seconds[0]),
            (tokens["the catalogue"] - check, DAY / seconds[1]),
            (tokens["the webhooks"] - check, DAY / seconds[2]),
            (proof, 1.0),
        ]
        names = [*DUE, "the proof of sameness"]
        parts = ", ".join(f"{n} {t} × {times:g}" for n, (t, times) in zip(names, a_day, strict=True))
        return [
            Row(f"tokens in {QUIET_SECONDS} quiet seconds", str(quiet), "0"),
            Row(
                f"an idle day of a connection with 500 pairs: {parts}",
                f"{sum(t * n for t, n in a_day):.0f} tokens",
                "950",
            ),
        ]


def _checked(running: Running, code: str) -> int:
    """The tokens of a task that was made due, and of the regular check that goes with it."""
    meter = Meter(running.demo)
    run_inside(running.demo, f"from tidegate.store.models import Connection, Lane\n{code}")
    health = f"/connections/{running.connection_id}/health"
    eventually(lambda: running.demo.get(health)["checked_at"], "the check was made", seconds=60)
    running.settle()
    return meter.read().tokens


def _sameness(running: Running) -> int:
    """A whole round, as a member asks for it: its pages cost what they cost when they are spread over the day."""
    meter, path = Meter(running.demo), f"/connections/{running.connection_id}"
    running.demo.post(f"{path}/check")
    eventually(
        lambda: (running.demo.get(f"{path}/health")["sameness"] or {}).get("checked_at"),
        "the round of the proof is done",
        seconds=120,
    )
    return meter.read().tokens
