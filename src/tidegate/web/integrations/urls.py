"""Addresses of the Integrations page and of connecting Pipedrive."""

from django.urls import path

from tidegate.web.integrations import callback, connect, page

urlpatterns = [
    path("integrations/", page.integrations, name="integrations"),
    path("integrations/oauth-only/", page.oauth_only, name="oauth-only"),
    path("integrations/connect/", connect.start, name="connect"),
    path("integrations/connect/pipedrive/", connect.explain, name="setup-start"),
    path("integrations/connect/register/", connect.register, name="connect-register"),
    path("integrations/connect/token/", connect.by_token, name="connect-token"),
    path("connections/<uuid:connection_id>/reconnect/token/", connect.by_token, name="reconnect-token"),
    path("connections/<uuid:connection_id>/reconnect/", connect.start, name="reconnect"),
    path("connections/<uuid:connection_id>/disconnect/", page.disconnect, name="disconnect"),
    path("oauth/pipedrive/callback", callback.callback, name="oauth-callback"),
]
