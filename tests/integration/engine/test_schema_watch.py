"""What the settings name vanishes: that one pair sleeps and is told, the rest goes on, and mending it settles the case (O1b)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.integration.engine.world import World, prospect
from tidegate.core.automation import Action, ActionKind, Automation, Trigger
from tidegate.core.catalogue import User
from tidegate.core.connection import Status
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE
from tidegate.core.settings import DEFAULT_MAPPINGS, SYSTEM_MAPPINGS, Settings
from tidegate.core.values import Kind
from tidegate.store.catalogues import store_catalogues
from tidegate.store.models import Connection
from tidegate.store.schedule import LaneSchedule
from tidegate.store.schema_watch import watch_settings
from tidegate.wiring import actions, upkeep
from tidegate.wiring.steps import request_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(upkeep, "worker_step", request_step)
    return World()


def connection_of(world: World) -> Connection:
    return Connection.objects.get(pk=world.connection.pk)


def reread(world: World) -> None:
    async_to_sync(upkeep.reread_catalogue)(connection_of(world), world.crm)


def test_a_field_that_vanishes_while_we_write_puts_its_pair_to_sleep_and_the_rest_goes_on(
    world: World,
) -> None:
    gone = world.crm.fields.pop(JOB_TITLE)
    world.outreach.add(prospect("Signe Aaltonen", job_title="Founder"))
    world.outreach.add(prospect("Bo Lind"))
    world.drain()
    assert sorted(p.name for p in world.persons()) == ["Bo Lind", "Signe Aaltonen"]
    assert connection_of(world).status == Status.ACTIVE
    (case,) = world.questions()
    assert (case.kind, case.person_id) == ("mapping", "")
    assert "“Job title”" in case.message

    world.crm.fields[JOB_TITLE] = gone
    reread(world)
    assert world.questions() == []


def test_a_field_that_changed_its_type_sleeps_until_the_settings_are_mended(world: World) -> None:
    world.crm.fields[JOB_TITLE] = replace(world.crm.fields[JOB_TITLE], kind=Kind.DATE)
    reread(world)
    reread(world)
    (case,) = world.questions()
    assert "different types" in case.message

    kept = tuple(m for m in DEFAULT_MAPPINGS if m.outreach != JOB_TITLE)
    settings = Settings(sync_to_list="1", owner_id="7", mappings=SYSTEM_MAPPINGS + kept)
    actions.save_settings(connection_of(world), settings, version=None, actor="Ada")
    assert world.questions() == []


def test_an_owner_who_was_deactivated_is_told(world: World) -> None:
    world.crm.users[:] = [replace(user, active=False) for user in world.crm.users]
    reread(world)
    assert "deactivated" in world.questions()[0].message


@pytest.mark.parametrize("gone", ["deactivated", "deleted"])
def test_while_the_owner_is_gone_new_persons_belong_to_whoever_connected(world: World, gone: str) -> None:
    me, other = User("7", "Olga Owner", is_me=True), User("8", "Bo Former")
    world.crm.users[:] = [me, other]
    world.use(replace(world.settings, owner_id="8"))
    world.crm.users[:] = [me, replace(other, active=False)] if gone == "deactivated" else [me]
    reread(world)
    world.outreach.add(prospect("Signe Aaltonen", company="Polar Note"))
    world.drain()
    (person,) = world.persons()
    assert person.owner_id == "7"
    assert [case.kind for case in world.questions()] == ["mapping"]


def test_while_the_list_is_gone_nobody_is_created_and_everything_else_goes_on(world: World) -> None:
    number = world.outreach.add(prospect("Signe Aaltonen"))
    world.drain()
    store_catalogues(connection_of(world), outreach=replace(world.outreach_catalogue, lists=()))
    watch_settings(connection_of(world))
    ada = world.crm.add_person({FIRST_NAME: "Ada", EMAIL: ("ada@engine.example",)})
    world.crm.edit_person(world.links()[number], {FIRST_NAME: "Sigrid"})
    world.drain()
    assert [found.name for found in world.prospects()] == ["Sigrid Aaltonen"]
    assert connection_of(world).status == Status.ACTIVE
    assert "list no longer exists" in world.questions()[0].message

    known = world.outreach.add(prospect("Ada Lovelace", email="ada@engine.example"))
    world.drain()
    assert world.links()[known] == ada  # whoever is there already needs no list


def test_a_pipeline_that_vanished_is_told_with_each_automation_that_used_it(world: World) -> None:
    create = Action(ActionKind.CREATE_DEAL, pipeline_id="1")
    opened, replied = (
        Automation(t, actions=(create,)) for t in (Trigger.EMAIL_OPENED, Trigger.EMAIL_REPLIED)
    )
    world.use(replace(world.settings, automations=(opened, replied)))
    watch_settings(connection_of(world))
    (case,) = world.questions()
    assert case.message == (
        "E-mail opened: The chosen pipeline no longer exists in Pipedrive. Choose another one. "
        "E-mail replied: The chosen pipeline no longer exists in Pipedrive. Choose another one."
    )


def test_before_the_first_launch_nothing_is_told(world: World) -> None:
    Connection.objects.filter(pk=world.connection.pk).update(launched_at=None)
    del world.crm.fields[JOB_TITLE]
    reread(world)
    assert world.questions() == []


def test_a_connection_that_rereading_does_not_help_waits_for_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LaneSchedule, "learn_catalogue", lambda *_: None)
    del world.crm.fields[JOB_TITLE]
    world.outreach.add(prospect("Signe Aaltonen", job_title="Founder"))
    world.tell()
    async_to_sync(world._drain)()
    stopped = connection_of(world)
    assert (stopped.status, stopped.reason) == (Status.FAILED, "incomplete")


@pytest.mark.parametrize(
    ("read_at", "is_due"),
    [(None, True), (timedelta(hours=25), True), (timedelta(hours=23), False)],
)
def test_the_catalogue_is_read_once_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch, read_at: timedelta | None, is_due: bool
) -> None:
    reads: list[str] = []

    async def note(connection: Connection, crm: Any) -> None:
        reads.append(str(connection.pk))

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(upkeep, "reread_catalogue", note)
    monkeypatch.setattr(upkeep, "_try_webhooks", nothing)
    monkeypatch.setattr(upkeep, "bring_up_to_date", nothing)
    connection = connection_of(world)
    connection.catalogue_read_at = None if read_at is None else timezone.now() - read_at

    class EngineStub:
        crm = world.crm
        outreach = world.outreach

        class lane:
            id = connection.lane_id
            clock = world.clock

    async_to_sync(upkeep.keep_up)(connection, EngineStub)  # type: ignore[arg-type]
    assert bool(reads) is is_due


def test_other_pairs_of_a_linked_record_go_on(world: World) -> None:
    number = world.outreach.add(prospect("Signe Aaltonen", job_title="Founder"))
    world.drain()
    del world.crm.fields[JOB_TITLE]
    reread(world)
    world.outreach.edit(number, {FIRST_NAME: "Sigrid", JOB_TITLE: "Chair"})
    world.drain()
    assert world.persons()[0].name == "Sigrid Aaltonen"
    assert [case.kind for case in world.questions()] == ["mapping"]
