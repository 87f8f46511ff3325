"""The every-day pages in a real browser: overview, activity, needs attention, transfers, by keyboard and without scripts."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tests.builders import (
    field_change,
    make_attention,
    make_change,
    make_list,
    make_log_entry,
    make_person,
    make_prospect,
    make_transfer,
    make_transfer_record,
    spend_tokens,
)
from tests.e2e.conftest import SIZES, Visitor, apart
from tidegate.core.connection import Reason, Status
from tidegate.store.connections import store_settings
from tidegate.store.models import AutomationRun, Connection, Transfer
from tidegate.wiring import actions
from tidegate.wiring.news import store_outreach_catalogue


def live(
    connection: Connection, *, status: Status = Status.ACTIVE, reason: Reason = Reason.NONE
) -> Connection:
    """The connection as it is some days after the launch."""
    now = timezone.now()
    named = make_list(connection.workspace, "From Pipedrive")
    apart(store_outreach_catalogue, connection)
    apart(
        store_settings,
        connection,
        replace(connection.get_settings(), sync_to_list=str(named.pk)),
        version=None,
    )
    connection.refresh_from_db()
    connection.status, connection.reason = status, reason
    connection.launched_at, connection.webhooks_checked_at = now - timedelta(days=3), now
    connection.save()
    lane = connection.lane
    lane.persons_walked_at = now
    lane.save()
    make_prospect(connection.workspace)
    make_person(lane, 21, "Signe Aaltonen", "signe@polarnote.example", organization="Polarnote")
    make_person(lane, 23, "Jonas Brandt", "j.brandt@kessler-werkzeug.example")
    spend_tokens(lane, 1500)
    for minutes in (200, 130, 61):
        make_log_entry(connection, at=now - timedelta(minutes=minutes), seconds=0.8)
    make_log_entry(connection, act="create", side="outreach", record_name="Amara Diallo", person_id="22")
    conflict = field_change("Position", "Technical director", "CTO", lost="Technical director", conflict=True)
    make_log_entry(
        connection, record_name="Jonas Brandt", prospect_id="12", person_id="23", changes=[conflict]
    )
    make_log_entry(
        connection, act="fail", record_name="Ada Wren", message="Team size: not a number.", person_id=""
    )
    for number, trigger in enumerate(("email_sent", "email_sent", "email_sent", "email_replied")):
        AutomationRun.objects.create(
            connection=connection,
            trigger=trigger,
            once_key=str(number),
            event_id=str(number),
            event_at=now,
            prospect_id="12",
            person_id="21",
            finished_at=now,
        )
    return connection


REFUSED_DEAL = {
    "method": "POST",
    "path": "/api/v2/deals",
    "status": 403,
    "text": "Deals limit reached",
    "code": "feature_capping_deals_limit",
    "at": "2026-05-12T09:40:07+00:00",
    "of": "1",
    "tries": 1,
}


def remember(connection: Connection, now: datetime) -> None:
    """What happened to Jonas Brandt before: linked, changed in both apps, and moved on by an automation."""
    came = [
        field_change("Position", "Operations manager", "Technical director", side="outreach"),
        field_change("Phone", None, "+49 711 555 0170", side="outreach"),
    ]
    moved: dict[str, Any] = {"cause": "automation", "cause_text": "Link clicked, Q2 intro, Nordics"}
    stage = [field_change("Stage", "Lead in", "Contacted")]
    edited = {"side": "outreach", "cause_text": "Edited in Pipedrive", "changes": came}
    story: tuple[tuple[float, dict[str, Any]], ...] = (
        (60, {"act": "link", "cause": "transfer", "cause_text": "", "message": "Same e-mail address."}),
        *((40 - number / 1000, {"seconds": 1.2}) for number in range(21)),
        (3, {"act": "create", "message": "Create a deal: Jonas Brandt deal", **moved}),
        (2, {"seconds": 1.4, **edited}),
        (1, {"message": "Move the deal to a specific stage: Contacted", "changes": stage, **moved}),
    )
    for days, facts in story:
        told = {"record_name": "Jonas Brandt", "prospect_id": "12", "person_id": "23", **facts}
        make_log_entry(connection, at=now - timedelta(days=days), **told)


def ask(connection: Connection) -> None:
    """Cases of every kind; one came from an answer of Pipedrive."""
    make_person(connection.lane, 31, "Bram de Wit", "bram@polderlicht.example", organization="Polderlicht")
    make_person(connection.lane, 32, "B. de Wit", "bram@polderlicht.example")
    facts: dict[str, Any] = {"candidates": ["31", "32"], "candidates_side": "pipedrive"}
    make_attention(connection, "ambiguous", record_name="Bram de Wit", prospect_id="15", facts=facts)
    refused = make_prospect(
        connection.workspace, first_name="Ada", last_name="Wren", job_title="CTO of everything"
    )
    facts = {
        "values": {"job_title": "CTO of everything"},
        "correct": {"outreach": ["job_title"]},
    }
    for _each in range(11):
        make_attention(connection)
    make_attention(connection, prospect_id=str(refused.pk), facts=facts)
    make_attention(connection, "gone", prospect_id="", person_id="77", record_name="Old One")
    make_attention(
        connection,
        "automation",
        record_name="Signe Aaltonen",
        message="Create a deal (Campaign e-mail sent, Q2 intro): The Pipedrive plan’s limit is reached (Deals limit reached): "
        "the new deal “Signe Aaltonen deal” was not written.",
        cure="Make room in Pipedrive or raise the plan, then retry.",
        facts={"of": ["1"]},
        details=REFUSED_DEAL,
    )
    make_attention(connection, settled_at=timezone.now(), settled_by="Alice")


def run(connection: Connection) -> Transfer:
    """A transfer that is under way."""
    connection.before_syncing, connection.status = connection.status, Status.SYNCING.value
    connection.save()
    began = timezone.now() - timedelta(seconds=60)
    done: dict[str, Any] = {"total": 200, "created": 100, "updated": 9, "failed": 1}
    planned = {"persons_created": 190, "persons_updated": 10}
    transfer = make_transfer(connection, **done, started_at=began, pace=[[0, 0], [59, 110]], planned=planned)
    make_transfer_record(transfer, outcome="updated", changes=[field_change()])
    make_transfer_record(transfer, outcome="failed", name="Ada Wren", reason="Team size: not a number.")
    return transfer


def enter(visitor: Visitor, connection: Connection, name: str, *args: object) -> None:
    """Sign in where that is still to do, and open a page of the connection."""
    path = reverse(name, args=[connection.pk, *args])
    visitor.open(path)
    if "/login/" in visitor.page.url:
        visitor.page.get_by_label("E-mail address").fill("alice@northlight.example")
        visitor.page.get_by_label("Password", exact=True).fill("correct horse battery staple")
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.wait_for_url(f"**{path}")


# --- how the pages look


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.ACTIVE, Reason.NONE),
        (Status.PAUSED, Reason.NONE),
        (Status.PAUSED, Reason.RECONNECT),
        (Status.FAILED, Reason.INCOMPLETE),
        (Status.SYNCING, Reason.NONE),
    ],
)
def test_the_overview_is_accessible_in_each_state(
    visitor: Visitor, connection: Connection, status: Status, reason: Reason
) -> None:
    live(connection, status=status, reason=reason)
    make_change(connection)
    if status is Status.ACTIVE:
        ask(connection)
        make_log_entry(connection, seconds=0.8)
    if status is Status.SYNCING:
        run(connection)
    if status is Status.FAILED:
        connection.settings = {**connection.settings, "owner_id": "999", "sync_to_list": None}
        connection.save()
    enter(visitor, connection, "overview")
    visitor.looks_well(f"overview-{status}-{reason or 'none'}")
    if status in (Status.ACTIVE, Status.SYNCING):
        visitor.open("/integrations/")
        visitor.looks_well(f"integrations-live-{status}")


def test_the_pages_of_a_quiet_connection_are_accessible(visitor: Visitor, connection: Connection) -> None:
    enter(visitor, connection, "overview")
    visitor.looks_well("overview-not-launched")
    connection.status, connection.reason = Status.ACTIVE, Reason.NONE
    connection.launched_at = connection.webhooks_checked_at = timezone.now()
    connection.save()
    visitor.page.reload()
    visitor.looks_well("overview-new")
    for name in ("activity", "attention", "transfers"):
        enter(visitor, connection, name)
        visitor.looks_well(f"{name}-empty")


def test_the_pages_of_a_busy_connection_are_accessible(visitor: Visitor, connection: Connection) -> None:
    live(connection)
    entry = connection.log.get(record_name="Jonas Brandt")
    remember(connection, timezone.now())
    ask(connection)
    done = make_transfer(connection, state="done", created=1, failed=1, total=2)
    make_transfer_record(done)
    make_transfer_record(done, outcome="failed", name="Ada Wren", reason="Team size: not a number.")
    for name, args in (
        ("activity", []),
        ("activity-record", [entry.pk]),
        ("attention", []),
        ("unsubscribe-earlier", []),
        ("transfers", []),
        ("transfer", [done.pk]),
    ):
        enter(visitor, connection, name, *args)
        visitor.looks_well(name)
    running = run(connection)
    enter(visitor, connection, "transfer", running.pk)
    visitor.looks_well("transfer-running")
    enter(visitor, connection, "transfers")
    visitor.looks_well("transfers-while-one-runs")


# --- the overview


def test_live_sync_is_paused_and_resumed_from_the_keyboard(visitor: Visitor, connection: Connection) -> None:
    live(connection)
    enter(visitor, connection, "overview")
    page = visitor.page
    page.get_by_role("radio", name="Active").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("status").get_by_text("Live sync is paused.")).to_be_visible()
    expect(page.locator("#gate")).to_have_attribute("data-state", "closed")
    expect(page.locator("#sync-status")).to_have_text("Paused")
    expect(page.get_by_role("radio", name="Paused")).to_be_focused()
    connection.refresh_from_db()
    assert connection.status == Status.PAUSED

    page.get_by_role("button", name="Resume sync").click()
    expect(page.locator("#gate")).to_have_attribute("data-state", "open")


TEXTS_UNDER_THE_BAR = """(() => {
    const bar = document.querySelector(".gate-bar").getBoundingClientRect();
    return [...document.querySelectorAll(".gate .lane-what span")].filter((e) => {
        const range = document.createRange();
        range.selectNodeContents(e);
        return range.getBoundingClientRect().right > bar.left;
    }).map((e) => e.innerText);
})()"""


def test_a_resume_asks_about_the_changes_of_the_pause(visitor: Visitor, connection: Connection) -> None:
    apart(actions.pause, live(connection), actor="Alice")
    make_change(connection)
    enter(visitor, connection, "overview")
    page = visitor.page
    visitor.looks_well("overview-paused")
    page.set_viewport_size(SIZES["phone"])  # type: ignore[arg-type]
    assert page.locator(".gate .lane-what").count() == 2
    assert page.evaluate(TEXTS_UNDER_THE_BAR) == []
    page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]
    page.get_by_role("radio", name="Paused").focus()
    page.keyboard.press("ArrowLeft")
    dialog = page.get_by_role("dialog", name="Resume live sync")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Catch up first")).to_be_focused()
    expect(dialog.get_by_role("link", name="Show what catching up would write")).to_be_visible()
    visitor.looks_well("overview-resume")
    dialog.get_by_role("button", name="Stay paused").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("radio", name="Paused")).to_be_checked()

    page.get_by_role("link", name="Resume sync").click()
    dialog.get_by_label("Leave them").check()
    dialog.get_by_role("button", name="Resume", exact=True).click()
    expect(page.locator("#gate")).to_have_attribute("data-state", "open")
    connection.refresh_from_db()
    assert connection.status == Status.ACTIVE
    assert connection.left_upto == connection.changes.get().pk, "the lane leaves what came before the resume"


def test_news_arrive_on_the_overview_by_themselves_and_leave_focus_alone(
    visitor: Visitor, connection: Connection
) -> None:
    live(connection)
    visitor.page.clock.install()
    enter(visitor, connection, "overview")
    page = visitor.page
    page.get_by_role("button", name="Refresh fields").focus()
    make_log_entry(connection, record_name="Freya Holm")
    page.clock.fast_forward(11_000)
    expect(page.get_by_role("rowheader", name="Freya Holm")).to_be_visible()
    expect(page.get_by_role("button", name="Refresh fields")).to_be_focused()


def test_a_session_that_ends_leads_to_sign_in_and_back(visitor: Visitor, connection: Connection) -> None:
    live(connection)
    visitor.page.clock.install()
    enter(visitor, connection, "overview")
    visitor.page.context.clear_cookies()
    visitor.page.clock.fast_forward(11_000)
    expect(visitor.page.get_by_label("Password", exact=True)).to_be_visible()
    assert reverse("overview", args=[connection.pk]) in visitor.page.url


# --- the log


def test_the_log_is_searched_and_one_record_read_from_the_keyboard(
    visitor: Visitor, connection: Connection
) -> None:
    live(connection)
    enter(visitor, connection, "activity")
    page = visitor.page
    page.get_by_role("searchbox").fill("jonas")
    expect(page.get_by_role("status").filter(has_text="1 change")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Amara Diallo")).to_be_hidden()
    assert "q=jonas" in page.url
    assert "q=jonas" in (page.get_by_role("link", name="Download CSV").get_attribute("href") or "")

    page.get_by_role("link", name="Jonas Brandt").focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("complementary", name="Jonas Brandt")
    expect(drawer.get_by_text("Conflict decided")).to_be_visible()
    expect(drawer.get_by_role("heading", name="Jonas Brandt")).to_be_focused()
    expect(page.locator("tr[aria-selected=true]")).to_have_count(1)
    assert "/activity/" in page.url and "q=jonas" in page.url

    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("link", name="Jonas Brandt")).to_be_focused()
    page.go_back()
    expect(page.get_by_role("complementary", name="Jonas Brandt")).to_be_visible()


def test_a_filter_narrows_the_log_at_once(visitor: Visitor, connection: Connection) -> None:
    live(connection)
    enter(visitor, connection, "activity")
    page = visitor.page
    page.get_by_label("Direction").focus()
    page.get_by_label("Direction").select_option("From Pipedrive")
    expect(page.get_by_role("rowheader", name="Amara Diallo")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_count(2)  # the day and the entry
    expect(page.get_by_label("Direction")).to_be_focused()


# --- needs attention


def test_the_right_one_of_two_candidates_is_chosen_from_the_keyboard(
    visitor: Visitor, connection: Connection
) -> None:
    live(connection)
    ask(connection)
    enter(visitor, connection, "attention")
    page = visitor.page
    page.get_by_role("link", name="Open in Pipedrive B. de Wit").click(trial=True)  # nothing lies over it
    page.get_by_role("radio", name="Bram de Wit", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="B. de Wit")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_text("is linked with the record you chose")).to_be_visible()
    assert connection.links.get(prospect_id="15").person_id == "32"


def test_technical_details_are_opened_and_copied_from_the_keyboard(
    visitor: Visitor, connection: Connection
) -> None:
    live(connection)
    ask(connection)
    page = visitor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    enter(visitor, connection, "attention")
    answer = page.get_by_role("region", name="Technical details: Signe Aaltonen")
    expect(answer).to_be_hidden()
    page.locator("summary", has_text="Technical details").focus()
    page.keyboard.press("Enter")
    expect(answer).to_contain_text("POST /api/v2/deals    403 Forbidden")
    visitor.looks_well("attention-details")
    page.keyboard.press("Tab")
    expect(answer).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[:2] == ["POST /api/v2/deals    403 Forbidden", "Deals limit reached"]


def test_where_there_is_no_clipboard_the_text_is_selected(visitor: Visitor, connection: Connection) -> None:
    live(connection)
    ask(connection)
    page = visitor.page
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    enter(visitor, connection, "attention")
    page.locator("summary", has_text="Technical details").click()
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("getSelection().toString()").startswith("POST /api/v2/deals    403 Forbidden")


# --- transfers


def test_a_transfer_is_chosen_watched_paused_and_cancelled(visitor: Visitor, connection: Connection) -> None:
    live(connection)
    visitor.page.clock.install()
    enter(visitor, connection, "transfers")
    page = visitor.page
    expect(page.get_by_label("Tidegate Prospects wins")).to_be_checked()
    page.get_by_role("radio", name="From Pipedrive").check()
    expect(page.get_by_label("Pipedrive wins", exact=True)).to_be_checked()
    page.get_by_role("radio", name="To Pipedrive").check()
    expect(page.get_by_label("Tidegate Prospects wins")).to_be_checked()
    page.get_by_role("button", name="Start the transfer").click()
    expect(page.get_by_role("heading", name="Transferring to Pipedrive")).to_be_visible()

    transfer = connection.transfers.get()
    Transfer.objects.filter(pk=transfer.pk).update(total=200, created=110)
    page.clock.fast_forward(2_100)
    expect(page.get_by_text("110 of 200 records")).to_be_visible()
    expect(page).to_have_title("55 %, Transferring to Pipedrive · Tidegate")
    expect(page.locator("#spoken")).to_have_text("50 % done")

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Transfer paused")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Cancel transfer").click()
    dialog = page.get_by_role("dialog", name="Cancel the transfer?")
    expect(dialog.get_by_role("button", name="Go on transferring")).to_be_focused()
    page.clock.fast_forward(2_100)
    expect(dialog).to_be_visible()  # what comes by itself closes nothing
    dialog.get_by_role("button", name="Cancel transfer").click()
    expect(page.get_by_role("heading", name="Transfer to Pipedrive cancelled")).to_be_visible()
    connection.refresh_from_db()
    assert connection.status == Status.ACTIVE


def test_the_watch_ends_in_the_report(visitor: Visitor, connection: Connection) -> None:
    transfer = run(live(connection))
    visitor.page.clock.install()
    enter(visitor, connection, "transfer", transfer.pk)
    Transfer.objects.filter(pk=transfer.pk).update(state="done", finished_at=timezone.now())
    visitor.page.clock.fast_forward(2_100)
    expect(visitor.page.get_by_role("heading", name="Transferred to Pipedrive")).to_be_visible()


# --- without scripts


def test_every_deed_can_be_done_without_scripts(
    visitor_without_scripts: Visitor, connection: Connection
) -> None:
    live(connection)
    ask(connection)
    visitor, page = visitor_without_scripts, visitor_without_scripts.page
    enter(visitor, connection, "overview")
    page.get_by_label("Paused").check()
    page.get_by_role("button", name="Change").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume sync")).to_be_visible()
    make_change(connection)
    page.reload()
    page.get_by_role("link", name="Resume sync").click()
    page.get_by_label("Catch up first").check()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.locator("#gate")).to_have_attribute("data-state", "open")

    enter(visitor, connection, "activity")
    page.get_by_role("searchbox").fill("jonas")
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader")).to_have_count(2)
    page.get_by_role("link", name="Jonas Brandt").click()
    page.get_by_role("link", name="Close").click()
    assert "q=jonas" in page.url

    enter(visitor, connection, "attention")
    page.get_by_role("button", name="Ignore Old One").click()
    expect(page.get_by_text("Old One is left alone until it changes again.")).to_be_visible()

    enter(visitor, connection, "transfers")
    page.get_by_role("button", name="Start the transfer").click()
    expect(page.get_by_role("heading", name="Transferring to Pipedrive")).to_be_visible()


def test_a_watch_says_each_tenth_once(visitor: Visitor, connection: Connection) -> None:
    """What a screen reader hears: the words change every ten percent, not every two seconds."""
    transfer = run(live(connection))
    visitor.page.clock.install()
    enter(visitor, connection, "transfer", transfer.pk)
    script = """() => {
        window.heard = [];
        new MutationObserver(() => window.heard.push(document.getElementById("spoken").textContent))
            .observe(document.getElementById("spoken"), {childList: true, characterData: true, subtree: true});
    }"""
    visitor.page.evaluate(script)
    for done in (112, 115, 118, 121, 125):
        Transfer.objects.filter(pk=transfer.pk).update(created=done - 10)
        visitor.page.clock.fast_forward(2_100)
        expect(visitor.page.get_by_text(f"{done} of 200 records")).to_be_visible()
    heard = visitor.page.evaluate("() => JSON.stringify(window.heard)")
    assert json.loads(heard) == ["60 % done"]
