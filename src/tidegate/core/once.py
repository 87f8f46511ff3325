"""What counts as having run already: an automation runs as often as its rule says, in whatever order events become known.

An event tells more or less exactly what it is about: its e-mail, its campaign alone, or neither. Told less exactly it may be a
repetition of what was told more exactly, so it is taken for one; and a run that was begun by it is the run of the first event
that tells more. So there are as many runs as different things were told of, each counted by the most exact telling. Rules:
docs/sync-rules.md, R2-R4. Requirement: A8.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tidegate.core.automation import Often
from tidegate.core.campaigns import CampaignEvent


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of a prospect's past, by what a once-rule looks at."""

    trigger: str
    event_id: str
    campaign_id: str | None = None
    email_id: str | None = None


def ran_already(often: Often, event: CampaignEvent, runs: Iterable[Ran]) -> Ran | None:
    """The run that keeps this event from starting another one of its automation, if there is one."""
    about = _about(often, event)
    less_exact = None
    for run in runs:
        if run.trigger != event.trigger:
            continue
        told = _about(often, run)
        if run.event_id == event.id or told[: len(about)] == about or _same_email(often, run, event):
            return run
        if about[: len(told)] == told:
            less_exact = run
    return less_exact


def told_more_exactly(run: Ran, event: CampaignEvent) -> Ran | None:
    """The run as it is known once this event was taken for its repetition; None where that tells nothing new."""
    if run.email_id is not None or run.campaign_id not in (None, event.campaign_id):
        return None
    known = replace(run, campaign_id=event.campaign_id, email_id=event.email_id)
    return None if known == run else known


def once_key(often: Often, event: CampaignEvent) -> str:
    """Of all runs of one automation, one at most has this key: the store holds it to that."""
    about = _about(often, event)
    if often is Often.PER_PROSPECT:
        return f"prospect:{event.prospect_id}"
    if not about:
        return f"prospect:{event.prospect_id}:unnamed"
    if often is Often.EVERY_EMAIL and event.email_id is not None:
        return f"prospect:{event.prospect_id}:email:{event.email_id}"
    return f"prospect:{event.prospect_id}:campaign:{about[0]}"


def _about(often: Often, told: CampaignEvent | Ran) -> tuple[str, ...]:
    """What is told, from the rough to the exact, as far as the rule asks; an e-mail outside of any campaign has one of its own."""
    if often is Often.PER_PROSPECT or (told.campaign_id is None and told.email_id is None):
        return ()
    campaign = told.campaign_id or ""
    if often is Often.PER_CAMPAIGN or told.email_id is None:
        return (campaign,)
    return (campaign, told.email_id)


def _same_email(often: Often, run: Ran, event: CampaignEvent) -> bool:
    """An e-mail is the same whatever campaign it is told of."""
    return often is Often.EVERY_EMAIL and event.email_id is not None and run.email_id == event.email_id
