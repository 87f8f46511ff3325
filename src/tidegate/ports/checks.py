"""The rolling check that both sides are the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.core.sameness import Why
from tidegate.core.values import Json


@dataclass(frozen=True, slots=True)
class CheckState:
    """How far the rolling check of a connection has come, where a page of it is due."""

    connection_id: str
    cursor: str
    """Of the walk over Pipedrive's persons; empty: a round begins."""
    round: int


@dataclass(frozen=True, slots=True)
class OutOfStep:
    """A linked pair whose two records differ."""

    prospect_id: str
    person_id: str
    name: str
    why: Why
    fields: tuple[Mapping[str, Json], ...] = ()
    """[{"name", "kind", "outreach", "pipedrive", "why"}]"""


@dataclass(slots=True)
class CheckPage:
    """What a page of the check found."""

    seen: list[str]
    """Persons of the page, linked or not."""
    in_step: list[str] = field(default_factory=list)
    """Prospect ids, as in `on_their_way`: pairs with a change that waits anyway."""
    on_their_way: list[str] = field(default_factory=list)
    differing: list[OutOfStep] = field(default_factory=list)
