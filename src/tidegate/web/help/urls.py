"""Addresses of the help, below /help/."""

from django.urls import path

from tidegate.web.help import pages

urlpatterns = [
    path("", pages.index, name="help"),
    path("<slug:slug>/", pages.guide, name="help-guide"),
]
