"""The steps of the set-up: their order, their words, what is done and what is at fault in each.

A problem belongs to the step whose settings it is about; `PLACES` says which. The settings page uses the same places.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tidegate.core.problem import Problem
from tidegate.core.settings import Settings
from tidegate.store.models import Connection
from tidegate.web.words import DIRECTION


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    title: Promise
    sub: Promise
    address: str
    """The name of its page."""


STEPS = (
    Step("connect", gettext_lazy("Connect"), gettext_lazy("Sign in at Pipedrive"), "setup-connected"),
    Step("direction", gettext_lazy("Direction"), gettext_lazy("Which way data flows"), "setup-direction"),
    Step("data", gettext_lazy("Data exchange"), gettext_lazy("Lists, owner, fields"), "setup-data"),
    Step("constants", gettext_lazy("Constants"), gettext_lazy("Optional"), "setup-constants"),
    Step("automations", gettext_lazy("Automations"), gettext_lazy("Optional"), "setup-automations"),
    Step("review", gettext_lazy("Review and launch"), gettext_lazy("Check and start"), "setup-review"),
)

PLACES = {
    "connect": ("connection",),
    "direction": ("direction", "source_app"),
    "data": (
        "sync_to_list",
        "sync_from_lists",
        "owner_id",
        "mappings",
        "only_with_email",
        "filter_id",
        "history_events",
        "unsubscribe_in_pipedrive",
    ),
    "constants": ("constants",),
    "automations": ("automations",),
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    number: int
    name: str
    title: str
    sub: str
    href: str | None
    is_here: bool
    is_done: bool
    is_bad: bool
    faults: int
    """How many things there are to fix in it."""


def step_of(problem: Problem) -> str:
    """The step whose page shows what this problem is about."""
    key = problem.place.split(".")[0]
    return next((step for step, places in PLACES.items() if key in places), "data")


def problems_of(step: str, problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if step_of(problem) == step]


class Stepper(TypedDict):
    """What the templates of the set-up know of the steps."""

    steps: list[ShownStep]
    step: ShownStep
    step_count: int


def stepper(
    connection: Connection | None, here: str, problems: Sequence[Problem] = (), *, mark: bool = False
) -> Stepper:
    """What the list of steps shows. Without a connection there is nowhere to go yet.

    A step with a problem never counts as done; red it is only with `mark`, when the member has been there.
    """
    steps = [
        _shown(number, step, connection, here, problems, mark) for number, step in enumerate(STEPS, start=1)
    ]
    current = next(step for step in steps if step.is_here)
    return {"steps": steps, "step": current, "step_count": len(steps)}


def _shown(
    number: int, step: Step, connection: Connection | None, here: str, problems: Sequence[Problem], mark: bool
) -> ShownStep:
    wrong = len(problems_of(step.name, problems))
    is_done = connection is not None and not wrong and _is_done(step, connection)
    is_bad = bool(wrong) and mark
    return ShownStep(
        number=number,
        name=step.name,
        title=str(step.title),
        sub=(_chosen(step, connection) if connection and is_done else "") or str(step.sub),
        href=_address(step, connection, is_bad) if connection and step.name != here else None,
        is_here=step.name == here,
        is_done=is_done,
        is_bad=is_bad,
        faults=wrong,
    )


def _address(step: Step, connection: Connection, is_bad: bool) -> str:
    """Where it is told what there is to fix, the page shows it."""
    page = reverse(step.address, args=[connection.pk])
    return f"{page}?problems" if is_bad else page


def _is_done(step: Step, connection: Connection) -> bool:
    """Whether somebody has been through this step: a connection begins with version 1, and every save raises it."""
    if step.name == "review":
        return connection.launched_at is not None
    if step.name == "automations":
        return bool(connection.get_settings().automations) or connection.launched_at is not None
    if step.name == "constants":
        return bool(connection.get_settings().constants) or connection.launched_at is not None
    return step.name == "connect" or connection.settings_version > 1


def _chosen(step: Step, connection: Connection) -> str:
    """What was chosen in a step that is done, in a few words; empty where nothing was."""
    settings = connection.get_settings()
    match step.name:
        case "connect":
            return connection.company_name
        case "direction":
            return str(DIRECTION[settings.direction])
        case "data":
            return _exchanged(settings)
        case "constants":
            return _("%(count)s set") % {"count": n} if (n := len(settings.constants)) else ""
        case "automations":
            on = sum(automation.enabled for automation in settings.automations)
            return _("%(count)s switched on") % {"count": on} if settings.automations else ""
    return ""


def _exchanged(settings: Settings) -> str:
    count = len(settings.mappings)
    fields = ngettext("%(count)s field", "%(count)s fields", count) % {"count": count}
    if settings.sync_from_lists is None:
        return _("%(fields)s, all lists") % {"fields": fields}
    chosen = len(settings.sync_from_lists)
    return ngettext("%(fields)s, %(count)s list", "%(fields)s, %(count)s lists", chosen) % {
        "fields": fields,
        "count": chosen,
    }
