"""What a prospect holds, read from raw input and laid over a prospect. Pure: nothing is read or saved here.

Only keys that are given count: a key that is not there leaves its field alone, an empty value empties it. Every fault is
collected under its key before anything is refused, so that one answer names them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices
from django.utils import timezone

from tidegate.errors import Invalid
from tidegate.prospects.models import Consent, CustomField, EmailStatus, FieldType, Prospect
from tidegate.prospects.search_keys import fill_keys
from tidegate.prospects.values import (
    FieldShape,
    Json,
    Unfit,
    clean_text,
    normal_email,
    read_email,
    read_phone,
    read_value,
    why_unknown,
)
from tidegate.words import say

TEXT_KEYS = ("first_name", "last_name", "company", "job_title")
MAX_TEXT = 255
MAX_ENTRIES = 50
"""Addresses or numbers of one prospect."""
KNOWN_KEYS = frozenset(
    {*TEXT_KEYS, "email", "emails", "phone", "phones", "email_status", "consent", "custom"}
)

Entry = dict[str, str]
"""{"value", "label"}: an address or a number as written."""


@dataclass(frozen=True, slots=True)
class Content:
    """Checked values of those fields that were given."""

    texts: Mapping[str, str] = field(default_factory=dict)
    email: str | None = None
    """The primary address alone: "" removes it, None leaves it."""
    emails: tuple[Entry, ...] | None = None
    """All addresses, the primary one first."""
    phone: str | None = None
    phones: tuple[Entry, ...] | None = None
    email_status: str | None = None
    consent: str | None = None
    """At least as tight as this; a looser one changes nothing."""
    custom: Mapping[str, Json] = field(default_factory=dict)
    """None empties the field."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The given addresses in normal form, the primary one first."""
        given = [self.email] if self.email else []
        given += [entry["value"] for entry in self.emails or ()]
        return tuple(dict.fromkeys(map(normal_email, given)))

    @property
    def changes_addresses(self) -> bool:
        return self.email is not None or self.emails is not None


Shapes = Mapping[str, FieldShape]
"""Custom field key -> what its values must fit."""


def shapes_of(fields: Sequence[CustomField]) -> dict[str, FieldShape]:
    return {item.key: FieldShape(FieldType(item.type), tuple(item.options)) for item in fields}


def read_content(raw: Mapping[str, object], shapes: Shapes) -> Content:
    """Raises Invalid with all faults by key; those of custom fields under `custom.KEY`."""
    content, faults = read_what_fits(raw, shapes)
    if faults:
        raise Invalid(faults_in_words(faults), errors=faults)
    return content


def faults_in_words(faults: Mapping[str, Sequence[str]]) -> str:
    return " ".join(
        say("{field}: {reason}", field=key, reason=text) for key, texts in faults.items() for text in texts
    )


def read_what_fits(raw: Mapping[str, object], shapes: Shapes) -> tuple[Content, dict[str, list[str]]]:
    """The content without what does not fit, and what does not fit, by key."""
    reader = _Reader(raw, shapes)
    return reader.content(), reader.faults


class _Reader:
    """Reads each key by itself and collects the faults."""

    def __init__(self, raw: Mapping[str, object], shapes: Shapes) -> None:
        self.raw = raw
        self.shapes = shapes
        self.faults: dict[str, list[str]] = {}

    def content(self) -> Content:
        for key in self.raw.keys() - KNOWN_KEYS:
            self.fault(key, why_unknown(self.raw))
        return Content(
            texts=self.texts(),
            email=self.single("email", read_email),
            emails=self.entries("emails", read_email, normal_email),
            phone=self.single("phone", read_phone),
            phones=self.entries("phones", read_phone, str),
            email_status=self.word("email_status", EmailStatus),
            consent=self.word("consent", Consent),
            custom=self.custom(),
        )

    def fault(self, key: str, text: str) -> None:
        self.faults.setdefault(key, []).append(text)

    def texts(self) -> dict[str, str]:
        found = {}
        for key in TEXT_KEYS:
            if key in self.raw:
                try:
                    found[key] = clean_text(self.raw[key] if self.raw[key] is not None else "", MAX_TEXT)
                except Unfit as error:
                    self.fault(key, str(error))
        return found

    def single(self, key: str, read: Any) -> str | None:
        if key not in self.raw:
            return None
        value = self.raw[key]
        if value is None or value == "" or (isinstance(value, str) and not value.strip()):
            return ""
        try:
            return str(read(value))
        except Unfit as error:
            self.fault(key, str(error))
            return None

    def entries(self, key: str, read: Any, same: Any) -> tuple[Entry, ...] | None:
        if key not in self.raw:
            return None
        items = self.raw[key] if self.raw[key] is not None else []
        if not isinstance(items, list | tuple) or len(items) > MAX_ENTRIES:
            self.fault(key, say("This must be a list of at most {limit} items.", limit=MAX_ENTRIES))
            return None
        found: dict[str, Entry] = {}
        for item in items:
            try:
                entry = _entry(item, read)
            except Unfit as error:
                self.fault(key, str(error))
                continue
            found.setdefault(same(entry["value"]), entry)
        return tuple(found.values())

    def word(self, key: str, choices: type[TextChoices]) -> str | None:
        """One of these words, or its label."""
        raw = self.raw.get(key)
        if raw in (None, ""):
            return None
        asked = str(raw).strip().lower()
        known = {str(choice.label).lower(): choice.value for choice in choices}
        known |= {choice.value: choice.value for choice in choices}
        if asked not in known:
            self.fault(key, say("This must be one of {choices}.", choices=", ".join(choices.values)))
            return None
        return str(known[asked])

    def custom(self) -> dict[str, Json]:
        raw = self.raw.get("custom")
        if raw is None:
            return {}
        if not isinstance(raw, Mapping):
            self.fault("custom", say("This must be an object of field keys and values."))
            return {}
        found: dict[str, Json] = {}
        for key, value in raw.items():
            if key not in self.shapes:
                self.fault(f"custom.{key}", say("There is no custom field with this key."))
                continue
            try:
                found[key] = read_value(self.shapes[key], value)
            except Unfit as error:
                self.fault(f"custom.{key}", str(error))
        return found


def _entry(item: object, read: Any) -> Entry:
    if isinstance(item, Mapping):
        if item.keys() - {"value", "label"}:
            raise Unfit(say("An item is a text, or an object of value and label."))
        return {"value": read(item.get("value")), "label": clean_text(item.get("label") or "", 40)}
    return {"value": read(item), "label": ""}


def lay_over(prospect: Prospect, content: Content) -> bool:
    """Write the content into the prospect; whether anything is really different from before."""
    before = _held(prospect)
    for key, text in content.texts.items():
        setattr(prospect, key, text)
    primary_before = normal_email(prospect.email)
    prospect.emails = _entries_after(prospect.emails, content.email, content.emails, normal_email)
    prospect.phones = _entries_after(prospect.phones, content.phone, content.phones, str)
    if content.email_status is not None:
        prospect.email_status = content.email_status
    elif normal_email(prospect.email) != primary_before:
        # What was found out about the old address says nothing about the new one.
        prospect.email_status = EmailStatus.UNVERIFIED
    if content.consent is not None and is_tighter(content.consent, prospect.consent):
        prospect.consent, prospect.consent_at = content.consent, timezone.now()
    prospect.custom = _custom_after(prospect.custom, content.custom)
    fill_keys(prospect)
    return _held(prospect) != before


def fill_up(prospect: Prospect, content: Content) -> bool:
    """Write into empty fields alone, and add addresses and numbers; whether anything is different from before."""
    texts = {key: text for key, text in content.texts.items() if text and not getattr(prospect, key)}
    custom = {key: value for key, value in content.custom.items() if key not in prospect.custom}
    phones = content.phones or (({"value": content.phone, "label": ""},) if content.phone else ())
    narrowed = Content(
        texts=texts,
        emails=with_added_addresses(prospect, content).emails,
        phones=None if prospect.phones else phones or None,
        email_status=content.email_status if prospect.email_status == EmailStatus.UNVERIFIED else None,
        consent=content.consent,
        custom=custom,
    )
    return lay_over(prospect, narrowed)


def with_added_addresses(prospect: Prospect, content: Content) -> Content:
    """The content with its addresses added to those the prospect has: found by an address, it keeps its primary one."""
    have = {normal_email(entry["value"]) for entry in prospect.emails}
    given = [{"value": content.email, "label": ""}] if content.email else []
    added = [entry for entry in (*given, *(content.emails or ())) if normal_email(entry["value"]) not in have]
    distinct = {normal_email(entry["value"]): entry for entry in reversed(added)}
    emails = (*prospect.emails, *reversed(distinct.values())) if distinct else None
    return Content(
        texts=content.texts,
        emails=emails,
        phone=content.phone,
        phones=content.phones,
        email_status=content.email_status,
        consent=content.consent,
        custom=content.custom,
    )


def _held(prospect: Prospect) -> tuple[Any, ...]:
    return (
        *(getattr(prospect, key) for key in TEXT_KEYS),
        list(prospect.emails),
        list(prospect.phones),
        prospect.email_status,
        prospect.consent,
        dict(prospect.custom),
    )


def _entries_after(
    now: list[Entry], primary: str | None, every: tuple[Entry, ...] | None, same: Any
) -> list[Entry]:
    """The entries after a change; those that stay keep their spelling's label."""
    labels = {same(entry["value"]): entry["label"] for entry in now}
    entries = list(now)
    if every is not None:
        entries = [
            {**entry, "label": entry["label"] or labels.get(same(entry["value"]), "")} for entry in every
        ]
    if primary is None:
        return entries
    rest = entries if every is not None else entries[1:]
    if not primary:
        return rest
    first = {"value": primary, "label": labels.get(same(primary), "")}
    if every is None and entries and same(primary) not in labels:
        first["label"] = entries[0]["label"]
    was_secondary = every is None and any(same(entry["value"]) == same(primary) for entry in rest)
    kept = entries if was_secondary else rest
    return [first, *(entry for entry in kept if same(entry["value"]) != same(primary))]


def _custom_after(now: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
    after = dict(now)
    for key, value in given.items():
        if value is None:
            after.pop(key, None)
        elif not _same_address(after.get(key), value):
            after[key] = value
    return after


def _same_address(now: Json, given: Json) -> bool:
    """An address whose text stays keeps its parts, which a form or a file does not show."""
    return (
        isinstance(now, dict)
        and isinstance(given, dict)
        and "text" in given
        and not given.get("parts")
        and (now.get("text") == given["text"])
    )


def is_tighter(new: str, now: str) -> bool:
    """Consents in their order: open, bounced, unsubscribed."""
    order = Consent.values
    return order.index(new) > order.index(now)


def is_nobody(prospect: Prospect) -> bool:
    """Whether there is nothing by which a person would know this prospect."""
    return not (
        prospect.first_name or prospect.last_name or prospect.emails or prospect.company or prospect.phones
    )
