"""A provider's events in the words of the prospect store. Pure.

Providers promise no id of an event, and repeat deliveries: its key is a digest of what makes it the event it is.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from tidegate.prospects.events.automatic import is_automatic
from tidegate.prospects.models import EventType

SENT_EMAIL, CAMPAIGN = "sent_email", "campaign"
"""Metadata by which whoever sends says which campaign e-mail a message is, and of which campaign."""
CAMPAIGN_TAG = "campaign-"
TYPES: Mapping[str, str] = {
    "sent": EventType.EMAIL_SENT,
    "delivered": EventType.EMAIL_DELIVERED,
    "deferred": EventType.EMAIL_DELAYED,
    "opened": EventType.EMAIL_OPENED,
    "clicked": EventType.LINK_CLICKED,
    "bounced": EventType.EMAIL_BOUNCED,
    "rejected": EventType.EMAIL_FAILED,
    "failed": EventType.EMAIL_FAILED,
    "unsubscribed": EventType.UNSUBSCRIBED,
    "complained": EventType.UNSUBSCRIBED,
    "autoresponded": EventType.EMAIL_REPLIED,
}
"""anymail's types -> ours. Those that are not here are kept under anymail's name; `queued` says nothing."""
FOR_GOOD = frozenset({"bounced", "invalid"})
"""Reasons of a refusal that will not pass."""
WITHDRAWN = frozenset({"unsubscribed", "spam"})
MAX_REPLY, MAX_RAW_TEXT = 5_000, 200_000


def told_of(provider: str, event: Any, now: datetime) -> dict[str, object] | None:
    """A tracking event as the store takes it; None where it says nothing of use."""
    kind = str(event.event_type)
    if kind == "queued" or not (event.recipient or event.message_id):
        return None
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    message_id = _message_id(provider, event)
    email = {"id": str(metadata.get(SENT_EMAIL) or "")[:200], "message_id": message_id[:400]}
    campaign = str(metadata.get(CAMPAIGN) or _campaign_tag(event.tags))[:200]
    told: dict[str, object] = {
        "key": _key(provider, kind, event, message_id),
        "type": type_of(provider, kind, event),
        "at": event.timestamp or now,
        "prospect": {"email": str(event.recipient)} if event.recipient else {},
        "email": {name: text for name, text in email.items() if text},
        "campaign": {"id": campaign} if campaign else {},
        "url": str(event.click_url or "")[:20_000],
        "reason": str(event.description or event.mta_response or "")[:2_000],
        "automatic": kind == "autoresponded" or is_machine(provider, event.esp_event),
    }
    return {name: value for name, value in told.items() if value}


def type_of(provider: str, kind: str, event: Any) -> str:
    """Ours. A bounce that may pass is a delay; a refusal counts as what it was refused for."""
    if kind == "bounced" and may_pass(provider, event.esp_event):
        return EventType.EMAIL_DELAYED
    if kind in ("rejected", "failed"):
        if event.reject_reason in WITHDRAWN:
            return EventType.UNSUBSCRIBED
        if event.reject_reason in FOR_GOOD:
            return EventType.EMAIL_BOUNCED
    return TYPES.get(kind, kind)


def may_pass(provider: str, raw: Any) -> bool:
    """Whether a bounce is a soft one: providers say so in their own ways, which anymail does not tell apart."""
    if not isinstance(raw, Mapping):
        return False
    match provider:
        case "postmark":
            return raw.get("Type") not in ("HardBounce", "BadEmailAddress", None)
        case "brevo":
            return raw.get("event") == "soft_bounce"
        case "mailersend":
            return bool(raw.get("type") == "activity.soft_bounced")
        case "mailjet":
            return raw.get("hard_bounce") in (False, 0)
        case "sparkpost":
            events = list((raw.get("msys") or {}).values())
            return bool(events) and str(events[0].get("bounce_class")) not in ("10", "30")
        case "sendgrid":
            return raw.get("type") == "blocked"
        case "resend":
            bounce = (raw.get("data") or {}).get("bounce")
            return isinstance(bounce, Mapping) and bounce.get("type") not in ("Permanent", None)
        case "amazon_ses":
            bounce = raw.get("bounce")
            return isinstance(bounce, Mapping) and bounce.get("bounceType") != "Permanent"
    return False


def is_machine(provider: str, raw: Any) -> bool:
    """Whether the provider knows that a program opened or clicked, not a person."""
    if not isinstance(raw, Mapping):
        return False
    match provider:
        case "brevo":
            return raw.get("event") in ("proxy_open", "unique_proxy_open")
        case "mailgun":
            data = raw.get("event-data")
            return isinstance(data, Mapping) and bool((data.get("client-info") or {}).get("bot"))
        case "sendgrid":
            return raw.get("sg_machine_open") in (True, "true")
    return False


def _message_id(provider: str, event: Any) -> str:
    """What the provider called the message when it took it.

    SendGrid answers the sender with the first part of `sg_message_id`, and tells of its `smtp-id` only until it is delivered.
    """
    raw = event.esp_event
    of_sendgrid = provider == "sendgrid" and isinstance(raw, Mapping) and not raw.get("anymail_id")
    named = raw.get("sg_message_id") if of_sendgrid else None
    return str(named).partition(".")[0] if named else str(event.message_id or "").strip().strip("<>")


def _campaign_tag(tags: Any) -> str:
    """The campaign that a tag names, as in `campaign-12`."""
    named = [str(tag) for tag in tags or () if str(tag).startswith(CAMPAIGN_TAG)]
    return named[0].removeprefix(CAMPAIGN_TAG) if named else ""


def _key(provider: str, kind: str, event: Any, message_id: str) -> str:
    if event.timestamp is not None:
        parts = [kind, message_id, event.recipient, event.timestamp.isoformat(), event.click_url]
    elif event.event_id:
        parts = [kind, event.event_id]
    else:
        parts = [orjson.dumps(as_json(event.esp_event), option=orjson.OPT_SORT_KEYS).decode()]
    return f"{provider}:{_digest(parts)}"


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256("\n".join(str(part or "") for part in parts).encode()).hexdigest()[:40]


def as_json(raw: Any) -> Any:
    """A delivery as JSON that PostgreSQL takes: forms as their fields, and no NUL characters."""
    plain = raw.dict() if hasattr(raw, "dict") else raw
    return orjson.loads(
        orjson.dumps(plain, default=str, option=orjson.OPT_NON_STR_KEYS).replace(b"\\u0000", b"")
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An inbound message, and by what the e-mail it answers may be known, the surest first."""

    key: str
    sender: str
    text: str
    automatic: bool
    email_keys: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict)


def reply_of(provider: str, event: Any) -> Reply:
    """The reply in an inbound event.

    `reply+KEY@...` in the address it was sent to names the campaign e-mail; In-Reply-To and References name messages.
    """
    message = event.message
    headers = {name: str(value) for name, value in message.items()}
    answered = f"{message.get('In-Reply-To', '')} {' '.join(reversed(message.get('References', '').split()))}"
    ids = tuple(dict.fromkeys(item.strip("<>") for item in re.findall(r"<[^<>\s]+>", answered)))
    addressed = [message.envelope_recipient, *(entry.addr_spec for entry in message.to)]
    keys = [match[1] for item in addressed if (match := re.match(r"[^+@]+\+([^@]+)@", item or ""))]
    text = str(message.stripped_text or message.text or "")
    own_id = str(message.get("Message-ID", "")).strip("<> ")
    sender = message.from_email.addr_spec if message.from_email else (message.envelope_sender or "")
    return Reply(
        key=f"{provider}:{_digest(['inbound', own_id or event.event_id or repr(headers), sender])}",
        sender=sender,
        text=text.strip()[:MAX_REPLY],
        automatic=is_automatic(headers, envelope_sender=message.envelope_sender),
        email_keys=tuple(dict.fromkeys(keys)),
        message_ids=ids,
        raw=as_json({"headers": headers, "text": text[:MAX_RAW_TEXT]}),
    )
