"""What a seed is to make, as a caller says it."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipedrive_sandbox.answers import Body


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 10_000_000


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _is_people(value: Any) -> bool:
    return _is_list_of(value, dict) and all(
        isinstance(part, str | None) for person in value for part in person.values()
    )


A_COUNT = ("a number from 0 to 10,000,000", _is_count)
FITS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "company": ("an object", lambda value: isinstance(value, dict)),
    "users": (
        "a number from 0 to 1,000, or a list of objects",
        lambda value: _is_list_of(value, dict) or (_is_count(value) and value <= 1_000),
    ),
    "pipelines": ("a number from 0 to 1,000", lambda value: _is_count(value) and value <= 1_000),
    "persons": A_COUNT,
    "organizations": A_COUNT,
    "deals": A_COUNT,
    "activities": A_COUNT,
    "fields": ("true or false", lambda value: isinstance(value, bool)),
    "emails": ("a list of texts", lambda value: _is_list_of(value, str)),
    "people": ("a list of objects whose values are texts", _is_people),
    "csv": ("a text", lambda value: isinstance(value, str)),
    "seed": ("a whole number", lambda value: type(value) is int),
}
"""What each part of a seed must be, in words and as a check."""


@dataclass
class Plan:
    """What a seed is to make."""

    company: Body = field(default_factory=dict)
    users: int | list[Body] = 3
    persons: int = 400
    organizations: int = 120
    pipelines: int = 2
    deals: int = 40
    activities: int = 80
    fields: bool = True
    emails: list[str] = field(default_factory=list)
    people: list[Body] = field(default_factory=list)
    csv: str = ""
    seed: int = 1

    @classmethod
    def of(cls, given: Body) -> "Plan":
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"A seed has no {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
        for name, value in given.items():
            said, fits = FITS[name]
            if not fits(value):
                raise ValueError(f"In a seed {name!r} is {said}.")
        return cls(**given)

    def given_people(self) -> list[Body]:
        """Everybody named by the caller, at most `persons` of them."""
        people = [*self.people, *people_of_csv(self.csv), *({"email": email} for email in self.emails)]
        return people[: self.persons]


CSV_NAMES = {
    "email": ("email", "e-mail", "email address", "e-mail address", "mail"),
    "first_name": ("first name", "first_name", "firstname", "given name"),
    "last_name": ("last name", "last_name", "lastname", "surname"),
    "name": ("name", "full name"),
    "organization": ("organization", "company", "company name", "organisation"),
    "phone": ("phone", "phone number", "telephone", "mobile"),
    "job_title": ("job title", "title", "position", "job_title"),
}


def people_of_csv(text: str) -> list[Body]:
    """People from a file with a header line; columns are known by their usual names."""
    if not text.strip():
        return []
    dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t") if "\n" in text else csv.excel
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), dialect=dialect)
    by_heading = {heading: key for key, headings in CSV_NAMES.items() for heading in headings}
    columns = {name: by_heading.get(name.strip().lower()) for name in rows.fieldnames or []}
    people = []
    for row in rows:
        person = {
            key: row[name].strip() for name, key in columns.items() if key and row[name] and row[name].strip()
        }
        if person:
            people.append(person)
    return people
