"""Unsubscribing in Pipedrive those who left before the setting was switched on. Asked first: nobody can take it back."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from tidegate.errors import Conflict
from tidegate.web.access import MemberRequest, editor_required, get_connection
from tidegate.wiring.consents import count_closed, unsubscribe_closed


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def unsubscribe_earlier(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    connection = get_connection(request, connection_id)
    if request.method != "POST":
        context = {"connection": connection, "count": count_closed(connection)}
        return render(request, "web/setup/unsubscribe_earlier.html", context)
    try:
        count = unsubscribe_closed(connection, actor=str(request.user))
    except Conflict as error:
        messages.error(request, error.user_message)
        return redirect("settings", connection.pk)
    text = ngettext(
        "%(count)d person is looked at and unsubscribed in Pipedrive. The activity log tells of it.",
        "%(count)d people are looked at and unsubscribed in Pipedrive. The activity log tells of each.",
        count,
    )
    messages.success(request, text % {"count": count})
    return redirect("settings", connection.pk)
