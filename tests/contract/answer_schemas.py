"""An answer against the schema that the official documents give for it, and the deviations we know and tolerate.

Keys are checked both ways: one that the documents do not list and one that they list and the answer lacks are
deviations alike. Each tolerance has a reason, and one that nothing needs any more is an error of the table.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from jsonschema import Draft202012Validator

from tests.openapi import Operation, plain


@dataclass(frozen=True)
class Deviation:
    """`call` like `GET /v2/persons/{id}`; `place` like `data.*.org_id`; `complaint` in few words."""

    call: str
    place: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.call} | {self.place} | {self.complaint}"


def deviations(call: str, operation: Operation, status: int, body: Any) -> Iterator[Deviation]:
    schema = _schema(call, operation, status)
    if schema is None:
        yield Deviation(call, "status", f"{status} is not documented")
        return
    for error in schema.iter_errors(body):
        yield from _told(call, error)


def _told(call: str, error: Any) -> Iterator[Deviation]:
    place = ".".join("*" if isinstance(part, int) else str(part) for part in error.absolute_path)
    place = re.sub(r"[0-9a-f]{40}", "<code>", place)
    if error.validator == "additionalProperties":
        for name in sorted(set(error.instance) - set(error.schema.get("properties", {}))):
            yield Deviation(call, _joined(place, re.sub("^[0-9a-f]{40}", "<code>", name)), "is not listed")
    elif error.validator == "required":
        name = re.findall(r"'(.+?)' is a required", error.message)[0]
        yield Deviation(call, _joined(place, name), "is missing")
    elif error.validator == "type":
        yield Deviation(call, place, f"{_kind(error.instance)}, not {_wanted(error.validator_value)}")
    elif error.context:
        for nearest in _nearest_choice(error.context):
            yield from _told(call, nearest)
    elif error.validator == "oneOf":
        return  # fits more than one choice, which is no fault of the answer
    else:
        yield Deviation(call, place, f"breaks {error.validator}")


def _nearest_choice(errors: Iterable[Any]) -> list[Any]:
    """Of several choices the one meant: that whose fixed words fit, then that with the fewest complaints."""
    choices: dict[Any, list[Any]] = {}
    for error in errors:
        choices.setdefault(error.schema_path[0], []).append(error)
    return min(choices.values(), key=lambda told: (any(e.validator == "enum" for e in told), len(told)))


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _kind(value: Any) -> str:
    names = {
        type(None): "null",
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        list: "array",
    }
    return names.get(type(value), "object")


def _wanted(value: Any) -> str:
    return " or ".join(value) if isinstance(value, list) else str(value)


_COMPILED: dict[tuple[str, str, int], Draft202012Validator | None] = {}


def _schema(call: str, operation: Operation, status: int) -> Draft202012Validator | None:
    key = (call, operation.path, status)
    if key not in _COMPILED:
        answers = operation.document["responses"]
        content = answers.get(str(status), {}).get("content", {}).get("application/json")
        _COMPILED[key] = None if content is None else Draft202012Validator(whole(content["schema"]))
    return _COMPILED[key]


def whole(schema: Any) -> Any:
    """The schema with its parts put together, in which every listed key must be there and no other may."""
    return _strict(plain(schema))


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: item if key == "properties" else _strict(item) for key, item in schema.items()}
    if isinstance(made.get("properties"), dict):
        made["properties"] = {name: _strict(item) for name, item in made["properties"].items()}
        made.setdefault("additionalProperties", False)
        made["required"] = sorted(made["properties"])
    return made


@dataclass(frozen=True)
class Tolerance:
    """Patterns as of a shell for call and place, the complaint's beginning, and why it is right all the same."""

    calls: str
    places: tuple[str, ...]
    complaint: str
    reason: str

    def covers(self, deviation: Deviation) -> bool:
        return (
            fnmatchcase(deviation.call, self.calls)
            and any(_like(deviation.place, place) for place in self.places)
            and deviation.complaint.startswith(self.complaint)
        )


def _like(place: str, pattern: str) -> bool:
    """The pattern is for the end of a place, by whole keys."""
    return fnmatchcase("." + place, "*." + pattern)


ADDRESS = (
    "admin_area_level_1", "admin_area_level_2", "country", "locality", "postal_code", "route", "street_number",
    "sublocality", "subpremise",
)  # fmt: skip
IS_NULL = "null, not"
UNLISTED = "is not listed"
MISSING = "is missing"

TOLERATED = (
    Tolerance("GET *", ("additional_data.next_cursor",), IS_NULL, "the last page has no cursor; the documents' own prose says null"),
    Tolerance("* /v2/persons*", ("first_name", "last_name", "org_id", "picture_id", "postal_address", "birthday", "job_title", "notes"), IS_NULL, "what a person lacks is null in the live API"),
    Tolerance("* /v2/persons*", ("marketing_status",), UNLISTED, "a write answers it where Campaigns is in use, as the prose of both calls says"),
    Tolerance("* /v2/organizations*", ("address",), IS_NULL, "an organization without an address has null"),
    Tolerance("* /v2/*", ADDRESS, IS_NULL, "parts of an address that nothing was found for are null"),
    Tolerance("* /v2/deals*", ("person_id", "org_id", "won_time", "lost_time", "expected_close_date"), IS_NULL, "what a deal lacks is null in the live API"),
    Tolerance("* /v2/deals*", ("creator_user_id", "archive_time", "local_won_date", "local_lost_date", "local_close_date"), UNLISTED, "sent by the live API though not documented"),
    Tolerance("* /v2/deals*", ("source_lead_id",), MISSING, "listed for all answers, sent when include_fields asks for it"),
    Tolerance("* /v2/activities*", ("due_date", "deal_id", "person_id", "lead_id", "org_id", "project_id", "due_time", "duration", "location", "marked_as_done_time", "note", "public_description", "priority", "conference_meeting_*"), IS_NULL, "what an activity lacks is null in the live API"),
    Tolerance("* /v2/activities*", ("outcome",), UNLISTED, "sent by the live API though not documented"),
    Tolerance("* /v2/activities*", ("attendees",), MISSING, "listed for all answers, sent when include_fields asks for it"),
    Tolerance("* /v2/*Fields*", ("is_writable",), UNLISTED, "sent by the live API though not documented"),
    Tolerance("* /v2/*Fields*", ("description",), UNLISTED, "documented for deal fields alone, sent for all"),
    Tolerance("* /v2/*Fields*", ("description",), IS_NULL, "a field that nobody described has null"),
    Tolerance("GET /v2/*Fields*", ("ui_visibility", "important_fields", "required_fields"), MISSING, "listed for all answers, sent when include_fields asks for it"),
    Tolerance("GET /v2/*Fields", ("options.*.color",), MISSING, "options of custom fields have colours, those of system fields need not"),
    Tolerance("GET /v2/*/{id}", ("next_activity_id", "*_count"), UNLISTED, "choices of include_fields, which the answer's schema leaves out"),
    Tolerance("GET /v2/*search*", ("item.organization.address", "item.organization", "item.address", "item.value"), "", "the examples beside the schema show it so: null where nothing is, an address with the organization, amounts with decimals"),
    Tolerance("GET /v1/*Fields*", ("is_subfield", "subfields", "options_deleted", "options"), MISSING, "listed for all fields, sent for those that have them"),
    Tolerance("* /v1/filters*", ("field_code",), MISSING, "shown in the answer's schema only; a condition comes back as it was sent"),
    Tolerance("* /v1/notes*", ("*_id", "organization", "person", "deal", "project", "task", "icon_url"), IS_NULL, "what a note is not attached to is null"),
    Tolerance("* /v1/notes*", ("pinned_to_lead_flag",), UNLISTED, "taken in the body and so sent back"),
    Tolerance("GET /v1/notes", ("additional_data.pagination.next_start",), MISSING, "there is a next page or there is not"),
    Tolerance("GET /v1/recents", ("additional_data.pagination.next_start",), UNLISTED, "what leads to the next page, as in every other list of v1"),
    Tolerance("GET /v1/recents", ("data.*",), IS_NULL, "what a record lacks is null, whatever the type of what it lacks"),
    Tolerance("GET /v1/recents", ("<code>*",), UNLISTED, "custom fields lie at the root of a record in v1"),
    Tolerance("GET /v1/recents", ("pinned_to_lead_flag",), UNLISTED, "taken in the body of a note and so sent back"),
    Tolerance("GET /v1/recents", ("merge_what_id",), MISSING, "sent with a person that was merged into another"),
    Tolerance("GET /v1/recents", ("phone.*.label", "email.*.label"), MISSING, "the placeholder for no phone or e-mail has no label"),
    Tolerance("GET /v1/deals/{id}/permittedUsers", ("data",), UNLISTED, "the schema forgets it, the example beside it and the same call of other records have it"),
    Tolerance("PUT /v1/*/merge", ("<code>*",), UNLISTED, "custom fields lie at the root of a record in v1"),
    Tolerance("PUT /v1/deals/{id}/merge", ("next_activity_*", "last_*_mail_time", "*won_time", "lost_time", "label"), IS_NULL, "what a deal lacks is null"),
)  # fmt: skip


def tolerance(deviation: Deviation) -> Tolerance | None:
    return next((each for each in TOLERATED if each.covers(deviation)), None)
