"""The simulation page: what the stored automations would have done with last month's events. Nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tidegate.core.automation import Trigger
from tidegate.core.records import Side
from tidegate.core.simulation import Counts, Simulated, Verdict, Would, counted
from tidegate.web.access import MemberRequest, get_connection, member_required
from tidegate.web.automations.outcomes import shown_outcomes
from tidegate.web.automations.words import ACTIONS, TRIGGERS, Named
from tidegate.wiring.simulation import DAYS, simulate

A_PAGE = 20
"""How many events are listed at once: on a phone each takes half a screen. The counts are of all."""


@dataclass(frozen=True, slots=True)
class ShownCounts:
    trigger: Named
    counts: Counts
    actions: list[tuple[Named, int, int, int]]
    """Each action with how often it would be done, not be done, and depend on an open deal."""


@require_GET
@member_required
def simulation(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    settings = connection.get_settings()
    simulated = simulate(connection, settings)
    only = request.GET.get("only", "")
    wanted = only if only in set(Verdict) else ""
    page = Paginator(_listed(simulated.done, wanted), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "connection": connection,
        "simulated": simulated,
        "days": DAYS,
        "asleep": ", ".join(str(TRIGGERS[trigger].name) for trigger in simulated.asleep),
        "counts": _shown_counts(counted(simulated.done)),
        "listed": shown_outcomes(page),
        "page": page,
        "only": wanted,
        "choices": [("", _("All")), *_choices()],
        "flows": settings.direction.flows_to(Side.PIPEDRIVE),
        "has_automations": any(automation.enabled for automation in settings.automations),
    }
    return render(request, "web/automations/simulation.html", context)


def _listed(done: tuple[Simulated, ...], wanted: str) -> list[Simulated]:
    """The newest first."""
    return [item for item in reversed(done) if not wanted or item.verdict == wanted]


def _choices() -> list[tuple[str, str]]:
    return [
        (Verdict.RUNS.value, _("Would run")),
        (Verdict.DOUBLE.value, _("Doubles")),
        (Verdict.LEFT_OUT.value, _("Left out")),
    ]


def _shown_counts(counts: Mapping[Trigger, Counts]) -> list[ShownCounts]:
    return [
        ShownCounts(
            TRIGGERS[trigger],
            found,
            [
                (ACTIONS[kind], told[Would.PERFORMED], told[Would.NOT_PERFORMED], told[Would.DEPENDS])
                for kind, told in found.actions.items()
            ],
        )
        for trigger, found in counts.items()
    ]
