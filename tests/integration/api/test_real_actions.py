"""The API with the actions it ships with: what the pages refuse, it refuses in the same words."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.builders import (
    make_attention,
    make_connection,
    make_link,
    make_list,
    make_log_entry,
    make_person,
    make_prospect,
    make_transfer,
    make_transfer_record,
)
from tests.integration.api.conftest import Caller
from tidegate.config import read_config
from tidegate.core.catalogue import Field, PersonFilter, PipedriveCatalogue, Pipeline, Stage
from tidegate.core.catalogue import User as PipedriveUser
from tidegate.core.settings import SYSTEM_MAPPINGS, Settings
from tidegate.core.values import Kind
from tidegate.errors import RemoteUnavailable
from tidegate.ports import Crm
from tidegate.store.catalogues import catalogues_to_json
from tidegate.store.models import Change, Connection, PersonAlias, Transfer, Workspace
from tidegate.testing.crm import MemoryCrm
from tidegate.wiring import actions, transfers
from tidegate.wiring.news import store_outreach_catalogue
from tidegate.wiring.steps import run

SYSTEM = [{"outreach": m.outreach, "pipedrive": m.pipedrive} for m in SYSTEM_MAPPINGS]
PIPEDRIVE = PipedriveCatalogue(
    fields=(
        Field("first_name", "First name", Kind.TEXT),
        Field("last_name", "Last name", Kind.TEXT),
        Field("email", "E-mail", Kind.EMAIL),
        Field("organization", "Organization", Kind.TEXT),
        Field("phone", "Phone", Kind.PHONE),
        Field("birthday", "Birthday", Kind.DATE),
    ),
    users=(PipedriveUser("7", "Maja Lindqvist"),),
    pipelines=(
        Pipeline("1", "New business", 1, (Stage("11", "Lead in", "1", 1),)),
        Pipeline("2", "Partners", 2, (Stage("21", "First talk", "2", 1),)),
    ),
)


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> MemoryCrm:
    """What the connection's Pipedrive holds now; to begin with, what was read of it."""
    crm = MemoryCrm(PIPEDRIVE.fields)
    crm.users, crm.pipelines = list(PIPEDRIVE.users), list(PIPEDRIVE.pipelines)

    def ask(connection: Connection, use: Callable[[Crm], Coroutine[Any, Any, Any]]) -> Any:
        return run(use, crm)

    monkeypatch.setattr(actions, "ask_pipedrive", ask)
    return crm


@pytest.fixture
def ready(workspace: Workspace) -> Connection:
    """Paused, with everything that a launch needs."""
    leads = make_list(workspace, "Leads")
    settings = Settings(sync_to_list=str(leads.pk), owner_id="7")
    made = make_connection(workspace, status="paused", settings=settings, secret=b"sealed", launched_at=None)
    made.catalogue = catalogues_to_json(pipedrive=PIPEDRIVE)
    made.save()
    store_outreach_catalogue(made)
    return made


@pytest.fixture
def path(ready: Connection) -> str:
    return f"/connections/{ready.pk}"


def test_a_connection_is_launched_paused_and_resumed(alice: Caller, path: str) -> None:
    assert alice.ok("GET", f"{path}/problems")["data"] == []
    assert alice.ok("POST", f"{path}/launch")["status"] == "active"
    assert alice.ok("POST", f"{path}/pause")["status"] == "paused"
    assert alice.ok("POST", f"{path}/resume", {"apply_waiting": False})["status"] == "active"


def test_a_connection_tells_when_it_was_connected_last(alice: Caller, path: str, ready: Connection) -> None:
    Connection.objects.update(connected_at=datetime(2026, 5, 14, 11, 41, tzinfo=UTC))
    assert alice.ok("GET", path)["connected_at"] == "2026-05-14T11:41:00Z"


def test_what_is_missing_fails_the_launch_and_is_named(alice: Caller, path: str) -> None:
    alice.ok("PATCH", path, {"owner_id": None})

    found = alice.problem(409, "POST", f"{path}/launch")

    assert list(found["errors"]) == ["owner_id"]
    assert [item["place"] for item in alice.ok("GET", f"{path}/problems")["data"]] == ["owner_id"]
    assert alice.ok("GET", path)["status"] == "failed"


def test_a_launch_looks_whether_what_was_chosen_is_still_there(
    alice: Caller, path: str, there: MemoryCrm
) -> None:
    there.users.clear()

    found = alice.problem(409, "POST", f"{path}/launch")

    assert found["errors"] == {
        "owner_id": ["The chosen Pipedrive user no longer exists. Choose another one."]
    }
    assert alice.ok("GET", path)["status"] == "failed"
    there.users.append(PIPEDRIVE.users[0])
    assert alice.ok("POST", f"{path}/launch")["status"] == "active"


def test_a_launch_without_an_answer_from_pipedrive_starts_nothing_and_can_be_repeated(
    alice: Caller, path: str, there: MemoryCrm
) -> None:
    there.faults.fail("read_catalogue", RemoteUnavailable("Pipedrive did not answer.", sent=False))

    assert alice.problem(503, "POST", f"{path}/launch")["detail"] == "Pipedrive did not answer."

    seen = alice.ok("GET", path)
    assert (seen["status"], seen["launched_at"]) == ("paused", None)
    assert alice.ok("POST", f"{path}/launch")["status"] == "active"


def automation(*actions: dict[str, Any], enabled: bool = True) -> dict[str, Any]:
    return {"trigger": "email_sent", "enabled": enabled, "actions": list(actions)}


def test_an_automation_that_is_not_complete_is_saved_and_fails_the_launch_at_its_place(
    alice: Caller, path: str
) -> None:
    alice.ok("PATCH", path, {"automations": [automation({"kind": "create_deal"})]})

    found = alice.problem(409, "POST", f"{path}/launch")

    place = "automations.email_sent.create_deal.pipeline"
    assert found["errors"] == {place: ["Choose a pipeline."]}


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        ([automation({"kind": "add_activity", "subject": "Call"})] * 2, "automations.email_sent"),
        (
            [automation(*[{"kind": "move_deal_to_next_stage"}] * 2)],
            "automations.email_sent.move_deal_to_next_stage",
        ),
        (
            [automation(*[{"kind": "move_deal_to_next_stage"}] * 2, enabled=False)],
            "automations.email_sent.move_deal_to_next_stage",
        ),
        (
            [automation({"kind": "create_deal", "pipeline_id": "77"}, enabled=False)],
            "automations.email_sent.create_deal.pipeline",
        ),
        (
            [automation({"kind": "move_deal_to_stage", "pipeline_id": "1", "stage_id": "77"})],
            "automations.email_sent.move_deal_to_stage.stage",
        ),
        (
            [automation({"kind": "move_deal_to_stage", "pipeline_id": "1", "stage_id": "21"})],
            "automations.email_sent.move_deal_to_stage.stage",
        ),
    ],
)
def test_automations_that_can_not_be_are_refused_at_their_place(
    alice: Caller, path: str, sent: list[Any], place: str
) -> None:
    found = alice.problem(422, "PATCH", path, {"automations": sent})

    assert list(found["errors"]) == [place]
    assert alice.ok("GET", path)["automations"] == []


@pytest.mark.parametrize(
    "sent",
    [
        {"automations": [{"trigger": "rocket_sent", "actions": []}]},
        {"automations": [automation({"kind": "send_rocket"})]},
        {"automations": [automation({"kind": "add_activity", "stage_id": "11"})]},
        {"automations": [automation() | {"enabled": "yes"}]},
        {"automations": None},
        {"history_events": ["email_sent"]},
    ],
)
def test_what_no_automation_has_is_refused(alice: Caller, path: str, sent: dict[str, Any]) -> None:
    alice.problem(422, "PATCH", path, sent)


def test_a_launch_that_failed_says_so_with_an_idempotency_key_too(alice: Caller, path: str) -> None:
    alice.ok("PATCH", path, {"owner_id": None})

    alice.problem(409, "POST", f"{path}/launch", None, {"Idempotency-Key": "launch"})

    assert (alice.ok("GET", path)["status"], alice.ok("GET", path)["reason"]) == ("failed", "incomplete")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"mappings": [*SYSTEM, {"outreach": "phone", "pipedrive": "birthday"}]}, "mappings.4"),
        ({"mappings": [*SYSTEM, SYSTEM[0]]}, "mappings.4"),
        ({"mappings": SYSTEM[1:]}, "mappings"),
        ({"constants": [{"side": "pipedrive", "field": "birthday", "value": "soon"}]}, "constants.0"),
        ({"constants": [{"side": "pipedrive", "field": "phone", "value": "+46 8 555 0148"}]}, "constants.0"),
        ({"constants": [{"side": "pipedrive", "field": "email", "value": "a@b.example"}]}, "constants.0"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_their_place(
    alice: Caller, path: str, change: Any, place: str
) -> None:
    before = alice.ok("GET", path)

    assert place in alice.problem(422, "PATCH", path, change)["errors"]
    assert alice.ok("GET", path) == before


def test_of_two_editors_the_second_is_told(alice: Caller, path: str) -> None:
    seen = alice.ok("GET", path)["version"]
    alice.ok("PATCH", path, {"only_with_email": False, "version": seen})

    found = alice.problem(409, "PATCH", path, {"source_app": "outreach", "version": seen})

    assert found["type"] == "urn:tidegate:problem:conflict"
    assert alice.ok("GET", path)["source_app"] == "pipedrive"


def test_one_transfer_runs_at_a_time(alice: Caller, path: str, workspace: Workspace) -> None:
    make_prospect(workspace)
    key = {"Idempotency-Key": "once"}

    made = alice.ok("POST", f"{path}/transfers", {"direction": "to_pipedrive"}, status=201, headers=key)
    alice.problem(409, "POST", f"{path}/transfers", {"direction": "to_pipedrive"})
    again = alice.ok("POST", f"{path}/transfers", {"direction": "to_pipedrive"}, status=201, headers=key)

    assert again == made
    assert made["total"] == 1
    assert alice.ok("GET", path)["status"] == "syncing"
    transfer = f"/transfers/{made['id']}"
    assert alice.ok("POST", f"{transfer}/pause")["state"] == "paused"
    alice.problem(409, "POST", f"{transfer}/pause")
    assert alice.ok("POST", f"{transfer}/continue")["state"] == "running"
    assert alice.ok("POST", f"{transfer}/cancel")["state"] == "cancelled"
    assert alice.ok("GET", path)["status"] == "paused"


@pytest.mark.parametrize(("filter_id", "total"), [(None, 2), ("21", None)])
def test_nobody_knows_beforehand_how_many_a_filter_holds(
    alice: Caller, path: str, ready: Connection, filter_id: str | None, total: int | None
) -> None:
    shown = replace(PIPEDRIVE, filters=(PersonFilter("21", "Marketing allowed"),))
    ready.catalogue |= catalogues_to_json(pipedrive=shown)
    ready.save()
    for person_id in (1, 2):
        make_person(ready.lane, person_id)
    alice.ok("PATCH", path, {"filter_id": filter_id})

    made = alice.ok("POST", f"{path}/transfers", {"direction": "from_pipedrive"}, status=201)

    assert made["total"] == total


def test_a_case_is_retried_and_settled_once(alice: Caller, ready: Connection) -> None:
    case = make_attention(ready, "ambiguous", prospect_id="11")

    alice.ok("POST", f"/attention/{case.pk}/retry")
    assert Change.objects.filter(connection=ready, record_id="11", action="check").exists()

    settled = alice.ok("POST", f"/attention/{case.pk}/resolve", {"person_id": "21"})
    assert settled["settled_by"] == "API key “test”"
    assert ready.links.get().person_id == "21"
    alice.problem(409, "POST", f"/attention/{case.pk}/resolve")


def test_none_of_them_is_an_answer(alice: Caller, ready: Connection) -> None:
    facts = {"candidates": ["21", "22"], "candidates_side": "pipedrive"}
    case = make_attention(ready, "ambiguous", prospect_id="11", facts=facts)
    other = make_attention(ready, "invalid", prospect_id="12")

    settled = alice.ok("POST", f"/attention/{case.pk}/resolve", {"none_of_them": True})

    assert settled["settled_by"] == "API key “test”"
    assert set(ready.kept_apart.values_list("prospect_id", "person_id")) == {("11", "21"), ("11", "22")}
    assert Change.objects.filter(connection=ready, record_id="11", action="check").exists()
    alice.problem(422, "POST", f"/attention/{other.pk}/resolve", {"none_of_them": True})


def test_of_two_prospects_whose_persons_became_one_the_chosen_one_gets_the_person(
    alice: Caller, ready: Connection
) -> None:
    make_link(ready, "11", "21", state="person_gone")
    make_link(ready, "12", "22")
    facts = {"candidates": ["12", "11"], "candidates_side": "outreach", "survivor": "22"}
    case = make_attention(ready, "merged", prospect_id="11", person_id="21", facts=facts)

    alice.ok("POST", f"/attention/{case.pk}/resolve", {"prospect_id": "11"})

    links = set(ready.links.values_list("prospect_id", "person_id", "state"))
    assert links == {("11", "22", "chosen"), ("12", "21", "person_gone")}


def test_the_log_of_a_merged_person_is_found_under_its_old_id(
    alice: Caller, ready: Connection, path: str
) -> None:
    make_log_entry(ready, person_id="22")
    PersonAlias.objects.create(lane=ready.lane, person_id="21", survivor_id="22")

    assert len(alice.ok("GET", f"{path}/log?person_id=21")["data"]) == 1
    assert alice.ok("GET", f"{path}/log?person_id=20")["data"] == []


def test_health_and_catalogue_are_read_without_asking_pipedrive(alice: Caller, path: str) -> None:
    assert alice.ok("GET", f"{path}/health")["status"] == "paused"
    assert "birthday" in [
        field["key"] for field in alice.ok("GET", f"{path}/catalogue")["pipedrive"]["fields"]
    ]
    assert [found["name"] for found in alice.ok("GET", f"{path}/catalogue")["outreach"]["lists"]] == ["Leads"]


def test_an_undo_is_previewed_and_its_many_records_are_confirmed_by_their_number(
    alice: Caller, ready: Connection
) -> None:
    done = make_transfer(ready, state="done", created=1)
    make_transfer_record(done, source_id="11", target_id="21")
    path = f"/transfers/{done.pk}"

    undo = alice.ok("POST", f"{path}/undo", {"delete_created": True}, status=201)
    assert (undo["state"], undo["undoes"], undo["total"]) == ("preview", str(done.pk), 1)
    Transfer.objects.filter(pk=undo["id"]).update(
        state="ready", deleted=101, planned={"persons_deleted": 101}
    )

    start = f"/transfers/{undo['id']}/start"
    assert "Type 101" in alice.problem(422, "POST", start)["errors"]["confirm"][0]
    assert "confirm" in alice.problem(422, "POST", start, {"confirm": 100})["errors"]
    assert alice.ok("GET", f"/transfers/{undo['id']}/estimate")["persons_deleted"] == 101
    assert alice.ok("POST", start, {"confirm": 101})["state"] == "running"
    assert alice.ok("GET", f"/connections/{ready.pk}")["status"] == "syncing"


@pytest.mark.parametrize(("touched", "asks"), [(100, False), (101, True)])
def test_from_a_hundred_and_one_records_on_their_number_is_asked_for(
    alice: Caller, ready: Connection, touched: int, asks: bool
) -> None:
    done = make_transfer(ready, state="done", created=touched)
    undo = alice.ok("POST", f"/transfers/{done.pk}/undo", {"delete_created": True}, status=201)
    figures = {"restored": 30, "unlinked": 20, "deleted": touched - 50, "kept": 9}
    Transfer.objects.filter(pk=undo["id"]).update(state="ready", **figures)

    answer = alice.call("POST", f"/transfers/{undo['id']}/start")

    assert answer.status_code == (422 if asks else 200)


@pytest.mark.parametrize(("days", "possible"), [(89, True), (91, False)])
def test_for_how_long_a_transfer_can_be_undone_is_the_servers_setting(
    alice: Caller,
    ready: Connection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    days: int,
    possible: bool,
) -> None:
    environment = {"TIDEGATE_HOME": str(tmp_path), "TIDEGATE_UNDO_DAYS": "90"}
    monkeypatch.setattr(transfers, "config", read_config(environment))
    done = make_transfer(ready, state="done", finished_at=timezone.now() - timedelta(days=days))

    answer = alice.call("POST", f"/transfers/{done.pk}/undo")

    assert answer.status_code == (201 if possible else 409)
    assert possible or "can be undone for 90 days" in answer.json()["detail"]


def test_what_can_not_be_undone_is_refused_with_the_reason(alice: Caller, ready: Connection) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    old = make_transfer(ready, state="done", finished_at=long_ago)
    done = make_transfer(ready, state="done")
    undo = make_transfer(ready, state="done", undoes=done)
    running = make_transfer(ready, state="paused")

    assert "30 days" in alice.problem(409, "POST", f"/transfers/{old.pk}/undo")["detail"]
    assert "can’t be undone" in alice.problem(409, "POST", f"/transfers/{undo.pk}/undo")["detail"]
    assert "ended" in alice.problem(409, "POST", f"/transfers/{running.pk}/undo")["detail"]
    assert (
        "records" in alice.problem(422, "POST", f"/transfers/{done.pk}/undo", {"records": ["99"]})["errors"]
    )
    assert alice.ok("GET", f"/transfers/{done.pk}")["undo_possible_until"] is not None
    assert alice.ok("GET", f"/transfers/{undo.pk}")["undo_possible_until"] is None


def test_what_failed_is_retried_alone(alice: Caller, ready: Connection) -> None:
    done = make_transfer(ready, state="done", created=1, failed=2)
    make_transfer_record(done, source_id="1")
    make_transfer_record(done, source_id="2", outcome="failed")
    make_transfer_record(done, source_id="3", outcome="attention")
    path = f"/transfers/{done.pk}"

    alice.problem(409, "POST", f"{path}/retry", {"records": ["1"]})
    answer = alice.ok("POST", f"{path}/retry", {"records": ["2"]})

    assert (answer["state"], answer["failed"], answer["created"]) == ("running", 1, 1)
    waiting = alice.ok("GET", f"{path}/records?outcome=waiting")["data"]
    assert [row["source_id"] for row in waiting] == ["2"]
    alice.problem(409, "POST", f"{path}/retry")


def test_only_chosen_records_of_a_preview_are_run(
    alice: Caller, ready: Connection, workspace: Workspace
) -> None:
    preview = make_transfer(ready, state="ready", total=3, settings_version=ready.settings_version)
    for number in ("1", "2", "3"):
        make_transfer_record(preview, source_id=number)
    start = f"/transfers/{preview.pk}/start"

    assert "not in the preview" in alice.problem(409, "POST", start, {"records": ["2", "9"]})["detail"]
    answer = alice.ok("POST", start, {"records": ["2"]})

    assert (answer["state"], answer["total"], answer["done"]) == ("running", 1, 0)
    assert [row["source_id"] for row in alice.ok("GET", f"/transfers/{preview.pk}/records")["data"]] == ["2"]
    alice.ok("POST", f"/transfers/{preview.pk}/cancel")
    body = {"direction": "to_pipedrive", "records": ["1", "3"]}
    begun = alice.ok("POST", f"/connections/{ready.pk}/transfers", body, status=201)
    assert begun["total"] == 2
