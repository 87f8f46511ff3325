"""The story of a first day, on the real processes: connect, launch, transfer, edit on both sides, and what may go wrong."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.processes.demo import Demo, connect_by_oauth, eventually, running_demo

TOKENS_A_WRITE = 5.2
QUIET_SECONDS = 20.0
TAKE_OVER_SECONDS = 60.0
AT_WORK = 35
"""More persons than the calls that were under way when a worker was stopped can have made."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


@pytest.fixture(scope="module")
def connection_id(demo: Demo) -> str:
    """Connected by OAuth, the receiving list chosen, launched."""
    connection_id = connect_by_oauth(demo)
    receiving = demo.post("/lists", {"name": "From Pipedrive"})
    demo.patch(f"/connections/{connection_id}", {"sync_to_list": receiving["id"]})
    assert demo.post(f"/connections/{connection_id}/launch")["status"] == "active"
    health = f"/connections/{connection_id}/health"
    eventually(lambda: demo.get(health)["checked_at"], "the first look at Pipedrive", seconds=120)
    return connection_id


def test_a_transfer_makes_everyone_once_and_spends_little(demo: Demo, connection_id: str) -> None:
    before = demo.counters()["total"]["tokens"]
    prospects = {p["email"].lower() for p in everyone(demo) if p["email"]}

    transfer = demo.finished(demo.transfer(connection_id))

    spent = demo.counters()["total"]["tokens"] - before
    organizations = demo.counters()["endpoints"]["POST /v2/organizations"]["requests"]
    written = transfer["created"] + transfer["updated"] + organizations
    assert transfer["state"] == "done" and transfer["failed"] == 0
    assert transfer["done"] == transfer["total"] == 500
    assert spent <= TOKENS_A_WRITE * written
    assert prospects <= set(demo.addresses())
    assert not twice(demo.addresses())


def test_a_second_transfer_changes_and_spends_nothing(demo: Demo, connection_id: str) -> None:
    settled(demo, connection_id)
    before = demo.counters()

    transfer = demo.finished(demo.transfer(connection_id))

    assert transfer["unchanged"] == 500
    assert demo.counters()["total"]["tokens"] - before["total"]["tokens"] <= 20  # one look for what is new
    assert demo.writes() == sum_of_writes(before)


def test_edits_travel_both_ways_and_then_both_sides_are_silent(demo: Demo, connection_id: str) -> None:
    settled(demo, connection_id)
    pairs = linked(demo, connection_id)[:12]

    for number, pair in enumerate(pairs):
        arrives(demo, edit_prospect, person_shows, pair, f"Out{number}")
        arrives(demo, edit_person, prospect_shows, pair, f"Back{number}")

    settled(demo, connection_id)
    writes = demo.writes()
    quiet_until = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < quiet_until:
        assert demo.writes() == writes
        time.sleep(1)
    assert demo.get(f"/connections/{connection_id}/health")["waiting"] == 0


def test_a_person_made_in_pipedrive_becomes_an_unverified_prospect(demo: Demo, connection_id: str) -> None:
    person = {
        "first_name": "Nora",
        "last_name": "Neumann",
        "emails": [{"value": "nora@neu.example", "primary": True}],
    }
    demo.pipedrive.post("/api/v2/persons", json=person).raise_for_status()

    found = eventually(lambda: demo.get("/prospects", email="nora@neu.example")["data"], "Nora is a prospect")

    assert [p["email_status"] for p in found] == ["unverified"]
    assert found[0]["last_name"] == "Neumann"


def test_a_killed_worker_loses_and_doubles_nothing(demo: Demo, connection_id: str) -> None:
    settled(demo, connection_id)
    demo.post(f"/connections/{connection_id}/pause")  # so that the transfer is what brings them over
    newcomers = add_prospects(demo, "killed", 300)
    known = demo.created()
    transfer_id = demo.transfer(connection_id)
    eventually(lambda: demo.created() > known + 40, "the transfer is in the middle", seconds=120)

    for pid in demo.worker_pids():
        os.kill(pid, signal.SIGKILL)  # the supervisor starts another one

    transfer = demo.finished(transfer_id)
    assert transfer["state"] == "done" and transfer["failed"] == 0
    assert newcomers <= set(demo.addresses())
    assert not twice(demo.addresses())
    demo.post(f"/connections/{connection_id}/resume")


def test_a_second_worker_takes_over_from_a_dead_one(demo: Demo, connection_id: str) -> None:
    settled(demo, connection_id)
    demo.post(f"/connections/{connection_id}/pause")  # so that the transfer is what brings them over
    newcomers = add_prospects(demo, "taken-over", 300)
    first = demo.worker_pids()
    demo.start_worker()
    known = demo.created()
    transfer_id = demo.transfer(connection_id)
    eventually(lambda: demo.created() > known + 40, "the transfer is in the middle", seconds=120)

    stopped_at = demo.created()
    for pid in first:
        os.kill(pid, signal.SIGKILL)

    eventually(lambda: demo.created() > stopped_at + AT_WORK, "somebody goes on", seconds=TAKE_OVER_SECONDS)
    assert demo.finished(transfer_id)["failed"] == 0
    assert newcomers <= set(demo.addresses())
    assert not twice(demo.addresses())
    demo.post(f"/connections/{connection_id}/resume")


def test_a_worker_that_froze_and_thaws_writes_nothing_twice(demo: Demo, connection_id: str) -> None:
    settled(demo, connection_id)
    demo.post(f"/connections/{connection_id}/pause")  # so that the transfer is what brings them over
    newcomers = add_prospects(demo, "frozen", 400)
    frozen = demo.worker_pids() + [worker.pid for worker in demo.more if worker.poll() is None]
    known = demo.created()
    transfer_id = demo.transfer(connection_id)
    eventually(lambda: demo.created() > known + 40, "the transfer is in the middle", seconds=120)

    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    demo.start_worker()
    stopped_at = demo.created()
    eventually(lambda: demo.created() > stopped_at + AT_WORK, "the fresh worker goes on", seconds=120)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)

    assert demo.finished(transfer_id)["failed"] == 0
    assert newcomers <= set(demo.addresses())
    assert not twice(demo.addresses())
    demo.post(f"/connections/{connection_id}/resume")


def test_a_database_that_is_killed_loses_and_doubles_nothing(demo: Demo, connection_id: str) -> None:
    """PostgreSQL itself dies, twice: in the middle of a transfer, and while people edit on both sides."""
    settled(demo, connection_id)
    demo.post(f"/connections/{connection_id}/pause")  # so that the transfer is what brings them over
    newcomers = add_prospects(demo, "outage", 200)
    known = demo.created()
    transfer_id = demo.transfer(connection_id)
    eventually(lambda: demo.created() > known + 40, "the transfer is in the middle", seconds=120)

    died = demo.kill_database()
    demo.back_again(died)

    assert demo.finished(transfer_id)["failed"] == 0
    assert newcomers <= set(demo.addresses())
    assert not twice(demo.addresses())
    demo.post(f"/connections/{connection_id}/resume")
    settled(demo, connection_id)

    first, second = linked(demo, connection_id)[-2:]
    edit_prospect(demo, first, "Before")
    died = demo.kill_database()
    edit_person(demo, second, "Meanwhile")  # its delivery meets no database
    demo.back_again(died)

    eventually(lambda: person_shows(demo, first, "Before"), "what was saved before arrives", seconds=120)
    eventually(
        lambda: prospect_shows(demo, second, "Meanwhile"), "what was typed meanwhile arrives", seconds=600
    )
    assert not twice(demo.addresses())


# --- what the stories are told with


def everyone(demo: Demo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = demo.get("/prospects", limit=500, **cursor)
        found += page["data"]
        if not page["next_cursor"]:
            return found
        cursor = {"cursor": page["next_cursor"]}


def twice(addresses: list[str]) -> list[str]:
    """Sandbox persons have no address in common to begin with, so one that appears twice was doubled by us."""
    return [address for address, count in Counter(addresses).items() if count > 1]


def settled(demo: Demo, connection_id: str) -> None:
    """Wait until nothing waits."""

    def nothing_waits() -> bool:
        health = demo.get(f"/connections/{connection_id}/health")
        return bool(health["waiting"] == 0 and health["status"] == "active")

    eventually(nothing_waits, "nothing waits", seconds=180)


def sum_of_writes(counters: dict[str, Any]) -> int:
    told = counters["endpoints"].items()
    return sum(endpoint["requests"] for name, endpoint in told if name.split()[0] in ("POST", "PATCH"))


def add_prospects(demo: Demo, word: str, count: int) -> set[str]:
    """New prospects with addresses of their own; every tenth shares a company with others."""
    items = [
        {
            "email": f"{word}-{n}@newcomers.example",
            "first_name": f"{word.capitalize()} {n}",
            "last_name": "Newcomer",
            "company": f"{word.capitalize()} & Sons {n // 10}",
        }
        for n in range(count)
    ]
    answer = demo.post("/prospects/bulk", {"items": items})
    assert {item["outcome"] for item in answer["data"]} == {"created"}
    return {item["email"] for item in items}


def linked(demo: Demo, connection_id: str) -> list[tuple[str, str]]:
    """(prospect id, person id) of pairs that were written."""
    entries = demo.get(f"/connections/{connection_id}/log", limit=500)["data"]
    pairs = {e["prospect_id"]: e["person_id"] for e in entries if e["prospect_id"] and e["person_id"]}
    return sorted(pairs.items())


Pair = tuple[str, str]


def arrives(
    demo: Demo,
    edit: Callable[[Demo, Pair, str], None],
    shows: Callable[[Demo, Pair, str], bool],
    pair: Pair,
    name: str,
) -> None:
    edit(demo, pair, name)
    eventually(lambda: shows(demo, pair, name), f"{name} arrives")


def edit_prospect(demo: Demo, pair: Pair, name: str) -> None:
    demo.patch(f"/prospects/{pair[0]}", {"first_name": name})


def edit_person(demo: Demo, pair: Pair, name: str) -> None:
    body = {"first_name": name, "last_name": "Edited"}
    demo.pipedrive.patch(f"/api/v2/persons/{pair[1]}", json=body).raise_for_status()


def person_shows(demo: Demo, pair: Pair, name: str) -> bool:
    answer = demo.pipedrive.get(f"/api/v2/persons/{pair[1]}").raise_for_status()
    return bool(answer.json()["data"]["first_name"] == name)


def prospect_shows(demo: Demo, pair: Pair, name: str) -> bool:
    return bool(demo.get(f"/prospects/{pair[0]}")["first_name"] == name)
