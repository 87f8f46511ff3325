"""One page of a transfer: existing records of one side, walked over with a cursor, settled as any batch.

A page is committed with its cursor, so a restart goes on where it was. Records that could not be settled for a passing
reason keep the cursor where it is: the page is walked again, and records that have their outcome already are passed over.
"""

from collections.abc import Sequence

from tidegate.core.operations import Decision, Plan
from tidegate.core.planning import Transfer
from tidegate.core.records import Record, Side, with_organization
from tidegate.core.settings import Direction
from tidegate.errors import BudgetSpent, NeedsAttention, RateLimited, TemporaryError
from tidegate.ports import Outcome, Page, Results, TransferState
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date, organization_names
from tidegate.services.live import raise_if_stopped
from tidegate.services.look import look
from tidegate.services.settle import change_to_json, settle
from tidegate.services.units import Unit

PAGE = 200
"""Prospects walked at once; persons come in Pipedrive's own pages."""
MOST_TRIES = 5
"""After so many passing failures in a row a record is listed as failed, and the transfer goes on."""
MIRROR_MAX_AGE = 20.0
"""Seconds the mirror may be old when a page is decided."""


async def transfer_page(engine: Engine, transfer: TransferState) -> bool:
    """Settle one page. False when it was the last one.

    Raises RateLimited, BudgetSpent or another TemporaryError, after storing what was done, when the lane must wait.
    """
    await bring_up_to_date(engine, max_age=MIRROR_MAX_AGE)
    direction = Direction(transfer.direction)
    page = await _walk(engine, transfer, direction)
    units = await _units(engine, transfer, direction, page.records)
    await look(engine, units, engine.rules.settings.in_direction(direction), persons_from_mirror=True)
    results = Results()
    stop = await settle(engine, units, Transfer(direction, transfer.source_app), results, cause="transfer")
    unsettled = [unit for unit in units if _may_try_again(engine, transfer, unit)]
    results.outcomes.extend(_outcome(engine, unit) for unit in units if unit not in unsettled)
    cursor = transfer.cursor if unsettled else page.next_cursor
    await engine.run(
        engine.memory.commit_page,
        transfer,
        results,
        engine.lane.hold,
        cursor=cursor,
        spent=engine.lane.take_spent(),
    )
    raise_if_stopped(stop, unsettled)
    for unit in unsettled:
        if unit.error is not None:
            raise unit.error
    return cursor is not None


async def _walk(engine: Engine, transfer: TransferState, direction: Direction) -> Page:
    cursor = transfer.cursor or None
    if direction is Direction.TO_PIPEDRIVE:
        lists = engine.rules.settings.sync_from_lists
        return await engine.outreach.walk(list_ids=lists, cursor=cursor, limit=PAGE)
    return await engine.crm.walk_persons(cursor=cursor, filter_id=engine.rules.settings.filter_id)


async def _units(
    engine: Engine, transfer: TransferState, direction: Direction, records: Sequence[Record]
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
    names = await organization_names(engine, waiting)
    units = [
        Unit(Side.PIPEDRIVE, person_id=r.id, person=with_organization(r, names), link=by_person.get(r.id))
        for r in waiting
    ]
    for unit in units:
        unit.prospect_id = unit.link.prospect_id if unit.link else None
    return units


def _may_try_again(engine: Engine, transfer: TransferState, unit: Unit) -> bool:
    """Whether the record failed for a passing reason, and not too often: one that never answers ends as failed."""
    if isinstance(unit.error, RateLimited | BudgetSpent | NeedsAttention):
        return True
    if not isinstance(unit.error, TemporaryError):
        return False
    tries = engine.lane.tries
    key = f"{transfer.id}:{unit.id_of(unit.origin)}"
    tries[key] = tries.get(key, 0) + 1
    return tries[key] < MOST_TRIES


_OUTCOMES = {Decision.UNLINK: "skipped", Decision.MOVE: "skipped"}


def _outcome(engine: Engine, unit: Unit) -> Outcome:
    source = unit.seen_of(unit.origin)
    source_id = unit.id_of(unit.origin) or ""
    name = source.name if isinstance(source, Record) else ""
    if unit.error is not None or unit.plan is None:
        return Outcome(source_id, "", name, "failed", unit.error.user_message if unit.error else "")
    plan = unit.plan
    target = unit.returned.get(unit.origin.other)
    return Outcome(
        source_id=source_id,
        target_id=target.id if target else unit.id_of(unit.origin.other) or _planned_target(unit, plan),
        name=name,
        outcome=_OUTCOMES.get(plan.decision, plan.decision.value),
        reason=plan.reason,
        changes=tuple(
            change_to_json(engine, write, change) for write in plan.writes for change in write.changes
        ),
    )


def _planned_target(unit: Unit, plan: Plan) -> str:
    return (plan.person_id if unit.origin is Side.OUTREACH else plan.prospect_id) or ""
