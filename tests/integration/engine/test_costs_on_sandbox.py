"""What a preview says a run costs, against what the sandbox counts: over HTTP, by the sandbox's own prices."""

from dataclasses import replace

import pytest

from tests.integration.engine.test_scenarios_on_sandbox import SandboxWorld, play
from tests.integration.engine.world import _step, prospect
from tidegate.core.records import COMPANY, Side
from tidegate.core.settings import Direction
from tidegate.core.transfer import Work
from tidegate.services.transfer import PAGE
from tidegate.store.models import Transfer
from tidegate.store.transfers import begin_preview, begin_undo, run_previewed
from tidegate.wiring.parts import SystemClock

pytestmark = pytest.mark.django_db

RECORDS = PAGE + 40


class Quick(SystemClock):
    """However slow the machine is, no time passes: when the index is caught up again is not what is tried here."""

    def monotonic(self) -> float:
        return 0.0


async def begin(world: SandboxWorld) -> None:
    """A company that knows a third of the prospects, under other names, and some of their companies."""
    world.settings = replace(world.settings, owner_id="1")
    await _step(world.use, world.settings)
    world.clock = Quick()  # type: ignore[assignment]
    for number in range(RECORDS):
        world.outreach.add(prospect(f"P{number} Q", **{COMPANY: f"Company {number % 23}"}))
        if number % 3 == 0:
            known = {"name": f"P{number} Other", "emails": [{"value": f"P{number}@north.example"}]}
            world.sandbox.create_person(known)
    world.announcements_taken = len(world.outreach.announced)


def tokens(world: SandboxWorld) -> int:
    return int(world.sandbox.sandbox.counters.shown()["total"]["tokens"])


async def previewed(world: SandboxWorld, preview: Transfer) -> None:
    await world.work()
    await _step(preview.refresh_from_db)
    assert preview.state == "ready"


async def assert_price(world: SandboxWorld, preview: Transfer) -> None:
    """Run what was previewed; it costs within 2 % of what was said, and no less than its writes."""
    said, before = Work.of(preview.planned).cost(calls_per_second=40), tokens(world)
    await _step(lambda: run_previewed(preview, actor="Alice"))
    await world.work()
    await _step(preview.refresh_from_db)
    spent = tokens(world) - before
    assert (preview.state, preview.failed) == ("done", 0)
    assert said.write <= spent
    assert said.tokens == pytest.approx(spent, rel=0.02)


@pytest.mark.parametrize("direction", [Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE])
def test_a_run_and_its_undo_cost_what_their_previews_said(direction: Direction) -> None:
    async def story(world: SandboxWorld) -> None:
        await begin(world)
        source = Side.OUTREACH if direction is Direction.TO_PIPEDRIVE else Side.PIPEDRIVE
        transfer = await _step(
            lambda: begin_preview(
                world.connection, direction=direction, source_app=source, total=None, actor="Alice"
            )
        )
        await previewed(world, transfer)
        await assert_price(world, transfer)
        undo = await _step(lambda: begin_undo(transfer, delete_created=True, actor="Alice"))
        await previewed(world, undo)
        await assert_price(world, undo)

    play(story)
