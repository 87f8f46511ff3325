"""Editing a connection's settings by a form: read it, save it, say what is wrong. Shared by the steps and the settings page.

Saving never overwrites what somebody else saved meanwhile: the form carries the version it was made from. Incomplete
settings are saved and marked; what can't be taken at all (a field of another type, a stale id) is refused as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from tidegate.core.automation import Trigger
from tidegate.core.catalogue import PersonFilter, User
from tidegate.core.problem import Problem
from tidegate.core.settings import SYSTEM_MAPPINGS, FieldMapping, Settings, mapping_problems, problems
from tidegate.errors import Conflict, Invalid, TidegateError
from tidegate.prospects.services import Author, create_list
from tidegate.store.models import Connection
from tidegate.web.access import MemberRequest
from tidegate.web.setup.automation_form import Edit, edited
from tidegate.web.setup.automations import (
    AutomationsPart,
    automation_anchor,
    automations_part,
    named_problem,
    shown_automations,
    shown_history,
)
from tidegate.web.setup.constants import example_lines, shown_constants
from tidegate.web.setup.counted import may_come_in, stay_here
from tidegate.web.setup.draft import NEW_LIST, Catalogues, Draft, Row, draft_of, read_draft
from tidegate.web.setup.examples import example_of
from tidegate.web.setup.lists import list_boxes, list_options
from tidegate.web.setup.mapping import mapping_table
from tidegate.web.setup.trying import Trial
from tidegate.wiring import actions

Marks = Mapping[str, list[str]]


@dataclass
class Editing:
    """One member at work on one connection's settings."""

    connection: Connection
    catalogues: Catalogues
    draft: Draft
    version: int
    """The version of the settings the form was made from."""
    marks: dict[str, list[str]] = field(default_factory=dict)
    """Place -> what to mark red there."""
    fault: str = ""
    """What is wrong with the save as a whole."""
    is_outdated: bool = False
    """Somebody else saved meanwhile."""
    fresh_row: int | None = None
    """The row of the mapping that was just added or whose left field was just chosen."""
    opened: Trigger | None = None
    """The trigger whose automation is worked on."""
    trial: Trial = field(default_factory=Trial)
    """What the automations of the form would do for one prospect, where that was asked."""
    focus: str = ""
    """The id of the control that the focus goes to; empty where it stays."""

    done: dict[int, str] = field(default_factory=dict)
    """Row of the mapping -> what was just made for it, in either app."""

    def mark(self, found: Iterable[Problem]) -> None:
        for problem in found:
            texts = self.marks.setdefault(problem.place, [])
            if problem.message not in texts:
                texts.append(problem.message)

    def mark_missing(self, found: Iterable[Problem]) -> None:
        """Beside what was refused, what is missing: all is told at once, and each place once."""
        refused, self.marks = self.marks, {}
        told = set(refused) | ({"sync_to_list"} if self.draft.new_list is not None else set())
        told |= {place for number, place in self.draft.row_places().items() if f"rows.{number}" in refused}
        self.mark(problem for problem in found if problem.place not in told)
        self.marks |= refused

    @property
    def told(self) -> list[Problem]:
        """What is marked, one by one: what the page counts as to be fixed."""
        return [Problem("told", place, text) for place, texts in self.marks.items() for text in texts]

    @property
    def status(self) -> int:
        if self.is_outdated:
            return HTTPStatus.CONFLICT
        return HTTPStatus.UNPROCESSABLE_ENTITY if self.marks or self.fault else HTTPStatus.OK


def catalogues_of(connection: Connection) -> Catalogues:
    return Catalogues(actions.outreach_catalogue(connection), actions.pipedrive_catalogue(connection))


def begin(connection: Connection, post: QueryDict | None = None) -> Editing:
    """The stored settings, or what the form makes of them."""
    catalogues, stored = catalogues_of(connection), connection.get_settings()
    draft = draft_of(stored) if post is None else read_draft(post, stored, catalogues)
    given = post.get("version", "") if post is not None else ""
    version = int(given) if given.isascii() and given.isdigit() else connection.settings_version
    return Editing(connection, catalogues, draft, version)


def found_problems(editing: Editing) -> list[Problem]:
    """What keeps these settings, saved or not, from being launched."""
    return problems(editing.draft.settings, editing.catalogues.outreach, editing.catalogues.pipedrive)


def save(editing: Editing, request: MemberRequest) -> bool:
    """Whether the draft was saved. If not, `marks`, `fault` and `is_outdated` say why."""
    editing.marks.update(editing.draft.errors)
    for number in editing.draft.incomplete_rows:
        editing.marks[f"rows.{number}"] = [
            _("Choose the Pipedrive field, or remove the row.")
            if editing.draft.rows[number].outreach
            else _("Choose the prospect field, or remove the row.")
        ]
    if editing.marks:
        return False
    overwrite = request.POST.get("overwrite") == str(editing.connection.settings_version)
    version = editing.connection.settings_version if overwrite else editing.version
    try:
        with transaction.atomic():
            settings = _with_new_list(editing, request)
            saved = actions.save_settings(
                editing.connection, settings, version=version, actor=str(request.user)
            )
    except Invalid as error:
        editing.marks.update(error.errors)
        editing.fault = "" if error.errors else error.user_message
    except Conflict as error:
        editing.is_outdated, editing.fault = True, error.user_message
    except TidegateError as error:
        editing.fault = error.user_message
    else:
        editing.connection, editing.version = saved, saved.settings_version
        editing.catalogues, editing.draft = catalogues_of(saved), draft_of(saved.get_settings())
        return True
    editing.connection.refresh_from_db()
    return False


def _with_new_list(editing: Editing, request: MemberRequest) -> Settings:
    """The settings to save; a list that is to be made is made in the same transaction."""
    settings, name = editing.draft.settings, editing.draft.new_list
    if name is None:
        return settings
    try:
        made = create_list(Author(request.workspace.pk, str(request.user), "page"), name)
    except (Conflict, Invalid) as error:
        raise Invalid(errors={"sync_to_list": [error.user_message]}) from error
    editing.connection.refresh_from_db(fields=["catalogue"])  # the list is among those that can be chosen now
    return replace(settings, sync_to_list=str(made.pk))


def change_rows(editing: Editing, act: str) -> None:
    """Adds or removes a row of the mapping in the draft; nothing is saved."""
    rows = list(editing.draft.rows)
    verb, _dash, number = act.partition("-")
    if verb == "add" and not editing.draft.incomplete_rows:
        rows.append(Row())
        editing.fresh_row = len(rows) - 1
    elif verb == "remove" and number.isascii() and number.isdigit() and int(number) < len(rows):
        del rows[int(number)]
    elif verb == "left" and number.isascii() and number.isdigit() and int(number) < len(rows):
        rows[int(number)] = _fitting(rows[int(number)], editing.catalogues)
        editing.fresh_row = int(number)
    elif verb == "use":
        place, _dash, key = number.partition("-")
        if place.isascii() and place.isdigit() and int(place) < len(rows):
            rows[int(place)] = replace(rows[int(place)], pipedrive=key)
            editing.fresh_row = int(place)
    editing.draft = editing.draft.with_rows(rows)
    editing.draft = replace(editing.draft, errors={})


def _fitting(row: Row, catalogues: Catalogues) -> Row:
    """The row without its right field, where the newly chosen left one is of another type."""
    faults = mapping_problems(
        FieldMapping(row.outreach, row.pipedrive), catalogues.outreach, catalogues.pipedrive
    )
    return replace(row, pipedrive="") if faults else row


def change_automation(editing: Editing, edit: Edit) -> None:
    """Adds, moves or removes an action in the draft, or takes over what was typed; nothing is saved."""
    settings, editing.focus = edited(editing.draft.settings, edit)
    editing.opened = edit.trigger
    editing.draft = replace(editing.draft, settings=settings, errors={})


def section_context(
    editing: Editing, request: MemberRequest, *, all_parts: bool = False
) -> dict[str, object]:
    """What the partial templates of the sections show. `all_parts`: the settings page, where the direction may change too.

    What is large is made when a template asks for it, as most show but one section.
    """
    settings = editing.draft.settings
    automations = _shown_automations(editing, opens_first=not all_parts)
    return {
        "connection": editing.connection,
        "here": request.path,
        "by_pointer": "pointer" in request.POST,
        "editing": editing,
        "settings": settings,
        "marks": editing.marks,
        "all_parts": all_parts,
        "list_boxes": cache(lambda: list_boxes(editing.catalogues.outreach, settings.sync_from_lists)),
        "owners": _shown_owners(editing),
        "list_options": cache(
            lambda: list_options(
                editing.catalogues.outreach,
                settings.sync_to_list,
                makes_new=editing.draft.new_list is not None,
            )
        ),
        "filters": _shown_filters(editing),
        "may_come_in": cache(lambda: may_come_in(editing.connection)),
        "stay_here": cache(lambda: stay_here(editing.connection, settings)),
        "new_list": editing.draft.new_list,
        "NEW_LIST": NEW_LIST,
        "mapping": cache(
            lambda: mapping_table(editing.draft, editing.catalogues, editing.marks, editing.done)
        ),
        "constants": cache(
            lambda: shown_constants(settings, editing.catalogues, editing.marks, all_sides=all_parts)
        ),
        "constant_lines": cache(
            lambda: example_lines(
                settings, editing.catalogues, editing.marks, example_of(editing.connection.workspace_id)
            )
        ),
        "automations": automations,
        "shown": automations.of(editing.opened),
        "history": shown_history(settings),
        "trial": editing.trial,
        "focus": editing.focus,
        "error_links": error_links(editing),
    }


def _shown_automations(editing: Editing, *, opens_first: bool) -> AutomationsPart:
    return automations_part(
        shown_automations(
            editing.draft.settings,
            editing.catalogues,
            editing.marks,
            example_of(editing.connection.workspace_id),
            opened=editing.opened,
            opens_first=opens_first,
        )
    )


def _shown_owners(editing: Editing) -> list[User]:
    """The active users; the chosen one stays visible when it was deactivated or deleted."""
    chosen = editing.draft.settings.owner_id
    users = sorted(editing.catalogues.pipedrive.users, key=lambda user: user.name.casefold())
    shown = [user for user in users if user.active or user.id == chosen]
    if chosen and all(user.id != chosen for user in shown):
        shown.insert(0, User(chosen, _("A user who was deleted"), active=False))
    return shown


def _shown_filters(editing: Editing) -> list[PersonFilter]:
    """Pipedrive's filters of persons; the chosen one stays visible when it is gone."""
    chosen, offered = editing.draft.settings.filter_id, editing.catalogues.pipedrive.filters
    known = sorted(offered, key=lambda known: known.name.casefold())
    if chosen and all(one.id != chosen for one in known):
        known.insert(0, PersonFilter(chosen, _("A filter that was deleted")))
    return known


ANCHORS = {
    "direction": "dir-two",
    "source_app": "dir-two",
    "sync_to_list": "f-to-list",
    "sync_from_lists": "from-lists",
    "owner_id": "f-owner",
    "filter_id": "f-filter",
    "mappings": "mapping",
    "only_with_email": "f-only-with-email",
}
"""Place -> the id of the control it is about."""


def anchor(place: str, settings: Settings) -> str:
    """Where on the page a place is: the control to mark, and to lead to from a summary."""
    key, _dot, index = place.partition(".")
    if key == "automations":
        return automation_anchor(place)
    if key == "rows" and index.isdigit():
        return f"right-{index}"
    if key == "mappings" and index.isdigit():
        return f"right-{_row_number(int(index), settings)}"
    if key == "constants" and index.isdigit():
        return _constant_anchor(int(index), settings)
    return ANCHORS.get(key, "main")


def _constant_anchor(index: int, settings: Settings) -> str:
    """Each side's constants are counted by themselves."""
    if index >= len(settings.constants):
        return "constants-form"
    side = settings.constants[index].side
    return f"constant-value-{side}-{sum(each.side is side for each in settings.constants[:index])}"


def _row_number(index: int, settings: Settings) -> int:
    """The form's row of a mapping: the locked ones are not counted."""
    return index - sum(mapping in SYSTEM_MAPPINGS for mapping in settings.mappings[:index])


def error_links(editing: Editing) -> list[tuple[str, str]]:
    """For the summary on top: anchor and text of everything marked."""
    return [
        (_marked(place, editing.draft), named_problem(place, text))
        for place, texts in editing.marks.items()
        for text in texts
    ]


def _marked(place: str, draft: Draft) -> str:
    """As `anchor`, where the form may hold rows that the settings don't have yet."""
    for number in draft.incomplete_rows:
        if place == f"rows.{number}":
            return f"right-{number}" if draft.rows[number].outreach else f"left-{number}"
    if draft.incomplete_rows:
        place = next(
            (f"rows.{number}" for number, known in draft.row_places().items() if known == place), place
        )
    return anchor(place, draft.settings)
