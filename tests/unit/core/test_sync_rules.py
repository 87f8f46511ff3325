"""docs/sync-rules.md says what the tests show, row by row."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)
CITED = re.compile(r"\)(?: -> None)?:  # ((?:[A-Z]\d+(?:, )?)+)$", re.MULTILINE)


def rows() -> list[str]:
    return ROW.findall((ROOT / "docs/sync-rules.md").read_text())


def cited() -> set[str]:
    folders = ("unit/core", "property", "integration/engine")
    tests = [test for folder in folders for test in (ROOT / "tests" / folder).glob("test_*.py")]
    return {row for test in tests for found in CITED.findall(test.read_text()) for row in found.split(", ")}


def test_every_rule_is_shown_by_a_test():
    assert set(rows()) - cited() == set()


def test_every_rule_that_a_test_names_is_written_down():
    assert cited() - set(rows()) == set()


def test_every_rule_has_an_id_of_its_own():
    assert len(rows()) == len(set(rows())) > 40
