"""The rest of API v1: users, leads, filters, recents, currencies, changelog."""

import pytest

from pipedrive_sandbox.clock import v1_time
from tests.unit.sandbox.conftest import data, error


def test_me_says_company_and_user(ask, account):
    me = data(ask("GET", "/v1/users/me"))

    assert me["is_you"] is True
    assert (me["company_id"], me["company_domain"]) == (account.id, "northlight")
    assert me["language"] == {"language_code": "en", "country_code": "US"}


def test_a_regular_user_has_no_entry_for_account_settings(ask):
    admin, regular, _ = data(ask("GET", "/v1/users"))

    assert {one["app"] for one in admin["access"]} - {one["app"] for one in regular["access"]} == {
        "account_settings"
    }


def test_an_unknown_user_is_named_as_such(ask):
    answer = ask("GET", "/v1/users/99")

    assert (answer.status, answer.body) == (
        404,
        {"success": False, "error": "User not found or not accessible."},
    )


def test_a_user_who_may_not_see_others_sees_only_themselves(ask, account):
    user = account.records("user").get(account.id, 2) | {"permissions": []}
    account.records("user").save(account.id, user)

    assert [one["id"] for one in data(ask("GET", "/v1/users", user=2))] == [2]
    assert ask("GET", "/v1/users/1", user=2).status == 404


def test_users_are_found_by_name_or_address(ask):
    assert [one["id"] for one in data(ask("GET", "/v1/users/find", term="aiko"))] == [3]
    assert [one["id"] for one in data(ask("GET", "/v1/users/find", term="TOMAS.F", search_by_email=1))] == [2]
    assert ask("GET", "/v1/users/find").status == 400


def test_a_lead_has_a_uuid_text_visibility_and_milliseconds(ask, seeder):
    code = seeder.codes["deal.Campaign"]
    given = {"title": "L", "person_id": 1, "value": {"amount": 5, "currency": "EUR"}, code: "Spring"}

    answer = ask("POST", "/v1/leads", given)
    lead = data(answer)

    assert answer.status == 201
    assert len(lead["id"]) == 36
    assert lead["visible_to"] == "3"
    assert lead["add_time"].endswith(".000Z")
    assert lead[code] == "Spring"
    assert data(ask("GET", f"/v1/leads/{lead['id']}")) == lead


@pytest.mark.parametrize(
    "given",
    [
        {"title": "L"},
        {"person_id": 1},
        {"title": "L", "person_id": 99},
        {"title": "L", "person_id": 1, "value": {"amount": 5}},
        {"title": "L", "person_id": 1, "value": 5},
        {"title": "L", "person_id": 1, "label_ids": ["x"]},
        {"title": "L", "person_id": 1, "visible_to": 3},
        {"title": "L", "person_id": 1, "expected_close_date": "soon"},
    ],
    ids=str,
)
def test_a_bad_lead_is_refused(ask, given):
    assert ask("POST", "/v1/leads", given).status == 400


def test_archived_leads_have_a_list_of_their_own_and_are_not_editable(ask):
    number = data(ask("POST", "/v1/leads", {"title": "L", "organization_id": 1}))["id"]
    ask("PATCH", f"/v1/leads/{number}", {"is_archived": True})

    assert data(ask("GET", "/v1/leads")) == []
    assert [one["id"] for one in data(ask("GET", "/v1/leads/archived"))] == [number]
    assert ask("PATCH", f"/v1/leads/{number}", {"title": "M"}).status == 403
    assert data(ask("PATCH", f"/v1/leads/{number}", {"is_archived": False, "title": "M"}))["title"] == "M"


def test_a_missing_lead_is_told_in_leads_own_words(ask):
    answer = ask("DELETE", "/v1/leads/39c433f0-8a4c-11ec-8728-09968f0a1ca0")

    assert answer.status == 404
    assert error(answer) == "requested lead not found"


def test_lead_labels_can_be_made_changed_and_removed(ask):
    label = data(ask("POST", "/v1/leadLabels", {"name": "Tepid", "color": "orange"}))["id"]

    assert data(ask("PATCH", f"/v1/leadLabels/{label}", {"color": "pink"}))["color"] == "pink"
    assert data(ask("DELETE", f"/v1/leadLabels/{label}")) == {"id": label}
    assert ask("PATCH", f"/v1/leadLabels/{label}", {"color": "pink"}).status == 404
    assert ask("POST", "/v1/leadLabels", {"name": "X", "color": "mauve"}).status == 400


def conditions(*items, glue="and"):
    return {"glue": "and", "conditions": [{"glue": glue, "conditions": list(items)}]}


def make_filter(ask, kind, body):
    return data(ask("POST", "/v1/filters", {"name": "F", "type": kind, "conditions": body}))["id"]


def test_filters_compare_texts_numbers_lists_and_custom_fields(ask, seeder):
    score, interests = seeder.codes["person.Lead score"], seeder.codes["person.Interests"]
    option = data(ask("GET", f"/api/v2/personFields/{interests}"))["options"][0]["id"]
    given = {"emails": [{"value": "a@x.example.com"}], "custom_fields": {score: 101.5, interests: [option]}}
    ask("PATCH", "/api/v2/persons/2", given)

    for field, operator, value in (
        (score, ">", "101"),
        (score, "=", 101.5),
        (interests, "=", str(option)),
        ("email", "=", "a@x.example.com"),
        ("email", "LIKE '%$%'", "@x."),
        ("id", "=", "2"),
    ):
        body = conditions({"object": "person", "field_id": field, "operator": operator, "value": value})
        number = make_filter(ask, "people", body)
        found = data(ask("GET", "/api/v2/persons", filter_id=number))
        assert 2 in [one["id"] for one in found], (field, operator, value)
        if field != interests:
            assert len(found) == 1, (field, operator, value)


def test_an_or_group_widens_and_empty_means_empty(ask):
    either = conditions(
        {"field_id": "id", "operator": "=", "value": "1"},
        {"field_id": "id", "operator": "=", "value": "2"},
        glue="or",
    )
    without = conditions({"field_id": "phone", "operator": "IS NULL", "value": None})

    assert [
        one["id"] for one in data(ask("GET", "/api/v2/persons", filter_id=make_filter(ask, "people", either)))
    ] == [1, 2]
    found = data(ask("GET", "/api/v2/persons", filter_id=make_filter(ask, "people", without)))
    assert all(one["phones"] == [] for one in found)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"glue": "or", "conditions": []},
        conditions({"field_id": "nix", "operator": "=", "value": 1}),
        conditions({"field_id": "name", "operator": "~", "value": 1}),
        conditions({"field_id": "name", "operator": "="}),
        conditions(*[{"field_id": "id", "operator": "=", "value": 1}] * 17),
    ],
    ids=lambda body: str(body)[:60],
)
def test_bad_conditions_are_refused(ask, body):
    assert ask("POST", "/v1/filters", {"name": "F", "type": "people", "conditions": body}).status == 400


def test_a_filter_can_be_read_changed_and_deleted(ask):
    number = make_filter(
        ask, "deals", conditions({"field_id": "title", "operator": "IS NOT NULL", "value": None})
    )

    shown = data(ask("GET", f"/v1/filters/{number}", include_field_code="true"))
    assert shown["conditions"]["conditions"][0]["conditions"][0]["field_code"] == "title"
    assert data(ask("PUT", f"/v1/filters/{number}", {"name": "G"}))["name"] == "G"
    assert [one["id"] for one in data(ask("GET", "/v1/filters", type="deals"))] == [number]
    assert data(ask("DELETE", f"/v1/filters/{number}")) == {"id": number}
    assert data(ask("GET", "/v1/filters")) == []
    assert ask("GET", "/api/v2/deals", filter_id=number).status == 404


def test_recents_tell_what_changed_since_oldest_first(ask, state, account):
    since = v1_time(account.now())
    state.clock.advance(10)
    ask("PATCH", "/api/v2/persons/1", {"name": "Zed"})
    state.clock.advance(10)
    ask("DELETE", "/api/v2/organizations/1")

    answer = ask("GET", "/v1/recents", since_timestamp=since, items="person,organization,file").body
    found = [(one["item"], one["id"], one["data"]["active_flag"]) for one in answer["data"]]

    assert found[-2:] == [("person", 1, True), ("organization", 1, False)]
    assert answer["additional_data"]["last_timestamp_on_page"] > since


def test_recents_reach_back_only_so_far(ask, state):
    state.switches.set("recents_days", 0)
    state.clock.advance(2)

    assert data(ask("GET", "/v1/recents", since_timestamp="2020-01-01 00:00:00")) == []
    assert ask("GET", "/v1/recents").status == 400
    assert ask("GET", "/v1/recents", since_timestamp="2020-01-01T00:00:00Z").status == 400
    assert ask("GET", "/v1/recents", since_timestamp="2020-01-01 00:00:00", items="nix").status == 400


def test_every_kind_has_a_v1_form_in_recents(ask, state):
    ask("POST", "/v1/notes", {"content": "x", "person_id": 1})
    body = conditions({"field_id": "title", "operator": "IS NOT NULL", "value": None})
    make_filter(ask, "deals", body)

    found = data(ask("GET", "/v1/recents", since_timestamp="2020-01-01 00:00:00", limit=500))

    kinds = {one["item"] for one in found}
    assert {"activityType", "filter", "note", "pipeline", "stage", "user"} <= kinds


def test_currencies_are_found_by_code_or_name(ask):
    assert [one["code"] for one in data(ask("GET", "/v1/currencies", term="krona"))] == ["SEK"]
    assert len(data(ask("GET", "/v1/currencies"))) > 10


def test_the_changelog_tells_each_field_with_old_and_new(ask):
    before = data(ask("GET", "/api/v2/persons/1"))["name"]
    ask("PATCH", "/api/v2/persons/1", {"name": "Zed", "org_id": 2})

    entries = {one["field_key"]: one for one in data(ask("GET", "/v1/persons/1/changelog"))}

    assert (entries["name"]["old_value"], entries["name"]["new_value"]) == (before, "Zed")
    assert entries["name"]["change_source"] == "api"
    assert entries["org_id"]["new_value"] == "2"


def test_followers_come_once_and_go(ask):
    path = "/api/v2/persons/1/followers"

    assert ask("POST", path, {"user_id": 2}).status == 201
    assert ask("POST", path, {"user_id": 2}).status == 400
    assert ask("POST", path, {"user_id": 99}).status == 400
    assert [one["user_id"] for one in data(ask("GET", path))] == [2]
    assert data(ask("GET", "/api/v2/persons/1", include_fields="followers_count"))["followers_count"] == 1
    assert data(ask("DELETE", f"{path}/2")) == {"user_id": 2}
    assert ask("DELETE", f"{path}/2").status == 404


@pytest.mark.parametrize("kind", [{}, [], None, 5, "nonsense"])
def test_a_filter_of_no_known_type_is_refused(ask, kind):
    assert ask("POST", "/v1/filters", {"type": kind, "name": "F", "conditions": {}}).status == 400


@pytest.mark.parametrize("place", [None, ""])
def test_an_activity_type_keeps_its_place_in_the_order(ask, place):
    assert ask("PUT", "/v1/activityTypes/1", {"order_nr": place}).status == 400


def test_leads_are_listed_by_a_saved_filter_which_switches_the_others_off(ask):
    for title in ("North", "South"):
        ask("POST", "/v1/leads", {"title": title, "person_id": 1})
    only = make_filter(
        ask, "leads", conditions({"object": "lead", "field_id": "title", "operator": "=", "value": "South"})
    )

    found = data(ask("GET", "/v1/leads", filter_id=only, person_id=2))

    assert [one["title"] for one in found] == ["South"]
    assert ask("GET", "/v1/leads", filter_id=99).status == 404


def test_who_sees_less_pages_to_the_end_of_leads_and_recents_all_the_same(ask, state):
    for number in range(6):
        private = {"visible_to": "1"} if number < 4 else {}
        ask("POST", "/v1/leads", {"title": f"L{number}", "person_id": 1, **private})
        hidden = {"visible_to": 1} if number < 4 else {}
        ask("POST", "/api/v2/persons", {"name": f"P{number}", **hidden})

    leads = ask("GET", "/v1/leads", user=2, limit=1)
    assert [one["title"] for one in leads.body["data"]] == ["L4"]
    assert leads.body["additional_data"]["more_items_in_collection"] is True

    recent = {"since_timestamp": v1_time("2020-01-01T00:00:00Z"), "items": "person"}
    shown = [one["data"]["name"] for one in data(ask("GET", "/v1/recents", user=2, **recent))]
    paged = []
    for start in range(len(shown)):
        answer = ask("GET", "/v1/recents", user=2, start=start, limit=1, **recent)
        paged += [one["data"]["name"] for one in answer.body["data"]]
        more = answer.body["additional_data"]["pagination"]["more_items_in_collection"]
        assert more is (start < len(shown) - 1)
    assert paged == shown
    assert paged[-2:] == ["P4", "P5"]


def test_custom_fields_of_a_lead_are_taken_in_the_forms_of_v1(ask):
    made = {
        kind: data(ask("POST", "/api/v2/dealFields", {"field_name": kind, "field_type": kind, **options}))
        for kind, options in (
            ("double", {}),
            ("monetary", {}),
            ("people", {}),
            ("time", {}),
            ("timerange", {}),
            ("address", {}),
            ("set", {"options": [{"label": "A"}, {"label": "B"}]}),
        )
    }
    code = {kind: field["field_code"] for kind, field in made.items()}
    first, second = (option["id"] for option in made["set"]["options"])
    given = {
        code["double"]: "12.5",
        code["monetary"]: "500",
        f"{code['monetary']}_currency": "USD",
        code["people"]: "2",
        code["time"]: "09:00:00",
        code["timerange"]: "09:00:00",
        f"{code['timerange']}_until": "11:00:00",
        code["address"]: "530 Fifth Ave",
        f"{code['address']}_locality": "New York",
        code["set"]: f"{first},{second}",
    }

    lead = data(ask("POST", "/v1/leads", {"title": "L", "person_id": 1, **given}))

    assert (lead[code["double"]], lead[code["people"]], lead[code["set"]]) == (12.5, 2, f"{first},{second}")
    assert (lead[code["monetary"]], lead[f"{code['monetary']}_currency"]) == (500, "USD")
    assert (lead[code["timerange"]], lead[f"{code['timerange']}_until"]) == ("09:00:00", "11:00:00")
    assert (lead[code["address"]], lead[f"{code['address']}_locality"]) == ("530 Fifth Ave", "New York")
    assert ask("POST", "/v1/leads", {"title": "L", "person_id": 1, code["double"]: "much"}).status == 400
    assert ask("POST", "/v1/leads", {"title": "L", "person_id": 1, code["set"]: "A,B"}).status == 400
