"""From what the prospect store announces to the inbox, in the transaction of the write itself.

A write by the sync itself is no news to the only connection of a workspace; where there are several, the others must hear
of it, and the writer finds in its base that nothing changed.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tidegate.core.connection import Reason
from tidegate.core.records import Side
from tidegate.prospects.signals import (
    campaign_events_known,
    consents_closed,
    lists_changed,
    prospects_changed,
)
from tidegate.store.catalogues import store_catalogues
from tidegate.store.inbox import News, add_campaign_events, add_changes, closed_consent
from tidegate.store.models import Connection
from tidegate.store.schema_watch import watch_settings
from tidegate.wiring.parts import outreach_of
from tidegate.wiring.steps import request_step, run


def listen() -> None:
    """Connect the receivers; called once, when Django is ready."""
    prospects_changed.connect(take_news, dispatch_uid="tidegate.news")
    lists_changed.connect(reread_lists, dispatch_uid="tidegate.lists")
    consents_closed.connect(take_closed_consents, dispatch_uid="tidegate.consents")
    campaign_events_known.connect(take_campaign_events, dispatch_uid="tidegate.campaign_events")


def take_news(
    *, workspace_id: UUID, ids: Sequence[int], action: str, actor: str, origin: str, **_: Any
) -> None:
    listeners = _listeners(workspace_id)
    if origin == "sync" and len(listeners) == 1:
        return
    for connection in listeners:
        add_changes(
            connection,
            [
                News(Side.OUTREACH, "prospect", str(i), action=action, source="store", actor=actor)
                for i in ids
            ],
        )


def take_campaign_events(*, workspace_id: UUID, ids: Sequence[int], actor: str, **_: Any) -> None:
    """Every launched connection hears of what happened in campaigns; what it makes of it is decided when it is followed."""
    for connection in _listeners(workspace_id):
        add_campaign_events(connection, ids, actor=actor)


def take_closed_consents(*, workspace_id: UUID, ids: Sequence[int], actor: str, **_: Any) -> None:
    for connection in _listeners(workspace_id):
        add_changes(connection, [closed_consent(str(i), actor) for i in ids])


def _listeners(workspace_id: UUID) -> list[Connection]:
    """Launched connections; a paused one keeps what happens for later."""
    live = Connection.objects.filter(workspace_id=workspace_id, disconnected_at=None)
    return list(live.exclude(launched_at=None).exclude(reason=Reason.NEW.value))


def reread_lists(*, workspace_id: UUID, **_: Any) -> None:
    """Lists or fields changed: the stored catalogues follow at once."""
    for connection in Connection.objects.filter(workspace_id=workspace_id, disconnected_at=None):
        store_outreach_catalogue(connection)


def store_outreach_catalogue(connection: Connection) -> None:
    catalogue = run(outreach_of(connection, request_step).read_catalogue)
    store_catalogues(connection, outreach=catalogue)
    watch_settings(connection)
