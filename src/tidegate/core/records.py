"""What one side shows of one record, in Tidegate's own words.

A `Record` carries normal-form values under field keys. The keys of system fields are the same on every outreach app and
on every CRM (`OUTREACH_SYSTEM`, `PIPEDRIVE_SYSTEM`); all other keys are opaque. A key that is not in `values` is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tidegate.core.values import MISSING, Value


class Side(StrEnum):
    """The two apps that face each other; the outreach app is left, Pipedrive is right."""

    OUTREACH = "outreach"
    PIPEDRIVE = "pipedrive"

    @property
    def other(self) -> "Side":
        return Side.PIPEDRIVE if self is Side.OUTREACH else Side.OUTREACH


FIRST_NAME = "first_name"
LAST_NAME = "last_name"
EMAIL = "email"
"""All addresses of the record, the primary one first."""
PHONE = "phone"
COMPANY = "company"
"""Outreach: the company's name."""
ORGANIZATION = "organization"
"""Pipedrive: the name of the person's organization."""
JOB_TITLE = "job_title"


OPEN_CONSENT = "open"


@dataclass(frozen=True, slots=True)
class Record:
    """One prospect or one person as a side shows it now."""

    side: Side
    id: str
    values: Mapping[str, Value] = field(default_factory=dict)
    emails: tuple[str, ...] = ()
    """Every address in normal form, for matching, whether or not the e-mail field is mapped."""
    name: str = ""
    """How a person would call it in a log line."""
    list_ids: frozenset[str] = frozenset()
    """Outreach only: the lists it is in."""
    owner_id: str | None = None
    """Pipedrive only."""
    organization_id: str | None = None
    """Pipedrive only."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """E-mail address or phone number as written -> its label ("work", "home"), kept so that a write loses none."""
    updated_at: datetime | None = None
    consent: str = OPEN_CONSENT
    """Outreach only: whether campaigns may write to it; anything else than open is closed."""

    @property
    def is_closed(self) -> bool:
        return self.consent != OPEN_CONSENT

    def value(self, key: str) -> Value:
        return self.values.get(key, MISSING)


def with_organization(person: Record, names: Mapping[str, str]) -> Record:
    """A person with the name of its organization as a value; left missing where the name is not known."""
    if person.organization_id is None:
        return replace(person, values={**person.values, ORGANIZATION: None})
    if person.organization_id not in names:
        return person
    return replace(person, values={**person.values, ORGANIZATION: names[person.organization_id]})


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that is no longer there: deleted, merged into another one, or not visible to us."""

    side: Side
    id: str
    merged_into: str | None = None
    deleted: bool = False
    """The app said so. Otherwise the record is not shown to us, which Pipedrive also does with what its user may not see."""


Seen = Record | Gone
