"""A campaign e-mail as an activity: its status, its content, and when it is written."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.automation import MAX_TEXT, WORTH_AN_UPDATE, Trigger
from tidegate.core.campaigns import CampaignEmail, CampaignEvent
from tidegate.core.history import (
    CUT,
    DIGEST_FOLDING,
    FOLDING,
    NOTE_BYTES,
    READ_CHARACTERS,
    URGENT_FOLDING,
    compose,
    look_at,
    moments_from_json,
    moments_of,
    moments_to_json,
    status_of,
)

SENT = datetime(2026, 5, 4, 6, 30, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Helsinki")


def event(trigger: str, minutes: int = 0, **facts) -> CampaignEvent:
    at = SENT + timedelta(minutes=minutes)
    return CampaignEvent(str(minutes), f"key-{minutes}", str(trigger), at, at, email_id="7", **facts)


def email(*events: CampaignEvent, **facts) -> CampaignEmail:
    told = CampaignEmail(
        "7", "11", "5", "Q2", subject="Hello", html="<p>Well?</p>", sent_at=SENT, events=events
    )
    return replace(told, **facts)


def shown(*events: CampaignEvent, zone: ZoneInfo = ZONE, known=None, **facts):
    return compose(email(*events, **facts), zone=zone, now=SENT, known=known)


# --- The status


@pytest.mark.parametrize(
    ("triggers", "status"),
    [
        ([], "Sent"),
        (["email_opened"], "Opened"),
        (["email_opened", "link_clicked"], "Clicked"),
        (["email_replied", "email_opened"], "Replied"),
        (["email_bounced"], "Sent, bounced"),
        (["email_replied", "unsubscribed"], "Replied, unsubscribed"),
        (["automatic"], "Sent"),
    ],
)
def test_the_status_is_the_highest_reached_with_what_stands_beside_it(triggers, status):  # H1
    happened = [
        event("email_replied", n, automatic=True) if t == "automatic" else event(t, n)
        for n, t in enumerate(triggers)
    ]

    activity = shown(*happened)

    assert status_of(activity.moments) == status
    assert activity.subject == f"Hello ({status.lower()})"
    assert f"<b>{status}</b>" in activity.note


def test_the_order_in_which_things_are_told_makes_no_difference():  # H2
    happened = [event("email_opened", 1), event("email_opened", 9), event("link_clicked", 5)]

    notes = {shown(*told).note for told in permutations(happened)}

    assert len(notes) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from(Trigger), max_size=6), st.lists(st.sampled_from(Trigger), max_size=6))
def test_nothing_that_was_shown_is_taken_back(before, after):  # H2
    first = shown(*(event(t, n) for n, t in enumerate(before)))

    later = shown(*(event(t, 60 + n) for n, t in enumerate(after)), known=first.moments)

    assert first.moments.items() <= later.moments.items()


def test_moments_survive_being_stored():  # H2
    moments = moments_of(email(event("email_opened", 3)))

    assert moments_from_json(moments_to_json(moments)) == moments
    assert moments_from_json({"a_trigger_of_tomorrow": SENT.isoformat()}) == {}


def test_times_are_those_of_the_account():  # H9
    note = shown(event("email_opened", 60 * 24)).note

    assert "Sent 4 May 2026, 09:30" in note
    assert "Opened 5 May 2026, 09:30" in note
    assert "(Europe/Helsinki)" in note


@pytest.mark.parametrize(
    ("zone", "sent", "shows"),
    [
        ("Europe/Helsinki", "2026-03-28T23:30:00+00:00", ("29 Mar 2026, 01:30", "29 Mar 2026, 04:30")),
        ("Europe/Helsinki", "2026-10-24T23:30:00+00:00", ("25 Oct 2026, 02:30", "25 Oct 2026, 03:30")),
        ("Asia/Kolkata", "2026-05-04T18:15:00+00:00", ("4 May 2026, 23:45", "5 May 2026, 01:45")),
        ("Australia/Lord_Howe", "2026-10-03T14:30:00+00:00", ("4 Oct 2026, 01:00", "4 Oct 2026, 03:30")),
    ],
)
def test_times_follow_the_accounts_summer_time_and_half_hours(zone, sent, shows):  # H9
    at = datetime.fromisoformat(sent)
    two_hours_later = replace(event("email_opened"), at=at + timedelta(hours=2))

    note = shown(two_hours_later, zone=ZoneInfo(zone), sent_at=at).note

    assert f"Sent {shows[0]}" in note
    assert f"Opened {shows[1]}" in note


def test_openings_are_counted_and_a_bounce_says_why():  # H1
    note = shown(
        event("email_opened", 1), event("email_opened", 2), event("email_bounced", 3, reason="No <such> user")
    ).note

    assert "(2 times)" in note
    assert "It bounced: No &lt;such&gt; user" in note


# --- The content

NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<style>p { color: red }</style>",
    '<p onclick="alert(1)" style="background: url(https://t.example/pixel)">x</p>',
    "<iframe src=https://t.example></iframe>",
    "<svg><script>alert(1)</script></svg>",
    "<form action=https://t.example><input name=a></form>",
    '<img src="https://t.example/pixel.gif">',
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<!--<img src=x>-->",
]


@pytest.mark.parametrize("html", NASTY)
def test_nothing_in_a_note_runs_loads_or_leads_anywhere(html):  # H3
    note = shown(html=f"<p>Before</p>{html}<p>After</p>").note

    assert not re.search(r"<(?!/?(p|b|br|i|hr|a|div)>)", note)
    assert "Before" in note


def test_a_plain_text_is_shown_in_paragraphs_and_can_hold_no_html():  # H3
    note = shown(html="", text="Hi <b>Ann</b>,\nwell?\n\nYours").note

    assert "<p>Hi &lt;b&gt;Ann&lt;/b&gt;,<br>well?</p><p>Yours</p>" in note


@pytest.mark.parametrize(
    "html",
    [
        "<p>word</p>" * 20_000,
        "ü&lt;" * 100_000,
        "<div>" * 100_000 + "text",
        "<b>x" * 60_000,
        "<" * 400_000,
        "x" * 5_000_000,
        "<div " * 90_000,
        "<table><tr><td>" * 30_000,
    ],
    ids=["paragraphs", "entities", "deep", "unclosed", "angles", "5 MB", "unfinished", "tables"],
)
def test_a_note_is_never_longer_than_pipedrive_takes(html):  # H4
    note = shown(html=html).note

    assert len(note.encode()) <= NOTE_BYTES


@pytest.mark.parametrize("html", ["<p>word</p>" * 20_000, "x" * 5_000_000])
def test_what_was_left_out_is_said_and_every_tag_is_closed(html):  # H4
    note = shown(html=html).note

    assert note.endswith(CUT)
    assert note.count("<p>") == note.count("</p>")
    assert len(note.encode()) > NOTE_BYTES * 0.8


def test_content_that_begins_behind_what_is_read_is_said_to_be_left_out():  # H4
    note = shown(html="<i>" * (READ_CHARACTERS // 3 + 1) + "Well?").note

    assert note.endswith(CUT)
    assert shown(html="<p> </p>", text="").note.count(CUT) == 0


def test_what_fits_is_whole():  # H4
    assert CUT not in shown(html="<p>word</p>" * 5_000).note


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=400))
def test_a_subject_fits_on_one_line_and_a_note_holds_only_our_tags(subject, html, campaign):  # H3, H4
    activity = shown(subject=subject, html=html, campaign_name=campaign)

    assert 0 < len(activity.subject) <= MAX_TEXT
    assert "\n" not in activity.subject
    assert "<script" not in activity.note.lower()


def test_an_email_of_which_nothing_is_known_is_still_an_activity():  # H1
    activity = compose(CampaignEmail("7"), zone=ZONE, now=SENT)

    assert activity.subject == "Campaign e-mail"
    assert activity.at == SENT


def test_the_same_story_is_the_same_to_write():  # H8
    assert shown(event("email_opened", 3)).digest == shown(event("email_opened", 3)).digest
    assert shown(event("email_opened", 3)).digest != shown(event("email_opened", 4)).digest


# --- When


def due(trigger: str, *, written: bool = True, tight: bool = False, worth=WORTH_AN_UPDATE, **facts):
    found = look_at(event(trigger, **facts), worth=worth, written=written, now=SENT, tight=tight)
    return None if found is None else found - SENT


def test_that_it_was_sent_makes_the_activity_and_needs_no_update():  # H5
    assert due("email_sent", written=False) == timedelta(0)
    assert due("email_sent") is None


def test_whatever_comes_first_makes_the_activity():  # H5
    assert due("link_clicked", written=False) == timedelta(0)


@pytest.mark.parametrize("trigger", WORTH_AN_UPDATE)
def test_updates_wait_for_what_else_may_happen(trigger):  # H5
    urgent = trigger in (Trigger.EMAIL_REPLIED, Trigger.EMAIL_BOUNCED, Trigger.UNSUBSCRIBED)

    assert due(trigger) == (URGENT_FOLDING if urgent else FOLDING)


def test_an_event_that_is_not_worth_it_is_not_written_by_itself():  # H6
    assert due("email_opened", worth=(Trigger.EMAIL_REPLIED,)) is None
    assert due("email_replied", automatic=True) is None
    assert due("complained") is None
    assert "Opened" in shown(event("email_opened", 1), event("email_replied", 2)).note


def test_a_tight_budget_makes_everything_wait_together():  # H7
    assert due("email_sent", written=False, tight=True) == DIGEST_FOLDING
    assert due("email_replied", tight=True) == DIGEST_FOLDING
    assert due("email_opened", tight=True, worth=()) is None
