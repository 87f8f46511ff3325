"""Addresses of the overview, below /connections/<uuid:connection_id>/."""

from django.urls import path

from tidegate.web.overview import limits, sameness, stopped, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("live/", views.overview_live, name="overview-live"),
    path("switch/", views.switch, name="sync-switch"),
    path("resume/", views.resume, name="resume"),
    path("stopped/", stopped.stopped, name="stopped"),
    path("stopped/<int:halt_id>/", stopped.decide, name="stopped-decide"),
    path("sameness/", sameness.sameness, name="sameness"),
    path("sameness/check/", sameness.check_now, name="sameness-check"),
    path("limits/", limits.limits, name="limits"),
    path("limits/ledger.csv", limits.ledger_csv, name="ledger-csv"),
    path("refresh/", views.refresh, name="refresh-fields"),
]
