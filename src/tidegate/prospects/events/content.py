"""One campaign event as it is told, read and checked. Pure: nothing is looked up here.

Every fault is collected under its key (`email.html`) before anything is refused, so that one answer names them all. Two
tellings are the same event when what was read from them is the same, however it was spelled.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import orjson

from tidegate.prospects.events.automatic import is_automatic
from tidegate.prospects.models import EventType
from tidegate.prospects.values import Unfit, is_no_object, normal_email, read_email, short, why_unknown
from tidegate.words import say

FAST_CLOCK = timedelta(minutes=15)
"""So far ahead a clock may be: such an event counts as of now. What lies farther ahead is refused."""
LATE = timedelta(days=7)
"""What becomes known later than this is historical: nothing is set off by it."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
MAX_BODY = 5 * 1024 * 1024
"""Characters of an e-mail's HTML or text."""
MAX_KEY, MAX_TYPE, MAX_LINE, MAX_TEXT = 200, 60, 1_000, 20_000
AUTO_REPLIED = "auto_replied"
"""How some outreach apps call a reply that no person wrote."""
FIELDS = {
    "": ("key", "type", "at", "prospect", "campaign", "email", "url", "reason", "automatic", "headers"),
    "prospect": ("id", "email"),
    "campaign": ("id", "name"),
    "email": ("id", "message_id", "sender", "step", "subject", "html", "text"),
}

Faults = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it was told. Empty texts were not told."""

    key: str
    type: str
    at: datetime
    prospect_id: str = ""
    recipient: str = ""
    """The address in normal form."""
    campaign_key: str = ""
    campaign_name: str = ""
    email_key: str = ""
    message_id: str = ""
    sender: str = ""
    step: str = ""
    subject: str = ""
    html: str = ""
    text: str = ""
    url: str = ""
    reason: str = ""
    automatic: bool = False

    @property
    def tells_of_email(self) -> bool:
        """Whether it says what was sent."""
        return self.type == EventType.EMAIL_SENT or bool(self.subject or self.html or self.text)

    @property
    def digest(self) -> str:
        return hashlib.sha256(orjson.dumps([getattr(self, name) for name in CONTENT])).hexdigest()


CONTENT = tuple(item.name for item in fields(NewEvent) if item.name != "key")
"""What makes two tellings of one key the same."""


def read_event(raw: Mapping[str, object], now: datetime) -> tuple[NewEvent, Faults]:
    """The event, and what is wrong with it by key; where there are faults the event is of no use."""
    reader = _Reader(raw, now)
    event = reader.event()
    if is_no_object(raw):
        return event, {key: reader.faults[key] for key in raw}
    return event, reader.faults


def differences(before: NewEvent, after: NewEvent) -> list[str]:
    """What two tellings of one key say differently, in words."""
    names = {
        "prospect_id": "prospect.id",
        "recipient": "prospect.email",
        "campaign_key": "campaign.id",
        "campaign_name": "campaign.name",
        "email_key": "email.id",
        **{name: f"email.{name}" for name in ("message_id", "sender", "step", "subject", "html", "text")},
    }
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in CONTENT}
    return [
        say(
            "{field} was {before} and is now {after}",
            field=names.get(name, name),
            before=_quoted(first),
            after=_quoted(second),
        )
        for name, (first, second) in pairs.items()
        if first != second
    ]


def _quoted(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat()
        case bool():
            return str(value).lower()
        case "":
            return say("not there")
    text = str(value)
    if len(text) > 60:
        return say("“{text}” ({length} characters)", text=short(text), length=f"{len(text):,}")
    return f"“{text}”"


def is_storable(text: str) -> bool:
    """Whether it holds no half of a surrogate pair, which PostgreSQL can't store."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Reader:
    def __init__(self, raw: Mapping[str, object], now: datetime) -> None:
        self.raw = raw
        self.now = now
        self.faults: Faults = {}

    def event(self) -> NewEvent:
        self.refuse_unknown("", self.raw)
        prospect, campaign, email = (self.part(name) for name in ("prospect", "campaign", "email"))
        given_type = self.line(self.raw, "type", MAX_TYPE, required=True)
        campaign_name = self.line(campaign, "name", MAX_KEY, "campaign.")
        event = NewEvent(
            key=self.line(self.raw, "key", MAX_KEY, required=True),
            type=EventType.EMAIL_REPLIED if given_type == AUTO_REPLIED else given_type,
            at=self.moment(),
            prospect_id=self.line(prospect, "id", 64, "prospect."),
            recipient=self.address(prospect, "prospect."),
            campaign_key=self.line(campaign, "id", MAX_KEY, "campaign.") or campaign_name,
            campaign_name=campaign_name,
            email_key=self.line(email, "id", MAX_KEY, "email."),
            message_id=self.line(email, "message_id", 400, "email.").strip("<>"),
            sender=self.line(email, "sender", 320, "email."),
            step=self.line(email, "step", 60, "email."),
            subject=self.line(email, "subject", MAX_LINE, "email."),
            html=self.body(email, "html"),
            text=self.body(email, "text"),
            url=self.line(self.raw, "url", MAX_TEXT),
            reason=self.long(self.raw, "reason", MAX_TEXT),
            automatic=given_type == AUTO_REPLIED or self.automatic(),
        )
        if not (event.prospect_id or event.recipient or event.email_key or event.message_id or self.faults):
            self.fault("prospect", say("Say whom it is about: prospect.id, prospect.email, or email.id."))
        return event

    def fault(self, key: str, text: str) -> None:
        self.faults.setdefault(key, []).append(text)

    def refuse_unknown(self, name: str, given: Mapping[str, object]) -> None:
        for key in given:
            if key not in FIELDS[name]:
                self.fault(f"{name}.{key}" if name else str(key), why_unknown(given))

    def part(self, name: str) -> Mapping[str, object]:
        given = self.raw.get(name)
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            self.fault(name, say("This must be an object of {keys}.", keys=" and ".join(FIELDS[name][:2])))
            return {}
        self.refuse_unknown(name, given)
        return given

    def long(self, given: Mapping[str, object], key: str, limit: int, place: str = "") -> str:
        """A text with its lines as they are."""
        value = given.get(key)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool) and key in ("id", "step", "key"):
            value = str(value)
        if not isinstance(value, str):
            self.fault(place + key, say("This must be text."))
            return ""
        if len(value) > limit:
            self.fault(
                place + key,
                say(
                    "Too long: {length} of {limit} characters.", length=f"{len(value):,}", limit=f"{limit:,}"
                ),
            )
            return ""
        if "\x00" in value or not is_storable(value):
            self.fault(place + key, say("It holds characters that can’t be stored."))
            return ""
        return value

    def line(
        self, given: Mapping[str, object], key: str, limit: int, place: str = "", *, required: bool = False
    ) -> str:
        faults = len(self.faults)
        text = " ".join(self.long(given, key, limit, place).split())
        if required and not text and len(self.faults) == faults:
            self.fault(place + key, say("This is required."))
        return text

    def body(self, email: Mapping[str, object], key: str) -> str:
        return self.long(email, key, MAX_BODY, "email.")

    def address(self, prospect: Mapping[str, object], place: str) -> str:
        value = prospect.get("email")
        if value in (None, ""):
            return ""
        try:
            return normal_email(read_email(value))
        except Unfit as error:
            self.fault(place + "email", str(error))
            return ""

    def moment(self) -> datetime:
        """When it happened, as told: the same telling again reads the same."""
        given = self.raw.get("at")
        at = given if isinstance(given, datetime) else None
        if isinstance(given, str):
            try:
                at = datetime.fromisoformat(given.strip())
            except ValueError:
                at = None
        if at is None or at.tzinfo is None:
            if given in (None, ""):
                self.fault("at", say("This is required, like 2026-05-11T08:00:00Z."))
            else:
                self.fault("at", say("This must be a time with its zone, like 2026-05-11T08:00:00Z."))
            return self.now
        if at > self.now + FAST_CLOCK:
            self.fault(
                "at", say("{at} lies in the future. Check the clock and the time zone.", at=_quoted(at))
            )
        elif at < EARLIEST:
            self.fault("at", say("{at} is not a time at which e-mails were tracked.", at=_quoted(at)))
        else:
            return at.astimezone(UTC)
        return self.now  # the ends of the calendar can't be told in another zone

    def automatic(self) -> bool:
        given = self.raw.get("automatic")
        if given is not None and not isinstance(given, bool):
            self.fault("automatic", say("This must be true or false."))
        headers = self.raw.get("headers") or {}
        if not isinstance(headers, Mapping) or not all(isinstance(text, str) for text in headers.values()):
            self.fault("headers", say("This must be an object of header names and texts."))
            return False
        return given is True or is_automatic({str(name): str(text) for name, text in headers.items()})
