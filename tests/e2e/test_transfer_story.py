"""The story of a transfer in a real browser: choose, preview, run with a pause, report, undo with its preview and report."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.builders import field_change, make_attention, make_transfer_record
from tests.e2e.conftest import Visitor, apart
from tests.e2e.test_every_day import enter, live
from tidegate.core.connection import Status
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


def planned(preview: Transfer) -> None:
    """What a worker would have counted."""
    make_transfer_record(
        preview,
        source_id="1",
        name="Priya Raman",
        changes=[field_change("Email", None, "priya@looplane.example")],
        reason="No person has its address.",
    )
    make_transfer_record(preview, source_id="2", name="Kateryna Bondar", reason="No person has its address.")
    make_transfer_record(preview, source_id="3", name="Jonas Brandt", outcome="updated", changes=[CONFLICT])
    make_transfer_record(preview, source_id="4", name="Signe Aaltonen", outcome="updated", changes=[PHONE])
    make_transfer_record(
        preview, source_id="5", name="Nora Nil", outcome="skipped", reason="It has no e-mail address."
    )
    counts = {"created": 2, "updated": 2, "skipped": 1, "total": 5, "planned": PLANNED}
    Transfer.objects.filter(pk=preview.pk).update(state="ready", finished_at=timezone.now(), **counts)


def done(transfer: Transfer) -> None:
    """What a worker would have left behind."""
    transfer.records.all().delete()
    rows = (
        ("1", "Priya Raman", "created"),
        ("3", "Jonas Brandt", "updated"),
        ("4", "Signe Aaltonen", "updated"),
    )
    for source_id, name, outcome in rows:
        changes = {"3": [CONFLICT], "4": [PHONE]}.get(source_id, [])
        make_transfer_record(
            transfer,
            source_id=source_id,
            target_id=f"2{source_id}",
            name=name,
            outcome=outcome,
            changes=changes,
        )
    reason = "Company: longer than the 255 characters Pipedrive takes."
    make_transfer_record(transfer, source_id="2", name="Kateryna Bondar", outcome="failed", reason=reason)
    cure = "Correct the value, then retry. The other fields are in step."
    make_attention(
        transfer.connection, prospect_id="2", record_name="Kateryna Bondar", message=reason, cure=cure
    )
    counts = {"created": 1, "updated": 2, "unchanged": 0, "skipped": 1, "failed": 1, "tokens": 45}
    Transfer.objects.filter(pk=transfer.pk).update(**counts)
    finish_transfer(str(transfer.pk), "done", timezone.now())


def half_done(transfer: Transfer) -> None:
    """Two records are written, and the pace dipped once."""
    for source_id, name, outcome, changes in (
        ("1", "Priya Raman", "created", []),
        ("3", "Jonas Brandt", "updated", [CONFLICT]),
    ):
        make_transfer_record(transfer, source_id=source_id, name=name, outcome=outcome, changes=changes)
    pace = [[0, 0], [5, 40], [10, 90], [15, 140], [20, 150], [25, 200], [30, 252]]
    Transfer.objects.filter(pk=transfer.pk).update(created=1, updated=1, tokens=20, pace=pace)


def undo_planned(undo: Transfer) -> None:
    make_transfer_record(
        undo,
        source_id="1",
        name="Priya Raman",
        outcome="deleted",
        reason="Created by the transfer in Pipedrive.",
    )
    back = field_change("Job title", "CTO", "Technical director", side="pipedrive")
    make_transfer_record(undo, source_id="3", name="Jonas Brandt", outcome="restored", changes=[back])
    make_transfer_record(
        undo, source_id="4", name="Signe Aaltonen", outcome="kept", reason="Phone was changed since."
    )
    counts = {"deleted": 140, "restored": 1, "kept": 1, "total": 142}
    work = {"persons_deleted": 140, "persons_updated": 1, "looks": 2, "look_tokens": 20}
    Transfer.objects.filter(pk=undo.pk).update(
        state="ready", finished_at=timezone.now(), planned=work, **counts
    )


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
    visitor.looks_well("story-transfer-2-preview")
    page.get_by_role("link", name="Conflict").click()
    expect(page.locator("#records summary")).to_have_count(1)

    page.get_by_role("button", name="Start transfer").click()
    expect(page.get_by_role("heading", name="Transferring to Pipedrive")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Transfer paused")).to_be_visible()
    visitor.looks_well("story-transfer-3-paused")
    page.get_by_role("button", name="Continue").click()
    apart(half_done, preview)
    expect(
        page.get_by_role("img", name="Records a second since the start: between 2.0 and 10.4")
    ).to_be_visible()
    expect(page.get_by_text("2 of 5 records")).to_be_visible()
    visitor.looks_well("story-transfer-4-progress")

    apart(done, preview)
    expect(page.get_by_role("heading", name="Transferred to Pipedrive")).to_be_visible()
    connection.refresh_from_db()
    assert connection.status == Status.ACTIVE
    expect(page.get_by_role("button", name="Retry Kateryna Bondar")).to_be_visible()
    expect(page.locator("#records")).to_contain_text("Correct the value, then retry.")
    visitor.looks_well("story-transfer-5-report")

    page.get_by_role("button", name="Undo transfer").click()
    dialog = page.get_by_role("dialog", name="Undo this transfer?")
    expect(dialog.get_by_role("button", name="Keep the transfer")).to_be_focused()
    dialog.get_by_label("Also delete the people and organizations it created in Pipedrive").check()
    visitor.looks_well("story-transfer-6-undo")
    dialog.get_by_role("button", name="Preview the undo").click()
    expect(page.get_by_role("heading", name="Preview of the undo")).to_be_visible()
    undo = preview.undos.get()
    assert undo.delete_created
    undo_planned(undo)
    page.reload()
    visitor.looks_well("story-transfer-7-undo-preview")

    page.get_by_label("Type 141, the number of records, to confirm").fill("100")
    page.locator("#preview-start").click()
    expect(page.get_by_text("Type 141 to confirm")).to_be_visible()
    page.get_by_label("Type 141, the number of records, to confirm").fill("141")
    page.locator("#preview-start").click()
    expect(page.get_by_role("heading", name="Undoing the transfer")).to_be_visible()
    undo.refresh_from_db()
    make_transfer_record(
        undo, source_id="4", name="Signe Aaltonen", outcome="kept", reason="Phone was changed since."
    )
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
