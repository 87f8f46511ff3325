"""Every address this server answers: pages, REST API, deliveries from Pipedrive, health."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

handler400 = "tidegate.web.errors.bad_request"
handler403 = "tidegate.web.errors.forbidden"
handler404 = "tidegate.web.errors.not_found"
handler500 = "tidegate.web.errors.server_error"

AREAS = (
    ("", "tidegate.web.health"),
    ("hooks/", "tidegate.web.hooks"),
    ("api/v1/", "tidegate.api.urls"),
)

urlpatterns: list[URLPattern | URLResolver] = [
    *(path(prefix, include(module)) for prefix, module in AREAS if find_spec(module) is not None),
    path("", include("tidegate.web.urls")),
]
