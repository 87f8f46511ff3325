"""The writes Tidegate intends, as plain data: a preview, a log line, an undo and a test all read the same plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.core.records import Side
from tidegate.core.values import Value


class Act(StrEnum):
    CREATE = "create"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of the written side: what it showed before, what it will show, and what lost if both had changed."""

    field: str
    before: Value
    after: Value
    lost: Value = None
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """One record to create or update on one side. `record_id` is None for a create."""

    act: Act
    side: Side
    record_id: str | None
    changes: tuple[FieldChange, ...] = ()

    @property
    def values(self) -> dict[str, Value]:
        """The field values to send."""
        return {change.field: change.after for change in self.changes}


class Decision(StrEnum):
    """What a plan comes to for one pair, in the words of the transfer report."""

    CREATE = "created"
    UPDATE = "updated"
    UNCHANGED = "unchanged"
    SKIP = "skipped"
    ASK = "attention"
    UNLINK = "unlinked"


Base = Mapping[str, tuple[Value, Value]]
"""Mapping key -> (what outreach showed, what Pipedrive showed) when both sides last agreed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one pair, and why.

    `writes` holds at most one write a side. `base` is what the link will remember once the writes are done, for the
    fields no write touches; the executor completes it with what the writes return.
    """

    decision: Decision
    reason: str = ""
    prospect_id: str | None = None
    person_id: str | None = None
    writes: tuple[Write, ...] = ()
    base: Base = field(default_factory=dict)
    candidates: tuple[str, ...] = ()
    """Where nobody is guessed: the ids that fit, on the side that `candidates_side` names."""
    candidates_side: Side | None = None
    merged_into: str | None = None
    """Where the link moves to the survivor of a merge."""
