"""What a resume would write is shown beforehand, without a call, and is what it then writes."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.integration.engine.world import World, prospect
from tests.integration.web.conftest import member, signed_in
from tidegate.core.records import JOB_TITLE, Record, Side
from tidegate.ports import Example
from tidegate.store.catalogues import person_kinds
from tidegate.store.inbox import News, add_changes
from tidegate.store.models import Connection, Role
from tidegate.wiring import foresight, parts
from tidegate.wiring.foresight import foresee_resume

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(parts, "outreach_of", lambda *_: made.outreach)
    return made


def in_step(world: World) -> tuple[str, str]:
    prospect_id = world.outreach.add(prospect())
    world.drain()
    return prospect_id, world.links()[prospect_id]


def pause(world: World) -> None:
    Connection.objects.filter(pk=world.connection.pk).update(status="paused")
    world.connection.refresh_from_db()


def fields(examples: list[Example]) -> list[tuple[str, str, list[tuple[object, object, object]]]]:
    return [
        (each.act, each.side, [(c["field"], c["before"], c["after"]) for c in each.changes])
        for each in examples
    ]


def test_it_shows_both_ways_field_by_field_and_spends_nothing(world: World) -> None:
    prospect_id, _ = in_step(world)
    other = world.outreach.add(prospect("Bo Lind", **{JOB_TITLE: "Clerk"}))
    world.drain()
    pause(world)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.crm.edit_person(world.links()[other], {JOB_TITLE: "Head"})
    world.outreach.add(prospect("New One"))
    world.tell()
    before = world.crm.tokens.total()

    shown = foresee_resume(world.connection)

    assert world.crm.tokens.total() == before
    told = fields(shown)
    assert ("update", "pipedrive", [(JOB_TITLE, None, "Chair")]) in told
    assert ("update", "outreach", [(JOB_TITLE, "Clerk", "Head")]) in told
    assert [act for act, _, _ in told].count("create") == 1

    Connection.objects.filter(pk=world.connection.pk).update(status="active")
    lines = len(world.log())
    world.drain()
    done = [
        (e.act, e.side, [(c["field"], c["before"], c["after"]) for c in e.changes])
        for e in world.log()[lines:]
    ]
    assert sorted(done, key=str) == sorted(told, key=str)


def test_a_record_that_was_edited_often_is_shown_once_as_it_is_now(world: World) -> None:
    prospect_id, _ = in_step(world)
    pause(world)
    for title in ("Chair", "President", "Founder"):
        world.outreach.edit(prospect_id, {JOB_TITLE: title})
    world.tell()

    assert fields(foresee_resume(world.connection)) == [
        ("update", "pipedrive", [(JOB_TITLE, None, "Founder")])
    ]


def test_what_only_pipedrive_could_show_is_left_out(world: World) -> None:
    """A person that no delivery and no walk has shown is neither asked for nor taken for gone."""
    in_step(world)
    pause(world)
    hidden = world.crm.add_person({"first_name": "Un", "last_name": "Known", "email": ("un@north.example",)})
    add_changes(
        world.connection,
        [News(Side.PIPEDRIVE, "person", hidden)],
        kinds=person_kinds(world.pipedrive_catalogue),
    )

    assert foresee_resume(world.connection) == []


def test_no_more_is_shown_than_a_reader_can_take_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "MOST_EXAMPLES", 3)
    pause(world)
    for number in range(6):
        world.outreach.add(prospect(f"P{number} Q"))
    world.tell()

    shown = foresee_resume(world.connection)
    assert [each.name for each in shown] == ["P0 Q", "P1 Q", "P2 Q"]


def test_the_page_of_the_resume_shows_it(world: World) -> None:
    prospect_id, _ = in_step(world)
    pause(world)
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.tell()
    alice = member(world.connection.workspace, "alice@north.example", "Alice", Role.OWNER)
    client: Client = signed_in(alice)

    text = client.get(reverse("resume", args=[world.connection.pk])).content.decode()
    assert "What catching up would write" in text
    assert "Changed in Pipedrive" in text
    assert "Chair" in text
    assert isinstance(world.outreach.record(prospect_id), Record)
