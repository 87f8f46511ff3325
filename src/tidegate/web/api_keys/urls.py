"""Addresses of the pages about API keys, below /api-keys/."""

from django.urls import path

from tidegate.web.api_keys import pages

urlpatterns = [
    path("", pages.api_keys, name="api-keys"),
    path("make/", pages.make, name="api-key-make"),
    path("<int:key_id>/revoke/", pages.revoke, name="api-key-revoke"),
]
