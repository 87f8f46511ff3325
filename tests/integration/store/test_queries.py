"""What the pages and the API count: health, flows, the log by pages, what needs attention, a transfer's pace."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from time_machine import travel

from tests.builders import (
    field_change,
    make_attention,
    make_change,
    make_connection,
    make_lane,
    make_link,
    make_list,
    make_log_entry,
    make_person,
    make_prospect,
    make_transfer,
    make_transfer_record,
    make_workspace,
    spend_tokens,
)
from tidegate.core.connection import Status
from tidegate.core.records import Side
from tidegate.errors import Invalid
from tidegate.store import queries
from tidegate.store.budget import daily_budget
from tidegate.store.models import Connection, Workspace
from tidegate.store.queries.log import cursor_of

NOON = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace(time_zone="Pacific/Auckland")  # noon UTC is midnight there


@pytest.fixture
def connection(workspace: Workspace) -> Connection:
    return make_connection(workspace)


def test_a_fresh_connection_knows_nothing_and_says_so(connection: Connection) -> None:
    health = queries.health(connection)
    assert (health.lag_seconds, health.waiting, health.oldest_waiting_at) == (None, 0, None)
    assert (health.persons, health.last_sync_at, health.webhooks_ok) == (None, None, None)
    assert (health.delay_p50, health.delay_p95) == (None, None)
    assert health.prospects == 0
    assert health.tokens_by_feature == {}


def test_today_begins_at_midnight_in_the_workspace(connection: Connection) -> None:
    with travel(NOON + timedelta(minutes=1), tick=False):
        make_log_entry(connection, at=NOON - timedelta(seconds=1))
        make_log_entry(connection, at=NOON)
        make_log_entry(connection, at=NOON, side="outreach")
        make_log_entry(connection, at=NOON, act="link")
        make_log_entry(connection, at=NOON, act="fail")
        health = queries.health(connection)
    assert (health.to_pipedrive_today, health.from_pipedrive_today) == (1, 1)


def test_only_waiting_changes_make_a_lag(connection: Connection) -> None:
    with travel(NOON, tick=False):
        make_change(connection, received_at=NOON - timedelta(seconds=90), done_at=NOON)
        make_change(connection, received_at=NOON - timedelta(seconds=40))
        make_change(connection, received_at=NOON - timedelta(seconds=10))
        health = queries.health(connection)
    assert (health.waiting, health.lag_seconds) == (2, 40.0)
    assert queries.waiting_by_side(connection) == {Side.OUTREACH: 2, Side.PIPEDRIVE: 0}


def test_a_campaign_email_that_is_planned_for_later_makes_none(connection: Connection) -> None:
    """Its activity is written when its window closes: nothing is late. One that failed is, whenever it is tried again."""
    later = NOON + timedelta(minutes=5)
    with travel(NOON, tick=False):
        make_change(connection, 1, entity="campaign_email", received_at=NOON, due_at=later)
        make_change(connection, 2, entity="campaign_email", received_at=NOON, due_at=later, attempts=1)
        make_change(connection, 3, entity="campaign_email", received_at=NOON, due_at=NOON)
        assert queries.health(connection).waiting == 2


def test_a_transfer_holds_up_neither_its_own_writes_nor_the_emails_it_brings(connection: Connection) -> None:
    make_change(connection, 1, source="own")
    make_change(connection, 2, entity="campaign_email")
    make_change(connection, 3)
    assert queries.waiting_of_others(connection) == 1


def test_delays_are_those_of_live_changes_in_the_last_hour(connection: Connection) -> None:
    with travel(NOON, tick=False):
        for tenths in range(1, 101):
            make_log_entry(connection, seconds=tenths / 10)
        make_log_entry(connection, seconds=900.0, cause="transfer")
        make_log_entry(connection, seconds=900.0, at=NOON - timedelta(hours=2))
        make_log_entry(connection)
        half, most = queries.delays(connection, NOON)
    assert half == pytest.approx(5.05)
    assert most == pytest.approx(9.505)


@pytest.mark.parametrize(
    ("plan", "seats", "told", "budget"),
    [
        ("lite", 1, None, 30_000),
        ("lite", 4, None, 120_000),
        ("growth", 1, None, 60_000),
        ("premium", 2, None, 300_000),
        ("ultimate", 1, None, 210_000),
        ("unheard of", 1, None, 30_000),
        ("lite", 1, 45_000, 45_000),
    ],
)
@pytest.mark.django_db
def test_the_budget_is_what_we_were_told_else_what_plan_and_seats_bring(
    plan: str, seats: int, told: int | None, budget: int
) -> None:
    assert daily_budget(make_lane(plan=plan, seats=seats, daily_budget=told)) == budget


def test_tokens_are_those_of_the_budget_day_by_feature(connection: Connection) -> None:
    with travel(NOON, tick=False):
        spend_tokens(connection.lane, 50)
        spend_tokens(connection.lane, 7, "transfer")
        spend_tokens(connection.lane, 900, day=NOON.date() - timedelta(days=1))
        health = queries.health(connection)
        assert health.tokens_by_feature == {"live": 50, "transfer": 7}
        assert (health.tokens_today, health.daily_budget, health.reserve_percent) == (57, 30_000, 30)
        assert queries.budget_today(connection.lane).reserve == 9_000
        assert queries.budget_starts_again(NOON) == datetime(2026, 5, 15, tzinfo=UTC)


def test_a_wait_that_is_over_is_not_told(connection: Connection) -> None:
    lane = connection.lane
    lane.wait_until, lane.wait_reason = timezone.now() + timedelta(hours=1), "Today's API budget is used up."
    assert queries.health(connection).wait_reason == "Today's API budget is used up."
    lane.wait_until = timezone.now() - timedelta(seconds=1)
    assert (queries.health(connection).wait_until, queries.health(connection).wait_reason) == (None, "")


def test_persons_are_counted_once_they_have_been_walked(connection: Connection) -> None:
    make_person(connection.lane, 1)
    assert queries.health(connection).persons is None
    connection.lane.persons_walked_at = timezone.now()
    assert queries.health(connection).persons == 1


def test_only_living_links_count(connection: Connection) -> None:
    make_link(connection)
    make_link(connection, state="person_gone")
    assert queries.health(connection).linked == 1


@pytest.mark.parametrize(
    ("status", "hours", "ok"),
    [
        (Status.ACTIVE, 1, True),
        (Status.SYNCING, 1, True),
        (Status.ACTIVE, 30, False),
        (Status.PAUSED, 1, None),
    ],
)
def test_webhooks_are_in_order_while_their_check_is_young(
    connection: Connection, status: Status, hours: int, ok: bool | None
) -> None:
    connection.status, connection.webhooks_checked_at = status, timezone.now() - timedelta(hours=hours)
    assert queries.health(connection).webhooks_ok is ok


def test_prospects_are_those_of_the_workspace_and_of_the_lists(
    connection: Connection, workspace: Workspace
) -> None:
    one, two = make_prospect(workspace), make_prospect(workspace)
    make_prospect(make_workspace("Elsewhere"))
    first, second = make_list(workspace, "First"), make_list(workspace, "Second")
    one.lists.add(first, second)
    assert queries.count_prospects(connection) == 2
    assert queries.count_prospects(connection, [str(first.pk), str(second.pk)]) == 1
    assert queries.count_prospects(connection, []) == 0
    assert queries.count_lists(connection) == 2
    two.delete()
    assert queries.count_prospects(connection) == 1


def test_an_outside_outreach_app_is_not_counted_for_it(workspace: Workspace) -> None:
    make_prospect(workspace)
    outside = make_connection(workspace, outreach_app="elsewhere")
    assert (queries.count_prospects(outside), queries.count_lists(outside)) == (None, None)


def test_each_write_flows_in_its_hour(connection: Connection) -> None:
    with travel(NOON, tick=False):
        for minutes in (1, 59, 61, 24 * 60 - 1, 24 * 60 + 1):
            make_log_entry(connection, at=NOON - timedelta(minutes=minutes))
        make_log_entry(connection, at=NOON, side="outreach")
        make_log_entry(connection, at=NOON, act="skip")
        flow = queries.flow(connection)
        health = queries.health(connection)
    assert flow.hourly[Side.PIPEDRIVE] == (1, *[0] * 21, 1, 2)
    assert flow.hourly[Side.OUTREACH] == (*[0] * 23, 1)
    assert flow.today == {Side.OUTREACH: 1, Side.PIPEDRIVE: 0}  # it is midnight in the workspace
    assert (health.from_pipedrive_today, health.to_pipedrive_today) == (1, 0)


def test_pages_of_the_log_meet_without_gap_or_double(connection: Connection) -> None:
    for number in range(23):  # several share a moment
        make_log_entry(connection, at=NOON + timedelta(seconds=number // 4))
    everything = list(connection.log.order_by("-at", "-id"))
    seen, cursor = [], ""
    while True:
        page = queries.log_page(connection.log.all(), older_than=cursor, limit=5)
        seen += page.entries
        if page.older is None:
            break
        cursor = page.older
    assert seen == everything
    back = queries.log_page(connection.log.all(), newer_than=page.newer or "", limit=5)
    assert back.entries == everything[15:20]
    first = queries.log_page(connection.log.all(), newer_than=cursor_of(everything[5]), limit=5)
    assert (first.entries, first.newer) == (everything[:5], None)


@pytest.mark.parametrize("cursor", ["%%%", "bm9wZQ", "MjAyNi0wNS0xNCB4", "MjAyNi0wNS0xNFQxMjowMDowMCA1"])
def test_a_cursor_we_did_not_make_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        queries.read_cursor(cursor)


def test_a_conflict_is_found_among_the_changes(connection: Connection) -> None:
    quiet = make_log_entry(connection)
    loud = make_log_entry(
        connection, changes=[field_change(), field_change("Position", conflict=True, lost="CEO")]
    )
    found = queries.filter_log(connection, queries.LogFilter(act="conflict"))
    assert list(found) == [loud]
    assert quiet not in found


def test_a_story_follows_the_prospect_and_the_person(connection: Connection) -> None:
    entry = make_log_entry(connection, prospect_id="1", person_id="2")
    before_link = make_log_entry(connection, prospect_id="1", person_id="")
    after_merge = make_log_entry(connection, prospect_id="", person_id="2")
    make_log_entry(connection, prospect_id="", person_id="")
    assert set(queries.record_history(entry)) == {entry, before_link, after_merge}
    alone = make_log_entry(connection, prospect_id="", person_id="")
    assert list(queries.record_history(alone)) == [alone]


def test_a_person_the_mirror_does_not_know_gets_a_card_that_says_so(connection: Connection) -> None:
    make_person(connection.lane, 31, "Bram de Wit", "bram@polderlicht.example", organization="Polderlicht")
    make_person(make_lane(), 31, "Another company's")
    cards = queries.person_cards(connection.lane, ["31", "32", "not a number"])
    assert cards["31"] == queries.PersonCard(
        "31", "Bram de Wit", ("bram@polderlicht.example",), "Polderlicht"
    )
    assert not cards["32"].known
    assert not cards["not a number"].known


def test_open_cases_are_grouped_the_most_frequent_first(connection: Connection) -> None:
    make_attention(connection, "gone")
    for _each in range(3):
        make_attention(connection, "invalid")
    make_attention(connection, "invalid", settled_at=timezone.now())
    groups = queries.attention_groups(connection, limit=2)
    assert [(group.kind, group.count, len(group.cases)) for group in groups] == [
        ("invalid", 3, 2),
        ("gone", 1, 1),
    ]


def test_a_count_stops_at_its_cap(connection: Connection) -> None:
    for _each in range(4):
        make_log_entry(connection)
    assert queries.capped_count(connection.log.all(), cap=4) == (4, False)
    assert queries.capped_count(connection.log.all(), cap=3) == (3, True)


def test_a_pace_is_told_once_there_is_one(connection: Connection) -> None:
    with travel(NOON, tick=False):
        transfer = make_transfer(connection, total=100, started_at=NOON - timedelta(hours=9))
        assert queries.records_a_second(transfer) is None
        transfer.created, transfer.pace = 40, [[0, 0], [10, 20], [30_000, 40]]  # it waited for the next day
        assert queries.records_a_second(transfer) == 2.0
        assert queries.seconds_left(transfer) == 30.0
        transfer.state = "paused"
        assert queries.records_a_second(transfer) is None


def test_records_of_a_transfer_come_in_order_page_by_page(connection: Connection) -> None:
    transfer = make_transfer(connection)
    made = [
        make_transfer_record(transfer, outcome=outcome)
        for outcome in ("created", "failed", "created", "skipped")
    ]
    assert queries.shown_records(transfer, limit=2) == (made[:2], made[1].pk)
    assert queries.shown_records(transfer, after=made[1].pk, limit=2) == (made[2:], None)
    assert queries.shown_records(transfer, outcomes=["created"]) == ([made[0], made[2]], None)
    assert queries.outcome_counts(transfer) == {"created": 2, "failed": 1, "skipped": 1}
    assert queries.latest_records(transfer, 1) == [made[3]]
