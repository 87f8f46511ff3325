"""Mounted at /api/v1/. Whatever is asked for under it, the answer is JSON (or the documentation's page)."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from tidegate.api.app import api
from tidegate.api.problems import method_not_allowed, no_such_path


def _with_problem_details(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The framework answers a wrong method by itself, as plain text."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            return method_not_allowed(request, response["Allow"].split(", "))
        return response

    return wrapped


def _root(request: HttpRequest) -> HttpResponse:
    return no_such_path(request)


_routes, _, _namespace = api.urls
for _route in _routes:
    if isinstance(_route, URLPattern):
        _route.callback = csrf_exempt(_with_problem_details(_route.callback))

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((_routes, "ninja"), _namespace)),
    re_path("", csrf_exempt(no_such_path)),
]
