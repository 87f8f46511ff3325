"""Mounted at /api/v1/. Whatever is asked for under it, the answer is JSON (or the documentation's page)."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from django.views.generic import RedirectView

from tidegate.api.app import api
from tidegate.api.problems import method_not_allowed, no_such_path

View = Callable[..., HttpResponseBase]


def _with_problem_details(view: View) -> View:
    """The framework answers a wrong method by itself, as plain text; and it doesn't know that HEAD is a GET."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = request.method
        if asked == "HEAD":
            request.method = "GET"
        response = view(request, *args, **kwargs)
        request.method = asked  # so that the server leaves the body out
        if isinstance(response, HttpResponseNotAllowed):
            response = method_not_allowed(request, response["Allow"].split(", "))
        response.headers.setdefault(
            "Cache-Control", "no-store"
        )  # it belongs to the key, not to a cache on the way
        return response

    return wrapped


_routes, _, _namespace = api.urls
for _route in _routes:
    if isinstance(_route, URLPattern):
        own_page = _route.name in ("openapi-json", "openapi-view", "api-root")
        view = require_GET(_route.callback) if own_page else _route.callback
        _route.callback = csrf_exempt(_with_problem_details(view))

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="api:openapi-view")),
    path("", include((_routes, "ninja"), _namespace)),
    re_path("", csrf_exempt(no_such_path)),
]
