"""Campaign e-mails and what happened to them, as an outreach app shows them."""

from dataclasses import dataclass, field
from datetime import datetime

from tidegate.core.automation import Trigger


@dataclass(frozen=True, slots=True)
class CampaignEvent:
    """Something that happened in a campaign. What an outreach app could not tell is empty or None."""

    id: str
    """Opaque; the inbox names events by it."""
    key: str
    """Unique in the outreach app: the same event never comes in twice."""
    type: str
    """A trigger's name; any other is kept and shown, and starts nothing."""
    at: datetime
    """When it happened, as the app says."""
    received_at: datetime
    prospect_id: str | None = None
    """None until the recipient is known."""
    campaign_id: str | None = None
    campaign_name: str = ""
    email_id: str | None = None
    """The campaign e-mail it is about."""
    url: str = ""
    """The link that was clicked."""
    reason: str = ""
    """Why it bounced."""
    automatic: bool = False
    """No person did it: an automatic reply counts as no reply, an opening by a mail program's proxy as no opening."""
    historical: bool = False
    """From an import: shown, and starts nothing."""

    @property
    def trigger(self) -> Trigger | None:
        """What this event may start; None for what a program did and for types we don't act on."""
        if self.automatic:
            return None
        return next((trigger for trigger in Trigger if trigger == self.type), None)


@dataclass(frozen=True, slots=True)
class CampaignEmail:
    """One message of a campaign to one prospect."""

    id: str
    prospect_id: str | None = None
    campaign_id: str | None = None
    campaign_name: str = ""
    subject: str = ""
    html: str = ""
    """As it was sent: not to be trusted. Of a long one the beginning; `history` never looks at more."""
    text: str = ""
    step: str = ""
    sender: str = ""
    sent_at: datetime | None = None
    events: tuple[CampaignEvent, ...] = field(default=())
    """All that is known to have happened to it, in the order of `at`."""
