"""Values that no form of ours offers: stale, or forged. Page and API refuse the same things, and nothing is saved."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from tests.integration.web.fake_pipedrive import FakePipedrive
from tests.integration.web.test_setup import HEADCOUNT, SEATS, Setup, data_form
from tidegate.core.records import PHONE, Side
from tidegate.core.settings import SYSTEM_MAPPINGS, Constant, FieldMapping, Settings
from tidegate.errors import Invalid
from tidegate.prospects.models import ProspectList
from tidegate.store.models import Connection, User, Workspace
from tidegate.wiring import actions

pytestmark = pytest.mark.django_db

OTHERS = "a list of another workspace"
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a list to sync to": ({"sync_to_list": OTHERS}, {"sync_to_list": OTHERS}, "list no longer exists"),
    "a list to sync from": (
        {"all_lists": "", "lists": [OTHERS]},
        {"sync_from_lists": (OTHERS,)},
        "lists no longer exist",
    ),
    "a user": ({"owner_id": "99"}, {"owner_id": "99"}, "user no longer exists"),
    "a user who was deactivated": ({"owner_id": "13"}, {"owner_id": "13"}, "user no longer exists"),
    "a filter": ({"filter_id": "99"}, {"filter_id": "99"}, "filter no longer exists"),
    "a filter that is no number": ({"filter_id": "<b>"}, {"filter_id": "<b>"}, "filter no longer exists"),
    "a field that never was": (
        {"row": ["0"], "left-0": "custom.never", "right-0": SEATS},
        {"mappings": (*SYSTEM_MAPPINGS, FieldMapping("custom.never", SEATS))},
        "no longer exists",
    ),
    "a field of another type": (
        {"row": ["0"], "left-0": "custom.source", "right-0": SEATS},
        {"mappings": (*SYSTEM_MAPPINGS, FieldMapping("custom.source", SEATS))},
        "different types",
    ),
    "a field twice": (
        {
            "row": ["0", "1"],
            "left-0": "custom.team_size",
            "right-0": SEATS,
            "left-1": PHONE,
            "right-1": SEATS,
        },
        {"mappings": (*SYSTEM_MAPPINGS, FieldMapping("custom.team_size", SEATS), FieldMapping(PHONE, SEATS))},
        "mapped already",
    ),
}


@pytest.fixture
def alices(owner: Client, connection: Connection) -> Setup:
    ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    FakePipedrive().show(connection)
    return Setup(owner, connection)


@pytest.fixture
def others_list(db: None) -> str:
    elsewhere = Workspace.objects.create(name="Elsewhere")
    return str(ProspectList.objects.create(workspace_id=elsewhere.pk, name="Theirs").pk)


def with_list(value: Any, list_id: str) -> Any:
    if isinstance(value, dict):
        return {key: with_list(item, list_id) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(with_list(item, list_id) for item in value)
    return list_id if value == OTHERS else value


@pytest.mark.parametrize("case", CASES)
def test_a_page_refuses_what_is_not_there_and_saves_nothing(
    alices: Setup, others_list: str, case: str
) -> None:
    form, _settings, words = CASES[case]
    before = alices.settings
    sent = data_form() | {"part": ["from_lists", "owner", "to_list", "filter", "mapping", "more"]}
    answer = alices.post("setup/data", sent | with_list(form, others_list))
    assert answer.status_code == 422
    assert words.replace("lists no longer exist", "no longer exists") in answer.content.decode()
    assert alices.settings == before


@pytest.mark.parametrize("case", CASES)
def test_a_program_is_refused_the_same_and_nothing_is_saved(
    alices: Setup, others_list: str, case: str
) -> None:
    _form, changes, words = CASES[case]
    before = alices.settings
    with pytest.raises(Invalid) as refused:
        save(alices.connection, replace(before, **with_list(changes, others_list)))
    said = " ".join(text for texts in refused.value.errors.values() for text in texts)
    assert words in said.replace("lists no longer exists", "lists no longer exist")
    assert alices.settings == before


def test_what_vanished_since_it_was_chosen_keeps_nobody_from_saving_the_rest(alices: Setup) -> None:
    founders = str(ProspectList.objects.get(name="Founders").pk)
    chosen = replace(
        alices.settings,
        sync_to_list=founders,
        sync_from_lists=(founders,),
        filter_id="21",
        mappings=(*SYSTEM_MAPPINGS, FieldMapping("custom.team_size", SEATS)),
        constants=(Constant(Side.PIPEDRIVE, HEADCOUNT, "5"),),
    )
    save(alices.connection, chosen)
    ProspectList.objects.all().delete()
    pipedrive = FakePipedrive()
    pipedrive.delete_field(SEATS)
    pipedrive.delete_field(HEADCOUNT)
    pipedrive.catalogue = replace(pipedrive.catalogue, filters=(), users=pipedrive.catalogue.users[1:])
    pipedrive.show(alices.connection)

    save(alices.connection, replace(alices.settings, only_with_email=False))

    assert alices.settings == replace(chosen, only_with_email=False)
    places = {problem.place for problem in actions.problems(alices.connection)}
    assert places == {"sync_to_list", "sync_from_lists", "owner_id", "filter_id", "mappings.4", "constants.0"}


def test_a_filter_is_chosen_shown_and_taken_back(alices: Setup) -> None:
    form = data_form() | {"part": ["filter"]}
    assert alices.post("setup/data", form | {"filter_id": "22"}).status_code in (302, 422)
    assert alices.settings.filter_id == "22"
    assert '<option value="22" selected>Pipedrive filter: My open deals</option>' in alices.get("setup/data")
    assert "Only people in the Pipedrive filter <b>My open deals</b> come in." in alices.get("setup/review")
    alices.post("setup/data", form | {"filter_id": ""})
    assert alices.settings.filter_id is None


def test_a_filter_that_is_gone_is_marked_at_its_place(alices: Setup, alice: User) -> None:
    save(alices.connection, replace(alices.settings, filter_id="22"))
    pipedrive = FakePipedrive()
    pipedrive.catalogue = replace(pipedrive.catalogue, filters=())
    pipedrive.show(alices.connection)
    text = alices.get("settings")
    assert '<option value="22" selected>Pipedrive filter: A filter that was deleted</option>' in text
    assert 'href="#f-filter"' in text
    assert 'id="filter-error"' in text


def save(connection: Connection, settings: Settings) -> None:
    actions.save_settings(connection, settings, version=connection.settings_version, actor="Alice")
