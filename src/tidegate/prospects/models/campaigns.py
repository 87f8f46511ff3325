"""Campaigns, the e-mails they sent, and what happened to each of them.

An event is stored as it came (`raw`) before anything is concluded from it. Whom and which e-mail it is about may become
known later: an event of a recipient whom nobody knows waits for the prospect, one of an e-mail that was not told of yet
waits for the e-mail.
"""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tidegate.prospects.models.people import Prospect


class EventType(models.TextChoices):
    """Types that we have a word for. Any other is stored, and shown by its own name."""

    EMAIL_SENT = "email_sent", _("Sent")
    EMAIL_OPENED = "email_opened", _("Opened")
    LINK_CLICKED = "link_clicked", _("Clicked a link")
    EMAIL_REPLIED = "email_replied", _("Replied")
    EMAIL_BOUNCED = "email_bounced", _("Bounced")
    """For good: the address takes no mail. What may pass is EMAIL_DELAYED."""
    UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
    EMAIL_DELIVERED = "email_delivered", _("Delivered")
    EMAIL_DELAYED = "email_delayed", _("Delayed")
    EMAIL_FAILED = "email_failed", _("Not delivered")
    CAMPAIGN_FINISHED = "campaign_finished", _("Campaign finished")
    CONSENT_RENEWED = "consent_renewed", _("May be written to again")


ACTED_ON = frozenset(
    {
        EventType.EMAIL_SENT,
        EventType.EMAIL_OPENED,
        EventType.LINK_CLICKED,
        EventType.EMAIL_REPLIED,
        EventType.EMAIL_BOUNCED,
        EventType.UNSUBSCRIBED,
    }
)
"""What is announced, and may set something off. All others are part of the story alone."""


class Campaign(models.Model):
    workspace_id = models.UUIDField()
    key = models.CharField(max_length=200)
    """The outreach app's own id of it; its name where it has none."""
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace_id", "key"], name="one_campaign_per_key")]

    def __str__(self) -> str:
        return self.name


class CampaignEmail(models.Model):
    """One message to one recipient. Events may tell of it before it is told of itself: then it has no `sent_at` yet."""

    workspace_id = models.UUIDField()
    key = models.CharField(max_length=200)
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.SET_NULL, related_name="emails"
    )
    prospect = models.ForeignKey(
        Prospect, null=True, blank=True, on_delete=models.SET_NULL, related_name="campaign_emails"
    )
    recipient = models.CharField(max_length=320, blank=True)
    """The address in normal form."""
    message_id = models.CharField(max_length=400, blank=True)
    """What the e-mail service provider calls it, without angle brackets."""
    sender = models.CharField(max_length=320, blank=True)
    subject = models.TextField(blank=True)
    html = models.TextField(blank=True)
    """As it was sent, scripts and all: cleaned wherever it is shown."""
    text = models.TextField(blank=True)
    step = models.CharField(max_length=60, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace_id", "key"], name="one_campaign_email_per_key")
        ]
        indexes = [
            models.Index(fields=["workspace_id", "message_id"], name="campaign_email_by_message"),
            models.Index(fields=["workspace_id", "recipient", "sent_at"], name="campaign_email_by_recipient"),
            models.Index(fields=["prospect", "sent_at"], name="campaign_email_of_prospect"),
        ]

    def __str__(self) -> str:
        return self.subject or self.key


class CampaignEvent(models.Model):
    workspace_id = models.UUIDField()
    key = models.CharField(max_length=200)
    """What makes it idempotent: the same key with the same content is the same event."""
    type = models.CharField(max_length=60)
    """An `EventType`, or a name that means nothing to us."""
    at = models.DateTimeField()
    """When it happened; never later than `received_at`."""
    received_at = models.DateTimeField(default=timezone.now)
    email = models.ForeignKey(
        CampaignEmail, null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )
    prospect = models.ForeignKey(
        Prospect, null=True, blank=True, on_delete=models.SET_NULL, related_name="campaign_events"
    )
    """Null: nobody here has the recipient's address yet."""
    recipient = models.CharField(max_length=320, blank=True)
    """The address in normal form."""
    message_id = models.CharField(max_length=400, blank=True)
    """By which an event that came before its e-mail finds it."""
    url = models.TextField(blank=True)
    """The link that was clicked."""
    reason = models.TextField(blank=True)
    """Why it bounced, or what was replied."""
    automatic = models.BooleanField(default=False)
    """A reply that no person wrote (out of office), an opening by a machine: shown, and not counted."""
    historical = models.BooleanField(default=False)
    """It was imported, or is long past: part of the story, and nothing is set off by it."""
    source = models.CharField(max_length=40, blank=True)
    """`api`, `import`, `command`, or the e-mail service provider."""
    raw = models.JSONField(default=dict)
    """The event as it came."""
    digest = models.CharField(max_length=64)
    """SHA-256 of its content, by which the same key with other content is known."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace_id", "key"], name="one_campaign_event_per_key")
        ]
        indexes = [
            models.Index(fields=["prospect", "-at", "-id"], name="campaign_event_of_prospect"),
            models.Index(fields=["email"], name="campaign_event_of_email"),
            models.Index(fields=["workspace_id", "at", "id"], name="campaign_event_in_order"),
            models.Index(
                fields=["workspace_id", "type", "at"],
                include=["prospect"],
                name="campaign_event_of_type",
                condition=models.Q(automatic=False, prospect__isnull=False),
            ),
            models.Index(
                fields=["workspace_id", "recipient"],
                name="campaign_event_unmatched",
                condition=models.Q(prospect=None),
            ),
            models.Index(
                fields=["workspace_id", "recipient", "at"],
                name="campaign_event_without_email",
                condition=models.Q(email=None),
            ),
            models.Index(
                fields=["workspace_id", "message_id"],
                name="campaign_event_of_message",
                condition=models.Q(email=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.key}"

    @property
    def label(self) -> str:
        """The type in words; an unknown one as it was given."""
        return str(EventType(self.type).label) if self.type in EventType.values else self.type

    @property
    def sets_off(self) -> bool:
        """Whether anything may follow from it: whose it is, is known, it has a meaning, and it is not long past."""
        return self.prospect_id is not None and self.type in ACTED_ON and not self.historical
