"""What the brakes stopped, budget and brakes, and the proof of sameness in a real browser."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.builders import field_change, make_change, spend_tokens
from tests.e2e.conftest import Visitor, apart
from tests.e2e.test_every_day import enter, live
from tidegate.core.brakes import Brake, Tally
from tidegate.ports import Example, Stopped
from tidegate.store.halts import keep_halt
from tidegate.store.models import Connection, OutOfStep, SamenessCheck

FIELD = {"name": "Position", "kind": "text", "outreach": "CEO", "pipedrive": "Chair", "why": "changed"}


def stop(connection: Connection) -> None:
    waiting = make_change(connection)
    change = field_change("Position", "CEO", "")
    example = Example("Signe Aaltonen", "update", "pipedrive", "1", "21", (change,))
    stopped = Stopped(
        Brake.EMPTIED,
        "Many values were about to be emptied.",
        Tally(420, 0, 417),
        1000,
        431,
        waiting.pk,
        (example,),
    )
    apart(keep_halt, str(connection.pk), stopped)


def test_what_was_stopped_is_seen_and_decided(visitor: Visitor, connection: Connection) -> None:
    stop(live(connection))

    enter(visitor, connection, "overview")
    visitor.looks_well("overview-stopped")
    visitor.follow(visitor.page.get_by_role("link", name="See what was stopped"))
    visitor.looks_well("stopped")
    expect(visitor.page.get_by_text("Signe Aaltonen").first).to_be_visible()


def test_budget_and_brakes_look_well(visitor: Visitor, connection: Connection) -> None:
    live(connection)
    spend_tokens(connection.lane, 420, "transfer", requests=84)

    enter(visitor, connection, "limits")
    visitor.looks_well("limits")
    visitor.page.get_by_label("Records that change, in per cent of all linked ones").fill("40")
    visitor.page.get_by_role("button", name="Save the brakes").click()
    expect(visitor.page.get_by_text("The brakes are saved")).to_be_visible()


@pytest.mark.parametrize("differing", [0, 1])
def test_the_proof_of_sameness_looks_well(visitor: Visitor, connection: Connection, differing: int) -> None:
    live(connection)
    SamenessCheck.objects.create(
        connection=connection, round=2, last_in_step=498, last_differing=differing, finished_at=timezone.now()
    )
    if differing:
        OutOfStep.objects.create(
            connection=connection,
            prospect_id="1",
            person_id="21",
            name="Signe Aaltonen",
            why="changed",
            fields=[FIELD],
            round=1,
        )

    enter(visitor, connection, "sameness")
    visitor.looks_well(f"sameness-{differing}")
