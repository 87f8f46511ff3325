"""Fields and options made from the mapping itself, on either side: there at once, mapped, and with a reason where not."""

import re

import pytest
from django.test import Client

from tests.integration.web.fake_pipedrive import FakePipedrive
from tests.integration.web.test_setup import HTMX, INDUSTRY, LEAD_SOURCE, Setup, data_form
from tidegate.core.records import Side
from tidegate.core.settings import FieldMapping
from tidegate.core.values import Kind
from tidegate.errors import PermissionMissing
from tidegate.prospects.models import CustomField, ProspectList
from tidegate.store import catalogues
from tidegate.store.models import Connection

pytestmark = pytest.mark.django_db

LEFT = "custom.website"


@pytest.fixture
def alices(owner: Client, connection: Connection) -> Setup:
    ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    FakePipedrive().show(connection)
    return Setup(owner, connection)


def pressed(alices: Setup, act: str, *rows: tuple[str, str], **more: str) -> str:
    answer = alices.post("setup/data", data_form(*rows, act=act, **more), headers=HTMX)
    assert answer.status_code == 200
    return str(answer.content.decode())


def chosen(text: str, select: str) -> str:
    inside = text.split(f'id="{select}"')[1].split("</select>")[0]
    found = re.search(r'<option value="([^"]*)" selected>', inside)
    assert found is not None
    return found[1]


def test_a_row_that_lacks_its_right_field_offers_to_make_one_in_pipedrive(alices: Setup) -> None:
    text = pressed(alices, "left-0", (LEFT, ""))
    assert "Create in Pipedrive" in text
    assert 'name="name-0" value="Website"' in text


def test_a_made_pipedrive_field_is_mapped_at_once_and_saved_with_the_form(alices: Setup) -> None:
    text = pressed(alices, "make-pipedrive-0", (LEFT, ""), **{"name-0": " Home  page "})
    key = chosen(text, "right-0")
    assert "“Home page” is there now, in Pipedrive" in text
    field = catalogues.pipedrive_catalogue(alices.connection).field(key)
    assert field is not None
    assert (field.name, field.kind) == ("Home page", Kind.TEXT)  # a link becomes a text there
    assert alices.settings.mappings[-1] != FieldMapping(LEFT, key)
    assert alices.post("setup/data", data_form((LEFT, key))).status_code == 302
    assert alices.settings.mappings[-1] == FieldMapping(LEFT, key)


def test_a_made_option_field_has_the_options_of_its_counterpart(alices: Setup) -> None:
    text = pressed(alices, "make-pipedrive-0", ("custom.industry", ""), **{"name-0": "Branch"})
    field = catalogues.pipedrive_catalogue(alices.connection).field(chosen(text, "right-0"))
    assert field is not None
    assert [option.label for option in field.options] == ["Software", "Retail", "Energy"]


def test_a_field_of_this_name_and_type_is_not_made_twice(alices: Setup) -> None:
    text = pressed(alices, "make-pipedrive-0", ("custom.industry", ""), **{"name-0": "industry"})
    assert "Pipedrive has a field “industry” of this type already" in text
    assert 'aria-describedby="row-0-error"' in text


def test_what_pipedrive_does_not_allow_is_said_at_the_row_and_the_form_goes_on(
    alices: Setup, pipedrive: FakePipedrive
) -> None:
    pipedrive.ends_with = PermissionMissing("The authorisation lacks the scope contact-fields:full.")
    text = pressed(alices, "make-pipedrive-0", (LEFT, ""))
    assert "lacks the scope contact-fields:full" in text
    assert chosen(text, "left-0") == LEFT
    assert "is there now" in pressed(alices, "make-pipedrive-0", (LEFT, ""))


def test_a_new_row_offers_a_prospect_field_for_a_pipedrive_field(alices: Setup) -> None:
    text = pressed(alices, "add")
    offered = text.split('id="from-0"')[1].split("</select>")[0]
    assert "Lead source" in offered
    assert "First name" not in offered  # every app has its own


def test_a_made_prospect_field_is_mapped_with_the_field_it_is_for(alices: Setup) -> None:
    text = pressed(alices, "make-outreach-0", ("", ""), **{"from-0": LEAD_SOURCE})
    assert chosen(text, "right-0") == LEAD_SOURCE
    made = CustomField.objects.get(key=chosen(text, "left-0").removeprefix("custom."))
    assert (made.name, made.type) == ("Lead source", "text")


def test_a_name_that_is_taken_is_said_and_another_one_does(alices: Setup) -> None:
    text = pressed(alices, "make-outreach-0", ("", ""), **{"from-0": INDUSTRY})
    assert "There is a field" in text
    text = pressed(alices, "make-outreach-0", ("", ""), **{"from-0": INDUSTRY, "name-0": "Branch"})
    made = CustomField.objects.get(key=chosen(text, "left-0").removeprefix("custom."))
    assert (made.name, made.type, made.options) == ("Branch", "option", ["Software", "Retail", "Health"])


def test_a_prospect_field_for_no_field_is_refused(alices: Setup) -> None:
    before = CustomField.objects.count()
    text = pressed(alices, "make-outreach-0", ("", ""), **{"from-0": ""})
    assert "Choose the field first" in text
    assert CustomField.objects.count() == before


def test_missing_options_are_added_on_either_side(alices: Setup) -> None:
    text = pressed(alices, "options-pipedrive-0", ("custom.industry", INDUSTRY))
    assert "Added to “Industry” in Pipedrive: “Energy”." in text
    assert "Pipedrive lacks" not in text
    text = pressed(alices, "options-outreach-0", ("custom.industry", INDUSTRY))
    assert "The prospect field lacks" not in text
    assert CustomField.objects.get(key="industry").options == ["Software", "Retail", "Energy", "Health"]


@pytest.mark.parametrize(
    "act", ["make-pipedrive-9", "make-nowhere-0", "options-pipedrive-x", "make", "options--"]
)
def test_a_forged_button_does_nothing(alices: Setup, act: str) -> None:
    fields = CustomField.objects.count()
    assert "is there now" not in pressed(alices, act, (LEFT, ""))
    assert CustomField.objects.count() == fields


def test_options_are_only_missed_where_values_flow(alices: Setup) -> None:
    alices.post("setup/direction", {"part": "direction", "direction": "to_pipedrive"})
    text = pressed(alices, "right-0", ("custom.industry", INDUSTRY))
    assert f"options-{Side.PIPEDRIVE}-0" in text
    assert f"options-{Side.OUTREACH}-0" not in text


def test_a_viewer_makes_nothing(viewer: Client, alices: Setup) -> None:
    form = data_form((LEFT, ""), act="make-pipedrive-0")
    for page in ("setup/data", "settings"):
        assert viewer.post(alices.path(page), form).status_code == 403
    assert all(f.name != "Website" for f in catalogues.pipedrive_catalogue(alices.connection).fields)
