"""Live sync on the real store: what travels, what does not, and what is asked."""

from dataclasses import replace

import pytest

from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, PHONE, Side
from tidegate.core.settings import Direction
from tidegate.errors import AuthorizationLost, InvalidForRemote, RecordGone, RemoteUnavailable
from tidegate.store.models import Intent
from tidegate.wiring.actions import retry_attention, settle_attention

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def in_step(world: World) -> tuple[str, str]:
    """One pair that is linked and quiet."""
    prospect_id = world.outreach.add(prospect(**{COMPANY: "Polar Note", JOB_TITLE: "CEO"}))
    world.drain()
    return prospect_id, world.links()[prospect_id]


def test_a_new_prospect_becomes_a_person_with_its_organization(world: World) -> None:
    prospect_id, person_id = in_step(world)

    person = world.crm.person(person_id)
    assert (person.value(FIRST_NAME), person.value(LAST_NAME)) == ("Signe", "Aaltonen")
    assert [organization.name for organization in world.crm.organizations] == ["Polar Note"]
    assert person.organization_id == world.crm.organizations[0].id
    assert [entry.act for entry in world.log(prospect_id=prospect_id)] == ["create"]
    assert not Intent.objects.exists()


def test_our_own_writes_come_back_without_a_call(world: World) -> None:
    in_step(world)
    calls = world.crm.faults.calls.total()

    world.deliveries_taken = world.announcements_taken = 0  # everything is delivered a second time
    world.drain()

    assert world.crm.faults.calls.total() == calls


def test_each_direction_that_is_settled_in_one_go_is_told_with_its_own_cause(world: World) -> None:
    prospect_id, person_id = in_step(world)
    known = {entry.pk for entry in world.log()}

    world.crm.edit_person(person_id, {FIRST_NAME: "Sigrid"})
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()

    causes = {entry.side: entry.cause_text for entry in world.log() if entry.pk not in known}
    assert causes == {Side.PIPEDRIVE: "Edited by Alice", Side.OUTREACH: "Edited in Pipedrive"}


def test_an_edit_travels_either_way_once(world: World) -> None:
    prospect_id, person_id = in_step(world)

    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()
    world.crm.edit_person(person_id, {FIRST_NAME: "Sigrid"})
    world.drain()

    assert world.crm.person(person_id).value(JOB_TITLE) == "Chair"
    assert world.outreach.record(prospect_id).value(FIRST_NAME) == "Sigrid"
    assert [(entry.side, entry.act) for entry in world.log()] == [
        ("pipedrive", "organization"),
        ("pipedrive", "create"),
        ("pipedrive", "update"),
        ("outreach", "update"),
    ]


def test_a_conflict_is_won_by_the_source_app_and_both_values_are_kept(world: World) -> None:
    prospect_id, person_id = in_step(world)

    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.crm.edit_person(person_id, {JOB_TITLE: "President"})
    world.drain()

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "President"
    changes = world.log(act="update")[-1].changes
    assert [(c["after"], c["lost"]) for c in changes if c.get("conflict")] == [("President", "Chair")]


def test_one_way_never_writes_back(world: World) -> None:
    world.use(replace(world.settings, direction=Direction.TO_PIPEDRIVE))
    prospect_id, person_id = in_step(world)

    world.crm.edit_person(person_id, {FIRST_NAME: "Sigrid"})
    world.crm.add_person({FIRST_NAME: "New", LAST_NAME: "Person", EMAIL: ("new@north.example",)})
    world.drain()

    assert world.outreach.record(prospect_id).value(FIRST_NAME) == "Signe"
    assert world.outreach.ids == [prospect_id]


def test_two_prospects_of_one_batch_that_share_an_address_make_one_person(world: World) -> None:
    world.outreach.add(prospect("Ann One", email="ann@north.example"))
    world.outreach.add(prospect("Ann Two", email="ANN@north.example "))

    world.drain()

    assert len(world.persons()) == 1
    assert [question.kind for question in world.questions()] == ["ambiguous"]


def test_an_organization_is_made_once_for_a_whole_batch(world: World) -> None:
    for number in range(5):
        world.outreach.add(
            prospect(f"P{number} Q", **{COMPANY: "Polar  note" if number % 2 else "Polar Note"})
        )

    world.drain()

    assert len(world.crm.organizations) == 1
    assert len(world.persons()) == 5


def test_an_organization_that_spells_the_company_its_own_way_starts_no_write(world: World) -> None:
    world.crm.add_organization("Polar Note")
    world.drain()
    prospect_id = world.outreach.add(prospect("Ann One", **{COMPANY: "polar note"}))
    world.drain()
    world.crm.edit_person(world.links()[prospect_id], {JOB_TITLE: "Chair"})
    world.drain()

    assert world.outreach.record(prospect_id).value(COMPANY) == "polar note"
    assert len(world.crm.organizations) == 1


def test_nobody_is_guessed_and_the_answer_is_remembered(world: World) -> None:
    twin_ids = [
        world.crm.add_person({FIRST_NAME: "Ann", LAST_NAME: str(n), EMAIL: ("ann@north.example",)})
        for n in (1, 2)
    ]
    world.use(replace(world.settings, direction=Direction.TO_PIPEDRIVE))
    prospect_id = world.outreach.add(prospect("Ann One", email="ann@north.example"))
    world.drain()
    question = world.questions()[0]
    assert sorted(question.facts["candidates"]) == sorted(twin_ids)

    settle_attention(question, actor="Alice", person_id=twin_ids[1])
    world.drain()

    assert world.links() == {prospect_id: twin_ids[1]}
    assert world.crm.person(twin_ids[1]).value(LAST_NAME) == "One"
    assert world.questions() == []


def test_a_deletion_never_cascades_and_nothing_is_made_again(world: World) -> None:
    prospect_id, person_id = in_step(world)

    world.crm.delete_person(person_id)
    world.drain()
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()

    assert world.outreach.ids == [prospect_id]
    assert world.crm.person_ids == []


def test_a_restored_person_is_followed_again(world: World) -> None:
    prospect_id, person_id = in_step(world)
    world.crm.delete_person(person_id)
    world.drain()

    world.crm.restore_person(person_id)
    world.crm.edit_person(person_id, {JOB_TITLE: "Chair"})
    world.drain()

    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "Chair"


def test_the_link_follows_a_merge(world: World) -> None:
    prospect_id, person_id = in_step(world)
    survivor = world.crm.add_person({FIRST_NAME: "Signe", LAST_NAME: "Berg", EMAIL: ("sb@north.example",)})
    world.use(replace(world.settings, direction=Direction.TO_PIPEDRIVE))
    world.drain()

    world.crm.merge_persons(person_id, survivor)
    world.drain()
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain()

    assert world.links() == {prospect_id: survivor}
    assert world.crm.person(survivor).value(JOB_TITLE) == "Chair"


def test_one_bad_record_holds_up_nobody(world: World) -> None:
    world.crm.faults.fail("create_person", InvalidForRemote("The name is too long."))
    for name in ("Ann One", "Bo Two", "Cy Three"):
        world.outreach.add(prospect(name))

    world.drain()

    assert len(world.persons()) == 2
    assert [question.message for question in world.questions()] == ["The name is too long."]


def test_a_lost_answer_doubles_nothing(world: World) -> None:
    world.crm.faults.fail("create_person", RemoteUnavailable(sent=True), after=True)
    prospect_id = world.outreach.add(prospect())

    world.drain()

    assert len(world.persons()) == 1
    assert world.links() == {prospect_id: world.persons()[0].id}


def test_a_lost_answer_doubles_nobody_without_an_address_either(world: World) -> None:
    world.use(replace(world.settings, only_with_email=False))
    world.crm.faults.fail("create_person", RemoteUnavailable(sent=True), after=True)
    prospect_id = world.outreach.add(prospect(email=""))

    world.drain()

    assert len(world.persons()) == 1
    assert world.links() == {prospect_id: world.persons()[0].id}


def test_a_revoked_authorisation_pauses_and_loses_nothing(world: World) -> None:
    prospect_id, person_id = in_step(world)
    world.crm.faults.fail("update_person", AuthorizationLost())
    world.outreach.edit(prospect_id, {JOB_TITLE: "Chair"})
    world.drain(rounds=2)
    world.connection.refresh_from_db()
    assert (world.connection.status, world.connection.reason) == ("paused", "reconnect")

    world.connection.status, world.connection.reason = "active", ""
    world.connection.save()
    world.drain()

    assert world.crm.person(person_id).value(JOB_TITLE) == "Chair"


def test_a_renamed_organization_reaches_its_prospects(world: World) -> None:
    prospect_id, _ = in_step(world)

    world.crm.rename_organization(world.crm.organizations[0].id, "Polar Notes Oy")
    world.drain()

    assert world.outreach.record(prospect_id).value(COMPANY) == "Polar Notes Oy"


def test_an_app_that_spells_in_its_own_way_starts_no_quarrel(world: World) -> None:
    world.crm.spell = lambda key, value: (
        value.upper() if key == JOB_TITLE and isinstance(value, str) else value
    )
    prospect_id, person_id = in_step(world)
    writes = len(world.log())

    world.outreach.edit(prospect_id, {JOB_TITLE: "chair"})
    world.drain()

    assert world.crm.person(person_id).value(JOB_TITLE) == "CHAIR"
    assert world.outreach.record(prospect_id).value(JOB_TITLE) == "chair"
    assert len(world.log()) == writes + 1


def test_doubled_news_is_done_once(world: World) -> None:
    world.outreach.add(prospect())
    world.tell(twice=True)
    world.drain()

    assert len(world.persons()) == 1
    assert [entry.side for entry in world.log(act="create")] == [Side.PIPEDRIVE.value]


def test_a_number_without_its_country_code_is_the_same_number(world: World) -> None:
    workspace = world.connection.workspace
    workspace.country = "DE"
    workspace.save()
    prospect_id = world.outreach.add(prospect(phone=("030 901820",)))
    world.drain()
    writes = len(world.log())

    world.crm.edit_person(world.links()[prospect_id], {PHONE: ("+49 30 901820",)})
    world.drain()

    assert world.outreach.record(prospect_id).value(PHONE) == ("030 901820",)
    assert len(world.log()) == writes


# --- Technical details


def refusal_with_details(text: str) -> InvalidForRemote:
    error = InvalidForRemote("The name is too long.")
    error.details = {"method": "PATCH", "status": 400, "text": text}
    return error


def test_a_case_keeps_what_the_app_answered_and_how_often_it_was_tried(world: World) -> None:
    world.crm.faults.fail("create_person", refusal_with_details("first"))
    world.outreach.add(prospect("Ann One"))
    world.drain()
    (case,) = world.questions()
    assert case.details == {"method": "PATCH", "status": 400, "text": "first", "tries": 1}

    world.crm.faults.fail("create_person", refusal_with_details("second"))
    retry_attention(case, actor="Maja")
    world.drain()

    (again,) = world.questions()
    assert again.pk == case.pk
    assert again.details == {"method": "PATCH", "status": 400, "text": "second", "tries": 2}


def test_a_change_that_was_put_off_before_counts_its_earlier_tries(world: World) -> None:
    error = RecordGone("It is gone.")
    error.details = {"status": 404}
    world.crm.faults.fail("create_person", error, times=2)
    world.outreach.add(prospect("Ann One"))

    world.drain()

    assert [case.details for case in world.questions()] == [{"status": 404, "tries": 2}]


def test_a_case_that_no_app_answered_keeps_no_details(world: World) -> None:
    world.crm.faults.fail("create_person", InvalidForRemote("The name is too long."))
    world.outreach.add(prospect("Ann One"))
    world.drain()
    assert [case.details for case in world.questions()] == [{}]
