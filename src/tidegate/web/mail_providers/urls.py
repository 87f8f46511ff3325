"""Addresses of the pages about e-mail service providers, below /integrations/mail-providers/."""

from django.urls import path

from tidegate.web.mail_providers import pages

urlpatterns = [
    path("", pages.mail_providers, name="mail-providers"),
    path("add/", pages.add, name="mail-provider-add"),
    path("<uuid:mail_provider_id>/key/", pages.enter_key, name="mail-provider-key"),
    path("<uuid:mail_provider_id>/renew/", pages.renew, name="mail-provider-renew"),
    path("<uuid:mail_provider_id>/remove/", pages.remove, name="mail-provider-remove"),
]
