"""Where Pipedrive delivers. Answered after one insert: ten slow or failed first attempts would ban the webhook."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tidegate.errors import Malformed, NotGenuine, NotHandled
from tidegate.wiring.receive import receive_delivery


@csrf_exempt
@require_POST
def pipedrive(request: HttpRequest, hook_token: str) -> HttpResponse:
    try:
        receive_delivery(hook_token, request.headers.get("Authorization"), request.body)
    except NotGenuine:
        answer = HttpResponse("The credentials are wrong.", status=401, content_type="text/plain")
        answer["WWW-Authenticate"] = 'Basic realm="Tidegate"'
        return answer
    except Malformed as error:
        return HttpResponse(error.user_message, status=400, content_type="text/plain")
    except NotHandled:
        pass  # known and of no interest: said as done, so that it is not sent again
    return HttpResponse(status=200)


urlpatterns = [path("pipedrive/<str:hook_token>", pipedrive, name="hook-pipedrive")]
