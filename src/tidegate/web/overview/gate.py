"""The gate of the overview: whether it stands open, what it says, and the shape of the water that flows through.

Pure: figures in, words and SVG paths out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tidegate.core.connection import Reason, Status
from tidegate.store.models import Connection
from tidegate.store.queries import Health

WIDTH, HEIGHT = 240, 36
TOP, BOTTOM = 4.5, 33.0

STATES = {
    Status.ACTIVE: "open",
    Status.SYNCING: "syncing",
    Status.PAUSED: "closed",
    Status.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class Stream:
    """One direction's flow: writes today, in the last hour, and hour by hour."""

    today: int
    hour: int
    highest: int
    edge: str
    """The line of the sparkline as an SVG path; empty where nothing flowed."""

    @property
    def water(self) -> str:
        """The same line closed to the ground."""
        return f"{self.edge}L{WIDTH} {HEIGHT}H0Z" if self.edge else ""


def stream(today: int, hourly: Sequence[int]) -> Stream:
    highest = max(hourly, default=0)
    return Stream(today, hourly[-1] if hourly else 0, highest, _edge(hourly, highest) if highest else "")


def _edge(hourly: Sequence[int], highest: int) -> str:
    step = WIDTH / (len(hourly) - 1)
    points = [
        f"{round(index * step, 1):g} {round(BOTTOM - count / highest * (BOTTOM - TOP), 1):g}"
        for index, count in enumerate(hourly)
    ]
    return "M" + " ".join(points)


def lead(connection: Connection, health: Health) -> str:
    """The one sentence under the title: how things stand."""
    match Status(connection.status):
        case Status.SYNCING:
            return _("A transfer is running. Live changes wait and are applied when it ends.")
        case Status.FAILED:
            return _("Live sync has stopped. It goes on when this is fixed.")
        case Status.PAUSED:
            return _paused_lead(connection)
    if health.last_sync_at is None and not health.waiting:
        return _("Live sync is on. The first change in either app will show up here within seconds.")
    if health.waiting:
        return ngettext(
            "Live sync is on. %(count)d change is on its way.",
            "Live sync is on. %(count)d changes are on their way.",
            health.waiting,
        ) % {"count": health.waiting}
    if health.needs_attention:
        return ngettext(
            "Live sync is on. %(count)d record needs you, every other change has arrived.",
            "Live sync is on. %(count)d records need you, every other change has arrived.",
            health.needs_attention,
        ) % {"count": health.needs_attention}
    return _("Live sync is on. Every change so far has arrived.")


def _paused_lead(connection: Connection) -> str:
    match connection.reason:
        case Reason.NEW:
            return _("Live sync has not been launched yet. Finish the set-up, then launch it.")
        case Reason.RECONNECT:
            return _("Live sync is paused: Pipedrive no longer accepts this connection.")
        case Reason.BRAKES:
            return _("Live sync is paused: an unusual change was stopped and waits for you.")
    return _("Live sync is paused. Changes in either app stay where they are made.")
