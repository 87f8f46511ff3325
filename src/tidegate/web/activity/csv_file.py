"""CSV files of any length, row by row, safe to open in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

_FORMULA = re.compile(r"^\s*[=@\t\r]|^\s*[+-](?![\d\s().-]*$)")
"""What a spreadsheet would run: = @ and signs, but not a number or a phone number."""


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, row: str) -> str:
        return row


def safe_cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def csv_answer(
    name: str, header: Sequence[object], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A download of these rows; they are written while they are read, so memory stays small."""

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow(
            [safe_cell(cell) for cell in header]
        )  # the mark tells Excel that this is UTF-8
        for row in rows:
            yield writer.writerow([safe_cell(cell) for cell in row])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
