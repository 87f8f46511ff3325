"""`tidegate COMMAND` as an operator starts it: the whole service, its restarts, and what stands in its way."""

import json
import os
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.process.conftest import Start, Started, free_ports, until
from tidegate.config import socket_directory
from tidegate.database import TEST_SETTINGS, EmbeddedDatabase


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return json.loads(response.read())


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def demo_home(home: Path) -> None:
    """What a demo leaves behind, and a file that is none of its business."""
    (home / "postgres").mkdir()
    (home / "secrets").mkdir()
    for name in ("secrets/demo-client-secret", "sandbox.sqlite", "demo.json", "my-notes.txt"):
        (home / name).touch()


def test_clean_removes_what_the_demo_made_and_nothing_else(tidegate: Start, home: Path) -> None:
    demo_home(home)
    assert tidegate("demo", "--clean").ended() == 0
    assert [path.name for path in home.iterdir()] == ["my-notes.txt"]


def test_clean_leaves_real_data_alone(tidegate: Start, home: Path) -> None:
    demo_home(home)
    (home / "secrets" / "demo-client-secret").unlink()
    refused = tidegate("demo", "--clean")
    assert refused.ended() == 2
    assert "holds no demo" in refused.lines[0]
    assert (home / "postgres").exists()


def test_the_demo_is_not_mixed_with_real_data(tidegate: Start, home: Path) -> None:
    (home / "postgres").mkdir()
    refused = tidegate("demo")
    assert refused.ended() == 2
    assert "TIDEGATE_HOME=./demo" in refused.lines[0]


def ready(tidegate: Start, port: int) -> Started:
    service = tidegate("up", TIDEGATE_PORT=str(port))
    service.wait_for("Tidegate is ready")
    return service


@pytest.mark.parametrize(
    "command",
    [["worker"], ["web"], ["up"], ["demo"], ["migrate"], ["status"], ["manage", "check"]],
    ids=" ".join,
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(tidegate: Start, command: list[str]) -> None:
    refused = tidegate(*command, TIDEGATE_PORT="http")
    assert refused.ended() == 2
    assert refused.lines[:-1] == ["TIDEGATE_PORT is “http”, which is not a port. Example: TIDEGATE_PORT=8000"]


@pytest.mark.parametrize("command", [["worker"], ["status"]], ids=" ".join)
def test_an_unreachable_database_is_one_line(tidegate: Start, command: list[str]) -> None:
    (port,) = free_ports(1)
    refused = tidegate(*command, DATABASE_URL=f"postgresql://127.0.0.1:{port}/tidegate")
    assert refused.ended() == 1
    assert len(refused.lines[:-1]) == 1
    assert "DATABASE_URL" in refused.lines[0]


def test_an_unknown_command_is_told_where_the_others_are(tidegate: Start) -> None:
    refused = tidegate("upp")
    assert refused.ended() == 2
    assert refused.lines[0] == "There is no command “upp”. All commands: tidegate help"


def test_help_needs_no_settings(tidegate: Start) -> None:
    shown = tidegate("help", TIDEGATE_PORT="http")
    assert shown.ended() == 0
    for word in ("up ", "demo ", "worker ", "status ", "doctor ", "backup ", "import ", "transfer "):
        assert any(line.strip().startswith(word) for line in shown.lines)


def test_a_port_in_use_is_said_with_the_setting_to_change(tidegate: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = tidegate("up", TIDEGATE_PORT=str(port))
        assert refused.ended() == 2
    assert refused.lines[-2] == (
        f"Port {port} at 127.0.0.1 is in use. Choose another: TIDEGATE_PORT={port + 1}"
    )


def test_the_sandbox_port_in_use_is_said_too(tidegate: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = tidegate("demo", SANDBOX_PORT=str(port))
        assert refused.ended() == 2
    assert "SANDBOX_PORT=" in refused.lines[-2]


def test_the_service_lives_through_crashes_and_goes_on_where_it_was(tidegate: Start, home: Path) -> None:
    (port,) = free_ports(1)

    first = ready(tidegate, port)
    assert get(port, "/healthz") == {"status": "ok"}
    assert get(port, "/readyz") == {"status": "ready"}
    note(home, "before the crashes")

    second = tidegate("up", TIDEGATE_PORT=str(port + 1))
    assert second.ended() == 2
    assert "already runs here" in second.lines[0]

    os.kill(postmaster(home), signal.SIGKILL)
    first.wait_for("The database ended unexpectedly")
    assert until(lambda: answers_ready(port)), "\n".join(first.lines)
    assert notes(home) == ["before the crashes"]

    first.send(signal.SIGKILL)
    first.ended()
    assert until(lambda: is_free(port))
    third = ready(tidegate, port)
    assert not any("Bringing the database" in line for line in third.lines)
    assert notes(home) == ["before the crashes"]
    third.send(signal.SIGINT)
    assert third.ended() == 0
    assert is_free(port)
    assert not (home / "postgres" / "postmaster.pid").exists()


def answers_ready(port: int) -> bool:
    try:
        return bool(get(port, "/readyz") == {"status": "ready"})
    except OSError:
        return False


def connect(home: Path) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=str(socket_directory(home)), user="postgres", dbname="tidegate", autocommit=True
    )


def note(home: Path, text: str) -> None:
    with connect(home) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [text])


def notes(home: Path) -> list[str]:
    with connect(home) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM notes")]


def test_a_backup_holds_everything_and_restores_it(tidegate: Start, home: Path, tmp_path: Path) -> None:
    database = EmbeddedDatabase(home, settings=TEST_SETTINGS)
    database.start()
    try:
        note(home, "kept")
        file = tmp_path / "tidegate.dump"
        saved = tidegate("backup", str(file))
        assert saved.ended() == 0, saved.lines
        note(home, "later")

        refused = tidegate("restore", str(file))
        assert refused.ended() == 2
        assert "--replace" in refused.lines[0]
        with connect(home):
            busy = tidegate("restore", str(file), "--replace")
            assert busy.ended() == 2
            assert "in use" in busy.lines[0]

        restored = tidegate("restore", str(file), "--replace")
        assert restored.ended() == 0, restored.lines
        assert notes(home) == ["kept"]
    finally:
        database.stop()


def test_a_restore_that_fails_changes_nothing(tidegate: Start, home: Path, tmp_path: Path) -> None:
    database = EmbeddedDatabase(home, settings=TEST_SETTINGS)
    database.start()
    try:
        note(home, "kept")
        file = tmp_path / "tidegate.dump"
        file.write_bytes(b"PGDMP is how a dump begins, but this is none")
        assert tidegate("restore", str(file), "--replace").ended() == 2
        assert notes(home) == ["kept"]
    finally:
        database.stop()
