"""What the pages make of figures: the gate's words and water, the budget's gauge, a transfer's percents."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.connection import Reason, Status
from tidegate.core.records import Side
from tidegate.store.models import Connection, LogEntry
from tidegate.store.queries import Budget, Health
from tidegate.web.activity.lines import line_of, value_in_words
from tidegate.web.overview.budget import gauge
from tidegate.web.overview.gate import HEIGHT, WIDTH, lead, stream
from tidegate.web.transfers.progress import Progress

QUIET = Health(
    status="active",
    reason="",
    reason_text="",
    lag_seconds=None,
    waiting=0,
    oldest_waiting_at=None,
    wait_until=None,
    wait_reason="",
    tokens_today=0,
    tokens_by_feature={},
    daily_budget=30_000,
    reserve_percent=30,
    linked=0,
    unseen=0,
    prospects=0,
    persons=None,
    to_pipedrive_today=0,
    from_pipedrive_today=0,
    needs_attention=0,
    last_sync_at=datetime(2026, 5, 14, tzinfo=UTC),
    last_delivery_at=None,
    webhooks_ok=None,
    webhooks_checked_at=None,
    webhooks_problem="",
    webhooks_suspected_at=None,
    checked_at=None,
)


# --- the gate


@given(st.lists(st.integers(0, 10**6), min_size=24, max_size=24))
def test_the_water_stays_within_its_banks(hourly: list[int]) -> None:
    drawn = stream(sum(hourly), hourly)
    assert (drawn.edge == "") == (max(hourly) == 0)
    points = drawn.edge.removeprefix("M").split()
    xs, ys = [float(x) for x in points[::2]], [float(y) for y in points[1::2]]
    assert all(0 <= x <= WIDTH for x in xs)
    assert all(0 <= y <= HEIGHT for y in ys)
    assert xs == sorted(xs)
    assert drawn.hour == hourly[-1]
    ET.fromstring(f'<path d="{drawn.water}"/>')  # noqa: S314 (our own text)


def test_more_flow_is_drawn_higher() -> None:
    points = stream(3, [0, 1, 2]).edge.removeprefix("M").split()
    heights = [float(y) for y in points[1::2]]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize(
    ("status", "reason", "health", "said"),
    [
        (Status.ACTIVE, "", QUIET, "Every change so far has arrived"),
        (Status.ACTIVE, "", replace(QUIET, last_sync_at=None), "The first change in either app"),
        (Status.ACTIVE, "", replace(QUIET, waiting=1), "1 change is on its way"),
        (Status.ACTIVE, "", replace(QUIET, waiting=28), "28 changes are on their way"),
        (Status.ACTIVE, "", replace(QUIET, last_sync_at=None, waiting=2), "2 changes are on their way"),
        (Status.ACTIVE, "", replace(QUIET, needs_attention=1), "1 record needs you"),
        (Status.SYNCING, "", QUIET, "A transfer is running"),
        (Status.PAUSED, Reason.NONE, QUIET, "stay where they are made"),
        (Status.PAUSED, Reason.NEW, QUIET, "not been launched yet"),
        (Status.PAUSED, Reason.RECONNECT, QUIET, "no longer accepts"),
        (Status.PAUSED, Reason.BRAKES, QUIET, "an unusual change was stopped"),
        (Status.FAILED, Reason.INCOMPLETE, QUIET, "Live sync has stopped"),
    ],
)
def test_one_sentence_says_how_things_stand(status: Status, reason: str, health: Health, said: str) -> None:
    assert said in lead(Connection(status=status, reason=reason), health)


# --- the budget


@given(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 100), st.integers(0, 10**7))
def test_the_gauge_never_leaves_its_bed(total: int, used: int, reserve: int, planned: int) -> None:
    at = datetime(2026, 5, 14, 10, tzinfo=UTC)
    shown = gauge(Budget(total, reserve, {"live": used}), at, planned=planned)
    own, keep, plan = (
        float(percent.removesuffix("%")) for percent in (shown.own_width, shown.keep_at, shown.planned_width)
    )
    assert all(0 <= percent <= 100 for percent in (own, keep, plan))
    assert own + plan <= 100.11  # both are rounded
    assert shown.starts_in == 14 * 3600


def test_what_cost_most_is_named_first() -> None:
    shown = gauge(Budget(30_000, 30, {"check": 5, "live": 9, "other": 1}), datetime(2026, 5, 14, tzinfo=UTC))
    assert [str(name) for name, _tokens in shown.parts] == ["Live sync", "Regular checks", "other"]


# --- transfers


@pytest.mark.parametrize(
    ("done", "total", "percent", "spoken"),
    [
        (0, None, None, "The transfer is running"),
        (0, 0, None, "The transfer is running"),
        (0, 10, 0, "0 % done"),
        (1992, 3434, 58, "50 % done"),
        (999, 1000, 99, "90 % done"),
        (1000, 1000, 100, "100 % done"),
        (1003, 1000, 100, "100 % done"),
    ],
)
def test_a_hundred_percent_means_that_nothing_is_left(
    done: int, total: int | None, percent: int | None, spoken: str
) -> None:
    progress = Progress(done, total, rate=None, left=None, so_far=0)
    assert (progress.percent, progress.spoken) == (percent, spoken)


# --- the log


@pytest.mark.parametrize(
    ("act", "side", "message", "title"),
    [
        ("create", Side.PIPEDRIVE, "", "Person created"),
        ("create", Side.OUTREACH, "", "Prospect created"),
        ("link", Side.PIPEDRIVE, "Same e-mail address.", "Linked with a person in Pipedrive"),
        ("unlink", Side.PIPEDRIVE, "", "Link changed"),
        ("fail", Side.PIPEDRIVE, "Too long.", "Too long."),
        ("skip", Side.PIPEDRIVE, "", "Nothing was written"),
        ("update", Side.PIPEDRIVE, "", "Updated"),
        ("brand new", Side.PIPEDRIVE, "", "Updated"),
    ],
)
def test_an_entry_without_fields_speaks_in_a_headline(act: str, side: Side, message: str, title: str) -> None:
    line = line_of(LogEntry(act=act, side=side, message=message))
    assert line.title == title
    assert line.note == (message if message != title else "")


@pytest.mark.parametrize(("count", "shown", "more"), [(1, 1, 0), (2, 2, 0), (3, 2, 1), (7, 2, 5)])
def test_a_row_spells_out_two_fields_and_counts_the_rest(count: int, shown: int, more: int) -> None:
    changes = [
        {"field": str(n), "name": str(n), "kind": "text", "before": None, "after": "x"} for n in range(count)
    ]
    line = line_of(LogEntry(act="update", side=Side.OUTREACH, changes=changes))
    assert (len(line.shown), line.more, len(line.fields)) == (shown, more, count)
    assert line.title == f"{count} field{'s' if count > 1 else ''} came from Pipedrive"


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        (None, "text", ""),
        ([], "email", ""),
        (["a@x.example", "b@x.example"], "email", "a@x.example, b@x.example"),
        ({"amount": "12.50", "currency": "EUR"}, "money", "12.50 EUR"),
        (True, "boolean", "yes"),
        ({"unreadable": "about 40", "reason": "not a number"}, "number", "about 40"),
        ({"missing": True}, "text", ""),
        ("2026-05-14T10:00:00+00:00", "datetime", "14 May 2026, 10:00"),
        ("not a number", "number", "not a number"),
        ("x", "a kind of tomorrow", "x"),
    ],
)
def test_every_kept_value_has_words(raw: object, kind: str, words: str) -> None:
    assert value_in_words(raw, kind) == words
