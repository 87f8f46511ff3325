"""The pages for what could not be shown: 400, 403, 404, 500, and what Tidegate's own errors become.

A 500 carries a number that is in the server's log as well, so that a user can name it. htmx and the API have their own
ways; here only pages are answered.
"""

import logging
import secrets
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh

from tidegate.errors import NotFound
from tidegate.store.models import Connection
from tidegate.web.access import chosen_membership
from tidegate.web.home import first_launched

logger = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        400,
        _("That request could not be understood"),
        _("Nothing was changed. Go back, reload the page and try again."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        _("This form is out of date"),
        _(
            "It was opened before you signed in again, or in another tab. Nothing was changed: reload the page and send it again."
        ),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = str(exception) or _("Your role does not allow this. Nothing was changed.")
    return _page(request, 403, _("You may not do this"), text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return (
            HttpResponseClientRefresh()
        )  # what the page shows is gone: the page itself says so, not a part of it
    return _page(
        request,
        404,
        _("There is nothing at this address"),
        _(
            "The page may have moved, or the record was deleted, or it belongs to another workspace. If you followed a link "
            "inside Tidegate, tell whoever runs this server."
        ),
        launched=_launched(request),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    error_number = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}"
    logger.error("Error %s at %s %s", error_number, request.method, request.path)
    text = _(
        "Your sync is not affected, it runs separately. Try again in a moment. If it keeps happening, send the number below "
        "to whoever runs this server."
    )
    return _page(
        request,
        500,
        _("Something went wrong on this server"),
        text,
        error_number=_("Error %(number)s, %(time)s UTC")
        % {"number": error_number, "time": date_format(timezone.now(), "j F Y H:i:s")},
    )


def _launched(request: HttpRequest) -> Connection | None:
    """What a signed-in member can be led back to. An address that leads nowhere has no view that would know the member."""
    if not request.user.is_authenticated:
        return None
    membership = chosen_membership(request)
    return first_launched(membership.workspace) if membership else None


def _page(request: HttpRequest, status: int, title: str, text: str, **more: object) -> HttpResponse:
    context = {"title": title, "text": text, "status": status, **more}
    return render(request, "web/error.html", context, status=status)


class TidegateErrors:
    """Turns Tidegate's own "there is no such thing" into the page for it, wherever a view lets it through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, NotFound):
            return not_found(request, Http404(str(exception)))
        return None
