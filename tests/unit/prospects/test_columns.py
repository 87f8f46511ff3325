"""What the columns of other tools' exports mean."""

import pytest

from tidegate.prospects.importing.columns import (
    SKIP,
    column_names,
    describe_columns,
    guess_type,
    looks_like_header,
    read_status,
)
from tidegate.prospects.models import CustomField, FieldType


def targets(*header: str, fields=(), rows=()):
    return [column.target for column in describe_columns(header, rows, fields)]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("Email", "email"), ("E-Mail Address", "email"), ("email_address", "email"), ("Work email", "email"),
        ("First name", "first_name"), ("firstName", "first_name"), ("FIRST_NAME", "first_name"), ("Vorname", "first_name"),
        ("Last Name", "last_name"), ("Surname", "last_name"), ("Prénom", "first_name"), ("Name", "full_name"),
        ("Company Name", "company"), ("companyName", "company"), ("Organization", "company"),
        ("Job position", "job_title"), ("Title", "job_title"), ("jobTitle", "job_title"),
        ("Phone", "phone"), ("Mobile Phone", "phone"), ("Email status", "email_status"), ("List", "list"), ("Segments", "list"),
        ("Secondary email", "other_emails"), ("Home Phone", "other_phones"),
    ],
)  # fmt: skip
def test_well_known_headers_find_their_field(header, target):
    assert targets(header, "Zzz") == [target, SKIP]


def test_a_custom_field_is_known_by_its_name_before_anything_else():
    fields = [CustomField(key="linkedin", name="LinkedIn URL"), CustomField(key="second", name="Title")]

    assert targets("linkedin_url", "Title", "LINKEDIN", fields=fields) == [
        "custom.linkedin",
        "custom.second",
        SKIP,
    ]


def test_the_first_of_two_columns_for_one_field_gets_it():
    assert targets("Email", "E-mail address", "First name") == ["email", SKIP, "first_name"]


def test_a_full_name_is_left_where_its_parts_are_there():
    assert targets("Name", "First name", "Last name") == [SKIP, "first_name", "last_name"]
    assert targets("Name", "First name") == ["full_name", "first_name"]


def test_an_unknown_column_becomes_a_field_unless_it_is_empty():
    assert targets("Fax", "Size", rows=[("", "5"), ("", "12")]) == [SKIP, "new:number"]


def test_headers_without_a_name_and_repeated_ones_get_one():
    assert column_names(["\ufeffA", "", "A", " a  b "]) == ["A", "Column 2", "A 2", "a b"]


@pytest.mark.parametrize(("header", "is_one"), [(["Email", "Name"], True), (["a@example.com", "Ann"], False), (["@", ""], True)])  # fmt: skip
def test_a_first_row_with_an_address_is_no_header(header, is_one):
    assert looks_like_header(header) is is_one


@pytest.mark.parametrize(
    ("cells", "guess"),
    [
        (["5", "12.5", "1 000"], FieldType.NUMBER),
        (["007", "12"], FieldType.TEXT),
        (["+49 30 1", "112"], FieldType.TEXT),
        (["2026-03-31", "31.12.2026"], FieldType.DATE),
        (["03/04/2026"], FieldType.TEXT),
        (["yes", "No"], FieldType.BOOLEAN),
        (["https://example.com", "www.example.org/x"], FieldType.LINK),
        (["2026-03-31T09:30:00Z"], FieldType.DATETIME),
        (["12 EUR", "1,000.50 USD"], FieldType.MONEY),
        (["Red", "Blue"] * 10, FieldType.OPTION),
        (["Red", "Blue", "Green"], FieldType.TEXT),
        (["Asked for a quote."] * 20, FieldType.TEXT),
        (["x" * 300], FieldType.LONG_TEXT),
        (["one\ntwo"], FieldType.LONG_TEXT),
        ([], FieldType.TEXT),
    ],
)
def test_a_type_is_guessed_that_all_values_fit(cells, guess):
    assert guess_type(cells) is guess


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Verified", "valid"),
        ("Catch-all", "unverifiable"),
        ("BOUNCED", "invalid"),
        ("valid", "valid"),
        ("hm", "hm"),
    ],
)
def test_other_tools_words_for_an_address_are_understood(word, status):
    assert read_status(word) == status
