"""Runs of automations and activities of campaign e-mails, as the engine reads and writes them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from tidegate.core.automation import TRIGGER_NAMES, Trigger, action_from_json, action_to_json
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.history import moments_from_json, moments_to_json
from tidegate.core.records import Side
from tidegate.core.runs import Outcome
from tidegate.ports import (
    ActionResult,
    EmailActivityRow,
    Hold,
    LogLine,
    Look,
    RunToBegin,
    StoredAction,
    StoredRun,
)
from tidegate.store.holds import fence
from tidegate.store.models import AutomationRun, Change, Connection, EmailActivity, RunAction
from tidegate.words import say

LEFT = say("Left where it was, when the connection went on after a pause.")


def runs_of(connection_id: str, prospect_ids: Collection[str]) -> list[StoredRun]:
    rows = AutomationRun.objects.filter(connection_id=connection_id, prospect_id__in=list(prospect_ids))
    return [_to_port(row) for row in rows.prefetch_related("actions").order_by("id")]


def _to_port(row: AutomationRun) -> StoredRun:
    actions = tuple(
        StoredAction(each.position, action_from_json(each.action), Outcome(each.outcome), each.deal_id)
        for each in row.actions.all()
    )
    return StoredRun(
        id=row.pk,
        trigger=Trigger(row.trigger),
        event_id=row.event_id,
        event_at=row.event_at,
        prospect_id=row.prospect_id,
        person_id=row.person_id,
        campaign_id=row.campaign_id,
        email_id=row.email_id,
        actions=actions,
    )


def begin_runs(connection_id: str, runs: Sequence[RunToBegin], hold: Hold) -> None:
    """A second run with a once-key or an event that is taken is dropped here, whatever was thought before."""
    with transaction.atomic():
        fence(hold)
        taken = _taken_keys(connection_id, runs)
        begun = events_begun(connection_id, [run.event.id for run in runs])
        new: list[RunToBegin] = []
        for run in runs:
            if (run.trigger.value, run.once_key) not in taken and run.event.id not in begun:
                taken.add((run.trigger.value, run.once_key))
                new.append(run)
        rows = AutomationRun.objects.bulk_create(_row_of(connection_id, run) for run in new)
        RunAction.objects.bulk_create(
            action for row, run in zip(rows, new, strict=True) for action in _actions_of(row, run)
        )


def events_begun(connection_id: str, event_ids: Collection[str]) -> set[str]:
    rows = AutomationRun.objects.filter(connection_id=connection_id, event_id__in=list(event_ids))
    return set(rows.values_list("event_id", flat=True))


def _taken_keys(connection_id: str, runs: Sequence[RunToBegin]) -> set[tuple[str, str]]:
    keys = [run.once_key for run in runs]
    rows = AutomationRun.objects.filter(connection_id=connection_id, once_key__in=keys)
    return set(rows.values_list("trigger", "once_key"))


def _row_of(connection_id: str, run: RunToBegin) -> AutomationRun:
    event = run.event
    return AutomationRun(
        connection_id=connection_id,
        trigger=run.trigger.value,
        once_key=run.once_key,
        event_id=event.id,
        event_at=event.at,
        prospect_id=run.prospect_id,
        person_id=run.person_id,
        campaign_id=event.campaign_id or "",
        campaign_name=event.campaign_name[:200],
        email_id=event.email_id or "",
        record_name=run.record_name[:300],
        finished_at=timezone.now() if run.not_performed else None,
    )


def _actions_of(row: AutomationRun, run: RunToBegin) -> list[RunAction]:
    outcome = Outcome.NOT_PERFORMED if run.not_performed else Outcome.WAITING
    return [
        RunAction(
            run=row,
            position=position,
            action=action_to_json(action),
            outcome=outcome.value,
            reason=run.not_performed,
            done_at=row.finished_at,
        )
        for position, action in enumerate(run.actions)
    ]


_SAVE_ACTIONS = """
    UPDATE store_runaction a
    SET outcome = v.outcome, reason = v.reason, text = v.text, deal_id = v.deal_id, activity_id = v.activity_id, done_at = now()
    FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
         AS v(run_id, position, outcome, reason, text, deal_id, activity_id)
    WHERE a.run_id = v.run_id AND a.position = v.position
"""


def save_actions(results: Sequence[ActionResult]) -> None:
    """What became of actions; a run whose last one is settled is finished."""
    if not results:
        return
    rows = [
        (r.run_id, r.position, r.outcome.value, r.reason, r.text[:300], r.deal_id, r.activity_id)
        for r in results
    ]
    with database.cursor() as cursor:
        cursor.execute(_SAVE_ACTIONS, [list(column) for column in zip(*rows, strict=True)])
    runs = AutomationRun.objects.filter(
        pk__in={result.run_id for result in results}, finished_at=None
    ).exclude(actions__outcome=Outcome.WAITING.value)
    runs.update(finished_at=timezone.now())


def tell_more(connection_id: str, told: Mapping[str, CampaignEvent]) -> None:
    """What a later event tells of the campaign and the e-mail that a run is about; event that began the run -> the later one."""
    for event_id, event in told.items():
        AutomationRun.objects.filter(connection_id=connection_id, event_id=event_id).update(
            campaign_id=event.campaign_id or "",
            campaign_name=event.campaign_name[:200],
            email_id=event.email_id or "",
        )


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A run that ended half-way, with what the activity log says of it."""

    id: int
    line: LogLine


def give_up(connection_id: str, reasons: Mapping[str, str]) -> list[GivenUp]:
    """What waits of the runs that these events began is not performed; event id -> why. Answers which runs those were."""
    if not reasons:
        return []
    runs = AutomationRun.objects.filter(
        connection_id=connection_id, finished_at=None, event_id__in=list(reasons)
    )
    ended = []
    for run in runs:
        waiting = run.actions.filter(outcome=Outcome.WAITING.value)
        reason = reasons[run.event_id]
        waiting.update(outcome=Outcome.NOT_PERFORMED.value, reason=reason, done_at=timezone.now())
        ended.append(GivenUp(run.pk, _given_up_line(run, reason)))
    runs.update(finished_at=timezone.now())
    return ended


def _given_up_line(run: AutomationRun, reason: str) -> LogLine:
    trigger = TRIGGER_NAMES[Trigger(run.trigger)]
    return LogLine(
        side=Side.PIPEDRIVE,
        act="skip",
        prospect_id=run.prospect_id,
        person_id=run.person_id,
        record_name=run.record_name,
        cause="automation",
        cause_text=say("{cause}, {campaign}", cause=trigger, campaign=run.campaign_name)
        if run.campaign_name
        else trigger,
        message=say("The rest of the automation was not performed: {reason}", reason=reason),
    )


def try_again(connection: Connection, run_ids: Collection[int]) -> dict[int, str]:
    """What failed in these runs waits again, with what came after it and was not done either. Run id -> its event.

    What was performed stays so. Runs in which nothing failed are left out.
    """
    events: dict[int, str] = {}
    runs = AutomationRun.objects.select_for_update().filter(connection=connection, pk__in=list(run_ids))
    for run in runs.prefetch_related("actions"):
        actions = list(run.actions.all())
        failed = [action.position for action in actions if action.outcome == Outcome.FAILED]
        if failed:
            again = run.actions.filter(position__gte=failed[0]).exclude(outcome=Outcome.PERFORMED.value)
            again.update(outcome=Outcome.WAITING.value, reason="", done_at=None)
            events[run.pk] = run.event_id
        elif any(action.outcome == Outcome.WAITING for action in actions):
            events[run.pk] = run.event_id  # it is being tried already
    AutomationRun.objects.filter(pk__in=list(events)).update(finished_at=None)
    return events


def leave_waiting_actions(connection: Connection) -> None:
    """What had begun before a pause and is not to go on."""
    now = timezone.now()
    waiting = RunAction.objects.filter(run__connection=connection, outcome=Outcome.WAITING.value)
    waiting.update(outcome=Outcome.NOT_PERFORMED.value, reason=LEFT, done_at=now)
    AutomationRun.objects.filter(connection=connection, finished_at=None).update(finished_at=now)


def known_sales(
    lane_id: int, *, deal_ids: Collection[str] = (), activity_ids: Collection[str] = ()
) -> set[str]:
    """Of every connection of the company: what another one made is not ours."""
    of_runs = RunAction.objects.filter(run__connection__lane_id=lane_id)
    if deal_ids:
        made = of_runs.filter(deal_id__in=list(deal_ids), action__kind="create_deal")
        return set(made.values_list("deal_id", flat=True))
    rows = of_runs.filter(activity_id__in=list(activity_ids)).values_list("activity_id", flat=True)
    emails = EmailActivity.objects.filter(
        connection__lane_id=lane_id, activity_id__in=list(activity_ids)
    ).values_list("activity_id", flat=True)
    return {*rows, *emails}


# --- Activities of campaign e-mails


def email_activities(connection_id: str, email_ids: Collection[str]) -> dict[str, EmailActivityRow]:
    rows = EmailActivity.objects.filter(connection_id=connection_id, email_id__in=list(email_ids))
    return {
        row.email_id: EmailActivityRow(
            email_id=row.email_id,
            prospect_id=row.prospect_id,
            person_id=row.person_id,
            activity_id=row.activity_id,
            deal_id=row.deal_id,
            moments=moments_from_json(row.moments),
            digest=row.digest,
            gone=row.gone,
        )
        for row in rows
    }


def save_email_activities(connection_id: str, rows: Sequence[EmailActivityRow]) -> None:
    now = timezone.now()
    EmailActivity.objects.bulk_create(
        [
            EmailActivity(
                connection_id=connection_id,
                email_id=row.email_id,
                prospect_id=row.prospect_id,
                person_id=row.person_id,
                activity_id=row.activity_id,
                deal_id=row.deal_id,
                moments=moments_to_json(row.moments),
                digest=row.digest,
                gone=row.gone,
                written_at=now,
            )
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["connection", "email_id"],
        update_fields=["person_id", "activity_id", "deal_id", "moments", "digest", "gone", "written_at"],
    )


def plan_looks(connection_id: str, looks: Sequence[Look], *, source: str = "campaign") -> None:
    """One waiting look for each e-mail, at the earliest time asked for; one that is being retried keeps its time."""
    if not looks:
        return
    earliest: dict[str, datetime] = {}
    for look in looks:
        earliest[look.email_id] = min(look.due_at, earliest.get(look.email_id, look.due_at))
    waiting = Change.objects.filter(
        connection_id=connection_id, entity="campaign_email", record_id__in=list(earliest), done_at=None
    )
    planned = {row.record_id: row for row in waiting}
    for email_id, row in planned.items():
        if row.attempts == 0 and earliest[email_id] < row.due_at:
            Change.objects.filter(pk=row.pk).update(due_at=earliest[email_id])
    lane_id = Connection.objects.values_list("lane_id", flat=True).get(pk=connection_id)
    Change.objects.bulk_create(
        Change(
            lane_id=lane_id,
            connection_id=connection_id,
            side="outreach",
            entity="campaign_email",
            record_id=email_id,
            action="check",
            source=source,
            due_at=due_at,
        )
        for email_id, due_at in earliest.items()
        if email_id not in planned
    )
