"""The content security policy of every answer: scripts, styles and requests come from this server alone."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from tidegate.config import config

# A browser holds a form's policy against every redirect that follows: Connect posts here and is led to Pipedrive's sign-in.
PIPEDRIVE = "{0.scheme}://{0.netloc} https://*.pipedrive.com".format(urlsplit(config.pipedrive_oauth_url))

POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        f"form-action 'self' {PIPEDRIVE}",
    ]
)


class ContentSecurityPolicy:
    """A view that needs more (the API's documentation) sets the header itself; it is left as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
