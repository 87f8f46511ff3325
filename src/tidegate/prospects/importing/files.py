"""How a CSV file is written (encoding, separator), and its rows one after the other with the line each starts on.

Nothing is guessed twice: what was found is shown to the user, who can overrule it. A character that can't be read marks its
row alone: a UTF-8 file with one broken byte is still a UTF-8 file.
"""

import codecs
import csv
import io
import re
import warnings
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

import charset_normalizer
import clevercsv

from tidegate.errors import Invalid
from tidegate.words import say

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = (
    "utf-8",
    "cp1252",
    "cp1250",
    "cp1251",
    "utf-16",
    "cp1253",
    "cp1254",
    "cp1257",
    "shift_jis",
    "gb18030",
)
"""What a user can choose from."""
MAX_CELL = 16 * 1024 * 1024
"""Characters. A larger cell is a quote that was never closed."""
MAX_COLUMNS = 500

_SAMPLE = 64 * 1024
_CHUNK = 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", say("an Excel workbook or another packed file")),
    (b"\xd0\xcf\x11\xe0", say("an old Excel workbook")),
    (b"%PDF", say("a PDF")),
    (b"{\\rtf", say("a text document with formatting")),
)
_BROKEN = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
# In a Western text such signs stand beside words, never in them; in a wrongly read one they replace letters.
_SIGN_IN_WORD = re.compile(
    r"[A-Za-z][^\x00-\x7f\w’‘´“”„«»–—…€·\u00a0\u00ad]|[^\x00-\x7f\w’‘´“”„«»–—…€·\u00a0\u00ad][A-Za-z]"
)
_FOREIGN_RUN = re.compile(r"[^\W\x00-\x7f]{4,}")
_LESS_COMMON = [
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1257",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
    "cp1252",
]

csv.field_size_limit(MAX_CELL)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is written."""

    encoding: str
    delimiter: str
    escape: str = ""
    """A sign put before quotes inside quotes, where the file does not double them."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    cells: tuple[str, ...]

    @property
    def printable(self) -> list[str]:
        """The cells, with a question mark for what could not be read."""
        return [cell.encode("utf-8", "replace").decode().replace("\x00", "?") for cell in self.cells]


def look_at(file: BinaryIO, *, encoding: str = "", delimiter: str = "") -> Shape:
    """How the file is written, unless told. Leaves it at its start. Raises Invalid where it is no CSV file."""
    head = _head(file)
    if not head.strip():
        raise _refused(say("The file is empty."))
    for start, what in _OTHER_FILES:
        if head.startswith(start):
            raise _refused(say("This is {what}, not a CSV file. Save it as CSV first.", what=what))
    found = encoding or _find_encoding(file, head)
    _check_encoding(found)
    sample = _decode_sample(head, found)
    said = _said_delimiter(sample)
    if delimiter or said:
        return Shape(found, delimiter or said)
    return Shape(found, *_sniff(sample))


def read_rows(file: BinaryIO, shape: Shape) -> Generator[Row, None, None]:
    """The rows from the header on, blank ones left out. Raises Invalid where the file can't be read on."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=shape.encoding, errors="surrogateescape", newline="")
    reader = csv.reader(text, delimiter=shape.delimiter, escapechar=shape.escape or None)
    last = 0
    try:
        for cells in reader:
            line, last = last + 1, reader.line_num
            if line == 1 and _said_delimiter(shape.delimiter.join(cells)):
                continue
            if len(cells) > MAX_COLUMNS:
                raise _refused(
                    say(
                        "Line {line} has {number} columns; the limit is {limit}.",
                        line=f"{line:,}",
                        number=f"{len(cells):,}",
                        limit=MAX_COLUMNS,
                    )
                )
            if any(cell.strip() for cell in cells):
                yield Row(line, tuple(cells))
    except csv.Error as error:
        raise _refused(
            say(
                "The file can’t be read from line {line} on: a quote is opened there and not closed.",
                line=f"{last + 1:,}",
            )
        ) from error
    except UnicodeError as error:
        raise _refused(
            say("The file can’t be read as {encoding}. Choose another encoding.", encoding=shape.encoding)
        ) from error
    finally:
        with suppress(ValueError):  # who stopped half-way may have closed the file before this ends
            text.detach()


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    head = file.read(_SAMPLE)
    file.seek(0)
    return head


def _find_encoding(file: BinaryIO, head: bytes) -> str:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head[:200].count(0) > len(head[:200]) // 4:
        return "utf-16-le" if head[1:2] == b"\x00" else "utf-16-be"
    good, broken, odd = _try_utf8(file)
    # A text in another encoding now and then holds two bytes that make a character; it never does so mostly.
    return "utf-8" if good >= broken else _find_code_page(odd)


def _try_utf8(file: BinaryIO) -> tuple[int, int, bytes]:
    """Characters beyond ASCII read well, bytes read badly, and some of the lines that hold either."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = broken = 0
    odd = bytearray()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        text = decoder.decode(chunk)
        bad = len(_BROKEN.findall(text))
        broken += bad
        good += len(_BEYOND_ASCII.findall(text)) - bad
        if bad and len(odd) < _SAMPLE:
            odd += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:_SAMPLE]
    file.seek(0)
    return good, broken + len(_BROKEN.findall(decoder.decode(b"", final=True))), bytes(odd)


def _find_code_page(sample: bytes) -> str:
    """Western by far most often, so that is tried first; short samples tell code pages apart badly."""
    try:
        western = sample.decode("cp1252")
    except UnicodeDecodeError:
        western = None
    if western and not _SIGN_IN_WORD.search(western) and not _FOREIGN_RUN.search(western):
        return "cp1252"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        best = charset_normalizer.from_bytes(sample, cp_isolation=_LESS_COMMON).best()
    return best.encoding if best else "cp1252"


def _check_encoding(name: str) -> None:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise Invalid(
            say("There is no encoding “{name}”.", name=name),
            errors={"encoding": [say("There is no encoding “{name}”.", name=name)]},
        ) from error


def _decode_sample(head: bytes, encoding: str) -> str:
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    lines = text.splitlines(keepends=True)
    return "".join(lines[:60] if len(lines) > 1 else lines)


def _said_delimiter(text: str) -> str:
    """The separator a first line like `sep=;` names, as Excel writes it."""
    said = re.match(r"\ufeff?\"?sep=(.)", text, re.IGNORECASE)
    return said[1] if said and said[1] in DELIMITERS else ""


def _sniff(sample: str) -> tuple[str, str]:
    """Separator and escape sign. A file of one column has no separator, and a comma does no harm."""
    try:
        dialect = clevercsv.Sniffer().sniff(sample[:8192], delimiters=list(DELIMITERS))
    except clevercsv.Error:
        dialect = None
    if dialect is None:
        return ",", ""
    delimiter = str(dialect.delimiter or "")
    header = sample.split("\n", 1)[0]
    if delimiter not in DELIMITERS:
        delimiter = next((sign for sign in DELIMITERS if sign in header), ",")
    return delimiter, "\\" if dialect.escapechar == "\\" else ""


def _refused(text: str) -> Invalid:
    return Invalid(text, errors={"file": [text]})
