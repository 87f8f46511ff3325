"""The states of a connection and the moves between them."""

from enum import StrEnum


class Status(StrEnum):
    """What the Integrations page says of a connection."""

    PAUSED = "paused"
    ACTIVE = "active"
    SYNCING = "syncing"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a connection is paused or failed; NONE where a member chose so."""

    NONE = ""
    NEW = "new"
    """Never launched yet."""
    RECONNECT = "reconnect"
    """The authorisation is gone."""
    INCOMPLETE = "incomplete"
    """Required settings are missing."""
    BRAKES = "brakes"
    """An unusual change was stopped and waits to be confirmed or dropped."""


MOVES: dict[Status, frozenset[Status]] = {
    Status.PAUSED: frozenset({Status.ACTIVE, Status.SYNCING, Status.FAILED}),
    Status.ACTIVE: frozenset({Status.PAUSED, Status.SYNCING, Status.FAILED}),
    Status.SYNCING: frozenset({Status.ACTIVE, Status.PAUSED, Status.FAILED}),
    Status.FAILED: frozenset({Status.ACTIVE, Status.PAUSED, Status.SYNCING}),
}


def may_move(before: Status, after: Status) -> bool:
    """Whether a connection can go from one status to the other; staying is always allowed."""
    return before is after or after in MOVES[before]
