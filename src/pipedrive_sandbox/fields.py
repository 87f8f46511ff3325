"""Field definitions: the system fields and the custom ones with their options.

A custom field has a code of 40 hexadecimal digits that never changes. Deleting it makes it vanish from every answer;
the values stay stored but unreachable. An option change is taken as a whole or not at all.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from pipedrive_sandbox.account import PLANS, Account
from pipedrive_sandbox.answers import (
    ApiError,
    Body,
    Problems,
    bad_request,
    forbidden,
    invalid,
    not_found,
    over_a_limit,
)
from pipedrive_sandbox.currencies import CURRENCIES
from pipedrive_sandbox.records import Condition
from pipedrive_sandbox.state import Actor, last_option
from pipedrive_sandbox.system_fields import (
    CONTACT_SYNC_FIELDS,
    FIRST_FREE_OPTION,
    SYSTEM_FIELDS,
    SYSTEM_OPTIONS,
    VISIBILITY_OPTIONS,
    requirement_defaults,
    visibility_defaults,
)
from pipedrive_sandbox.system_fields import subfields as subfields_of
from pipedrive_sandbox.values import BadValue, Surroundings, stored

MOST_OPTIONS = 10_000
KNOWN_CURRENCIES = frozenset(CURRENCIES)
NO_STAMPS: Body = {"update_time": None, "add_time": None}
WITH_CUSTOM_FIELDS = ("person", "organization", "deal")


@dataclass(frozen=True)
class FieldSet:
    """The live fields of one entity, ready for use."""

    all: list[Body]
    custom: dict[str, Body]
    required: tuple[str, ...]

    def filled(self, values: Body) -> Body:
        """All custom fields with their values; null where there is none."""
        return {code: values.get(code) for code in self.custom}

    def by_code(self, code: str) -> Body | None:
        return next((field for field in self.all if field["field_code"] == code), None)

    def option_ids(self, code: str) -> set[Any]:
        field = self.by_code(code)
        return {option["id"] for option in (field or {}).get("options") or []}


def field_set(account: Account, entity: str) -> FieldSet:
    cache = account.state.field_cache
    known: FieldSet | None = cache.get((account.id, entity))
    if known is None:
        every = account.records("field").where(account.id, *conditions(account, entity))
        custom = {field["field_code"]: field for field in every if field["is_custom_field"]}
        required = tuple(code for code, field in custom.items() if field["required_fields"]["enabled"])
        known = FieldSet(every, custom, required)
        cache[account.id, entity] = known
    return known


def conditions(account: Account, entity: str) -> list[Condition]:
    """What makes a field live: not deleted, and its feature switched on."""
    live: list[Condition] = [("entity = ?", (entity,)), ("is_deleted = 0", ())]
    if entity == "person" and not account.company["contact_sync"]:
        codes = tuple(field[0] for field in CONTACT_SYNC_FIELDS)
        live.append((f"code NOT IN ({', '.join('?' * len(codes))})", codes))
    return live


def install_system_fields(account: Account) -> None:
    """Give a new company the fields that every account has."""
    records = account.records("field")
    now = account.now()
    for entity, fields in SYSTEM_FIELDS.items():
        for code, name, kind, optional, writable in fields:
            field = _new_field(records.new_id(account.id), entity, code, name, kind, now)
            field |= {
                "is_custom_field": False,
                "is_optional_response_field": optional,
                "is_writable": writable,
            }
            field["options"] = _system_options(account, entity, code)
            records.save(account.id, field)
    account.state.field_cache.clear()


def _system_options(account: Account, entity: str, code: str) -> list[Body] | None:
    if code == "visible_to":
        return [
            {"id": id_, "label": label, **NO_STAMPS}
            for id_, label in VISIBILITY_OPTIONS[account.groups_visible()]
        ]
    options = SYSTEM_OPTIONS.get((entity, code))
    if options is None:
        return None
    return [{"id": id_, "label": label, "color": color, **NO_STAMPS} for id_, label, color in options]


def _new_field(number: int, entity: str, code: str, name: str, kind: str, now: str) -> Body:
    return {
        "id": number,
        "entity": entity,
        "code": code,
        "field_name": name,
        "field_code": code,
        "description": None,
        "field_type": kind,
        "options": None,
        "subfields": subfields_of(kind),
        "is_custom_field": True,
        "is_optional_response_field": False,
        "is_writable": True,
        "ui_visibility": visibility_defaults(entity),
        "important_fields": {"enabled": False, "stage_ids": []},
        "required_fields": requirement_defaults(entity),
        "add_time": now,
        "update_time": now,
        "is_deleted": False,
    }


def get_field(account: Account, entity: str, code: str) -> Body:
    field = field_set(account, entity).by_code(code)
    if field is None:
        raise not_found("Field was not found")
    return field


def create_field(account: Account, entity: str, given: Body, actor: Actor, code: str | None = None) -> Body:
    """Define a custom field; `given` has passed the shape check."""
    account.require("add_fields", "You do not have permissions to add custom fields")
    custom = sum(len(field_set(account, kind).custom) for kind in WITH_CUSTOM_FIELDS)
    if custom >= PLANS[account.company["plan"]]["fields"]:
        raise over_a_limit("Custom fields limit reached", "feature_capping_custom_fields_limit")
    kind = given["field_type"]
    if kind in ("enum", "set") and not given.get("options"):
        raise invalid([("options", f"Options are required for the field type '{kind}'")])
    if kind not in ("enum", "set") and given.get("options"):
        raise invalid([("options", f"Options are not allowed for the field type '{kind}'")])
    records = account.records("field")
    number = records.new_id(account.id)
    field = _new_field(
        number, entity, code or secrets.token_hex(20), given["field_name"], kind, account.now()
    )
    for key in ("ui_visibility", "important_fields", "required_fields"):
        field[key] = _laid_over(field[key], given.get(key, {}))
    field["description"] = given.get("description")
    if given.get("options"):
        field["options"] = _numbered(account, [item["label"] for item in given["options"]])
    return _saved(account, entity, None, field, actor)


def change_field(account: Account, entity: str, code: str, given: Body, actor: Actor) -> Body:
    account.require("add_fields", "You do not have permissions to edit custom fields")
    before = get_field(account, entity, code)
    after = before | {key: value for key, value in given.items() if key in ("field_name", "description")}
    for key in ("ui_visibility", "important_fields", "required_fields"):
        after[key] = _laid_over(before[key], given.get(key, {}))
    return _saved(account, entity, before, after, actor)


def _laid_over(kept: Body, given: Body) -> Body:
    """Only keys that the field knows; the others are passed over as Pipedrive's own schema allows."""
    return kept | {key: value for key, value in given.items() if key in kept}


def delete_field(account: Account, entity: str, code: str, actor: Actor) -> Body:
    account.require("add_fields", "You do not have permissions to delete custom fields")
    before = get_field(account, entity, code)
    if not before["is_custom_field"]:
        raise forbidden("A system field cannot be deleted")
    return _saved(account, entity, before, before | {"is_deleted": True}, actor)


def add_options(account: Account, entity: str, code: str, labels: list[str], actor: Actor) -> list[Body]:
    before = _field_with_options(account, entity, code)
    if len(before["options"]) + len(labels) > MOST_OPTIONS:
        raise bad_request(f"A field cannot have more than {MOST_OPTIONS} options")
    new = _numbered(account, labels)
    _saved(account, entity, before, before | {"options": before["options"] + new}, actor)
    return new


def rename_options(
    account: Account, entity: str, code: str, names: dict[int, str], actor: Actor
) -> list[Body]:
    before = _field_with_options(account, entity, code)
    _require_options(before, list(names))
    now = account.now()
    options = [
        option | {"label": names[option["id"]], "update_time": now} if option["id"] in names else option
        for option in before["options"]
    ]
    _saved(account, entity, before, before | {"options": options}, actor)
    return [option for option in options if option["id"] in names]


def delete_options(account: Account, entity: str, code: str, ids: list[int], actor: Actor) -> list[Body]:
    before = _field_with_options(account, entity, code)
    _require_options(before, ids)
    kept = [option for option in before["options"] if option["id"] not in ids]
    if not kept and before["is_custom_field"]:
        raise bad_request("A field of this type must keep at least one option")
    _saved(account, entity, before, before | {"options": kept}, actor)
    return [option for option in before["options"] if option["id"] in ids]


def custom_values(account: Account, entity: str, given: Body) -> Body:
    """The given custom fields as they will be stored; complaints name the field."""
    fields = field_set(account, entity)
    if list(given) == ["custom_fields"] and isinstance(given["custom_fields"], dict):
        raise _nested_too_deep(account)
    around = surroundings(account)
    problems: Problems = []
    result: Body = {}
    blamed = None
    for code, value in given.items():
        field = fields.custom.get(code)
        if field is None:
            problems.append(("custom_fields", f"Unknown key '{code}'"))
        else:
            try:
                result[code] = stored(field, value, around)
            except BadValue as complaint:
                problems.append((f"custom_fields.{code}", f"{complaint} for '{code}' custom field"))
        blamed = blamed or (code if problems else None)
    if problems:
        raise invalid(problems, blamed if account.state.switches["field_code_in_errors"] else None)
    return result


def surroundings(account: Account) -> Surroundings:
    return Surroundings(
        account.user["default_currency"], account.user["timezone_name"], KNOWN_CURRENCIES, account.exists
    )


def missing_required(account: Account, entity: str, record: Body) -> Problems:
    """Fields marked required that the record leaves empty; only where the switch says that the API cares."""
    if not account.state.switches["enforce_required_fields"]:
        return []
    wanted = field_set(account, entity).required
    empty = [code for code in wanted if record["custom_fields"].get(code) is None]
    return [(f"custom_fields.{code}", "Required field is missing") for code in empty]


def _nested_too_deep(account: Account) -> ApiError:
    if account.state.switches["nested_custom_fields"] == "refuse":
        return invalid([("custom_fields", "Unknown key 'custom_fields'")])
    return ApiError(500, {"success": False, "error": "Internal Server Error", "code": "ERR_UNKNOWN"})


def _field_with_options(account: Account, entity: str, code: str) -> Body:
    field = get_field(account, entity, code)
    if field["field_type"] not in ("enum", "set"):
        raise bad_request("Options can only be changed for fields of type enum and set")
    return field


def _require_options(field: Body, ids: list[int]) -> None:
    known = {option["id"] for option in field["options"]}
    unknown = [option_id for option_id in ids if option_id not in known]
    if unknown:
        raise bad_request(f"Option with id {unknown[0]} does not exist")


def _numbered(account: Account, labels: list[str]) -> list[Body]:
    """Options with ids that are unique in the company and never used again."""
    name = last_option(account.id)
    last = account.state.setting(name, FIRST_FREE_OPTION - 1)
    account.state.keep_setting(name, last + len(labels))
    now = account.now()
    return [
        {"id": last + position, "label": label, "color": None, "update_time": now, "add_time": now}
        for position, label in enumerate(labels, start=1)
    ]


def _saved(account: Account, entity: str, before: Body | None, after: Body, actor: Actor) -> Body:
    after["update_time"] = account.now()
    account.records("field").save(account.id, after)
    account.state.field_cache.pop((account.id, entity), None)
    if account.state.switches["webhook_field_events"]:
        action = "create" if before is None else "delete" if after["is_deleted"] else "change"
        account.emit(
            f"{entity}Field",
            action,
            after["id"],
            before and shown(before),
            None if after["is_deleted"] else shown(after),
            actor,
        )
    return after


def shown(field: Body, extra: tuple[str, ...] = ()) -> Body:
    """A field as API v2 answers it."""
    keys = (
        "field_name",
        "field_code",
        "description",
        "field_type",
        "options",
        "subfields",
        "is_custom_field",
    )
    return {key: field[key] for key in (*keys, "is_optional_response_field", "is_writable", *extra)}
