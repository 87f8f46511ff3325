"""`status`, `doctor` and `transfer`: what the operator reads."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.builders import (
    make_change,
    make_connection,
    make_transfer,
    make_transfer_record,
    make_workspace,
    refused_value,
)
from tidegate.cli import diagnosis
from tidegate.cli.diagnosis import Level, diagnose
from tidegate.config import config
from tidegate.core.connection import Status
from tidegate.store.models import Transfer

pytestmark = pytest.mark.django_db


def run(*words: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, no_color=True, **options)
    return out.getvalue()


def worker_seen(seconds_ago: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 second')",
            [seconds_ago],
        )


def findings(subject: str) -> list[tuple[str, str]]:
    return [(f.level.value, f.text) for f in diagnose() if f.subject == subject]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "call", lambda url, **_: {"status": "ok"})


def test_migrations_are_written_for_every_change_of_a_model() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_status_says_what_waits() -> None:
    workspace = make_workspace()
    paused = make_connection(workspace, status=Status.PAUSED, reason_text="Reconnect Pipedrive.")
    make_change(paused)
    said = run("status")
    assert "Workers: 0" in said
    assert "Northlight (Northlight Studio): paused" in said
    assert "Reconnect Pipedrive." in said
    assert "waiting: 1, the oldest for" in said


def test_status_is_there_for_programs_too() -> None:
    made = make_connection(make_workspace())
    facts = json.loads(run("status", "--json"))
    assert facts["workers"] == 0
    assert [each["id"] for each in facts["connections"]] == [str(made.pk)]
    assert facts["connections"][0]["status"] == "active"


def test_status_without_a_connection_says_so() -> None:
    assert "There is no connection yet." in run("status")


@pytest.mark.parametrize(("seconds_ago", "level"), [(None, Level.FAULT), (5, Level.GOOD), (300, Level.FAULT)])
def test_the_doctor_wants_a_living_worker(seconds_ago: int | None, level: Level) -> None:
    if seconds_ago is not None:
        worker_seen(seconds_ago)
    assert [found[0] for found in findings("Workers")] == [level.value]


def test_the_doctor_ends_with_1_where_something_is_at_fault() -> None:
    with pytest.raises(SystemExit) as end:
        run("doctor")
    assert end.value.code == 1


def test_the_doctor_is_content_with_a_server_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    worker_seen(1)
    in_order = replace(
        config,
        public_url="https://tidegate.example.com",
        pipedrive_client_id="id",
        pipedrive_client_secret="secret",
    )
    monkeypatch.setattr(diagnosis, "config", in_order)
    assert {finding.level for finding in diagnose()} == {Level.GOOD}


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("http://127.0.0.1:8000", "warning"),
        ("http://tidegate.example.com", "fault"),
        ("https://a.example", "ok"),
    ],
)
def test_the_doctor_looks_at_the_public_address(
    monkeypatch: pytest.MonkeyPatch, url: str, level: str
) -> None:
    monkeypatch.setattr(diagnosis, "config", replace(config, public_url=url))
    assert findings("Public address")[0][0] == level


def test_the_doctor_names_a_workspace_whose_time_zone_is_unknown() -> None:
    make_workspace("Atlantis", time_zone="Atlantic/Atlantis")
    ((level, text),) = findings("Time zones")
    assert level == "fault"
    assert "Atlantis" in text


def test_the_doctor_finds_tokens_that_no_key_opens() -> None:
    make_connection(make_workspace(), secret=b"sealed with a lost key")
    assert any(level == "fault" and "Northlight" in text for level, text in findings("Encryption keys"))


def test_transfer_tells_how_the_latest_one_fared() -> None:
    made = make_connection(make_workspace())
    make_transfer(made, state="done", created=12, updated=3)
    told = run("transfer")
    assert "is done: 12 created, 3 updated" in told
    assert "without" not in told


def test_transfer_counts_the_records_that_lack_a_value() -> None:
    previewed = make_transfer(make_connection(make_workspace()), state="done", created=2)
    make_transfer_record(previewed, refusals=[refused_value()])
    make_transfer_record(previewed)
    assert "1 of them without one of their values" in run("transfer")


def test_transfer_without_any_says_how_to_start_one() -> None:
    make_connection(make_workspace())
    with pytest.raises(CommandError, match="tidegate transfer --direction to_pipedrive"):
        run("transfer")


def test_several_connections_have_to_be_told_apart() -> None:
    workspace = make_workspace()
    made = [make_connection(workspace, company_name=name) for name in ("Acme", "Bolt")]
    with pytest.raises(CommandError, match=str(made[0].pk)):
        run("transfer")
    make_transfer(made[1], state="done")
    assert "is done" in run("transfer", "--connection", "Bolt")


def test_transfer_waits_for_the_end_when_asked_to_watch() -> None:
    make_transfer(make_connection(make_workspace()), state="cancelled")
    assert "is cancelled" in run("transfer", "--watch")


def test_a_watch_ends_with_the_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = make_transfer(make_connection(make_workspace()), total=4)
    left: list[dict[str, Any]] = [
        {"created": 2},
        {"created": 4, "state": "done", "finished_at": timezone.now()},
    ]

    def work(seconds: float) -> None:
        """What a worker does between two looks."""
        Transfer.objects.filter(pk=watched.pk).update(**left.pop(0))

    monkeypatch.setattr("tidegate.cli.management.commands.transfer.time.sleep", work)

    said = run("transfer", "--watch")

    assert left == []
    assert "4/4" in said
    assert "is done: 4 created" in said


def test_an_undo_is_previewed_and_says_how_to_run_it() -> None:
    made = make_connection(make_workspace(), secret=b"sealed")
    done = make_transfer(made, state="done", created=120)

    assert "Undo to_pipedrive is preview" in run("transfer", "--undo", "--delete-created")

    undo = done.undos.get()
    assert undo.delete_created
    Transfer.objects.filter(pk=undo.pk).update(state="ready", deleted=120, planned={"persons_deleted": 120})
    assert "--start --confirm 120" in run("transfer")
    with pytest.raises(CommandError, match="Type 120 to confirm"):
        run("transfer", "--start")
    assert "is running" in run("transfer", "--start", "--confirm", "120")
    assert "is paused" in run("transfer", "--pause")
    assert "is running" in run("transfer", "--continue")
    assert "is cancelled" in run("transfer", "--cancel")


def test_a_transfer_that_sleeps_says_until_when() -> None:
    made = make_connection(make_workspace())
    made.lane.wait_until, made.lane.wait_reason = (
        timezone.now() + timedelta(hours=3),
        "The budget is used up.",
    )
    made.lane.save()
    make_transfer(made)
    assert "goes on by itself: The budget is used up." in run("transfer")


def test_the_server_lives_without_a_worker_but_is_not_ready(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["faults"] == {"worker": "No worker runs. Start one: tidegate worker"}


def test_the_server_is_ready_with_a_worker(client: Client) -> None:
    worker_seen(1)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
