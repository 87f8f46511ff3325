"""Which providers there are, and reading one's delivery: is it genuine, and what does it tell.

The formats and signatures are django-anymail's. Its webhook views are used for these two things alone: no signals, no
settings, no addresses of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailError, AnymailWebhookValidationFailure
from anymail.webhooks.base import AnymailCoreWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView, MailgunTrackingWebhookView
from anymail.webhooks.mailjet import MailjetInboundWebhookView, MailjetTrackingWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView, PostmarkTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView, SparkPostTrackingWebhookView
from django.http import HttpRequest

from tidegate.adapters.mail_providers.signatures import sendgrid_key, svix_key
from tidegate.adapters.mail_providers.views import (
    AmazonSesInbound,
    AmazonSesTracking,
    ResendTracking,
    SendGridInbound,
    SendGridTracking,
)
from tidegate.errors import Malformed, NotGenuine, NotHandled
from tidegate.words import say

TRACKING, INBOUND = "tracking", "inbound"


def _as_it_is(key: str) -> str | None:
    return key or None


@dataclass(frozen=True, slots=True)
class Signing:
    """How a provider's deliveries are signed with a key that a member enters."""

    called: str
    """What the provider's own pages call the key."""
    attribute: str
    """What anymail calls it."""
    load: Callable[[str], Any | None] = _as_it_is
    """The key as anymail wants it; None where the text can be no key."""


@dataclass(frozen=True, slots=True)
class Provider:
    label: str
    views: Mapping[str, type[AnymailCoreWebhookView]]
    """By what is delivered: TRACKING, INBOUND."""
    signing: Signing | None = None
    """None where it does not sign, or signs with a certificate that needs no entering (Amazon)."""
    by_sns: bool = False
    """Its deliveries come in messages of Amazon SNS, which are checked and confirmed as such."""


def _views(
    tracking: type[AnymailCoreWebhookView], inbound: type[AnymailCoreWebhookView] | None = None
) -> dict[str, type[AnymailCoreWebhookView]]:
    """Our address holds 256 random bits in place of the password that anymail would ask for."""
    found = {TRACKING: tracking} | ({INBOUND: inbound} if inbound else {})
    return {
        kind: type(view.__name__, (view,), {"warn_if_no_basic_auth": False}) for kind, view in found.items()
    }


PROVIDERS: Mapping[str, Provider] = {
    "amazon_ses": Provider("Amazon SES", _views(AmazonSesTracking, AmazonSesInbound), by_sns=True),
    "brevo": Provider("Brevo", _views(BrevoTrackingWebhookView)),
    "mailersend": Provider(
        "MailerSend",
        _views(MailerSendTrackingWebhookView),
        Signing(say("signing secret"), "signing_secret"),
    ),
    "mailgun": Provider(
        "Mailgun",
        _views(MailgunTrackingWebhookView, MailgunInboundWebhookView),
        Signing(say("HTTP webhook signing key"), "webhook_signing_key"),
    ),
    "mailjet": Provider("Mailjet", _views(MailjetTrackingWebhookView, MailjetInboundWebhookView)),
    "postmark": Provider("Postmark", _views(PostmarkTrackingWebhookView, PostmarkInboundWebhookView)),
    "resend": Provider(
        "Resend",
        _views(ResendTracking),
        Signing(say("signing secret"), "signing_secret", lambda key: key if svix_key(key) else None),
    ),
    "sendgrid": Provider(
        "SendGrid",
        _views(SendGridTracking, SendGridInbound),
        Signing(say("verification key"), "webhook_verification_key", sendgrid_key),
    ),
    "sparkpost": Provider("SparkPost", _views(SparkPostTrackingWebhookView, SparkPostInboundWebhookView)),
}


def read_delivery(name: str, kind: str, request: HttpRequest, signing_key: str) -> list[Any]:
    """The events of a delivery, in anymail's words. Raises NotGenuine, Malformed, NotHandled."""
    provider = PROVIDERS.get(name)
    if provider is None or kind not in provider.views:
        raise NotHandled(say("{name} has no {kind} here.", name=name, kind=kind))
    view = provider.views[kind](**_keys(provider, signing_key))
    try:
        view.run_validators(request)
    except AnymailWebhookValidationFailure as error:
        raise NotGenuine(
            say("The signature of {provider} is missing or wrong.", provider=provider.label)
        ) from error
    except (AnymailError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _malformed(provider) from error
    try:
        return list(view.parse_events(request))
    except AnymailConfigurationError as error:
        raise Malformed(
            say(
                "This is not what {provider} sends to this address ({kind}).",
                provider=provider.label,
                kind=kind,
            )
        ) from error
    except (AnymailError, ValueError, KeyError, TypeError, AttributeError, LookupError) as error:
        raise _malformed(provider) from error


def _keys(provider: Provider, signing_key: str) -> dict[str, Any]:
    signing = provider.signing
    if signing is None:
        return {}
    key = signing.load(signing_key)
    if key is None:
        raise NotGenuine(
            say(
                "{provider} signs its deliveries: enter its {what} first.",
                provider=provider.label,
                what=signing.called,
            )
        )
    return {signing.attribute: key}


def _malformed(provider: Provider) -> Malformed:
    return Malformed(say("The body is not a delivery of {provider}.", provider=provider.label))
