"""Transfers, their previews and their undoing, as the engine sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.core.records import Side
from tidegate.core.values import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record of a transfer."""

    source_id: str
    target_id: str
    name: str
    outcome: str
    reason: str = ""
    changes: tuple[Mapping[str, Json], ...] = ()
    refusals: tuple[Mapping[str, Json], ...] = ()
    """The values that stay behind: `core.refused.refusals_to_json`."""
    linked: bool = False
    """The link between the two was made here."""
    written_at: datetime | None = None
    """When the target shows it was written, where it was created here."""


@dataclass(frozen=True, slots=True)
class TransferState:
    """A running transfer as the engine sees it."""

    id: str
    connection_id: str
    direction: str
    source_app: Side
    cursor: str
    page: int
    settings: Mapping[str, Json]
    actor: str = ""
    picked: bool = False
    """It goes over chosen records (those that wait in it) instead of the whole source."""
    undoes: str | None = None
    """The transfer that this one takes back."""
    past_emails: bool = False
    """`core.transfer.Include`; constants that are left out are not among the settings."""
    delete_created: bool = False
    """Of an undo: what the transfer created is deleted, where nobody touched it."""


@dataclass(frozen=True, slots=True)
class DoneRow:
    """What a transfer did with one record, as it was stored."""

    id: int
    source_id: str
    target_id: str
    name: str
    outcome: str
    linked: bool
    changes: tuple[Mapping[str, Json], ...]
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What an earlier record of a preview would have taken, so that a later one can't take it again."""

    kind: str
    """`address` (of the target side), `record` (of the target side), `organization`; of an undo: `deleted`, a person."""
    key: str
    holder: str = ""
    """Of an address: the target's record that would hold it. Of a deleted person: its organization."""


@dataclass(slots=True)
class PreviewPage:
    """What a page of a preview comes to."""

    outcomes: list[Outcome] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """What the run would have to do, to be added up: `core.transfer.Work`."""
