"""Needs attention: what could not be written, by kind, each with its reason and the ways out of it.

Retry looks again; a choice between candidates is remembered by the engine; ignoring leaves the record alone until it
changes again. Everything is about one workspace's connection: a case of another one is not found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tidegate.core.cases import OF_CAMPAIGNS
from tidegate.core.records import Side
from tidegate.errors import Conflict, Invalid, TidegateError
from tidegate.prospects.models import Prospect
from tidegate.prospects.queries import get_prospect, read_fields
from tidegate.prospects.services import Outcome, update_prospect
from tidegate.store import queries
from tidegate.store.models import Attention, Connection
from tidegate.web.access import MemberRequest, editor_required, get_connection, member_required
from tidegate.web.activity.cases import Case, candidate_ids, candidates_side, cases_of
from tidegate.web.activity.corrections import correction_form
from tidegate.web.activity.csv_file import csv_answer
from tidegate.web.activity.details import technical_details
from tidegate.web.activity.kinds import GroupWords, words_of
from tidegate.web.prospects.forms import ProspectForm
from tidegate.web.prospects.frame import author_of, missing_is_404
from tidegate.wiring import actions

SHOWN_OF_A_KIND = 10
"""How many cases one press of a button settles: a request must end in a few seconds."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One kind with the cases of it that are shown."""

    words: GroupWords
    cases: tuple[Case, ...]

    @property
    def rest(self) -> int:
        return self.words.group.count - len(self.cases)

    @property
    def has_choices(self) -> bool:
        return any(case.candidates for case in self.cases)


@require_GET
@member_required
def attention(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    return _page(request, get_connection(request, connection_id))


def _page(
    request: MemberRequest, connection: Connection, wrong: Mapping[int, ProspectForm] | None = None
) -> HttpResponse:
    """`wrong`: forms of cases that were sent and not saved."""
    kind = request.GET.get("kind", "")
    groups = queries.attention_groups(connection, limit=200 if kind else SHOWN_OF_A_KIND)
    panels = [
        Panel(words_of(group), cases_of(connection, group.cases, wrong))
        for group in groups
        if not kind or group.kind == kind
    ]
    context: dict[str, Any] = {
        "connection": connection,
        "panels": panels,
        "kind": kind,
        "open_attention": sum(group.count for group in groups),
        "settled": connection.attention.exclude(settled_at=None).order_by("-settled_at")[:20],
        "most_at_once": actions.MOST_AT_ONCE,
    }
    return render(request, "web/activity/attention.html", context, status=422 if wrong else 200)


def get_case(connection: Connection, attention_id: int) -> Attention:
    """The open case with this id; 404 where it is another connection's or settled."""
    found = connection.attention.filter(pk=attention_id, settled_at=None).first()
    if found is None:
        raise Http404
    return found


@require_POST
@editor_required
def retry(request: MemberRequest, connection_id: UUID, attention_id: int) -> HttpResponse:
    connection = get_connection(request, connection_id)
    case = get_case(connection, attention_id)
    try:
        actions.retry_attention(case, actor=str(request.user))
        messages.success(
            request, _("%(name)s is being tried again.") % {"name": case.record_name or _("The record")}
        )
    except TidegateError as error:
        messages.error(request, error.user_message)
    return redirect("attention", connection.pk)


@require_POST
@editor_required
def correct(request: MemberRequest, connection_id: UUID, attention_id: int) -> HttpResponse:
    """Save what was corrected of the prospect. It is tried again by itself, as after any edit."""
    connection = get_connection(request, connection_id)
    case = get_case(connection, attention_id)
    with missing_is_404():
        found = get_prospect(connection.workspace_id, case.prospect_id)
    form = correction_form(case, found, read_fields(connection.workspace_id), request.POST)
    if form.is_valid():
        try:
            _save_and_retry(request, case, found, form)
        except (Invalid, Conflict) as error:
            form.refuse(error)
    if form.errors:
        form.focus_on_fault()
        return _page(request, connection, {case.pk: form})
    messages.success(request, _("Saved. %(name)s is being tried again.") % {"name": found.name})
    return redirect("attention", connection.pk)


def _save_and_retry(request: MemberRequest, case: Attention, found: Prospect, form: ProspectForm) -> None:
    with missing_is_404():
        saved = update_prospect(author_of(request), found.pk, form.content(), allow_double=False)
    if saved.outcome is Outcome.UNCHANGED:
        actions.retry_attention(case, actor=str(request.user))


@require_POST
@editor_required
def settle(request: MemberRequest, connection_id: UUID, attention_id: int) -> HttpResponse:
    """With a chosen candidate: link with it. Without: leave the record alone."""
    connection = get_connection(request, connection_id)
    case = get_case(connection, attention_id)
    chosen = request.POST.get("candidate", "")
    if "choose" in request.POST and chosen not in candidate_ids(case):
        messages.error(request, _("Choose one of the records that fit. Nothing was changed."))
        return redirect("attention", connection.pk)
    try:
        if "none" in request.POST:
            actions.settle_attention(case, actor=str(request.user), none_of_them=True)
        elif chosen and candidates_side(case) is Side.PIPEDRIVE:
            actions.settle_attention(case, actor=str(request.user), person_id=chosen)
        elif chosen:
            actions.settle_attention(case, actor=str(request.user), prospect_id=chosen)
        else:
            actions.settle_attention(case, actor=str(request.user))
        messages.success(request, _said(case, chose=bool(chosen), none="none" in request.POST))
    except TidegateError as error:
        messages.error(request, error.user_message)
    return redirect("attention", connection.pk)


def _said(case: Attention, *, chose: bool, none: bool) -> str:
    name = {"name": case.record_name or _("The record")}
    if none:
        return _("%(name)s is none of them. The answer is remembered.") % name
    if chose:
        return _("%(name)s is linked with the record you chose. The answer is remembered.") % name
    if case.kind in OF_CAMPAIGNS:
        return _("%(name)s is left as it is. Nothing of this is tried again.") % name
    return _("%(name)s is left alone until it changes again.") % name


@require_POST
@editor_required
def retry_many(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    done, failed = 0, ""
    try:
        done = actions.retry_all(connection, kind=request.POST.get("kind", ""), actor=str(request.user))
    except TidegateError as error:
        failed = error.user_message
    text = ngettext(
        "%(count)d record is being tried again.", "%(count)d records are being tried again.", done
    )
    return _after_many(request, connection, text % {"count": done}, failed)


@require_POST
@editor_required
def ignore_many(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    kind = request.POST.get("kind", "")
    done = actions.ignore_all(connection, kind=kind, actor=str(request.user))
    if kind in OF_CAMPAIGNS:
        text = ngettext(
            "%(count)d case is left as it is. Nothing of it is tried again.",
            "%(count)d cases are left as they are. Nothing of them is tried again.",
            done,
        )
        return _after_many(request, connection, text % {"count": done})
    text = ngettext(
        "%(count)d record is left alone until it changes again.",
        "%(count)d records are left alone until they change again.",
        done,
    )
    return _after_many(request, connection, text % {"count": done})


def _after_many(request: MemberRequest, connection: Connection, text: str, failed: str = "") -> HttpResponse:
    if failed:
        messages.error(request, failed)
    else:
        messages.success(request, text)
    return redirect("attention", connection.pk)


@require_GET
@member_required
def attention_csv(request: MemberRequest, connection_id: UUID) -> HttpResponseBase:
    connection = get_connection(request, connection_id)
    header = [
        _("Since"),
        _("Kind"),
        _("Record"),
        _("Prospect"),
        _("Person"),
        _("Reason"),
        _("What to do"),
        _("Technical details"),
    ]
    rows = connection.attention.filter(settled_at=None).order_by("kind", "id").iterator(chunk_size=1000)
    name = f"tidegate-attention-{timezone.localdate().isoformat()}.csv"
    return csv_answer(name, header, _csv_rows(rows))


def _csv_rows(rows: Iterator[Attention]) -> Iterator[list[object]]:
    for row in rows:
        since = row.created_at.isoformat(timespec="seconds")
        words = [row.message, row.cure, technical_details(row)]
        yield [since, row.kind, row.record_name, row.prospect_id, row.person_id, *words]
