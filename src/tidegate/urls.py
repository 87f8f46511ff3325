"""Every address this server answers: pages, REST API, deliveries from Pipedrive, health."""

from django.urls import URLPattern, URLResolver, include, path

handler400 = "tidegate.web.errors.bad_request"
handler403 = "tidegate.web.errors.forbidden"
handler404 = "tidegate.web.errors.not_found"
handler500 = "tidegate.web.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tidegate.web.health")),
    path("hooks/", include("tidegate.web.hooks")),
    path("api/v1/", include("tidegate.api.urls")),
    path("", include("tidegate.web.urls")),
]
