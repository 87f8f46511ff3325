"""What the engine works with: one `Engine` for each connection of a lane that is in our hands.

The services that use it: `index` keeps the mirror, `recover` looks open intents up, `live` follows the inbox, `transfer`
walks over existing records, and both settle their batches through `settle` (look, decide, do, remember).
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tidegate.core.planning import Rules
from tidegate.core.runs import CampaignRules
from tidegate.ports import Clock, Crm, Feature, Hold, Intent, Memory, OutreachApp, RunStep
from tidegate.services.flight import InFlight

T = TypeVar("T")
Reread = Callable[[], Awaitable[bool]]
"""Reads the settings anew, once a batch was taken: what was told after a change of them is judged by them. False: no
longer active."""


@dataclass(slots=True)
class Tries:
    """How often a transfer's record failed for a passing reason while the other app answered."""

    since: float
    """When (monotonic) it failed first."""
    count: int = 0
    counted_at: float = -math.inf


@dataclass(slots=True)
class Lane:
    """A lane in our hands."""

    id: int
    hold: Hold
    memory: Memory
    clock: Clock
    step: RunStep
    take_spent: Callable[[], Mapping[str, tuple[int, int]]]
    """Tokens and requests by feature since it was last asked."""
    engines: "list[Engine]" = field(default_factory=list)
    deadline: float = math.inf
    """When (monotonic) its stretch is over: no page is read ahead from then on."""
    fresh: dict[str, float] = field(default_factory=dict)
    """`persons`, `organizations` -> when (monotonic) the mirror was last brought up to date."""
    surveyed: dict[str, int] = field(default_factory=dict)
    """Connection -> the newest change up to which its brakes have looked ahead and found nothing unusual."""
    tries: dict[tuple[str, str], Tries] = field(default_factory=dict)
    """(transfer, record) -> its passing failures in a row."""


@dataclass(slots=True)
class Engine:
    """One connection at work."""

    connection_id: str
    rules: Rules
    crm: Crm
    outreach: OutreachApp
    lane: Lane
    spend_as: Callable[[Feature], None] = lambda feature: None
    """Says on what the calls from now on are spent: the reserve holds for transfers, not for live sync."""

    passed_upto: int = 0
    left_upto: int = 0
    """What members said to the brakes: see `ports.Serving`."""

    notices: bool = True
    """Whether what a catch-up of the index shows is news to it. Before the launch nothing is."""
    campaigns: CampaignRules = field(default_factory=CampaignRules)
    """What the settings say about campaign events."""
    share_left: Callable[[Feature], float] = lambda feature: 1.0
    """Of what a feature may spend in a day, the share that is left."""

    unsure: bool = False
    """A write may have arrived whose answer got lost: open intents are to be seen to before the next batch."""
    awaited: Sequence[Intent] = ()
    """Intents about records that were given up so lately that they may still arrive: see `services.unanswered`."""
    flight: InFlight | None = None
    """A transfer whose pages overlap: see `services.overlap`."""

    @property
    def memory(self) -> Memory:
        return self.lane.memory

    async def run(self, function: Callable[..., T], *args: object, **kwargs: object) -> T:
        """A plain function that touches the database, on a worker thread."""
        return await self.lane.step(function, *args, **kwargs)  # type: ignore[return-value]
