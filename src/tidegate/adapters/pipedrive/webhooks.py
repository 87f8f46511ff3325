"""Pipedrive's webhooks: is a delivery genuine, what happened, and which webhooks there should be. Pure.

A delivery has no signature: a secret address and Basic credentials are all there is. It may come twice, late, out of order
or never, so what it tells is only *look at this record*. Registering is "make it so": what is there is compared with what
should be, and the difference is created and deleted, so that saving twice leaves no litter.
"""

import binascii
import hmac
import json
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from tidegate.adapters.http import read_json
from tidegate.adapters.pipedrive.field_values import moment_from
from tidegate.adapters.pipedrive.translate import record_from
from tidegate.core.catalogue import Field
from tidegate.core.records import Record, Side
from tidegate.errors import Malformed, NotGenuine, NotHandled
from tidegate.ports import Happening, Webhook, WebhookRequest
from tidegate.words import say

Raw = Mapping[str, object]

FOLLOWED = frozenset({"person", "organization", "user", "pipeline", "stage"})
ACTIONS = frozenset({"create", "change", "delete"})
EVENT_OBJECTS = ("person", "organization", "user", "pipeline", "stage")
FIELD_OBJECTS = ("personField", "person_field")
"""Field definitions send events since 2026-05-21, under a name that is not documented: the first one that is accepted is used.
https://developers.pipedrive.com/changelog/post/new-webhooks-and-api-improvements"""

LONGEST_ID = 64

# --- Deliveries -------------------------------------------------------------------------------------------------------


def check_genuine(authorization: str | None, *, user: str, password: str) -> None:
    """Raises NotGenuine where the Authorization header is not ours; takes the same time whatever is wrong with it."""
    expected = f"{user}:{password}".encode()
    if not hmac.compare_digest(_basic_credentials(authorization), expected):
        raise NotGenuine(say("The delivery’s user or password is wrong."))


def _basic_credentials(authorization: str | None) -> bytes:
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        return b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""


def read_delivery(body: bytes, fields: Sequence[Field] = ()) -> list[Happening]:
    """What a delivery tells; the survivor of a merge tells of the other record too. Raises Malformed, NotHandled.

    With the account's `fields`, the happening carries the person as the delivery showed it.
    """
    meta, data, previous = _parsed(body)
    entity = _entity(meta)
    action, event_id = _word(meta, "action"), _word(meta, "id")
    if action not in ACTIONS:
        raise NotHandled(say("Nothing is done about “{action}”.", action=action))
    at = moment_from(meta.get("timestamp"))
    if at is None:
        raise Malformed(say("The delivery’s timestamp is neither ISO 8601 nor epoch seconds."))
    happening = Happening(
        event_id=event_id,
        entity=entity,
        record_id=_record_id(meta, entity),
        action=action,
        at=at,
        merged_into=_optional(meta, "merged_to_id"),
        actor_id=_optional(meta, "user_id"),
        company_id=_optional(meta, "company_id"),
        body=_body(entity, data, fields),
        before=_before(entity, data, previous, fields) if action == "change" else None,
        permitted=_permitted(meta),
        attempt=_attempt(meta),
        by_program=meta.get("change_source") == "api",
    )
    return [happening, *_merged_away(happening, meta)]


def _parsed(body: bytes) -> tuple[Raw, object, object]:
    try:
        parsed = read_json(body)
    except json.JSONDecodeError as error:
        raise Malformed(say("The delivery is not JSON.")) from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("meta"), dict):
        raise Malformed(say("The delivery has no “meta” object; is the webhook of version 2.0?"))
    return parsed["meta"], parsed.get("data"), parsed.get("previous")


def _entity(meta: Raw) -> str:
    entity = _word(meta, "entity")
    if entity in FOLLOWED:
        return entity
    bare = entity.casefold().replace("_", "").replace("-", "")
    if bare in ("personfield", "personfields"):
        return "person_field"
    raise NotHandled(say("Tidegate does not follow “{entity}”.", entity=entity))


def _record_id(meta: Raw, entity: str) -> str:
    """What we look at later goes into an address, so it must be a number; only fields are named by a code."""
    record_id = _word(meta, "entity_id")
    if len(record_id) > LONGEST_ID or (entity != "person_field" and not record_id.isdecimal()):
        raise Malformed(say("The delivery’s “entity_id” is no number: {record_id}", record_id=record_id[:40]))
    return record_id


def _word(meta: Raw, key: str) -> str:
    value = meta.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise Malformed(say("The delivery’s meta has no “{key}”.", key=key))
    return str(value)


def _optional(meta: Raw, key: str) -> str | None:
    value = meta.get(key)
    return (
        str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
    )


def _attempt(meta: Raw) -> int:
    value = meta.get("attempt")
    return value if isinstance(value, int) and not isinstance(value, bool) else 1


def _body(entity: str, data: object, fields: Sequence[Field]) -> Record | None:
    if not isinstance(data, dict) or "id" not in data:
        return None
    if entity == "person":
        return record_from(data, fields)
    if entity == "organization" and isinstance(data.get("name"), str):
        return Record(Side.PIPEDRIVE, str(data["id"]), name=data["name"])
    return None


def _permitted(meta: Raw) -> frozenset[str] | None:
    """Not said of users. An empty list is taken as nothing said, since somebody did it."""
    listed = meta.get("permitted_user_ids")
    return frozenset(map(str, listed)) if isinstance(listed, list) and listed else None


def _before(entity: str, data: object, previous: object, fields: Sequence[Field]) -> Record | None:
    """What the changed fields held. `previous` holds these alone, and is read as the whole record was: names and stand-ins
    can't be told from a part of it."""
    if entity != "person" or not isinstance(data, dict) or "id" not in data or not isinstance(previous, dict):
        return None
    earlier = {**data, **previous}
    customs = [raw.get("custom_fields") for raw in (data, previous)]
    earlier["custom_fields"] = {k: v for raw in customs if isinstance(raw, dict) for k, v in raw.items()}
    before, after = record_from(earlier, fields), record_from(data, fields)
    changed = {key: value for key, value in before.values.items() if value != after.value(key)}
    return replace(before, values=changed, emails=(), labels={})


def _merged_away(survivor: Happening, meta: Raw) -> list[Happening]:
    """The delete of the vanished record may be lost; the survivor's change tells the same."""
    vanished = _optional(meta, "merged_from_id")
    if vanished is None or not vanished.isdecimal() or len(vanished) > LONGEST_ID:
        return []
    return [
        Happening(
            event_id=f"{survivor.event_id}:merged",
            entity=survivor.entity,
            record_id=vanished,
            action="delete",
            at=survivor.at,
            merged_into=survivor.record_id,
            actor_id=survivor.actor_id,
            company_id=survivor.company_id,
        )
    ]


# --- Registration -----------------------------------------------------------------------------------------------------


def wanted_webhooks(url: str, user: str, password: str) -> tuple[WebhookRequest, ...]:
    """What a connection listens to, all of it at one address."""
    return _requests(EVENT_OBJECTS, url, user, password)


def wished_webhooks(url: str, user: str, password: str) -> tuple[WebhookRequest, ...]:
    """Names for one thing that is good to hear of, and that a daily look finds as well: whichever is accepted first."""
    return _requests(FIELD_OBJECTS, url, user, password)


def _requests(objects: Sequence[str], url: str, user: str, password: str) -> tuple[WebhookRequest, ...]:
    return tuple(
        WebhookRequest(
            url=url,
            event_object=event_object,
            event_action="*",
            name=f"Tidegate: {event_object}",
            user=user,
            password=password,
        )
        for event_object in objects
    )


def plan_webhooks(
    existing: Iterable[Webhook], wanted: Sequence[WebhookRequest]
) -> tuple[tuple[WebhookRequest, ...], tuple[str, ...]]:
    """(webhooks to create, ids to delete) that turn what is there into what is wanted; nothing when it is so already.

    Ours are those whose address has the path of a wanted one: it holds the connection's secret, so that another host name is
    still us and another app never is. Create before deleting, so that no event falls between.
    """
    paths = {urlsplit(request.url).path for request in wanted}
    ours = [webhook for webhook in existing if urlsplit(webhook.url).path in paths]
    kept: dict[WebhookRequest, str] = {}
    for webhook in ours:
        request = next((request for request in wanted if _serves(webhook, request)), None)
        if request is not None:
            kept.setdefault(request, webhook.id)
    create = tuple(request for request in wanted if request not in kept)
    delete = tuple(webhook.id for webhook in ours if webhook.id not in kept.values())
    return create, delete


def failing(existing: Iterable[Webhook], wanted: Sequence[WebhookRequest]) -> bool:
    """Whether one of ours was refused the last time: ten refused deliveries make a ban of half an hour, with loss."""
    ours = _active_ones_of(wanted, existing)
    return any(w.last_status is not None and not 200 <= w.last_status < 300 for w in ours)


def last_taken(existing: Iterable[Webhook], wanted: Sequence[WebhookRequest]) -> datetime | None:
    """When the latest delivery to one of ours was answered as well received, by Pipedrive's account."""
    ours = _active_ones_of(wanted, existing)
    taken = (w.last_delivery_at for w in ours if w.last_status is not None and 200 <= w.last_status < 300)
    return max((moment for moment in taken if moment is not None), default=None)


def _active_ones_of(wanted: Sequence[WebhookRequest], existing: Iterable[Webhook]) -> list[Webhook]:
    paths = {urlsplit(request.url).path for request in wanted}
    return [webhook for webhook in existing if webhook.is_active and urlsplit(webhook.url).path in paths]


def _serves(webhook: Webhook, request: WebhookRequest) -> bool:
    same_credentials = not webhook.password or (webhook.user, webhook.password) == (
        request.user,
        request.password,
    )
    return (
        webhook.is_active
        and same_credentials
        and webhook.url == request.url
        and webhook.event_object == request.event_object
        and webhook.event_action == request.event_action
    )


def webhook_from(raw: Raw) -> Webhook:
    status = raw.get("last_http_status")
    return Webhook(
        id=str(raw.get("id")),
        url=str(raw.get("subscription_url") or ""),
        event_object=str(raw.get("event_object") or ""),
        event_action=str(raw.get("event_action") or ""),
        is_active=bool(raw.get("is_active", True)) and str(raw.get("version") or "2.0").startswith("2"),
        last_delivery_at=moment_from(raw.get("last_delivery_time")),
        last_status=status if isinstance(status, int) else None,
        remove_reason=str(raw["remove_reason"]) if raw.get("remove_reason") else None,
        user=str(raw.get("http_auth_user") or ""),
        password=str(raw.get("http_auth_password") or ""),
    )
