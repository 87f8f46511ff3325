"""What Pipedrive allows a company to spend."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Feature(StrEnum):
    """On what tokens are spent; also their priority, the first first."""

    LIVE = "live"
    """Real-time sync."""
    AUTOMATION = "automation"
    """What campaign events start."""
    TRANSFER = "transfer"
    HISTORY = "history"
    """Campaign e-mails as activities."""
    CHECK = "check"
    """Reconciliation, webhooks, index."""
    SETUP = "setup"
    """Connecting and refreshing."""


class Quota(Protocol):
    """Stands between the adapter and the network: one for each Pipedrive company."""

    async def admit(self, tokens: int, *, search: bool = False) -> None:
        """Wait for a place in the burst window and book the tokens. Raises BudgetSpent when the day's share is used up."""
        ...

    def release(self, *, search: bool = False) -> None:
        """The call that was admitted is over, however it ended."""
        ...

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Take in what an answer tells about limits."""
        ...
