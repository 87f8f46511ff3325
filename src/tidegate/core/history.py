"""A campaign e-mail as an activity: subject, note and the status line that only ever rises, and when it is written.

One activity per campaign e-mail; what happens to it later changes that one. Rules: docs/sync-rules.md, *E-mail history*.
Requirement: X6.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

import nh3

from tidegate.core.automation import MAX_TEXT, Trigger
from tidegate.core.campaigns import CampaignEmail, CampaignEvent
from tidegate.core.values import Json
from tidegate.words import Counted, say

NOTE_BYTES = 100_000
"""Pipedrive takes a note of up to 100 KB."""
READ_CHARACTERS = 400_000
"""More of an e-mail is never looked at."""
DEEPEST = 200
"""HTML nested deeper than any e-mail is read as bare text: cleaning it takes minutes."""
FOLDING = timedelta(minutes=5)
"""What happens to one e-mail within this time costs one write."""
URGENT_FOLDING = timedelta(seconds=30)
URGENT = (Trigger.EMAIL_REPLIED, Trigger.EMAIL_BOUNCED, Trigger.UNSUBSCRIBED)
DIGEST_FOLDING = timedelta(hours=6)
"""When the budget is tight, one write in this time is all an e-mail gets."""
TIGHT_SHARE = 0.3
"""The budget is tight once less than this share of what history may spend in a day is left."""

TAGS = frozenset(
    [
        "p",
        "br",
        "div",
        "span",
        "b",
        "strong",
        "i",
        "em",
        "u",
        "s",
        "a",
        "ul",
        "ol",
        "li",
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "pre",
        "code",
        "sub",
        "sup",
        "table",
        "thead",
        "tbody",
        "tr",
        "td",
        "th",
    ]
)
CUT = (
    "<p><i>"
    + say(
        "The rest of this e-mail was left out: Pipedrive takes notes of up to 100 KB. The whole e-mail is in the outreach app."
    )
    + "</i></p>"
)
WORDS: Mapping[Trigger, str] = {
    Trigger.EMAIL_SENT: say("Sent"),
    Trigger.EMAIL_OPENED: say("Opened"),
    Trigger.LINK_CLICKED: say("Clicked"),
    Trigger.EMAIL_REPLIED: say("Replied"),
    Trigger.EMAIL_BOUNCED: say("Bounced"),
    Trigger.UNSUBSCRIBED: say("Unsubscribed"),
}
_TIMES = Counted("({count} time)", "({count} times)")
RISING = (Trigger.EMAIL_SENT, Trigger.EMAIL_OPENED, Trigger.LINK_CLICKED, Trigger.EMAIL_REPLIED)
APART = (Trigger.EMAIL_BOUNCED, Trigger.UNSUBSCRIBED)
"""Told beside the status that rises."""

Moments = Mapping[Trigger, datetime]
"""When each thing happened for the first time."""


@dataclass(frozen=True, slots=True)
class EmailActivity:
    """What the activity of a campaign e-mail is to show."""

    subject: str
    note: str
    at: datetime
    """When the e-mail was sent, as far as we know."""
    moments: Moments

    @property
    def digest(self) -> str:
        """Tells whether anything differs from what was written before."""
        return hashlib.sha256(f"{self.subject}\0{self.note}".encode()).hexdigest()


def moments_of(email: CampaignEmail, known: Moments | None = None) -> dict[Trigger, datetime]:
    """The first time of each thing that happened to an e-mail, with what was shown before: nothing is ever taken back."""
    first: dict[Trigger, datetime] = dict(known or {})
    if email.sent_at is not None:
        first.setdefault(Trigger.EMAIL_SENT, email.sent_at)
    for event in email.events:
        trigger = event.trigger
        if trigger is not None and (trigger not in first or event.at < first[trigger]):
            first[trigger] = event.at
    return first


def moments_to_json(moments: Moments) -> dict[str, Json]:
    return {trigger.value: at.astimezone(UTC).isoformat() for trigger, at in moments.items()}


def moments_from_json(raw: Mapping[str, object]) -> dict[Trigger, datetime]:
    """The inverse; triggers that are not known here are left out."""
    known = {trigger.value: trigger for trigger in Trigger}
    return {known[name]: datetime.fromisoformat(str(at)) for name, at in raw.items() if name in known}


def status_of(moments: Moments) -> str:
    """The status in words, the highest reached, with what stands beside it: “Replied, unsubscribed”."""
    reached = [WORDS[t] for t in RISING if t in moments][-1:]
    beside = [WORDS[t] for t in APART if t in moments]
    words = reached + beside
    if len(words) < 2:
        return "".join(words)
    return say("{status}, {rest}", status=words[0], rest=", ".join(word.lower() for word in words[1:]))


def compose(
    email: CampaignEmail, *, zone: ZoneInfo, now: datetime, known: Moments | None = None
) -> EmailActivity:
    """What the activity of this e-mail shows now. `known`: the moments it showed before."""
    moments = moments_of(email, known)
    status = status_of(moments)
    head = _status_line(moments, zone, _counts(email)) + _facts(email) + _reason(email)
    return EmailActivity(
        subject=_subject(email, status),
        note=head + _body(email, room=NOTE_BYTES - len(head.encode())),
        at=moments.get(Trigger.EMAIL_SENT) or min(moments.values(), default=now),
        moments=moments,
    )


def _subject(email: CampaignEmail, status: str) -> str:
    words = " ".join(email.subject.split()) or say("Campaign e-mail")
    ending = f" ({status.lower()})" if status else ""
    room = MAX_TEXT - len(ending)
    return (words if len(words) <= room else words[: room - 1].rstrip() + "…") + ending


def _status_line(moments: Moments, zone: ZoneInfo, counts: Mapping[Trigger, int]) -> str:
    parts = []
    for trigger in (*RISING, *APART):
        if trigger in moments:
            often = f" {_TIMES(counts[trigger])}" if counts.get(trigger, 0) > 1 else ""
            parts.append(f"{WORDS[trigger]} {_moment(moments[trigger], zone)}{often}")
    if not parts:
        return ""
    return f"<p><b>{status_of(moments)}</b><br>{' · '.join(parts)} <i>({escape(zone.key)})</i></p>"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def _counts(email: CampaignEmail) -> dict[Trigger, int]:
    """How often each thing is known to have happened, where that says something."""
    triggers = [event.trigger for event in email.events]
    return {t: triggers.count(t) for t in (Trigger.EMAIL_OPENED, Trigger.LINK_CLICKED)}


def _facts(email: CampaignEmail) -> str:
    facts = [
        (say("Campaign"), email.campaign_name),
        (say("Step"), email.step),
        (say("From"), email.sender),
    ]
    shown = " · ".join(f"{name}: {escape(value[:200])}" for name, value in facts if value)
    return f"<p>{shown}</p>" if shown else ""


def _reason(email: CampaignEmail) -> str:
    reason = next(
        (e.reason for e in email.events if e.trigger is Trigger.EMAIL_BOUNCED and e.reason.strip()), ""
    )
    bounced = say("It bounced: {why}", why=escape(reason.strip()[:500]))
    return f"<p>{bounced}</p>" if reason else ""


# --- The content


def _body(email: CampaignEmail, *, room: int) -> str:
    """The e-mail's own content, safe to show and no longer than there is room for."""
    raw = email.html if email.html.strip() else email.text
    read = raw[:READ_CHARACTERS]
    shown = _from_html(read) if email.html.strip() else _paragraphs(read)
    if not shown.strip():
        return CUT if len(raw) > len(read) else ""
    content = f"<hr>{shown}"
    if len(raw) == len(read) and len(content.encode()) <= room:
        return content
    return _shortened(content, room - len(CUT.encode())) + CUT


def _from_html(html: str) -> str:
    return _clean(html) if _depth(html) <= DEEPEST else _paragraphs(_TAG.sub(" ", html))


def _shortened(html: str, room: int) -> str:
    """As much of clean HTML as fits, every tag closed."""
    wanted = room
    while wanted > 0:
        part = html.encode()[:wanted].decode(errors="ignore")
        if part.rfind("<") > part.rfind(">"):
            part = part[: part.rfind("<")]
        closed = _clean(part)
        if len(closed.encode()) <= room:
            return closed
        wanted -= max(len(closed.encode()) - room, wanted // 10, 1)
    return ""


def _clean(html: str) -> str:
    """Without scripts, styles, forms and pictures, and links as mere text.

    Nobody who reads it in Pipedrive opens the e-mail or clicks a link on the prospect's behalf: tracking pictures and
    links would be counted as the prospect's own, and start automations.
    """
    return nh3.clean(html, tags=set(TAGS), attributes={}, link_rel=None)


_TAG = re.compile(r"<[^<>]*>")
_TAG_START = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_NOT_NESTED = frozenset(
    [
        "area",
        "br",
        "col",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "wbr",
        "p",
        "li",
        "tr",
        "td",
        "th",
        "dd",
        "dt",
        "option",
    ]
)


def _depth(html: str) -> int:
    """How deep elements are nested at most, roughly; what a parser closes by itself is not counted."""
    depth = deepest = 0
    for closing, name in _TAG_START.findall(html):
        if name.lower() not in _NOT_NESTED:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _paragraphs(text: str) -> str:
    blocks = [block for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]
    return "".join(f"<p>{escape(block.strip()).replace(chr(10), '<br>')}</p>" for block in blocks)


# --- When it is written


def look_at(
    event: CampaignEvent,
    *,
    worth: Collection[Trigger],
    written: bool,
    now: datetime,
    tight: bool,
) -> datetime | None:
    """When the activity of this event's e-mail is to be written; None where the event is not worth it.

    `written`: the activity is there already. `tight`: the budget is, so what happens within hours is told in one write.
    """
    trigger = event.trigger
    if trigger is None or event.email_id is None:
        return None
    if tight:
        return now + DIGEST_FOLDING if not written or trigger in worth else None
    if not written:
        return now
    if trigger is Trigger.EMAIL_SENT or trigger not in worth:
        return None
    return now + (URGENT_FOLDING if trigger in URGENT else FOLDING)
