"""The story of a transfer in a real browser: choose, preview, run with a pause, report, undo with its preview and report."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.builders import field_change, make_attention, make_prospect, make_transfer_record, refused_value
from tests.e2e.conftest import Visitor, apart
from tests.e2e.test_every_day import enter, live
from tidegate.core.connection import Status
from tidegate.core.settings import NO_ADDRESS
from tidegate.prospects.models import Prospect
from tidegate.store.models import Connection, Transfer
from tidegate.store.transfers import finish_transfer

pytestmark = pytest.mark.django_db(transaction=True)

PLANNED = {
    "persons_created": 2,
    "persons_updated": 2,
    "organizations_created": 1,
    "conflicts": 1,
}
CONFLICT = field_change(
    "Job title", "Technical director", "CTO", side="pipedrive", conflict=True, lost="Technical director"
)
PHONE = field_change("Phone", None, "+358 9 555 0148", side="pipedrive")
BEHIND = {"reason": "Lead source: “Retail” is not one of its options.", "refusals": [refused_value()]}
NEW = "No person has its address."


PEOPLE = {
    "Priya Raman": "priya@looplane.example",
    "Kateryna Bondar": "kateryna@vesna.example",
    "Jonas Brandt": "j.brandt@kessler-werkzeug.example",
    "Signe Aaltonen": "signe@polarnote.example",
    "Nora Nil": "",
}


def known_as(transfer: Transfer, name: str) -> dict[str, str]:
    """Source id and name of the prospect of this name, who is made when first asked for."""
    first, last = name.split()
    workspace = transfer.connection.workspace
    found = Prospect.objects.filter(workspace_id=workspace.pk, first_name=first, last_name=last).last()
    prospect = found or make_prospect(workspace, first_name=first, last_name=last, email=PEOPLE[name])
    return {"source_id": str(prospect.pk), "name": name}


def planned(preview: Transfer) -> None:
    """What a worker would have counted."""
    told: dict[str, dict[str, Any]] = {
        "Priya Raman": {"changes": [field_change("Email", None, PEOPLE["Priya Raman"])], "reason": NEW},
        "Kateryna Bondar": {"reason": NEW},
        "Jonas Brandt": {"outcome": "updated", "changes": [CONFLICT]},
        "Signe Aaltonen": {"outcome": "updated", "changes": [PHONE], **BEHIND},
        "Nora Nil": {"outcome": "skipped", "reason": NO_ADDRESS},
    }
    for name, facts in told.items():
        make_transfer_record(preview, **known_as(preview, name), **facts)
    counts = {"created": 2, "updated": 2, "skipped": 1, "total": 5, "planned": PLANNED}
    Transfer.objects.filter(pk=preview.pk).update(state="ready", finished_at=timezone.now(), **counts)


def done(transfer: Transfer) -> None:
    """What a worker would have left behind."""
    transfer.records.all().delete()
    rows: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Priya Raman", {"outcome": "created", "target_id": "21"}),
        ("Jonas Brandt", {"outcome": "updated", "target_id": "23", "changes": [CONFLICT]}),
        ("Signe Aaltonen", {"outcome": "updated", "target_id": "24", "changes": [PHONE], **BEHIND}),
        ("Nora Nil", {"outcome": "skipped", "reason": NO_ADDRESS}),
    )
    for name, facts in rows:
        make_transfer_record(transfer, **known_as(transfer, name), **facts)
    reason = "Company: longer than the 255 characters Pipedrive takes."
    kateryna = known_as(transfer, "Kateryna Bondar")
    make_transfer_record(transfer, **kateryna, outcome="failed", reason=reason)
    cure = "Correct the value, then retry. The other fields are in step."
    make_attention(
        transfer.connection,
        prospect_id=kateryna["source_id"],
        record_name=kateryna["name"],
        message=reason,
        cure=cure,
    )
    counts = {"created": 1, "updated": 2, "unchanged": 0, "skipped": 1, "failed": 1, "tokens": 45}
    Transfer.objects.filter(pk=transfer.pk).update(**counts)
    finish_transfer(str(transfer.pk), "done", timezone.now())


def half_done(transfer: Transfer) -> None:
    """Two records are written, and the pace dipped once."""
    for name, outcome, changes in (
        ("Priya Raman", "created", []),
        ("Jonas Brandt", "updated", [CONFLICT]),
    ):
        make_transfer_record(transfer, **known_as(transfer, name), outcome=outcome, changes=changes)
    pace = [[0, 0], [5, 40], [10, 90], [15, 140], [20, 150], [25, 200], [30, 252]]
    Transfer.objects.filter(pk=transfer.pk).update(created=1, updated=1, tokens=20, pace=pace)


def taken_back(undo: Transfer) -> None:
    """What became of each record, in the preview as in the undo itself."""
    back = field_change("Job title", "CTO", "Technical director", side="pipedrive")
    told: dict[str, dict[str, Any]] = {
        "Priya Raman": {"outcome": "deleted", "reason": "Created by the transfer in Pipedrive."},
        "Jonas Brandt": {"outcome": "restored", "changes": [back]},
        "Signe Aaltonen": {"outcome": "kept", "reason": "Phone was changed since."},
    }
    for name, facts in told.items():
        make_transfer_record(undo, **known_as(undo, name), **facts)


def undo_planned(undo: Transfer) -> None:
    taken_back(undo)
    counts = {"deleted": 140, "restored": 1, "kept": 1, "total": 142}
    work = {"persons_deleted": 140, "persons_updated": 1, "looks": 2, "look_tokens": 20}
    Transfer.objects.filter(pk=undo.pk).update(
        state="ready", finished_at=timezone.now(), planned=work, **counts
    )


def gap_after_the_time(page: Page) -> float:
    """Pixels between the time of the newest record and its result, on a wide screen, also for one of yesterday."""
    page.set_viewport_size({"width": 1440, "height": 900})
    row = page.locator("#transfer-log tbody tr").first
    row.locator("time").evaluate("time => time.textContent = '28 Nov 23:58:58'")
    time, result = row.locator("time").bounding_box(), row.locator(".badge").bounding_box()
    assert time and result
    return result["x"] - time["x"] - time["width"]


def test_a_transfer_is_previewed_run_paused_reported_and_undone(
    visitor: Visitor, connection: Connection
) -> None:
    page = visitor.page
    live(connection)
    enter(visitor, connection, "transfers")
    page.get_by_label("To Pipedrive").check()
    visitor.looks_well("story-transfer-1-choose")

    page.get_by_role("button", name="Preview the transfer").click()
    expect(page.get_by_role("heading", name="Preview: to Pipedrive")).to_be_visible()
    preview = connection.transfers.get()
    planned(preview)
    page.reload()
    expect(page.get_by_text("Nothing has been written.")).to_be_visible()
    expect(page.locator("#records")).to_contain_text("Technical director")
    expect(page.locator("#refused")).to_contain_text("1 record would travel without one of its values")
    expect(page.locator("#refused")).to_contain_text("“Retail” is not one of its options")
    visitor.looks_well("story-transfer-2-preview")
    page.get_by_role("link", name="Conflict").click()
    expect(page.locator("#records summary")).to_have_count(1)

    page.get_by_role("button", name="Start transfer").click()
    expect(page.get_by_role("heading", name="Transferring to Pipedrive")).to_be_visible()
    apart(half_done, preview)
    expect(
        page.get_by_role("img", name="Records a second since the start: between 2.0 and 10.4")
    ).to_be_visible()
    expect(page.get_by_text("2 of 5 records")).to_be_visible()
    assert gap_after_the_time(page) >= 8
    visitor.looks_well("story-transfer-3-progress")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Transfer paused")).to_be_visible()
    visitor.looks_well("story-transfer-4-paused")
    page.get_by_role("button", name="Continue").click()

    apart(done, preview)
    expect(page.get_by_role("heading", name="Transferred to Pipedrive")).to_be_visible()
    connection.refresh_from_db()
    assert connection.status == Status.ACTIVE
    expect(page.get_by_role("button", name="Retry Kateryna Bondar")).to_be_visible()
    expect(page.locator("#records")).to_contain_text("Correct the value, then retry.")
    expect(page.locator("#refused")).to_contain_text("1 record travelled without one of its values")
    visitor.looks_well("story-transfer-5-report")

    page.get_by_role("button", name="Undo transfer").click()
    dialog = page.get_by_role("dialog", name="Undo this transfer?")
    expect(dialog.get_by_role("button", name="Keep the transfer")).to_be_focused()
    expect(dialog.get_by_role("definition")).to_have_text(["was created by it", "got other values"])
    dialog.get_by_label("Also delete the people and organizations it created in Pipedrive").check()
    visitor.looks_well("story-transfer-6-undo")
    dialog.get_by_role("button", name="Preview undo").click()
    expect(page.get_by_role("heading", name="Preview of the undo")).to_be_visible()
    undo = preview.undos.get()
    assert undo.delete_created
    undo_planned(undo)
    page.reload()
    visitor.looks_well("story-transfer-7-undo-preview")

    page.get_by_label("Type 141, the number of records, to confirm").fill("100")
    page.locator("#preview-start").click()
    number = page.get_by_role("textbox", name="Type 141, the number of records, to confirm")
    expect(number).to_be_focused()
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_have_accessible_description("Type 141 to confirm that 141 records are undone.")
    visitor.looks_well("story-transfer-7-undo-wrong-number")
    visitor.faults.clear()  # the browser notes the status itself
    page.get_by_label("Type 141, the number of records, to confirm").fill("141")
    page.locator("#preview-start").click()
    expect(page.get_by_role("heading", name="Undoing the transfer")).to_be_visible()
    undo.refresh_from_db()
    taken_back(undo)
    Transfer.objects.filter(pk=undo.pk).update(deleted=140, restored=1, kept=1)
    apart(finish_transfer, str(undo.pk), "done", timezone.now())
    expect(page.get_by_role("heading", name="The transfer was undone")).to_be_visible()
    page.get_by_role("link", name="Left alone").click()
    expect(page.get_by_text("Phone was changed since.")).to_be_visible()
    visitor.looks_well("story-transfer-8-undo-report")
    preview.refresh_from_db()
    assert preview.state == "undone"


def test_only_the_ticked_records_of_a_preview_are_transferred(
    visitor_without_scripts: Visitor, connection: Connection
) -> None:
    """A handful first; a form, so it needs no scripts."""
    visitor, page = visitor_without_scripts, visitor_without_scripts.page
    live(connection)
    enter(visitor, connection, "transfers")
    page.get_by_role("button", name="Preview the transfer").click()
    preview = connection.transfers.get()
    planned(preview)
    page.reload()

    page.get_by_label("Choose Priya Raman").check()
    page.get_by_role("button", name="Transfer only the chosen ones").click()

    expect(page.get_by_role("heading", name="Transferring to Pipedrive")).to_be_visible()
    preview.refresh_from_db()
    assert (preview.state, preview.total) == ("running", 1)
    assert list(preview.records.values_list("name", "outcome")) == [("Priya Raman", "waiting")]
