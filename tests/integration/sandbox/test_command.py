"""The command `pipedrive-sandbox` as a user starts it."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp

from tests.integration.sandbox.conftest import found

SOURCE = str(Path(__file__).parents[3] / "src")


async def start(*arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipedrive_sandbox", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**environment, "PYTHONPATH": SOURCE},
    )


async def announced(process):
    """What it prints when it listens, and the base address in it."""
    lines: list[str] = []
    while not lines or "OAuth app" not in lines[-1]:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line, (await process.stderr.read()).decode()
        lines.append(line.decode())
    text = "".join(lines)
    return text, found(r"(http://\S+)", text)


async def stop(process):
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert errors.decode() == ""
    assert process.returncode == 0


async def test_it_says_where_it_is_and_goes_on_where_it_was(tmp_path):
    state = str(tmp_path / "state.sqlite")
    process = await start("--port=0", f"--state={state}", "--persons=3")
    text, base = await announced(process)
    token = found(r"API token of \S+: (\w+)", text)
    async with aiohttp.ClientSession(headers={"x-api-token": token}) as session:
        async with session.post(f"{base}/api/v2/persons", json={"name": "Ann"}) as reply:
            assert reply.status == 200
        await stop(process)

        process = await start("--port=0", f"--state={state}")
        text, base = await announced(process)
        async with session.get(f"{base}/api/v2/persons") as reply:
            people = (await reply.json())["data"]
    await stop(process)

    assert "4 persons" in text
    assert people[-1]["name"] == "Ann"


async def test_a_port_in_use_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await start(f"--port={taken.getsockname()[1]}", "--empty")
        _, errors = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 1
    assert "cannot listen" in errors.decode()
    assert len(errors.decode().strip().splitlines()) == 1


async def test_a_state_file_of_another_version_is_refused_until_fresh_is_said(tmp_path):
    import sqlite3

    state = tmp_path / "state.sqlite"
    connection = sqlite3.connect(state)
    connection.executescript("CREATE TABLE company (id INTEGER); PRAGMA user_version = 999;")
    connection.close()

    process = await start("--port=0", f"--state={state}")
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "--fresh" in errors.decode()

    process = await start("--port=0", f"--state={state}", "--fresh", "--persons=1")
    await announced(process)
    await stop(process)


async def test_people_of_a_file_are_among_the_persons(tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("Email,First name\nann@example.com,Ann\n")

    process = await start("--port=0", "--persons=2", f"--people={people}")
    text, base = await announced(process)
    token = found(r"API token of \S+: (\w+)", text)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{base}/api/v2/persons", headers={"x-api-token": token}) as reply,
    ):
        persons = (await reply.json())["data"]
    await stop(process)

    assert persons[0]["emails"][0]["value"] == "ann@example.com"
