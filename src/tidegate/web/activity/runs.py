"""The runs of automations: what each event started, and what became of each action."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from tidegate.core.automation import ActionKind, Trigger
from tidegate.core.runs import Outcome
from tidegate.store import queries
from tidegate.store.models import AutomationRun, RunAction
from tidegate.web.access import MemberRequest, get_connection, member_required
from tidegate.web.activity.filters import Choices, Select
from tidegate.web.activity.log import person_url
from tidegate.web.automations.words import ACTIONS, TRIGGERS, Named

PAGE = 50

OUTCOMES: dict[Outcome, tuple[str | Promise, str, str]] = {
    Outcome.PERFORMED: (gettext_lazy("Done"), "check", "good"),
    Outcome.NOT_PERFORMED: (gettext_lazy("Not done"), "none", "calm"),
    Outcome.FAILED: (gettext_lazy("Failed"), "error", "bad"),
    Outcome.WAITING: (gettext_lazy("Waiting"), "clock", "warn"),
}
"""Word, glyph and tone of what became of an action."""


@dataclass(frozen=True, slots=True)
class ShownDeed:
    """One action of a run in words."""

    action: Named
    word: str | Promise
    glyph: str
    tone: str
    text: str
    """What it came to, or why it was not done."""


@dataclass(frozen=True, slots=True)
class ShownRun:
    run: AutomationRun
    trigger: Named
    deeds: list[ShownDeed]
    person_url: str


@require_GET
@member_required
def runs(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    wanted = _read_filter(request.GET)
    older = request.GET.get("older", "")
    found = queries.run_page(
        queries.filter_runs(connection, wanted),
        older_than=int(older) if older.isdecimal() and len(older) < 19 else None,
        limit=PAGE,
    )
    context: dict[str, Any] = {
        "connection": connection,
        "wanted": wanted,
        "selects": _selects(wanted),
        "is_filtered": wanted != queries.RunFilter(),
        "page": found,
        "is_first": not older,
        "shown": shown_runs(found.runs),
        "open_attention": connection.attention.filter(settled_at=None).count(),
        "has_automations": any(a.enabled for a in connection.get_settings().automations),
    }
    return render(request, "web/activity/runs.html", context)


def shown_runs(runs: Iterable[AutomationRun]) -> list[ShownRun]:
    """Runs in words. A trigger or an action that we have no word for any more goes by its own name."""
    return [
        ShownRun(
            run,
            named_trigger(run.trigger),
            [_deed(action) for action in run.actions.all()],
            person_url(run.connection, run.person_id),
        )
        for run in runs
    ]


def named_trigger(trigger: str) -> Named:
    return TRIGGERS[Trigger(trigger)] if trigger in set(Trigger) else Named(trigger, "bolt")


def _deed(action: RunAction) -> ShownDeed:
    kind = str(action.action.get("kind", ""))
    named = ACTIONS[ActionKind(kind)] if kind in set(ActionKind) else Named(kind, "bolt")
    outcome = Outcome(action.outcome) if action.outcome in set(Outcome) else Outcome.WAITING
    word, glyph, tone = OUTCOMES[outcome]
    return ShownDeed(named, word, glyph, tone, action.text if outcome is Outcome.PERFORMED else action.reason)


def _read_filter(asked: QueryDict) -> queries.RunFilter:
    trigger, outcome, prospect = (asked.get(key, "") for key in ("trigger", "outcome", "prospect"))
    return queries.RunFilter(
        trigger=trigger if trigger in set(Trigger) else "",
        outcome=outcome if outcome in set(Outcome) else "",
        text=asked.get("q", "").strip()[:200],
        prospect_id=prospect[:64] if prospect.isdecimal() else "",
    )


def _selects(wanted: queries.RunFilter) -> list[Select]:
    triggers: Choices = (("", _("Any event")), *((t.value, str(n.name)) for t, n in TRIGGERS.items()))
    outcomes: Choices = (("", _("Any outcome")), *((o.value, str(w)) for o, (w, *_rest) in OUTCOMES.items()))
    return [
        Select("trigger", _("Event"), triggers, wanted.trigger),
        Select("outcome", _("Outcome of an action"), outcomes, wanted.outcome),
    ]
