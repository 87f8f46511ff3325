"""docs/sync-rules.md, "Transfer": states, progress, cost."""

from datetime import UTC, datetime

import pytest

from tidegate.core.settings import Direction
from tidegate.core.transfer import (
    EXPECTED,
    MOVES,
    OPEN,
    PACE_POINTS,
    Forecast,
    Pace,
    State,
    Work,
    ends_at,
    estimate_cost,
    forecast,
    look_counts,
    marked,
    may_move,
    paces,
    recent_pace,
    work_of_chosen,
)


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_moves_and_may_stay(state):  # T8
    assert may_move(state, state)
    assert state not in MOVES[state]


def test_an_undone_transfer_is_over():  # T8
    assert not any(may_move(State.UNDONE, state) for state in State if state is not State.UNDONE)


def test_only_what_wrote_something_can_be_undone():  # T8
    assert {state for state in State if may_move(state, State.UNDONE)} - {State.UNDONE} == {
        State.DONE,
        State.CANCELLED,
        State.FAILED,
    }


def test_a_preview_never_runs_before_it_is_ready():  # T8
    assert not may_move(State.PREVIEW, State.RUNNING)
    assert may_move(State.READY, State.RUNNING)


def test_an_open_transfer_can_be_cancelled():  # T8
    assert all(may_move(state, State.CANCELLED) for state in OPEN)


def test_ten_thousand_prospects_into_twenty_thousand_persons_cost_what_the_price_list_says():  # T9
    cost = estimate_cost(persons=20_000, persons_created=5_000, persons_updated=5_000, looks=5_000)

    assert (cost.walk, cost.look, cost.write) == (400, 500, 50_000)
    assert cost.tokens == 50_900
    assert cost.calls == 40 + 50 + 10_000


def test_organizations_cost_a_walk_and_a_write_each():  # T9
    cost = estimate_cost(organizations=501, organizations_created=3)

    assert (cost.walk, cost.write, cost.calls) == (20, 15, 5)


def test_nothing_to_do_costs_nothing():
    assert estimate_cost().tokens == 0
    assert forecast(estimate_cost(), calls_per_second=40, left_today=0, per_day=0).nights == 0


@pytest.mark.parametrize(
    ("left_today", "per_day", "nights"),
    [(50_000, 20_000, 0), (49_999, 20_000, 1), (0, 20_000, 3), (-5, 50_000, 1)],
)
def test_what_the_budget_does_not_cover_waits_for_the_next_days(left_today, per_day, nights):
    cost = estimate_cost(persons_created=10_000)

    told = forecast(cost, calls_per_second=40, left_today=left_today, per_day=per_day)

    assert told.seconds == 250
    assert told.nights == nights


@pytest.mark.parametrize(
    ("nights", "end"),
    [
        (0, datetime(2026, 5, 1, 22, 10, tzinfo=UTC)),
        (2, datetime(2026, 5, 3, 0, 3, 20, tzinfo=UTC)),
        (None, None),
    ],
)
def test_when_it_will_be_done_is_told(nights, end):
    assert ends_at(Forecast(600, nights), datetime(2026, 5, 1, 22, tzinfo=UTC)) == end


def test_without_a_budget_it_would_never_end():
    assert (
        forecast(estimate_cost(persons_created=1), calls_per_second=40, left_today=0, per_day=0).nights
        is None
    )


def test_a_previews_cost_counts_every_write_and_what_keeps_the_index_fresh():  # T9
    work = Work(persons_created=1000, organizations_created=100, prospects_updated=50)

    assert work.cost(calls_per_second=38).write == 5500
    # 29 seconds: at the start and once on the way, a page of organizations and three of the 1,100 that were just written
    assert work.cost(calls_per_second=38).walk == 2 * 40
    assert Work(persons_created=10).cost(calls_per_second=38).tokens == 70


def test_counts_of_an_earlier_release_are_no_obstacle():
    assert Work.of({"persons_created": 3, "lookups": 5}) == Work(persons_created=3)


def test_a_runs_pace_reaches_back_to_its_start_however_long_it_goes_on():
    pace: list[list[float]] = [[0.0, 0]]
    for page in range(1, 1_001):
        pace = marked(pace, page * 0.5, page * 200)
        assert pace[0] == [0.0, 0]
        assert pace[-1] == [page * 0.5, page * 200]
        assert len(pace) <= PACE_POINTS
    assert {rate for _second, rate in paces(pace)} == {400.0}


def test_a_pause_shows_as_a_dip_and_two_points_at_once_as_nothing():
    assert paces([[0, 0], [10, 100], [110, 200], [110, 210], [120, 310]]) == [(5, 10), (60, 1), (115, 10)]
    assert paces([]) == paces([[0, 0]]) == []


@pytest.mark.parametrize(
    ("pace", "rate"),
    [
        ([], None),
        ([[0, 0]], None),
        ([[0, 0], [10, 0]], None),
        ([[0, 0], [10, 100]], 10),
        ([[0, 0], [10, 100], [36_010, 200]], 10),
        ([[0, 0], [10, 100], [20, 200], [36_020, 300], [36_030, 400]], 10),
        ([[0, 0], [10, 900], *[[10 + i, 900 + 20 * i] for i in range(1, 6)]], 20),
    ],
    ids=["none", "begun", "idle", "once", "after a night", "a night between", "slower of late"],
)
def test_the_pace_of_late_leaves_out_waits_and_what_was_long_ago(pace: Pace, rate: float | None):
    assert recent_pace(pace) == rate


def changed(field, after="CEO", *, side="pipedrive", **more):
    return {"side": side, "field": field, "before": None, "after": after, **more}


def test_chosen_records_come_to_their_own_work():
    """A constant is written to the target even where the values of the receiver win: a record can need two writes."""
    chosen = [
        ("created", [changed("organization", "Polar Note"), changed("job_title")]),
        ("created", [changed("organization", "polar  note")]),
        ("updated", [changed("job_title", conflict=True)]),
        ("updated", [changed("job_title", side="outreach"), changed("source40", "Tidegate")]),
        ("unchanged", []),
        ("attention", []),
    ]

    work, organizations = work_of_chosen(chosen, Direction.TO_PIPEDRIVE)

    assert Work.of(work) == Work(persons_created=2, persons_updated=2, prospects_updated=1, conflicts=1)
    assert work[EXPECTED] == {"created": 2, "updated": 2, "unchanged": 1, "failed": 1}
    assert list(organizations) == ["polar note"]


def test_chosen_persons_are_looked_at_by_id():
    work, _ = work_of_chosen([("created", [])] * 3, Direction.FROM_PIPEDRIVE)

    assert Work.of(work) == Work(prospects_created=3, looks=3, look_tokens=3)


@pytest.mark.parametrize(
    ("records", "calls", "tokens"),
    [(0, 0, 0), (9, 9, 9), (10, 1, 10), (100, 1, 10), (101, 2, 11), (150, 2, 20), (500, 5, 50)],
)
def test_a_look_by_id_takes_the_cheaper_way(records, calls, tokens):  # T9
    assert look_counts(records) == {"looks": calls, "look_tokens": tokens}


def test_earlier_campaign_emails_are_part_of_the_price():
    cost, bare = Work(emails_logged=4).cost(calls_per_second=40), Work().cost(calls_per_second=40)
    assert (cost.write, cost.look, cost.calls - bare.calls) == (20, 4, 8)
