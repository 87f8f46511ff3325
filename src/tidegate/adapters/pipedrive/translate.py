"""Persons and organizations, from JSON to records and back. Pure.

Two shapes come in: what REST v2 answers, and `data` of a webhook; ids become strings, and a field that was not shown is
missing. One shape goes out: the body of a v2 create or update. Vendor words end here.

Two rules of Pipedrive's shape the names: a body may hold `name`, or `first_name` with `last_name`, never both; and a person
always has a name. So a person of whom we know none is called by its address, and such a stand-in reads as no name again.
"""

from collections.abc import Mapping, Sequence

from tidegate.adapters.pipedrive.definitions import LABELS
from tidegate.adapters.pipedrive.field_values import moment_from, value_from, value_to
from tidegate.core.catalogue import Field, find_field
from tidegate.core.records import EMAIL, FIRST_NAME, LAST_NAME, ORGANIZATION, PHONE, Gone, Record, Seen, Side
from tidegate.core.values import (
    Json,
    Missing,
    Unreadable,
    Value,
    normal_email,
    normal_emails,
    normal_phones,
    normal_text,
    phone_key,
)
from tidegate.errors import InvalidForRemote, MappingBroken
from tidegate.ports import UNCHANGED, Organization, Unchanged
from tidegate.words import say

Raw = Mapping[str, object]

AT_THE_ROOT: Mapping[str, str] = {LABELS: "label_ids"}
"""Field key -> its name in a record, where they differ. Every other system field bears its own key there."""
NAMES = (FIRST_NAME, LAST_NAME)
ON_THEIR_OWN = frozenset({FIRST_NAME, LAST_NAME, EMAIL, PHONE})
"""System fields with rules of their own; all others are a value under a key."""
TOLD_APART = ON_THEIR_OWN | {ORGANIZATION}


# --- From JSON --------------------------------------------------------------------------------------------------------


def person_from(raw: Raw, fields: Sequence[Field]) -> Seen:
    """A person as REST shows it; a deleted one is gone."""
    if raw.get("is_deleted"):
        return Gone(Side.PIPEDRIVE, str(raw["id"]), deleted=True)
    return record_from(raw, fields)


def record_from(raw: Raw, fields: Sequence[Field]) -> Record:
    """A person as REST or a webhook's `data` shows it: what is not there is missing, never empty."""
    emails, phones = _items(raw, "emails", "email"), _items(raw, "phones", "phone")
    addresses = normal_emails([value for value, _ in emails or ()])
    values: dict[str, Value] = {**_names(raw, addresses, phones), **_others(raw, fields)}
    if emails is not None:
        values[EMAIL] = addresses or None
    if phones is not None:
        values[PHONE] = normal_phones([value for value, _ in phones]) or None
    return Record(
        side=Side.PIPEDRIVE,
        id=str(raw["id"]),
        values=values,
        emails=addresses,
        name=normal_text(str(raw.get("name") or "")) or "",
        owner_id=_id(raw.get("owner_id")),
        organization_id=_id(raw.get("org_id")),
        labels=dict([*(phones or ()), *(emails or ())]),
        updated_at=moment_from(raw.get("update_time")),
    )


def _id(raw: object) -> str | None:
    return None if raw in (None, "", 0) else str(raw)


def _items(raw: Raw, *keys: str) -> list[tuple[str, str]] | None:
    """(address or number, label), the primary one first; None where the record does not show them."""
    listed = next((raw[key] for key in keys if isinstance(raw.get(key), list)), None)
    if not isinstance(listed, list):
        return [] if any(key in raw for key in keys) else None
    items = [item for item in listed if isinstance(item, dict) and str(item.get("value") or "").strip()]
    items.sort(key=lambda item: not (item.get("primary") or item.get("primary_flag")))
    return [(str(item["value"]).strip(), str(item.get("label") or "")) for item in items]


def _names(raw: Raw, addresses: Sequence[str], phones: Sequence[tuple[str, str]] | None) -> dict[str, Value]:
    shown = {key: normal_text(str(raw[key] or "")) for key in NAMES if key in raw}
    whole = normal_text(str(raw.get("name") or ""))
    if whole and _stands_in(whole, addresses, phones or ()):
        return dict.fromkeys(NAMES)
    if whole and len(shown) == len(NAMES) and not any(shown.values()):
        return {FIRST_NAME: whole, LAST_NAME: None}
    if whole and list(shown.values()) == [whole]:
        return dict.fromkeys(NAMES) | shown  # one part is the whole name, so the part left out is empty
    return dict(shown)


def _stands_in(name: str, addresses: Sequence[str], phones: Sequence[tuple[str, str]]) -> bool:
    """Whether the name is no name but the person's own address or number."""
    return normal_email(name) in addresses or any(name == number for number, _ in phones)


def _others(raw: Raw, fields: Sequence[Field]) -> dict[str, Value]:
    """Custom fields, and system fields beyond those every person has.

    A custom field whose key is absent is missing, not empty: real answers list every key, empty ones as null (seen by
    client authors in 2026), so an absent key means that the field was deleted or is hidden from us, and must not empty
    the other side.
    """
    custom = raw.get("custom_fields")
    shown = custom if isinstance(custom, Mapping) else {}
    values: dict[str, Value] = {}
    for field in fields:
        source, key = (shown, field.key) if field.custom else (raw, AT_THE_ROOT.get(field.key, field.key))
        if key not in source or field.key in TOLD_APART:
            continue
        # Most custom fields of most persons are empty (83 of 87, seen 2026), and a walk reads many persons.
        value = None if source[key] is None else value_from(field, source[key])
        if not isinstance(value, Missing):
            values[field.key] = value
    return values


def organization_from(raw: Raw) -> Organization:
    return Organization(
        str(raw["id"]), normal_text(str(raw.get("name") or "")) or "", moment_from(raw.get("update_time"))
    )


# --- To JSON ----------------------------------------------------------------------------------------------------------


def new_person_to(
    values: Mapping[str, Value], fields: Sequence[Field], *, owner_id: str | None, organization_id: str | None
) -> dict[str, Json]:
    """The body of a create. Raises InvalidForRemote naming the field, MappingBroken where there is no such field."""
    sent = _shown(values)
    body = {**_names_to(sent, None), **_addresses_to(sent, None), **_others_to(sent, fields)}
    if owner_id is not None:
        body["owner_id"] = int(owner_id)
    if organization_id is not None:
        body["org_id"] = int(organization_id)
    return body


def changed_person_to(
    values: Mapping[str, Value],
    fields: Sequence[Field],
    *,
    seen: Record | None,
    organization_id: str | Unchanged | None = UNCHANGED,
) -> dict[str, Json]:
    """The body of an update: what is missing is not sent, what is empty is emptied. Raises as `new_person_to`.

    `seen` is what the person showed last; it is needed where a field of `ON_THEIR_OWN` is among the values.
    """
    sent = _shown(values)
    names = _names_to(sent, seen) if any(key in sent for key in NAMES) else _name_that_goes_along(sent, seen)
    body = {**names, **_addresses_to(sent, seen), **_others_to(sent, fields)}
    if not isinstance(organization_id, Unchanged):
        body["org_id"] = None if organization_id is None else int(organization_id)
    return body


def _shown(values: Mapping[str, Value]) -> dict[str, Value]:
    for key, value in values.items():
        if isinstance(value, Unreadable):
            raise InvalidForRemote(
                say(
                    "“{raw}” can’t be written to “{key}”: it is {reason}.",
                    raw=value.raw,
                    key=key,
                    reason=value.reason,
                ),
                field=key,
            )
    return {key: value for key, value in values.items() if not isinstance(value, Missing)}


def _names_to(values: Mapping[str, Value], seen: Record | None) -> dict[str, Json]:
    first, last = (_text(values.get(key, seen.value(key) if seen else None)) for key in NAMES)
    if first and last:
        return {"first_name": first, "last_name": last}
    name = first or last or _stand_in(values, seen)
    if name is None:
        raise InvalidForRemote(
            say(
                "A person without name, e-mail address and phone number can’t be kept in Pipedrive. Give it one of them."
            )
        )
    return {"name": name}


def _name_that_goes_along(values: Mapping[str, Value], seen: Record | None) -> dict[str, Json]:
    """A nameless person is called by its address: where that changes, so does what it is called."""
    if seen is None:
        return {}
    called_by_address = bool(seen.name) and all(seen.values.get(key, "") is None for key in NAMES)
    stand_in = _stand_in(values, seen)
    if (
        called_by_address
        and stand_in is not None
        and stand_in != seen.name
        and (EMAIL in values or PHONE in values)
    ):
        return {"name": stand_in}
    return {}


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) and value else None


def _stand_in(values: Mapping[str, Value], seen: Record | None) -> str | None:
    for key in (EMAIL, PHONE):
        value = values.get(key, seen.value(key) if seen else None)
        if isinstance(value, tuple) and value:
            return value[0]
    return None


def _addresses_to(values: Mapping[str, Value], seen: Record | None) -> dict[str, Json]:
    """An update replaces the whole array (seen 2026,
    https://github.com/mmedum/pipedrive-mcp), so every item goes with the label it had.

    What was there is sent as it was written: a difference that is spelling alone is no reason for a write.
    """
    labels = seen.labels if seen else {}
    body: dict[str, Json] = {}
    for key, name, normal in ((EMAIL, "emails", normal_email), (PHONE, "phones", phone_key)):
        if key in values:
            known = {normal(written): written for written in labels}
            listed = values[key]
            items = listed if isinstance(listed, tuple) else ()
            body[name] = [
                _item(known.get(normal(item), item), labels, primary=place == 0)
                for place, item in enumerate(items)
            ]
    return body


def _item(written: str, labels: Mapping[str, str], *, primary: bool) -> Json:
    label: dict[str, Json] = {"label": labels[written]} if labels.get(written) else {}
    return {"value": written, "primary": primary, **label}


def _others_to(values: Mapping[str, Value], fields: Sequence[Field]) -> dict[str, Json]:
    body: dict[str, Json] = {}
    custom: dict[str, Json] = {}
    for key, value in values.items():
        if key in TOLD_APART:
            continue
        field = find_field(fields, key)
        if field is None:
            raise MappingBroken(
                say(
                    "Pipedrive has no person field “{key}” any more. Refresh the fields, then choose another one.",
                    key=key,
                ),
                field=key,
            )
        if not field.writable:
            raise InvalidForRemote(
                say("Pipedrive’s field “{field}” can’t be written. Map another one.", field=field.name),
                field=key,
            )
        if field.custom:
            custom[key] = value_to(field, value)
        else:
            body[AT_THE_ROOT.get(key, key)] = _system_to(field, value)
    return {**body, **({"custom_fields": custom} if custom else {})}


def _system_to(field: Field, value: Value) -> Json:
    """System fields take an empty list or text where custom ones take null: their types are not nullable in the documents."""
    sent = value_to(field, value)
    if sent is not None:
        return sent
    return [] if field.key == LABELS else ({"value": ""} if field.key == "postal_address" else "")
