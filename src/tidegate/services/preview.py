"""One page of a preview: the walk and the decisions of a transfer, with nothing written.

The run that follows makes links, addresses and organizations as it goes, and later records meet them. A preview notes
these as claims instead, so that its plan is the run's as long as nothing else changes in between.
"""

from collections import Counter
from collections.abc import Sequence

from tidegate.core.operations import Act
from tidegate.core.planning import Transfer
from tidegate.core.records import EMAIL, Record, Side
from tidegate.core.settings import Direction
from tidegate.core.transfer import look_counts
from tidegate.core.values import normal_emails
from tidegate.ports import Claim, PreviewPage, TransferState
from tidegate.services.deciding import decide_all
from tidegate.services.earlier import earlier_emails, past_emails
from tidegate.services.engine import Engine
from tidegate.services.index import bring_up_to_date
from tidegate.services.look import look
from tidegate.services.perform import find_organizations, organizations_needed
from tidegate.services.remembering import linked_prospect
from tidegate.services.transfer import MIRROR_MAX_AGE, outcome_of, units_of_page, walk_page
from tidegate.services.units import Unit

NOUNS = {Side.OUTREACH: "prospects", Side.PIPEDRIVE: "persons"}
DEEDS = {Act.CREATE: "created", Act.UPDATE: "updated"}


async def preview_page(engine: Engine, preview: TransferState) -> bool:
    """Plan one page. False when it was the last one. Raises what a transfer's page raises."""
    direction = Direction(preview.direction)
    await bring_up_to_date(engine, max_age=MIRROR_MAX_AGE[direction])
    mode = Transfer(direction, preview.source_app)
    found = await walk_page(engine, preview, direction)
    units = await units_of_page(engine, preview, direction, found.seen)
    await look(engine, units, engine.rules.in_direction(direction), persons_from_mirror=True)
    page = PreviewPage()
    repeats = await _decide(engine, preview, units, mode, page)
    page.outcomes.extend(outcome_of(engine, unit) for unit in units)
    page.counts |= await _count(engine, preview, units, page)
    if direction is Direction.FROM_PIPEDRIVE:
        page.counts |= look_counts(len(units)) if preview.picked else {"person_pages": 1 + repeats}
    await engine.run(
        engine.memory.commit_preview,
        preview,
        page,
        engine.lane.hold,
        cursor=found.next_cursor,
        spent=engine.lane.take_spent(),
    )
    return found.next_cursor is not None


async def _decide(
    engine: Engine, preview: TransferState, units: Sequence[Unit], mode: Transfer, page: PreviewPage
) -> int:
    """In rounds: whoever shares an address with one that would be created meets it in the next, as in a run.

    Answers how many rounds it took after the first: so often the run walks the page again.
    """
    waiting, rounds = list(units), 0
    while waiting:
        rounds += 1
        await _meet_claims(engine, preview, waiting, page.claims)
        decide_all(engine, waiting, mode)
        for unit in waiting:
            page.claims.extend(_claims(unit))
        waiting = [unit for unit in waiting if unit.plan is None]
        for unit in waiting:
            unit.error = None
    return max(rounds - 1, 0)


async def _meet_claims(
    engine: Engine, preview: TransferState, units: Sequence[Unit], own: Sequence[Claim]
) -> None:
    """What others of this preview would have linked by now is taken."""
    unlinked = [unit for unit in units if unit.link is None]
    addresses = {address for unit in unlinked for address in _source_addresses(unit)}
    ids = {found.id for unit in unlinked for found in unit.candidates}
    memory = engine.memory
    holders = await engine.run(memory.claimed, preview.id, "address", addresses) if addresses else {}
    records = set(await engine.run(memory.claimed, preview.id, "record", ids)) if ids else set()
    holders |= {claim.key: claim.holder for claim in own if claim.kind == "address"}
    records |= {claim.key for claim in own if claim.kind == "record"}
    for unit in unlinked:
        met = [holders[address] for address in _source_addresses(unit) if address in holders]
        lost = [found.id for found in unit.candidates if found.id in records]
        unit.taken = tuple(dict.fromkeys([*unit.taken, *lost, *met]))
        unit.candidates = tuple(found for found in unit.candidates if found.id not in unit.taken)


def _source_addresses(unit: Unit) -> tuple[str, ...]:
    seen = unit.seen_of(unit.origin)
    return seen.emails if isinstance(seen, Record) else ()


def _claims(unit: Unit) -> list[Claim]:
    """The target's record that a plan links, and the addresses it would hold afterwards."""
    if unit.plan is None:
        return []
    target = unit.origin.other
    target_id = unit.id_of(target) or f"new:{unit.id_of(unit.origin)}"
    claims = []
    if unit.link is None and unit.plan.new_link:
        claims.append(Claim("record", target_id))
    write = unit.plan.write_to(target)
    emails = write.values.get(EMAIL) if write is not None else None
    if isinstance(emails, tuple):
        claims.extend(Claim("address", address, target_id) for address in normal_emails(emails))
    return claims


async def _emails_logged(engine: Engine, preview: TransferState, units: Sequence[Unit]) -> int:
    """Of whom the plans link; a prospect that they create was never sent anything."""
    if preview.past_emails:
        return len(await past_emails(engine, [i for unit in units if (i := linked_prospect(unit))]))
    new = [unit for unit in units if unit.plan is not None and unit.plan.new_link]
    return len(await earlier_emails(engine, [i for unit in new if (i := unit.prospect_id)]))


async def _count(
    engine: Engine, preview: TransferState, units: Sequence[Unit], page: PreviewPage
) -> dict[str, int]:
    """The writes of the run, each organization that would have to be made once."""
    counts: Counter[str] = Counter()
    for unit in units:
        writes = unit.plan.writes if unit.plan is not None else ()
        counts.update(f"{NOUNS[write.side]}_{DEEDS[write.act]}" for write in writes)
        counts["conflicts"] += int(any(change.conflict for write in writes for change in write.changes))
    counts["emails_logged"] = await _emails_logged(engine, preview, units)
    names = organizations_needed(units)
    if names:
        _, missing = await find_organizations(engine, names)
        known = await engine.run(engine.memory.claimed, preview.id, "organization", list(missing))
        new = [key for key in missing if key not in known]
        page.claims.extend(Claim("organization", key) for key in new)
        counts["organizations_created"] = len(new)
    return dict(counts)
