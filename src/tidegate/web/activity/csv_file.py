"""CSV files of any length, row by row, safe to open in a spreadsheet."""

from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from tidegate.prospects.exporting import csv_line


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """A download of these rows; they are written while they are read, so memory stays small."""

    def lines() -> Iterator[str]:
        yield "\ufeff" + csv_line(header)  # the mark tells Excel that this is UTF-8
        for row in rows:
            yield csv_line("" if cell is None else str(cell) for cell in row)

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
