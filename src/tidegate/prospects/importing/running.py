"""From rows of a file to prospects: a plan says where each column goes, a batch of rows is one transaction.

Run again, an import doubles nothing: prospects are recognised by e-mail address, rows without one by all they hold. A row
whose address or name can't be read is rejected; another value that doesn't fit is left out. Both are reported by line.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from tidegate.errors import Invalid
from tidegate.prospects.authors import Author
from tidegate.prospects.content import Shapes, read_what_fits, shapes_of
from tidegate.prospects.importing.columns import (
    CUSTOM,
    LIST,
    NEW,
    ONCE,
    SKIP,
    SYSTEM_TARGETS,
    column_names,
    read_status,
)
from tidegate.prospects.importing.files import Row
from tidegate.prospects.models import CustomField, FieldType
from tidegate.prospects.services.bulk import Item, Policy, upsert_items
from tidegate.prospects.services.fields import WITH_OPTIONS, change_field, create_field
from tidegate.prospects.services.lists import get_or_create_lists
from tidegate.prospects.services.saving import Outcome, custom_shapes
from tidegate.prospects.values import option_key
from tidegate.words import say

BATCH = 500
REJECTING = ("email", "first_name", "last_name", "row")
"""Faults in these keep the whole row out."""
TWICE = "twice"
"""The outcome of a row whose address an earlier row of the file has."""

_NAMES = {
    **SYSTEM_TARGETS,
    "emails": say("More e-mail addresses"),
    "phones": say("Phone"),
    "row": say("The row"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each column goes, in order: a key of `columns.SYSTEM_TARGETS`, `custom.KEY`, `new:TYPE` or `skip`."""

    targets: tuple[str, ...]
    list_ids: tuple[int, ...] = ()
    """Everyone is added to these."""
    policy: Policy = Policy.OVERWRITE

    def to_json(self) -> dict[str, Any]:
        return {"targets": list(self.targets), "list_ids": list(self.list_ids), "policy": self.policy.value}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Plan":
        return cls(tuple(raw["targets"]), tuple(raw["list_ids"]), Policy(raw["policy"]))


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row."""

    row: Row
    outcome: str
    """An `Outcome`, or TWICE."""
    reason: str = ""
    """Why it was rejected, or which of its values were left out."""
    places: tuple[str, ...] = ()
    """The targets that the reason is about."""

    @property
    def rejected(self) -> bool:
        return self.outcome == Outcome.REJECTED


def check_plan(plan: Plan, header: Sequence[str], fields: Sequence[CustomField]) -> None:
    """Raises Invalid with the faults by `columns.INDEX`."""
    errors: dict[str, list[str]] = {}
    known = {CUSTOM + item.key for item in fields} | set(SYSTEM_TARGETS) | {SKIP}
    known |= {NEW + field_type for field_type in FieldType.values}
    seen: dict[str, int] = {}
    names = column_names(header)
    for index, target in enumerate(plan.targets):
        if target not in known:
            errors[f"columns.{index}"] = [say("There is no such field.")]
        elif (target in ONCE or target.startswith(CUSTOM)) and target in seen:
            errors[f"columns.{index}"] = [say("“{column}” goes there already.", column=names[seen[target]])]
        seen.setdefault(target, index)
    if len(plan.targets) != len(header):
        errors["columns"] = [
            say(
                "The file has {number} columns, the plan {planned}.",
                number=len(header),
                planned=len(plan.targets),
            )
        ]
    if not {"email", "first_name", "last_name", "full_name", "company", "phone"} & set(plan.targets):
        errors["columns"] = [
            say("Choose a column that says who it is: an e-mail address, a name or a company.")
        ]
    if errors:
        raise Invalid(say("Some columns can’t be imported as chosen."), errors=errors)


class Importer:
    """Takes batches of rows by a plan. The fields that the plan asks for are made first."""

    def __init__(self, author: Author, header: Sequence[str], plan: Plan, *, dry: bool = False) -> None:
        self.author = author
        self.dry = dry
        self.width = len(header)
        self.names = column_names(header)
        self.fields = {f.key: f for f in CustomField.objects.filter(workspace_id=author.workspace_id)}
        check_plan(plan, header, list(self.fields.values()))
        self.growing: set[str] = set()
        """Option fields made by this import: they learn the options they meet."""
        self.given = plan
        self.plan = self._with_fields(plan)
        self.seen: set[str] = set()

    def take(self, rows: Sequence[Row]) -> list[RowReport]:
        """One batch, in one transaction; a report for each row, in order."""
        with transaction.atomic():
            self._learn_options(rows)
            shapes = self._shapes()
            drafts = [self._draft(row, shapes) for row in rows]
            self._resolve_lists(drafts)
            ready = [draft for draft in drafts if draft.item is not None]
            items = [draft.item for draft in ready if draft.item is not None]
            results = upsert_items(self.author, items, policy=self.plan.policy, dry=self.dry)
            for draft, result in zip(ready, results, strict=True):
                draft.outcome = result.outcome
                if result.outcome is Outcome.REJECTED:
                    draft.faults = result.errors
        return [draft.report() for draft in drafts]

    def original_targets(self, places: Iterable[str]) -> list[str]:
        """The targets of the plan as it was given that these places are about."""
        return [
            given
            for given, target in zip(self.given.targets, self.plan.targets, strict=True)
            if target in places
        ]

    def note(self, rows: Sequence[Row]) -> None:
        """Remember rows that an earlier run of this import took, so that their repetitions are known as such."""
        for row in rows:
            self._is_repeated(read_what_fits(self._raw(row), {})[0].addresses)

    def _shapes(self) -> Shapes:
        """What values must fit now: somebody may have changed or deleted a field since the last batch."""
        if self.dry:
            return shapes_of(list(self.fields.values()))
        return custom_shapes(self.author.workspace_id)

    def _with_fields(self, plan: Plan) -> Plan:
        targets = list(plan.targets)
        by_name = {item.name.casefold(): item for item in self.fields.values()}
        for index, target in enumerate(targets):
            if target.startswith(NEW):
                field_type = FieldType(target.removeprefix(NEW))
                item = by_name.get(self.names[index].casefold()) or self._make_field(
                    self.names[index], field_type
                )
                self.fields[item.key] = item
                targets[index] = CUSTOM + item.key
                if item.type in WITH_OPTIONS:
                    self.growing.add(item.key)
        return replace(plan, targets=tuple(targets))

    def _make_field(self, name: str, field_type: FieldType) -> CustomField:
        if self.dry:
            key = f"new_{len(self.fields)}"
            return CustomField(
                workspace_id=self.author.workspace_id, key=key, name=name, type=field_type, options=[]
            )
        return create_field(self.author, name, field_type)

    def _learn_options(self, rows: Sequence[Row]) -> None:
        for index, target in enumerate(self.plan.targets):
            key = target.removeprefix(CUSTOM)
            if target.startswith(CUSTOM) and key in self.growing:
                item = self.fields[key]
                known = {option_key(label) for label in item.options}
                new: dict[str, str] = {}
                for row in rows:
                    for label in _labels(item, row.cells[index] if index < len(row.cells) else ""):
                        if option_key(label) not in known:
                            new.setdefault(option_key(label), label)
                if new:
                    self._add_options(item, list(new.values()))

    def _add_options(self, item: CustomField, labels: list[str]) -> None:
        if self.dry:
            item.options = [*item.options, *labels]
        else:
            self.fields[item.key] = change_field(self.author, item.key, options=[*item.options, *labels])

    def _draft(self, row: Row, shapes: Shapes) -> "_Draft":
        surplus = [cell for cell in row.cells[self.width :] if cell.strip()]
        if surplus:
            text = say(
                "It has {number} cells, the header has {width}. Check its quotes.",
                number=len(row.cells),
                width=self.width,
            )
            return _Draft(self, row, faults={"row": [text]})
        content, faults = read_what_fits(self._raw(row), shapes)
        draft = _Draft(self, row, faults=faults, list_names=self._list_names(row))
        if draft.is_rejected:
            return draft
        if self._is_repeated(content.addresses):
            draft.outcome = TWICE
            return draft
        key = None if content.addresses else row_key(self._raw(row))
        draft.item = Item(content, frozenset(self.plan.list_ids), key)
        return draft

    def _is_repeated(self, addresses: Sequence[str]) -> bool:
        if not addresses:
            return False
        repeated = addresses[0] in self.seen
        self.seen.add(addresses[0])
        return repeated

    def _raw(self, row: Row) -> dict[str, object]:
        """The row's filled cells as raw content: a blank cell says nothing, it empties nothing."""
        raw: dict[str, Any] = {}
        custom: dict[str, str] = {}
        for target, cell in zip(self.plan.targets, row.cells, strict=False):
            text = unquoted(cell.strip())
            if not text or target in (SKIP, LIST):
                continue
            if target.startswith(CUSTOM):
                custom[target.removeprefix(CUSTOM)] = text
            elif target == "other_emails":
                raw.setdefault("emails", []).extend(_several(text, r"[;,\s]+"))
            elif target == "other_phones":
                raw.setdefault("phones", []).extend(_several(text, r"[;\n]+"))
            elif target == "email_status":
                raw[target] = read_status(text)
            elif target == "full_name":
                first, _, last = text.partition(" ")
                raw = {"first_name": first, "last_name": last.strip(), **raw}
            else:
                raw[target] = text
        if custom:
            raw["custom"] = custom
        return _with_all_phones(_with_one_email(raw))

    def _list_names(self, row: Row) -> list[str]:
        return [
            name
            for target, cell in zip(self.plan.targets, row.cells, strict=False)
            if target == LIST
            for name in _several(unquoted(cell.strip()), r"[;\n]+")
        ]

    def _resolve_lists(self, drafts: Sequence["_Draft"]) -> None:
        wanted = {name for draft in drafts if draft.item for name in draft.list_names}
        too_long = {name for name in wanted if len(name) > 100 or "\x00" in name}
        lists = {} if self.dry else get_or_create_lists(self.author, sorted(wanted - too_long))
        for draft in drafts:
            if draft.item is not None and draft.list_names:
                ids = {lists[name].pk for name in draft.list_names if name in lists}
                draft.item = replace(draft.item, list_ids=draft.item.list_ids | ids)
                if too_long & set(draft.list_names):
                    draft.faults[LIST] = [say("A list’s name has at most 100 characters.")]


@dataclass(slots=True)
class _Draft:
    """A row on its way."""

    importer: Importer
    row: Row
    faults: dict[str, list[str]] = field(default_factory=dict)
    list_names: list[str] = field(default_factory=list)
    item: Item | None = None
    outcome: str = Outcome.REJECTED

    @property
    def is_rejected(self) -> bool:
        return any(key in self.faults for key in REJECTING)

    def report(self) -> RowReport:
        return RowReport(self.row, str(self.outcome), self.reason(), tuple(self.faults))

    def reason(self) -> str:
        parts = [
            say("{field}: {reason}", field=self.name_of(key), reason=text)
            for key, texts in self.faults.items()
            for text in texts
        ]
        return " ".join(parts)

    def name_of(self, key: str) -> str:
        item = self.importer.fields.get(key.removeprefix(CUSTOM)) if key.startswith(CUSTOM) else None
        return item.name if item is not None else _NAMES.get(key, key)


def in_batches(rows: Iterator[Row], size: int = BATCH) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def row_key(raw: Mapping[str, object]) -> str:
    """Recognises a row without an address when the same file comes again."""
    text = repr(sorted((key, str(value)) for key, value in raw.items()))
    return "row:" + hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=20).hexdigest()


def unquoted(cell: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from taking a text for a formula (`exporting.guarded`)."""
    return cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell


def _several(text: str, separator: str) -> list[str]:
    return [part.strip() for part in re.split(separator, text) if part.strip()]


def _labels(item: CustomField, cell: str) -> list[str]:
    text = unquoted(cell.strip())
    parts = _several(text, r"[;\n]+") if item.type == FieldType.OPTIONS else [text]
    return [
        " ".join(part.split())
        for part in parts
        if part and len(part) <= 200 and ";" not in part and "\x00" not in part
    ]


def _with_one_email(raw: dict[str, Any]) -> dict[str, Any]:
    """Some tools write all addresses of a person into one cell: the first one is the primary one."""
    parts = _several(str(raw.get("email", "")), r"[;,\s]+")
    if len(parts) > 1 and all("@" in part for part in parts):
        return {**raw, "email": parts[0], "emails": [*parts[1:], *raw.get("emails", ())]}
    return raw


def _with_all_phones(raw: dict[str, Any]) -> dict[str, Any]:
    """More numbers come after the primary one."""
    if "phones" not in raw:
        return raw
    numbers = [*filter(None, [raw.get("phone")]), *raw["phones"]]
    return {**{key: value for key, value in raw.items() if key != "phone"}, "phones": numbers}
