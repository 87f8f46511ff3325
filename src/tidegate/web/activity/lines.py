"""What an entry of the log says to a reader: the change in words, field by field, and why.

One place for the overview, the log, the drawer and the CSV file, so that they never tell different stories.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from tidegate.core.records import Side
from tidegate.core.values import Kind, Value, describe, from_json, is_empty
from tidegate.store.models import Connection, LogEntry
from tidegate.store.queries import person_cards
from tidegate.web.said import said

SHOWN_CHANGES = 2
"""How many fields a row of a table spells out; the drawer has them all."""


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field before and after, in words; what is empty is the empty string."""

    name: str
    before: str
    after: str
    lost: str = ""
    conflict: bool = False
    instead: str = ""
    """By what the value that lost is asked back; empty where it can't be."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the log."""

    entry: LogEntry
    headline: str
    """What was done, where it can't be said field by field; empty otherwise."""
    fields: tuple[FieldLine, ...]
    why: str
    email: str = ""
    badge: str = ""
    tone: str = ""

    @property
    def shown(self) -> tuple[FieldLine, ...]:
        return self.fields[:SHOWN_CHANGES] if not self.headline else ()

    @property
    def more(self) -> int:
        return max(len(self.fields) - SHOWN_CHANGES, 0) if not self.headline else 0

    @property
    def title(self) -> str:
        """The entry as the heading of its place in the drawer."""
        if self.headline:
            return self.headline
        if self.entry.cause in _DEEDS and self.entry.message:
            return self.entry.message
        if self.has_conflict:
            return _("Conflict decided")
        return _FIELDS_WENT[Side(self.entry.side)] % {"count": len(self.fields)}

    @property
    def note(self) -> str:
        """The engine's own reason, where the headline or the title does not say it already."""
        return self.entry.message if self.entry.message not in (self.headline, self.title) else ""

    @property
    def has_conflict(self) -> bool:
        return any(line.conflict for line in self.fields)

    @property
    def winner(self) -> str:
        """Whose value stayed where both sides had changed a field: the side that was not written."""
        return side_name(Side(self.entry.side).other)

    @property
    def knob(self) -> tuple[str, str]:
        """Glyph and tone in the timeline."""
        if self.has_conflict or self.entry.act == "fail":
            return "warn", "warn" if self.has_conflict else "bad"
        if self.entry.cause in _CAUSE_GLYPHS and self.entry.act != "skip":
            return _CAUSE_GLYPHS[self.entry.cause], "flow"
        if self.entry.act in _GLYPHS:
            return _GLYPHS[self.entry.act]
        return ("to" if self.entry.side == Side.PIPEDRIVE else "from"), "flow"


_DEEDS = ("automation", "history")
"""What these causes write is no person: the engine's own words say which deal or activity."""
_CAUSE_GLYPHS = {"automation": "bolt", "history": "mail", "consent": "none"}
_GLYPHS = {
    "create": ("plus", "flow"),
    "delete": ("x", "warn"),
    "organization": ("building", "flow"),
    "link": ("link", ""),
    "unlink": ("unlink", ""),
    "skip": ("none", ""),
    "overtaken": ("warn", "warn"),
}
_FIELDS_WENT = {
    Side.PIPEDRIVE: ngettext_lazy(
        "%(count)d field went to Pipedrive", "%(count)d fields went to Pipedrive", "count"
    ),
    Side.OUTREACH: ngettext_lazy(
        "%(count)d field came from Pipedrive", "%(count)d fields came from Pipedrive", "count"
    ),
}


def side_name(side: Side) -> str:
    return "Pipedrive" if side is Side.PIPEDRIVE else _("Tidegate Prospects")


def lines_of(connection: Connection, entries: Iterable[LogEntry]) -> list[Line]:
    """Entries in words, each with an e-mail address of its person where we know one."""
    rows = list(entries)
    cards = person_cards(connection.lane, {entry.person_id for entry in rows if entry.person_id})
    emails = {pid: card.emails[0] for pid, card in cards.items() if card.emails}
    return [line_of(entry, emails.get(entry.person_id, "")) for entry in rows]


def line_of(entry: LogEntry, email: str = "") -> Line:
    fields = tuple(field_line(change) for change in entry.changes)
    badge, tone = _badge(entry, fields)
    return Line(entry, _headline(entry, fields), fields, cause_of(entry), email, badge, tone)


def field_line(change: Mapping[str, Any]) -> FieldLine:
    """A change as the log or a transfer's record keeps it."""
    kind = str(change.get("kind") or Kind.TEXT.value)
    return FieldLine(
        name=str(change.get("name") or change.get("field") or ""),
        before=value_in_words(change.get("before"), kind),
        after=value_in_words(change.get("after"), kind),
        lost=value_in_words(change.get("lost"), kind),
        conflict=bool(change.get("conflict")),
    )


def value_in_words(raw: Any, kind: str) -> str:
    """A value as the log keeps it, in one line; times in the time zone of the workspace."""
    try:
        known: Value = from_json(Kind(kind), raw)
    except (ValueError, KeyError, ArithmeticError):
        return str(raw)
    if is_empty(known):
        return ""
    if isinstance(known, datetime):
        return date_format(localtime(known), "j F Y, H:i")
    return describe(known)


def _headline(entry: LogEntry, fields: tuple[FieldLine, ...]) -> str:
    written = Side(entry.side)
    if entry.cause == "consent":
        return entry.message
    if entry.cause in _DEEDS:
        return "" if fields and entry.act == "update" else entry.message
    match entry.act:
        case "create":
            return _("Person created") if written is Side.PIPEDRIVE else _("Prospect created")
        case "delete":
            return _("Person deleted") if written is Side.PIPEDRIVE else _("Prospect deleted")
        case "organization":
            return entry.message or _("Organization created")
        case "link":
            return _("Linked with a person in Pipedrive")
        case "unlink":
            return _("Link changed")
        case "overtaken":
            return _("Edited in the moment of a write")
        case "skip":
            return entry.message or _("Nothing was written")
        case "fail":
            return entry.message or _("Could not be written")
    return "" if fields else entry.message or _("Updated")


def _badge(entry: LogEntry, fields: tuple[FieldLine, ...]) -> tuple[str, str]:
    if entry.act == "fail":
        return _("Failed"), "bad"
    if entry.act == "skip":
        return _("Not done"), "calm"
    if any(line.conflict for line in fields):
        return _("Conflict"), "warn"
    return "", ""


def cause_of(entry: LogEntry) -> str:
    """Why it happened: the engine's own words, else the kind of cause."""
    if entry.cause == "automation" and entry.cause_text:
        return _("Automation: %(event)s") % {"event": said(entry.cause_text)}
    if entry.cause_text:
        return entry.cause_text
    return {
        "automation": _("Automation"),
        "history": _("E-mail history"),
        "consent": _("Consent"),
        "live": _("Live sync"),
        "transfer": _("Transfer"),
        "undo": _("Undo of a transfer"),
        "catchup": _("Found in the regular check"),
        "retry": _("Retried"),
        "confirmed": _("Confirmed by a member"),
    }.get(entry.cause, entry.cause)
