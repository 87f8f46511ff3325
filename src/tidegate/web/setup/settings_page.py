"""All settings of a connection on one page: the same sections as the steps, saved together."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from tidegate.core.automation import Trigger, automations_to_json
from tidegate.core.connection import Reason, Status
from tidegate.core.problem import Problem
from tidegate.core.settings import Settings
from tidegate.store import queries
from tidegate.web.access import MemberRequest, get_connection, member_required
from tidegate.web.automations.words import TRIGGERS
from tidegate.web.integrations.permissions import permissions_of
from tidegate.web.overview.budget import gauge
from tidegate.web.setup.automation_form import automation_of
from tidegate.web.setup.editing import Editing, begin, found_problems, save, section_context
from tidegate.web.setup.steps import step_of
from tidegate.web.setup.views import PARTS, edit_without_saving
from tidegate.wiring import actions
from tidegate.wiring.consents import count_closed


@member_required
def settings_page(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """A viewer may look; whoever may edit can change and save."""
    connection = get_connection(request, connection_id)
    if request.method != "POST" or not request.membership.may_edit:
        editing = begin(connection)
        editing.mark(found_problems(editing))
        return _show(request, editing, status=403 if request.method == "POST" else 200)
    editing, act = begin(connection, request.POST), request.POST.get("act", "")
    if act == "changes":
        return _show_changes(request, editing)
    part = edit_without_saving(request, editing, act)
    if part == "page":
        editing.mark(found_problems(editing))
    if part is not None:
        return _show(request, editing, part)
    if not save(editing, request):
        if editing.marks:
            editing.mark_missing(found_problems(editing))
        return _show(request, editing, status=editing.status)
    return _saved(request, editing)


def _saved(request: MemberRequest, editing: Editing) -> HttpResponse:
    """Back to the page. A connection that had failed over its settings starts again as soon as they are complete."""
    connection, found = editing.connection, actions.problems(editing.connection)
    if connection.status == Status.FAILED and connection.reason == Reason.INCOMPLETE and not found:
        actions.resume(connection, actor=str(request.user))
        messages.success(request, _("Saved. Live sync is active again."))
    else:
        messages.success(request, _("Saved."))
    return redirect("settings", connection.pk)


def _show(request: MemberRequest, editing: Editing, part: str = "page", status: int = 200) -> HttpResponse:
    context = {**section_context(editing, request, all_parts=True), "changes": changes(editing)}
    if request.htmx and part in PARTS:
        return render(request, f"web/setup/{part}.html", {**context, "with_savebar": True})
    problems = editing.told
    waiting = editing.connection.changes.filter(done_at=None).count() if problems else 0
    saved = editing.connection.get_settings()
    context |= {
        "counts": _counts(problems),
        "waiting": waiting,
        "closed_before": count_closed(editing.connection) if saved.unsubscribe_in_pipedrive else 0,
        "is_launched": editing.connection.launched_at is not None,
        "permissions": permissions_of(editing.connection),
        "budget": gauge(queries.budget_today(editing.connection.lane), timezone.now()),
    }
    return render(request, "web/setup/settings.html", context, status=status)


def _show_changes(request: MemberRequest, editing: Editing) -> HttpResponse:
    return render(
        request, "web/setup/savebar.html", {"changes": changes(editing), "connection": editing.connection}
    )


def _counts(problems: Sequence[Problem]) -> dict[str, int]:
    """Section -> how many problems its link in the page's own menu shows."""
    counts: dict[str, int] = {}
    for problem in problems:
        counts[step_of(problem)] = counts.get(step_of(problem), 0) + 1
    return counts


def changes(editing: Editing) -> list[str]:
    """The names of the settings that differ from what is saved."""
    stored, draft = editing.connection.get_settings(), editing.draft.settings
    names = [name for name, is_same in _compared(stored, draft) if not is_same]
    if editing.draft.new_list is not None and _("Sync to list") not in names:
        names.append(_("Sync to list"))
    if editing.draft.incomplete_rows and _("Field mapping") not in names:
        names.append(_("Field mapping"))
    return names


def _compared(stored: Settings, draft: Settings) -> list[tuple[str, bool]]:
    return [
        (_("Direction"), stored.direction is draft.direction),
        (_("Which app wins"), stored.source_app is draft.source_app),
        (_("Sync from lists"), _as_set(stored.sync_from_lists) == _as_set(draft.sync_from_lists)),
        (_("Owner"), stored.owner_id == draft.owner_id),
        (_("Sync to list"), stored.sync_to_list == draft.sync_to_list),
        (_("Pipedrive filter"), stored.filter_id == draft.filter_id),
        (_("Field mapping"), stored.mappings == draft.mappings),
        (_("Prospects without an e-mail address"), stored.only_with_email is draft.only_with_email),
        (
            _("E-mail history"),
            (stored.include_email_history, set(stored.history_events))
            == (draft.include_email_history, set(draft.history_events)),
        ),
        (
            _("Consent in Pipedrive"),
            stored.unsubscribe_in_pipedrive is draft.unsubscribe_in_pipedrive,
        ),
        (_("Constants"), set(stored.constants) == set(draft.constants)),
        *(
            (str(words.name), _automation(stored, trigger) == _automation(draft, trigger))
            for trigger, words in TRIGGERS.items()
        ),
    ]


def _automation(settings: Settings, trigger: Trigger) -> object:
    """As it is stored: of an action only what its kind needs."""
    return automations_to_json([automation_of(settings, trigger)])


def _as_set(lists: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if lists is None else frozenset(lists)
