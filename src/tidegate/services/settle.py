"""Settle a batch: look, decide, do, and what there is to remember.

`live` and `transfer` both end here, so a preview, a transfer and a real-time change can't differ in what they would do.
The caller stores the `Results` in one transaction together with its own progress.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tidegate.core.bases import base_from_json, base_to_json
from tidegate.core.operations import Decision, LinkState, Plan
from tidegate.core.planning import LIVE, LinkView, Mode, Situation, decide, finish
from tidegate.core.records import Gone, Record, Side
from tidegate.core.values import describe
from tidegate.errors import NeedsAttention, RecordGone, TemporaryError
from tidegate.ports import Change, LinkToSave, LogLine, Question, Results
from tidegate.services import overtaken
from tidegate.services.earlier import plan_earlier_emails
from tidegate.services.engine import Engine
from tidegate.services.journal import UPDATE, change_to_json, create_kind, intent_key, update_key
from tidegate.services.perform import perform
from tidegate.services.quarrels import quarrel_of, stop_quarrels
from tidegate.services.troubles import CURES, INVALID, kind_of
from tidegate.services.unanswered import LANDS_WITHIN, MARGIN_SECONDS, hold_back
from tidegate.services.units import Unit

RETRY_SECONDS = (2, 5, 15, 60, 300, 900)
"""How long a change waits after each failed attempt; the last one repeats."""
CHOSEN = "chosen"
"""The state of a link that a person chose, or an intent proved, and whose records have not met yet."""
NO_PAUSE = 0.0
"""The pause asked for by what waits for nothing but another unit of its own batch."""
UNKNOWN_ANSWER_SECONDS = LANDS_WITHIN.total_seconds() + MARGIN_SECONDS
"""How long at least, where a write may have reached the other app."""


def decide_all(engine: Engine, units: Sequence[Unit], mode: Mode) -> None:
    """Give every unit its plan. Of several units that would link or make the same record, only the first may."""
    claimed: set[tuple[Side, str]] = set()
    creating: dict[str, Unit] = {}
    for unit in units:
        if unit.link is None and (unit.origin, unit.id_of(unit.origin) or "") in claimed:
            unit.error = TemporaryError(
                "Waits for the link that another change of this batch makes.", retry_after=NO_PAUSE
            )
            continue
        if unit.link is not None and not unit.rival and claimed.intersection(_wanted(unit)):
            unit.error = TemporaryError("Waits for the link that moves to the same person.")
            continue
        plan = unit.plan = _decide(engine, unit, claimed, mode)
        if plan.decision is Decision.MOVE:
            claimed.add((Side.PIPEDRIVE, plan.person_id or ""))
        if unit.link is not None or not plan.new_link:
            continue
        _take_candidate(unit, plan)
        if plan.decision is Decision.CREATE and _waits_for_twin(unit, creating):
            continue
        claimed.update((side, unit.id_of(side) or "") for side in Side)


def _decide(engine: Engine, unit: Unit, claimed: Collection[tuple[Side, str]], mode: Mode) -> Plan:
    situation = _situation(engine, unit, claimed)
    if unit.overtaken:
        situation = replace(situation, person=overtaken.as_looked_at(engine, unit, mode) or unit.person)
    return overtaken.with_given_back(engine, unit, decide(situation, engine.rules, mode), mode)


def _situation(engine: Engine, unit: Unit, claimed: Collection[tuple[Side, str]]) -> Situation:
    other = unit.origin.other
    return Situation(
        link=_link_view(engine, unit),
        prospect=unit.prospect,
        person=unit.person,
        origin=unit.origin,
        candidates=tuple(c for c in unit.candidates if (other, c.id) not in claimed),
        taken=unit.taken + tuple(i for side, i in _wanted(unit) if (side, i) in claimed),
        barred=unit.barred,
    )


def _wanted(unit: Unit) -> list[tuple[Side, str]]:
    """The records that the unit could come to be linked to."""
    survivor = unit.person.merged_into if isinstance(unit.person, Gone) else None
    found = [(unit.origin.other, candidate.id) for candidate in unit.candidates]
    return found + ([(Side.PIPEDRIVE, survivor)] if survivor else [])


def _take_candidate(unit: Unit, plan: Plan) -> None:
    """The candidate that the plan links has been seen: it need not be read again before it is written."""
    chosen = plan.person_id if unit.origin is Side.OUTREACH else plan.prospect_id
    found = next((c for c in unit.candidates if c.id == chosen), None)
    if found is None:
        return
    if unit.origin is Side.OUTREACH:
        unit.person_id, unit.person = found.id, found
    else:
        unit.prospect_id, unit.prospect = found.id, found


def _waits_for_twin(unit: Unit, creating: dict[str, Unit]) -> bool:
    """Two unlinked records of one batch that share an address: the first is created, the other waits for its link."""
    source = unit.seen_of(unit.origin)
    addresses = source.emails if isinstance(source, Record) else ()
    twin = next((creating[address] for address in addresses if address in creating), None)
    if twin is None:
        creating.update(dict.fromkeys(addresses, unit))
        return False
    unit.plan = None
    unit.error = TemporaryError(
        f"Waits for {twin.record_name}, which shares an address with it.", retry_after=NO_PAUSE
    )
    return True


def _link_view(engine: Engine, unit: Unit) -> LinkView | None:
    if unit.link is None or unit.link.state == CHOSEN:
        return None
    unit.base = base_from_json(unit.link.base, engine.rules.pairs)
    return LinkView(unit.link.prospect_id, unit.link.person_id, unit.base, LinkState(unit.link.state))


Check = Callable[[Sequence[Unit]], Awaitable[None]]


async def settle(
    engine: Engine,
    units: Sequence[Unit],
    mode: Mode,
    results: Results,
    *,
    cause: str,
    check: Check | None = None,
) -> NeedsAttention | None:
    """Decide, do, and gather what to remember. The units have been looked at.

    `check` sees the plans before anything is done, and may raise. What stops the connection while it is being done is
    returned, for the caller to raise once the results are stored.
    """
    hold_back(engine, units)
    decide_all(engine, [unit for unit in units if unit.error is None], mode)
    if mode is LIVE:
        await stop_quarrels(engine, units)
    if check is not None:
        await check(units)
    stop = await perform(engine, units, results, cause=cause)
    results.log.extend(
        LogLine(Side.PIPEDRIVE, "organization", record_name=organization.name, cause=cause)
        for organization in results.organizations
    )
    now = engine.lane.clock.now()
    for unit in units:
        remember(engine, unit, results, now=now, cause=cause)
    await plan_earlier_emails(engine, [i for unit in units if (i := _linked_just_now(unit))], results)
    return stop


def _linked_just_now(unit: Unit) -> str | None:
    """The prospect of a pair that was no pair until now, or whose link waited for an answer or a record."""
    plan = unit.plan
    if plan is None or unit.error is not None or plan.state is not LinkState.LINKED:
        return None
    if plan.decision not in (Decision.CREATE, Decision.UPDATE, Decision.UNCHANGED):
        return None
    if unit.link is not None and unit.link.state == LinkState.LINKED:
        return None
    return _ids_of_pair(unit, plan)[0]


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
            results.questions.append(_ambiguous(unit, plan))
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
    if _linked_just_now(unit) and isinstance(prospect, Record) and prospect.is_closed:
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
                cause_text=cause_text(unit.changes),
                seconds=seconds,
            )
        )
    if unit.link is None and not plan.writes:
        results.log.append(_line(unit, "link", plan, cause, prospect_id, person_id))
    results.questions.extend(_refused(unit, plan, prospect_id, person_id))
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
    results.questions.extend(_unseen(engine, unit, plan))
    results.questions.extend(_two_for_one(unit, plan))
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
        cause_text=cause_text(unit.changes),
        message=plan.reason,
    )


def _ambiguous(unit: Unit, plan: Plan) -> Question:
    side = plan.candidates_side or unit.origin.other
    return Question(
        kind="ambiguous",
        side=unit.origin,
        prospect_id=unit.prospect_id or "",
        person_id=unit.person_id or "",
        record_name=unit.record_name,
        message=plan.reason,
        cure="Choose the right one, or merge them where they are.",
        facts={"candidates": list(plan.candidates), "candidates_side": side.value},
    )


def _unseen(engine: Engine, unit: Unit, plan: Plan) -> list[Question]:
    if plan.state is not LinkState.PERSON_UNSEEN:
        return []
    me = next((user.name for user in engine.rules.pipedrive.users if user.is_me), "the connected user")
    return [
        Question(
            kind="hidden",
            side=Side.PIPEDRIVE,
            prospect_id=unit.prospect_id or "",
            person_id=unit.person_id or "",
            record_name=unit.record_name,
            message=plan.reason,
            cure=(
                f"Have the person made visible to {me} in Pipedrive, or connect as a user who sees it. It goes on by itself "
                "with the person's next change, or with Retry. If it was deleted, close this."
            ),
        )
    ]


def _two_for_one(unit: Unit, plan: Plan) -> list[Question]:
    """Two linked persons became one: its link stays, and a member says which of the two prospects it should be with."""
    if plan.decision is not Decision.UNLINK or plan.merged_into is None:
        return []
    return [
        Question(
            kind="merged",
            side=Side.OUTREACH,
            prospect_id=unit.prospect_id or "",
            person_id=unit.person_id or "",
            record_name=unit.record_name,
            message=f"{plan.reason} Two prospects now stand for one person.",
            cure="Choose the prospect that stays in step with the person. Nothing is deleted.",
            facts={
                "candidates": [i for i in (unit.rival, unit.prospect_id) if i],
                "candidates_side": Side.OUTREACH.value,
                "survivor": plan.merged_into,
            },
        )
    ]


def _refused(unit: Unit, plan: Plan, prospect_id: str, person_id: str) -> list[Question]:
    if not plan.refusals:
        return []
    texts = [f"{refusal.name}: {refusal.reason}" for refusal in plan.refusals]
    return [
        Question(
            kind="invalid",
            side=plan.refusals[0].side,
            prospect_id=prospect_id,
            person_id=person_id,
            record_name=unit.record_name,
            message="; ".join(texts).removesuffix(".") + ".",
            cure=f"{CURES[INVALID]} The other fields are in step.",
            facts={"values": {r.field: describe(r.value) for r in plan.refusals}},
        )
    ]


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
    message = error.user_message if error is not None else ""
    failed = unit.origin.other
    if unit.plan is not None and unit.plan.writes:
        failed = next((w.side for w in unit.plan.writes if w.side not in unit.returned), failed)
    prospect_id, person_id = unit.prospect_id or "", unit.person_id or ""
    kind = kind_of(error)
    results.questions.append(
        Question(
            kind=kind,
            side=failed,
            prospect_id=prospect_id,
            person_id=person_id,
            record_name=unit.record_name,
            message=message,
            cure=CURES[kind],
        )
    )
    results.log.append(
        LogLine(
            side=failed,
            act="fail",
            prospect_id=prospect_id,
            person_id=person_id,
            record_name=unit.record_name,
            message=message,
            cause_text=cause_text(unit.changes),
        )
    )
    results.intents_done.extend(_creates_done(prospect_id, person_id))
    results.done.update((change.id, "attention") for change in unit.changes)


def _left(unit: Unit) -> list[Side]:
    """The sides whose write is still to be done, the next one first."""
    writes = unit.plan.writes if unit.plan else ()
    return [write.side for write in writes if write.side not in unit.returned][:1]


def retry_at(attempts: int, now: datetime, error: Exception | None) -> datetime:
    """When to try again what failed this many times already."""
    seconds: float = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS) - 1)]
    if getattr(error, "sent", False):
        seconds = max(seconds, UNKNOWN_ANSWER_SECONDS)
    return now + timedelta(seconds=max(seconds, getattr(error, "retry_after", None) or 0))


def cause_text(changes: Sequence[Change]) -> str:
    """Why, in words for the activity log."""
    if not changes:
        return ""
    first = changes[0]
    if first.source == "catchup":
        return "Found by the regular check"
    if first.source == "retry":
        return "Retried"
    verb = "Added" if any(change.action == "create" for change in changes) else "Edited"
    if first.side is Side.PIPEDRIVE:
        return first.actor if first.source in ("organization", "merge") else f"{verb} in Pipedrive"
    return f"{verb} by {first.actor}" if first.actor else verb


def _seconds_waited(changes: Sequence[Change], now: datetime) -> float | None:
    if not changes:
        return None
    return round((now - min(change.received_at for change in changes)).total_seconds(), 3)
