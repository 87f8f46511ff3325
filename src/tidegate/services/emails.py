"""Write the activities of campaign e-mails: one for each, changed as its status rises, never a second one.

What is to be written is read anew when the time has come, so however much happened meanwhile is one write. A create is
written down before it is sent and looked up (`traces`) before it is tried again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from tidegate.core.cases import HISTORY
from tidegate.core.deals import NewActivity
from tidegate.core.history import moments_to_json
from tidegate.core.records import Side
from tidegate.errors import (
    BudgetSpent,
    InvalidForRemote,
    NeedsAttention,
    PermissionMissing,
    RateLimited,
    RecordGone,
    RecordRejected,
    TidegateError,
)
from tidegate.ports import EmailActivityRow, Feature, Intent, LogLine, Question, Results
from tidegate.services.cases import question
from tidegate.services.email_tasks import Task, find_deals, put_off, tasks_of
from tidegate.services.engine import Engine, Reread
from tidegate.services.together import together
from tidegate.services.traces import EMAIL, look_traces_up
from tidegate.services.unanswered import close_intent, left_open
from tidegate.words import say

ENTITY = "campaign_email"
BATCH = 40
"""About a second of writes: events, which people wait for, come between two batches."""


async def follow_emails(engine: Engine, reread: Reread) -> bool:
    """Write one batch of activities that are due. False where none was.

    Raises RateLimited and NeedsAttention after storing what was done; a budget that is used up puts them off only.
    """
    changes = await engine.run(engine.memory.take_campaign_changes, engine.connection_id, ENTITY, BATCH)
    if not changes or not await reread():
        return False
    engine.spend_as(Feature.HISTORY)
    results = Results()
    if not engine.campaigns.history:
        results.done.update((change.id, "off") for change in changes)
        results.mended.extend((HISTORY, change.record_id) for change in changes)
        return await _store(engine, results)
    try:
        awaited = await look_traces_up(engine, await left_open(engine))
    except BudgetSpent as error:
        put_off(engine, changes, error, results)
        return await _store(engine, results)
    tasks = []
    for task in await tasks_of(engine, changes, results):
        if (why := awaited.get(task.email.id)) is not None:
            put_off(engine, task.changes, why, results)
        else:
            tasks.append(task)
    tasks, stop = await find_deals(engine, tasks, results)
    await _write_down(engine, tasks)
    answers = await _do_all(engine, tasks)
    for task, answer in zip(tasks, answers, strict=True):
        stop = _take(engine, task, answer, results) or stop
    await _store(engine, results)
    if stop is not None:
        raise stop
    return True


async def _store(engine: Engine, results: Results) -> bool:
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )
    return True


async def _write_down(engine: Engine, tasks: Sequence[Task]) -> None:
    now = engine.lane.clock.now()
    intents = [
        Intent(
            EMAIL,
            task.email.id,
            {
                "person_id": task.person_id,
                "prospect_id": task.email.prospect_id or "",
                "name": task.name,
                "title": task.shows.subject,
                "deal_id": task.deal_id,
                "moments": moments_to_json(task.shows.moments),
                "digest": task.shows.digest,
            },
            now,
        )
        for task in tasks
        if task.before is None
    ]
    if intents:
        await engine.run(engine.memory.write_intents, engine.connection_id, intents, engine.lane.hold)


async def _do_all(engine: Engine, tasks: Sequence[Task]) -> list[EmailActivityRow | TidegateError]:
    return await together(partial(_write, engine), tasks)


async def _write(engine: Engine, task: Task) -> EmailActivityRow:
    try:
        return await _write_once(engine, task)
    except InvalidForRemote as error:
        if not task.deal_id or "deal" not in error.user_message.casefold():
            raise
        task.deal_id = ""  # the deal is gone; the activity is the person's all the same
        return await _write_once(engine, task)


async def _write_once(engine: Engine, task: Task) -> EmailActivityRow:
    shows, before = task.shows, task.before
    row = EmailActivityRow(
        email_id=task.email.id,
        prospect_id=task.email.prospect_id or "",
        person_id=task.person_id,
        activity_id=before.activity_id if before else "",
        deal_id=task.deal_id,
        moments=shows.moments,
        digest=shows.digest,
    )
    if before is not None:
        new_deal = task.deal_id if task.deal_id != before.deal_id else ""
        await engine.crm.update_activity(
            before.activity_id, subject=shows.subject, note=shows.note, deal_id=new_deal or None
        )
        return row
    made = await engine.crm.create_activity(_new(engine, task))
    return replace(row, activity_id=made.id)


def _new(engine: Engine, task: Task) -> NewActivity:
    at: datetime = task.shows.at.astimezone(UTC)
    return NewActivity(
        subject=task.shows.subject,
        person_id=task.person_id,
        done=True,
        due_date=at.date(),
        email=True,
        due_time=f"{at:%H:%M}",
        owner_id=engine.campaigns.owner_id,
        deal_id=task.deal_id or None,
        note=task.shows.note,
    )


def _take(
    engine: Engine, task: Task, answer: EmailActivityRow | TidegateError, results: Results
) -> TidegateError | None:
    """What an answer means: remembered, put off, or told."""
    close_intent(engine, results, (EMAIL, task.email.id), answer)
    if isinstance(answer, EmailActivityRow):
        results.email_activities.append(answer)
        results.mended.append((HISTORY, task.email.id))
        results.done.update((change.id, "written") for change in task.changes)
        results.log.append(_line(task, "update" if task.before else "create", _shown(task)))
        return None
    if isinstance(answer, RecordGone) and task.before is not None:
        results.email_activities.append(replace(task.before, gone=True))
        results.mended.append((HISTORY, task.email.id))
        results.done.update((change.id, "gone") for change in task.changes)
        return None
    if isinstance(answer, RecordRejected | PermissionMissing):
        results.done.update((change.id, "failed") for change in task.changes)
        results.log.append(_line(task, "fail", answer.user_message))
        results.questions.append(_question(task, answer))
        return None
    if isinstance(answer, NeedsAttention):
        return answer
    put_off(engine, task.changes, answer, results)
    return answer if isinstance(answer, RateLimited) else None


def _shown(task: Task) -> str:
    """The subject says also how far the e-mail has come."""
    return say("The activity reads “{subject}”", subject=task.shows.subject)


def _question(task: Task, error: TidegateError) -> Question:
    return question(
        HISTORY,
        task.email.id,
        error,
        prospect_id=task.email.prospect_id or "",
        person_id=task.person_id,
        record_name=task.name,
        what=say("Campaign e-mail “{subject}”", subject=task.shows.subject),
    )


def _line(task: Task, act: str, message: str) -> LogLine:
    return LogLine(
        side=Side.PIPEDRIVE,
        act=act,
        prospect_id=task.email.prospect_id or "",
        person_id=task.person_id,
        record_name=task.name,
        cause="history",
        cause_text=say("Campaign e-mail, {campaign}", campaign=task.email.campaign_name).removesuffix(", "),
        message=message,
    )
