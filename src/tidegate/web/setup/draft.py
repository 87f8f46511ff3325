"""What a form of the settings holds: a core `Settings` value as far as it goes, and what is not complete yet.

The same reader serves the steps and the settings page. A form says by hidden `part` inputs what it holds; everything
else stays as it is stored. Ids that neither exist nor are stored are refused here: they are stale or forged.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from django.http import QueryDict
from django.utils.translation import gettext as _

from tidegate.core.catalogue import OutreachCatalogue, PipedriveCatalogue
from tidegate.core.records import Side
from tidegate.core.settings import SYSTEM_MAPPINGS, Constant, Direction, FieldMapping, Settings
from tidegate.web.setup.automation_form import PART, Reader, read_history_events

NEW_LIST = "new"
"""What the list's select says when a list is to be made."""


@dataclass(frozen=True, slots=True)
class Row:
    """A removable row of the mapping; either side may still be empty."""

    outreach: str = ""
    pipedrive: str = ""

    @property
    def is_complete(self) -> bool:
        return bool(self.outreach and self.pipedrive)


@dataclass(frozen=True, slots=True)
class Catalogues:
    outreach: OutreachCatalogue
    pipedrive: PipedriveCatalogue


@dataclass(frozen=True, slots=True)
class Draft:
    settings: Settings
    rows: tuple[Row, ...]
    new_list: str | None = None
    """The name of a list to make and to sync to; None where an existing one is chosen."""
    errors: dict[str, list[str]] = field(default_factory=dict)
    """Place -> what is wrong with what was sent, beyond what `core.settings.problems` judges."""

    def with_rows(self, rows: Iterable[Row]) -> "Draft":
        kept = tuple(rows)
        mappings = SYSTEM_MAPPINGS + tuple(
            FieldMapping(r.outreach, r.pipedrive) for r in kept if r.is_complete
        )
        return replace(self, rows=kept, settings=replace(self.settings, mappings=mappings))

    @property
    def incomplete_rows(self) -> list[int]:
        """The rows of the mapping that lack a side."""
        return [number for number, row in enumerate(self.rows) if not row.is_complete]

    def row_places(self) -> dict[int, str]:
        """Number of a complete row -> its place in the settings' mappings."""
        complete = [number for number, row in enumerate(self.rows) if row.is_complete]
        return {number: f"mappings.{len(SYSTEM_MAPPINGS) + index}" for index, number in enumerate(complete)}


def draft_of(settings: Settings) -> Draft:
    """The draft that changes nothing."""
    rows = tuple(Row(m.outreach, m.pipedrive) for m in settings.mappings if m not in SYSTEM_MAPPINGS)
    return Draft(settings, rows)


def read_draft(post: QueryDict, stored: Settings, catalogues: Catalogues) -> Draft:
    """What this form makes of the stored settings. `errors` holds what can't be taken."""
    draft = draft_of(stored)
    parts = set(post.getlist("part"))
    for part, read in READERS.items():
        if part in parts:
            draft = read(post, draft, catalogues)
    return draft


def _read_direction(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    direction, source = post.get("direction", ""), post.get("source_app", draft.settings.source_app.value)
    if direction not in set(Direction) or source not in set(Side):
        return _refuse(draft, "direction", _("Choose one of the three directions."))
    return replace(
        draft, settings=replace(draft.settings, direction=Direction(direction), source_app=Side(source))
    )


def _read_from_lists(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    if post.get("all_lists"):
        return replace(draft, settings=replace(draft.settings, sync_from_lists=None))
    stored = draft.settings.sync_from_lists or ()
    wanted = tuple(post.getlist("lists"))
    if not _all_known(wanted, [named.id for named in catalogues.outreach.lists], stored):
        return _refuse(draft, "sync_from_lists", _("One of these lists no longer exists. Choose again."))
    return replace(draft, settings=replace(draft.settings, sync_from_lists=wanted))


def _read_owner(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    wanted = post.get("owner_id") or None
    known = [user.id for user in catalogues.pipedrive.users if user.active]
    if wanted and not _all_known([wanted], known, [draft.settings.owner_id]):
        return _refuse(draft, "owner_id", _("This Pipedrive user no longer exists. Choose another one."))
    return replace(draft, settings=replace(draft.settings, owner_id=wanted))


def _read_to_list(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    wanted = post.get("sync_to_list") or None
    if wanted == NEW_LIST:
        return _read_new_list(post, draft, catalogues)
    known = [named.id for named in catalogues.outreach.lists]
    if wanted and not _all_known([wanted], known, [draft.settings.sync_to_list]):
        return _refuse(draft, "sync_to_list", _("This list no longer exists. Choose another one."))
    return replace(draft, settings=replace(draft.settings, sync_to_list=wanted))


def _read_new_list(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    name = post.get("new_list", "").strip()
    draft = replace(draft, new_list=name)
    if not name:
        return _refuse(draft, "sync_to_list", _("Name the new list."))
    if any(named.name.casefold() == name.casefold() for named in catalogues.outreach.lists):
        return _refuse(
            draft,
            "sync_to_list",
            _("There is a list of this name already. Choose it above, or name another."),
        )
    return draft


def _read_filter(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    wanted = post.get("filter_id") or None
    if wanted and wanted != draft.settings.filter_id and catalogues.pipedrive.filter_of(wanted) is None:
        return _refuse(draft, "filter_id", _("This Pipedrive filter no longer exists. Choose another one."))
    return replace(draft, settings=replace(draft.settings, filter_id=wanted))


def _read_mapping(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    rows = [
        Row(post.get(f"left-{number}", ""), post.get(f"right-{number}", "")) for number in post.getlist("row")
    ]
    stored = set(draft.rows)
    draft = draft.with_rows(rows)
    for number, row in enumerate(rows):
        if row not in stored and not _is_offered(row, catalogues):
            text = _("A field of this row no longer exists. Choose another one, or remove the row.")
            draft = _refuse(draft, f"rows.{number}", text)
    return draft


def _is_offered(row: Row, catalogues: Catalogues) -> bool:
    left = not row.outreach or catalogues.outreach.field(row.outreach) is not None
    return left and (not row.pipedrive or catalogues.pipedrive.field(row.pipedrive) is not None)


def _read_more(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    return replace(draft, settings=replace(draft.settings, only_with_email=bool(post.get("only_with_email"))))


def _read_constants(side: Side, post: QueryDict, draft: Draft) -> Draft:
    fields, values = post.getlist(f"constant-{side}-field"), post.getlist(f"constant-{side}-value")
    read = tuple(
        Constant(side, key, value.strip()) for key, value in zip(fields, values, strict=False) if key
    )
    others = tuple(constant for constant in draft.settings.constants if constant.side is not side)
    ordered = read + others if side is Side.OUTREACH else others + read
    return replace(draft, settings=replace(draft.settings, constants=ordered))


def _read_automations(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    automations = Reader(post, catalogues.pipedrive).automations(draft.settings.automations)
    return replace(draft, settings=replace(draft.settings, automations=automations))


def _read_history(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    settings = replace(
        draft.settings,
        include_email_history=bool(post.get("include_email_history")),
        history_events=read_history_events(post.getlist("history_events")),
    )
    return replace(draft, settings=settings)


def _read_consent(post: QueryDict, draft: Draft, catalogues: Catalogues) -> Draft:
    wanted = bool(post.get("unsubscribe_in_pipedrive"))
    return replace(draft, settings=replace(draft.settings, unsubscribe_in_pipedrive=wanted))


READERS: dict[str, Callable[[QueryDict, Draft, Catalogues], Draft]] = {
    "direction": _read_direction,
    "from_lists": _read_from_lists,
    "owner": _read_owner,
    "to_list": _read_to_list,
    "filter": _read_filter,
    "mapping": _read_mapping,
    "more": _read_more,
    "history": _read_history,
    "consent": _read_consent,
    "constants-outreach": lambda post, draft, catalogues: _read_constants(Side.OUTREACH, post, draft),
    "constants-pipedrive": lambda post, draft, catalogues: _read_constants(Side.PIPEDRIVE, post, draft),
    PART: _read_automations,
}
"""Part of a form -> what reads it."""


def _refuse(draft: Draft, place: str, text: str) -> Draft:
    return replace(draft, errors={**draft.errors, place: [*draft.errors.get(place, []), text]})


def _all_known(wanted: Iterable[str], known: Collection[str], stored: Iterable[str | None]) -> bool:
    return set(wanted) <= {*known, *stored}
