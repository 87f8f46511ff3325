"""The settings in words, step by step, with what is missing in each: what the review before the launch shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.core.settings import Direction, Settings
from tidegate.store.models import Connection
from tidegate.web.automations.words import HISTORY
from tidegate.web.said import said
from tidegate.web.setup.automations import automation_lines, named_problem
from tidegate.web.setup.counted import left_out
from tidegate.web.setup.draft import Catalogues
from tidegate.web.setup.editing import Editing, anchor
from tidegate.web.setup.steps import STEPS, problems_of


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One step in words. `faults`: the text and where to mend it."""

    title: str | Promise
    lines: list[SafeString | str]
    faults: list[tuple[str, str]]
    href: str


DIRECTIONS: dict[Direction, Promise] = {
    Direction.TWO_WAY: gettext_lazy("<b>Two-way.</b> A change in either app reaches the other."),
    Direction.TO_PIPEDRIVE: gettext_lazy("<b>Only to Pipedrive.</b> What changes in Pipedrive stays there."),
    Direction.FROM_PIPEDRIVE: gettext_lazy(
        "<b>Only from Pipedrive.</b> What changes in your lists stays there."
    ),
}


def reviewed(editing: Editing, found: Sequence[Problem]) -> list[Reviewed]:
    settings, catalogues = editing.draft.settings, editing.catalogues
    lines: dict[str, list[SafeString | str]] = {
        "connect": [_connected(editing.connection)],
        "direction": _direction(settings),
        "data": [*_data(settings, catalogues), _without_email(editing.connection, settings)],
        "constants": _constants(settings, catalogues),
        "automations": _automations(settings, catalogues),
    }
    return [
        _one(step.name, step.title, step.address, lines[step.name], editing, found) for step in STEPS[:-1]
    ]


def _one(
    name: str,
    title: Promise,
    address: str,
    lines: list[SafeString | str],
    editing: Editing,
    found: Sequence[Problem],
) -> Reviewed:
    page = reverse(address, args=[editing.connection.pk])
    faults = [
        (
            named_problem(problem.place, problem.message),
            f"{page}?problems#{anchor(problem.place, editing.draft.settings)}",
        )
        for problem in problems_of(name, found)
    ]
    return Reviewed(title, lines, faults, f"{page}?problems" if faults else page)


def _connected(connection: Connection) -> SafeString:
    text = _("Pipedrive account <b>{company}</b>, connected as {user}, with <b>Tidegate Prospects</b>.")
    return format_html(text, company=connection.company_name, user=connection.pipedrive_user_name)


def _own(text: str) -> SafeString:
    """Our own words, with what counts set off."""
    return mark_safe(text)  # noqa: S308 (nothing of anybody else's is in it)


def _direction(settings: Settings) -> list[SafeString | str]:
    lines: list[SafeString | str] = [_own(str(DIRECTIONS[settings.direction]))]
    if settings.direction is Direction.TWO_WAY:
        winner = _("Pipedrive") if settings.source_app is Side.PIPEDRIVE else _("Tidegate Prospects")
        lines.append(
            _("If both change the same field, %(app)s wins, and the log keeps both values.") % {"app": winner}
        )
    return lines


def _data(settings: Settings, catalogues: Catalogues) -> list[SafeString | str]:
    lines: list[SafeString | str] = []
    names = {named.id: named.name for named in catalogues.outreach.lists}
    if settings.direction.flows_to(Side.PIPEDRIVE):
        lines.append(_to_pipedrive(settings, catalogues, names))
    if settings.direction.flows_to(Side.OUTREACH) and settings.sync_to_list in names:
        text = _("People from Pipedrive arrive in <b>{name}</b>.")
        lines.append(format_html(text, name=names[settings.sync_to_list]))
    if settings.direction.flows_to(Side.OUTREACH) and settings.filter_id:
        chosen = catalogues.pipedrive.filter_of(settings.filter_id)
        if chosen is not None:
            text = _("Only people in the Pipedrive filter <b>{name}</b> come in.")
            lines.append(format_html(text, name=chosen.name))
    lines.append(_fields(settings, catalogues))
    if settings.direction.flows_to(Side.PIPEDRIVE):
        lines.append(_history(settings))
    if settings.direction.flows_to(Side.PIPEDRIVE) and settings.unsubscribe_in_pipedrive:
        lines.append(
            _("Whoever unsubscribes or bounces is unsubscribed in Pipedrive, too, which can’t be taken back.")
        )
    return lines


def _without_email(connection: Connection, settings: Settings) -> str:
    if settings.only_with_email:
        return left_out(connection, settings)
    return _("Whoever has no e-mail address is synced too, and may arrive twice.")


def _to_pipedrive(settings: Settings, catalogues: Catalogues, names: dict[str, str]) -> SafeString:
    owner = next((user.name for user in catalogues.pipedrive.users if user.id == settings.owner_id), None)
    if settings.sync_from_lists is None:
        who = _own(_("<b>All lists</b>, also those you add later, go to Pipedrive"))
    else:
        chosen = [names[i] for i in settings.sync_from_lists if i in names]
        shown = ", ".join(f"“{name}”" for name in chosen[:4]) + (
            f" +{len(chosen) - 4}" if len(chosen) > 4 else ""
        )
        text = ngettext(
            "<b>{count} list</b> goes to Pipedrive: {names}",
            "<b>{count} lists</b> go to Pipedrive: {names}",
            len(chosen),
        )
        who = format_html(text, count=len(chosen), names=shown)
    if not owner:
        return format_html("{}.", who)
    return format_html(_("{who}. New people there belong to <b>{owner}</b>."), who=who, owner=owner)


def _fields(settings: Settings, catalogues: Catalogues) -> SafeString:
    names = [
        said(known.name)
        if (known := catalogues.outreach.field(mapping.outreach))
        else _("a field that was deleted")
        for mapping in settings.mappings
    ]
    shown = ", ".join(names[:12]) + (f" +{len(names) - 12}" if len(names) > 12 else "")
    text = ngettext(
        "<b>{count} field</b> is kept the same: {names}.",
        "<b>{count} fields</b> are kept the same: {names}.",
        len(names),
    )
    return format_html(text, count=len(names), names=shown)


def _history(settings: Settings) -> str:
    if not settings.include_email_history:
        return _("E-mail history is not included.")
    if not settings.history_events:
        return _("E-mail history is included; what happens after sending does not update it.")
    names = ", ".join(str(text) for trigger, text in HISTORY.items() if trigger in settings.history_events)
    return _("E-mail history is included, and updated by: %(events)s.") % {"events": names}


def _automations(settings: Settings, catalogues: Catalogues) -> list[SafeString | str]:
    if not settings.direction.flows_to(Side.PIPEDRIVE):
        return [_("None, since nothing flows to Pipedrive.")]
    return list(automation_lines(settings, catalogues)) or [_("None.")]


def _constants(settings: Settings, catalogues: Catalogues) -> list[SafeString | str]:
    lines: list[SafeString | str] = []
    for side, app in ((Side.OUTREACH, _("Tidegate Prospects")), (Side.PIPEDRIVE, _("Pipedrive"))):
        catalogue = catalogues.outreach if side is Side.OUTREACH else catalogues.pipedrive
        for constant in settings.constants_of(side):
            known = catalogue.field(constant.field)
            facts = {
                "app": app,
                "field": said(known.name) if known else _("a field that was deleted"),
                "value": constant.value,
            }
            text = _("In {app}, <b>{field}</b> becomes “{value}” on every record that arrives.")
            lines.append(format_html(text, **facts))
    return lines or [_("None.")]
