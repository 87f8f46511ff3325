"""What the buttons of a transfer's pages do: start, choose, pause, continue, cancel, undo, retry."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tidegate.errors import Invalid, TidegateError
from tidegate.web.access import MemberRequest, editor_required, get_connection
from tidegate.web.transfers.views import PREVIEWED, RUNNING, get_transfer, refused_number
from tidegate.wiring import actions


@require_http_methods(["GET", "POST"])
@editor_required
def start_previewed(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    """Run what the preview showed, or only the records that were ticked.

    A refused number leaves the browser at this address: what leads on from there, or a reload, is the preview's.
    """
    connection = get_connection(request, connection_id)
    found = get_transfer(connection, transfer_id)
    if request.method == "GET":
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        return redirect(reverse("transfer", args=[connection.pk, found.pk]) + query)
    chosen = request.POST.getlist("record") if "only" in request.POST else None
    confirm = request.POST.get("confirm", "").replace(",", "").replace(" ", "")
    try:
        actions.start_previewed(
            found,
            actor=str(request.user),
            records=chosen,
            confirm=int(confirm) if confirm.isdecimal() else None,
        )
    except TidegateError as error:
        wrong = error.errors.get("confirm") if isinstance(error, Invalid) else None
        if wrong and found.state == "ready":
            return refused_number(request, connection, found, wrong)
        _say(request, error)
    return redirect("transfer", connection.pk, found.pk)


@require_POST
@editor_required
def undo(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    """Begin the preview of taking the transfer back, or one record of it."""
    connection = get_connection(request, connection_id)
    found = get_transfer(connection, transfer_id)
    try:
        preview = actions.undo_transfer(
            found,
            delete_created="delete_created" in request.POST,
            actor=str(request.user),
            records=request.POST.getlist("record") or None,
        )
    except TidegateError as error:
        _say(request, error)
        return redirect("transfer", connection.pk, found.pk)
    return redirect("transfer", connection.pk, preview.pk)


@require_POST
@editor_required
def retry(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    """Run what failed once more, all of it or one record."""
    connection = get_connection(request, connection_id)
    found = get_transfer(connection, transfer_id)
    try:
        actions.retry_failed(found, actor=str(request.user), records=request.POST.getlist("record") or None)
    except TidegateError as error:
        _say(request, error)
    return redirect("transfer", connection.pk, found.pk)


def _say(request: MemberRequest, error: TidegateError) -> None:
    texts = [text for found in error.errors.values() for text in found] if isinstance(error, Invalid) else []
    messages.error(request, " ".join(texts) or error.user_message)


@require_POST
@editor_required
def pause(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    return _carry_out(request, connection_id, transfer_id, actions.pause_transfer)


@require_POST
@editor_required
def go_on(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    return _carry_out(request, connection_id, transfer_id, actions.continue_transfer)


@require_POST
@editor_required
def cancel(request: MemberRequest, connection_id: UUID, transfer_id: UUID) -> HttpResponse:
    return _carry_out(request, connection_id, transfer_id, actions.cancel_transfer)


def _carry_out(
    request: MemberRequest, connection_id: UUID, transfer_id: UUID, act: Callable[..., None]
) -> HttpResponse:
    """Pause, continue or cancel; pressing a button of a page that is out of date says so and changes nothing."""
    connection = get_connection(request, connection_id)
    found = get_transfer(connection, transfer_id)
    if found.state not in (*RUNNING, *PREVIEWED):
        messages.info(request, _("This transfer has ended already. Nothing was changed."))
        return redirect("transfer", connection.pk, found.pk)
    try:
        act(found, actor=str(request.user))
    except TidegateError as error:
        messages.error(request, error.user_message)
    return redirect("transfer", connection.pk, found.pk)
