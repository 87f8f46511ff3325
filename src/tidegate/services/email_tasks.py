"""Campaign e-mails whose activities are due: what each is to show, of whom, and at which deal it is to stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tidegate.core.campaigns import CampaignEmail
from tidegate.core.cases import HISTORY
from tidegate.core.deals import deal_of_contact
from tidegate.core.history import EmailActivity, compose
from tidegate.errors import (
    BudgetSpent,
    LaneLost,
    PermissionMissing,
    RateLimited,
    RecordRejected,
    TemporaryError,
    TidegateError,
)
from tidegate.ports import Change, EmailActivityRow, Results
from tidegate.services.campaign_people import LINKED
from tidegate.services.campaign_runs import known_deal
from tidegate.services.engine import Engine
from tidegate.services.retrying import retry_at


@dataclass(slots=True)
class Task:
    """An e-mail whose activity is to be written."""

    email: CampaignEmail
    changes: list[Change]
    person_id: str
    name: str
    shows: EmailActivity
    before: EmailActivityRow | None = None
    deal_id: str = ""
    known_deal: str = ""
    """A deal of this person that a run made or moved; it may be closed by now."""


async def tasks_of(engine: Engine, changes: Sequence[Change], results: Results) -> list[Task]:
    """What there is to write; what needs no write is done."""
    by_email: dict[str, list[Change]] = {}
    for change in changes:
        by_email.setdefault(change.record_id, []).append(change)
    emails = await engine.outreach.get_campaign_emails(list(by_email))
    prospect_ids = {email.prospect_id for email in emails.values() if email.prospect_id}
    links = await engine.run(engine.memory.links_of, engine.connection_id, prospect_ids=prospect_ids)
    linked = {link.prospect_id: link for link in links if link.state == LINKED}
    before = await engine.run(engine.memory.email_activities, engine.connection_id, list(by_email))
    runs = await engine.run(engine.memory.runs_of, engine.connection_id, prospect_ids)
    names = await engine.outreach.get_prospects(prospect_ids)
    tasks = []
    for email_id, own in by_email.items():
        email = emails.get(email_id)
        link = linked.get(email.prospect_id or "") if email is not None else None
        row = before.get(email_id)
        if email is None or link is None or (row is not None and row.gone):
            results.done.update((change.id, "skipped") for change in own)
            results.mended.append((HISTORY, email_id))
            continue
        shows = compose(
            email,
            zone=engine.campaigns.zone,
            now=engine.lane.clock.now(),
            known=row.moments if row else None,
        )
        if row is not None and row.digest == shows.digest:
            results.done.update((change.id, "unchanged") for change in own)
            results.mended.append((HISTORY, email_id))
            continue
        theirs = [run for run in runs if run.prospect_id == link.prospect_id]
        of_email = known_deal([run for run in theirs if run.email_id == email_id])
        name = getattr(names.get(link.prospect_id), "name", "")
        tasks.append(
            Task(
                email,
                own,
                link.person_id,
                name,
                shows,
                row,
                deal_id=(row.deal_id if row else "") or of_email,
                known_deal=known_deal(theirs),
            )
        )
    return tasks


async def find_deals(
    engine: Engine, tasks: Sequence[Task], results: Results
) -> tuple[list[Task], TidegateError | None]:
    """Say at which open deal each new activity stands, where no run of the same e-mail made or moved one.

    Answers what can be written now, and what makes the lane wait. Deals that can't be read keep no activity from being written.
    """
    unsure = [task for task in tasks if task.before is None and not task.deal_id]
    if not unsure:
        return list(tasks), None
    known = {task.person_id: task.known_deal for task in unsure if task.known_deal}
    try:
        found = await engine.crm.open_deals(list({task.person_id for task in unsure}), known=known)
    except (RecordRejected, PermissionMissing):
        return list(tasks), None
    except LaneLost:
        raise
    except TemporaryError as error:
        for task in unsure:
            put_off(engine, task.changes, error, results)
        later = error if isinstance(error, RateLimited) else None
        return [task for task in tasks if task.before is not None or task.deal_id], later
    for task in unsure:
        deals = found.get(task.person_id, ())
        made = next((deal for deal in deals if deal.id == task.known_deal), None)
        there = made or deal_of_contact(deals, engine.campaigns.pipelines)
        task.deal_id = there.id if there is not None else ""
    return list(tasks), None


def put_off(engine: Engine, changes: Sequence[Change], error: TidegateError, results: Results) -> None:
    now = engine.lane.clock.now()
    for change in changes:
        if isinstance(error, BudgetSpent):
            results.later[change.id] = now + timedelta(seconds=error.retry_after or 900)
        elif isinstance(error, TemporaryError):
            results.later[change.id] = retry_at(change.attempts, now, error)
