"""Refusals in a browser, each with a clear message at its place, and then the story goes on: choices that are stale or forged, a
company that is connected already, a launch while something is missing."""

import re
from dataclasses import replace

from playwright.sync_api import Page, expect

from tests.builders import make_link
from tests.e2e.conftest import Visitor, apart
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.core.automation import Action, ActionKind
from tidegate.core.connection import Status
from tidegate.core.records import Side
from tidegate.core.settings import Constant, FieldMapping
from tidegate.prospects.models import CustomField, ProspectList
from tidegate.store.models import Connection, Workspace

SEATS, LEAD_SOURCE = "d" * 40, "c" * 40
AGAIN = "was connected here already, so nothing was made twice"


def forge(page: Page, select: str, value: str) -> None:
    """Chooses what the page does not offer, as a tab from yesterday or somebody with a tool would."""
    page.evaluate(
        "([id, value]) => { const s = document.getElementById(id); s.disabled = false; s.add(new Option('?', value));"
        " s.value = value; }",
        [select, value],
    )


def expect_refused(visitor: Visitor, text: str, control: str) -> None:
    """Said on top with a link that leads to the control, and at the control itself."""
    summary = visitor.page.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name=re.compile(text)).click()
    expect(visitor.page.locator(f"#{control}")).to_be_focused()
    expect(visitor.page.locator(f"#{control}")).to_have_attribute("aria-invalid", "true")
    visitor.faults.clear()  # the browser notes the 422 itself


def test_stale_and_forged_choices_are_refused_in_every_step_and_the_story_goes_on(
    visitor: Visitor, connection: Connection, pipedrive: FakePipedrive
) -> None:
    page = visitor.page
    elsewhere = Workspace.objects.create(name="Elsewhere")
    theirs = ProspectList.objects.create(workspace_id=elsewhere.pk, name="Theirs")
    founders = ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    apart(pipedrive.show, connection)
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/setup/direction/")
    page.evaluate("document.querySelector('[name=direction][value=two_way]').value = 'sideways'")
    page.get_by_role("button", name="Continue to data exchange").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose one of the three directions.")
    visitor.faults.clear()
    page.get_by_label("Two-way").check()
    page.get_by_role("button", name="Continue to data exchange").click()
    onward = page.get_by_role("button", name="Continue to constants")

    # another workspace's list, then one that was deleted since the page was opened
    forge(page, "f-to-list", str(theirs.pk))
    onward.click()
    expect_refused(visitor, "This list no longer exists", "f-to-list")
    page.get_by_label("Sync to list").select_option(label="Founders")
    apart(founders.delete)
    apart(pipedrive.show, connection)
    onward.click()
    expect_refused(visitor, "This list no longer exists", "f-to-list")
    visitor.looks_well("refused-stale-list")
    page.get_by_label("Sync to list").select_option(label="Create a new list…")
    page.get_by_label("Name of the new list").fill("From Pipedrive")

    # a field of another type, then one that was deleted in Pipedrive while the page was open
    page.get_by_role("button", name="Add a field").click()
    page.get_by_role("combobox", name="Prospect field, row 7").select_option(label="Source")
    expect(page.locator("#right-2")).to_be_enabled()
    forge(page, "right-2", SEATS)
    onward.click()
    expect_refused(visitor, "different types", "right-2")
    visitor.looks_well("refused-other-type")
    page.get_by_role("combobox", name="Pipedrive field for Source").select_option(label="Lead source")
    pipedrive.delete_field(LEAD_SOURCE)
    apart(pipedrive.show, connection)
    onward.click()
    expect_refused(visitor, "no longer exists", "right-2")
    page.get_by_role("combobox", name="Prospect field, row 7").select_option(label="Team size")
    page.get_by_role("combobox", name="Pipedrive field for Team size").select_option(label="Seats")
    onward.click()

    # a constant that does not fit
    in_pipedrive = page.get_by_role("region", name="In Pipedrive")
    in_pipedrive.get_by_label("Constant field").select_option(label="Headcount (Number)")
    in_pipedrive.get_by_label("Constant value").fill("many")
    page.get_by_role("button", name="Continue to automations").click()
    expect(page.get_by_role("alert")).to_contain_text("The value doesn’t fit “Headcount”: not a number.")
    visitor.faults.clear()
    in_pipedrive.get_by_label("Constant value").fill("5")
    page.get_by_role("button", name="Continue to automations").click()

    # a pipeline that was deleted while the page was open
    sent = page.locator("#auto-email_sent")
    page.get_by_role("switch", name="Run when: Campaign e-mail sent").check()
    sent.locator("summary", has_text="Add an action").click()
    sent.get_by_role("button", name="Create a deal", exact=True).click()
    sent.get_by_label("Pipeline", exact=True).select_option(label="Partners")
    pipedrive.delete_pipeline("2")
    apart(pipedrive.show, connection)
    page.get_by_role("button", name="Continue to review").click()
    expect_refused(visitor, "no longer exists", "auto-email_sent-create_deal-pipeline")
    visitor.looks_well("refused-deleted-pipeline")
    sent.get_by_label("Pipeline", exact=True).select_option(label="New business")
    page.get_by_role("button", name="Continue to review").click()

    # the owner leaves between the review and the launch
    expect(page.get_by_text("Everything is ready.")).to_be_visible()
    users = pipedrive.catalogue.users
    pipedrive.catalogue = replace(pipedrive.catalogue, users=users[1:])
    apart(pipedrive.show, connection)
    page.get_by_role("button", name="Launch").click()
    summary = page.get_by_role("alert").filter(has_text="1 thing to fix")
    expect(summary).to_be_visible()
    visitor.faults.clear()
    visitor.looks_well("refused-launch")
    summary.get_by_role("link", name=re.compile("user")).click()
    page.get_by_label("Owner in Pipedrive").select_option(label="Tomás Ferreira")
    onward.click()
    page.get_by_role("link", name="Review and launch").click()
    page.get_by_role("button", name="Launch").click()
    page.get_by_role("link", name="Not now").click()

    made = Connection.objects.get()
    settings = made.get_settings()
    assert made.status == Status.ACTIVE
    assert settings.owner_id == "12"
    assert settings.mappings[-1] == FieldMapping("custom.team_size", SEATS)
    assert settings.constants == (Constant(Side.PIPEDRIVE, "b" * 40, "5"),)
    assert settings.automations[0].actions == (Action(ActionKind.CREATE_DEAL, "1"),)
    assert ProspectList.objects.get(name="From Pipedrive").pk == int(settings.sync_to_list or 0)


def test_a_company_that_is_connected_already_is_not_connected_twice(
    visitor: Visitor, connection: Connection, pipedrive: FakePipedrive
) -> None:
    page = visitor.page
    visitor.sign_in()
    apart(make_link, connection, 1, 2)
    Connection.objects.update(
        status=Status.ACTIVE.value, reason="", launched_at="2026-03-01T00:00Z", settings_version=7
    )
    visitor.sends_token()
    expect(page.get_by_text(AGAIN)).to_be_visible()
    visitor.looks_well("connected-already")

    same = Connection.objects.get()
    assert (same.pk, same.settings_version, same.status) == (connection.pk, 7, Status.ACTIVE)
    assert same.links.count() == 1


def test_two_who_make_the_same_prospect_field_are_told(
    visitor: Visitor, connection: Connection, pipedrive: FakePipedrive
) -> None:
    """The second press, from a page that does not know of the first."""
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/setup/data/")
    other = page.context.new_page()
    other.goto(page.url)
    for one in (page, other):
        one.get_by_role("button", name="Add a field").click()
        one.get_by_label("Or make a prospect field for").select_option(label="Lead source")
    page.get_by_role("button", name="Create in Tidegate Prospects").click()
    expect(page.get_by_text("is there now, in Tidegate Prospects.")).to_be_visible()
    other.get_by_role("button", name="Create in Tidegate Prospects").click()
    expect(other.get_by_text("There is a field")).to_be_visible()
    assert CustomField.objects.filter(name="Lead source").count() == 1
