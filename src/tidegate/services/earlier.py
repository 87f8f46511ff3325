"""Campaign e-mails from before their prospect was linked: they become activities, too, once there is somebody to add them to.

A transfer that is asked to brings those of before the launch as well, and imported ones, of all pairs that it covers.
"""

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


async def past_emails(engine: Engine, prospect_ids: Collection[str]) -> Sequence[str]:
    """Ids of what these prospects were ever sent, where that becomes activities and is none yet."""
    if not prospect_ids or not engine.campaigns.history:
        return ()
    found = await engine.outreach.find_campaign_emails(prospect_ids, since=None)
    written = await engine.run(engine.memory.email_activities, engine.connection_id, found)
    return [email_id for email_id in found if email_id not in written]


async def plan_earlier_emails(engine: Engine, prospect_ids: Collection[str], results: Results) -> None:
    """Plan looks at what these prospects were sent since the launch; each was linked just now."""
    _plan(engine, await earlier_emails(engine, prospect_ids), results)


async def plan_past_emails(engine: Engine, prospect_ids: Collection[str], results: Results) -> None:
    """Plan looks at what these prospects were ever sent; each is linked."""
    _plan(engine, await past_emails(engine, prospect_ids), results)


def _plan(engine: Engine, email_ids: Sequence[str], results: Results) -> None:
    if not email_ids:
        return
    tight = engine.share_left(Feature.HISTORY) < TIGHT_SHARE
    now = engine.lane.clock.now()
    due_at = now + DIGEST_FOLDING if tight else now
    results.looks.extend(Look(email_id, due_at) for email_id in email_ids)
