"""On whose behalf the prospect store is written, and how it tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tidegate.prospects.models import CampaignEvent, Prospect
from tidegate.prospects.signals import campaign_events_known, consents_closed, prospects_changed


@dataclass(frozen=True, slots=True)
class Author:
    """On whose behalf a workspace's prospects are written."""

    workspace_id: UUID
    actor: str
    """Who, in words, for logs."""
    origin: str
    """`page`, `import`, `api`, `hook` or `sync`."""


def announce(author: Author, action: str, ids: Sequence[int]) -> None:
    """Tell who listens, inside the transaction: what they write is committed with the change, or neither is."""
    if ids:
        prospects_changed.send(
            sender=Prospect,
            workspace_id=author.workspace_id,
            ids=list(ids),
            action=action,
            actor=author.actor,
            origin=author.origin,
        )


def announce_closed(author: Author, ids: Sequence[int]) -> None:
    """Tell who listens that the consent of these was tightened, within the transaction."""
    if ids:
        consents_closed.send(
            sender=Prospect,
            workspace_id=author.workspace_id,
            ids=list(ids),
            actor=author.actor,
            origin=author.origin,
        )


def announce_events(author: Author, events: Sequence[CampaignEvent]) -> None:
    """Tell, in the order in which they happened, of events that may set something off."""
    telling = [event for event in events if event.sets_off]
    if telling:
        campaign_events_known.send(
            sender=CampaignEvent,
            workspace_id=author.workspace_id,
            ids=[event.pk for event in sorted(telling, key=lambda event: (event.at, event.pk))],
            actor=author.actor,
            origin=author.origin,
        )
