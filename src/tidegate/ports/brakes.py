"""What a brake kept from being written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.core.brakes import Brake, Tally
from tidegate.core.values import Json


@dataclass(frozen=True, slots=True)
class Example:
    """One record that a brake stopped, as the page shows it."""

    name: str
    act: str
    """`create`, `update` or `unlink`."""
    side: str
    """The side that would have been written; of `unlink`, the side whose record is gone."""
    prospect_id: str = ""
    person_id: str = ""
    changes: tuple[Mapping[str, Json], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a brake kept from being written."""

    brake: Brake
    message: str
    tally: Tally = field(default_factory=Tally)
    """Written lately and about to be written, as far as was looked ahead."""
    linked: int = 0
    waiting: int = 0
    """Changes that wait."""
    upto: int = 0
    """The newest of them: what a member says holds for it and for all before it."""
    examples: tuple[Example, ...] = ()
