"""Which providers there are, and reading one's delivery: is it genuine, and what does it tell.

The formats and signatures are django-anymail's. Its webhook views are used for these two things alone: no signals, no
settings, no addresses of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from anymail.webhooks.base import AnymailCoreWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView, MailgunTrackingWebhookView
from anymail.webhooks.mailjet import MailjetInboundWebhookView, MailjetTrackingWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView, PostmarkTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView, SparkPostTrackingWebhookView
from django.http import HttpRequest

from tidegate.errors import Malformed, NotGenuine, NotHandled

TRACKING, INBOUND = "tracking", "inbound"


@dataclass(frozen=True, slots=True)
class Provider:
    label: str
    views: Mapping[str, type[AnymailCoreWebhookView]]
    """By what is delivered: TRACKING, INBOUND."""
    key_name: str = ""
    """What anymail calls the key by which it signs; empty where it does not sign."""


def _views(
    tracking: type[AnymailCoreWebhookView], inbound: type[AnymailCoreWebhookView] | None = None
) -> dict[str, type[AnymailCoreWebhookView]]:
    """Our address holds 256 random bits in place of the password that anymail would ask for."""
    found = {TRACKING: tracking} | ({INBOUND: inbound} if inbound else {})
    return {
        kind: type(view.__name__, (view,), {"warn_if_no_basic_auth": False}) for kind, view in found.items()
    }


PROVIDERS: Mapping[str, Provider] = {
    "brevo": Provider("Brevo", _views(BrevoTrackingWebhookView)),
    "mailersend": Provider("MailerSend", _views(MailerSendTrackingWebhookView), key_name="signing_secret"),
    "mailgun": Provider(
        "Mailgun",
        _views(MailgunTrackingWebhookView, MailgunInboundWebhookView),
        key_name="webhook_signing_key",
    ),
    "mailjet": Provider("Mailjet", _views(MailjetTrackingWebhookView, MailjetInboundWebhookView)),
    "postmark": Provider("Postmark", _views(PostmarkTrackingWebhookView, PostmarkInboundWebhookView)),
    "sparkpost": Provider("SparkPost", _views(SparkPostTrackingWebhookView, SparkPostInboundWebhookView)),
}


def read_delivery(name: str, kind: str, request: HttpRequest, signing_key: str) -> list[Any]:
    """The events of a delivery, in anymail's words. Raises NotGenuine, Malformed, NotHandled."""
    provider = PROVIDERS.get(name)
    if provider is None or kind not in provider.views:
        raise NotHandled(f"{name} has no {kind} here.")
    keys = {provider.key_name: signing_key} if provider.key_name else {}
    view = provider.views[kind](**keys)
    try:
        view.run_validators(request)
    except AnymailWebhookValidationFailure as error:
        raise NotGenuine(f"The signature of {provider.label} is missing or wrong.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _malformed(provider) from error
    try:
        return list(view.parse_events(request))
    except AnymailConfigurationError as error:
        raise Malformed(f"This is not what {provider.label} sends to this address ({kind}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, LookupError) as error:
        raise _malformed(provider) from error


def _malformed(provider: Provider) -> Malformed:
    return Malformed(f"The body is not a delivery of {provider.label}.")
