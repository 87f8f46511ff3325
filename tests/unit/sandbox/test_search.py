"""Search: late, forgetful of deletions, deaf to case only where Pipedrive is."""

import pytest

from pipedrive_sandbox import persons
from pipedrive_sandbox.state import Actor
from tests.unit.sandbox.conftest import data, error

SEARCH = "/api/v2/persons/search"


@pytest.fixture
def ann(ask, state):
    given = {
        "name": "Ann Quibble",
        "emails": [{"value": "Ann.Q@Example.com"}],
        "phones": [{"value": "555 77"}],
    }
    person = data(ask("POST", "/api/v2/persons", given))
    state.clock.advance(5)
    return person


def hits(answer):
    return [one["item"]["id"] for one in data(answer)["items"]]


def test_a_new_person_is_found_only_after_the_delay(ask, state):
    number = data(ask("POST", "/api/v2/persons", {"name": "Ann Quibble"}))["id"]

    assert hits(ask("GET", SEARCH, term="Quibble")) == []
    state.clock.advance(3)
    assert hits(ask("GET", SEARCH, term="Quibble")) == [number]


def test_a_person_hit_has_plain_texts_and_no_sign_of_life(ask, ann):
    item = data(ask("GET", SEARCH, term="quibb"))["items"][0]["item"]

    assert item == {
        "id": ann["id"],
        "type": "person",
        "name": "Ann Quibble",
        "phones": ["555 77"],
        "emails": ["ann.q@example.com"],
        "visible_to": 3,
        "owner": {"id": 1},
        "organization": None,
        "custom_fields": [],
        "notes": [],
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"term": "ann.q@example.com", "exact_match": "true"}, True),
        ({"term": "ann.q@example.com", "exact_match": "true", "fields": "email"}, True),
        ({"term": "ann.q@example.com", "exact_match": "true", "fields": "name"}, False),
        ({"term": "ann.q@example", "exact_match": "true"}, False),
        ({"term": "ann.q@example"}, True),
        ({"term": "%"}, None),
        ({"term": "a%b"}, False),
        ({"term": "a"}, None),
        ({"term": "555 77", "fields": "phone"}, True),
    ],
    ids=str,
)
def test_what_matches(ask, ann, query, found):
    answer = ask("GET", SEARCH, **query)

    if found is None:
        assert answer.status == 400
    else:
        assert (ann["id"] in hits(answer)) is found


def test_an_empty_term_has_its_own_message(ask):
    assert error(ask("GET", SEARCH, term="")) == "[ERR_INVALID_INPUT] term not allowed to be empty"


def test_a_hit_is_stale_until_the_index_hears_of_the_change(ask, ann, state):
    ask("PATCH", f"/api/v2/persons/{ann['id']}", {"name": "Eve Other"})

    assert hits(ask("GET", SEARCH, term="Quibble")) == [ann["id"]]
    state.clock.advance(3)
    assert hits(ask("GET", SEARCH, term="Quibble")) == []


def test_a_deleted_person_is_found_for_a_while(ask, ann, state):
    ask("DELETE", f"/api/v2/persons/{ann['id']}")

    assert hits(ask("GET", SEARCH, term="Quibble")) == [ann["id"]]
    state.clock.advance(3601)
    assert hits(ask("GET", SEARCH, term="Quibble")) == []


def test_a_restored_person_stays_found(ask, ann, account, state):
    ask("DELETE", f"/api/v2/persons/{ann['id']}")
    with state.transaction():
        persons.restore(account, ann["id"], Actor(1, "app"))

    state.clock.advance(2 * 3600)

    assert hits(ask("GET", SEARCH, term="quibble")) == [ann["id"]]


def test_a_deleted_organization_is_found_for_ever(ask, state):
    number = data(ask("POST", "/api/v2/organizations", {"name": "Quibble Oy"}))["id"]
    state.clock.advance(5)
    ask("DELETE", f"/api/v2/organizations/{number}")
    state.clock.advance(90 * 86_400)

    assert hits(ask("GET", "/api/v2/organizations/search", term="Quibble")) == [number]


def test_more_than_a_hundred_hits_a_page_are_refused_unless_the_switch_allows(ask, state):
    assert ask("GET", SEARCH, term="an", limit=101).status == 400

    state.switches.set("search_limit", 500)

    assert ask("GET", SEARCH, term="an", limit=101).status == 200


def test_pages_of_hits_follow_each_other_without_overlap(ask, state):
    for number in range(5):
        ask("POST", "/api/v2/persons", {"name": f"Quibble {number}"})
    state.clock.advance(5)

    first = ask("GET", SEARCH, term="quibble", limit=3)
    second = ask("GET", SEARCH, term="quibble", limit=3, cursor=first.body["additional_data"]["next_cursor"])

    assert len(set(hits(first) + hits(second))) == 5
    assert second.body["additional_data"]["next_cursor"] is None


def test_custom_fields_of_searchable_types_are_searched(ask, seeder, state):
    code = seeder.codes["person.Background"]
    ask("PATCH", "/api/v2/persons/1", {"custom_fields": {code: "plays the theremin"}})
    state.clock.advance(5)

    assert hits(ask("GET", SEARCH, term="theremin")) == [1]
    assert hits(ask("GET", SEARCH, term="theremin", fields="name")) == []


def test_hits_can_be_limited_to_an_organization(ask, ann, state):
    assert hits(ask("GET", SEARCH, term="quibble", organization_id=1)) == []

    ask("PATCH", f"/api/v2/persons/{ann['id']}", {"org_id": 1})

    assert hits(ask("GET", SEARCH, term="quibble", organization_id=1)) == [ann["id"]]


def test_an_archived_deal_is_not_found(ask, state):
    number = data(ask("POST", "/api/v2/deals", {"title": "Quibble deal", "person_id": 1}))["id"]
    state.clock.advance(5)
    assert hits(ask("GET", "/api/v2/deals/search", term="quibble", status="open", person_id=1)) == [number]

    ask("PATCH", f"/api/v2/deals/{number}", {"is_archived": True})

    assert hits(ask("GET", "/api/v2/deals/search", term="quibble")) == []


def test_all_kinds_are_searched_at_once_with_related_items_on_request(ask, state):
    organization = data(ask("POST", "/api/v2/organizations", {"name": "Quibble Oy"}))["id"]
    person = data(ask("POST", "/api/v2/persons", {"name": "Ann", "org_id": organization}))["id"]
    lead = data(ask("POST", "/v1/leads", {"title": "Quibble lead", "person_id": person}))["id"]
    state.clock.advance(5)

    found = data(ask("GET", "/api/v2/itemSearch", term="quibble", search_for_related_items="true"))

    assert {(one["item"]["type"], one["item"]["id"]) for one in found["items"]} == {
        ("organization", organization),
        ("lead", lead),
    }
    assert ("person", person) in {(one["item"]["type"], one["item"]["id"]) for one in found["related_items"]}
    assert data(ask("GET", "/api/v2/itemSearch", term="quibble", item_types="deal,product"))["items"] == []


def test_the_search_by_one_field_hears_case(ask, ann):
    def found(**query):
        return [
            one["id"] for one in data(ask("GET", "/api/v2/itemSearch/field", entity_type="person", **query))
        ]

    assert found(term="Ann Quibble", field="name") == [ann["id"]]
    assert found(term="ann quibble", field="name") == []
    assert found(term="Ann", field="name", match="beginning") == [ann["id"]]
    assert found(term="Quib", field="name", match="beginning") == []
    assert found(term="Quib", field="name", match="middle") == [ann["id"]]
    assert ask("GET", "/api/v2/itemSearch/field", entity_type="person", term="ab").status == 400


def test_nobody_finds_what_they_may_not_see(ask, state):
    ask("POST", "/api/v2/persons", {"name": "Quibble", "visible_to": 1})
    state.clock.advance(5)

    assert len(hits(ask("GET", SEARCH, term="Quibble"))) == 1
    assert hits(ask("GET", SEARCH, term="Quibble", user=2)) == []


def test_related_items_are_those_of_the_hits_that_the_caller_sees(ask, state):
    state.switches.set("search_delay", 0)
    hidden = data(ask("POST", "/api/v2/persons", {"name": "Quillfeather", "visible_to": 1}))["id"]
    ask("POST", "/api/v2/deals", {"title": "Open to all", "person_id": hidden})

    def related(user):
        answer = ask(
            "GET", "/api/v2/itemSearch", user=user, term="Quillfeather", search_for_related_items="true"
        )
        return [one["item"]["title"] for one in data(answer)["related_items"]]

    assert related(1) == ["Open to all"]
    assert related(2) == []
