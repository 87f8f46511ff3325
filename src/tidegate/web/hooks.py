"""Where Pipedrive and e-mail service providers deliver. Answered once stored: slow or failed attempts would end in a ban."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from tidegate.errors import Malformed, NotGenuine, NotHandled, TemporaryError
from tidegate.web.intake import answer_delivery
from tidegate.wiring.mail_providers import receive_from_provider


@csrf_exempt
@require_POST
def pipedrive(request: HttpRequest, hook_token: str) -> HttpResponse:
    answer = answer_delivery(hook_token, request.headers.get("Authorization"), request.body)
    return HttpResponse(
        answer.text, status=answer.status, headers=dict(answer.headers), content_type="text/plain"
    )


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def mail_provider(request: HttpRequest, secret: str, provider: str, kind: str) -> HttpResponse:
    """HEAD is how some providers see whether an address answers."""
    if request.method == "HEAD":
        return HttpResponse(status=200)
    try:
        receive_from_provider(secret, provider, kind, request)
    except NotGenuine as error:
        return HttpResponse(error.user_message, status=401, content_type="text/plain")
    except Malformed as error:
        return HttpResponse(error.user_message, status=400, content_type="text/plain")
    except NotHandled as error:
        return HttpResponse(error.user_message, status=404, content_type="text/plain")
    except TemporaryError as error:
        return HttpResponse(error.user_message, status=503, content_type="text/plain")
    return HttpResponse(status=200)


urlpatterns = [
    path("pipedrive/<str:hook_token>", pipedrive, name="hook-pipedrive"),
    path("esp/<str:secret>/<slug:provider>/<slug:kind>/", mail_provider, name="hook-esp"),
]
