"""Proof of sameness: a rolling check that walks over Pipedrive's persons and compares each linked one with its prospect.

500 persons for 10 tokens, one page at a time, when nothing else is to be done. A page is committed with its cursor, so the
check goes on where it was. What turns out to differ goes into the inbox like any change, and heals by the same rules.
"""

from collections.abc import Sequence

from tidegate.core.bases import base_from_json
from tidegate.core.operations import LinkState
from tidegate.core.records import Gone, Record, Side, with_organization
from tidegate.core.sameness import Difference, Why, differences, gravest
from tidegate.core.values import Json, to_json
from tidegate.errors import RecordRejected
from tidegate.ports import CheckPage, CheckState, OutOfStep, Page, StoredLink
from tidegate.services.engine import Engine
from tidegate.services.index import organization_names


async def check_page(engine: Engine, state: CheckState) -> None:
    """Compare one page. Raises what any call may raise; nothing is stored then, and the page is walked again."""
    walked = await _walk(engine, state)
    links = await engine.run(
        engine.memory.links_of, engine.connection_id, person_ids=[person.id for person in walked.records]
    )
    page = await _compare(engine, walked.records, [link for link in links if link.state == LinkState.LINKED])
    await engine.run(
        engine.memory.commit_check,
        state,
        page,
        engine.lane.hold,
        cursor=walked.next_cursor,
        spent=engine.lane.take_spent(),
    )


async def _walk(engine: Engine, state: CheckState) -> Page:
    try:
        return await engine.crm.walk_persons(cursor=state.cursor or None)
    except RecordRejected:
        if not state.cursor:
            raise
        return await engine.crm.walk_persons(cursor=None)  # the cursor is no longer known: begin anew


async def _compare(engine: Engine, persons: Sequence[Record], links: Sequence[StoredLink]) -> CheckPage:
    names = await organization_names(engine, persons)
    shown = {person.id: with_organization(person, names) for person in persons}
    prospects = await engine.outreach.get_prospects([link.prospect_id for link in links])
    records = {(Side.OUTREACH, link.prospect_id) for link in links} | {
        (Side.PIPEDRIVE, link.person_id) for link in links
    }
    waiting = await engine.run(engine.memory.waiting_again, engine.connection_id, records, after=0)
    page = CheckPage(seen=[person.id for person in persons])
    for link in links:
        if (Side.OUTREACH, link.prospect_id) in waiting or (Side.PIPEDRIVE, link.person_id) in waiting:
            page.on_their_way.append(link.prospect_id)
            continue
        prospect = prospects.get(link.prospect_id) or Gone(Side.OUTREACH, link.prospect_id)
        found = _out_of_step(engine, link, prospect, shown[link.person_id])
        if found is None:
            page.in_step.append(link.prospect_id)
        else:
            page.differing.append(found)
    return page


def _out_of_step(
    engine: Engine, link: StoredLink, prospect: Record | Gone, person: Record
) -> OutOfStep | None:
    if isinstance(prospect, Gone):
        return OutOfStep(link.prospect_id, link.person_id, person.name, Why.GONE)
    pairs = engine.rules.pairs
    found = differences(prospect, person, base_from_json(link.base, pairs), pairs)
    if not found:
        return None
    fields = tuple(_to_json(difference) for difference in found)
    return OutOfStep(link.prospect_id, link.person_id, prospect.name or person.name, gravest(found), fields)


def _to_json(found: Difference) -> dict[str, Json]:
    pair = found.pair
    return {
        "name": pair.outreach.name,
        "kind": pair.kind.value,
        "outreach": to_json(found.outreach),
        "pipedrive": to_json(found.pipedrive),
        "why": found.why.value,
    }
