"""Consent in Pipedrive: whom a campaign event unsubscribes there, and what is told of it.

Only ever tightened, and once: Pipedrive lets a person's marketing status be changed a single time, needs a valid address
for it, and says nothing where it did not do as asked. Rules: docs/sync-rules.md, *Consent in Pipedrive*.
"""

from collections.abc import Mapping

from tidegate.core.automation import Trigger
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.values import Json
from tidegate.words import say

UNSUBSCRIBED = "unsubscribed"
OPEN = frozenset({"no_consent", "subscribed"})
"""Statuses with which Pipedrive's Campaigns may still write to a person, or may come to."""
CLOSING = frozenset({Trigger.EMAIL_BOUNCED, Trigger.UNSUBSCRIBED})
WORDS = {"no_consent": say("no consent"), "archived": say("archived"), "subscribed": say("subscribed")}


IGNORED_CURE = say(
    "Take the person out of your campaigns in Pipedrive and ignore this; or correct the address there and retry."
)
"""For a status that Pipedrive left as it was."""


def closes(event: CampaignEvent) -> bool:
    """Whether this event says that the prospect is not to be written to any more."""
    return event.trigger in CLOSING


def is_open(status: str | None) -> bool:
    """Whether a marketing status can be tightened. None: the account has no Campaigns, or the person is gone."""
    return status in OPEN


def done_text(before: str) -> str:
    return say(
        "Unsubscribed in Pipedrive’s Campaigns (before: {status}). Pipedrive lets the marketing status be "
        "changed once: this can’t be taken back.",
        status=WORDS.get(before, before),
    )


def ignored_text(status: str) -> str:
    """For a status that Pipedrive left as it was, without a word."""
    return say(
        "Pipedrive left the marketing status at “{status}” and did not say why: it can be changed once "
        "only, and needs a valid e-mail address. Take this person out of your campaigns in Pipedrive by "
        "hand.",
        status=WORDS.get(status, status),
    )


def closed_text(consent: str, actor: str) -> str:
    """Why somebody is unsubscribed whom no campaign event tells of."""
    if not actor:
        return say("The prospect was marked “{consent}” here", consent=consent)
    return say("The prospect was marked “{consent}” here by {actor}", consent=consent, actor=actor)


def status_change(before: str) -> Mapping[str, Json]:
    """What the activity log keeps of it."""
    return {
        "field": "marketing_status",
        "name": say("Marketing status"),
        "kind": "text",
        "before": WORDS.get(before, before),
        "after": UNSUBSCRIBED,
    }
