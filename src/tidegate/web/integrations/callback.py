"""Where Pipedrive sends people back after they agreed or not, and where it tells that the app was uninstalled.

GET with code and state ends a way that started here; GET with a code alone is an install that began in Pipedrive's
Marketplace. DELETE is the uninstall call, with the app's own id and secret as Basic credentials:
https://pipedrive.readme.io/docs/app-uninstallation
"""

import base64
import binascii
import hmac
import json
import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tidegate.errors import TidegateError
from tidegate.store.models import Connection
from tidegate.store.oauth_app import registered_app
from tidegate.web.access import MemberRequest, editor_required
from tidegate.web.integrations.problems import REFUSED, STATE_UNKNOWN, Problem, problem_page
from tidegate.wiring import actions

logger = logging.getLogger(__name__)

RENEWED = gettext_lazy(
    "%(company)s was connected here already, so nothing was made twice: its authorisation is renewed, and its settings, "
    "links and history are as they were."
)


@csrf_exempt
@require_http_methods(["GET", "DELETE"])
def callback(request: HttpRequest) -> HttpResponseBase:
    return uninstalled(request) if request.method == "DELETE" else _came_back(request)


@editor_required
def _came_back(request: MemberRequest) -> HttpResponse:
    """The member is back from Pipedrive: with a code, with a refusal, or from the Marketplace."""
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    if request.GET.get("error"):
        return problem_page(request, REFUSED)
    if not state and code:
        return render(request, "web/integrations/marketplace.html")
    if not state or not code:
        return problem_page(request, STATE_UNKNOWN)
    try:
        connection = actions.finish_oauth(user=request.user, state=state, code=code)
    except TidegateError as error:
        logger.info("Connecting Pipedrive ended without a connection: %s", error)
        return problem_page(request, Problem.of(error))
    if connection.was_there:
        messages.success(request, RENEWED % {"company": connection.company_name})
    return redirect("setup-connected" if connection.launched_at is None else "overview", connection.pk)


def uninstalled(request: HttpRequest) -> HttpResponse:
    """Pipedrive says that a user removed the app: their connections wait to be reconnected, with everything kept."""
    if not _is_pipedrive(request):
        return HttpResponse("Unknown credentials.\n", status=401, headers={"WWW-Authenticate": "Basic"})
    try:
        body = json.loads(request.body)
        company, user = str(body["company_id"]), str(body["user_id"])
    except (ValueError, KeyError, TypeError):
        return HttpResponse("The body must be JSON with company_id and user_id.\n", status=400)
    for connection in Connection.objects.filter(
        company_id=company, pipedrive_user_id=user, auth_method="oauth", disconnected_at=None
    ):
        text = _(
            "The app was removed in Pipedrive. Reconnect with the same account: settings, links and history are kept."
        )
        actions.lose_authorisation(connection, text)
        logger.warning("Pipedrive uninstalled the app for company %s; the connection waits", company)
    return HttpResponse(status=200)


def _is_pipedrive(request: HttpRequest) -> bool:
    """Whether the caller holds our own app's id and secret."""
    kind, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    app = registered_app()
    if app is None or kind.lower() != "basic":
        return False
    return hmac.compare_digest(given.encode(), f"{app.client_id}:{app.client_secret}".encode())
