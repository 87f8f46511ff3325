"""Fields and options made over the API, on the prospect store and on the Pipedrive sandbox."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.api import test_with_pipedrive as pipedrive
from tests.integration.api.conftest import Caller
from tests.integration.api.test_with_pipedrive import Sandbox
from tidegate.adapters.pipedrive.api import Pipedrive
from tidegate.config import config
from tidegate.core.values import Kind
from tidegate.errors import RemoteUnavailable
from tidegate.prospects.models import CustomField
from tidegate.wiring import connecting

sandbox = pipedrive.sandbox
pytestmark = pytest.mark.django_db


@pytest.fixture
def path(alice: Caller, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(connecting, "config", replace(config, pipedrive_api_url=sandbox.address))
    new = {"company_domain": "northlight", "api_token": sandbox.token}
    yield f"/connections/{alice.ok('POST', '/connections', new, status=201)['id']}"


def field(alice: Caller, path: str, side: str, key: str) -> Any:
    fields = alice.ok("GET", f"{path}/catalogue")[side]["fields"]
    return next((found for found in fields if found["key"] == key), None)


def test_a_pipedrive_field_is_made_mapped_and_there_after_a_refresh(alice: Caller, path: str) -> None:
    new = {"side": "pipedrive", "name": "Home page", "kind": "link"}
    made = alice.ok("POST", f"{path}/catalogue/fields", new, status=201)
    assert (made["name"], made["kind"], made["custom"], made["writable"]) == ("Home page", "text", True, True)
    assert field(alice, path, "pipedrive", made["key"]) == made
    alice.ok("POST", f"{path}/refresh")
    assert field(alice, path, "pipedrive", made["key"]) == made

    alice.ok("POST", f"{path}/catalogue/fields", new | {"side": "outreach"}, status=201)
    mappings = alice.ok("GET", path)["mappings"]
    mappings.append({"outreach": "custom.home_page", "pipedrive": made["key"]})
    assert alice.ok("PATCH", path, {"mappings": mappings})["mappings"] == mappings


def test_options_are_added_to_both_sides_and_known_ones_are_left(alice: Caller, path: str) -> None:
    for side in ("pipedrive", "outreach"):
        new = {"side": side, "name": "Colour", "kind": "option", "options": ["Red", "Blue"]}
        key = alice.ok("POST", f"{path}/catalogue/fields", new, status=201)["key"]
        more = {"side": side, "key": key, "labels": ["blue ", "Green"]}
        for _ in range(2):
            changed = alice.ok("POST", f"{path}/catalogue/options", more)
            assert [option["label"] for option in changed["options"]] == ["Red", "Blue", "Green"]
        alice.ok("POST", f"{path}/refresh")
        assert field(alice, path, side, key) == changed


@pytest.mark.parametrize(
    ("new", "place"),
    [
        ({"side": "pipedrive", "name": " ", "kind": "text"}, "name"),
        ({"side": "pipedrive", "name": "Born at", "kind": "datetime"}, "name"),
        ({"side": "outreach", "name": "Owner", "kind": "user"}, "kind"),
        ({"side": "pipedrive", "name": "Shade", "kind": "option"}, "options"),
        ({"side": "outreach", "name": "x" * 101, "kind": "text"}, "name"),
        ({"side": "pipedrive", "name": "Shade", "kind": "option", "options": ["x" * 256]}, "name"),
        ({"side": "nowhere", "name": "Colour", "kind": "text"}, "side"),
    ],
)
def test_a_field_that_can_not_be_is_refused_at_its_place(
    alice: Caller, path: str, new: dict[str, Any], place: str
) -> None:
    assert place in alice.problem(422, "POST", f"{path}/catalogue/fields", new)["errors"]


def test_a_field_is_not_made_twice(alice: Caller, path: str) -> None:
    for side in ("pipedrive", "outreach"):
        new = {"side": side, "name": "Shoe size", "kind": "number"}
        alice.ok("POST", f"{path}/catalogue/fields", new, status=201)
        assert "already" in alice.problem(409, "POST", f"{path}/catalogue/fields", new)["detail"]


def test_options_of_a_field_that_takes_none_or_is_gone_are_refused(alice: Caller, path: str) -> None:
    for side, key in (("pipedrive", "phone"), ("outreach", "first_name")):
        more = {"side": side, "key": key, "labels": ["Green"]}
        assert "key" in alice.problem(422, "POST", f"{path}/catalogue/options", more)["errors"]
        alice.problem(404, "POST", f"{path}/catalogue/options", more | {"key": "gone"})


def test_where_pipedrives_answer_is_lost_its_fields_tell_whether_it_made_the_field(
    alice: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Pipedrive.create_field

    async def make_and_lose_the_answer(self: Pipedrive, name: str, kind: Kind, options: Any = ()) -> Any:
        await make(self, name, kind, options)
        raise RemoteUnavailable("The answer was lost.", sent=True)

    monkeypatch.setattr(Pipedrive, "create_field", make_and_lose_the_answer)
    new = {"side": "pipedrive", "name": "Hat size", "kind": "number"}
    made = alice.ok("POST", f"{path}/catalogue/fields", new, status=201)
    monkeypatch.undo()
    alice.ok("POST", f"{path}/refresh")
    fields = alice.ok("GET", f"{path}/catalogue")["pipedrive"]["fields"]
    assert [found["key"] for found in fields if found["name"] == "Hat size"] == [made["key"]]
    assert not CustomField.objects.filter(name="Hat size").exists()
