"""One list of permissions: what the pages name, what the guide switches on, and what the demo's app asks for."""

import re
from pathlib import Path

from tidegate.cli.demo import SCOPES as OF_THE_DEMO
from tidegate.web.integrations.permissions import SCOPES as OF_THE_PAGES

GUIDE = Path(__file__).parents[2] / "docs/howto/register-the-pipedrive-app.md"
OF_ALL = {"base", *(scope for scope, _name, _use in OF_THE_PAGES)}


def test_the_demo_asks_for_the_permissions_that_the_pages_name() -> None:
    assert set(OF_THE_DEMO) == OF_ALL


def test_the_guide_switches_on_the_permissions_that_the_pages_name() -> None:
    rows = [line for line in GUIDE.read_text().splitlines() if line.strip().startswith("|")]
    assert set(re.findall(r"\(`([a-z:-]+)`", "\n".join(rows))) == OF_ALL
