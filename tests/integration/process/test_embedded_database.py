"""The embedded database, through crashes, moves and upgrades."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.process.conftest import is_gone
from tidegate.config import embedded_database, socket_directory
from tidegate.database import TEST_SETTINGS, EmbeddedDatabase
from tidegate.database.programs import binaries, bundled_versions
from tidegate.errors import ConfigurationError

# Crashes are what these tests are about: here a commit must reach the disk.
SETTINGS = {**TEST_SETTINGS, "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@pytest.fixture
def database(home: Path) -> Iterator[EmbeddedDatabase]:
    database = EmbeddedDatabase(home, settings=SETTINGS)
    yield database
    database.stop()


def connect(home: Path) -> psycopg.Connection[tuple[Any, ...]]:
    described = embedded_database(home)
    return psycopg.connect(
        host=described["HOST"], user=described["USER"], dbname=described["NAME"], autocommit=True
    )


def write_a_row(home: Path) -> None:
    with connect(home) as connection:
        connection.execute("CREATE TABLE notes (text text)")
        connection.execute("INSERT INTO notes VALUES ('kept')")


def rows(home: Path) -> list[tuple[Any, ...]]:
    with connect(home) as connection:
        return connection.execute("SELECT text FROM notes").fetchall()


def test_what_was_written_is_there_after_a_restart(database: EmbeddedDatabase, home: Path) -> None:
    database.start()
    write_a_row(home)
    database.stop()
    assert not database.is_running()
    database.start()
    assert rows(home) == [("kept",)]


def test_letters_of_any_language_change_their_case(database: EmbeddedDatabase, home: Path) -> None:
    database.start()
    with connect(home) as connection:
        assert connection.execute("SELECT lower('ÄÉŁ'), upper('äéł')").fetchone() == ("äéł", "ÄÉŁ")


def test_a_killed_server_is_revived_with_everything_committed(database: EmbeddedDatabase, home: Path) -> None:
    told: list[str] = []
    database.tell = told.append
    database.start()
    write_a_row(home)
    assert database.process is not None
    database.process.kill()
    database.process.wait()
    database.revive()
    assert rows(home) == [("kept",)]
    assert told[-2:] == [
        f"The database ended unexpectedly (SIGKILL); it starts again. Its log: {database.log}",
        "The database is back. Nothing that was committed is lost.",
    ]


def test_a_killed_server_is_revived_once_its_last_child_has_let_go_of_its_memory(
    database: EmbeddedDatabase, home: Path
) -> None:
    database.start()
    write_a_row(home)
    with connect(home) as connection:
        child = connection.info.backend_pid
        os.kill(child, signal.SIGSTOP)  # as one that is busy, and has not noticed yet
        assert database.process is not None
        database.process.kill()
        database.process.wait()
        spawn = database._spawn
        refused: list[int] = []

        def spawn_and_let_go(version: int | None) -> "subprocess.Popen[bytes]":
            """The first one has been refused for certain before the child goes on."""
            process = spawn(version)
            if not refused:
                refused.append(process.wait())
                os.kill(child, signal.SIGCONT)
            return process

        database._spawn = spawn_and_let_go  # type: ignore[method-assign]
        database.revive()

    assert refused == [1]
    assert rows(home) == [("kept",)]


def test_why_a_server_did_not_start_is_told_in_its_own_words(database: EmbeddedDatabase, home: Path) -> None:
    database.start()
    database.stop()
    database.settings["shared_buffers"] = "endless"
    with pytest.raises(ConfigurationError, match=r'did not start: .*"shared_buffers": "endless"'):
        database.start()


def test_a_server_whose_owner_died_is_taken_over(database: EmbeddedDatabase, home: Path) -> None:
    database.start()
    write_a_row(home)
    orphan, database.process = database.process, None  # as if the owner were gone and could not end it
    database.stop()
    assert orphan is not None
    assert orphan.poll() is None
    heir = EmbeddedDatabase(home, settings=SETTINGS)
    try:
        heir.start()
        assert rows(home) == [("kept",)]
        assert is_gone(orphan.pid)
    finally:
        heir.stop()
        orphan.wait()


def test_a_mark_that_names_a_stranger_keeps_nothing_from_starting(
    database: EmbeddedDatabase, home: Path
) -> None:
    database.start()
    database.stop()
    for mark in (home / "postgres" / "postmaster.pid", home / "postgres" / ".s.PGSQL.5432.lock"):
        mark.write_text(f"{os.getppid()}\n{home / 'postgres'}\n1\n5432\n")
    database.start()
    assert database.is_running()


def test_one_home_has_one_owner(database: EmbeddedDatabase, home: Path) -> None:
    database.start()
    with pytest.raises(ConfigurationError, match=rf"already runs here \(process {os.getpid()}\)"):
        EmbeddedDatabase(home, settings=SETTINGS).start()
    assert database.is_running()


def test_a_deep_home_has_its_socket_elsewhere(home: Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)
    database = EmbeddedDatabase(deep, settings=SETTINGS)
    database.start()
    try:
        assert len(str(socket_directory(deep))) < 40
        write_a_row(deep)
        assert socket_directory(deep).stat().st_mode & 0o077 == 0
    finally:
        database.stop()
        socket_directory(deep).rmdir()


def test_an_interrupted_first_start_is_done_again(database: EmbeddedDatabase, home: Path) -> None:
    half_made = home / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    database.start()
    assert database.is_running()
    assert not half_made.exists()


@pytest.mark.parametrize(
    ("version", "way_out"),
    [
        ("15", "which this Tidegate can't upgrade.*tidegate restore FILE"),
        ("99", "newer than the.*tidegate backup"),
    ],
)
def test_a_version_we_do_not_have_is_refused_with_the_way_out(home: Path, version: str, way_out: str) -> None:
    data = home / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(ConfigurationError, match=way_out) as caught:
        EmbeddedDatabase(home).start()
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(len(bundled_versions()) < 2, reason="only one version of PostgreSQL is here")
def test_an_older_version_is_upgraded_and_kept(database: EmbeddedDatabase, home: Path) -> None:
    old = min(bundled_versions())
    make_old_database(database, home, old)
    database.start()
    assert rows(home) == [("kept",)]
    assert (home / "postgres" / "PG_VERSION").read_text().strip() == str(max(bundled_versions()))
    assert (home / f"postgres.{old}" / "PG_VERSION").read_text().strip() == str(old)


def test_an_upgrade_stopped_before_its_last_step_is_completed(database: EmbeddedDatabase, home: Path) -> None:
    database.start()
    write_a_row(home)
    database.stop()
    (home / "postgres").rename(home / "postgres.upgraded")
    database.start()
    assert rows(home) == [("kept",)]


def make_old_database(database: EmbeddedDatabase, home: Path, version: int) -> None:
    """A data directory of that version, its server killed: the upgrade has to put that right as well."""
    account = database.server_account()
    data = home / "postgres"
    data.mkdir(mode=0o700)
    database.give(data)
    database.run_tool(
        "initdb", f"--pgdata={data}", "--username=postgres", "--auth=trust", "--no-locale", "--encoding=UTF8",
        version=version, cwd=data,
    )  # fmt: skip
    user = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    command = [
        str(binaries(version) / "postgres"),
        "-D",
        str(data),
        "-k",
        str(data),
        "-c",
        "listen_addresses=",
    ]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stderr=log, stdout=log, cwd=data, **user) as server,  # type: ignore[call-overload]
    ):
        while not database.is_running():
            assert server.poll() is None
        with psycopg.connect(
            host=str(data), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute("CREATE DATABASE tidegate")
        write_a_row(home)
        server.send_signal(signal.SIGKILL)
