"""How a CSV file is read, whatever wrote it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import Invalid
from tidegate.prospects.importing import files
from tidegate.prospects.importing.files import look_at, read_rows


def rows_of(content: bytes, **wishes: str) -> list[tuple[str, ...]]:
    file = io.BytesIO(content)
    return [row.cells for row in read_rows(file, look_at(file, **wishes))]


WESTERN = "First name,E-mail\nInês,ines@example.com\nJürgen,j@example.com\nBjörn – “B”,b@example.com\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", WESTERN),
        ("utf-8-sig", WESTERN),
        ("utf-16", WESTERN),
        ("utf-16-le", WESTERN),
        ("utf-16-be", WESTERN),
        ("cp1252", WESTERN),
        ("cp1252", "Name,E-mail\nJosé Peña,j@example.com\n"),
        ("cp1250", "Name,E-mail\nŁukasz Żółć,l@example.com\nGrażyna Gąsior,g@example.com\n" * 5),
        ("cp1251", "Имя,E-mail\nИван Петров,i@example.com\nМария Иванова,m@example.com\n" * 5),
        ("shift_jis", "名前,E-mail\n佐藤健,s@example.com\n株式会社 鈴木,x@example.com\n" * 5),
        ("utf-8", "名前,E-mail\n佐藤健,s@example.com\n"),
    ],
    ids=[
        "utf-8",
        "with mark",
        "utf-16",
        "le",
        "be",
        "western",
        "short",
        "polish",
        "russian",
        "japanese",
        "asian utf-8",
    ],
)
def test_the_encoding_is_recognised(encoding, text):
    read = rows_of(text.encode(encoding))

    assert read == [tuple(line.split(",")) for line in text.splitlines()]


def test_one_broken_byte_spoils_one_cell_and_no_other():
    content = "Name,E-mail\nInês,i@example.com\nJürgen,j@example.com\nAnn,a@example.com\n".encode()
    broken = content.replace(b"Ann", b"An\xff")

    read = rows_of(broken)

    assert read[1:3] == [("Inês", "i@example.com"), ("Jürgen", "j@example.com")]
    assert read[3][0] == "An\udcff"


def test_the_encoding_can_be_told():
    assert rows_of("Name\nЖук\n".encode("cp1251"), encoding="cp1251") == [("Name",), ("Жук",)]
    with pytest.raises(Invalid) as refusal:
        rows_of(b"a,b\n", encoding="klingon")
    assert "encoding" in refusal.value.errors


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_recognised(delimiter):
    lines = [("Name", "E-mail", "Note"), *((f"Ann {n}", f"{n}@example.com", "one two") for n in range(20))]
    content = "\n".join(delimiter.join(line) for line in lines).encode()

    assert rows_of(content) == lines


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"email\na@example.com\nb@example.com\n", [("email",), ("a@example.com",), ("b@example.com",)]),
        (b"email,name\na@example.com,Ann", [("email", "name"), ("a@example.com", "Ann")]),
        (b'a,b\n"x, y","say ""hi"""\n', [("a", "b"), ("x, y", 'say "hi"')]),
        (b'a,b\n"x\ny",z\nu,v\n', [("a", "b"), ("x\ny", "z"), ("u", "v")]),
        (b"a,b\r\n1,2\r\n\r\n , \r\n3,4\r\n", [("a", "b"), ("1", "2"), ("3", "4")]),
        (b"a,b\r1,2\r3,4\r", [("a", "b"), ("1", "2"), ("3", "4")]),
        (b"sep=;\na;b\n1;2\n", [("a", "b"), ("1", "2")]),
        (
            b"name,quote\nO'Brien,don't\nAnn,it's\n",
            [("name", "quote"), ("O'Brien", "don't"), ("Ann", "it's")],
        ),
    ],
    ids=[
        "one column",
        "one row",
        "quotes",
        "lines in cells",
        "blank lines",
        "old Mac",
        "sep=",
        "apostrophes",
    ],
)
def test_cells_come_out_as_they_were_meant(content, read):
    assert rows_of(content) == read


def test_a_row_knows_the_line_it_starts_on():
    file = io.BytesIO(b'a,b\n"x\ny",z\n\nu,v\n')

    assert [row.line for row in read_rows(file, look_at(file))] == [1, 2, 5]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"  \n \n", "empty"),
        (b"PK\x03\x04" + b"x" * 100, "Excel workbook"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 100, "old Excel"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_what_is_no_csv_file_is_refused_by_what_it_is(content, reason):
    with pytest.raises(Invalid) as refusal:
        rows_of(content)

    assert reason in refusal.value.errors["file"][0]


def test_a_quote_that_is_never_closed_is_named_by_its_line(monkeypatch):
    import csv

    old = csv.field_size_limit(1_000)
    try:
        with pytest.raises(Invalid) as refusal:
            rows_of(b'a,b\n1,2\n"never closed,4\n' + b"5,6\n" * 1_000)
    finally:
        csv.field_size_limit(old)

    assert "line 3" in refusal.value.errors["file"][0]


def test_a_cell_of_five_megabytes_is_read_whole():
    assert files.MAX_CELL > 5 * 1024 * 1024
    read = rows_of(b"a,b\n" + b"x" * 5 * 1024 * 1024 + b",2\n3,4\n")

    assert [len(cell) for cell in read[1]] == [5 * 1024 * 1024, 1]
    assert read[2] == ("3", "4")


def test_too_many_columns_are_refused():
    with pytest.raises(Invalid, match=r"."):
        rows_of(b"a,b\n" + b"," * 600 + b"x\n")


def test_a_file_can_be_read_twice():
    file = io.BytesIO(WESTERN.encode())
    shape = look_at(file)

    assert list(read_rows(file, shape)) == list(read_rows(file, shape))


@given(st.binary(max_size=300))
def test_no_content_at_all_breaks_the_reader(content):
    file = io.BytesIO(content)
    try:
        list(read_rows(file, look_at(file)))
    except Invalid as refusal:
        assert refusal.errors
