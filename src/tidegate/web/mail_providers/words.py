"""How each e-mail service provider is told to deliver here, step by step, in the words of its own pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class HowTo:
    events: Text
    """Where the first address goes, and what to choose there."""
    replies: Text = ""
    """Where the second one goes; empty where there is none."""
    key: Text = ""
    """Where its signing key is found; empty where there is none to enter."""
    send: Text = ""
    """How a message says which campaign e-mail it is."""

    @property
    def steps(self) -> Sequence[Text]:
        return [step for step in (self.events, self.key, self.replies, self.send) if step]


SIGNED = _("The webhook’s page then shows its signing secret. Enter it below.")
TAGGED = _("Give each message the tag campaign-… with the campaign’s ID.")
NAMED = _("Give each message the metadata sent_email with the e-mail’s ID.")
"""Steps that several providers share."""

HOW_TO: Mapping[str, HowTo] = {
    "amazon_ses": HowTo(
        events=_(
            "Make an SNS topic and subscribe the address for events to it (protocol HTTPS, raw message delivery off). Tidegate confirms the subscription by itself. Then let the configuration set you send with publish sends, deliveries, opens, clicks, bounces, complaints and rejects to this topic."
        ),
        replies=_(
            "For replies, make another topic with the address for replies, and a receipt rule that publishes incoming mail to it with its content. Larger mail than 150 KB bounces."
        ),
        send=_(
            "Send one message per recipient: of a message to several, SES can’t say who opened it. Enter its message ID as email.message_id, or give it the header X-Metadata with {“sent_email”: …}."
        ),
    ),
    "brevo": HowTo(
        events=_(
            "In Brevo, open Transactional, Settings, Webhook. Add a webhook with the address for events and choose delivered, opened, clicked, bounces, unsubscribed and complaints."
        ),
        send=TAGGED,
    ),
    "mailersend": HowTo(
        events=_(
            "In MailerSend, open your domain, Webhooks, Create webhook. Enter the address for events and choose sent, delivered, opened, clicked, soft and hard bounced, unsubscribed and spam complaint."
        ),
        key=SIGNED,
        send=TAGGED,
    ),
    "mailgun": HowTo(
        events=_(
            "In Mailgun, open Sending, Webhooks, and add the address for events for delivered, opened, clicked, failed, unsubscribed and complained."
        ),
        key=_("The same page shows the HTTP webhook signing key. Enter it below."),
        replies=_(
            "For replies, open Receiving, Create route, and forward to the address for replies (action: forward)."
        ),
        send=_(
            "Give each message the variable v:sent_email with the e-mail’s ID, or the tag campaign-… with the campaign’s."
        ),
    ),
    "mailjet": HowTo(
        events=_(
            "In Mailjet, open Account settings, Event notifications (webhooks), and enter the address for events for sent, open, click, bounce, blocked, spam and unsub."
        ),
        replies=_(
            "For replies, make a Parse route with the address for replies, by Mailjet’s API (resource parseroute)."
        ),
        send=_("Give each message an EventPayload like {“sent_email”: …} with the e-mail’s ID."),
    ),
    "postmark": HowTo(
        events=_(
            "In Postmark, open the server’s message stream, Webhooks, Add webhook. Enter the address for events and choose open, delivery, bounce, spam complaint, link click and subscription change. No message content is needed."
        ),
        replies=_(
            "For replies, open the stream Default Inbound, Settings, and enter the address for replies as the webhook."
        ),
        send=NAMED,
    ),
    "resend": HowTo(
        events=_(
            "In Resend, open Webhooks, Add webhook. Enter the address for events and choose the events email.sent, delivered, delivery_delayed, bounced, complained, opened and clicked."
        ),
        key=_("The webhook’s page then shows its signing secret (whsec_…). Enter it below."),
        send=_(
            "Send what Resend answers as id as email.message_id. Replies: tell of them by the API; Resend’s notice of a received e-mail has no content, and reading it takes an API key of yours with full access."
        ),
    ),
    "sendgrid": HowTo(
        events=_(
            "In SendGrid, open Settings, Mail settings, Event webhooks, Create new webhook. Enter the address for events as the post URL and choose all deliverability and engagement events."
        ),
        key=_(
            "Switch the signed event webhook on in the same form. SendGrid then shows the verification key. Enter it below."
        ),
        replies=_(
            "For replies, open Settings, Inbound parse, and add a host with the address for replies as the destination URL."
        ),
        send=_(
            "Give each message the custom argument sent_email with the e-mail’s ID, or send SendGrid’s X-Message-Id as email.message_id."
        ),
    ),
    "sparkpost": HowTo(
        events=_(
            "In SparkPost, open Configuration, Webhooks, Create webhook. Enter the address for events and choose delivery, bounces, open, click, spam complaint and unsubscribes."
        ),
        replies=_(
            "For replies, make an inbound domain and a relay webhook with the address for replies, by SparkPost’s API."
        ),
        send=NAMED,
    ),
}
