"""Addresses of the overview, below /connections/<uuid:connection_id>/."""

from django.urls import path

from tidegate.web.overview import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("live/", views.overview_live, name="overview-live"),
    path("switch/", views.switch, name="sync-switch"),
    path("resume/", views.resume, name="resume"),
    path("refresh/", views.refresh, name="refresh-fields"),
]
