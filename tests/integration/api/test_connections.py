"""Connections through the API: what is read can be sent back, only what is sent changes, and actions do the deeds."""

from typing import Any

import pytest

from tests.integration.api.conftest import Caller
from tests.integration.api.fake_actions import FakeActions
from tidegate.core.automation import Action, ActionKind, Automation, Often, Trigger
from tidegate.core.limits import Limits
from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.core.settings import (
    SYSTEM_MAPPINGS,
    Constant,
    Direction,
    FieldMapping,
    Settings,
    settings_to_json,
)
from tidegate.store.models import Connection, Workspace

SYSTEM = [{"outreach": m.outreach, "pipedrive": m.pipedrive} for m in SYSTEM_MAPPINGS]

CHANGES: dict[str, tuple[Any, Any]] = {
    "direction": ("from_pipedrive", Direction.FROM_PIPEDRIVE),
    "sync_to_list": ("5", "5"),
    "owner_id": ("1", "1"),
    "sync_from_lists": (["5", "6"], ("5", "6")),
    "mappings": (
        [*SYSTEM, {"outreach": "age", "pipedrive": "years"}],
        (*SYSTEM_MAPPINGS, FieldMapping("age", "years")),
    ),
    "constants": (
        [{"side": "outreach", "field": "colour", "value": "Red"}],
        (Constant(Side.OUTREACH, "colour", "Red"),),
    ),
    "include_email_history": (False, False),
    "only_with_email": (False, False),
    "source_app": ("outreach", Side.OUTREACH),
    "filter_id": ("12", "12"),
    "brakes": (
        {"on": True, "share_percent": 50, "records": 10, "emptied": 20, "created": 30},
        Limits(True, 50, 10, 20, 30),
    ),
    "automations": (
        [
            {
                "trigger": "email_sent",
                "enabled": True,
                "often": "per_campaign",
                "actions": [
                    {"kind": "create_deal", "pipeline_id": "1", "title": "{name} deal"},
                    {
                        "kind": "move_deal_to_stage",
                        "pipeline_id": "1",
                        "stage_id": "2",
                        "only_in_pipeline": False,
                    },
                    {"kind": "move_deal_to_next_stage"},
                    {"kind": "add_activity", "subject": "Call {first_name}"},
                ],
            },
            {"trigger": "unsubscribed", "enabled": False, "often": "per_prospect", "actions": []},
        ],
        (
            Automation(
                Trigger.EMAIL_SENT,
                actions=(
                    Action(ActionKind.CREATE_DEAL, "1"),
                    Action(ActionKind.MOVE_DEAL_TO_STAGE, "1", "2"),
                    Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE),
                    Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name}"),
                ),
            ),
            Automation(Trigger.UNSUBSCRIBED, enabled=False, often=Often.PER_PROSPECT),
        ),
    ),
    "history_events": (
        ["email_replied", "link_clicked"],
        (Trigger.EMAIL_REPLIED, Trigger.LINK_CLICKED),
    ),
    "unsubscribe_in_pipedrive": (True, True),
}
"""Settings key -> what is sent, what the core is given."""


@pytest.fixture
def path(connection: Connection) -> str:
    return f"/connections/{connection.pk}"


def test_every_setting_can_be_changed() -> None:
    assert set(CHANGES) == set(settings_to_json(Settings()))


@pytest.mark.parametrize("key", CHANGES)
def test_only_what_is_sent_changes(
    alice: Caller, actions: FakeActions, connection: Connection, path: str, key: str
) -> None:
    sent, meant = CHANGES[key]
    before = alice.ok("GET", path)
    assert before[key] != sent

    after = alice.ok("PATCH", path, {key: sent})

    assert after == {**before, key: sent, "version": before["version"] + 1}
    assert alice.ok("GET", path) == after
    (_, given) = actions.calls[0]
    assert getattr(given["settings"], key) == meant


@pytest.mark.parametrize("key", ["sync_to_list", "owner_id", "sync_from_lists", "filter_id"])
def test_a_choice_is_taken_back_by_null(alice: Caller, actions: FakeActions, path: str, key: str) -> None:
    alice.ok("PATCH", path, {key: CHANGES[key][0]})

    assert alice.ok("PATCH", path, {key: None})[key] is None


def test_settings_can_be_sent_back_as_they_were_read(alice: Caller, actions: FakeActions, path: str) -> None:
    read = alice.ok("GET", path)

    again = alice.ok("PATCH", path, {key: read[key] for key in [*CHANGES, "version"]})

    assert {key: again[key] for key in CHANGES} == {key: read[key] for key in CHANGES}


def test_a_stale_version_is_a_conflict_and_changes_nothing(
    alice: Caller, actions: FakeActions, path: str
) -> None:
    seen = alice.ok("GET", path)["version"]
    alice.ok("PATCH", path, {"only_with_email": False, "version": seen})

    alice.problem(409, "PATCH", path, {"only_with_email": True, "version": seen})

    assert alice.ok("GET", path)["only_with_email"] is False


def test_the_key_is_named_as_the_one_who_did_it(alice: Caller, actions: FakeActions, path: str) -> None:
    alice.ok("POST", f"{path}/pause")

    assert actions.calls == [("pause", {"actor": "API key “test”"})]


def test_a_personal_token_connects(alice: Caller, actions: FakeActions, workspace: Workspace) -> None:
    made = alice.ok("POST", "/connections", {"company_domain": "harbour", "api_token": "secret"}, status=201)

    assert actions.calls == [
        (
            "connect_with_token",
            {"company_domain": "harbour", "api_token": "secret", "actor": "API key “test”"},
        )
    ]
    assert made["status"] == "paused"
    assert made["id"] == str(workspace.connections.get().pk)
    assert "secret" not in str(made)


def test_a_token_is_never_repeated_in_an_error(alice: Caller, actions: FakeActions) -> None:
    found = alice.problem(
        422, "POST", "/connections", {"company_domain": "", "api_token": "hunter2", "tokn": "hunter2"}
    )

    assert set(found["errors"]) == {"company_domain", "tokn"}
    assert "hunter2" not in str(found)


def test_a_disconnected_connection_is_gone(alice: Caller, actions: FakeActions, path: str) -> None:
    alice.ok("DELETE", path, status=204)

    alice.problem(404, "GET", path)
    assert alice.ok("GET", "/connections")["data"] == []


@pytest.mark.parametrize("way", ["launch", "resume"])
def test_what_is_complete_starts(alice: Caller, actions: FakeActions, path: str, way: str) -> None:
    assert alice.ok("POST", f"{path}/{way}")["status"] == "active"


@pytest.mark.parametrize("way", ["launch", "resume"])
def test_what_is_not_complete_names_each_place(
    alice: Caller, actions: FakeActions, path: str, way: str
) -> None:
    actions.found = [
        Problem("list-missing", "sync_to_list", "Choose the list."),
        Problem("field-gone", "mappings.4", "Gone."),
        Problem("field-twice", "mappings.4", "Twice."),
    ]

    found = alice.problem(409, "POST", f"{path}/{way}")

    assert found["type"] == "urn:tidegate:problem:incomplete"
    assert found["errors"] == {"sync_to_list": ["Choose the list."], "mappings.4": ["Gone.", "Twice."]}


@pytest.mark.parametrize(
    ("body", "applies"),
    [(None, True), ({}, True), ({"apply_waiting": True}, True), ({"apply_waiting": False}, False)],
)
def test_what_happened_during_a_pause_is_applied_unless_told_otherwise(
    alice: Caller, actions: FakeActions, path: str, body: Any, applies: bool
) -> None:
    alice.ok("POST", f"{path}/resume", body)

    assert actions.calls[0][1]["apply_waiting"] is applies


def test_the_problems_are_those_of_the_core(alice: Caller, actions: FakeActions, path: str) -> None:
    found = alice.ok("GET", f"{path}/problems")

    assert [(item["code"], item["place"]) for item in found["data"]] == [
        ("list-missing", "sync_to_list"),
        ("owner-missing", "owner_id"),
    ]
    assert found["next_cursor"] is None
    assert all(item["message"] for item in found["data"])


def test_the_catalogue_shows_what_both_sides_offer(alice: Caller, actions: FakeActions, path: str) -> None:
    found = alice.ok("GET", f"{path}/catalogue")

    assert found["outreach"]["lists"] == [{"id": "5", "name": "Leads", "size": 3}]
    colour = next(field for field in found["outreach"]["fields"] if field["key"] == "colour")
    assert colour["kind"] == "option"
    assert colour["options"] == [{"id": "1", "label": "Red"}]
    assert found["pipedrive"]["users"][0]["is_me"] is True


def test_a_refresh_rereads_and_shows_the_catalogue(alice: Caller, actions: FakeActions, path: str) -> None:
    found = alice.ok("POST", f"{path}/refresh")

    assert actions.calls == [("refresh", {})]
    assert found == alice.ok("GET", f"{path}/catalogue")
