"""What a Pipedrive account offers, from JSON to a catalogue: person fields, users, pipelines, stages. Pure.

System fields carry the keys of `core.records`, so that the settings say `email` where Pipedrive says `email` in its
definitions and `emails` in its records; custom fields carry their field code. A type that is not known here becomes a
read-only field of an unknown kind: it is shown, and never in the way.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tidegate.core import records
from tidegate.core.catalogue import (
    Field,
    Option,
    PersonFilter,
    PipedriveCatalogue,
    Pipeline,
    Stage,
    User,
)
from tidegate.core.values import KIND_WORDS, Kind, option_key
from tidegate.errors import InvalidForRemote
from tidegate.ports import Account
from tidegate.words import say

Raw = Mapping[str, object]

KINDS: Mapping[str, Kind] = {
    "varchar": Kind.TEXT,
    "varchar_auto": Kind.TEXT,
    "text": Kind.LONG_TEXT,
    "double": Kind.NUMBER,
    "int": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "monetary": Kind.MONEY,
    "date": Kind.DATE,
    "daterange": Kind.DATE_RANGE,
    "time": Kind.TIME,
    "timerange": Kind.TIME_RANGE,
    "enum": Kind.OPTION,
    "set": Kind.OPTIONS,
    "user": Kind.USER,
    "org": Kind.ORGANIZATION,
    "people": Kind.PERSON,
    "phone": Kind.PHONE,
    "address": Kind.ADDRESS,
}
CREATABLE: Mapping[Kind, str] = {
    Kind.TEXT: "varchar",
    Kind.LINK: "varchar",
    Kind.LONG_TEXT: "text",
    Kind.NUMBER: "double",
    Kind.MONEY: "monetary",
    Kind.DATE: "date",
    Kind.DATE_RANGE: "daterange",
    Kind.TIME: "time",
    Kind.TIME_RANGE: "timerange",
    Kind.OPTION: "enum",
    Kind.OPTIONS: "set",
    Kind.USER: "user",
    Kind.ORGANIZATION: "org",
    Kind.PERSON: "people",
    Kind.PHONE: "phone",
    Kind.ADDRESS: "address",
}
"""As what a custom field of a kind is made. Links become texts; yes or no, date with time and e-mail have no such type."""
MOST_NAME = 255
MOST_DIGITS = 15
"""A JSON number keeps this many for sure; Pipedrive's documents say 14 to 16."""
MOST_CHARACTERS: Mapping[str, int] = {"varchar": 255, "varchar_auto": 255, "phone": 255, "text": 65_000}

ALWAYS: tuple[Field, ...] = (
    Field(records.FIRST_NAME, "First name", Kind.TEXT, max_length=255),
    Field(records.LAST_NAME, "Last name", Kind.TEXT, max_length=255),
    Field(records.EMAIL, "Email", Kind.EMAIL),
    Field(records.PHONE, "Phone", Kind.PHONE),
    Field(records.ORGANIZATION, "Organization", Kind.TEXT, max_length=255),
)
"""Every person has these, whatever the definitions list."""

LABELS = "labels"
CONTACT_SYNC: Mapping[str, Kind] = {
    records.JOB_TITLE: Kind.TEXT,
    "notes": Kind.LONG_TEXT,
    "birthday": Kind.DATE,
    "postal_address": Kind.ADDRESS,
}
"""System fields that accounts with contact sync have, and that are written through their own property."""
CONTACT_SYNC_CHARACTERS: Mapping[str, int] = {records.JOB_TITLE: 255, "notes": 10_000}
ELSEWHERE = frozenset(
    {"name", "first_name", "last_name", "email", "phone", "org_id", "im", "picture", "picture_id"}
)
"""Definitions that stand for what `ALWAYS` names already, or that hold nothing to map."""


def catalogue_from(
    *,
    fields: Sequence[Raw],
    users: Sequence[Raw],
    pipelines: Sequence[Raw],
    stages: Sequence[Raw],
    filters: Sequence[Raw] = (),
    read_at: datetime,
    activity_types: Sequence[Raw] = (),
) -> PipedriveCatalogue:
    people = tuple(map(user_from, users))
    return PipedriveCatalogue(
        fields=person_fields(fields, people),
        users=people,
        pipelines=pipelines_from(pipelines, stages),
        read_at=read_at,
        activity_types=tuple(
            str(raw["key_string"]) for raw in activity_types if raw.get("active_flag", True)
        ),
        filters=tuple(
            PersonFilter(str(raw.get("id")), str(raw.get("name") or ""))
            for raw in filters
            if raw.get("active_flag", True) and not raw.get("temporary_flag")
        ),
    )


def person_fields(definitions: Iterable[Raw], users: Sequence[User]) -> tuple[Field, ...]:
    """The person fields a mapping can name, those every person has first."""
    user_options = options_for_users(users)
    listed = [_field(definition, user_options) for definition in definitions]
    by_key = {field.key: field for field in (*ALWAYS, *(field for field in listed if field is not None))}
    return tuple(by_key.values())


def _field(definition: Raw, user_options: tuple[Option, ...]) -> Field | None:
    code, name = str(definition.get("field_code", "")), str(definition.get("field_name", ""))
    if not definition.get("is_custom_field"):
        return _system_field(code, name, definition, user_options)
    vendor_type = str(definition.get("field_type", ""))
    kind = KINDS.get(vendor_type, Kind.UNKNOWN)
    return Field(
        key=code,
        name=name,
        kind=kind,
        custom=True,
        writable=kind is not Kind.UNKNOWN and definition.get("is_writable", True) is not False,
        options=user_options if kind is Kind.USER else options_from(definition),
        max_length=MOST_CHARACTERS.get(vendor_type),
        max_digits=MOST_DIGITS if kind in (Kind.NUMBER, Kind.MONEY) else None,
        single=kind is Kind.PHONE,
    )


def _system_field(code: str, name: str, definition: Raw, user_options: tuple[Option, ...]) -> Field | None:
    if not code or code in ELSEWHERE or definition.get("is_optional_response_field"):
        return None
    writable = definition.get("is_writable", True) is not False
    if code in ("label", "label_ids"):
        return Field(LABELS, name, Kind.OPTIONS, writable=writable, options=options_from(definition))
    if code in CONTACT_SYNC:
        return Field(
            code, name, CONTACT_SYNC[code], writable=writable, max_length=CONTACT_SYNC_CHARACTERS.get(code)
        )
    kind = _system_kind(code, str(definition.get("field_type", "")))
    options = user_options if kind is Kind.USER else options_from(definition)
    return Field(code, name, kind, writable=False, options=options)


def _system_kind(code: str, vendor_type: str) -> Kind:
    # Definitions call add_time and update_time dates; records show instants.
    if code.endswith("_time"):
        return Kind.DATETIME
    if vendor_type == "visible_to":
        return Kind.OPTION
    return KINDS.get(vendor_type, Kind.UNKNOWN)


def new_field_to(name: str, kind: Kind, options: Sequence[str] = ()) -> Raw:
    """What makes a custom field. Raises InvalidForRemote for what Pipedrive's definitions do not allow."""
    if kind not in CREATABLE:
        raise InvalidForRemote(
            say("Pipedrive has no custom fields of the type {kind}.", kind=KIND_WORDS[kind])
        )
    if not 1 <= len(name) <= MOST_NAME:
        raise InvalidForRemote(
            say(
                "A field’s name has 1 to {limit} characters, and this one {length}.",
                limit=MOST_NAME,
                length=len(name),
            )
        )
    if kind not in (Kind.OPTION, Kind.OPTIONS):
        return {"field_name": name, "field_type": CREATABLE[kind]}
    if not options:
        raise InvalidForRemote(
            say("“{name}” needs at least one option: Pipedrive makes no such field without.", name=name)
        )
    labels = [{"label": label} for label in options]
    return {"field_name": name, "field_type": CREATABLE[kind], "options": labels}


def options_from(definition: Raw) -> tuple[Option, ...]:
    """Options with distinct labels: of two with one label, the second carries its number, so that none is lost."""
    raw = definition.get("options")
    listed = [item for item in raw if isinstance(item, Mapping)] if isinstance(raw, list) else []
    return distinct_options((str(item.get("id")), str(item.get("label") or "").strip()) for item in listed)


def options_for_users(users: Sequence[User]) -> tuple[Option, ...]:
    """Users by name; where two share one, their addresses tell them apart."""
    count = Counter(user.name.casefold() for user in users)
    return distinct_options(
        (user.id, user.name if count[user.name.casefold()] == 1 else f"{user.name} ({user.email})")
        for user in users
    )


def distinct_options(pairs: Iterable[tuple[str, str]]) -> tuple[Option, ...]:
    seen: set[str] = set()
    options = []
    for number, label in pairs:
        shown = label
        while not shown or option_key(shown) in seen:
            shown = f"{shown} ({number})".strip()
        seen.add(option_key(shown))
        options.append(Option(number, shown))
    return tuple(options)


def user_from(raw: Raw) -> User:
    return User(
        id=str(raw.get("id")),
        name=str(raw.get("name") or ""),
        email=str(raw.get("email") or "").lower(),
        active=bool(raw.get("active_flag", True)) and not raw.get("is_deleted"),
        is_me=bool(raw.get("is_you")),
        time_zone=str(raw.get("timezone_name") or ""),
        is_admin=_is_admin(raw.get("access")),
    )


def _is_admin(access: object) -> bool | None:
    """Of the sales app: who is an admin there sees every person, whatever its visibility."""
    apps = [item for item in access if isinstance(item, Mapping)] if isinstance(access, list) else []
    rights = [bool(item.get("admin")) for item in apps if item.get("app") in ("sales", "global")]
    return any(rights) if rights else None


def pipelines_from(pipelines: Iterable[Raw], stages: Iterable[Raw]) -> tuple[Pipeline, ...]:
    """Pipelines and their stages in the order people see, without deleted ones."""
    found = sorted(
        (_stage(raw) for raw in stages if not raw.get("is_deleted")), key=lambda stage: stage.order
    )
    return tuple(
        sorted(
            (_pipeline(raw, found) for raw in pipelines if not raw.get("is_deleted")),
            key=lambda pipeline: pipeline.order,
        )
    )


def _stage(raw: Raw) -> Stage:
    return Stage(
        str(raw.get("id")),
        str(raw.get("name") or ""),
        str(raw.get("pipeline_id")),
        _order(raw.get("order_nr")),
    )


def _pipeline(raw: Raw, stages: Sequence[Stage]) -> Pipeline:
    number = str(raw.get("id"))
    own = tuple(stage for stage in stages if stage.pipeline_id == number)
    return Pipeline(number, str(raw.get("name") or ""), _order(raw.get("order_nr")), own)


def _order(raw: object) -> int:
    return raw if isinstance(raw, int) else 0


def account_from(raw: Raw) -> Account:
    """Whose account `users/me` describes."""
    return Account(
        company_id=str(raw.get("company_id")),
        company_name=str(raw.get("company_name") or ""),
        company_domain=str(raw.get("company_domain") or ""),
        user_id=str(raw.get("id")),
        user_name=str(raw.get("name") or ""),
        user_email=str(raw.get("email") or "").lower(),
        time_zone=str(raw.get("timezone_name") or "UTC"),
        currency=str(raw.get("default_currency") or ""),
        country=str(raw.get("company_country") or ""),
    )
