"""What a refusal of Pipedrive's means for us, by status and body. Pure.

By https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes: 400 concerns the record, 401 the authorisation, 402 and 403 need a
person (or, as an HTML page, a pause), 404 and 410 mean gone, 429 and 5xx pass. Messages name the record and the field in
plain words, and carry Pipedrive's own words, never a header.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.adapters.http import Answer
from tidegate.adapters.pipedrive import prices
from tidegate.adapters.pipedrive.prices import Endpoint
from tidegate.core.catalogue import Field
from tidegate.errors import (
    AuthorizationLost,
    BudgetSpent,
    InvalidForRemote,
    MappingBroken,
    NeedsAttention,
    PermissionMissing,
    RateLimited,
    RecordGone,
    RecordRejected,
    RemoteUnavailable,
    TidegateError,
)
from tidegate.words import say

EDGE_PAUSE = 600.0
"""Seconds of silence after an HTML 403: the edge blocks those who go on
(https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting)."""
DAILY_PROBE = 1800.0
"""How soon to look again whether the daily budget has begun anew; the time zone of the reset is not documented."""
BURST_PAUSE = 2.0
LONGEST_BURST_PAUSE = 60.0

_CUSTOM_KEY = re.compile(r"\b[0-9a-f]{40}\b")
_NESTED = re.compile(r"custom_fields[.:] ?(?=[0-9a-f]{40}\b)")
_UNKNOWN_KEY = re.compile(
    r"unknown key '?([0-9a-z_]+)'?|custom_fields\.?([0-9a-f]{40})[^;]*not allowed", re.IGNORECASE
)
_PLAIN_WORDS = {
    "owner_id": "owner",
    "org_id": "organization",
    "person_id": "person",
    "participants": "person",
    "deal_id": "deal",
    "stage_id": "stage",
    "pipeline_id": "pipeline",
    "due_date": "due date",
    "emails": "e-mail addresses",
    "phones": "phone numbers",
    "label_ids": "labels",
    "first_name": "first name",
    "last_name": "last name",
    "job_title": "job title",
    "custom_fields": "custom fields",
    "subscription_url": "address of the webhook",
}
_VENDOR_WORD = re.compile(r"\b(" + "|".join(_PLAIN_WORDS) + r")\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: the endpoint, and what the message calls the record."""

    endpoint: Endpoint
    about: str
    fields: Sequence[Field] = ()


def refusal(answer: Answer, body: object, asked: Asked) -> TidegateError | None:
    """The error this answer stands for, its body parsed; None where it is an answer."""
    if 200 <= answer.status < 300:
        return _refusal_in_disguise(body, asked)
    match answer.status:
        case 400:
            return _bad_input(said(body), asked)
        case 401:
            return AuthorizationLost(
                say(
                    "Pipedrive no longer accepts this connection’s authorisation. Reconnect it on the Integrations page."
                )
            )
        case 402:
            return NeedsAttention(
                say(
                    "The Pipedrive company is not open: its trial is over or it is unpaid. Settle that in Pipedrive, then resume."
                )
            )
        case 403:
            return _forbidden(answer, body, asked)
        case 404 | 410:
            return RecordGone(
                say(
                    "Pipedrive does not show {about}: deleted, merged away or not visible to the user.",
                    about=asked.about,
                ),
                deleted=answer.status == 410,
            )
        case 422 if asked.endpoint is prices.CREATE_WEBHOOK:
            return RecordRejected(
                say(
                    "Pipedrive did not take {about}: its user has reached the limit of 40 webhooks. "
                    "Remove some in Pipedrive that are not needed; this is tried again by itself.",
                    about=asked.about,
                )
            )
        case 429:
            return _too_many(answer.headers)
        case status if status >= 500:
            return RemoteUnavailable(
                say(
                    "Pipedrive could not handle {about} (status {code}); this is tried again by itself.",
                    about=asked.about,
                    code=status,
                ),
                retry_after=_seconds(answer.headers.get("retry-after")),
            )
    return InvalidForRemote(
        say(
            "Pipedrive refused {about} (status {code}): {words}.",
            about=asked.about,
            code=answer.status,
            words=said(body),
        )
    )


def said(body: object) -> str:
    """Pipedrive's own words, whichever of its shapes they come in."""
    if not isinstance(body, Mapping):
        return ""
    errors = body.get("errors")
    if isinstance(errors, Mapping):
        return "; ".join(f"{key}: {', '.join(map(str, _listed(texts)))}" for key, texts in errors.items())
    text = body.get("error") or body.get("message") or ""
    return str(text).removesuffix(".")


def _listed(texts: object) -> Sequence[object]:
    return texts if isinstance(texts, list) else [texts]


def _refusal_in_disguise(body: object, asked: Asked) -> TidegateError | None:
    """A 200 with `success` false has been reported, and a proxy may answer with a page of its own."""
    if not isinstance(body, Mapping):
        return RemoteUnavailable(
            say(
                "Pipedrive’s answer about {about} could not be read; this is tried again by itself.",
                about=asked.about,
            )
        )
    return _bad_input(said(body), asked) if body.get("success") is False else None


def _bad_input(text: str, asked: Asked) -> TidegateError:
    found = _UNKNOWN_KEY.search(text)
    key = next(filter(None, found.groups()), None) if found else None
    if key is not None:
        name = _field_name(key, asked.fields)
        return MappingBroken(
            say(
                "{field} is no longer a field of Pipedrive: {about} was not written. "
                "Refresh the fields, then choose another one.",
                field=name[:1].upper() + name[1:],
                about=asked.about,
            ),
            field=key,
        )
    code = _CUSTOM_KEY.search(text)
    facts = {"field": code.group()} if code else {}
    return InvalidForRemote(
        say(
            "Pipedrive refused {about}: {reason}.",
            about=asked.about,
            reason=in_plain_words(text, asked.fields) or say("no reason given"),
        ),
        cure=say("Correct the value and retry."),
        **facts,
    )


def in_plain_words(text: str, fields: Sequence[Field]) -> str:
    """Pipedrive's text with names in place of keys, without the prefix that says nothing."""
    bare = _NESTED.sub("", text.removeprefix("Validation failed: "))
    named = _CUSTOM_KEY.sub(lambda match: _field_name(match.group(), fields), bare)
    return _VENDOR_WORD.sub(lambda match: _PLAIN_WORDS[match.group()], named)


def _field_name(key: str, fields: Sequence[Field]) -> str:
    """A custom field's key of forty characters tells nobody anything."""
    unknown = "a custom field" if _CUSTOM_KEY.fullmatch(key) else f"“{_PLAIN_WORDS.get(key, key)}”"
    return next((f"“{field.name}”" for field in fields if field.key == key), unknown)


def _forbidden(answer: Answer, body: object, asked: Asked) -> TidegateError:
    if not isinstance(body, Mapping):
        return RateLimited(
            say("Pipedrive’s edge has stopped our requests for a while; the work goes on after a pause."),
            retry_after=EDGE_PAUSE,
        )
    text, code = said(body), str(body.get("code") or "")
    if code.startswith("feature_capping"):
        return InvalidForRemote(
            say(
                "The Pipedrive plan’s limit is reached ({words}): {about} was not written.",
                words=text or code,
                about=asked.about,
            ),
            cure=say("Make room in Pipedrive or raise the plan, then retry."),
            code=code,
        )
    if "scope" in text.casefold():
        scope = asked.endpoint.scopes[0]
        return PermissionMissing(
            say(
                "The authorisation lacks the scope {scope}, which {about} needs. "
                "Add it to the app in Pipedrive’s Developer Hub, then reconnect.",
                scope=scope,
                about=asked.about,
            ),
            scope=scope,
        )
    if asked.endpoint is prices.UPDATE_DEAL:
        return InvalidForRemote(
            say(
                "Pipedrive does not let {about} be changed: it is archived, or the connected user lacks the right.",
                about=asked.about,
            ),
            forbidden=True,
        )
    if asked.endpoint.method == "PATCH" or "{id}" in asked.endpoint.path:
        return InvalidForRemote(
            say(
                "The connected Pipedrive user may not change or see {about}: {words}.",
                about=asked.about,
                words=text,
            ),
            cure=say("Ask a Pipedrive administrator for the right, then retry."),
            forbidden=True,
        )
    return PermissionMissing(
        say(
            "The connected Pipedrive user may not do this: {about} ({words}).",
            about=asked.about,
            words=text,
        ),
        cure=say("Ask a Pipedrive administrator for the right, or reconnect as another user."),
    )


def _too_many(headers: Mapping[str, str]) -> TidegateError:
    if headers.get("x-daily-ratelimit-token-remaining") == "0":
        return BudgetSpent(
            say(
                "Today’s API budget of the Pipedrive company is used up; the work goes on when it starts again."
            ),
            retry_after=DAILY_PROBE,
        )
    return RateLimited(
        say("Pipedrive asked for fewer requests; the work goes on in a moment."),
        retry_after=burst_pause(headers),
    )


def burst_pause(headers: Mapping[str, str]) -> float:
    """Seconds to keep still after a 429: what Pipedrive says, between the length of its window and a minute.

    The unit of x-ratelimit-reset is not documented; clients read seconds, and a moment in time would be cut to the minute.
    """
    told = _seconds(headers.get("retry-after")) or _seconds(headers.get("x-ratelimit-reset")) or 0.0
    return min(max(told, BURST_PAUSE), LONGEST_BURST_PAUSE)


def _seconds(raw: str | None) -> float | None:
    try:
        return max(0.0, float(raw)) if raw else None
    except ValueError:
        return None
