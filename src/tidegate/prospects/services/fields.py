"""Custom fields. A field keeps its key and its type for life; its name and its options can change."""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.prospects.authors import Author, announce
from tidegate.prospects.models import CustomField, FieldType, Prospect
from tidegate.prospects.search_keys import fold
from tidegate.prospects.services.saving import lock_fields
from tidegate.prospects.signals import lists_changed
from tidegate.prospects.values import MAX_LENGTH, Unfit, clean_text, option_key
from tidegate.words import Counted, say

MAX_OPTIONS = 1_000
MAX_FIELDS = 200
_IN_USE = Counted(
    "{count} prospect has “{option}”. Change that first, or rename the option.",
    "{count} prospects have “{option}”. Change that first, or rename the option.",
)
SYSTEM_NAMES = frozenset(
    {
        "first name",
        "last name",
        "e-mail",
        "email",
        "phone",
        "company",
        "job title",
        "e-mail status",
        "consent",
        "lists",
    }
)
WITH_OPTIONS = (FieldType.OPTION, FieldType.OPTIONS)
_ANNOUNCED_AT_ONCE = 1_000


@transaction.atomic
def create_field(author: Author, name: str, field_type: str, options: Sequence[str] = ()) -> CustomField:
    """Raises Invalid, and Conflict where there is one of this name."""
    lock_fields(author.workspace_id)
    others = list(CustomField.objects.filter(workspace_id=author.workspace_id))
    if len(others) >= MAX_FIELDS:
        raise Conflict(
            say(
                "There are {limit} custom fields, which is the limit. Delete one first.",
                limit=MAX_FIELDS,
            )
        )
    if field_type not in FieldType.values:
        raise _invalid("type", say("This must be one of {choices}.", choices=", ".join(FieldType.values)))
    clean = _checked_name(others, name)
    labels = _checked_options(FieldType(field_type), options)
    last = CustomField.objects.filter(workspace_id=author.workspace_id).aggregate(last=Max("position"))[
        "last"
    ]
    made = CustomField.objects.create(
        workspace_id=author.workspace_id,
        key=_free_key(clean, {item.key for item in others}),
        name=clean,
        type=field_type,
        options=labels,
        position=0 if last is None else last + 1,
    )
    lists_changed.send(sender=CustomField, workspace_id=author.workspace_id)
    return made


@transaction.atomic
def change_field(
    author: Author,
    key: str,
    *,
    name: str | None = None,
    options: Sequence[str] | None = None,
    renames: Mapping[str, str] | None = None,
) -> CustomField:
    """Rename the field, or set its options; `renames` says which labels go on under a new one.

    A label that prospects still have can't be left out. Raises NotFound, Invalid, Conflict.
    """
    lock_fields(author.workspace_id)
    found = get_field(author.workspace_id, key)
    before = (found.name, list(found.options))
    if name is not None:
        others = CustomField.objects.filter(workspace_id=author.workspace_id).exclude(pk=found.pk)
        found.name = _checked_name(list(others), name)
    if options is not None or renames:
        _change_options(author, found, options, renames or {})
    if (found.name, found.options) != before:
        found.save(update_fields=["name", "options"])
        lists_changed.send(sender=CustomField, workspace_id=author.workspace_id)
    return found


@transaction.atomic
def delete_field(author: Author, key: str) -> None:
    """The field and every prospect's value in it. Raises NotFound."""
    lock_fields(author.workspace_id)
    get_field(author.workspace_id, key).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE prospects_prospect SET custom = custom - %s WHERE workspace_id = %s AND custom ? %s",
            [key, author.workspace_id, key],
        )
    lists_changed.send(sender=CustomField, workspace_id=author.workspace_id)


def get_field(workspace_id: UUID, key: str) -> CustomField:
    """Raises NotFound."""
    found = CustomField.objects.filter(workspace_id=workspace_id, key=key).first()
    if found is None:
        raise NotFound(say("There is no custom field with this key."))
    return found


def uses_of_option(field: CustomField, label: str) -> int:
    """How many prospects have this option."""
    return _with_option(field, label).count()


def uses_of_field(field: CustomField) -> int:
    """How many prospects have a value in it."""
    return Prospect.objects.filter(workspace_id=field.workspace_id, custom__has_key=field.key).count()


def _with_option(field: CustomField, label: str) -> QuerySet[Prospect]:
    held = label if field.type == FieldType.OPTION else [label]
    return Prospect.objects.filter(workspace_id=field.workspace_id, custom__contains={field.key: held})


def _change_options(
    author: Author, field: CustomField, options: Sequence[str] | None, renames: Mapping[str, str]
) -> None:
    current = {option_key(label): label for label in field.options}
    known = {current[option_key(was)]: new for was, new in renames.items() if option_key(was) in current}
    wanted = [known.get(label, label) for label in field.options] if options is None else options
    labels = _checked_options(FieldType(field.type), wanted)
    kept = {option_key(label): label for label in labels}
    for was in field.options:
        now = known.get(was) or kept.get(option_key(was))
        if now is None:
            used = uses_of_option(field, was)
            if used:
                raise _invalid(
                    "options",
                    _IN_USE(used, option=was),
                )
        elif option_key(now) not in kept:
            raise _invalid(
                "options",
                say("“{now}” is the new name of “{was}”, but is not among the options.", now=now, was=was),
            )
        elif (label := kept[option_key(now)]) != was:
            _relabel(author, field, was, label)
    field.options = labels


def _relabel(author: Author, field: CustomField, was: str, now: str) -> None:
    """Give the prospects that have one label the other one: each of them changes, and is announced."""
    rows = _with_option(field, was).select_for_update(no_key=True).order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), _ANNOUNCED_AT_ONCE):
        some = ids[start : start + _ANNOUNCED_AT_ONCE]
        changed = list(Prospect.objects.filter(pk__in=some))
        for prospect in changed:
            held = prospect.custom[field.key]
            swapped = [now if label == was else label for label in held] if isinstance(held, list) else now
            prospect.custom[field.key] = (
                list(dict.fromkeys(swapped)) if isinstance(swapped, list) else swapped
            )
            prospect.updated_at = timezone.now()
        Prospect.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["id"], update_fields=["custom", "updated_at"]
        )
        announce(author, "change", some)


def _checked_name(others: Sequence[CustomField], name: str) -> str:
    try:
        clean = clean_text(name, 100)
    except Unfit as error:
        raise _invalid("name", str(error)) from error
    if not clean:
        raise _invalid("name", say("A field needs a name."))
    if clean.casefold() in SYSTEM_NAMES:
        raise Conflict(say("“{name}” is the name of a field that is always there.", name=clean))
    if any(item.name.casefold() == clean.casefold() for item in others):
        raise Conflict(say("There is a field named “{name}” already.", name=clean))
    return clean


def _checked_options(field_type: FieldType, options: Sequence[str]) -> list[str]:
    if field_type not in WITH_OPTIONS:
        if options:
            raise _invalid(
                "options", say("A field of the type {kind} has no options.", kind=field_type.label.lower())
            )
        return []
    if len(options) > MAX_OPTIONS:
        raise _invalid(
            "options",
            say(
                "At most {limit} options, not {number}.",
                limit=f"{MAX_OPTIONS:,}",
                number=f"{len(options):,}",
            ),
        )
    labels: dict[str, str] = {}
    for raw in options:
        try:
            label = clean_text(raw, MAX_LENGTH[FieldType.OPTION])
        except Unfit as error:
            raise _invalid("options", str(error)) from error
        if ";" in label:
            raise _invalid(
                "options", say("“{label}” holds a semicolon, which separates options in files.", label=label)
            )
        if label and option_key(label) in labels:
            raise _invalid("options", say("“{label}” is there twice.", label=label))
        if label:
            labels[option_key(label)] = label
    return list(labels.values())


def _free_key(name: str, taken: set[str]) -> str:
    """A key made from the name: lower-case letters, digits and underscores."""
    stem = re.sub(r"[^a-z0-9]+", "_", fold(name)).strip("_")[:50] or "field"
    number = 1
    while (key := stem if number == 1 else f"{stem}_{number}") in taken:
        number += 1
    return key


def _invalid(key: str, text: str) -> Invalid:
    return Invalid(text, errors={key: [text]})
