"""Keeps the mirror of a company's persons and organizations up to date: one whole walk, then only what was updated since.

A walk costs 10 tokens per 500 records and goes on where it stopped; a catch-up costs 10 tokens when little happened. The
high-water mark is read off Pipedrive's own update times, so our clock never decides what is new. What a catch-up shows
that differs from what a link remembers is put into the inbox: a webhook may have been lost (lesson 20).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tidegate.core.bases import base_from_json
from tidegate.core.echo import is_echo
from tidegate.core.operations import LinkState
from tidegate.core.records import Record, with_organization
from tidegate.ports import IndexState, Organization
from tidegate.services.engine import Engine

OVERLAP = timedelta(seconds=10)
"""Times have whole seconds and writes commit late: each catch-up looks a little further back."""
DELIVERED_WITHIN = timedelta(minutes=5)
"""Pipedrive tries a delivery four times within some three minutes; what has not come by then does not come."""
AWAY = frozenset({LinkState.PERSON_GONE.value, LinkState.PERSON_UNSEEN.value})
CLOCK_MARGIN = timedelta(minutes=5)
"""How wrong our clock may be against Pipedrive's when a first walk begins."""


async def bring_up_to_date(engine: Engine, *, max_age: float = 0) -> None:
    """Make the mirror at most `max_age` seconds old. Organizations first: persons refer to them."""
    await bring_organizations_up_to_date(engine, max_age=max_age)
    await bring_persons_up_to_date(engine, max_age=max_age)


def is_up_to_date(engine: Engine, *, max_age: float) -> bool:
    return all(_is_fresh(engine, entity, max_age) for entity in ("organizations", "persons"))


def _is_fresh(engine: Engine, entity: str, max_age: float) -> bool:
    since = engine.lane.fresh.get(entity)
    return since is not None and engine.lane.clock.monotonic() - since <= max_age


async def bring_persons_up_to_date(engine: Engine, *, max_age: float = 0) -> None:
    if _is_fresh(engine, "persons", max_age):
        return
    began = engine.lane.clock.monotonic()
    state = await engine.run(engine.memory.index_state, "persons")
    cursor = None if state.complete else state.cursor or None
    high_water = state.high_water or engine.lane.clock.now() - CLOCK_MARGIN
    since = high_water - OVERLAP if state.complete else None
    while True:
        page = await engine.crm.walk_persons(cursor=cursor, updated_since=since)
        if state.complete:
            high_water = latest(high_water, [r.updated_at for r in page.records])
            await _notice(engine, page.records)
        cursor = page.next_cursor
        reached = IndexState(state.complete or cursor is None, "" if since else cursor or "", high_water)
        await engine.run(
            engine.memory.save_index, "persons", reached, persons=page.records, hold=engine.lane.hold
        )
        if cursor is None:
            engine.lane.fresh["persons"] = began
            return


async def bring_organizations_up_to_date(engine: Engine, *, max_age: float = 0) -> None:
    if _is_fresh(engine, "organizations", max_age):
        return
    began = engine.lane.clock.monotonic()
    state = await engine.run(engine.memory.index_state, "organizations")
    cursor = None if state.complete else state.cursor or None
    high_water = state.high_water or engine.lane.clock.now() - CLOCK_MARGIN
    since = high_water - OVERLAP if state.complete else None
    while True:
        page = await engine.crm.walk_organizations(cursor=cursor, updated_since=since)
        if state.complete:
            high_water = latest(high_water, [o.updated_at for o in page.organizations])
        cursor = page.next_cursor
        reached = IndexState(state.complete or cursor is None, "" if since else cursor or "", high_water)
        await engine.run(
            engine.memory.save_index,
            "organizations",
            reached,
            organizations=page.organizations,
            hold=engine.lane.hold,
        )
        if cursor is None:
            engine.lane.fresh["organizations"] = began
            return


def latest(high_water: datetime, moments: Sequence[datetime | None]) -> datetime:
    return max([high_water, *(moment for moment in moments if moment is not None)])


async def _notice(engine: Engine, persons: Sequence[Record]) -> None:
    """Every connection of the lane looks at what it would not have expected; one that is paused does so when it goes on."""
    present = [each.connection_id for each in engine.lane.engines]
    await engine.run(engine.memory.ask_absent_to_look, present, _changes_of(persons), hold=engine.lane.hold)
    for each in engine.lane.engines:
        if not each.notices:
            continue
        ids = await _unexpected(each, persons)
        if ids:
            memory = each.memory
            overdue = each.lane.clock.now() - DELIVERED_WITHIN
            missed = {
                p.id: p.updated_at for p in persons if p.id in ids and p.updated_at and p.updated_at < overdue
            }
            if missed:
                await each.run(memory.doubt_webhooks, each.connection_id, missed, hold=each.lane.hold)
            await each.run(memory.ask_to_look, each.connection_id, ids, source="catchup", hold=each.lane.hold)


def _changes_of(persons: Sequence[Record]) -> dict[str, datetime]:
    return {person.id: person.updated_at for person in persons if person.updated_at is not None}


async def _unexpected(engine: Engine, persons: Sequence[Record]) -> list[str]:
    """Linked persons that differ from their base, and unlinked ones in a state that the mirror or this connection does not know."""
    links = await engine.run(
        engine.memory.links_of, engine.connection_id, person_ids=[person.id for person in persons]
    )
    by_person = {link.person_id: link for link in links}
    strangers = [person for person in persons if person.id not in by_person]
    news = await _news(engine, strangers) if strangers else set()
    names = await organization_names(engine, persons)
    found = []
    for person in persons:
        link = by_person.get(person.id)
        if link is None:
            if person.id in news:
                found.append(person.id)
        elif link.state in AWAY or not is_echo(
            with_organization(person, names),
            base_from_json(link.base, engine.rules.pairs),
            engine.rules.pairs,
        ):
            found.append(person.id)
    return found


async def _news(engine: Engine, strangers: Sequence[Record]) -> set[str]:
    """The mirror is told of a person by whichever connection heard of it first, so knowing them is not enough."""
    known = await engine.run(engine.memory.last_changes, [person.id for person in strangers])
    new = {p.id for p in strangers if p.id not in known or known[p.id] != p.updated_at}
    seen = _changes_of([person for person in strangers if person.id not in new])
    return new | await engine.run(engine.memory.unheard, engine.connection_id, seen)


async def organization_names(engine: Engine, persons: Sequence[Record]) -> dict[str, str]:
    """The names of these persons' organizations; those the mirror doesn't know are fetched, and left out where gone."""
    wanted = {person.organization_id for person in persons if person.organization_id}
    if not wanted:
        return {}
    names: dict[str, str] = dict(await engine.run(engine.memory.organization_names, wanted))
    unknown = wanted - names.keys()
    if unknown:
        fetched = await engine.crm.get_organizations(unknown)
        if fetched:
            await remember_organizations(engine, list(fetched.values()))
        names.update({number: organization.name for number, organization in fetched.items()})
    return names


async def remember_organizations(engine: Engine, organizations: Sequence[Organization]) -> None:
    state = await engine.run(engine.memory.index_state, "organizations")
    await engine.run(
        engine.memory.save_index, "organizations", state, organizations=organizations, hold=engine.lane.hold
    )
