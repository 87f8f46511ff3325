"""Runs in our hands: those of one prospect are a chain, in the order of their events."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.core.campaigns import CampaignEvent
from tidegate.core.deals import Deal
from tidegate.errors import TidegateError
from tidegate.ports import StoredAction, StoredRun


@dataclass(slots=True)
class LiveRun:
    """A run in our hands."""

    stored: StoredRun
    event: CampaignEvent
    name: str
    fields: Mapping[str, str]
    left: deque[StoredAction]
    created_id: str = ""
    """The deal that an earlier action of this run created."""
    created: Deal | None = None
    touched_id: str = ""
    """The deal that this run created or moved last: its activities stand there."""
    failed: bool = False
    """Whether an action of it was refused."""


@dataclass(slots=True)
class Chain:
    """The runs of one prospect in the order of their events."""

    person_id: str
    organization_id: str | None
    runs: deque[LiveRun]
    known_deal: str = ""
    """A deal of this person that an earlier run made or moved."""
    placed: Mapping[str, datetime] = field(default_factory=dict)
    """Deal id -> when the latest event happened that put it into a chosen stage."""
    deals: list[Deal] | None = None
    """The person's open deals, once they were looked up."""
    unseen: str = ""
    """Why Pipedrive does not show the deals."""
    error: TidegateError | None = None

    def head(self) -> tuple[LiveRun, StoredAction] | None:
        while self.runs and not self.runs[0].left:
            self.runs.popleft()
        if self.error is not None or not self.runs:
            return None
        return self.runs[0], self.runs[0].left[0]
