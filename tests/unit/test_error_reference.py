"""docs/reference/errors.md tells the truth about every error: that it exists, and what the API answers."""

import inspect
import re
from pathlib import Path

from tidegate import errors
from tidegate.api.problems import name_of, status_of
from tidegate.store.idempotency import StillRunning

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/reference/errors.md").read_text()
ROWS = {
    name: [cell.strip() for cell in rest.split("|")]
    for name, rest in re.findall(r"^\| `([^`]+)` \|(.*)\|$", TEXT, flags=re.MULTILINE)
}
TREE = {
    name: found
    for name, found in [*vars(errors).items(), ("StillRunning", StillRunning)]
    if inspect.isclass(found)
    and issubclass(found, errors.TidegateError)
    and found is not errors.TidegateError
}


def test_every_error_is_listed_with_the_status_the_api_answers() -> None:
    listed = {name: cells[0] for name, cells in ROWS.items() if name in TREE}

    assert listed == {name: str(status_of(found)) for name, found in TREE.items()}


def test_nothing_is_listed_that_does_not_exist() -> None:
    ours = {name for name in ROWS if name[0].isupper()}

    assert ours == {*TREE, "ConfigurationError"}


def test_every_problem_the_api_states_by_itself_is_listed() -> None:
    code = "".join(path.read_text() for path in (ROOT / "src/tidegate/api").rglob("*.py"))
    stated = set(re.findall(r"(?:problem|ProblemError)\(\s*\d{3}, \"([a-z-]+)\"", code))

    names_of_errors = {name_of(found) for found in TREE.values()}
    assert stated - names_of_errors == {name for name in ROWS if name[0].islower()} - names_of_errors
    assert "scope-missing" in stated


def test_every_row_says_what_happened_and_what_is_next() -> None:
    for name, cells in ROWS.items():
        assert all(cells), name
