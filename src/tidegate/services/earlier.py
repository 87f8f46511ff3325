"""Campaign e-mails from before their prospect was linked: they become activities, too, once there is somebody to add them to."""

from collections.abc import Collection, Sequence

from tidegate.core.history import DIGEST_FOLDING, TIGHT_SHARE
from tidegate.ports import Feature, Look, Results
from tidegate.services.engine import Engine


async def earlier_emails(engine: Engine, prospect_ids: Collection[str]) -> Sequence[str]:
    """Ids of what these prospects were sent since the launch, where that becomes activities."""
    launched_at = engine.campaigns.launched_at
    if not prospect_ids or launched_at is None or not engine.campaigns.history:
        return ()
    return await engine.outreach.find_campaign_emails(prospect_ids, since=launched_at)


async def plan_earlier_emails(engine: Engine, prospect_ids: Collection[str], results: Results) -> None:
    """Plan looks at what these prospects were sent since the launch; each was linked just now."""
    email_ids = await earlier_emails(engine, prospect_ids)
    if not email_ids:
        return
    tight = engine.share_left(Feature.HISTORY) < TIGHT_SHARE
    now = engine.lane.clock.now()
    due_at = now + DIGEST_FOLDING if tight else now
    results.looks.extend(Look(email_id, due_at) for email_id in email_ids)
