"""Merging: the record in the URL disappears, the other one is filled and keeps its own values."""

from tests.unit.sandbox.conftest import data


def two_persons(ask, **given):
    gone = data(ask("POST", "/api/v2/persons", {"name": "Gone", "org_id": 1, **given}))["id"]
    kept = data(ask("POST", "/api/v2/persons", {"name": "Kept", "emails": [{"value": "k@example.com"}]}))[
        "id"
    ]
    return gone, kept


def test_the_survivor_wins_and_its_gaps_are_filled(ask, seeder):
    score = seeder.codes["person.Lead score"]
    gone, kept = two_persons(ask, emails=[{"value": "g@example.com"}], custom_fields={score: 5})

    merged = data(ask("PUT", f"/v1/persons/{gone}/merge", {"merge_with_id": kept}))
    person = data(ask("GET", f"/api/v2/persons/{kept}"))

    assert (merged["id"], merged["merge_what_id"], merged["name"]) == (kept, gone, "Kept")
    assert person["org_id"] == 1
    assert person["custom_fields"][score] == 5
    assert [(one["value"], one["primary"]) for one in person["emails"]] == [
        ("k@example.com", True),
        ("g@example.com", False),
    ]
    assert data(ask("GET", f"/api/v2/persons/{gone}"))["is_deleted"] is True


def test_what_hung_on_the_vanished_person_hangs_on_the_survivor(ask):
    gone, kept = two_persons(ask)
    deal = data(ask("POST", "/api/v2/deals", {"title": "T", "person_id": gone}))["id"]
    note = data(ask("POST", "/v1/notes", {"content": "x", "person_id": gone}))["id"]
    people = [{"person_id": 1}, {"person_id": gone, "primary": True}]
    activity = data(ask("POST", "/api/v2/activities", {"participants": people}))["id"]

    ask("PUT", f"/v1/persons/{gone}/merge", {"merge_with_id": kept})

    assert data(ask("GET", f"/api/v2/deals/{deal}"))["person_id"] == kept
    assert data(ask("GET", f"/v1/notes/{note}"))["person_id"] == kept
    moved = data(ask("GET", f"/api/v2/activities/{activity}"))
    assert moved["person_id"] == kept
    assert moved["participants"] == [{"person_id": 1, "primary": False}, {"person_id": kept, "primary": True}]


def test_a_merge_tells_both_sides_where_the_other_is(ask, events):
    gone, kept = two_persons(ask)
    ask("POST", "/api/v2/deals", {"title": "T", "person_id": gone})
    events.clear()

    ask("PUT", f"/v1/persons/{gone}/merge", {"merge_with_id": kept})

    told = [(event.entity, event.action, event.record_id, event.meta) for event in events]
    assert ("person", "delete", gone, {"merged_to_id": str(kept)}) in told
    assert ("person", "change", kept, {"merged_from_id": str(gone)}) in told
    assert ("deal", "change") in [entry[:2] for entry in told]


def test_linked_records_stay_silent_where_the_switch_says_so(ask, events, state):
    gone, kept = two_persons(ask)
    ask("POST", "/api/v2/deals", {"title": "T", "person_id": gone})
    state.switches.set("webhook_merge_touches_links", False)
    events.clear()

    ask("PUT", f"/v1/persons/{gone}/merge", {"merge_with_id": kept})

    assert {event.entity for event in events} == {"person"}


def test_organizations_and_deals_merge_too(ask):
    first, second = (data(ask("POST", "/api/v2/organizations", {"name": name}))["id"] for name in "AB")
    person = data(ask("POST", "/api/v2/persons", {"name": "Ann", "org_id": first}))["id"]
    deals = [data(ask("POST", "/api/v2/deals", {"title": name}))["id"] for name in "AB"]

    assert data(ask("PUT", f"/v1/organizations/{first}/merge", {"merge_with_id": second})) == {"id": second}
    assert data(ask("PUT", f"/v1/deals/{deals[0]}/merge", {"merge_with_id": deals[1]}))["id"] == deals[1]
    assert data(ask("GET", f"/api/v2/persons/{person}"))["org_id"] == second


def test_a_merge_with_oneself_or_nobody_is_refused(ask):
    assert ask("PUT", "/v1/persons/1/merge", {"merge_with_id": 1}).status == 400
    assert ask("PUT", "/v1/persons/1/merge", {}).status == 400
    assert ask("PUT", "/v1/persons/1/merge", {"merge_with_id": 99}).status == 404
    assert ask("PUT", "/v1/persons/99/merge", {"merge_with_id": 1}).status == 404


def test_a_merge_takes_no_half_of_a_name_over(ask):
    gone = data(ask("POST", "/api/v2/persons", {"name": "Gone Smith"}))["id"]
    kept = data(ask("POST", "/api/v2/persons", {"name": "Kept"}))["id"]

    ask("PUT", f"/v1/persons/{gone}/merge", {"merge_with_id": kept})

    person = data(ask("GET", f"/api/v2/persons/{kept}"))
    assert (person["name"], person["first_name"], person.get("last_name")) == ("Kept", "Kept", None)


def test_an_open_deal_stays_without_an_end_when_a_won_one_is_merged_into_it(ask):
    won = data(ask("POST", "/api/v2/deals", {"title": "Won", "status": "won"}))["id"]
    kept = data(ask("POST", "/api/v2/deals", {"title": "Open"}))["id"]

    ask("PUT", f"/v1/deals/{won}/merge", {"merge_with_id": kept})

    deal = data(ask("GET", f"/api/v2/deals/{kept}"))
    assert (deal["status"], deal.get("won_time"), deal.get("close_time")) == ("open", None, None)


def test_the_survivor_is_told_of_even_where_nothing_of_it_changed(ask, events, state):
    state.switches.set("unchanged_update_fires", False)
    gone, kept = (data(ask("POST", "/api/v2/persons", {"name": "Twin"}))["id"] for _ in range(2))
    events.clear()

    ask("PUT", f"/v1/persons/{gone}/merge", {"merge_with_id": kept})

    assert ("change", kept, {"merged_from_id": str(gone)}) in [
        (event.action, event.record_id, event.meta) for event in events
    ]
