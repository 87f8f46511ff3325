"""The facts that the set-up tells beside what it asks: how many, who may see what, what it will cost, what comes of a choice."""

import re
from dataclasses import replace

import pytest
from django.test import Client
from pytest import MonkeyPatch

from tests.builders import make_person, make_prospect, make_transfer
from tests.integration.web.fake_pipedrive import FakePipedrive
from tests.integration.web.test_setup import HEADCOUNT, LEAD_SOURCE, Setup, constants_form, data_form
from tidegate.core.connection import Status
from tidegate.prospects.models import ProspectList
from tidegate.store import connections
from tidegate.store.models import Connection, Lane, Workspace
from tidegate.store.queries import records
from tidegate.web.setup import counted

pytestmark = pytest.mark.django_db


@pytest.fixture
def founders(workspace: Workspace) -> ProspectList:
    return ProspectList.objects.create(workspace_id=workspace.pk, name="Founders")


@pytest.fixture
def alices(owner: Client, founders: ProspectList, connection: Connection) -> Setup:
    return Setup(owner, connection)


def words(page: str) -> str:
    """The page's text as it is read."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1]).split())


# --- who has no e-mail address


def test_who_has_no_address_is_counted_where_that_matters(
    alices: Setup, workspace: Workspace, founders: ProspectList
) -> None:
    assert "have none and stay here" not in words(alices.get("setup/data"))
    make_prospect(workspace)
    for number in range(3):
        made = make_prospect(workspace, email="")
        if number:
            made.lists.add(founders)
    assert "3 prospects have none and stay here while this is on." in words(alices.get("setup/data"))
    assert "left out: 3 prospects." in words(alices.get("setup/review"))

    alices.post("setup/data", data_form(all_lists="", lists=[str(founders.pk)]))
    assert "2 prospects have none" in words(alices.get("settings"))
    alices.post("setup/data", data_form(only_with_email=""))
    assert "is synced too, and may arrive twice" in words(alices.get("setup/review"))


def test_prospects_of_another_workspace_are_not_counted(alices: Setup) -> None:
    make_prospect(Workspace.objects.create(name="Elsewhere"), email="")
    assert "have none" not in words(alices.get("setup/data"))


def test_counting_ends_where_the_exact_number_is_of_no_use(
    alices: Setup, workspace: Workspace, monkeypatch: MonkeyPatch
) -> None:
    for module in (records, counted):
        monkeypatch.setattr(module, "MOST_COUNTED", 2)
    for _ in range(4):
        make_prospect(workspace, email="")
    assert "More than 2 prospects have none" in words(alices.get("setup/data"))
    assert "left out: more than 2 prospects." in words(alices.get("setup/review"))


def test_who_has_no_address_does_not_matter_where_nothing_goes_to_pipedrive(
    alices: Setup, workspace: Workspace
) -> None:
    make_prospect(workspace, email="")
    alices.post("setup/direction", {"part": "direction", "direction": "from_pipedrive"})
    assert "has none and stays here" not in words(alices.get("setup/data"))
    assert "left out." in words(alices.get("setup/review"))


# --- the account


def test_people_are_counted_once_they_were_walked(alices: Setup) -> None:
    assert "may come in" not in words(alices.get("setup/data"))
    lane = alices.connection.lane
    for number in (1, 2):
        make_person(lane, number)
    assert "may come in" not in words(alices.get("setup/data"))
    Lane.objects.update(persons_walked_at="2026-05-01T00:00Z")
    assert "Without one, all 2 people there may come in." in words(alices.get("setup/data"))
    assert "2 people, 11 person fields" in words(alices.get("setup/connected"))


@pytest.mark.parametrize(
    ("is_admin", "says"),
    [
        (True, "Maja Lindqvist can see All people, deals and pipelines of the company"),
        (False, "Maja Lindqvist can see What Pipedrive shows this user."),
    ],
)
def test_what_the_connected_user_sees_is_told(
    alices: Setup, pipedrive: FakePipedrive, is_admin: bool, says: str
) -> None:
    assert "can see" not in words(alices.get("setup/connected"))
    me, *others = pipedrive.catalogue.users
    pipedrive.catalogue = replace(pipedrive.catalogue, users=(replace(me, is_admin=is_admin), *others))
    pipedrive.show(alices.connection)
    assert says in words(alices.get("setup/connected"))


def test_the_budget_is_told_with_what_it_is_reckoned_from(alices: Setup) -> None:
    Lane.objects.update(plan="growth", seats=3)
    text = alices.get("setup/connected")
    assert "180,000 tokens a day, if you have the plan Growth with 3 seats." in words(text)
    assert f"/connections/{alices.pk}/limits/" in text
    Lane.objects.update(daily_budget=90_000)
    assert "90,000 tokens a day. Change" in words(alices.get("setup/connected"))


@pytest.mark.parametrize(
    ("scopes", "says"),
    [
        (
            ["base", "contacts:full", "deals:full", "activities:full", "users:read", "webhooks:full"],
            "6 of 7 permissions (lacking: Contact fields, full access)",
        ),
        ([], ""),
    ],
)
def test_the_settings_say_how_many_permissions_were_granted(
    alices: Setup, scopes: list[str], says: str
) -> None:
    Connection.objects.update(scopes=scopes)
    text = words(alices.get("settings"))
    assert ("permissions" in text) is bool(says)
    assert says in text


# --- what comes of a choice


def test_constants_are_shown_by_an_example(alices: Setup, workspace: Workspace) -> None:
    make_prospect(workspace, first_name="Inês", last_name="Carvalho", company="Brightwater")
    assert "becomes" not in words(alices.get("setup/constants"))
    form = constants_form("pipedrive", LEAD_SOURCE, "<Tidegate>") | {"act": "constants"}
    said = alices.post("setup/constants", form).content.decode()
    assert (
        "When Inês Carvalho is created in Pipedrive, <b>Lead source</b> becomes <b>&lt;Tidegate&gt;</b>."
        in said
    )
    assert alices.settings.constants == ()  # typing saves nothing


def test_without_prospects_the_example_is_about_someone(alices: Setup) -> None:
    form = constants_form("pipedrive", LEAD_SOURCE, "Tidegate") | {"act": "constants"}
    said = words(alices.post("setup/constants", form).content.decode())
    assert "When someone is created in Pipedrive, Lead source becomes Tidegate." in said


def test_a_constant_that_is_refused_has_no_example(alices: Setup) -> None:
    answer = alices.post("setup/constants", constants_form("pipedrive", HEADCOUNT, "many"))
    assert answer.status_code == 422
    assert "becomes" not in words(answer.content.decode())
    assert "The value doesn’t fit “Headcount”: not a number." in answer.content.decode()


@pytest.mark.parametrize(
    ("direction", "says"),
    [
        ("two_way", "Each pair holds the same value in both apps."),
        ("to_pipedrive", "The value of the prospect is copied to Pipedrive, never back."),
        ("from_pipedrive", "The value of the person is copied to the prospect, never back."),
    ],
)
def test_the_mapping_says_which_way_values_go(alices: Setup, direction: str, says: str) -> None:
    alices.post("setup/direction", {"part": "direction", "direction": direction})
    text = words(alices.get("setup/data"))
    assert f"{says} Only fields of the same type fit together." in text
    assert text.count("never back") == (0 if direction == "two_way" else 1)


# --- the Integrations page


def test_the_card_says_how_far_the_set_up_is(alices: Setup, owner: Client) -> None:
    assert "1 of 6 steps done" in words(owner.get("/integrations/").content.decode())
    alices.post("setup/direction", {"part": "direction", "direction": "two_way"})
    alices.post("setup/data", data_form())
    assert "3 of 6 steps done" in words(owner.get("/integrations/").content.decode())
    assert alices.post("setup/review", {}).status_code == 302
    assert "steps done" not in words(owner.get("/integrations/").content.decode())


def test_a_running_transfer_is_one_click_away(alices: Setup, owner: Client) -> None:
    connection = alices.connection
    transfer = make_transfer(connection, state="running")
    connections.set_status(connection, Status.SYNCING)
    text = owner.get("/integrations/").content.decode()
    assert f'href="/connections/{connection.pk}/transfers/{transfer.pk}/">Show transfer' in text


def test_fields_are_refreshed_from_the_card(alices: Setup, owner: Client, pipedrive: FakePipedrive) -> None:
    assert "Refresh fields" in owner.get("/integrations/").content.decode()
    pipedrive.delete_field(LEAD_SOURCE)
    answer = owner.post(f"/connections/{alices.pk}/settings/", {"act": "refresh"})
    assert answer.status_code == 200
    assert "Fields, lists and users are up to date." in words(answer.content.decode())
    known = alices.connection.catalogue["pipedrive"]["fields"]
    assert LEAD_SOURCE not in [field["key"] for field in known]


def test_an_empty_store_offers_to_import(alices: Setup, owner: Client, workspace: Workspace) -> None:
    assert "Import CSV" in words(owner.get("/integrations/").content.decode())
    make_prospect(workspace)
    assert "Open prospects" in words(owner.get("/integrations/").content.decode())
