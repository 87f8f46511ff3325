"""Addresses of the transfers, below /connections/<uuid:connection_id>/transfers/."""

from django.urls import path

from tidegate.web.transfers import steer, views

urlpatterns = [
    path("", views.transfers, name="transfers"),
    path("<uuid:transfer_id>/", views.transfer, name="transfer"),
    path("<uuid:transfer_id>/progress/", views.progress, name="transfer-progress"),
    path("<uuid:transfer_id>/start/", steer.start_previewed, name="transfer-start"),
    path("<uuid:transfer_id>/pause/", steer.pause, name="transfer-pause"),
    path("<uuid:transfer_id>/continue/", steer.go_on, name="transfer-continue"),
    path("<uuid:transfer_id>/cancel/", steer.cancel, name="transfer-cancel"),
    path("<uuid:transfer_id>/undo/", steer.undo, name="transfer-undo"),
    path("<uuid:transfer_id>/retry/", steer.retry, name="transfer-retry"),
    path("<uuid:transfer_id>/records.csv", views.records_csv, name="transfer-csv"),
]
