"""Fields and options that a member makes from the mapping itself, on either side; each is there at once, saved or not.

The buttons are named `make-SIDE-ROW` (a field for what the row has on the other side) and `options-SIDE-ROW` (the options that
SIDE lacks of the row's pair).
"""

from dataclasses import replace

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tidegate.core.records import Side
from tidegate.core.settings import FieldMapping, missing_options
from tidegate.errors import Invalid, TidegateError
from tidegate.web.setup.draft import Row
from tidegate.web.setup.editing import Editing, catalogues_of
from tidegate.wiring import fields

VERBS = ("make", "options")
APPS = {Side.OUTREACH: gettext_lazy("Tidegate Prospects"), Side.PIPEDRIVE: gettext_lazy("Pipedrive")}


def make_on_the_spot(editing: Editing, post: QueryDict, act: str, *, actor: str) -> None:
    """Carries the button's deed out, and shows the row with what was made, or with the reason why not."""
    verb, _dash, rest = act.partition("-")
    side, _dash, number = rest.partition("-")
    rows = editing.draft.rows
    if side not in set(Side) or not (number.isascii() and number.isdigit()) or int(number) >= len(rows):
        return
    row = int(number)
    editing.draft = replace(editing.draft, errors={})
    try:
        if verb == "make":
            _make_field(editing, post, Side(side), row, actor)
        else:
            _add_options(editing, Side(side), row, actor)
    except Invalid as error:
        texts = [text for found in error.errors.values() for text in found]
        editing.marks[f"rows.{row}"] = texts or [error.user_message]
    except TidegateError as error:
        editing.marks[f"rows.{row}"] = [error.user_message]


def _make_field(editing: Editing, post: QueryDict, side: Side, number: int, actor: str) -> None:
    """A field on this side for the row's field on the other side, with its type and its options."""
    row, catalogues = editing.draft.rows[number], editing.catalogues
    if side is Side.PIPEDRIVE:
        model = catalogues.outreach.field(row.outreach)
    else:
        model = catalogues.pipedrive.field(post.get(f"from-{number}", ""))
    if model is None:
        raise Invalid(errors={"row": [_("Choose the field first that the new one is for.")]})
    made = fields.create_field(
        editing.connection,
        side,
        name=post.get(f"name-{number}", "").strip() or model.name,
        kind=model.kind,
        options=[option.label for option in model.options] if model.kind in fields.WITH_OPTIONS else (),
        actor=actor,
    )
    pair = Row(row.outreach, made.key) if side is Side.PIPEDRIVE else Row(made.key, model.key)
    rows = [pair if place == number else other for place, other in enumerate(editing.draft.rows)]
    editing.catalogues = catalogues_of(editing.connection)
    editing.draft = editing.draft.with_rows(rows)
    facts = {"name": made.name, "app": APPS[side]}
    editing.done[number] = _("The field “%(name)s” is there now, in %(app)s.") % facts


def _add_options(editing: Editing, side: Side, number: int, actor: str) -> None:
    row, catalogues = editing.draft.rows[number], editing.catalogues
    mapping = FieldMapping(row.outreach, row.pipedrive)
    labels = missing_options(mapping, catalogues.outreach, catalogues.pipedrive).get(side, ())
    if not labels:
        return
    changed = fields.add_options(editing.connection, side, key=mapping.of(side), labels=labels, actor=actor)
    editing.catalogues = catalogues_of(editing.connection)
    facts = {
        "labels": ", ".join(f"“{label}”" for label in labels[:8]),
        "name": changed.name,
        "app": APPS[side],
    }
    editing.done[number] = _("Added to “%(name)s” in %(app)s: %(labels)s.") % facts
