"""Prospects as a CSV file that `importing` reads back unchanged, and spreadsheets open without running anything."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from tidegate.prospects import queries
from tidegate.prospects.importing.columns import SYSTEM_TARGETS
from tidegate.prospects.models import Consent, CustomField, EmailStatus, FieldType, Prospect
from tidegate.prospects.values import to_text

_COLUMNS = (
    "email",
    "other_emails",
    "first_name",
    "last_name",
    "company",
    "job_title",
    "phone",
    "other_phones",
)
_HARMLESS = re.compile(r"[+-]?[\d\s().,/-]+")


def csv_lines(wanted: queries.Filter) -> Iterator[str]:
    """The file piece by piece, from a header on."""
    fields = queries.read_fields(wanted.workspace_id)
    yield "\ufeff" + csv_line(
        header(fields)
    )  # Excel takes a file without this mark for something else than UTF-8
    for batch in queries.walk(wanted):
        yield "".join(csv_line(cells(prospect, fields)) for prospect in batch)


def header(fields: Sequence[CustomField]) -> list[str]:
    system = [SYSTEM_TARGETS[target] for target in _COLUMNS]
    statuses = (SYSTEM_TARGETS["email_status"], SYSTEM_TARGETS["consent"])
    return [*system, *statuses, "Lists", *(field.name for field in fields)]


def cells(prospect: Prospect, fields: Sequence[CustomField]) -> list[str]:
    emails = [entry["value"] for entry in prospect.emails]
    phones = [entry["value"] for entry in prospect.phones]
    return [
        emails[0] if emails else "",
        "; ".join(emails[1:]),
        prospect.first_name,
        prospect.last_name,
        prospect.company,
        prospect.job_title,
        phones[0] if phones else "",
        "; ".join(phones[1:]),
        EmailStatus(prospect.email_status).label,
        "" if prospect.consent == Consent.OPEN else Consent(prospect.consent).label,
        "; ".join(sorted(item.name for item in prospect.lists.all())),
        *(to_text(FieldType(field.type), prospect.custom.get(field.key)) for field in fields),
    ]


def guarded(cell: str) -> str:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers and phones stay as they are."""
    if re.match(r"'*[=+\-@\t\r]", cell) and not _HARMLESS.fullmatch(cell):
        return "'" + cell
    return cell


def csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([guarded(cell) for cell in cells])
    return line.getvalue()
