"""One page of a transfer: existing records of one side, walked over with a cursor, settled as any batch.

A page is committed with its cursor, so a restart goes on where it was. Records that could not be settled for a passing
reason keep the cursor where it is: the page is walked again, and records that have their outcome already are passed over.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tidegate.core.operations import Decision, FieldChange, Plan, Write
from tidegate.core.planning import Transfer
from tidegate.core.records import ORGANIZATION, Record, Seen, Side, with_organization
from tidegate.core.refused import refusals_to_json
from tidegate.core.settings import Direction
from tidegate.core.transfer import CATCH_UP_SECONDS
from tidegate.core.values import MISSING, Json, is_readable, to_json
from tidegate.errors import BudgetSpent, MappingBroken, NeedsAttention, RateLimited, TemporaryError
from tidegate.ports import Outcome, Results, TransferState
from tidegate.services.earlier import plan_past_emails
from tidegate.services.engine import Engine, Tries
from tidegate.services.flight import Looked, Touched, Walked
from tidegate.services.index import bring_up_to_date, is_up_to_date, organization_names
from tidegate.services.journal import change_to_json
from tidegate.services.live import raise_if_stopped
from tidegate.services.look import look
from tidegate.services.overlap import (
    land,
    look_ahead,
    met_again,
    store_behind,
    stored,
    taken,
    where_it_is,
)
from tidegate.services.remembering import linked_prospect
from tidegate.services.retrying import NO_PAUSE
from tidegate.services.settle import settle
from tidegate.services.units import Unit
from tidegate.words import say

PAGE = 200
"""Prospects walked at once; persons come in Pipedrive's own pages."""
MOST_TRIES = 5
PATIENCE_SECONDS = 600.0
"""After so many passing failures in a row, and so long, a record is listed as failed, and the transfer goes on. A failure
counts only where the other app answers otherwise: while it is away nobody is given up."""
MIRROR_MAX_AGE = {Direction.TO_PIPEDRIVE: float(CATCH_UP_SECONDS), Direction.FROM_PIPEDRIVE: 600.0}
"""Seconds the mirror may be old when a page is decided: it shows whom prospects meet, and persons' organizations."""


async def transfer_page(engine: Engine, transfer: TransferState) -> bool:
    """Settle one page. False when it was the last one.

    Raises RateLimited, BudgetSpent or another TemporaryError, after storing what was done, when the lane must wait.
    """
    transfer = where_it_is(engine, transfer)
    direction = Direction(transfer.direction)
    page = await _looked_at(engine, transfer, direction)
    results = Results()

    async def go_on(units: Sequence[Unit]) -> None:
        walked_again = any(unit.error is not None for unit in units)
        over = engine.lane.clock.monotonic() >= engine.lane.deadline
        if page.walked.next_cursor is not None and not (transfer.picked or walked_again or over):
            after = replace(transfer, cursor=page.walked.next_cursor)
            look_ahead(engine, after, lambda: _look_at_page(engine, after, direction))

    mode = Transfer(direction, transfer.source_app)
    stop = await settle(engine, page.units, mode, results, cause="transfer", check=go_on)
    if transfer.past_emails:
        await plan_past_emails(engine, [i for unit in page.units if (i := linked_prospect(unit))], results)
    unsettled = unsettled_of(engine, transfer, page.units)
    left = {id(unit) for unit in unsettled}
    results.outcomes.extend(outcome_of(engine, unit) for unit in page.units if id(unit) not in left)
    if stop is None and not unsettled and not engine.unsure and page.walked.next_cursor is not None:
        store = partial(_store, engine, transfer, results, page.walked.next_cursor)
        await store_behind(engine, Touched.by(page.units), store)
        return True
    await land(engine)
    return await end_page(engine, transfer, results, unsettled, stop, next_cursor=page.walked.next_cursor)


async def _looked_at(engine: Engine, transfer: TransferState, direction: Direction) -> Looked:
    """The page as it is now: what was looked at early, where nothing came in between, or a fresh look."""
    early = await taken(engine, transfer)
    if early is not None and _rests_on_the_mirror(engine, early, direction):
        units = await met_again(engine, early, lambda seen: _look_at(engine, transfer, direction, seen))
        return replace(early, units=units)
    await stored(engine)  # or the mirror would show as news what a page has just written
    await bring_up_to_date(engine, max_age=MIRROR_MAX_AGE[direction])
    return await _look_at_page(engine, transfer, direction, early.walked if early is not None else None)


def _rests_on_the_mirror(engine: Engine, early: Looked, direction: Direction) -> bool:
    """Whether the mirror is fresh enough, and the very one that was looked at: another connection of the lane may have
    renewed it since."""
    return early.mirror == engine.lane.fresh and is_up_to_date(engine, max_age=MIRROR_MAX_AGE[direction])


async def _look_at_page(
    engine: Engine, transfer: TransferState, direction: Direction, walked: Walked | None = None
) -> Looked:
    walked = walked or await walk_page(engine, transfer, direction)
    mirror = dict(engine.lane.fresh)
    return Looked(walked, await _look_at(engine, transfer, direction, walked.seen), mirror)


async def _look_at(
    engine: Engine, transfer: TransferState, direction: Direction, seen: Sequence[Seen]
) -> list[Unit]:
    units = await units_of_page(engine, transfer, direction, seen)
    await look(engine, units, engine.rules.in_direction(direction), persons_from_mirror=True)
    return units


def unsettled_of(engine: Engine, transfer: TransferState, units: Sequence[Unit]) -> list[Unit]:
    """The units that failed for a passing reason: their page is walked again."""
    answers = any(unit.returned for unit in units)
    return [unit for unit in units if _may_try_again(engine, transfer, unit, answers=answers)]


async def end_page(
    engine: Engine,
    transfer: TransferState,
    results: Results,
    unsettled: Sequence[Unit],
    stop: NeedsAttention | None,
    *,
    next_cursor: str | None,
) -> bool:
    """Commit a page, then raise what keeps the next one waiting. False where it was the last one."""
    cursor = transfer.cursor if unsettled else next_cursor
    if cursor is None:
        for key in [key for key in engine.lane.tries if key[0] == transfer.id]:
            del engine.lane.tries[key]
    await _store(engine, transfer, results, cursor)
    raise_if_stopped(stop, unsettled)
    for unit in unsettled:
        if unit.error is not None and getattr(unit.error, "retry_after", None) != NO_PAUSE:
            raise unit.error
    return cursor is not None


async def _store(engine: Engine, transfer: TransferState, results: Results, cursor: str | None) -> None:
    await engine.run(
        engine.memory.commit_page,
        transfer,
        results,
        engine.lane.hold,
        cursor=cursor,
        spent=engine.lane.take_spent(),
    )


async def walk_page(engine: Engine, transfer: TransferState, direction: Direction) -> Walked:
    if transfer.picked:
        return await _chosen_page(engine, transfer, direction)
    cursor = transfer.cursor or None
    if direction is Direction.TO_PIPEDRIVE:
        lists = engine.rules.settings.sync_from_lists
        _check_lists(engine, lists)
        page = await engine.outreach.walk(list_ids=lists, cursor=cursor, limit=PAGE)
    else:
        page = await engine.crm.walk_persons(cursor=cursor, filter_id=engine.rules.settings.filter_id)
    return Walked(page.records, page.next_cursor)


def _check_lists(engine: Engine, lists: Sequence[str] | None) -> None:
    """A list that was deleted since must not pass for an empty one. Raises MappingBroken."""
    known = {named.id for named in engine.rules.outreach.lists}
    if lists and not known.issuperset(lists):
        raise MappingBroken(
            say(
                "A list that prospects are taken from was deleted. What was done until then stays. "
                "Choose the lists again in the settings, then start anew."
            )
        )


async def _chosen_page(engine: Engine, transfer: TransferState, direction: Direction) -> Walked:
    """The next chosen records that have no outcome yet: whoever has one drops out, so no cursor is needed."""
    ids = await engine.run(engine.memory.waiting_records, transfer.id, PAGE)
    get = engine.outreach.get_prospects if direction is Direction.TO_PIPEDRIVE else engine.crm.get_persons
    found = await get(ids) if ids else {}
    return Walked([found[i] for i in ids], "chosen" if len(ids) == PAGE else None)


async def units_of_page(
    engine: Engine, transfer: TransferState, direction: Direction, records: Sequence[Seen]
) -> list[Unit]:
    """A unit for each record that has no outcome yet."""
    memory = engine.memory
    ids = [record.id for record in records]
    settled = await engine.run(memory.settled_records, transfer.id, ids)
    waiting = [record for record in records if record.id not in settled]
    if direction is Direction.TO_PIPEDRIVE:
        links = await engine.run(memory.links_of, engine.connection_id, prospect_ids=ids)
        by_prospect = {link.prospect_id: link for link in links}
        units = [
            Unit(Side.OUTREACH, prospect_id=r.id, prospect=r, link=by_prospect.get(r.id)) for r in waiting
        ]
        for unit in units:
            unit.person_id = unit.link.person_id if unit.link else None
        return units
    links = await engine.run(memory.links_of, engine.connection_id, person_ids=ids)
    by_person = {link.person_id: link for link in links}
    names = await organization_names(engine, [seen for seen in waiting if isinstance(seen, Record)])
    units = [
        Unit(
            Side.PIPEDRIVE,
            person_id=r.id,
            person=with_organization(r, names) if isinstance(r, Record) else r,
            link=by_person.get(r.id),
        )
        for r in waiting
    ]
    for unit in units:
        unit.prospect_id = unit.link.prospect_id if unit.link else None
    return units


def _may_try_again(engine: Engine, transfer: TransferState, unit: Unit, *, answers: bool) -> bool:
    """Whether the record failed for a passing reason, and not too often: one that never answers ends as failed."""
    if isinstance(unit.error, RateLimited | BudgetSpent | NeedsAttention):
        return True
    if not isinstance(unit.error, TemporaryError):
        return False
    lane, now = engine.lane, engine.lane.clock.monotonic()
    tries = lane.tries.setdefault((transfer.id, unit.id_of(unit.origin) or ""), Tries(since=now))
    if (
        answers or lane.fresh.get("persons", -math.inf) > tries.counted_at
    ):  # a page went through, or a catch-up
        tries.count, tries.counted_at = tries.count + 1, now
    return tries.count < MOST_TRIES or now - tries.since < PATIENCE_SECONDS


_OUTCOMES = {Decision.UNLINK: "skipped", Decision.MOVE: "skipped"}


def outcome_of(engine: Engine, unit: Unit) -> Outcome:
    source = unit.seen_of(unit.origin)
    source_id = unit.id_of(unit.origin) or ""
    name = source.name if isinstance(source, Record) else ""
    if unit.error is not None or unit.plan is None:
        return Outcome(source_id, "", name, "failed", unit.error.happened if unit.error else "")
    plan = unit.plan
    target = unit.returned.get(unit.origin.other)
    return Outcome(
        source_id=source_id,
        target_id=target.id if target else unit.id_of(unit.origin.other) or _planned_target(unit, plan),
        name=name,
        outcome=_OUTCOMES.get(plan.decision, plan.decision.value),
        reason=" ".join(
            [plan.reason, *(say("{field}: {reason}.", field=r.name, reason=r.reason) for r in plan.refusals)]
        ).strip(),
        changes=tuple(told_change(engine, unit, w, change) for w in plan.writes for change in w.changes),
        refusals=refusals_to_json(plan),
        linked=plan.new_link and unit.link is None,
        written_at=target.updated_at if target and plan.decision is Decision.CREATE else None,
    )


def told_change(engine: Engine, unit: Unit, write: Write, change: FieldChange) -> dict[str, Json]:
    """A change as an undo needs it: with what the write answered, where the app spells it in its own way."""
    told = change_to_json(engine, write, change)
    answer = unit.returned.get(write.side)
    shown = answer.value(change.field) if answer is not None else MISSING
    if is_readable(shown) and to_json(shown) != told["after"]:
        told["shown"] = to_json(shown)
    seen = unit.seen_of(write.side)
    if change.field == ORGANIZATION and isinstance(seen, Record) and seen.organization_id:
        told["organization_id"] = seen.organization_id
    return told


def _planned_target(unit: Unit, plan: Plan) -> str:
    return (plan.person_id if unit.origin is Side.OUTREACH else plan.prospect_id) or ""
