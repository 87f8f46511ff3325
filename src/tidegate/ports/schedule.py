"""What a lane has to do."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.connection import Reason, Status
from tidegate.core.planning import Rules
from tidegate.core.runs import CampaignRules
from tidegate.ports.brakes import Stopped
from tidegate.ports.checks import CheckState
from tidegate.ports.transfers import TransferState


@dataclass(frozen=True, slots=True)
class Serving:
    """What a connection wants done now, by the settings in force."""

    status: Status
    rules: Rules
    campaigns: CampaignRules = field(default_factory=CampaignRules)
    transfer: TransferState | None = None
    """A transfer under way and not put off."""
    preview: TransferState | None = None
    """A preview under way and not put off."""
    preview_rules: Rules | None = None
    passed_upto: int = 0
    """Changes up to this id were confirmed: the brakes let them through."""
    left_upto: int = 0
    """Changes of records up to this id are left where they were made, and nobody is brought into Pipedrive for an event."""
    check: CheckState | None = None
    """The rolling check, where its next page is due."""


class Schedule(Protocol):
    """What the drain asks about the connections of its lane, and tells of them. Plain functions on the database."""

    def load(self, connection_id: str) -> Serving:
        """Read anew before each batch, so that new settings hold from then on."""
        ...

    def stop(self, connection_id: str, status: Status, reason: Reason, text: str) -> None:
        """Pause or fail a connection that a person must look after."""
        ...

    def halt(self, connection_id: str, stopped: Stopped) -> None:
        """Pause a connection for its brakes, and keep what was stopped until a member confirms or drops it."""
        ...

    def learn_catalogue(self, connection_id: str, catalogue: PipedriveCatalogue) -> None:
        """Keep what Pipedrive offers now, and tell where the settings name what is no longer there.

        A catalogue that has become empty is not kept: the brakes stop the connection.
        """
        ...

    def wait(self, lane_id: int, until: datetime, reason: str) -> None:
        """Nothing is to be done for this lane before."""
        ...

    def put_off_check(self, connection_id: str, until: datetime) -> None:
        """The rolling check rests until then; everything else of the lane goes on."""
        ...

    def put_off_transfer(self, transfer_id: str, until: datetime, reason: str) -> None:
        """This transfer, undo or preview of one waits; everything else of the lane goes on."""
        ...

    def end_preview(self, preview_id: str, reason: str) -> None:
        """This preview has failed; nothing else of the connection is touched."""
        ...
