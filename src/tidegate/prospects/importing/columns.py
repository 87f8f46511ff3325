"""What the columns of a file mean: well-known headers of other tools' exports, custom fields by name, guesses for the rest."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.prospects.models import CustomField, EmailStatus, FieldType
from tidegate.prospects.search_keys import fold
from tidegate.prospects.values import FieldShape, Unfit, read_date, read_number, read_value
from tidegate.words import say

SKIP = "skip"
LIST = "list"
LINE, PROBLEM = say("Line of the file"), say("Problem")
"""What a file of faulty rows has besides its own columns."""
CUSTOM = "custom."
NEW = "new:"
"""Followed by a field type: the column becomes a custom field under its own name."""

SYSTEM_TARGETS: Mapping[str, str] = {
    "email": say("E-mail"),
    "other_emails": say("More e-mail addresses"),
    "first_name": say("First name"),
    "last_name": say("Last name"),
    "full_name": say("Full name"),
    "company": say("Company name"),
    "job_title": say("Position"),
    "phone": say("Phone"),
    "other_phones": say("More phone numbers"),
    "email_status": say("E-mail status"),
    "consent": say("Consent"),
    LIST: say("List"),
}
ONCE = frozenset(SYSTEM_TARGETS) - {"other_emails", "other_phones", LIST}
"""Targets that one column alone can go to."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "email": (
        "email", "mail", "email address", "primary email", "work email", "business email", "contact email",
        "lead email", "prospect email", "email 1", "email work", "e mail 1 value", "adresse email",
        "correo electronico", "courriel", "e mail adresse",
    ),
    "other_emails": (
        "more email addresses", "other emails", "other email", "secondary email", "additional emails",
        "additional email addresses", "email 2", "email 3", "personal email", "email home", "email other",
    ),
    "first_name": (
        "first name", "given name", "forename", "first", "vorname", "prenom", "nombre", "name first",
    ),
    "last_name": (
        "last name", "surname", "family name", "last", "nachname", "nom", "apellido", "apellidos",
    ),
    "full_name": (
        "full name", "name", "contact name", "lead name", "prospect name", "person name",
    ),
    "company": (
        "company", "company name", "organization", "organisation", "organization name", "account",
        "account name", "employer", "company name for emails", "firma", "entreprise", "empresa", "unternehmen",
        "person organization",
    ),
    "job_title": (
        "job title", "position", "job position", "title", "role", "occupation", "funktion", "poste", "cargo",
        "company position",
    ),
    "phone": (
        "phone", "phone number", "telephone", "mobile", "mobile phone", "work phone", "work direct phone",
        "cell", "cell phone", "phone 1", "phone work", "telefon", "telefono", "primary phone", "contact phone",
    ),
    "other_phones": (
        "more phone numbers", "other phone", "other phones", "home phone", "secondary phone",
        "additional phones", "phone 2", "phone 3", "phone home", "phone mobile", "phone other",
        "corporate phone",
    ),
    "email_status": (
        "email status", "email verification", "email verification status", "verification status",
    ),
    "consent": ("consent",),
    SKIP: (LINE, PROBLEM),
    LIST: (
        "list", "lists", "list name", "lists name", "segment", "segments", "list names",
    ),
}  # fmt: skip
_STATUSES: Mapping[str, EmailStatus] = {
    **{status.value: status for status in EmailStatus},
    "verified": EmailStatus.VALID,
    "deliverable": EmailStatus.VALID,
    "ok": EmailStatus.VALID,
    "risky": EmailStatus.UNVERIFIABLE,
    "unknown": EmailStatus.UNVERIFIABLE,
    "catchall": EmailStatus.UNVERIFIABLE,
    "acceptall": EmailStatus.UNVERIFIABLE,
    "undeliverable": EmailStatus.INVALID,
    "bounced": EmailStatus.INVALID,
    "notverified": EmailStatus.UNVERIFIED,
    "notchecked": EmailStatus.UNVERIFIED,
}
_MANY_OPTIONS = 30
_OPTION_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: where it would go by itself, and what its cells look like."""

    index: int
    name: str
    target: str
    guess: FieldType
    """The type its values would fit."""
    samples: tuple[str, ...] = ()


def describe_columns(
    header: Sequence[str], rows: Iterable[Sequence[str]], fields: Sequence[CustomField]
) -> list[Column]:
    """The columns with a target each. A target that only one column can have goes to the first that fits it."""
    cells = _by_column(len(header), rows)
    names = column_names(header)
    taken: set[str] = set()
    columns = []
    for index, name in enumerate(names):
        filled = [cell for cell in cells[index] if cell.strip()]
        guess = guess_type(filled)
        target = _target_of(name, fields, guess if filled else None)
        if target in taken:
            target = SKIP
        if target in ONCE or target.startswith(CUSTOM):
            taken.add(target)
        columns.append(Column(index, name, target, guess, tuple(dict.fromkeys(filled))[:3]))
    if {"first_name", "last_name"} <= taken:
        columns = [
            replace(column, target=SKIP) if column.target == "full_name" else column for column in columns
        ]
    return columns


def column_names(header: Sequence[str]) -> list[str]:
    """The headers without surplus space; a nameless column is called by its number, a repeated name gets one."""
    names: list[str] = []
    for index, cell in enumerate(header):
        name = " ".join(cell.replace("\ufeff", "").split())[:100] or f"Column {index + 1}"
        number = 1
        while (unique := name if number == 1 else f"{name[:95]} {number}") in names:
            number += 1
        names.append(unique)
    return names


def looks_like_header(header: Sequence[str]) -> bool:
    """Whether the first row names columns: none of its cells is an address."""
    return not any("@" in cell and "." in cell.rpartition("@")[2] for cell in header)


def read_status(raw: str) -> str:
    """Other tools' words for what is known about an address, in ours; what is not known stays as it is."""
    return _STATUSES.get(_plain(raw), raw)


def guess_type(cells: Sequence[str]) -> FieldType:
    """The narrowest type that all of these cells fit."""
    if not cells:
        return FieldType.TEXT
    if all(cell.strip().casefold() in ("yes", "no", "true", "false") for cell in cells):
        return FieldType.BOOLEAN
    for field_type, fits in _GUESSES:
        if all(fits(cell) for cell in cells):
            return field_type
    if any(len(cell) > 255 or "\n" in cell.strip() for cell in cells):
        return FieldType.LONG_TEXT
    return FieldType.OPTION if _are_options(cells) else FieldType.TEXT


def _are_options(cells: Sequence[str]) -> bool:
    distinct = {cell.strip().casefold() for cell in cells}
    short = all(len(cell) <= _OPTION_LENGTH and not re.search(r";|[.!?]$", cell) for cell in distinct)
    return short and len(distinct) <= _MANY_OPTIONS and len(cells) >= 5 * len(distinct)


def _is_number(cell: str) -> bool:
    # Leading zeros and a plus sign mean something in codes and phone numbers, and nothing in numbers.
    if re.match(r"\s*(\+|0\d)", cell):
        return False
    try:
        read_number(cell)
    except Unfit:
        return False
    return True


def _is_date(cell: str) -> bool:
    try:
        read_date(cell)
    except Unfit:
        return False
    return True


def _is_link(cell: str) -> bool:
    return bool(re.fullmatch(r"(https?://|www\.)\S+", cell.strip(), re.IGNORECASE))


def _fits(field_type: FieldType, cell: str) -> bool:
    try:
        return read_value(FieldShape(field_type), cell) is not None
    except Unfit:
        return False


_GUESSES = (
    (FieldType.NUMBER, _is_number),
    (FieldType.DATE, _is_date),
    (FieldType.LINK, _is_link),
    (FieldType.DATETIME, lambda cell: _fits(FieldType.DATETIME, cell)),
    (FieldType.MONEY, lambda cell: _fits(FieldType.MONEY, cell)),
)


def _target_of(name: str, fields: Sequence[CustomField], guess: FieldType | None) -> str:
    plain = _plain(name)
    for field in fields:
        if plain in (_plain(field.name), _plain(field.key)):
            return CUSTOM + field.key
    if plain in _TARGET_BY_NAME:
        return _TARGET_BY_NAME[plain]
    return SKIP if guess is None else NEW + guess


def _plain(name: str) -> str:
    """A header without case, accents, signs and spaces: “E-Mail_Address” and “emailAddress” are one."""
    return "".join(re.findall(r"[^\W_]+", fold(name)))


def _by_column(width: int, rows: Iterable[Sequence[str]]) -> list[list[str]]:
    cells: list[list[str]] = [[] for _ in range(width)]
    for row in rows:
        for index, cell in enumerate(row[:width]):
            cells[index].append(cell)
    return cells


_TARGET_BY_NAME = {_plain(name): target for target, names in _NAMES.items() for name in names}
