"""The settings later on: fields made on the spot, a file that is exported, changed and applied, what vanished and is mended."""

import io
import re
from dataclasses import replace
from pathlib import Path

from django.core.management import call_command
from playwright.sync_api import expect

from tests.builders import make_change, make_link
from tests.e2e.conftest import Visitor, apart
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.core.connection import Reason, Status
from tidegate.core.records import Side
from tidegate.core.settings import FieldMapping, settings_to_json
from tidegate.prospects.models import CustomField, ProspectList
from tidegate.store.models import Connection

HEADCOUNT, SEATS = "b" * 40, "d" * 40


def ready(connection: Connection) -> ProspectList:
    """A launched connection whose settings are complete."""
    founders = ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    apart(FakePipedrive().show, connection)
    settings = replace(connection.get_settings(), sync_to_list=str(founders.pk))
    Connection.objects.filter(pk=connection.pk).update(
        settings=settings_to_json(settings),
        status=Status.ACTIVE.value,
        reason="",
        launched_at="2026-03-01T00:00Z",
    )
    return founders


def test_missing_fields_and_options_are_made_from_the_mapping(
    visitor: Visitor, connection: Connection, pipedrive: FakePipedrive
) -> None:
    page = visitor.page
    visitor.sign_in()
    ready(connection)
    visitor.open(f"/connections/{connection.pk}/settings/")

    page.get_by_role("button", name="Add a field").click()
    page.get_by_role("combobox", name="Prospect field, row 7").select_option(label="Met on")
    expect(page.get_by_text("Pipedrive has no free field of this type")).to_be_visible()
    visitor.looks_well("mapping-make-in-pipedrive")
    page.get_by_label("Name of the new Pipedrive field for Met on").fill("First met")
    page.get_by_role("button", name="Create in Pipedrive").click()
    expect(page.get_by_text("The field “First met” is there now, in Pipedrive.")).to_be_visible()
    expect(
        page.get_by_role("combobox", name="Pipedrive field for Met on").locator("option:checked")
    ).to_have_text("First met")

    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Or make a prospect field for").select_option(label="Lead source")
    page.get_by_role("button", name="Create in Tidegate Prospects").click()
    expect(page.get_by_text("The field “Lead source” is there now, in Tidegate Prospects.")).to_be_visible()

    page.get_by_role("button", name="Add a field").click()
    page.get_by_role("combobox", name="Prospect field, row 9").select_option(label="Industry")
    page.get_by_role("combobox", name="Pipedrive field for Industry").select_option(label="Industry")
    expect(page.get_by_text("Pipedrive lacks “Energy”")).to_be_visible()
    visitor.looks_well("mapping-missing-options")
    page.get_by_role("button", name="Add to Pipedrive").click()
    expect(page.get_by_text("Added to “Industry” in Pipedrive: “Energy”.")).to_be_visible()
    page.get_by_role("button", name="Add to the prospect field").click()
    expect(page.get_by_text("Added to “Industry” in Tidegate Prospects: “Health”.")).to_be_visible()

    page.get_by_label("Only people matching").select_option(label="Pipedrive filter: Marketing allowed")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    connection.refresh_from_db()
    settings = connection.get_settings()
    assert settings.filter_id == "21"
    assert [m.outreach for m in settings.mappings[-3:]] == [
        "custom.met_on",
        "custom.lead_source",
        "custom.industry",
    ]
    assert CustomField.objects.get(key="industry").options[-1] == "Health"


def test_settings_are_exported_changed_applied_and_seen_in_the_page(
    visitor: Visitor, connection: Connection, pipedrive: FakePipedrive, tmp_path: Path
) -> None:
    page = visitor.page
    visitor.sign_in()
    ready(connection)
    visitor.open(f"/connections/{connection.pk}/settings/")
    expect(page.get_by_label("Two-way")).to_be_checked()

    file = tmp_path / "settings.toml"
    apart(call_command, "settings", "export", str(file), stdout=io.StringIO())
    text = file.read_text().replace('direction = "two_way"', 'direction = "from_pipedrive"')
    text = text.replace("only_with_email = true", "only_with_email = false")
    text = text.replace("[[mappings]]", 'filter = { id = "", name = "My open deals" }\n\n[[mappings]]', 1)
    file.write_text(text.replace('id = ""', 'id = "22"'))
    told = io.StringIO()
    apart(call_command, "settings", "diff", str(file), stdout=told)
    assert "direction: two_way → from_pipedrive" in told.getvalue()
    assert "filter: not set → “My open deals” (22)" in told.getvalue()
    apart(call_command, "settings", "apply", str(file), stdout=io.StringIO())

    page.get_by_label("Only to Pipedrive").check()  # an editor who did not know is told
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else saved these settings meanwhile")
    visitor.faults.clear()  # the browser notes the 409 itself
    visitor.looks_well("settings-outdated")
    page.get_by_role("link", name="Show theirs, drop mine").click()
    expect(page.get_by_label("Only from Pipedrive")).to_be_checked()
    expect(page.get_by_label("Only people matching").locator("option:checked")).to_have_text(
        "Pipedrive filter: My open deals"
    )
    expect(page.locator("#f-only-with-email")).not_to_be_checked()


def test_what_vanished_is_marked_red_mended_and_sync_starts_again(
    visitor: Visitor, connection: Connection, pipedrive: FakePipedrive
) -> None:
    page = visitor.page
    visitor.sign_in()
    founders = ready(connection)
    connection.refresh_from_db()
    settings = connection.get_settings()
    settings = replace(settings, mappings=(*settings.mappings, FieldMapping("custom.team_size", HEADCOUNT)))
    Connection.objects.update(settings=settings_to_json(settings))
    apart(founders.delete)
    pipedrive.delete_field(HEADCOUNT)
    pipedrive.catalogue = replace(pipedrive.catalogue, users=pipedrive.catalogue.users[1:])
    apart(pipedrive.show, connection)
    Connection.objects.filter(pk=connection.pk).update(status=Status.PAUSED.value, reason="")

    visitor.open("/integrations/")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Sync settings")).to_be_visible()
    summary = page.get_by_role("alert").filter(has_text="Connection failed: 3 settings need you")
    expect(summary).to_be_visible()
    visitor.looks_well("settings-errors")
    summary.get_by_role("link", name=re.compile("list no longer exists")).click()
    expect(page.locator("#f-to-list")).to_be_focused()
    page.get_by_label("Sync to list").select_option(label="Create a new list…")
    page.get_by_label("Name of the new list").fill("From Pipedrive")
    page.get_by_label("Owner in Pipedrive").select_option(label="Tomás Ferreira")
    page.get_by_role("button", name="Use Seats").click()
    expect(page.get_by_label("Pipedrive field for Team size")).to_have_value(SEATS)
    page.get_by_role("button", name="Save and start sync").click()
    expect(page.get_by_text("Saved. Live sync is active again.")).to_be_visible()
    connection.refresh_from_db()
    assert (connection.status, connection.reason) == (Status.ACTIVE, Reason.NONE)


def test_a_resume_says_what_waits_and_leaves_it_where_the_member_says_so(
    visitor: Visitor, connection: Connection
) -> None:
    page = visitor.page
    visitor.sign_in()
    ready(connection)
    Connection.objects.filter(pk=connection.pk).update(status=Status.PAUSED.value)
    apart(make_link, connection, 1, 10)
    for number in (1, 1, 2, 3):
        apart(make_change, connection, number)
    apart(make_change, connection, 10, side=Side.PIPEDRIVE)
    visitor.open(f"/connections/{connection.pk}/resume/")
    waits = page.get_by_role("region", name="What catching up would look at")
    expect(waits.get_by_role("listitem").filter(has_text="New prospects")).to_contain_text("2")
    expect(waits.get_by_role("listitem").filter(has_text="Changed prospects")).to_contain_text("1")
    expect(waits.get_by_role("listitem").filter(has_text="Changed people")).to_contain_text("1")
    visitor.looks_well("resume-what-waits")
    page.get_by_label("Leave them").check()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Live sync is active.")).to_be_visible()
    connection.refresh_from_db()
    assert connection.left_upto == connection.changes.latest("pk").pk, (
        "the lane leaves what came before the resume"
    )
    assert connection.links.filter(person_id="10").exists()
