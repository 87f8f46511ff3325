"""A CSV file into the prospect store, through the same import that the pages use."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tidegate.errors import Invalid
from tidegate.prospects.importing.columns import describe_columns, looks_like_header
from tidegate.prospects.importing.files import Row, look_at, read_rows
from tidegate.prospects.importing.running import TWICE, Importer, Plan, RowReport, in_batches
from tidegate.prospects.models import CustomField
from tidegate.prospects.services.bulk import Policy
from tidegate.prospects.services.lists import get_or_create_lists
from tidegate.prospects.services.saving import Author
from tidegate.store.models import Workspace

LOOKED_AT = 200
"""Rows that tell what a column holds."""
SHOWN = 20
"""So many faulty rows are shown; `--errors` writes all of them."""


@dataclass
class Summary:
    """What became of a file's rows."""

    counts: Counter[str] = field(default_factory=Counter)
    told: list[RowReport] = field(default_factory=list)
    """Rows that were rejected, or from which something was left out, with the reason."""


def import_file(
    path: Path,
    workspace: Workspace,
    *,
    actor: str,
    lists: Sequence[str] = (),
    policy: Policy = Policy.OVERWRITE,
    dry: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Import every row that can be imported. Raises Invalid where the file as a whole can't be read."""
    author = Author(workspace.pk, actor, "import")
    summary = Summary()
    with path.open("rb") as file:
        rows = read_rows(file, look_at(file))
        header = next(rows, Row(1, ())).cells
        if not looks_like_header(header):
            raise Invalid(
                "The first line does not name the columns. Put a line like “Email,First name,Company” first."
            )
        first = list(islice(rows, LOOKED_AT))
        importer = Importer(author, header, _plan(author, header, first, lists, policy, dry=dry), dry=dry)
        for batch in in_batches(_chained(first, rows)):
            for report in importer.take(batch):
                summary.counts[str(report.outcome)] += 1
                if report.reason:
                    summary.told.append(report)
            progress(len(batch))
    return summary


def _plan(
    author: Author,
    header: Sequence[str],
    first: Sequence[Row],
    lists: Sequence[str],
    policy: Policy,
    *,
    dry: bool,
) -> Plan:
    fields = list(CustomField.objects.filter(workspace_id=author.workspace_id))
    columns = describe_columns(header, [row.cells for row in first], fields)
    made = {} if dry else get_or_create_lists(author, list(lists))
    return Plan(tuple(column.target for column in columns), tuple(item.pk for item in made.values()), policy)


def _chained(first: Sequence[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


def lines_about(summary: Summary) -> list[str]:
    words = {"created": "new", "updated": "changed", "unchanged": "unchanged", TWICE: "repeated in the file"}
    words |= {"rejected": "not imported"}
    parts = [f"{summary.counts[key]:,} {word}" for key, word in words.items() if summary.counts[key]]
    lines = [f"Prospects: {', '.join(parts) or 'none in the file'}."]
    lines += [f"  line {r.row.line:,}: {r.reason}" for r in summary.told[:SHOWN]]
    if len(summary.told) > SHOWN:
        lines.append(f"  and {len(summary.told) - SHOWN:,} more; --errors FILE writes them all.")
    return lines
