"""A preview says what the run will do, writes nothing, and keeps nobody waiting."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.integration.engine.world import World, prospect
from tidegate.core.catalogue import Field, NamedList, Option
from tidegate.core.connection import Status
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, Side
from tidegate.core.settings import Direction, FieldMapping
from tidegate.core.transfer import Work
from tidegate.core.values import Kind, Value
from tidegate.errors import AuthorizationLost, BudgetSpent, Conflict, Invalid, InvalidForRemote
from tidegate.ports import Page
from tidegate.services.transfer import PAGE
from tidegate.store import queries
from tidegate.store.models import Attention, Change, Connection, Link, LogEntry, PreviewClaim, Transfer
from tidegate.store.transfers import begin_preview, cancel_transfer, run_previewed
from tidegate.wiring.transfers import preview_transfer

pytestmark = pytest.mark.django_db

WRITES = ("create_person", "update_person", "create_organization")


def quiet(world: World) -> None:
    """What exists before the launch is no news."""
    world.announcements_taken = len(world.outreach.announced)
    world.deliveries_taken = len(world.crm.deliveries)


@pytest.fixture
def world() -> World:
    """Two pages of prospects: new ones, twins within a page and across pages, duplicates that differ, some without address."""
    world = World()
    for number in range(PAGE + 60):
        more = {COMPANY: f"Company {number % 23}"} if number % 3 == 0 else {}
        world.outreach.add(prospect(f"P{number} Q", email="" if number % 41 == 0 else None, **more))
    world.outreach.add(prospect("Near Twin", "p258@north.example"))
    world.outreach.add(prospect("Far Twin", "p3@north.example"))
    world.outreach.add(prospect("Second Claim", "p5@north.example"))
    for number in range(1, 60, 4):
        values: dict[str, Value] = {
            FIRST_NAME: f"P{number}",
            LAST_NAME: "Q",
            EMAIL: (f"p{number}@north.example",),
        }
        world.crm.add_person(values | ({JOB_TITLE: "CEO"} if number % 8 == 1 else {LAST_NAME: "Other"}))
    quiet(world)
    return world


def plan_of(transfer: Transfer) -> list[tuple[object, ...]]:
    """What became, or would become, of each record. The ids of what is created are not known before."""
    rows = transfer.records.order_by("id")
    return [
        (r.source_id, r.outcome, r.reason, r.changes, "" if r.outcome == "created" else r.target_id)
        for r in rows
    ]


def by_source(plan: list[tuple[object, ...]]) -> dict[object, tuple[object, ...]]:
    return {row[0]: row for row in plan}


@pytest.mark.parametrize("direction", [Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE])
def test_the_run_does_what_the_preview_said_and_writes_as_much(world: World, direction: Direction) -> None:
    preview = world.preview(direction)
    counts = (preview.created, preview.updated, preview.unchanged, preview.skipped, preview.failed)
    plan, work = by_source(plan_of(preview)), Work.of(preview.planned)
    before = world.crm.tokens.copy()

    world.run_previewed(preview)

    assert (preview.created, preview.updated, preview.unchanged, preview.skipped, preview.failed) == counts
    asked = {source for source, row in plan.items() if row[1] == "attention"}
    run = by_source(plan_of(preview))
    assert {s: r for s, r in run.items() if s not in asked} == {
        s: r for s, r in plan.items() if s not in asked
    }
    assert {s: run[s][1:3] for s in asked} == {s: plan[s][1:3] for s in asked}
    spent = world.crm.tokens - before
    assert work.cost(calls_per_second=38).write == sum(spent[method] for method in WRITES)


def test_the_run_costs_within_two_percent_of_what_the_preview_said() -> None:
    world = World()
    for number in range(PAGE * 2):
        world.outreach.add(prospect(f"P{number} Q", **{COMPANY: f"Company {number % 23}"}))
    quiet(world)
    preview = world.preview()
    said, before = Work.of(preview.planned).cost(calls_per_second=38).tokens, world.crm.tokens.total()

    world.run_previewed(preview)

    assert said == pytest.approx(world.crm.tokens.total() - before, rel=0.02)


def test_a_preview_meets_the_twins_that_a_run_would_meet(world: World) -> None:
    preview = world.preview()

    asked = set(preview.records.filter(outcome="attention").values_list("name", flat=True))
    assert asked == {"Near Twin", "Far Twin", "Second Claim"}
    assert preview.planned["organizations_created"] == 23


def refused(transfer: Transfer) -> tuple[int, list[tuple[str, str, int, str]]]:
    values = queries.refused_values(transfer)
    told = [(value.name, value.reason, value.records, value.example) for value in values]
    return queries.with_refusals(transfer).count(), told


def test_values_that_no_option_takes_are_counted_before_as_in_the_run() -> None:
    world = World()
    known = tuple(Option(label.lower(), label) for label in ("Energy", "Retail", "Shipping"))
    industry = Field("custom.industry", "Industry", Kind.OPTION, options=known, custom=True)
    branch = Field("branch40", "Branch", Kind.OPTION, options=(Option("1", "Energy"),), custom=True)
    world.add_fields(industry, branch)
    mappings = (*world.settings.mappings, FieldMapping(industry.key, branch.key))
    world.use(replace(world.settings, mappings=mappings))
    chosen = [
        world.outreach.add(prospect(f"P{number} Q", **{industry.key: value}))
        for number, value in enumerate(["Energy", "Retail", "Shipping", "Retail", None])
    ]
    quiet(world)
    retail, shipping = (f"“{each}” is not one of its options" for each in ("Retail", "Shipping"))
    all_of_them = (3, [("Branch", retail, 2, "P1 Q"), ("Branch", shipping, 1, "P2 Q")])

    preview = world.preview()
    assert (preview.created, preview.skipped, preview.failed) == (5, 0, 0)
    assert refused(preview) == all_of_them

    world.run_previewed(preview, records=chosen[:2])
    assert refused(preview) == (1, [("Branch", retail, 1, "P1 Q")])

    rest = world.transfer()
    assert (rest.created, rest.unchanged, rest.failed) == (3, 2, 0)
    assert refused(rest) == all_of_them, "also of whom nothing else is left to write"
    assert Attention.objects.filter(settled_at=None).count() == 3


def test_a_preview_writes_nothing_anywhere(world: World) -> None:
    for method in WRITES:
        world.crm.faults.fail(method, InvalidForRemote("A preview wrote."), times=10_000)
    for method in ("create_prospect", "update_prospect"):
        world.outreach.faults.fail(method, InvalidForRemote("A preview wrote."), times=10_000)

    preview = world.preview()

    assert (preview.state, preview.done) == ("ready", PAGE + 63)
    assert not preview.records.filter(outcome="failed").exists()
    assert not Link.objects.exists()
    assert not LogEntry.objects.exists()
    assert not world.questions()
    assert not PreviewClaim.objects.exists()


def test_live_sync_goes_on_while_a_preview_is_made(world: World) -> None:
    preview = begin_preview(
        world.connection,
        direction=Direction.TO_PIPEDRIVE,
        source_app=world.outreach.record(world.outreach.ids[0]).side,
        total=None,
        actor="Alice",
    )
    added = world.outreach.add(prospect("Signe Aaltonen"))

    world.drain()

    preview.refresh_from_db()
    world.connection.refresh_from_db()
    assert (preview.state, world.connection.status) == ("ready", "active")
    assert added in world.links()


def test_a_preview_comes_before_the_launch_too(world: World) -> None:
    Connection.objects.filter(pk=world.connection.pk).update(status=Status.PAUSED)

    preview = world.preview()

    world.connection.refresh_from_db()
    assert (preview.state, world.connection.status) == ("ready", "paused")
    assert not Change.objects.filter(connection=world.connection, done_at=None).exists()


def test_a_spent_budget_puts_the_preview_off_and_not_live_sync(world: World) -> None:
    world.preview()
    world.clock.move(3600)
    world.crm.faults.fail("walk_organizations", BudgetSpent("The budget is used up.", retry_after=7200))

    preview = world.preview()

    world.connection.lane.refresh_from_db()
    assert preview.state == "preview"
    assert preview.put_off_until is not None
    assert preview.put_off_until > world.clock.now() + timedelta(hours=1)
    assert world.connection.lane.wait_until is None


def test_a_lost_authorisation_ends_the_preview_with_its_reason(world: World) -> None:
    world.crm.faults.fail("walk_persons", AuthorizationLost())

    preview = world.preview()

    assert (preview.state, bool(preview.state_text)) == ("failed", True)


def test_a_new_preview_takes_the_place_of_the_old_one(world: World) -> None:
    first = world.preview()
    second = world.preview()
    first.refresh_from_db()

    assert (first.state, second.state) == ("cancelled", "ready")


def test_a_preview_of_other_settings_is_not_started(world: World) -> None:
    preview = world.preview()
    world.use(replace(world.settings, owner_id="8"))
    Connection.objects.filter(pk=world.connection.pk).update(settings_version=7)

    with pytest.raises(Conflict, match="settings were changed"):
        run_previewed(preview, actor="Alice")

    preview.refresh_from_db()
    assert preview.state == "ready"


def test_a_cancelled_preview_can_not_be_started(world: World) -> None:
    preview = world.preview()
    cancel_transfer(preview)

    with pytest.raises(Conflict):
        run_previewed(preview, actor="Alice")


def test_a_list_deleted_while_it_is_previewed_ends_the_preview_alone(world: World) -> None:
    world.outreach.lists.append(NamedList("2", "Others"))
    world.reread_catalogues()
    world.use(replace(world.settings, sync_from_lists=("1", "2")))
    world.connection.refresh_from_db()
    preview = begin_preview(
        world.connection,
        direction=Direction.TO_PIPEDRIVE,
        source_app=Side.OUTREACH,
        total=None,
        actor="Alice",
    )
    walk = world.outreach.walk

    async def walked(**asked: Any) -> Page:
        page = await walk(**asked)
        world.outreach.lists.pop()
        await sync_to_async(world.reread_catalogues)()
        return page

    world.outreach.walk = walked  # type: ignore[method-assign]
    world.drain()

    preview.refresh_from_db()
    world.connection.refresh_from_db()
    assert (preview.state, preview.created > 0) == ("failed", True)
    assert "list" in preview.state_text
    assert not PreviewClaim.objects.exists()
    assert (world.connection.status, world.connection.reason_text) == (Status.ACTIVE, "")
    with pytest.raises(Invalid) as refused:
        preview_transfer(world.connection, direction=Direction.TO_PIPEDRIVE, source_app=None, actor="Alice")
    assert list(refused.value.errors) == ["sync_from_lists"]
