"""Deliveries of e-mail service providers: is it genuine, what does it tell, store it. Nothing else happens before the answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from tidegate.adapters.mail_providers.providers import INBOUND, PROVIDERS, read_delivery
from tidegate.adapters.mail_providers.translate import Reply, as_json, reply_of, told_of
from tidegate.config import config
from tidegate.errors import Invalid, NotGenuine
from tidegate.prospects import campaign_queries
from tidegate.prospects.authors import Author
from tidegate.prospects.events.recording import MAX_EVENTS, EventOutcome, Telling, record_events
from tidegate.store.mail_providers import (
    find_mail_provider,
    make_mail_provider,
    note_delivery,
    signing_key_of,
)
from tidegate.store.models import MailProvider, Workspace


def add_mail_provider(
    workspace: Workspace, name: str, signing_key: str = ""
) -> tuple[MailProvider, dict[str, str]]:
    """A provider and its addresses, by what is delivered there; they can't be read again. Raises Invalid."""
    provider = PROVIDERS.get(name)
    if provider is None:
        raise Invalid(errors={"provider": [f"Must be one of {', '.join(PROVIDERS)}."]})
    if provider.key_name and not signing_key:
        raise Invalid(
            errors={"signing_key": [f"{provider.label} signs its deliveries: enter its signing key."]}
        )
    if signing_key and not provider.key_name:
        raise Invalid(
            errors={"signing_key": [f"{provider.label} does not sign its deliveries; leave it out."]}
        )
    if not signing_key.isascii():
        raise Invalid(errors={"signing_key": ["A signing key has ASCII characters alone."]})
    row, secret = make_mail_provider(workspace, name, signing_key)
    return row, {kind: f"{config.public_url}/hooks/esp/{secret}/{name}/{kind}/" for kind in provider.views}


def provider_names(workspace: Workspace) -> list[str]:
    """What the providers that deliver here are called."""
    there = set(MailProvider.objects.filter(workspace=workspace).values_list("provider", flat=True))
    return [provider.label for name, provider in PROVIDERS.items() if name in there]


def receive_from_provider(secret: str, name: str, kind: str, request: HttpRequest) -> int:
    """Store what a delivery tells; how many events were new. Raises NotGenuine, Malformed, NotHandled."""
    row = find_mail_provider(secret, name)
    if row is None:
        raise NotGenuine("There is no e-mail service provider at this address.")
    events = read_delivery(name, kind, request, signing_key_of(row))
    note_delivery(row)
    author = Author(row.workspace_id, PROVIDERS[name].label, "hook")
    now = timezone.now()
    if kind == INBOUND:
        tellings = _replies(author.workspace_id, [reply_of(name, event) for event in events], now)
    else:
        told = [(told_of(name, event, now), event) for event in events]
        tellings = [Telling(words, _original(event)) for words, event in told if words is not None]
    return _record(author, name, tellings)


def _record(author: Author, name: str, tellings: Sequence[Telling]) -> int:
    """What can't be taken (an address that is none) is left out: sent again, it would be no better."""
    new = 0
    for start in range(0, len(tellings), MAX_EVENTS):
        results = record_events(author, tellings[start : start + MAX_EVENTS], source=name)
        new += sum(result.outcome is EventOutcome.CREATED for result in results)
    return new


def _original(event: Any) -> dict[str, Any]:
    raw = as_json(event.esp_event)
    return raw if isinstance(raw, dict) else {"event": raw}


def _replies(workspace_id: UUID, replies: Sequence[Reply], now: datetime) -> list[Telling]:
    """Replies to e-mails we know, or of prospects. Other mail is nobody's business here and is not kept."""
    found = []
    for reply in replies:
        told: dict[str, object] = {
            "key": reply.key,
            "type": "email_replied",
            "at": now,
            "reason": reply.text,
            "automatic": reply.automatic,
        }
        email = campaign_queries.find_answered(workspace_id, reply.email_keys, reply.message_ids)
        if email is not None:
            found.append(Telling({**told, "email": {"id": email.key}}, reply.raw))
        elif campaign_queries.has_address(workspace_id, reply.sender):
            found.append(Telling({**told, "prospect": {"email": reply.sender}}, reply.raw))
    return found
