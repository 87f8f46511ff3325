"""A CSV file into the prospect store, through the same import that the pages use."""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

from tidegate.errors import Invalid
from tidegate.prospects.exporting import csv_line
from tidegate.prospects.importing.columns import (
    CUSTOM,
    LINE,
    NEW,
    PROBLEM,
    SKIP,
    SYSTEM_TARGETS,
    Column,
    describe_columns,
    looks_like_header,
)
from tidegate.prospects.importing.files import Shape, look_at, read_rows
from tidegate.prospects.importing.running import TWICE, Importer, Plan, RowReport, in_batches
from tidegate.prospects.models import FieldType
from tidegate.prospects.queries import read_fields
from tidegate.prospects.services import Author, Policy, get_or_create_lists
from tidegate.store.models import Workspace

LOOKED_AT = 5_000
"""Rows that tell what a column holds."""
SHOWN = 20
"""So many faulty rows are shown; `--errors` writes all of them."""


@dataclass(frozen=True)
class Wishes:
    """What the operator wants otherwise than the import would do by itself."""

    lists: Sequence[str] = ()
    policy: Policy = Policy.OVERWRITE
    mapping: Sequence[str] = ()
    """`COLUMN=TARGET` each."""
    known_only: bool = False
    encoding: str = ""
    delimiter: str = ""
    dry: bool = False


@dataclass
class Summary:
    """What became of a file's rows."""

    counts: Counter[str] = field(default_factory=Counter)
    columns: list[str] = field(default_factory=list)
    """Where each column went, a line each."""
    told: list[RowReport] = field(default_factory=list)
    """The first rows that were rejected, or from which something was left out, with the reason."""
    faulty: int = 0
    """How many there were of them."""

    def add(self, report: RowReport) -> None:
        self.counts[str(report.outcome)] += 1
        if report.reason:
            self.faulty += 1
            if len(self.told) < SHOWN:
                self.told.append(report)


def import_file(
    path: Path,
    workspace: Workspace,
    *,
    actor: str,
    wishes: Wishes | None = None,
    errors: TextIO | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Import every row that can be imported; faulty ones go to `errors`. Raises Invalid where the file can't be read."""
    wishes = wishes or Wishes()
    author = Author(workspace.pk, actor, "import")
    summary = Summary()
    with path.open("rb") as file:
        shape = look_at(file, encoding=wishes.encoding, delimiter=wishes.delimiter)
        header, columns = _columns(author, file, shape)
        plan = _plan(author, columns, wishes)
        summary.columns = _in_words(columns, plan)
        importer = Importer(author, header, plan, dry=wishes.dry)
        if errors is not None:
            errors.write(csv_line([*header, LINE, PROBLEM]))
        rows = read_rows(file, shape)
        next(rows)
        for batch in in_batches(rows):
            for report in importer.take(batch):
                summary.add(report)
                if errors is not None and report.reason:
                    csv.writer(errors).writerow([*report.row.printable, report.row.line, report.reason])
            progress(len(batch))
    return summary


def _columns(author: Author, file: BinaryIO, shape: Shape) -> tuple[tuple[str, ...], list[Column]]:
    rows = read_rows(file, shape)
    header = next(rows).cells
    if not looks_like_header(header):
        raise Invalid(
            "The first line does not name the columns. Put a line like “Email,First name,Company” first."
        )
    sample = [row.cells for row in islice(rows, LOOKED_AT)]
    rows.close()
    return header, describe_columns(header, sample, read_fields(author.workspace_id))


def _plan(author: Author, columns: Sequence[Column], wishes: Wishes) -> Plan:
    """The columns' own targets, unless the operator wants otherwise. Raises Invalid."""
    targets = [SKIP if wishes.known_only and c.target.startswith(NEW) else c.target for c in columns]
    by_name = {column.name.casefold(): column.index for column in columns}
    for wish in wishes.mapping:
        name, sign, target = wish.rpartition("=")
        if not sign or name.strip().casefold() not in by_name:
            there = ", ".join(column.name for column in columns)
            raise Invalid(f"--map {wish}: there is no such column. The file has: {there}")
        targets[by_name[name.strip().casefold()]] = target.strip()
    made = {} if wishes.dry else get_or_create_lists(author, wishes.lists)
    return Plan(tuple(targets), tuple(item.pk for item in made.values()), wishes.policy)


def _in_words(columns: Sequence[Column], plan: Plan) -> list[str]:
    return [f"{c.name} -> {_target(t)}" for c, t in zip(columns, plan.targets, strict=True)]


def _target(target: str) -> str:
    if target.startswith(NEW) and target.removeprefix(NEW) in FieldType.values:
        return f"a custom field, {FieldType(target.removeprefix(NEW)).label.lower()}"
    if target == SKIP:
        return "not imported"
    return (
        f"custom field {target.removeprefix(CUSTOM)}" if target.startswith(CUSTOM) else SYSTEM_TARGETS[target]
    )


def lines_about(summary: Summary) -> list[str]:
    words = {"created": "new", "updated": "changed", "unchanged": "unchanged", TWICE: "repeated in the file"}
    words |= {"rejected": "not imported"}
    parts = [f"{summary.counts[key]:,} {word}" for key, word in words.items() if summary.counts[key]]
    lines = [f"Prospects: {', '.join(parts) or 'none in the file'}."]
    for report in summary.told:
        how = "not imported" if report.rejected else "imported without this"
        lines.append(f"  line {report.row.line:,}, {how}: {report.reason[:300]}")
    if summary.faulty > len(summary.told):
        lines.append(f"  and {summary.faulty - len(summary.told):,} more; --errors FILE writes them all.")
    return lines
