"""What persons, organizations and deals have in common: owner, visibility, labels, custom fields and their view."""

from typing import Any

from pipedrive_sandbox import checks
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body, Problems, invalid
from pipedrive_sandbox.fields import field_set
from pipedrive_sandbox.listing import View
from pipedrive_sandbox.values import ADDRESS_PARTS, in_webhook

LABELLED_VALUE = checks.object_of(
    {"value": checks.string(255), "primary": checks.boolean, "label": checks.string(255)}, required=("value",)
)
ADDRESS = checks.object_of(
    {
        "value": checks.string(65_535, minimum=1),
        **{part: checks.nullable(checks.string(255)) for part in ADDRESS_PARTS},
    },
    required=("value",),
)
AN_ID = checks.integer(1)


def reference_problems(account: Account, given: Body) -> Problems:
    """Complaints about ids in a body that lead nowhere."""
    kinds = {"owner_id": "user", "org_id": "organization", "person_id": "person"}
    problems: Problems = []
    for key, kind in kinds.items():
        if given.get(key) is not None and not account.exists(kind, given[key]):
            problems.append((key, f"The {kind} '{given[key]}' does not exist or is not accessible"))
    if "visible_to" in given and given["visible_to"] not in account.visibility_levels():
        levels = ", ".join(str(level) for level in account.visibility_levels())
        problems.append(("visible_to", f"The value must be one of: {levels}"))
    return problems


def label_problems(account: Account, entity: str, given: Body) -> Problems:
    wanted = given.get("label_ids")
    if not wanted:
        return []
    known = field_set(account, entity).option_ids("label_ids")
    unknown = [label for label in wanted if label not in known]
    return [("label_ids", f"Label '{unknown[0]}' does not exist")] if unknown else []


def enforce(problems: Problems) -> None:
    if problems:
        raise invalid(problems)


def custom_view(account: Account, entity: str, body: Body, view: View) -> Body:
    """The custom fields of a record as API v2 answers them."""
    fields = field_set(account, entity)
    filled = fields.filled(body["custom_fields"])
    if view.custom_fields is not None:
        filled = {code: filled[code] for code in view.custom_fields if code in filled}
    if view.option_labels:
        filled = {code: _with_label(fields.custom[code], value) for code, value in filled.items()}
    return filled


def label_objects(account: Account, entity: str, label_ids: list[int]) -> list[Body]:
    field = field_set(account, entity).by_code("label_ids")
    names = {option["id"]: option["label"] for option in (field or {}).get("options") or []}
    return [{"id": label, "label": names[label]} for label in label_ids if label in names]


def _with_label(field: Body, value: Any) -> Any:
    if value is None or field["field_type"] not in ("enum", "set"):
        return value
    names = {option["id"]: option["label"] for option in field["options"]}
    if field["field_type"] == "enum":
        return {"id": value, "label": names.get(value)}
    return [{"id": item, "label": names.get(item)} for item in value]


def custom_in_webhook(account: Account, entity: str, body: Body) -> Body:
    fields = field_set(account, entity)
    return {
        code: in_webhook(fields.custom[code]["field_type"], value)
        for code, value in fields.filled(body["custom_fields"]).items()
    }


OFTEN_EMPTY = {
    "person": ("first_name", "last_name", "org_id", "picture_id"),
    "organization": ("address",),
    "deal": (
        "person_id",
        "org_id",
        "probability",
        "lost_reason",
        "close_time",
        "won_time",
        "lost_time",
        "expected_close_date",
    ),
}


def system_view(account: Account, entity: str, answer: Body) -> Body:
    """The system fields of a record; the live API is known to leave some empty ones out."""
    if account.state.switches["empty_fields"] == "null":
        return answer
    return {
        key: value for key, value in answer.items() if value is not None or key not in OFTEN_EMPTY[entity]
    }


def merged_custom_fields(stored: Body, given: Body) -> Body:
    """Stored values with the given ones laid over; null removes."""
    return {code: value for code, value in (stored | given).items() if value is not None}
