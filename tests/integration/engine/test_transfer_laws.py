"""Laws of transfers, over companies of any make-up: the preview is the run, twice is once, and an undo is as if nothing had been."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.engine.world import World
from tidegate.core.catalogue import Field, Option
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, PHONE, Side
from tidegate.core.refused import RefusedValue
from tidegate.core.settings import Constant, Direction, FieldMapping
from tidegate.core.transfer import Include, Work
from tidegate.core.values import Kind
from tidegate.services import transfer as transfers
from tidegate.services import undo
from tidegate.store import queries
from tidegate.store.models import Transfer
from tidegate.testing import crm

pytestmark = pytest.mark.django_db

ADDRESSES = st.lists(st.sampled_from([f"{name}@north.example" for name in "abcdef"]), max_size=2, unique=True)
VALUES = st.fixed_dictionaries(
    {
        FIRST_NAME: st.sampled_from(["Ann", "Bo", "Cy"]),
        LAST_NAME: st.sampled_from(["One", "Two", None]),
        EMAIL: ADDRESSES.map(tuple),
        JOB_TITLE: st.sampled_from(["CEO", "Chair", None]),
        PHONE: st.sampled_from([(), ("+358 9 555 0148",)]),
    }
)
INDUSTRIES = st.sampled_from(["Energy", "Retail", "Shipping", None])
"""Of which Pipedrive has only the first among its options."""
COMPANIES = st.sampled_from(["Polar Note", "Polder", None])
ORIGIN = Field("custom.origin", "Origin", Kind.TEXT, custom=True)
KNOWN = tuple(Option(label.lower(), label) for label in ("Energy", "Retail", "Shipping"))
INDUSTRY = Field("custom.industry", "Industry", Kind.OPTION, options=KNOWN, custom=True)
BRANCH = Field("branch40", "Branch", Kind.OPTION, options=(Option("1", "Energy"),), custom=True)
SOURCE = Field("source40", "Source", Kind.TEXT, custom=True)
CONSTANTS = (
    Constant(Side.OUTREACH, ORIGIN.key, "from Pipedrive"),
    Constant(Side.PIPEDRIVE, SOURCE.key, "from campaigns"),
)
WRITES = ("create_person", "update_person", "create_organization")


def planned(transfer: Transfer) -> dict[str, tuple[Any, ...]]:
    return {r.source_id: (r.outcome, r.changes) for r in transfer.records.order_by("id")}


def refused(transfer: Transfer) -> tuple[int, list[RefusedValue]]:
    return queries.with_refusals(transfer).count(), queries.refused_values(transfer)


def without_answers(plan: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """A run also knows what the write answered."""
    return {
        key: (outcome, [{k: v for k, v in change.items() if k != "shown"} for change in changes])
        for key, (outcome, changes) in plan.items()
    }


def shown(world: World) -> dict[str, Any]:
    custom = (ORIGIN.key, SOURCE.key, INDUSTRY.key, BRANCH.key)
    keys = (FIRST_NAME, LAST_NAME, EMAIL, JOB_TITLE, PHONE, COMPANY, *custom)
    return {
        "persons": {p.id: (tuple(map(p.value, keys)), p.organization_id) for p in world.persons()},
        "prospects": {p.id: (tuple(map(p.value, keys)), p.list_ids) for p in world.prospects()},
        "organizations": sorted((o.id, o.name) for o in world.crm.organizations),
    }


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    prospects=st.lists(st.tuples(VALUES, COMPANIES, INDUSTRIES), max_size=6),
    persons=st.lists(st.tuples(VALUES, COMPANIES), max_size=5),
    direction=st.sampled_from([Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE]),
    source=st.sampled_from(list(Side)),
    page=st.sampled_from([2, 200]),
)
def test_a_preview_is_its_run_twice_is_once_and_an_undo_leaves_no_trace(
    prospects: list[Any], persons: list[Any], direction: Direction, source: Side, page: int
) -> None:
    """On one page, and on many that overlap."""
    with pytest.MonkeyPatch.context() as context:
        for module in (transfers, crm, undo):
            context.setattr(module, "PAGE", page)
        _live_the_laws(prospects, persons, direction, source)


def test_constants_that_are_left_out_are_written_on_nobody() -> None:
    world = World()
    world.add_fields(ORIGIN, SOURCE)
    world.use(replace(world.settings, constants=CONSTANTS))
    world.outreach.add({FIRST_NAME: "Ann", EMAIL: ("a@north.example",)})
    world.take_as_known()

    preview = world.preview(include=Include(constants=False))
    world.run_previewed(preview)
    assert [person.value(SOURCE.key) for person in world.persons()] == [None]
    assert world.transfer(include=Include(constants=False)).unchanged == 1

    world.transfer()
    assert [person.value(SOURCE.key) for person in world.persons()] == ["from campaigns"]


def _live_the_laws(prospects: list[Any], persons: list[Any], direction: Direction, source: Side) -> None:
    world = World()
    world.add_fields(ORIGIN, SOURCE)
    world.add_fields(INDUSTRY, BRANCH)
    mappings = (*world.settings.mappings, FieldMapping(INDUSTRY.key, BRANCH.key))
    world.use(replace(world.settings, constants=CONSTANTS, mappings=mappings))
    for values, company, industry in prospects:
        world.outreach.add(values | {COMPANY: company, INDUSTRY.key: industry})
    known: dict[str, str] = {}
    for values, company in persons:
        if company and company not in known:
            known[company] = world.crm.add_organization(company)
        world.crm.add_person(values, organization_id=known.get(company or ""))
    world.take_as_known()
    before = shown(world)

    preview = world.preview(direction, source)
    plan, work = planned(preview), Work.of(preview.planned)
    behind = refused(preview)
    assert shown(world) == before
    paid = world.crm.tokens.copy()
    world.run_previewed(preview)
    assert without_answers(planned(preview)) == plan
    assert refused(preview) == behind
    spent: Counter[str] = world.crm.tokens - paid
    assert work.cost(calls_per_second=38).write == sum(spent[method] for method in WRITES)

    after, written = shown(world), len(world.crm.written) + len(world.outreach.written)
    again = world.transfer(direction, source)
    assert shown(world) == after
    assert len(world.crm.written) + len(world.outreach.written) == written
    assert (again.created, again.updated) == (0, 0)

    taken_back = world.undo(preview)
    assert shown(world) == before
    assert (taken_back.kept, taken_back.failed) == (0, 0)
    world.drain()
    assert shown(world) == before, "live sync carries nothing back"
