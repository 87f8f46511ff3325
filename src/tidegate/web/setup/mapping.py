"""The rows of the field mapping as the page shows them: what each select offers, and what is wrong with a row.

A right select offers only the Pipedrive fields of the left field's type that no other row uses. Options that several
rows share are rendered once, so that hundreds of fields stay quick.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tidegate.core.catalogue import Field
from tidegate.core.records import Side
from tidegate.core.settings import SYSTEM_MAPPINGS, Direction, FieldMapping, missing_options
from tidegate.core.values import Kind, compatible
from tidegate.web.said import said
from tidegate.web.setup.draft import Catalogues, Draft, Row
from tidegate.web.setup.options import options
from tidegate.web.words import KIND
from tidegate.wiring.fields import WITH_OPTIONS, can_create

NOTHING_DONE: Mapping[int, str] = {}


@dataclass(frozen=True, slots=True)
class LockedRow:
    outreach: str
    pipedrive: str
    kind: str


@dataclass(frozen=True, slots=True)
class Lack:
    """Options of one side that the other lacks: such a value can't travel until the option is there."""

    side: Side
    text: str
    button: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    number: int
    position: int
    """As people count the rows of the table, the locked ones first."""
    name: str
    """The left field's name, for labels of the other controls."""
    left: SafeString
    right: SafeString | None
    """None: choose the left field first."""
    kind: str
    has_options: bool = False
    """Whether the two fields' options are to be compared."""
    errors: list[str] = field(default_factory=list)
    hint: str = ""
    done: str = ""
    """What was just made for this row, in either app."""
    likely: Field | None = None
    """A free field that could take the place of the right one, which is gone."""
    makes: str = ""
    """The name a new Pipedrive field for this row would have; empty where none is offered."""
    offered_to_copy: SafeString | None = None
    """Pipedrive fields for which a prospect field can be made: in a row that has no field yet."""
    lacks: tuple[Lack, ...] = ()

    @property
    def has_more(self) -> bool:
        return bool(self.errors or self.hint or self.done or self.makes or self.offered_to_copy or self.lacks)


@dataclass(frozen=True, slots=True)
class MappingTable:
    locked: tuple[LockedRow, ...]
    rows: tuple[ShownRow, ...]
    mapped: int
    prospect_fields: int
    may_add: bool
    why_not: str


def mapping_table(
    draft: Draft,
    catalogues: Catalogues,
    marks: Mapping[str, list[str]],
    done: Mapping[int, str] = NOTHING_DONE,
) -> MappingTable:
    """`marks`: place -> texts, with `mappings.N` for complete rows and `rows.N` for rows of the form."""
    offers = Offers(draft, catalogues)
    places = draft.row_places()
    rows = tuple(
        _shown(
            number,
            row,
            offers,
            [*marks.get(places.get(number, ""), []), *marks.get(f"rows.{number}", [])],
            done.get(number, ""),
        )
        for number, row in enumerate(draft.rows)
    )
    free = any(True for _field in offers.free(Side.OUTREACH))
    return MappingTable(
        locked=tuple(_locked(catalogues)),
        rows=rows,
        mapped=len(draft.settings.mappings),
        prospect_fields=len(catalogues.outreach.fields),
        may_add=free and not draft.incomplete_rows,
        why_not=_("Finish the row above first")
        if draft.incomplete_rows
        else ""
        if free
        else _("Every prospect field is mapped"),
    )


def _locked(catalogues: Catalogues) -> Iterable[LockedRow]:
    for mapping in SYSTEM_MAPPINGS:
        left, right = (
            catalogues.outreach.field(mapping.outreach),
            catalogues.pipedrive.field(mapping.pipedrive),
        )
        yield LockedRow(
            said(left.name) if left else mapping.outreach,
            said(right.name) if right else mapping.pipedrive,
            str(KIND[left.kind if left else Kind.TEXT]),
        )


class Offers:
    """Which fields are free on each side, and their options as HTML."""

    def __init__(self, draft: Draft, catalogues: Catalogues) -> None:
        self.catalogues = catalogues
        self.direction: Direction = draft.settings.direction
        locked = SYSTEM_MAPPINGS
        self.used = {
            Side.OUTREACH: {m.outreach for m in locked} | {r.outreach for r in draft.rows},
            Side.PIPEDRIVE: {m.pipedrive for m in locked} | {r.pipedrive for r in draft.rows},
        }
        self.left_options = cache(lambda: _options(self.free(Side.OUTREACH)))
        self.right_options = cache(self._right_options)
        self.to_copy = cache(self._to_copy)

    def free(self, side: Side) -> Iterable[Field]:
        """Fields nobody uses yet that can take a value where data flows into this side."""
        fields = (
            self.catalogues.outreach.fields if side is Side.OUTREACH else self.catalogues.pipedrive.fields
        )
        for candidate in sorted(fields, key=lambda f: f.name.casefold()):
            takes = candidate.writable or not self.direction.flows_to(side)
            if takes and candidate.key not in self.used[side] and candidate.kind is not Kind.UNKNOWN:
                yield candidate

    def fitting(self, kind: Kind) -> list[Field]:
        return [f for f in self.free(Side.PIPEDRIVE) if compatible(kind, f.kind)]

    def _to_copy(self) -> SafeString:
        """Pipedrive's own fields for which the prospect store can have one."""
        own = (f for f in self.free(Side.PIPEDRIVE) if f.custom and can_create(Side.OUTREACH, f.kind))
        return _options(own)

    def _right_options(self, kind: Kind) -> SafeString:
        return _options(self.fitting(kind))


def _options(fields: Iterable[Field]) -> SafeString:
    return options((f.key, said(f.name)) for f in fields)


def _shown(number: int, row: Row, offers: Offers, errors: list[str], done: str) -> ShownRow:
    left = offers.catalogues.outreach.field(row.outreach)
    right = offers.catalogues.pipedrive.field(row.pipedrive)
    name = said(left.name) if left else _("a field that was deleted") if row.outreach else ""
    return ShownRow(
        number=number,
        position=number + len(SYSTEM_MAPPINGS) + 1,
        name=name or _("row %(number)d") % {"number": number + len(SYSTEM_MAPPINGS) + 1},
        left=_chosen(row.outreach, left, _("Choose a prospect field")) + offers.left_options(),
        right=_right(row, left, right, offers),
        kind=str(KIND[left.kind]) if left else "",
        has_options=left is not None and left.kind in WITH_OPTIONS,
        errors=errors,
        hint=_hint(row, left, offers),
        done=done,
        likely=_likely(row, left, right, offers),
        makes=left.name if left and not row.pipedrive and can_create(Side.PIPEDRIVE, left.kind) else "",
        offered_to_copy=None if row.outreach else offers.to_copy() or None,
        lacks=tuple(_lacks(row, offers)),
    )


def _likely(row: Row, left: Field | None, right: Field | None, offers: Offers) -> Field | None:
    """Of the free fields of the left field's type the one of its name, or the only one."""
    if left is None or right is not None or not row.pipedrive:
        return None
    fitting = offers.fitting(left.kind)
    named = [field for field in fitting if field.name.casefold() == left.name.casefold()]
    return (named or fitting)[0] if named or len(fitting) == 1 else None


def _right(row: Row, left: Field | None, right: Field | None, offers: Offers) -> SafeString | None:
    if not row.outreach:
        return None
    empty = _("Choose a field of type %(kind)s") % {"kind": KIND[left.kind]} if left else _("Choose a field")
    others = offers.right_options(left.kind) if left else mark_safe("")
    return _chosen(row.pipedrive, right, empty) + others


def _chosen(key: str, known: Field | None, empty: str) -> SafeString:
    """The option that is chosen now, first; a field that is gone stays visible as such."""
    if not key:
        return options([("", empty)], "")
    name = said(known.name) if known else _("A field that was deleted")
    return options([(key, name)], key)


def _hint(row: Row, left: Field | None, offers: Offers) -> str:
    """What is offered on the right of a row that is not complete, and why."""
    if left is None or row.pipedrive:
        return ""
    count = len(offers.fitting(left.kind))
    facts = {"name": said(left.name), "kind": KIND[left.kind], "count": count}
    if not count:
        return _("“%(name)s” is of the type %(kind)s, and Pipedrive has no free field of this type.") % facts
    return (
        ngettext(
            "“%(name)s” is of the type %(kind)s, so only Pipedrive’s %(count)d free field of this type is offered.",
            "“%(name)s” is of the type %(kind)s, so only Pipedrive’s %(count)d free fields of this type are offered.",
            count,
        )
        % facts
    )


def _lacks(row: Row, offers: Offers) -> Iterable[Lack]:
    """What either side lacks of the other's options, where values flow into it."""
    mapping = FieldMapping(row.outreach, row.pipedrive)
    lacking = missing_options(mapping, offers.catalogues.outreach, offers.catalogues.pipedrive)
    for side, labels in lacking.items():
        if not offers.direction.flows_to(side):
            continue
        facts = {"labels": _few(list(labels))}
        if side is Side.PIPEDRIVE:
            text = _("Pipedrive lacks %(labels)s: such a value does not travel until the option is there.")
            yield Lack(side, text % facts, _("Add to Pipedrive"))
        else:
            text = _(
                "The prospect field lacks %(labels)s: such a value does not travel until the option is there."
            )
            yield Lack(side, text % facts, _("Add to the prospect field"))


def _few(labels: list[str], most: int = 4) -> str:
    shown = ", ".join(f"“{label}”" for label in labels[:most])
    return (
        shown
        if len(labels) <= most
        else _("%(shown)s and %(count)d more") % {"shown": shown, "count": len(labels) - most}
    )
