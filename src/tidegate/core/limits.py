"""How much may change at once before the brakes stop it: part of a connection's settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tidegate.core.values import Json

WINDOW_MINUTES = 10
"""What is done within so many minutes counts as done at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    on: bool = True
    share_percent: int = 30
    """Records that change, of all that are linked."""
    records: int = 200
    """So many records may change, whatever their share is."""
    emptied: int = 100
    """Values that are emptied, over all records."""
    created: int = 1000
    """Records that are made in either app."""


DEFAULT_LIMITS = Limits()
RANGES: Mapping[str, tuple[int, int]] = {
    "share_percent": (1, 100),
    "records": (1, 1_000_000),
    "emptied": (1, 1_000_000),
    "created": (1, 1_000_000),
}
"""What the numbers of `Limits` may be, both ends among them."""


def limits_to_json(limits: Limits) -> dict[str, Json]:
    return dict(asdict(limits))


def limits_from_json(raw: object) -> Limits:
    """Keys that are not there keep their default. Expects a document that was checked before."""
    if not isinstance(raw, Mapping):
        return DEFAULT_LIMITS
    numbers = {name: int(raw[name]) for name in RANGES if name in raw}
    return Limits(on=bool(raw.get("on", True)), **numbers)
