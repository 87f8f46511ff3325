"""docs/sandbox.md keeps up with the code."""

from pathlib import Path

import pytest

from pipedrive_sandbox.actions import ACTIONS
from pipedrive_sandbox.control import Control
from pipedrive_sandbox.faults import KINDS
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.switches import ON_REQUEST, SWITCHES

TEXT = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text("utf-8")


def as_written(value):
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_is_listed_with_its_default_and_meaning(name):
    switch = SWITCHES[name]

    choices = ", ".join(as_written(choice) for choice in switch.choices) or "a number"
    row = (f"`{name}`", as_written(switch.default), choices, switch.rests_on, switch.about)
    assert f"| {' | '.join(row)} |" in TEXT


@pytest.mark.parametrize("basis", sorted({switch.rests_on for switch in SWITCHES.values()}))
def test_what_a_default_can_rest_on_is_explained(basis):
    assert f"*{basis}* (" in TEXT


def test_what_is_made_on_request_is_off_until_asked_for():
    assert {switch.default for switch in SWITCHES.values() if switch.rests_on == ON_REQUEST} <= {False}


def test_every_control_call_is_listed():
    sandbox = Sandbox()
    names = {name for _, name in Control(sandbox).calls}
    sandbox.state.database.close()

    for name in names:
        path = name.removeprefix("actions/") if name.startswith("actions/") else f"/_sandbox/{name}"
        assert path in TEXT, name


@pytest.mark.parametrize("name", [*ACTIONS, *KINDS])
def test_every_action_and_fault_is_listed(name):
    assert f"`{name}`" in TEXT
