"""Deals, pipelines and stages in API v2."""

import pytest

from tests.unit.sandbox.conftest import data, error

DEALS = "/api/v2/deals"


@pytest.fixture
def second_pipeline(ask):
    return data(ask("GET", "/api/v2/pipelines"))[1]["id"]


def new(ask, **given):
    return data(ask("POST", DEALS, {"title": "T", **given}))


def patch(ask, deal, **given):
    return ask("PATCH", f"{DEALS}/{deal['id']}", given)


def test_a_deal_starts_open_in_the_first_stage_of_the_default_pipeline(ask):
    deal = new(ask)

    assert (deal["pipeline_id"], deal["stage_id"], deal["status"]) == (1, 1, "open")
    assert (deal["value"], deal["currency"], deal["owner_id"], deal["origin"]) == (0, "EUR", 1, "API")


def test_a_title_is_required(ask):
    assert error(ask("POST", DEALS, {})) == "Validation failed: title: Required parameter is missing"


def test_the_stage_decides_the_pipeline(ask, second_pipeline):
    stages = data(ask("GET", "/api/v2/stages", pipeline_id=second_pipeline))

    deal = new(ask, stage_id=stages[2]["id"])

    assert deal["pipeline_id"] == second_pipeline


def test_a_pipeline_alone_means_its_first_stage(ask, second_pipeline):
    stages = data(ask("GET", "/api/v2/stages", pipeline_id=second_pipeline))

    assert new(ask, pipeline_id=second_pipeline)["stage_id"] == stages[0]["id"]
    assert data(patch(ask, new(ask), pipeline_id=second_pipeline))["stage_id"] == stages[0]["id"]


def test_a_stage_of_another_pipeline_is_refused_unless_the_switch_lets_it_win(ask, state, second_pipeline):
    assert ask("POST", DEALS, {"title": "T", "stage_id": 1, "pipeline_id": second_pipeline}).status == 400

    state.switches.set("stage_pipeline_mismatch", "stage_wins")

    assert new(ask, stage_id=1, pipeline_id=second_pipeline)["pipeline_id"] == 1


def test_moving_a_deal_marks_the_time_of_the_move(ask, state):
    deal = new(ask)
    state.clock.advance(60)

    moved, renamed = data(patch(ask, deal, stage_id=2)), data(patch(ask, deal, title="U"))

    assert moved["stage_change_time"] > deal["stage_change_time"]
    assert renamed["stage_change_time"] == moved["stage_change_time"]


def test_winning_and_losing_set_their_moments_and_reopening_clears_them(ask):
    deal = new(ask)

    won = data(patch(ask, deal, status="won"))
    lost = data(patch(ask, deal, status="lost", lost_reason="Price"))
    reopened = data(patch(ask, deal, status="open"))

    assert won["won_time"] and won["close_time"] and won["local_won_date"] and "lost_time" not in won
    assert lost["lost_time"] and lost["local_lost_date"] and "won_time" not in lost
    assert not {"won_time", "lost_time", "close_time"} & reopened.keys()
    assert reopened["lost_reason"] == "Price"


@pytest.mark.parametrize(
    "given",
    [
        {"status": "open", "lost_reason": "x"},
        {"lost_reason": "x"},
        {"lost_time": "2026-01-01T00:00:00Z"},
        {"status": "won", "lost_reason": "x"},
        {"won_time": "2026-01-01T00:00:00Z"},
        {"close_time": "2026-01-01T00:00:00Z"},
        {"expected_close_date": None},
        {"expected_close_date": "31.1.2026"},
        {"status": "deleted"},
        {"value": "100"},
        {"value": None},
        {"currency": "XXX"},
        {"probability": 101},
        {"person_id": 99},
        {"stage_id": 99},
        {"pipeline_id": 99},
        {"add_time": "2026-01-01T00:00:00Z"},
        {"is_deleted": True},
        {"archive_time": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_write_that_pipedrive_refuses_is_refused(ask, given):
    assert patch(ask, new(ask), **given).status == 400


def test_an_empty_close_date_is_stored_as_zeros(ask):
    deal = new(ask, expected_close_date="2026-01-31")

    assert deal["expected_close_date"] == "2026-01-31"
    assert data(patch(ask, deal, expected_close_date=""))["expected_close_date"] == "0000-00-00"


def test_an_archived_deal_is_out_of_lists_and_cannot_be_edited(ask):
    deal = new(ask)
    archived = data(patch(ask, deal, is_archived=True))

    assert archived["is_archived"] and archived["archive_time"]
    assert deal["id"] not in [one["id"] for one in data(ask("GET", DEALS))]
    assert [one["id"] for one in data(ask("GET", f"{DEALS}/archived"))] == [deal["id"]]
    assert patch(ask, deal, title="U").status == 403

    back = data(patch(ask, deal, is_archived=False, title="U"))
    assert (back["is_archived"], back["title"], back["archive_time"]) == (False, "U", None)


def test_an_archive_time_is_given_in_the_old_form(ask):
    deal = data(patch(ask, new(ask), is_archived=True, archive_time="2026-01-02 03:04:05"))

    assert deal["archive_time"] == "2026-01-02T03:04:05Z"


def test_deleted_deals_show_up_for_thirty_days_when_asked_for(ask, state):
    deal = new(ask)
    ask("DELETE", f"{DEALS}/{deal['id']}")

    assert deal["id"] not in [one["id"] for one in data(ask("GET", DEALS))]
    found = data(ask("GET", DEALS, status="deleted"))
    assert [(one["id"], one["status"], one["is_deleted"]) for one in found] == [(deal["id"], "deleted", True)]

    state.clock.advance(31 * 86_400)
    assert data(ask("GET", DEALS, status="deleted")) == []


def test_deals_are_listed_by_status(ask):
    won = new(ask, status="won")["id"]
    lost = new(ask, status="lost")["id"]
    still_open = new(ask)["id"]

    both = {one["id"] for one in data(ask("GET", DEALS, status="won,lost"))}

    assert {won, lost} <= both
    assert still_open not in both
    assert ask("GET", DEALS, status="gone").status == 400


def test_deleting_a_person_leaves_the_deal(ask):
    deal = new(ask, person_id=1)

    ask("DELETE", "/api/v2/persons/1")

    assert data(ask("GET", f"{DEALS}/{deal['id']}"))["person_id"] == 1


def test_over_the_companys_limit_a_deal_is_refused_with_a_code(ask, account):
    account.company["deals_per_seat"] = 0

    answer = ask("POST", DEALS, {"title": "T"})

    assert answer.status == 403
    assert answer.body["code"] == "feature_capping_deals_limit"


def test_revenue_fields_are_absent_on_the_smallest_plan(ask, account):
    assert "acv" in new(ask)

    account.company["plan"] = "lite"

    assert "acv" not in new(ask)


def test_a_new_stage_goes_last_and_a_pipeline_keeps_one(ask):
    pipeline = data(ask("POST", "/api/v2/pipelines", {"name": "P"}))
    first = data(ask("POST", "/api/v2/stages", {"name": "A", "pipeline_id": pipeline["id"]}))
    second = data(ask("POST", "/api/v2/stages", {"name": "B", "pipeline_id": pipeline["id"]}))

    assert (first["order_nr"], second["order_nr"]) == (1, 2)
    assert ask("DELETE", f"/api/v2/stages/{second['id']}").status == 200
    assert ask("DELETE", f"/api/v2/stages/{first['id']}").status == 400


def test_stages_of_an_unknown_pipeline_are_an_empty_list(ask):
    assert data(ask("GET", "/api/v2/stages", pipeline_id=99)) == []


def test_only_an_admin_changes_pipelines(ask):
    assert ask("POST", "/api/v2/pipelines", {"name": "P"}, user=2).status == 403
    assert ask("PATCH", "/api/v2/stages/1", {"name": "P"}, user=2).status == 403
    assert ask("POST", "/api/v2/stages", {"name": "P"}).status == 400
    assert ask("PATCH", "/api/v2/stages/1", {"order_nr": 2}).status == 400
