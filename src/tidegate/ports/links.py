"""What is remembered of records: changes that wait, links, intents, the log, and what waits for a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.core.records import Record, Side
from tidegate.core.values import Json

LEAVE = "leave"
"""The action of a campaign event that waited through a pause, and that a member left: it sets nothing off."""

ASKED = "asked"
"""The source of a change that is none: somebody asked for the record to be looked at."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the inbox. It says *look at this record*; `body` may only ever prove that there is nothing to do."""

    id: int
    connection_id: str
    side: Side
    entity: str
    record_id: str
    action: str
    source: str
    received_at: datetime
    body: Record | None = None
    before: Record | None = None
    """Of a delivery that tells of our own write: what the fields that it changed held until then."""
    merged_into: str | None = None
    actor: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class StoredLink:
    id: int
    prospect_id: str
    person_id: str
    base: Mapping[str, Json]
    """Mapping key -> [outreach value, Pipedrive value] as JSON: `core.bases` decodes it for the pairs in force."""
    state: str
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkToSave:
    prospect_id: str
    person_id: str
    base: Mapping[str, Json]
    state: str = "linked"
    written_at: datetime | None = None
    id: int | None = None
    """The row to change; None makes a new one."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A write about to be sent."""

    kind: str
    key: str
    facts: Mapping[str, Json]
    created_at: datetime | None = None
    id: int | None = None
    given_up_at: datetime | None = None
    """When nobody waited for its answer any more; None while it is under way, or since its worker died."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """What was done, as the activity log shows it."""

    side: Side
    act: str
    prospect_id: str = ""
    person_id: str = ""
    record_name: str = ""
    changes: tuple[Mapping[str, Json], ...] = ()
    cause: str = "live"
    cause_text: str = ""
    message: str = ""
    tokens: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something for *Needs attention*."""

    kind: str
    message: str
    cure: str = ""
    side: Side | None = None
    prospect_id: str = ""
    person_id: str = ""
    record_name: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    details: Mapping[str, Json] = field(default_factory=dict)
    """The technical details of the error it comes from; empty where no app's answer was one."""
    tries: int = 1
    """How often this was tried since it was asked last."""
