"""The writes Tidegate intends, as plain data: a preview, a log line, an undo and a test all read the same plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.core.records import Side
from tidegate.core.values import Value
from tidegate.words import say


class Act(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    """Only an undo deletes, and only what its transfer created."""


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
    """One record to create, update or delete on one side. `record_id` is None for a create."""

    act: Act
    side: Side
    record_id: str | None
    changes: tuple[FieldChange, ...] = ()

    @property
    def values(self) -> dict[str, Value]:
        """The field values to send."""
        return {change.field: change.after for change in self.changes}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that does not travel: it does not fit where it would go, or it can't be read where it is.

    `side` and `field` name the field at fault, `name` what people call it. The rest of the record goes on.
    """

    side: Side
    field: str
    name: str
    value: Value
    reason: str
    lacks_option: bool = False
    """The field could take the value, had it the option."""

    @property
    def message(self) -> str:
        return say("{field}: {reason}", field=self.name, reason=self.reason)


@dataclass(frozen=True, slots=True)
class Quarrel:
    """A mapping that both apps keep rewriting in turn, and that is left as it is until a person has looked."""

    key: str
    fields: Mapping[Side, str]
    turns: int
    """Writes in turn so far."""
    values: Mapping[Side, Value]
    """What either side shows, and would not leave."""


class Decision(StrEnum):
    """What a plan comes to for one pair, in the words of the transfer report."""

    CREATE = "created"
    UPDATE = "updated"
    UNCHANGED = "unchanged"
    SKIP = "skipped"
    ASK = "attention"
    MOVE = "moved"
    """The link follows a merged record to the survivor; then the pair is looked at again."""
    UNLINK = "unlinked"


class LinkState(StrEnum):
    """Whether both records of a link are there. A link with one gone stays, so that nothing is made a second time."""

    LINKED = "linked"
    PROSPECT_GONE = "prospect_gone"
    PERSON_GONE = "person_gone"
    PERSON_UNSEEN = "person_unseen"
    """Not shown to the connected user, and nobody told of a deletion: hidden, or deleted unnoticed."""


Base = Mapping[str, tuple[Value, Value]]
"""Mapping key -> (what outreach showed, what Pipedrive showed) when both sides last agreed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one pair, and why. `writes` holds at most one write a side.

    `planning.finish` makes the base to remember from `base`, `agreed` and what the writes returned: it holds also where
    only some of the writes were done, or none.
    """

    decision: Decision
    reason: str = ""
    prospect_id: str | None = None
    person_id: str | None = None
    new_link: bool = False
    """The two are to be linked: together with the id a create returns, where there is one."""
    state: LinkState = LinkState.LINKED
    """The link's state from now on, where there is a link."""
    writes: tuple[Write, ...] = ()
    base: Base = field(default_factory=dict)
    """What to remember as long as none of the writes is done: fields about to be written still count as changed."""
    agreed: Base = field(default_factory=dict)
    """Fields about to be written: what both sides are expected to show once all of that is done."""
    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Mapping key -> the field of either side it stands for."""
    refusals: tuple[Refusal, ...] = ()
    quarrels: tuple[Quarrel, ...] = ()
    candidates: tuple[str, ...] = ()
    """Where nobody is guessed: the ids that fit, on the side that `candidates_side` names."""
    candidates_side: Side | None = None
    merged_into: str | None = None
    """The survivor of a merge: where the link moves to, unless the survivor has a link of its own."""

    def write_to(self, side: Side) -> Write | None:
        return next((write for write in self.writes if write.side is side), None)
