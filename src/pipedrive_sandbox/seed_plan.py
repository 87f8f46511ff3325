"""What a seed is to make, as a caller says it."""

import csv
import io
from dataclasses import dataclass, field

from pipedrive_sandbox.answers import Body


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
