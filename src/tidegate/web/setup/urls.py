"""Addresses of the set-up and of the settings page, below /connections/<uuid:connection_id>/."""

from django.urls import path

from tidegate.web.setup import closed, settings_page, views

urlpatterns = [
    path("settings/", settings_page.settings_page, name="settings"),
    path("settings/unsubscribe-earlier/", closed.unsubscribe_earlier, name="unsubscribe-earlier"),
    path("setup/", views.continue_setup, name="setup"),
    path("setup/connected/", views.connected, name="setup-connected"),
    path("setup/direction/", views.direction, name="setup-direction"),
    path("setup/data/", views.data, name="setup-data"),
    path("setup/constants/", views.constants, name="setup-constants"),
    path("setup/automations/", views.automations, name="setup-automations"),
    path("setup/review/", views.review, name="setup-review"),
    path("setup/launched/", views.launched, name="setup-launched"),
]
