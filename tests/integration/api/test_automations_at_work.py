"""Automations at work through the API: runs, the simulation and a try tell what the pages tell."""

from typing import Any

import pytest

from tests.builders import make_prospect
from tests.integration.api.conftest import Caller
from tests.integration.api.test_real_actions import ready
from tests.integration.web.test_automations_at_work import CLICKED, SENT, happened, ran, use
from tidegate.core.automation import Action, ActionKind, Automation, Trigger
from tidegate.prospects.models import Prospect
from tidegate.store.models import Connection, Workspace

__all__ = ["ready"]
CREATES = Automation(Trigger.EMAIL_SENT, actions=(Action(ActionKind.CREATE_DEAL, "1"),))


@pytest.fixture
def path(ready: Connection) -> str:
    return f"/connections/{ready.pk}"


@pytest.fixture
def ines(workspace: Workspace) -> Prospect:
    return make_prospect(workspace, email="ines@brightwater.example", first_name="Inês", last_name="Carvalho")


def test_runs_are_listed_with_what_became_of_each_action(alice: Caller, ready: Connection, path: str) -> None:
    ran(ready)
    ran(ready, "link_clicked", prospect_id="6")

    found = alice.ok("GET", f"{path}/automation-runs")["data"]

    assert [run["trigger"] for run in found] == ["link_clicked", "email_sent"]
    assert [(action["kind"], action["outcome"]) for action in found[0]["actions"]] == [
        ("create_deal", "performed"),
        ("move_deal_to_next_stage", "not_performed"),
        ("move_deal_to_stage", "failed"),
        ("add_activity", "waiting"),
    ]
    assert found[0]["actions"][2]["reason"] == "Pipedrive refused it: no permission."


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("trigger=link_clicked", 1),
        ("outcome=waiting", 2),
        ("outcome=waiting&prospect_id=6", 1),
        ("prospect_id=7", 0),
    ],
)
def test_runs_are_filtered(alice: Caller, ready: Connection, path: str, query: str, count: int) -> None:
    ran(ready)
    ran(ready, "link_clicked", prospect_id="6")

    assert len(alice.ok("GET", f"{path}/automation-runs?{query}")["data"]) == count


def test_runs_come_page_by_page(alice: Caller, ready: Connection, path: str) -> None:
    made = [str(ran(ready).pk) for _number in range(3)]

    first = alice.ok("GET", f"{path}/automation-runs?limit=2")
    rest = alice.ok("GET", f"{path}/automation-runs?limit=2&cursor={first['next_cursor']}")

    assert [run["id"] for run in first["data"] + rest["data"]] == made[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("query", ["trigger=rocket_sent", "outcome=exploded", "verdict=runs"])
def test_a_filter_that_is_none_is_refused(alice: Caller, path: str, query: str) -> None:
    alice.problem(422, "GET", f"{path}/automation-runs?{query}")


def test_the_simulation_counts_and_lists_with_doubles_marked(
    alice: Caller, ready: Connection, path: str, ines: Prospect
) -> None:
    use(ready, CREATES, CLICKED)
    happened(ines, "email_sent", days=3)
    happened(ines, "email_sent", days=2)
    happened(ines, "link_clicked", days=1)

    found = alice.ok("GET", f"{path}/automations/simulation?days=5")

    assert (found["events"], found["cut_short"]) == (3, False)
    assert [(item["trigger"], item["verdict"]) for item in found["data"]] == [
        ("link_clicked", "runs"),
        ("email_sent", "double"),
        ("email_sent", "runs"),
    ]
    counts: dict[str, Any] = {item["trigger"]: item for item in found["triggers"]}
    assert (counts["email_sent"]["runs"], counts["email_sent"]["doubles"]) == (1, 1)
    assert counts["email_sent"]["actions"]["create_deal"]["performed"] == 1
    assert alice.ok("GET", f"{path}/automation-runs")["data"] == []


@pytest.mark.parametrize("days", ["0", "91", "many"])
def test_a_stretch_of_time_that_is_none_is_refused(alice: Caller, path: str, days: str) -> None:
    alice.problem(422, "GET", f"{path}/automations/simulation?days={days}")


def test_a_try_says_what_would_happen_now(
    alice: Caller, ready: Connection, path: str, ines: Prospect
) -> None:
    use(ready, CREATES)

    found = alice.ok("GET", f"{path}/automations/try?prospect_id={ines.pk}")

    assert (found["prospect_id"], found["linked"]) == (str(ines.pk), False)
    assert found["data"][0]["actions"] == [
        {"kind": "create_deal", "would": "performed", "text": "“Inês Carvalho deal” in “New business”"}
    ]


@pytest.mark.parametrize("prospect_id", ["999999", "x"])
def test_a_try_with_nobody_is_not_found(alice: Caller, path: str, prospect_id: str) -> None:
    alice.problem(404, "GET", f"{path}/automations/try?prospect_id={prospect_id}")


def test_an_automation_that_is_not_complete_would_do_nothing(
    alice: Caller, ready: Connection, path: str, ines: Prospect
) -> None:
    use(ready, SENT)  # its stage is none of this Pipedrive's

    assert alice.ok("GET", f"{path}/automations/try?prospect_id={ines.pk}")["data"] == []


def test_what_another_workspace_automates_is_not_there(charlie: Caller, path: str) -> None:
    for address in ("automation-runs", "automations/simulation", "automations/try?prospect_id=1"):
        charlie.problem(404, "GET", f"{path}/{address}")
