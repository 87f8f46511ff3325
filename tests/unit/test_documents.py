"""The documents tell the truth: what they name is there, and what is there is named."""

import re
from functools import cache
from pathlib import Path

import pytest

from tidegate import __version__
from tidegate.cli.main import HELP, MANAGED, SUPERVISED

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src"
ADRS = ROOT / "docs" / "adr"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
BASES = (ROOT, SOURCES, SOURCES / "tidegate", SOURCES / "pipedrive_sandbox")
"""Whence a path in a document may be meant: `src/tidegate/core/merge.py` and `core/merge.py` are the same file."""


def text(name: str) -> str:
    return (ROOT / name).read_text()


@cache
def all_code() -> dict[Path, str]:
    kinds = ("*.py", "*.html", "*.js", "*.toml")
    found = [path for kind in kinds for path in SOURCES.rglob(kind)]
    return {path: path.read_text() for path in found}


def first_cells(name: str) -> set[str]:
    """What stands in backticks in the first column of the tables of a document."""
    rows = re.findall(r"^\| (.+?) \|", text(name), flags=re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


# --- Settings and commands


def test_every_setting_is_listed_and_no_other() -> None:
    read = set(re.findall(r'read\.\w+\(\s*"([A-Z_]+)"', text("src/tidegate/config.py")))

    assert {"DATABASE_URL", "TIDEGATE_HOME", "SANDBOX_PORT"} < read
    assert first_cells("docs/reference/settings.md") == read


def test_every_setting_has_a_meaning_and_a_default() -> None:
    rows = re.findall(r"^\| `[A-Z_]+` \|(.+)\|$", text("docs/reference/settings.md"), flags=re.MULTILINE)

    assert rows
    for row in rows:
        meaning, default, _example = (cell.strip() for cell in row.split("|"))
        assert meaning and default, row


def test_every_command_is_listed_and_no_other() -> None:
    folder = SOURCES / "tidegate" / "cli" / "management" / "commands"
    managed = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    listed = {
        cell.split()[1] for cell in first_cells("docs/reference/commands.md") if cell.startswith("tidegate ")
    }

    assert managed <= set(MANAGED)
    assert listed == {*MANAGED, *SUPERVISED, "manage", "version"}


def test_the_short_help_names_only_what_is_listed() -> None:
    named = set(re.findall(r"^  (\w+) {2,}\S", HELP, flags=re.MULTILINE))

    assert "up" in named
    assert named <= {*MANAGED, *SUPERVISED}


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^|&& )make ([a-z-]+)", text(name), flags=re.MULTILINE))

    assert named <= targets


def test_the_readme_shows_the_two_commands() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", text("README.md"), flags=re.DOTALL)

    assert [block.strip() for block in blocks[:2]] == ["make demo", "make test"]


# --- Words


def glossary() -> list[str]:
    rows = re.findall(r"^\| ([^|]+?) \|", text("docs/glossary.md"), flags=re.MULTILINE)
    cells = [row for row in rows if row != "word" and set(row) != {"-"}]
    return [word.strip() for cell in cells for word in cell.split(",")]


def test_no_word_is_explained_twice() -> None:
    words = glossary()

    assert len(words) == len(set(words))


@pytest.mark.parametrize("word", glossary())
def test_every_word_of_the_glossary_is_used(word: str) -> None:
    # Words apart in a text may be joined in a name: field mapping, FieldMapping, field_mapping.
    pattern = re.compile(r"[\s_-]*".join(map(re.escape, word.split())), flags=re.IGNORECASE)

    assert any(pattern.search(code) for code in all_code().values())


# --- Versions


def test_the_change_log_begins_with_this_version() -> None:
    first = re.search(r"^## (\S+)", text("CHANGELOG.md"), flags=re.MULTILINE)

    assert first is not None
    assert first[1] == __version__


def test_every_line_of_the_change_log_names_its_part() -> None:
    lines = re.findall(r"^- (.*)", text("CHANGELOG.md"), flags=re.MULTILINE)
    parts = re.search(r"the part first in bold: ([^.]+)\.", text("CONTRIBUTING.md"), flags=re.DOTALL)

    assert lines and parts is not None
    known = {part.strip() for part in parts[1].split(",")}
    for line in lines:
        part = re.match(r"\*\*(\w+):\*\* ", line)
        assert part is not None and part[1] in known, line


# --- Decisions


def adr_numbers() -> list[int]:
    return [int(path.name[:4]) for path in sorted(ADRS.glob("*.md"))]


def test_decisions_are_numbered_without_gaps_or_doubles() -> None:
    assert adr_numbers() == list(range(1, len(adr_numbers()) + 1))


@pytest.mark.parametrize("path", sorted(ADRS.glob("*.md")), ids=lambda path: path.stem)
def test_every_decision_has_its_parts_in_order(path: Path) -> None:
    assert re.fullmatch(r"\d{4}(-[a-z0-9]+)+\.md", path.name)
    pattern = (
        rf"# {int(path.name[:4])}\. .+\n\nDate: \d{{4}}-\d\d-\d\d\n\nStatus: (accepted(?:; supersedes .+)?|superseded by .+)\n\n"
        r"## Context\n.+\n## Decision\n.+\n## Consequences\n.+"
    )

    assert re.fullmatch(pattern, path.read_text(), flags=re.DOTALL)


def test_references_to_decisions_lead_somewhere() -> None:
    texts = {**all_code(), **{path: path.read_text() for path in DOCUMENTS}}
    wrong = [
        f"{path.relative_to(ROOT)}: {number}"
        for path, content in texts.items()
        for number in re.findall(r"\bADR (\d+)|docs/adr/(\d{4})", content)
        if int("".join(number)) not in adr_numbers()
    ]

    assert not wrong


# --- Lessons


def lessons() -> list[list[str]]:
    rows = re.findall(r"^\| (\d+ \|.+) \|$", text("docs/lessons.md"), flags=re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows]


def test_each_of_the_forty_lessons_has_its_story_its_rule_and_its_tests() -> None:
    assert [int(number) for number, *_ in lessons()] == list(range(1, 41))
    for _, story, rule, shown_by in lessons():
        assert story and rule
        for name in re.findall(r"`([^`]+)`", shown_by) or [""]:
            path, function = name.split("::")
            assert path and re.search(rf"^ *(async )?def {function}\(", text(path), flags=re.MULTILINE), name


def test_every_lesson_that_is_played_tells_its_story() -> None:
    told = re.findall(
        r'^def (test_\w+)\([^\n]*\n    """', text("tests/integration/engine/test_lessons.py"), re.MULTILINE
    )
    every = re.findall(r"^def (test_\w+)\(", text("tests/integration/engine/test_lessons.py"), re.MULTILINE)

    assert told == every


def test_the_rules_that_a_lesson_names_are_written_down() -> None:
    named = {rule for _, _, rule, _ in lessons() for rule in re.findall(r"\b([A-Z]{1,2}\d+)\b", rule)}
    rows = set(re.findall(r"^\| ([A-Z]{1,2}\d+) \|", text("docs/sync-rules.md"), flags=re.MULTILINE))

    assert len(named) > 10
    assert named <= rows


# --- Links and paths


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    here = ROOT / name
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"\s*\n\s*", " ", here.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        path = (here.parent / file).resolve() if file else here
        if not path.exists() or (anchor and anchor not in anchors(path)):
            wrong.append(target)

    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_path_that_a_document_names_is_there(name: str) -> None:
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text(name), flags=re.DOTALL))
    wrong = [span for span in spans if _is_path(span) and not any((base / span).exists() for base in BASES)]

    assert not wrong


def _is_path(span: str) -> bool:
    """A file or folder of the repository, not an address, a pattern or something on a server."""
    if not re.fullmatch(r"\.?\w[\w./-]*", span) or "NNNN" in span:
        return False
    first, _, rest = span.partition("/")
    if rest:
        return any((base / first).is_dir() for base in BASES) or span.startswith(".ci/")
    return bool(re.search(r"\.(md|py|toml|txt|yaml)$", span)) or first in ("Makefile", "Dockerfile")


def test_every_document_that_the_code_names_is_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), found)
        for path, content in all_code().items()
        for found in re.findall(r"\bdocs/[\w/-]+\.md", content)
    }

    assert not [each for each in named if not (ROOT / each[1]).exists()]


def test_the_picture_is_small_enough_to_be_loaded_by_everybody() -> None:
    assert (ROOT / "docs" / "images" / "overview.png").stat().st_size < 300_000
