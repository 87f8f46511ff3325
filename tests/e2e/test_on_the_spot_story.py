"""From nothing to *Active* with everything made on the spot, by keyboard alone and without scripts: a list, fields on either side,
and the options that either side lacks."""

from playwright.sync_api import Page, expect

from tests.builders import PASSWORD
from tests.e2e.conftest import Visitor
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.core.connection import Status
from tidegate.core.settings import FieldMapping
from tidegate.prospects.models import CustomField, ProspectList
from tidegate.store import catalogues
from tidegate.store.models import Connection, Workspace

INDUSTRY, LEAD_SOURCE = "a" * 40, "c" * 40
FIELD_MADE = "The field “First met” is there now, in Pipedrive."
COPY_MADE = "The field “Lead source” is there now, in Tidegate Prospects."
ADDED_THERE = "Added to “Industry” in Pipedrive: “Energy”."
ADDED_HERE = "Added to “Industry” in Tidegate Prospects: “Health”."


def expect_all_made_and_active() -> None:
    """What the two stories below end with, in the settings and on either side."""
    connection = Connection.objects.get()
    settings, pipedrive = connection.get_settings(), catalogues.pipedrive_catalogue(connection)
    assert connection.status == Status.ACTIVE
    assert settings.sync_to_list == str(ProspectList.objects.get(name="From Pipedrive").pk)
    first_met = next(field for field in pipedrive.fields if field.name == "First met")
    assert settings.mappings[-3:] == (
        FieldMapping("custom.met_on", first_met.key),
        FieldMapping("custom.lead_source", LEAD_SOURCE),
        FieldMapping("custom.industry", INDUSTRY),
    )
    industry = pipedrive.field(INDUSTRY)
    assert industry is not None
    there = {option.label for option in industry.options}
    here = set(CustomField.objects.get(key="industry").options)
    assert there == here == {"Software", "Retail", "Energy", "Health"}


def test_everything_is_made_on_the_spot_without_scripts(
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
    page.get_by_role("combobox", name="Prospect field, row 7").select_option(label="Met on")
    page.get_by_role("button", name="Show the fields that fit").click()
    page.get_by_label("Name of the new Pipedrive field for Met on").fill("First met")
    visitor.pictured("no-scripts-make-in-pipedrive")
    page.get_by_role("button", name="Create in Pipedrive").click()
    expect(page.get_by_text(FIELD_MADE)).to_be_visible()

    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Or make a prospect field for").select_option(label="Lead source")
    page.get_by_role("button", name="Create in Tidegate Prospects").click()
    expect(page.get_by_text(COPY_MADE)).to_be_visible()

    page.get_by_role("button", name="Add a field").click()
    page.get_by_role("combobox", name="Prospect field, row 9").select_option(label="Industry")
    page.get_by_role("button", name="Show the fields that fit").click()
    page.get_by_role("combobox", name="Pipedrive field for Industry").select_option(label="Industry")
    page.get_by_role("button", name="Compare the options").click()
    visitor.pictured("no-scripts-missing-options")
    page.get_by_role("button", name="Add to Pipedrive").click()
    expect(page.get_by_text(ADDED_THERE)).to_be_visible()
    page.get_by_role("button", name="Add to the prospect field").click()
    expect(page.get_by_text(ADDED_HERE)).to_be_visible()
    visitor.pictured("no-scripts-all-made")

    page.get_by_role("button", name="Continue to constants").click()
    page.get_by_role("button", name="Continue to automations").click()
    page.get_by_role("button", name="Continue to review").click()
    page.get_by_role("button", name="Launch").click()
    page.get_by_role("link", name="Not now").click()
    expect_all_made_and_active()


def test_everything_is_made_on_the_spot_by_keyboard_alone(
    visitor: Visitor, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    page = visitor.page
    visitor.open("/login/")
    typed(page, "E-mail address", "alice@northlight.example")
    typed(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/integrations/")
    pressed(page, "Use a personal API token")
    typed(page, "Company domain", "northlight")
    typed(page, "Personal API token", "t" * 40)
    page.keyboard.press("Enter")
    pressed(page, "Continue to direction")
    pressed(page, "Continue to data exchange")
    typed(page, "Sync to list", "Create a new")
    typed(page, "Name of the new list", "From Pipedrive")

    pressed(page, "Add a field")
    expect(page.locator("#left-2")).to_be_focused()
    page.keyboard.type("Met")
    expect(page.get_by_text("Pipedrive has no free field of this type")).to_be_visible()
    typed(page, "Name of the new Pipedrive field for Met on", "First met")
    visitor.pictured("keyboard-make-in-pipedrive")
    pressed(page, "Create in Pipedrive")
    expect(page.get_by_text(FIELD_MADE)).to_be_visible()

    pressed(page, "Add a field")
    typed(page, "Or make a prospect field for", "Lead")
    pressed(page, "Create in Tidegate Prospects")
    expect(page.get_by_text(COPY_MADE)).to_be_visible()

    pressed(page, "Add a field")
    expect(page.locator("#left-4")).to_be_focused()
    page.keyboard.type("Indu")
    expect(page.locator("#right-4")).to_be_enabled()
    typed(page, "Pipedrive field for Industry", "Indu")
    expect(page.get_by_text("Pipedrive lacks “Energy”")).to_be_visible()
    pressed(page, "Add to Pipedrive")
    expect(page.get_by_text(ADDED_THERE)).to_be_visible()
    pressed(page, "Add to the prospect field")
    expect(page.get_by_text(ADDED_HERE)).to_be_visible()
    visitor.looks_well("keyboard-all-made")

    for button in ("constants", "automations", "review"):
        pressed(page, f"Continue to {button}")
        page.wait_for_url(f"**/setup/{button}/")
    pressed(page, "Launch")
    expect(page.get_by_role("dialog", name="Bring over what you already have?")).to_be_visible()
    pressed(page, "Not now")
    page.wait_for_url("**/connections/*/")
    expect_all_made_and_active()


FOCUSED = """(() => {
  const e = document.activeElement, r = e.getBoundingClientRect();
  const name = e.getAttribute("aria-label") || (e.labels && e.labels.length ? e.labels[0].innerText : e.innerText) || "";
  return [name.trim(), r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight];
})()"""


def reached(page: Page, name: str) -> None:
    """Presses Tab until the control of this name has the focus; each stop on the way must be in sight."""
    expect(page.get_by_text(name).or_(page.get_by_label(name)).first).to_be_attached()
    for _stop in range(150):
        page.keyboard.press("Tab")
        there, in_sight = page.evaluate(FOCUSED)
        assert in_sight or not there, f"the focus is not in sight at “{there}”"
        if there.startswith(name):
            return
    raise AssertionError(f"Tab never reaches “{name}”")


def pressed(page: Page, name: str) -> None:
    reached(page, name)
    page.keyboard.press("Enter")


def typed(page: Page, name: str, text: str) -> None:
    """Into a text field in place of what it holds, or to choose by the first letters."""
    reached(page, name)
    if page.evaluate("document.activeElement.matches('input')"):
        page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)
