"""Budget, windows, search bucket and the block page, on a clock that the test moves."""

import pytest

from pipedrive_sandbox.answers import ApiError
from pipedrive_sandbox.limits import Blocked, Limits
from pipedrive_sandbox.routes import table

ROUTES = {(route.version, route.method, route.path): route for route in table()}
GET_ONE = ROUTES["v2", "GET", "/persons/{id}"]
LIST = ROUTES["v2", "GET", "/persons"]
SEARCH = ROUTES["v2", "GET", "/persons/search"]


@pytest.fixture
def limits(state):
    return Limits(state)


def company(plan="lite", seats=1, top_up=0):
    return {"id": 1, "plan": plan, "seats": seats, "top_up": top_up}


@pytest.mark.parametrize(
    ("plan", "token", "oauth", "budget"),
    [
        ("lite", 20, 80, 30_000),
        ("growth", 40, 160, 60_000),
        ("premium", 100, 400, 150_000),
        ("ultimate", 120, 480, 210_000),
    ],
)
def test_plans_give_what_the_price_list_says(limits, plan, token, oauth, budget):
    own = company(plan)

    assert limits.allowed_in_window(limits.caller("a", "a", own, is_oauth=False)) == token
    assert limits.allowed_in_window(limits.caller("b", "b", own, is_oauth=True)) == oauth
    assert limits.budget(own) == budget
    assert limits.budget(company(plan, seats=3, top_up=5)) == 3 * budget + 5


def test_a_window_holds_so_many_requests_and_opens_after_two_seconds(limits, state):
    own = company()
    caller = limits.caller("a", "a", own, is_oauth=False)
    for _ in range(20):
        limits.admit(caller, own, GET_ONE)

    with pytest.raises(ApiError) as refused:
        limits.admit(caller, own, GET_ONE)
    state.clock.advance(2)
    limits.admit(caller, own, GET_ONE)

    answer = refused.value.answer
    assert (answer.status, answer.body["error"]) == (429, "Request over limit")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert "Retry-After" not in answer.headers


def test_retry_after_comes_with_its_switch(limits, state):
    state.switches.set("retry_after_header", True)
    own = company()
    caller = limits.caller("a", "a", own, is_oauth=False)
    for _ in range(20):
        limits.admit(caller, own, GET_ONE)

    with pytest.raises(ApiError) as refused:
        limits.admit(caller, own, GET_ONE)

    assert refused.value.answer.headers["Retry-After"] == "2"


def test_each_token_has_a_window_of_its_own(limits):
    own = company()
    first, second = (limits.caller(key, key, own, is_oauth=False) for key in "ab")
    for _ in range(20):
        limits.admit(first, own, GET_ONE)

    limits.admit(second, own, GET_ONE)


def test_searches_have_a_smaller_window_beside_the_common_one(limits):
    own = company("ultimate")
    caller = limits.caller("a", "a", own, is_oauth=True)
    for _ in range(10):
        limits.admit(caller, own, SEARCH)

    with pytest.raises(ApiError):
        limits.admit(caller, own, SEARCH)
    limits.admit(caller, own, LIST)


def test_the_budget_is_the_companys_and_comes_back_the_next_day(limits, state):
    own = company()
    caller = limits.caller("a", "a", own, is_oauth=True)
    limits.spend(1, 30_000 - 9)

    limits.admit(caller, own, GET_ONE)
    with pytest.raises(ApiError) as refused:
        limits.admit(caller, own, LIST)
    state.clock.advance(86_400)
    limits.admit(caller, own, LIST)

    assert refused.value.answer.status == 429
    assert refused.value.answer.headers["x-daily-ratelimit-token-remaining"] == "9"


def test_the_switch_lets_the_last_call_of_the_day_cost_more_than_is_left(limits, state):
    own = company()
    caller = limits.caller("a", "a", own, is_oauth=True)
    state.switches.set("last_call_may_overdraw", True)
    limits.spend(1, 30_000 - 9)

    limits.admit(caller, own, LIST)
    limits.spend(1, LIST.cost)

    with pytest.raises(ApiError):
        limits.admit(caller, own, GET_ONE)


def test_headers_tell_the_state_and_the_daily_ones_can_be_left_out(limits, state):
    own = company()
    caller = limits.caller("a", "a", own, is_oauth=True)
    limits.admit(caller, own, LIST)
    limits.spend(1, 10)

    with_daily = limits.headers(caller, own)
    state.switches.set("daily_headers", False)
    without = limits.headers(caller, own)

    assert with_daily["x-ratelimit-limit"] == "80"
    assert with_daily["x-ratelimit-remaining"] == "79"
    assert with_daily["x-daily-ratelimit-token-limit"] == "30000"
    assert with_daily["x-daily-ratelimit-token-remaining"] == "29990"
    assert [name for name in without if name.startswith("x-daily")] == []


def test_a_token_that_goes_on_after_many_refusals_is_blocked_for_a_while(limits, state):
    own = company()
    caller = limits.caller("a", "a", own, is_oauth=False)
    for _ in range(20):
        limits.admit(caller, own, GET_ONE)
    for _ in range(19):
        with pytest.raises(ApiError):
            limits.admit(caller, own, GET_ONE)

    with pytest.raises(Blocked):
        limits.admit(caller, own, GET_ONE)
    state.clock.advance(10)
    with pytest.raises(Blocked):
        limits.admit(caller, own, GET_ONE)
    state.clock.advance(300)
    limits.admit(caller, own, GET_ONE)


def test_an_app_is_never_blocked(limits):
    own = company()
    caller = limits.caller("a", "a", own, is_oauth=True)
    for _ in range(80):
        limits.admit(caller, own, GET_ONE)

    for _ in range(50):
        with pytest.raises(ApiError):
            limits.admit(caller, own, GET_ONE)


def test_v2_costs_half_of_v1_and_reads_by_id_least(limits):
    costs = {key: route.cost for key, route in ROUTES.items()}

    assert costs["v2", "GET", "/persons/{id}"] == 1
    assert costs["v2", "GET", "/persons"] == 10
    assert costs["v2", "POST", "/persons"] == costs["v2", "PATCH", "/persons/{id}"] == 5
    assert costs["v2", "DELETE", "/persons/{id}"] == 3
    assert costs["v2", "GET", "/itemSearch"] == 20
    assert costs["v1", "GET", "/users"] == 20
    assert costs["v1", "PUT", "/persons/{id}/merge"] == 40
    assert costs["v1", "DELETE", "/webhooks/{id}"] == 6


def test_by_api_token_ten_thousand_writes_a_day_are_allowed_where_the_old_rule_holds(limits, state):
    own = company("ultimate", seats=10)
    create = ROUTES["v2", "POST", "/persons"]
    caller = limits.caller("a", "a", own, is_oauth=False)
    limits.admit(caller, own, create)
    assert limits.headers(caller, own)["x-daily-requests-left"] == "9999"
    caller.writes = 10_000

    with pytest.raises(ApiError):
        limits.admit(caller, own, create)
    limits.admit(caller, own, GET_ONE)
    state.clock.advance(86_400)
    limits.admit(caller, own, create)
