"""The words, glyphs and tones in which pages speak of statuses, kinds and directions. One place, so they never differ."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.core.connection import Reason, Status
from tidegate.core.settings import Direction
from tidegate.core.values import Kind
from tidegate.store.models import Connection

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Look:
    """How a status is shown: its word, its own glyph, and a tone that only repeats it."""

    word: Text
    glyph: str
    tone: str
    moving: bool = False


NOT_CONNECTED = Look(_("Not connected"), "st-off", "calm")
RECONNECT = Look(_("Paused, reconnect needed"), "st-reconnect", "warn")
BRAKES = Look(_("Paused, waits for you"), "st-wait", "warn")
STATUS: dict[Status, Look] = {
    Status.PAUSED: Look(_("Paused"), "st-paused", "calm"),
    Status.ACTIVE: Look(_("Active"), "st-active", "good"),
    Status.SYNCING: Look(_("Syncing"), "st-syncing", "flow", moving=True),
    Status.FAILED: Look(_("Connection failed"), "st-failed", "bad"),
}


def look_of(connection: Connection | None) -> Look:
    if connection is None:
        return NOT_CONNECTED
    if connection.status == Status.PAUSED and connection.reason == Reason.RECONNECT:
        return RECONNECT
    if connection.status == Status.PAUSED and connection.reason == Reason.BRAKES:
        return BRAKES
    return STATUS[Status(connection.status)]


DIRECTION: dict[Direction, Text] = {
    Direction.TWO_WAY: _("Two-way"),
    Direction.TO_PIPEDRIVE: _("Only to Pipedrive"),
    Direction.FROM_PIPEDRIVE: _("Only from Pipedrive"),
}

KIND: dict[Kind, Text] = {
    Kind.TEXT: _("Text"),
    Kind.LONG_TEXT: _("Long text"),
    Kind.NUMBER: _("Number"),
    Kind.MONEY: _("Money"),
    Kind.DATE: _("Date"),
    Kind.TIME: _("Time"),
    Kind.DATETIME: _("Date and time"),
    Kind.DATE_RANGE: _("Date range"),
    Kind.TIME_RANGE: _("Time range"),
    Kind.BOOLEAN: _("Yes or no"),
    Kind.OPTION: _("Single option"),
    Kind.OPTIONS: _("Multiple options"),
    Kind.PHONE: _("Phone"),
    Kind.EMAIL: _("E-mail"),
    Kind.ADDRESS: _("Address"),
    Kind.LINK: _("Link"),
    Kind.USER: _("User"),
    Kind.ORGANIZATION: _("Organization"),
    Kind.PERSON: _("Person"),
    Kind.UNKNOWN: _("Unknown type"),
}
