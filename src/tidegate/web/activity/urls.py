"""Addresses of the activity pages, below /connections/<uuid:connection_id>/activity/."""

from django.urls import path

from tidegate.web.activity import attention, instead, log, runs

urlpatterns = [
    path("", log.activity, name="activity"),
    path("log.csv", log.log_csv, name="activity-csv"),
    path("<int:entry_id>/", log.record, name="activity-record"),
    path("<int:entry_id>/instead/", instead.use_instead, name="activity-instead"),
    path("runs/", runs.runs, name="activity-runs"),
    path("attention/", attention.attention, name="attention"),
    path("attention/attention.csv", attention.attention_csv, name="attention-csv"),
    path("attention/retry/", attention.retry_many, name="attention-retry-many"),
    path("attention/ignore/", attention.ignore_many, name="attention-ignore-many"),
    path("attention/<int:attention_id>/retry/", attention.retry, name="attention-retry"),
    path("attention/<int:attention_id>/correct/", attention.correct, name="attention-correct"),
    path("attention/<int:attention_id>/settle/", attention.settle, name="attention-settle"),
]
