"""Transfers: choose, watch, stop, read the report; and the list of those that ended."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from tidegate.config import config
from tidegate.core.advice import advice
from tidegate.core.records import Side
from tidegate.core.settings import Direction, settings_from_json
from tidegate.core.transfer import EXPECTED
from tidegate.errors import Conflict, Invalid, TidegateError
from tidegate.store import queries
from tidegate.store.models import Connection, Transfer, TransferRecord
from tidegate.web.access import MemberRequest, editor_required, get_connection, member_required
from tidegate.web.activity.csv_file import csv_answer
from tidegate.web.activity.lines import field_line, side_name
from tidegate.web.overview.budget import gauge
from tidegate.web.overview.views import long_wait
from tidegate.web.transfers.choices import (
    SENDER,
    constants_in_words,
    lists_in_words,
    offers,
    past_emails_in_words,
    proposed,
    read_choice,
)
from tidegate.web.transfers.progress import (
    GROUPS,
    Tally,
    cost_lines,
    groups_of,
    last_dip,
    pace_line,
    progress_of,
    tallies,
    title_of,
    tokens_left,
    touched_lines,
)
from tidegate.web.transfers.records import marks_of, record_words
from tidegate.wiring import actions

PAGE = 50
EXAMPLES = 10
"""Records of a preview shown at once, field by field."""
REFUSED = 20
"""Fields with their reasons shown of the values that stay behind."""
RUNNING = ("running", "paused")
PREVIEWED = ("preview", "ready")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def transfers(request: MemberRequest, connection_id: UUID) -> HttpResponseBase:
    if request.method == "POST":
        return start(request, connection_id)
    return _choose(request, get_connection(request, connection_id))


def _choose(
    request: MemberRequest, connection: Connection, errors: dict[str, list[str]] | None = None
) -> HttpResponse:
    settings, running = connection.get_settings(), queries.running_transfer(connection)
    asked = request.POST if request.method == "POST" else request.GET
    choice = read_choice(asked, settings) if errors else None
    choice = choice or proposed(asked, settings)
    context = {
        "connection": connection,
        "choice": choice,
        "offers": offers(connection, settings),
        "constants": constants_in_words(connection, settings, choice.direction),
        "past_emails": past_emails_in_words(connection, settings, choice.direction),
        "outreach_name": side_name(Side.OUTREACH),
        "running": running,
        "progress": progress_of(running) if running else None,
        "preview": queries.open_preview(connection),
        "past": queries.past_transfers(connection),
        "errors": [text for texts in (errors or {}).values() for text in texts],
    }
    return render(request, "web/transfers/choose.html", context, status=422 if errors else 200)


@editor_required
def start(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    running = queries.running_transfer(connection)
    if running is not None:
        return _is_running_already(request, connection, running)
    choice = read_choice(request.POST, connection.get_settings())
    if choice is None:
        return _choose(request, connection, {"direction": [_("Choose which way the records go.")]})
    begin = actions.preview_transfer if "preview" in request.POST else actions.start_transfer
    try:
        started = begin(
            connection,
            direction=choice.direction,
            source_app=choice.source_app,
            actor=str(request.user),
            include=choice.include,
        )
    except Conflict as error:
        running = queries.running_transfer(connection)  # begun between our look and our start
        if running is not None:
            return _is_running_already(request, connection, running)
        return _choose(request, connection, {"": [error.user_message]})
    except Invalid as error:
        return _choose(request, connection, error.errors or {"": [error.user_message]})
    except TidegateError as error:
        return _choose(request, connection, {"": [error.user_message]})
    return redirect("transfer", connection.pk, started.pk)


def _is_running_already(request: MemberRequest, connection: Connection, running: Transfer) -> HttpResponse:
    messages.warning(request, _("A transfer is running already. Nothing new was started; this is the one."))
    return redirect("transfer", connection.pk, running.pk)


def get_transfer(connection: Connection, transfer_id: UUID) -> Transfer:
    found = connection.transfers.filter(pk=transfer_id).first()
    if found is None:
        raise Http404
    found.connection = connection
    return found


@require_GET
@member_required
def transfer(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    """While it runs: how far it is. Afterwards: the report."""
    connection = get_connection(request, connection_id)
    found = get_transfer(connection, transfer_id)
    if found.state in PREVIEWED:
        return render(request, "web/transfers/preview.html", _preview_context(request, connection, found))
    if found.state in RUNNING:
        return render(request, "web/transfers/running.html", _running_context(connection, found))
    return render(request, "web/transfers/report.html", _report_context(request, connection, found))


def refused_number(
    request: MemberRequest, connection: Connection, found: Transfer, errors: Sequence[str]
) -> HttpResponse:
    """The preview of an undo once more, with what is wrong with the number that was typed."""
    refused = {"number_errors": errors, "number": request.POST.get("confirm", "")}
    context = _preview_context(request, connection, found) | refused
    return render(request, "web/transfers/preview.html", context, status=422)


@require_GET
@member_required
def progress(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    """What of a running transfer changes, asked for every two seconds; leads to the report when it has ended."""
    connection = get_connection(request, connection_id)
    found = get_transfer(connection, transfer_id)
    if found.state == "preview":
        return render(
            request, "web/transfers/preview_live.html", _preview_context(request, connection, found)
        )
    if found.state not in RUNNING:
        return HttpResponseClientRedirect(reverse("transfer", args=[connection.pk, found.pk]))
    return render(request, "web/transfers/running_live.html", _running_context(connection, found))


def _running_context(connection: Connection, found: Transfer) -> dict[str, Any]:
    return {
        "connection": connection,
        "transfer": found,
        "title": title_of(found),
        "progress": progress_of(found),
        "pace": pace_line(found.pace),
        "dip": last_dip(found),
        "expected": found.planned.get(EXPECTED, {}),
        "wait": long_wait(connection),
        "waiting": queries.waiting_of_others(connection),
        "budget": gauge(queries.budget_today(connection.lane), timezone.now(), planned=tokens_left(found)),
        "tallies": tallies(found) if found.undoes_id else [],
        "planned_tokens": actions.estimate(found).cost.tokens if found.planned else None,
        "latest": [record_words(record) for record in queries.latest_records(found)],
    }


def _preview_context(request: MemberRequest, connection: Connection, found: Transfer) -> dict[str, Any]:
    """What would happen, record by record, and what it would cost."""
    context = _report_context(request, connection, found)
    estimate = actions.estimate(found)
    left_out, counts = (*GROUPS["skipped"], *GROUPS["failed"], *GROUPS["kept"]), queries.outcome_counts(found)
    return context | {
        "must_confirm": actions.must_confirm(found),
        "touched": actions.touched_by(found),
        "target_name": side_name(Side(SENDER[Direction(found.direction)].other)),
        "estimate": estimate,
        "rate": round(estimate.calls_per_second),
        "skipped_why": [(why, count, advice(why)) for why, count in queries.reasons(found, left_out)],
        "left_out": sum(counts.get(outcome, 0) for outcome in left_out),
        "costs": cost_lines(estimate),
        "undo_days": config.undo_days,
        "budget_after": max(estimate.left_today - estimate.cost.tokens, 0),
        "budget": gauge(queries.budget_today(connection.lane), timezone.now(), planned=estimate.cost.tokens),
    }


def _report_context(request: MemberRequest, connection: Connection, found: Transfer) -> dict[str, Any]:
    tallied = tallies(found)
    outcome = _shown_outcome(request.GET.get("outcome", ""), tallied)
    after = request.GET.get("after", "")
    records, next_after = queries.shown_records(
        found,
        outcomes=groups_of(found).get(outcome, ()),
        conflicts=_conflicts_shown(found, outcome),
        after=int(after) if after.isdecimal() else 0,
        limit=EXAMPLES if found.state in PREVIEWED else PAGE,
    )
    cures = {} if found.state in PREVIEWED else queries.cures_of(found, records)
    emails = queries.emails_of(found, records)
    marks = marks_of(found, records) if found.state in PREVIEWED else None
    waiting, applied = queries.changes_meanwhile(found)
    return _refused_context(found) | {
        "connection": connection,
        "transfer": found,
        "title": title_of(found),
        "progress": progress_of(found),
        "tallies": tallied,
        "outcome": outcome,
        "outcome_word": next((tally.word for tally in tallied if tally.outcome == outcome), ""),
        "records": [
            record_words(
                record,
                marks=marks,
                cure=cures.get(record.source_id, ""),
                email=emails.get(record.source_id, ""),
            )
            for record in records
        ],
        "outcome_count": next((tally.count for tally in tallied if tally.outcome == outcome), 0),
        "failed_count": sum(tally.count for tally in tallied if tally.outcome == "failed"),
        "undo_until": _undo_until(found),
        "touched_lines": [] if found.state in PREVIEWED else touched_lines(found, tallied),
        "undone_by": found.undos.filter(state="done").order_by("-finished_at").first(),
        "next_after": next_after,
        "after": after,
        "source_name": side_name(Side(found.source_app)),
        "still_waiting": waiting,
        "applied": applied,
        "estimate_words": _against_the_estimate(found),
        "source_lists": _source_lists(found),
        "open_attention": connection.attention.filter(settled_at=None).count(),
    }


def _refused_context(found: Transfer) -> dict[str, Any]:
    """Which values stay behind, and of how many records; of a preview in the making that is not counted at each look."""
    values = queries.refused_values(found, REFUSED + 1) if found.state != "preview" else []
    return {
        "refused": [(value, side_name(Side(value.side))) for value in values[:REFUSED]],
        "refused_more": len(values) > REFUSED,
        "refused_count": queries.with_refusals(found).count() if values else 0,
    }


def _conflicts_shown(found: Transfer, outcome: str) -> bool | None:
    """A preview tells conflicts and other updates apart; a report lists them together."""
    if outcome == "conflict":
        return True
    apart = outcome == "updated" and found.state in PREVIEWED and found.undoes_id is None
    return False if apart else None


def _against_the_estimate(found: Transfer) -> str:
    """How the tokens of a run compare with what its preview said; empty where it was not previewed, or not finished."""
    if found.state not in ("done", "undone") or EXPECTED not in found.planned:
        return ""
    fewer = actions.estimate(found).cost.tokens - found.tokens
    count = number_format(abs(fewer), force_grouping=True)
    if fewer == 0:
        return _("as estimated")
    return (_("%(count)s fewer than estimated") if fewer > 0 else _("%(count)s more than estimated")) % {
        "count": count
    }


def _source_lists(found: Transfer) -> str:
    """From where the prospects were taken; empty for persons, chosen records and an undo."""
    if found.direction != Direction.TO_PIPEDRIVE or found.picked or found.undoes_id is not None:
        return ""
    lists = {named.id: named.name for named in actions.outreach_catalogue(found.connection).lists}
    return lists_in_words(settings_from_json(found.settings), lists)


def _undo_until(found: Transfer) -> datetime | None:
    """Until when the report offers an undo; None where it doesn't."""
    until = actions.undo_possible_until(found)
    return until if until is not None and until > timezone.now() else None


def _shown_outcome(asked: str, tallied: Sequence[Tally]) -> str:
    """Which records the report lists: those asked for, else the failed ones if there are any, else all of them."""
    known = {tally.outcome for tally in tallied}
    if asked in known or asked == "all":
        return asked if asked in known else ""
    return "failed" if any(tally.outcome == "failed" and tally.count for tally in tallied) else ""


@require_GET
@member_required
def records_csv(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponseBase:
    """Every record of the transfer, or those of one outcome, or those of which a value stays behind, with what changed."""
    connection = get_connection(request, connection_id)
    found = get_transfer(connection, transfer_id)
    records = found.records.order_by("id")
    outcome = request.GET.get("outcome", "")
    groups = groups_of(found)
    if request.GET.get("refused"):
        records = queries.with_refusals(found).order_by("id")
    elif outcome in groups:
        records = records.filter(outcome__in=groups[outcome])
    header = [
        _("Record"),
        _("Outcome"),
        _("Reason"),
        _("Source id"),
        _("Target id"),
        _("Field"),
        _("Before"),
        _("After"),
    ]
    name = f"tidegate-transfer-{timezone.localtime(found.created_at):%Y-%m-%d-%H%M}.csv"
    return csv_answer(name, header, _csv_rows(records.iterator(chunk_size=1000)))


def _csv_rows(records: Iterator[TransferRecord]) -> Iterator[list[object]]:
    for record in records:
        first = [record.name, record.outcome, record.reason, record.source_id, record.target_id]
        fields = [field_line(change) for change in record.changes]
        for field in fields:
            yield [*first, field.name, field.before, field.after]
        if not fields:
            yield [*first, "", "", ""]
