"""docs/reference/api.md names every address that is served, with its methods' scopes, and no other."""

import re
from pathlib import Path

from tests.integration.api.test_scopes import served
from tidegate.api.auth import Scope
from tidegate.api.openapi import REFUSALS

TEXT = (Path(__file__).parents[3] / "docs/reference/api.md").read_text()


def test_every_address_is_listed_and_no_other() -> None:
    section = TEXT.partition("## Addresses")[2]
    listed = set(re.findall(r"`(/[^`]*)`", section))

    assert listed == {re.sub(r"{[^}]*}", "{id}", path) for _, path, _ in served()}


def test_every_method_is_listed_with_its_address() -> None:
    section = TEXT.partition("## Addresses")[2]
    rows = {
        address: calls
        for addresses, calls in re.findall(r"^\| (`/.*?) \| (.*) \|$", section, flags=re.MULTILINE)
        for address in re.findall(r"`(/[^`]*)`", addresses)
    }

    for method, path, _ in served():
        calls = rows[re.sub(r"{[^}]*}", "{id}", path)]
        assert method in re.findall(r"[A-Z]{3,}", calls), f"{method} {path}"


def test_every_scope_is_listed() -> None:
    assert re.findall(r"^\| `([a-z:]+)` \|", TEXT, flags=re.MULTILINE) == list(Scope)


def test_every_status_is_listed() -> None:
    listed = {
        int(found) for row in re.findall(r"^\| ([\d, ]+) \|", TEXT, re.MULTILINE) for found in row.split(",")
    }

    assert listed == {*REFUSALS, 405, 413, 500}
