"""What a unit leaves behind once it was settled: its link with its new base, log lines, questions, and done marks."""

from collections.abc import Sequence
from datetime import datetime

from tidegate.core.bases import base_to_json
from tidegate.core.operations import Decision, LinkState, Plan
from tidegate.core.planning import finish
from tidegate.core.records import Gone, Record, Side
from tidegate.errors import NeedsAttention, RecordGone, TemporaryError, TidegateError
from tidegate.ports import ASKED, Change, LinkToSave, LogLine, Results
from tidegate.services import overtaken, questions
from tidegate.services.engine import Engine
from tidegate.services.journal import UPDATE, change_to_json, create_kind, intent_key, update_key
from tidegate.services.quarrels import quarrel_of
from tidegate.services.retrying import retry_at
from tidegate.services.units import Unit
from tidegate.words import say


def remember(engine: Engine, unit: Unit, results: Results, *, now: datetime, cause: str) -> None:
    """What a unit leaves behind: its link, log, questions and done marks."""
    if unit.plan is not None and _is_just_as_it_was(unit, unit.plan):
        results.settled.append(_ids_of_pair(unit, unit.plan))
        return
    _remember_seen(unit, results)
    if unit.error is not None:
        _remember_error(unit, results, now)
    elif unit.plan is not None:
        _remember_plan(engine, unit, unit.plan, results, now=now, cause=cause)
        results.done.update((change.id, unit.plan.decision.value) for change in unit.changes)
    if any(change.id in results.done for change in unit.changes):  # else it is told once they are
        results.log.extend(overtaken.lines_of(engine, unit))


def linked_just_now(unit: Unit) -> str | None:
    """The prospect of a pair that was no pair until now, or whose link waited for an answer or a record."""
    was = unit.link is not None and unit.link.state == LinkState.LINKED
    return None if was else linked_prospect(unit)


def linked_prospect(unit: Unit) -> str | None:
    """The prospect of a pair that is linked now."""
    plan = unit.plan
    if plan is None or unit.error is not None or plan.state is not LinkState.LINKED:
        return None
    if plan.decision not in (Decision.CREATE, Decision.UPDATE, Decision.UNCHANGED):
        return None
    return _ids_of_pair(unit, plan)[0]


def _remember_seen(unit: Unit, results: Results) -> None:
    latest = unit.returned.get(Side.PIPEDRIVE) or unit.person
    if isinstance(latest, Record):
        results.persons.append(latest)
    elif isinstance(latest, Gone):
        results.persons_gone.append(latest.id)


def _remember_plan(
    engine: Engine, unit: Unit, plan: Plan, results: Results, *, now: datetime, cause: str
) -> None:
    match plan.decision:
        case Decision.CREATE | Decision.UPDATE | Decision.UNCHANGED:
            _remember_pair(engine, unit, plan, results, now=now, cause=cause)
        case Decision.UNLINK | Decision.MOVE:
            _remember_loss(engine, unit, plan, results, cause=cause)
        case Decision.ASK:
            results.questions.append(questions.ambiguous(unit, plan))
        case Decision.SKIP:
            pass


def _remember_pair(
    engine: Engine, unit: Unit, plan: Plan, results: Results, *, now: datetime, cause: str
) -> None:
    prospect_id, person_id = _ids_of_pair(unit, plan)
    if not _is_as_linked(unit, plan):
        link = _link_to_save(unit, plan, prospect_id, person_id, now)
        if unit.link is None or (link.base, link.state) != (unit.link.base, unit.link.state):
            results.links.append(link)
    prospect = unit.returned.get(Side.OUTREACH) or unit.prospect
    if linked_just_now(unit) and isinstance(prospect, Record) and prospect.is_closed:
        results.closed.append(prospect_id)
    results.intents_done.extend(_creates_done(prospect_id, person_id))
    results.intents_done.extend((UPDATE, update_key(w.side, w.record_id or "")) for w in plan.writes)
    results.settled.append((prospect_id, person_id))
    seconds = _seconds_waited(unit.changes, now)
    for write in plan.writes:
        results.log.append(
            LogLine(
                side=write.side,
                act=write.act.value,
                prospect_id=prospect_id,
                person_id=person_id,
                record_name=unit.record_name,
                changes=tuple(change_to_json(engine, write, change) for change in write.changes),
                cause=cause,
                cause_text=cause_text(unit.changes, write.side),
                seconds=seconds,
            )
        )
    if unit.link is None and not plan.writes:
        results.log.append(_line(unit, "link", plan, cause, prospect_id, person_id))
    results.questions.extend(questions.refused(engine, unit, plan, prospect_id, person_id))
    results.questions.extend(quarrel_of(engine, unit, plan))


def _is_as_linked(unit: Unit, plan: Plan) -> bool:
    """Whether plainly nothing of the link is another: the very base that was read is to be remembered."""
    same = unit.base is not None and plan.base is unit.base and not plan.writes and not plan.agreed
    return same and unit.link is not None and plan.state.value == unit.link.state


def _is_just_as_it_was(unit: Unit, plan: Plan) -> bool:
    """Whether a transfer met a pair that has nothing to be remembered of, as nearly all of a second one. What no pair of
    fields asks for comes to the mirror by its catch-up.
    """
    unchanged = unit.error is None and plan.decision is Decision.UNCHANGED and not plan.refusals
    return unchanged and not unit.changes and _is_as_linked(unit, plan)


def _creates_done(prospect_id: str, person_id: str) -> list[tuple[str, str]]:
    """The intents to make either of the two for the other one."""
    return [(create_kind(Side.PIPEDRIVE), prospect_id), (create_kind(Side.OUTREACH), person_id)]


def _link_to_save(unit: Unit, plan: Plan, prospect_id: str, person_id: str, now: datetime) -> LinkToSave:
    link = unit.link
    return LinkToSave(
        prospect_id=prospect_id,
        person_id=person_id,
        base=base_to_json(finish(plan, unit.returned), link.base if link is not None else {}),
        state=plan.state.value,
        written_at=now if unit.returned else link.written_at if link is not None else None,
        id=link.id if link is not None else None,
    )


def _ids_of_pair(unit: Unit, plan: Plan) -> tuple[str, str]:
    prospect = unit.returned.get(Side.OUTREACH)
    person = unit.returned.get(Side.PIPEDRIVE)
    prospect_id = prospect.id if prospect else plan.prospect_id or unit.prospect_id or ""
    person_id = person.id if person else plan.person_id or unit.person_id or ""
    return prospect_id, person_id


def _remember_loss(engine: Engine, unit: Unit, plan: Plan, results: Results, *, cause: str) -> None:
    """A link outlives its records: it remembers that nothing is to be made anew, and follows merges."""
    link = unit.link
    if link is None:
        return
    prospect_id, person_id = plan.prospect_id or link.prospect_id, plan.person_id or link.person_id
    results.links.append(
        LinkToSave(
            prospect_id, person_id, link.base, state=plan.state.value, written_at=link.written_at, id=link.id
        )
    )
    if plan.decision is Decision.MOVE:
        results.follow_up.append(person_id)
    results.settled.append((link.prospect_id, link.person_id))
    results.questions.extend(questions.unseen(engine, unit, plan))
    results.questions.extend(questions.two_for_one(unit, plan))
    act = "move" if plan.decision is Decision.MOVE else "unlink"
    results.log.append(_line(unit, act, plan, cause, prospect_id, person_id))


def _line(unit: Unit, act: str, plan: Plan, cause: str, prospect_id: str, person_id: str) -> LogLine:
    return LogLine(
        side=unit.origin.other,
        act=act,
        prospect_id=prospect_id,
        person_id=person_id,
        record_name=unit.record_name,
        cause=cause,
        cause_text=cause_text(unit.changes, unit.origin.other),
        message=plan.reason,
    )


def _remember_error(unit: Unit, results: Results, now: datetime) -> None:
    """What was written before the failure is remembered; the rest is tried again or put to a person."""
    error = unit.error
    if unit.link is not None and unit.plan is not None and unit.returned:
        results.links.append(_link_to_save(unit, unit.plan, unit.link.prospect_id, unit.link.person_id, now))
    attempts = max((change.attempts for change in unit.changes), default=0)
    if unit.plan is not None and not getattr(error, "sent", False):
        unsent = [write for write in unit.plan.writes if write.side not in unit.returned]
        results.intents_done.extend(intent_key(unit, write) for write in unsent)
    if isinstance(error, RecordGone) and unit.person_id and Side.OUTREACH not in _left(unit):
        results.persons_gone.append(unit.person_id)  # or the mirror would offer it again and again
    if isinstance(error, NeedsAttention):
        return  # the connection stops; its changes stay as they are and are taken again when it goes on
    if isinstance(error, TemporaryError) or (isinstance(error, RecordGone) and attempts == 0):
        results.later.update((change.id, retry_at(attempts, now, error)) for change in unit.changes)
        return
    _put_to_a_person(unit, error, results)
    results.intents_done.extend(_creates_done(unit.prospect_id or "", unit.person_id or ""))
    results.done.update((change.id, "attention") for change in unit.changes)


def _put_to_a_person(unit: Unit, error: TidegateError | None, results: Results) -> None:
    message = error.user_message if error is not None else ""
    failed = unit.origin.other
    if unit.plan is not None and unit.plan.writes:
        failed = next((w.side for w in unit.plan.writes if w.side not in unit.returned), failed)
    results.questions.append(questions.failed(unit, failed, error))
    results.log.append(
        LogLine(
            side=failed,
            act="fail",
            prospect_id=unit.prospect_id or "",
            person_id=unit.person_id or "",
            record_name=unit.record_name,
            message=message,
            cause_text=cause_text(unit.changes, failed),
        )
    )


def _left(unit: Unit) -> list[Side]:
    """The sides whose write is still to be done, the next one first."""
    writes = unit.plan.writes if unit.plan else ()
    return [write.side for write in writes if write.side not in unit.returned][:1]


def cause_text(changes: Sequence[Change], written: Side) -> str:
    """Why this side was written, in words for the activity log: by a change of the other one, where there was any."""
    if not changes:
        return ""
    changes = [change for change in changes if change.side is not written] or changes
    first = changes[0]
    if first.source == "catchup":
        return say("Found by the regular check")
    if first.source == "retry":
        return say("Retried")
    if first.source == ASKED:
        return say("Sync asked for by {actor}", actor=first.actor)
    if first.side is written:
        return (
            say("Brought in step after a change in Pipedrive")
            if written is Side.PIPEDRIVE
            else say("Brought in step after a change in the outreach app")
        )
    added = any(change.action == "create" for change in changes)
    if first.side is Side.PIPEDRIVE:
        if first.source in ("organization", "merge"):
            return first.actor
        return say("Added in Pipedrive") if added else say("Edited in Pipedrive")
    if not first.actor:
        return say("Added") if added else say("Edited")
    if added:
        return say("Added by {actor}", actor=first.actor)
    return say("Edited by {actor}", actor=first.actor)


def _seconds_waited(changes: Sequence[Change], now: datetime) -> float | None:
    if not changes:
        return None
    return round((now - min(change.received_at for change in changes)).total_seconds(), 3)
