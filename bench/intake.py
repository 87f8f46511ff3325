"""How fast deliveries of Pipedrive's webhooks are taken in: 300 a second, evenly spread, while the worker follows them."""

import asyncio
import base64
import json
import time
import uuid

from bench.inside import run_inside
from bench.rows import Row, percentile
from bench.running import Running, launched_demo, processor_seconds, told_by_process
from tests.processes.test_two_apps_in_step import linked

A_SECOND = 300
SECONDS = 20
CONNECTIONS = 32

SECRETS = """
from tidegate.store.models import Connection
from tidegate.store.secrets import decrypt
c = Connection.objects.get(disconnected_at=None)
print(c.hook_token, decrypt(c.hook_secret), c.company_id)
"""


def measure() -> list[Row]:
    with launched_demo() as running:
        running.transferred()
        bodies = _bodies(running)
        token, secret, company = run_inside(running.demo, SECRETS).split()
        before = processor_seconds(running.demo)
        seconds, failed, took = asyncio.run(_send(running, token, secret, company, bodies))
        after = processor_seconds(running.demo)
        what = f"{len(seconds)} deliveries at {len(seconds) / took:.0f} a second: until the answer"
        return [
            Row(f"{what}, p50", f"{percentile(seconds, 50) * 1000:.1f} ms"),
            Row(f"{what}, p99", f"{percentile(seconds, 99) * 1000:.1f} ms", "100 ms"),
            Row(
                "the processor's time for each, the worker that follows them among it",
                told_by_process(before, after, len(seconds)),
            ),
            Row("deliveries that were not answered with 2xx", str(failed), "0"),
        ]


def _bodies(running: Running) -> list[dict[str, object]]:
    """Persons as they are: what is measured is the intake, and the worker finds nothing to write."""
    ids = [person_id for _, person_id in linked(running.demo, running.connection_id)[:100]]
    answer = running.demo.pipedrive.get("/api/v2/persons", params={"ids": ",".join(ids), "limit": 100})
    return list(answer.raise_for_status().json()["data"])


async def _send(
    running: Running, token: str, secret: str, company: str, bodies: list[dict[str, object]]
) -> tuple[list[float], int, float]:
    host = running.demo.facts["web_url"].removeprefix("http://")
    basic = base64.b64encode(f"tidegate:{secret}".encode()).decode()
    head = f"POST /hooks/pipedrive/{token} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {basic}\r\nContent-Type: application/json\r\n"
    queue: asyncio.Queue[float | None] = asyncio.Queue()
    seconds: list[float] = []
    failed = 0

    async def one() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(*host.split(":"))
        while (due := await queue.get()) is not None:
            body = json.dumps(_delivery(bodies[len(seconds) % len(bodies)], company)).encode()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in answer.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            await reader.readexactly(length)
            seconds.append(time.perf_counter() - due)  # from when it was to leave: a queue counts as slowness
            failed += not answer.startswith(b"HTTP/1.1 2")
        writer.close()

    senders = [asyncio.create_task(one()) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    for number in range(A_SECOND * SECONDS):
        due = start + number / A_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        queue.put_nowait(due)
    for _ in senders:
        queue.put_nowait(None)
    await asyncio.gather(*senders)
    return seconds, failed, time.perf_counter() - start


def _delivery(person: dict[str, object], company: str) -> dict[str, object]:
    return {
        "data": person,
        "previous": {},
        "meta": {
            "action": "change",
            "entity": "person",
            "entity_id": str(person["id"]),
            "company_id": company,
            "id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "timestamp": "2026-05-01T10:00:00.000Z",
            "version": "2.0",
            "attempt": 1,
            "change_source": "app",
            "is_bulk_edit": False,
        },
    }
