"""The settings in words, step by step, with what is missing in each: what the review before the launch shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.core.settings import Direction, Settings
from tidegate.store.models import Connection
from tidegate.web.automations.words import HISTORY
from tidegate.web.setup.automations import automation_lines, named_problem
from tidegate.web.setup.counted import left_out
from tidegate.web.setup.draft import Catalogues
from tidegate.web.setup.editing import Editing, anchor
from tidegate.web.setup.steps import STEPS, problems_of


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One step in words. `faults`: the text and where to mend it."""

    title: str | Promise
    lines: list[str]
    faults: list[tuple[str, str]]
    href: str


DIRECTIONS: dict[Direction, Promise] = {
    Direction.TWO_WAY: gettext_lazy("Two-way. A change in either app reaches the other."),
    Direction.TO_PIPEDRIVE: gettext_lazy("Only to Pipedrive. What changes in Pipedrive stays there."),
    Direction.FROM_PIPEDRIVE: gettext_lazy("Only from Pipedrive. What changes in your lists stays there."),
}


def reviewed(editing: Editing, found: Sequence[Problem]) -> list[Reviewed]:
    settings, catalogues = editing.draft.settings, editing.catalogues
    lines = {
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
    name: str, title: Promise, address: str, lines: list[str], editing: Editing, found: Sequence[Problem]
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


def _connected(connection: Connection) -> str:
    facts = {"company": connection.company_name, "user": connection.pipedrive_user_name}
    return _("Pipedrive account %(company)s, connected as %(user)s, with Tidegate Prospects.") % facts


def _direction(settings: Settings) -> list[str]:
    lines = [str(DIRECTIONS[settings.direction])]
    if settings.direction is Direction.TWO_WAY:
        winner = _("Pipedrive") if settings.source_app is Side.PIPEDRIVE else _("Tidegate Prospects")
        lines.append(
            _("If both change the same field, %(app)s wins, and the log keeps both values.") % {"app": winner}
        )
    return lines


def _data(settings: Settings, catalogues: Catalogues) -> list[str]:
    lines = []
    names = {named.id: named.name for named in catalogues.outreach.lists}
    if settings.direction.flows_to(Side.PIPEDRIVE):
        lines.append(_to_pipedrive(settings, catalogues, names))
    if settings.direction.flows_to(Side.OUTREACH) and settings.sync_to_list in names:
        lines.append(
            _("People from Pipedrive arrive in “%(name)s”.") % {"name": names[settings.sync_to_list]}
        )
    if settings.direction.flows_to(Side.OUTREACH) and settings.filter_id:
        chosen = catalogues.pipedrive.filter_of(settings.filter_id)
        if chosen is not None:
            lines.append(_("Only people in the Pipedrive filter “%(name)s” come in.") % {"name": chosen.name})
    lines.append(_fields(settings, catalogues))
    if settings.direction.flows_to(Side.PIPEDRIVE):
        lines.append(_history(settings))
    if settings.direction.flows_to(Side.PIPEDRIVE) and settings.unsubscribe_in_pipedrive:
        lines.append(
            _("Whoever unsubscribes or bounces is unsubscribed in Pipedrive, too, which can't be taken back.")
        )
    return lines


def _without_email(connection: Connection, settings: Settings) -> str:
    if settings.only_with_email:
        return left_out(connection, settings)
    return _("Whoever has no e-mail address is synced too, and may arrive twice.")


def _to_pipedrive(settings: Settings, catalogues: Catalogues, names: dict[str, str]) -> str:
    owner = next((user.name for user in catalogues.pipedrive.users if user.id == settings.owner_id), None)
    if settings.sync_from_lists is None:
        who = _("All lists, also those you add later, go to Pipedrive")
    else:
        chosen = [names[i] for i in settings.sync_from_lists if i in names]
        shown = ", ".join(f"“{name}”" for name in chosen[:4]) + (
            f" +{len(chosen) - 4}" if len(chosen) > 4 else ""
        )
        who = ngettext(
            "%(count)d list goes to Pipedrive: %(names)s",
            "%(count)d lists go to Pipedrive: %(names)s",
            len(chosen),
        ) % {"count": len(chosen), "names": shown}
    return (
        _("%(who)s. New people there belong to %(owner)s.") % {"who": who, "owner": owner}
        if owner
        else f"{who}."
    )


def _fields(settings: Settings, catalogues: Catalogues) -> str:
    names = [
        known.name
        if (known := catalogues.outreach.field(mapping.outreach))
        else _("a field that was deleted")
        for mapping in settings.mappings
    ]
    shown = ", ".join(names[:12]) + (f" +{len(names) - 12}" if len(names) > 12 else "")
    text = ngettext(
        "%(count)d field is kept the same: %(names)s.",
        "%(count)d fields are kept the same: %(names)s.",
        len(names),
    )
    return text % {"count": len(names), "names": shown}


def _history(settings: Settings) -> str:
    if not settings.include_email_history:
        return _("E-mail history is not included.")
    if not settings.history_events:
        return _("E-mail history is included; what happens after sending does not update it.")
    names = ", ".join(str(text) for trigger, text in HISTORY.items() if trigger in settings.history_events)
    return _("E-mail history is included, and updated by: %(events)s.") % {"events": names}


def _automations(settings: Settings, catalogues: Catalogues) -> list[str]:
    if not settings.direction.flows_to(Side.PIPEDRIVE):
        return [_("None, since nothing flows to Pipedrive.")]
    return list(automation_lines(settings, catalogues)) or [_("None.")]


def _constants(settings: Settings, catalogues: Catalogues) -> list[str]:
    lines = []
    for side, app in ((Side.OUTREACH, _("Tidegate Prospects")), (Side.PIPEDRIVE, _("Pipedrive"))):
        catalogue = catalogues.outreach if side is Side.OUTREACH else catalogues.pipedrive
        for constant in settings.constants_of(side):
            known = catalogue.field(constant.field)
            facts = {
                "app": app,
                "field": known.name if known else _("a field that was deleted"),
                "value": constant.value,
            }
            lines.append(
                _("In %(app)s, “%(field)s” becomes “%(value)s” on every record that arrives.") % facts
            )
    return lines or [_("None.")]
