"""From a personal token to a launched connection and back, over the API alone, against the Pipedrive sandbox."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.builders import make_list
from tests.integration.api.conftest import Caller
from tidegate.config import config
from tidegate.store.models import Connection, Workspace
from tidegate.wiring import connecting

SOURCE = Path(__file__).parents[3] / "src"


@dataclass
class Sandbox:
    address: str
    token: str


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    command = [
        sys.executable,
        "-m",
        "pipedrive_sandbox",
        "--port",
        "0",
        "--persons",
        "5",
        "--organizations",
        "2",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        said = ""
        while not (found := re.search(r"on (http://\S+).*API token of \S+: (\w+)", said, flags=re.DOTALL)):
            line = process.stdout.readline()
            assert line, f"the sandbox ended: {said}"
            said += line
        yield Sandbox(found[1], found[2])
        process.terminate()


@pytest.fixture(autouse=True)
def ask_the_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "config", replace(config, pipedrive_api_url=sandbox.address))


def test_from_a_token_to_active_and_back(alice: Caller, sandbox: Sandbox, workspace: Workspace) -> None:
    leads = make_list(workspace, "Leads")
    new = {"company_domain": "northlight", "api_token": sandbox.token}

    made = alice.ok("POST", "/connections", new, status=201, headers={"Idempotency-Key": "connect"})
    again = alice.ok("POST", "/connections", new, status=201, headers={"Idempotency-Key": "connect"})
    assert again == made
    assert (made["status"], made["reason"], made["company_name"]) == ("paused", "new", "Northlight Studio")
    assert alice.ok("POST", "/connections", new)["id"] == made["id"]  # it only gets the token anew

    path = f"/connections/{made['id']}"
    owner = next(user for user in alice.ok("POST", f"{path}/refresh")["pipedrive"]["users"] if user["is_me"])
    assert made["owner_id"] == owner["id"]
    assert list(alice.problem(409, "POST", f"{path}/launch")["errors"]) == ["sync_to_list"]
    alice.ok("PATCH", path, {"sync_to_list": str(leads.pk)})
    assert alice.ok("POST", f"{path}/launch")["status"] == "active"

    alice.ok("DELETE", path, status=204)
    alice.problem(404, "GET", path)
    assert Connection.objects.get().secret is None

    revived = alice.ok("POST", "/connections", new, status=201)
    assert (revived["id"], revived["sync_to_list"]) == (made["id"], str(leads.pk))


def test_a_token_that_pipedrive_refuses_is_at_fault(alice: Caller) -> None:
    found = alice.problem(422, "POST", "/connections", {"company_domain": "northlight", "api_token": "wrong"})

    assert list(found["errors"]) == ["api_token"]
    assert alice.ok("GET", "/connections")["data"] == []


def test_a_pipedrive_that_does_not_answer_passes_by_itself(
    alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "config", replace(config, pipedrive_api_url="http://127.0.0.1:9"))

    answer = alice.call("POST", "/connections", {"company_domain": "northlight", "api_token": "any"})

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
