"""Whom the events of a batch are about: links, prospects, and bringing those into Pipedrive for whom something is to be done."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tidegate.core.campaigns import CampaignEvent
from tidegate.core.consent import closes
from tidegate.core.planning import LIVE
from tidegate.core.records import Gone, Record, Side
from tidegate.errors import TemporaryError, TidegateError
from tidegate.ports import Feature, Results, StoredLink, StoredRun
from tidegate.services import brakes
from tidegate.services.consent import Leaving
from tidegate.services.deciding import CHOSEN
from tidegate.services.deed_words import cause_text
from tidegate.services.engine import Engine
from tidegate.services.filtering import bar_outsiders
from tidegate.services.happenings import DELETED, Happening
from tidegate.services.live import raise_if_stopped
from tidegate.services.look import look
from tidegate.services.settle import Check, settle
from tidegate.services.units import Unit
from tidegate.words import say

LINKED = "linked"
DROPPED = say("The brakes stopped it before it was written, and it was dropped.")


@dataclass(slots=True)
class People:
    """Whom the events are about."""

    links: dict[str, StoredLink] = field(default_factory=dict)
    prospects: dict[str, Record] = field(default_factory=dict)
    organizations: dict[str, str] = field(default_factory=dict)
    """Person id -> the organization's id, where the mirror knows it."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Prospect id -> why it is not in Pipedrive."""
    waiting: dict[str, TidegateError] = field(default_factory=dict)
    """Prospect id -> what passes by itself."""
    leaving: dict[str, TemporaryError] = field(default_factory=dict)
    """Prospect id -> why it could not be unsubscribed in Pipedrive yet."""


async def find_people(
    engine: Engine, happenings: Sequence[Happening], runs: Mapping[str, Sequence[StoredRun]]
) -> People:
    """The links and prospects of these events; who is not linked and has something to be done is synced first."""
    people = People()
    ids = {h.event.prospect_id for h in happenings if h.event.prospect_id}
    if not ids:
        return people
    await _learn_links(engine, people, ids)
    acting = {h.event.prospect_id for h in happenings if h.automation is not None and h.event.prospect_id}
    missing = {i for i in acting if i not in people.links or people.links[i].state == CHOSEN}
    wanted = {h.event.prospect_id for h in happenings if any(c.id > engine.left_upto for c in h.changes)}
    people.reasons.update((prospect_id, DROPPED) for prospect_id in missing - wanted)
    missing &= wanted
    if missing:
        passed = all(change.id <= engine.passed_upto for h in happenings for change in h.changes)
        await _sync(engine, people, missing, check=None if passed else partial(brakes.check, engine))
        await _learn_links(engine, people, missing)
    leaving = {h.event.prospect_id for h in happenings if _leaves(engine, people, h.event)}
    named = acting | {i for i in leaving if i} | {i for i in ids if runs.get(i)}
    seen = await engine.outreach.get_prospects(named)
    people.prospects = {i: record for i, record in seen.items() if isinstance(record, Record)}
    persons = {link.person_id for link in people.links.values()}
    mirrored = await engine.run(engine.memory.mirrored, persons)
    people.organizations = {i: p.organization_id for i, p in mirrored.items() if p.organization_id}
    return people


async def _learn_links(engine: Engine, people: People, prospect_ids: Collection[str]) -> None:
    links = await engine.run(engine.memory.links_of, engine.connection_id, prospect_ids=prospect_ids)
    people.links.update((link.prospect_id, link) for link in links)


async def _sync(
    engine: Engine, people: People, prospect_ids: Collection[str], *, check: Check | None
) -> None:
    """What live sync would do with these prospects, had they been saved just now: its brakes hold here, too."""
    engine.spend_as(Feature.LIVE)
    units = [Unit(Side.OUTREACH, prospect_id=prospect_id) for prospect_id in sorted(prospect_ids)]
    results = Results()
    await look(engine, units, engine.rules.settings)
    await bar_outsiders(engine, units)
    stop = await settle(engine, units, LIVE, results, cause="automation", check=check)
    await engine.run(
        engine.memory.commit, engine.connection_id, results, engine.lane.hold, spent=engine.lane.take_spent()
    )
    raise_if_stopped(stop, units)
    for unit in units:
        prospect_id = unit.prospect_id or ""
        if isinstance(unit.error, TemporaryError):
            people.waiting[prospect_id] = unit.error
        elif unit.error is not None:
            people.reasons[prospect_id] = unit.error.user_message
        elif isinstance(unit.prospect, Gone):
            people.reasons[prospect_id] = DELETED
        elif isinstance(unit.prospect, Record):
            why_not = engine.rules.settings.why_not(unit.prospect)
            people.reasons[prospect_id] = why_not or (unit.plan.reason if unit.plan else "")


def _leaves(engine: Engine, people: People, event: CampaignEvent) -> bool:
    link = people.links.get(event.prospect_id or "")
    return engine.campaigns.unsubscribes and closes(event) and link is not None and link.state == LINKED


def leaving_of(engine: Engine, happenings: Sequence[Happening], people: People) -> list[Leaving]:
    """The linked persons of those who are not to be written to any more, each once.

    What is true now decides: the bounce of a second address, or of somebody opened again meanwhile, closes nobody.
    """
    found: dict[str, Leaving] = {}
    for event in (h.event for h in happenings if _leaves(engine, people, h.event)):
        prospect_id = event.prospect_id or ""
        link, prospect = people.links[prospect_id], people.prospects.get(prospect_id)
        if prospect is not None and not prospect.is_closed:
            continue
        name = prospect.name if prospect is not None else ""
        found.setdefault(link.person_id, Leaving(link.person_id, prospect_id, name, cause_text(event)))
    return list(found.values())
