"""Addresses below /connections/<uuid:connection_id>/automations/."""

from django.urls import path

from tidegate.web.automations import simulation

urlpatterns = [path("simulation/", simulation.simulation, name="automations-simulation")]
