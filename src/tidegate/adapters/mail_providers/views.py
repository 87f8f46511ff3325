"""anymail's webhook views where its own set-up would ask for settings or packages that reading a delivery does not need.

Their constructors are passed by: keys come as attributes of the instance, one delivery at a time.
"""

import json
from collections.abc import Iterator
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from anymail.webhooks.amazon_ses import AmazonSESInboundWebhookView, AmazonSESTrackingWebhookView
from anymail.webhooks.base import AnymailBaseWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridInboundWebhookView, SendGridTrackingWebhookView
from django.http import HttpRequest

from tidegate.adapters.mail_providers.signatures import is_signed_by_svix


class _Bare(AnymailBaseWebhookView):  # type: ignore[misc]  # anymail has no types
    warn_if_no_basic_auth = False

    def __init__(self, **keys: Any) -> None:
        AnymailBaseWebhookView.__init__(self, **keys)


class SendGridTracking(_Bare, SendGridTrackingWebhookView):  # type: ignore[misc]
    """Told of the public key as `webhook_verification_key`."""


class SendGridInbound(_Bare, SendGridInboundWebhookView):  # type: ignore[misc]
    """SendGrid signs no incoming mail unless a security policy is set up for it; the secret address stands for it."""

    webhook_verification_key = None


class ResendTracking(_Bare, ResendTrackingWebhookView):  # type: ignore[misc]
    """Checked by ourselves: anymail would want the whole client of Svix for it."""

    signing_secret = ""
    _svix_webhook = None

    def validate_request(self, request: HttpRequest) -> None:
        if not is_signed_by_svix(request.body, request.headers, self.signing_secret):
            raise AnymailWebhookValidationFailure("Resend webhook called with incorrect signature")


class AmazonSesTracking(_Bare, AmazonSESTrackingWebhookView):  # type: ignore[misc]
    """Its signature is checked before (`sns`), since the certificate has to be fetched; so is a subscription confirmed."""

    auto_confirm_enabled = False


class AmazonSesInbound(_Bare, AmazonSESInboundWebhookView):  # type: ignore[misc]
    auto_confirm_enabled = False

    def fetch_s3_chunks(self, bucket_name: str, object_key: str) -> Iterator[bytes]:
        raise AnymailConfigurationError("Let the receipt rule publish to SNS with the content, not to S3.")


def sns_message_of(request: HttpRequest) -> dict[str, Any] | None:
    """What SNS says around a notification; None where the body is none of its messages."""
    try:
        message = json.loads(request.body)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
