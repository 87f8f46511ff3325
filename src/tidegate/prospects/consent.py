"""Whether campaigns may write to a prospect: only ever tightened, except by a member's own hand.

What a provider, a program, a file or the sync says can close the door, never open it. The tightest word stands: open,
bounced, unsubscribed.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tidegate.errors import NotFound
from tidegate.prospects.authors import Author, announce, announce_closed
from tidegate.prospects.content import is_tighter
from tidegate.prospects.models import CampaignEvent, Consent, EventType, Prospect
from tidegate.words import say

ORDER = tuple(Consent)
"""From open to closed."""
OF_EVENT = {EventType.EMAIL_BOUNCED: Consent.BOUNCED, EventType.UNSUBSCRIBED: Consent.UNSUBSCRIBED}
"""What an event of this type makes of the consent."""

Since = tuple[Consent, datetime]


def tightest_of(said: Mapping[int, Collection[Since]]) -> dict[int, Since]:
    """Prospect id -> the tightest of the words about it, and since when it has been so."""
    found = {}
    for prospect_id, words in said.items():
        if words:
            consent = max((word for word, _ in words), key=ORDER.index)
            found[prospect_id] = consent, min(at for word, at in words if word == consent)
    return found


def tighten(
    author: Author, wanted: Mapping[int, Since], *, of_events: Collection[int | None] = ()
) -> list[int]:
    """Make the consent of these prospects at least as tight as asked; the ids of those that changed. Within a transaction.

    `of_events`: those whose own campaign events say so, and are announced as such.
    """
    rows = Prospect.objects.select_for_update(no_key=True).filter(
        workspace_id=author.workspace_id, pk__in=wanted
    )
    changed = []
    for prospect in rows.order_by("pk").only("consent", "consent_at", "updated_at"):
        consent, at = wanted[prospect.pk]
        if is_tighter(consent, prospect.consent):
            prospect.consent, prospect.consent_at, prospect.updated_at = consent, at, timezone.now()
            changed.append(prospect)
    Prospect.objects.bulk_update(changed, ["consent", "consent_at", "updated_at"], batch_size=500)
    ids = [prospect.pk for prospect in changed]
    announce(author, "change", ids)
    announce_closed(author, [i for i in ids if i not in of_events])
    return ids


@transaction.atomic
def renew_consent(author: Author, prospect_id: int) -> bool:
    """A member says that the prospect may be written to again; whether it was closed before.

    For pages alone, behind a confirmation: no program may do this. The timeline keeps who did it and when. Raises NotFound.
    """
    rows = Prospect.objects.select_for_update(no_key=True)
    prospect = rows.filter(workspace_id=author.workspace_id, pk=prospect_id).first()
    if prospect is None:
        raise NotFound(say("There is no such prospect. It may have been deleted."))
    if prospect.consent == Consent.OPEN:
        return False
    now, before = timezone.now(), Consent(prospect.consent)
    CampaignEvent.objects.create(
        workspace_id=author.workspace_id,
        key=f"consent:{uuid.uuid4()}",
        type=EventType.CONSENT_RENEWED,
        at=now,
        received_at=now,
        prospect=prospect,
        recipient=prospect.email.strip().lower(),
        reason=say("{actor} (it was “{before}” before)", actor=author.actor, before=before.label),
        source="page",
    )
    prospect.consent, prospect.consent_at, prospect.updated_at = Consent.OPEN, None, now
    prospect.save(update_fields=["consent", "consent_at", "updated_at"])
    announce(author, "change", [prospect.pk])
    return True
