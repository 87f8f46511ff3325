"""What the brakes stopped, and the budget with its ledger, through the API as it ships."""

from typing import Any

import pytest

from tests.builders import make_change, make_connection, spend_tokens
from tests.integration.api.conftest import Caller
from tidegate.core.brakes import Brake, Tally
from tidegate.ports import Example, Stopped
from tidegate.store.halts import keep_halt
from tidegate.store.models import Connection, Halt, Workspace
from tidegate.wiring import actions


@pytest.fixture
def live(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(actions, "problems", lambda connection: [])
    return make_connection(workspace, secret=b"sealed")


@pytest.fixture
def halt(live: Connection) -> Halt:
    waiting = make_change(live)
    example = Example(
        "Signe Aaltonen", "update", "pipedrive", "1", "7", ({"field": "job_title", "after": "Chair"},)
    )
    keep_halt(
        str(live.pk),
        Stopped(
            Brake.EMPTIED,
            "Many values were about to be emptied.",
            Tally(emptied=120),
            900,
            450,
            waiting.pk,
            (example,),
        ),
    )
    return Halt.objects.get(connection=live)


def test_what_was_stopped_is_told_with_counts_and_examples(
    alice: Caller, live: Connection, halt: Halt
) -> None:
    (told,) = alice.ok("GET", f"/connections/{live.pk}/halts")["data"]

    assert (told["brake"], told["decision"], told["decided_at"]) == ("emptied", "", None)
    assert told["counts"]["emptied"] == 120 and told["counts"]["waiting"] == 450
    assert told["examples"][0]["name"] == "Signe Aaltonen"
    assert told["examples"][0]["changes"] == [{"field": "job_title", "after": "Chair"}]
    assert alice.ok("GET", f"/connections/{live.pk}")["reason"] == "brakes"


@pytest.mark.parametrize(("word", "decision"), [("confirm", "confirmed"), ("drop", "dropped")])
def test_it_is_decided_once(alice: Caller, live: Connection, halt: Halt, word: str, decision: str) -> None:
    after = alice.ok("POST", f"/halts/{halt.pk}/{word}")

    assert (after["status"], after["reason"]) == ("active", "")
    (told,) = alice.ok("GET", f"/connections/{live.pk}/halts")["data"]
    assert told["decision"] == decision
    alice.problem(409, "POST", f"/halts/{halt.pk}/confirm")


def test_a_launch_does_not_pass_the_brakes_by(alice: Caller, live: Connection, halt: Halt) -> None:
    alice.problem(409, "POST", f"/connections/{live.pk}/launch")

    live.refresh_from_db()
    assert live.reason == "brakes"


def test_another_workspace_finds_nothing(charlie: Caller, live: Connection, halt: Halt) -> None:
    charlie.problem(404, "GET", f"/connections/{live.pk}/halts")
    charlie.problem(404, "POST", f"/halts/{halt.pk}/confirm")
    charlie.problem(404, "GET", f"/connections/{live.pk}/budget")


@pytest.mark.parametrize(
    "limits", [{"share_percent": 0}, {"share_percent": 101}, {"created": 0}, {"on": "yes"}, {"speed": 3}]
)
def test_impossible_brakes_are_refused(alice: Caller, live: Connection, limits: dict[str, Any]) -> None:
    alice.problem(422, "PATCH", f"/connections/{live.pk}", {"brakes": limits})


def test_the_budget_tells_what_was_spent_on_what(alice: Caller, live: Connection) -> None:
    spend_tokens(live.lane, 120, requests=24)
    spend_tokens(live.lane, 40, "check", requests=4)

    told = alice.ok("GET", f"/connections/{live.pk}/budget")

    assert (told["total"], told["used"], told["reserve"], told["reserve_percent"]) == (30000, 160, 9000, 30)
    assert told["days"][0]["tokens"] == {"live": 120, "check": 40}
    assert (told["days"][0]["total"], told["days"][0]["requests"]) == (160, 28)


def test_the_budget_is_set_and_holds_for_the_whole_company(alice: Caller, live: Connection) -> None:
    told = alice.ok(
        "PATCH", f"/connections/{live.pk}/budget", {"plan": "premium", "seats": 2, "reserve_percent": 10}
    )
    assert (told["total"], told["reserve"]) == (300_000, 30_000)

    told = alice.ok("PATCH", f"/connections/{live.pk}/budget", {"daily_budget": 50_000})
    assert (told["total"], told["plan"]) == (50_000, "premium")
    assert alice.ok("PATCH", f"/connections/{live.pk}/budget", {"daily_budget": None})["total"] == 300_000


@pytest.mark.parametrize(
    "change", [{"plan": "gold"}, {"reserve_percent": 95}, {"seats": 0}, {"daily_budget": 5}]
)
def test_an_impossible_budget_is_refused(alice: Caller, live: Connection, change: dict[str, Any]) -> None:
    alice.problem(422, "PATCH", f"/connections/{live.pk}/budget", change)
