"""From *Not connected* to *Active* in a browser: as most people do, by keyboard alone, without scripts, and through errors."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SIZES, Visitor, apart
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.core.connection import Status
from tidegate.core.records import Side
from tidegate.core.settings import Constant, FieldMapping
from tidegate.errors import Invalid
from tidegate.prospects.models import ProspectList
from tidegate.store.models import Connection, Workspace

HEADCOUNT, LEAD_SOURCE, SEATS = "b" * 40, "c" * 40, "d" * 40


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_somebody_new_gets_to_active_alone(
    visitor: Visitor, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    page = visitor.page
    visitor.sign_in()
    expect(page.get_by_role("link", name="Use a personal API token")).to_be_visible()
    visitor.sends_token()
    expect(page.get_by_role("heading", name="Pipedrive is connected")).to_be_visible()
    visitor.looks_well("setup-connected")
    page.get_by_role("link", name="Continue to direction").click()
    expect(page.get_by_label("Two-way")).to_be_checked()
    page.get_by_label("Only from Pipedrive").check()
    expect(page.get_by_text("If both apps change the same field")).to_be_hidden()
    expect(page.get_by_text("It is overwritten only when the value in Pipedrive changes")).to_be_visible()
    page.get_by_label("Two-way").check()
    page.get_by_role("button", name="Continue to data exchange").click()

    # the list is missing: said on top, at its place and in the steps; then made on the spot
    page.get_by_role("button", name="Continue to constants").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("1 thing to fix")
    expect(summary).to_be_focused()
    visitor.faults.clear()  # the browser notes the 422 itself
    visitor.looks_well("setup-data-missing")
    summary.get_by_role("link").click()
    assert focused(page) == "f-to-list"
    expect(page.get_by_label("Name of the new list")).to_be_hidden()
    page.get_by_label("Sync to list").select_option(label="Create a new list…")
    page.get_by_label("Name of the new list").fill("From Pipedrive")

    # a field more
    page.get_by_role("button", name="Add a field").click()
    expect(page.get_by_role("combobox", name="Prospect field, row 7")).to_be_focused()
    expect(page.get_by_role("button", name="Add a field")).to_be_disabled()
    page.get_by_role("combobox", name="Prospect field, row 7").dispatch_event("pointerdown")
    page.get_by_role("combobox", name="Prospect field, row 7").select_option(label="Team size")
    right = page.get_by_role("combobox", name="Pipedrive field for Team size")
    expect(right).to_be_focused()
    expect(right.locator("option")).to_have_text(["Choose a field of type Number", "Headcount", "Seats"])
    visitor.looks_well("setup-data-adding")
    right.select_option(label="Seats")
    expect(page.get_by_role("button", name="Add a field")).to_be_enabled()
    page.get_by_role("button", name="Remove Position").click()
    expect(page.get_by_role("combobox", name="Prospect field, row 6")).to_have_value("custom.team_size")
    expect(page.get_by_label("Name of the new list")).to_have_value("From Pipedrive")
    page.get_by_role("button", name="Continue to constants").click()

    # a constant, wrong at first
    in_pipedrive = page.get_by_role("region", name="In Pipedrive")
    in_pipedrive.get_by_label("Constant field").select_option(label="Headcount (Number)")
    in_pipedrive.get_by_label("Constant value").fill("many")
    page.get_by_role("button", name="Continue to automations").click()
    expect(page.get_by_role("alert")).to_contain_text("The value doesn’t fit “Headcount”: not a number.")
    visitor.faults.clear()
    visitor.looks_well("setup-constants-wrong")
    in_pipedrive.get_by_label("Constant field").select_option(label="Lead source (Text)")
    in_pipedrive.get_by_label("Constant value").fill("Tidegate")
    in_pipedrive.get_by_label("Constant value").press("Tab")
    expect(
        page.get_by_text("When someone is created in Pipedrive, Lead source becomes Tidegate")
    ).to_be_visible()
    visitor.looks_well("setup-constants-chosen")
    page.get_by_role("button", name="Continue to automations").click()
    page.get_by_role("button", name="Continue to review").click()

    expect(page.get_by_text("Everything is ready.")).to_be_visible()
    visitor.looks_well("setup-review-ready")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("dialog", name="Bring over what you already have?")).to_be_visible()
    expect(page.get_by_role("link", name="Set up a transfer")).to_be_focused()
    visitor.looks_well("setup-launched")
    page.keyboard.press("Shift+Tab")  # the page behind the question is out of reach
    expect(page.get_by_role("link", name="Not now")).to_be_focused()
    page.keyboard.press("Escape")
    page.wait_for_url("**/connections/*/")

    made = Connection.objects.get()
    settings = made.get_settings()
    assert made.status == Status.ACTIVE
    assert settings.sync_to_list == str(ProspectList.objects.get(name="From Pipedrive").pk)
    assert settings.mappings[4:] == (FieldMapping("phone", "phone"), FieldMapping("custom.team_size", SEATS))
    assert settings.constants == (Constant(Side.PIPEDRIVE, LEAD_SOURCE, "Tidegate"),)


def test_everything_works_without_scripts(
    visitor_without_scripts: Visitor, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    visitor, page = visitor_without_scripts, visitor_without_scripts.page
    visitor.sign_in()
    visitor.sends_token()
    page.get_by_role("link", name="Continue to direction").click()
    page.get_by_role("button", name="Continue to data exchange").click()
    page.get_by_label("Sync to list").select_option(label="Create a new list…")
    page.get_by_label("Name of the new list").fill("From Pipedrive")
    page.get_by_role("button", name="Add a field").click()
    page.get_by_role("combobox", name="Prospect field, row 7").select_option(label="Team size")
    page.get_by_role("button", name="Show the fields that fit").click()
    page.get_by_role("combobox", name="Pipedrive field for Team size").select_option(label="Seats")
    page.get_by_role("button", name="Remove Phone").click()
    page.get_by_role("button", name="Continue to constants").click()
    in_pipedrive = page.get_by_role("region", name="In Pipedrive")
    in_pipedrive.get_by_label("Constant field").select_option(label="Lead source (Text)")
    in_pipedrive.get_by_role("button", name="Enter its value").click()
    in_pipedrive.get_by_label("Constant value").fill("Tidegate")
    page.get_by_role("button", name="Continue to automations").click()
    page.get_by_role("button", name="Continue to review").click()
    page.get_by_role("button", name="Launch").click()
    page.get_by_role("link", name="Not now").click()
    settings = Connection.objects.get().get_settings()
    assert settings.mappings[4:] == (
        FieldMapping("job_title", "job_title"),
        FieldMapping("custom.team_size", SEATS),
    )
    assert settings.constants == (Constant(Side.PIPEDRIVE, LEAD_SOURCE, "Tidegate"),)


@pytest.mark.parametrize("size", SIZES)
def test_the_data_step_can_be_done_by_keyboard_alone(
    visitor: Visitor, connection: Connection, size: str
) -> None:
    ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    apart(FakePipedrive().show, connection)
    page = visitor.page
    visitor.sign_in()
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    visitor.open(f"/connections/{connection.pk}/setup/data/")
    tab_to(page, "f-to-list")
    page.keyboard.type("Founders")
    tab_to(page, "add-field")
    page.keyboard.press("Enter")
    expect(page.locator("#left-2")).to_be_focused()
    page.keyboard.type("Team")
    expect(page.locator("#right-2")).to_be_enabled()
    expect(page.locator("#left-2")).to_be_focused()  # whoever types is not moved along
    expect(page.locator("#left-2")).to_be_in_viewport()
    tab_to(page, "right-2")
    page.keyboard.type("Head")
    expect(page.locator("#add-field")).to_be_enabled()
    expect(page.locator("#right-2")).to_be_focused()
    expect(page.locator("#right-2")).to_be_in_viewport()
    tab_to(page, "f-only-with-email")
    page.keyboard.press("Space")
    expect(page.get_by_text("look for duplicates afterwards")).to_be_visible()
    page.keyboard.press("Enter")  # sends the form from any of its fields
    page.wait_for_url("**/setup/constants/")
    connection.refresh_from_db()
    settings = connection.get_settings()
    assert settings.mappings[-1] == FieldMapping("custom.team_size", HEADCOUNT)
    assert settings.only_with_email is False


def tab_to(page: Page, wanted: str) -> None:
    """Presses Tab until this control has the focus; every stop on the way must be visible."""
    for _stop in range(80):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "(() => { const e = document.activeElement, r = e.getBoundingClientRect();"
            " return [e.id, r.width > 0 && r.bottom > 0 && r.top < innerHeight]; })()"
        )
        assert seen[1], f"the focus is not in sight at “{seen[0]}”"
        if seen[0] == wanted:
            return
    raise AssertionError(f"Tab never reaches {wanted}")


def test_a_refused_token_is_said_and_the_right_one_connects(
    visitor: Visitor, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    visitor.sign_in()
    pipedrive.ends_with = Invalid(errors={"api_token": ["Pipedrive does not accept this token."]})
    visitor.sends_token("wrong")
    expect(visitor.page.get_by_role("alert")).to_be_focused()
    visitor.faults.clear()  # the browser notes the 422 itself
    visitor.looks_well("connect-token-refused")
    visitor.sends_token()
    expect(visitor.page.get_by_role("heading", name="Pipedrive is connected")).to_be_visible()


def test_two_editors_do_not_overwrite_each_other(visitor: Visitor, connection: Connection) -> None:
    ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    apart(FakePipedrive().show, connection)
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/settings/")
    other = page.context.new_page()
    other.goto(page.url)

    page.get_by_label("Owner in Pipedrive").select_option(label="Tomás Ferreira")
    page.get_by_label("Sync to list").select_option(label="Founders")
    expect(page.get_by_text("2 unsaved changes")).to_be_visible()
    visitor.looks_well("settings-changed")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()

    other.get_by_label("Only from Pipedrive").check()
    expect(other.get_by_label("Owner in Pipedrive")).to_be_hidden()
    other.get_by_role("button", name="Save changes").click()
    expect(other.get_by_role("alert")).to_contain_text("Somebody else saved these settings meanwhile")
    expect(other.get_by_label("Only from Pipedrive")).to_be_checked()
    other.get_by_role("link", name="Show theirs, drop mine").click()
    expect(other.get_by_label("Two-way")).to_be_checked()
    expect(other.get_by_label("Owner in Pipedrive")).to_have_value("12")
    other.get_by_label("Only from Pipedrive").check()
    other.get_by_role("button", name="Save changes").click()
    expect(other.get_by_text("Saved.", exact=True)).to_be_visible()
    connection.refresh_from_db()
    settings = connection.get_settings()
    assert (settings.direction, settings.owner_id) == ("from_pipedrive", "12")


def test_menus_open_and_close_by_keyboard_and_the_rail_works_on_a_phone(
    visitor: Visitor, connection: Connection
) -> None:
    page = visitor.page
    visitor.sign_in()
    more = page.locator("summary", has_text=re.compile("More for Pipedrive"))
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Disconnect…")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Disconnect…")).to_be_hidden()
    expect(more).to_be_focused()

    page.set_viewport_size({"width": 375, "height": 812})
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("link", name="Sync settings").click()
    expect(page.get_by_role("heading", name="Sync settings")).to_be_visible()

    sections = page.get_by_role("navigation", name="Settings sections")
    expect(sections.get_by_role("link", name="Status")).to_have_attribute("aria-current", "true")
    page.locator("#automations").evaluate("section => section.scrollIntoView()")
    marked = sections.locator("[aria-current]")
    expect(marked).to_have_text("Automations")
    expect(marked).to_be_in_viewport()


def test_disconnecting_asks_first(visitor: Visitor, connection: Connection) -> None:
    page = visitor.page
    visitor.sign_in()
    page.locator("summary", has_text=re.compile("More for Pipedrive")).click()
    page.get_by_role("link", name="Disconnect…").click()
    page.get_by_role("link", name="Keep connected").click()
    expect(page.get_by_role("link", name="Continue set-up")).to_be_visible()
    page.locator("summary", has_text=re.compile("More for Pipedrive")).click()
    page.get_by_role("link", name="Disconnect…").click()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Nothing was deleted in either app.")).to_be_visible()
    expect(page.get_by_role("link", name="Connect", exact=True)).to_be_visible()
