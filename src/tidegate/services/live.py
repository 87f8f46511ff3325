"""Live sync: follow the inbox of one connection, batch by batch.

A change says *look at this record*. A delivery whose body equals what the link remembers is an echo and costs nothing.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import takewhile

from tidegate.core.bases import base_from_json
from tidegate.core.echo import is_echo
from tidegate.core.planning import LEAVE, LIVE
from tidegate.core.records import Record, Side, with_organization
from tidegate.errors import BudgetSpent, NeedsAttention, RateLimited, TemporaryError
from tidegate.ports import ASKED, Change, Results
from tidegate.services import brakes, overtaken
from tidegate.services.engine import Engine
from tidegate.services.filtering import bar_outsiders
from tidegate.services.index import remember_organizations
from tidegate.services.look import look
from tidegate.services.retrying import retry_at
from tidegate.services.settle import settle
from tidegate.services.unanswered import hold_back
from tidegate.services.units import Unit, fold

BATCH = 200
"""Changes taken at once."""


async def follow(engine: Engine) -> bool:
    """Settle one batch of the connection's inbox. False where nothing was waiting.

    Raises RateLimited or BudgetSpent, after storing what was done, when the lane must wait.
    """
    changes = await engine.run(engine.memory.take_changes, engine.connection_id, BATCH)
    if not changes:
        return False
    if len(changes) == BATCH and changes[-1].id > engine.lane.surveyed.get(engine.connection_id, 0):
        await brakes.look_ahead(engine)
    changes, verdict = _same_verdict(engine, changes)
    results = Results(
        merged={c.record_id: c.merged_into for c in changes if c.entity == "person" and c.merged_into}
    )
    about_records = [change for change in changes if change.entity in ("prospect", "person")]
    await _follow_organizations(engine, [c for c in changes if c.entity == "organization"], results)
    units = await _units(engine, about_records, results)
    if verdict is Verdict.LEFT:
        units = await _without_newer_news(engine, units, results)
    await hold_back(engine, units)  # whom that is known of needs no look
    free = [unit for unit in units if unit.error is None]
    await look(engine, free, engine.rules.settings)
    await bar_outsiders(engine, free)
    stop = await settle(
        engine,
        units,
        LEAVE if verdict is Verdict.LEFT else LIVE,
        results,
        cause="confirmed" if verdict is Verdict.PASSED else "live",
        check=partial(brakes.check, engine) if verdict is Verdict.NONE else None,
    )
    if verdict is Verdict.LEFT:
        results.done = dict.fromkeys(results.done, "left")
    followed = ("prospect", "person", "organization")
    results.done.update((change.id, "noted") for change in changes if change.entity not in followed)
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )
    raise_if_stopped(stop, units)
    return True


class Verdict(Enum):
    """What a member said about changes that the brakes stopped, or that waited through a pause."""

    NONE = 0
    PASSED = 1
    LEFT = 2


def _same_verdict(engine: Engine, changes: Sequence[Change]) -> tuple[list[Change], Verdict]:
    """The first changes that share a verdict: a batch is treated alike."""

    def verdict(change: Change) -> Verdict:
        if change.id <= engine.left_upto:
            return Verdict.LEFT
        return Verdict.PASSED if change.id <= engine.passed_upto else Verdict.NONE

    first = verdict(changes[0])
    return list(takewhile(lambda change: verdict(change) is first, changes)), first


async def _without_newer_news(engine: Engine, units: Sequence[Unit], results: Results) -> list[Unit]:
    """What was edited again since is not left: the newer change is followed in its turn, by the base as it was."""
    keys = {(side, record_id): unit for unit in units for side in Side if (record_id := unit.id_of(side))}
    newer = await engine.run(
        engine.memory.waiting_again, engine.connection_id, set(keys), after=engine.left_upto
    )
    again = [keys[key] for key in newer]
    results.done.update((change.id, "left") for unit in again for change in unit.changes)
    return [unit for unit in units if unit not in again]


def raise_if_stopped(stop: NeedsAttention | None, units: Sequence[Unit]) -> None:
    """Pass on what a person must mend, or the longest wait that Pipedrive asked for."""
    if stop is not None:
        raise stop
    waits = [unit.error for unit in units if isinstance(unit.error, RateLimited | BudgetSpent)]
    if waits:
        raise max(waits, key=lambda error: error.retry_after or 0)


async def _units(engine: Engine, changes: Sequence[Change], results: Results) -> list[Unit]:
    """What is left to look at, once echoes are dropped."""
    prospects = {change.record_id for change in changes if change.side is Side.OUTREACH}
    persons = {change.record_id for change in changes if change.side is Side.PIPEDRIVE}
    links = await engine.run(
        engine.memory.links_of, engine.connection_id, prospect_ids=prospects, person_ids=persons
    )
    names = await _known_names(engine, changes)
    units = fold(changes, links)
    await overtaken.find(engine, units)
    units = [unit for unit in units if not _is_quiet(engine, unit, names, results)]
    return await _without_own_echoes(engine, units, results)


async def _without_own_echoes(engine: Engine, units: list[Unit], results: Results) -> list[Unit]:
    """A linked prospect that shows what the link remembers of it, and nothing about its person: no call is made."""
    alone = [u for u in units if u.link is not None and all(c.side is Side.OUTREACH for c in u.changes)]
    found = await engine.outreach.get_prospects({u.prospect_id for u in alone if u.prospect_id})
    loud = []
    for unit in units:
        if unit in alone:
            unit.prospect = found.get(unit.prospect_id or "")
        if unit in alone and _shows_its_base(engine, unit):
            results.done.update((change.id, "echo") for change in unit.changes)
        else:
            loud.append(unit)
    return loud


def _shows_its_base(engine: Engine, unit: Unit) -> bool:
    if unit.link is None or unit.link.state != "linked" or not isinstance(unit.prospect, Record):
        return False
    if any(change.source in ("retry", "check", ASKED) for change in unit.changes):
        return False
    return is_echo(unit.prospect, base_from_json(unit.link.base, engine.rules.pairs), engine.rules.pairs)


def _is_quiet(engine: Engine, unit: Unit, names: Mapping[str, str], results: Results) -> bool:
    """Whether nothing of the unit is left to look at, once what its deliveries prove to be echoes is dropped: no token."""
    if unit.overtaken:
        return False
    if unit.link is None:
        return _is_of_no_interest(engine, unit, results)
    if unit.link.state != "linked":
        return False
    delivered = [change for change in unit.changes if change.side is Side.PIPEDRIVE]
    base = base_from_json(unit.link.base, engine.rules.pairs)
    for change in delivered:
        if change.body is None or change.action == "delete":
            return False
        if not is_echo(with_organization(change.body, names), base, engine.rules.pairs):
            return False
    results.done.update((change.id, "echo") for change in delivered)
    unit.changes = [change for change in unit.changes if change.side is Side.OUTREACH]
    return not unit.changes


def _is_of_no_interest(engine: Engine, unit: Unit, results: Results) -> bool:
    """An unlinked person that was deleted, or any where nothing flows to the outreach app: not asked for."""
    if unit.origin is Side.PIPEDRIVE and all(change.action == "delete" for change in unit.changes):
        results.persons_gone.extend(change.record_id for change in unit.changes)
        results.done.update((change.id, "skipped") for change in unit.changes)
        return True
    if unit.origin is Side.OUTREACH or engine.rules.settings.direction.flows_to(Side.OUTREACH):
        return False
    for change in unit.changes:
        if change.action == "delete":
            results.persons_gone.append(change.record_id)
        elif change.body is not None:
            results.persons.append(change.body)
    results.done.update((change.id, "skipped") for change in unit.changes)
    return True


async def _known_names(engine: Engine, changes: Sequence[Change]) -> dict[str, str]:
    """The names of their persons' organizations that the mirror has: asking Pipedrive is for the look that follows."""
    told = {change.body.organization_id for change in changes if change.body is not None}
    numbers = {number for number in told if number}
    return dict(await engine.run(engine.memory.organization_names, numbers)) if numbers else {}


async def _follow_organizations(engine: Engine, changes: Sequence[Change], results: Results) -> None:
    """An organization was made, renamed or deleted: remember it. Where its name is another one, its persons are looked at."""
    deleted = [change for change in changes if change.action == "delete"]
    results.organizations_gone.extend(change.record_id for change in deleted)
    results.done.update((change.id, "noted") for change in deleted)
    changes = [change for change in changes if change.action != "delete"]
    if not changes:
        return
    before = await engine.run(engine.memory.organization_names, {change.record_id for change in changes})
    known = [c for c in changes if c.body is not None and before.get(c.record_id) == c.body.name]
    results.done.update((change.id, "echo") for change in known)
    ids = {change.record_id for change in changes if change.id not in results.done}
    if not ids:
        return
    try:
        now = await engine.crm.get_organizations(ids)
    except TemporaryError as error:
        moment = engine.lane.clock.now()
        waiting = [change for change in changes if change.id not in results.done]
        results.later.update((change.id, retry_at(change.attempts, moment, error)) for change in waiting)
        return
    await remember_organizations(engine, list(now.values()))
    results.organizations_gone.extend(ids - now.keys())  # or somebody new would be put into what is gone
    results.done.update((change.id, "noted") for change in changes if change.id not in results.done)
