"""Deliveries of e-mail service providers: is it genuine, what does it tell, store it. Nothing else happens before the answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from tidegate.adapters.mail_providers.providers import INBOUND, PROVIDERS, Provider, read_delivery
from tidegate.adapters.mail_providers.translate import Reply, as_json, reply_of, told_of
from tidegate.config import config
from tidegate.errors import DeliveryRejected, Invalid, NotGenuine
from tidegate.prospects import campaign_queries
from tidegate.prospects.authors import Author
from tidegate.prospects.content import faults_in_words
from tidegate.prospects.events.recording import MAX_EVENTS, EventOutcome, Telling, record_events
from tidegate.store.mail_providers import (
    find_mail_provider,
    keep_signing_key,
    make_mail_provider,
    note_delivery,
    note_dropped,
    note_refusal,
    secret_of,
    signing_key_of,
)
from tidegate.store.models import MailProvider, Workspace
from tidegate.wiring.amazon import take_sns
from tidegate.words import say


def add_mail_provider(workspace: Workspace, name: str, signing_key: str = "", *, actor: str) -> MailProvider:
    """An address for a provider. Raises Invalid.

    Many show the key by which they sign only once they know the address: it may be entered later (`set_signing_key`), and
    until then nothing they deliver is taken.
    """
    if name not in PROVIDERS:
        raise Invalid(errors={"provider": [say("Must be one of {choices}.", choices=", ".join(PROVIDERS))]})
    if signing_key:
        _check_signing_key(PROVIDERS[name], signing_key)
    return make_mail_provider(workspace, name, signing_key, actor=actor)


def set_signing_key(row: MailProvider, signing_key: str, *, actor: str) -> None:
    """What it signs with from now on. Raises Invalid."""
    _check_signing_key(PROVIDERS[row.provider], signing_key)
    keep_signing_key(row, signing_key, actor=actor)


def _check_signing_key(provider: Provider, signing_key: str) -> None:
    signing = provider.signing
    if signing is None:
        wrong = say("{provider} has no signing key; leave it out.", provider=provider.label)
    elif not signing_key.isascii() or signing.load(signing_key) is None:
        wrong = say(
            "This is no {what} of {provider}. Copy it as a whole.",
            what=signing.called,
            provider=provider.label,
        )
    else:
        return
    raise Invalid(errors={"signing_key": [wrong]})


def addresses_of(row: MailProvider) -> dict[str, str]:
    """Where the provider is to deliver, by what (TRACKING, INBOUND); empty where it can't be shown again."""
    secret = secret_of(row)
    if secret is None:
        return {}
    base = f"{config.public_url}/hooks/esp/{secret}/{row.provider}"
    return {kind: f"{base}/{kind}/" for kind in PROVIDERS[row.provider].views}


def awaits_key(row: MailProvider) -> bool:
    return PROVIDERS[row.provider].signing is not None and row.signing_key is None


def receive_from_provider(secret: str, name: str, kind: str, request: HttpRequest) -> int:
    """Store what a delivery tells; how many events were new.

    Raises NotGenuine, Malformed, NotHandled; RemoteUnavailable where Amazon can't be asked for its certificate.
    """
    row = find_mail_provider(secret, name)
    if row is None:
        raise NotGenuine(say("There is no e-mail service provider at this address."))
    try:
        if PROVIDERS[name].by_sns:
            take_sns(request)
        events = read_delivery(name, kind, request, signing_key_of(row))
    except DeliveryRejected as error:
        note_refusal(row, error.user_message)
        raise
    note_delivery(row)
    author = Author(row.workspace_id, PROVIDERS[name].label, "hook")
    now = timezone.now()
    if kind == INBOUND:
        tellings = _replies(author.workspace_id, [reply_of(name, event) for event in events], now)
    else:
        told = [(told_of(name, event, now), event) for event in events]
        tellings = [Telling(words, _original(event)) for words, event in told if words is not None]
    return _record(author, row, tellings)


def _record(author: Author, row: MailProvider, tellings: Sequence[Telling]) -> int:
    """What can't be taken (an address that is none) is left out: sent again, it would be no better. The last one is kept to be seen."""
    new = 0
    for start in range(0, len(tellings), MAX_EVENTS):
        batch = tellings[start : start + MAX_EVENTS]
        results = record_events(author, batch, source=row.provider)
        new += sum(result.outcome is EventOutcome.CREATED for result in results)
        faulty = [number for number, result in enumerate(results) if result.outcome is EventOutcome.REJECTED]
        if faulty:
            last = faulty[-1]
            note_dropped(row, as_json(batch[last].told), faults_in_words(results[last].errors))
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
