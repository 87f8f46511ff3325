"""Bases and mirrored records as JSON, and back."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tests.pairs import PIPEDRIVE_FIELDS, make_base, make_person, make_prospect, make_rules
from tidegate.core.bases import base_from_json, base_to_json, record_from_json, record_to_json
from tidegate.core.records import ORGANIZATION, with_organization
from tidegate.core.values import MISSING, Unreadable

RULES = make_rules()
PROSPECT = make_prospect(email=("a@x.de",), first_name="Ann", score=Decimal("1.50"), heat="Hot")
PERSON = replace(
    make_person(email=("a@x.de",), first_name="ann", score=Decimal("1.5"), organization="Acme"),
    owner_id="7",
    organization_id="5",
    labels={"a@x.de": "work"},
    updated_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
)


def test_a_base_comes_back_as_it_was():
    base = make_base(PROSPECT, PERSON, RULES)

    assert base_from_json(base_to_json(base, {}), RULES.pairs) == base


def test_what_no_pair_in_force_asks_for_is_kept():
    base = make_base(PROSPECT, PERSON, RULES)
    stored = base_to_json(base, {})

    fewer = base_from_json(stored, RULES.pairs[:2])

    assert set(fewer) == {pair.key for pair in RULES.pairs[:2]}
    assert base_to_json(fewer, stored) == stored


def test_a_damaged_entry_is_none():
    key = RULES.pairs[0].key

    assert base_from_json({key: ["only one"]}, RULES.pairs) == {}
    assert base_from_json({key: "text"}, RULES.pairs) == {}


def test_a_mirrored_person_comes_back_as_it_was():
    kinds = {field.key: field.kind for field in PIPEDRIVE_FIELDS}
    odd = {**PERSON.values, "score40": Unreadable("??", "odd"), "job_title": MISSING}
    person = replace(PERSON, values=odd)

    assert record_from_json(person.side, person.id, record_to_json(person, kinds)) == person


def test_a_person_that_shows_little_comes_back_as_it_was():
    person = replace(PERSON, values={}, emails=(), name="", owner_id=None, organization_id=None, labels={})
    person = replace(person, updated_at=None)

    assert record_from_json(person.side, person.id, record_to_json(person, {})) == person
    assert record_from_json(person.side, person.id, {}) == person


def test_the_organizations_name_is_filled_in_where_it_is_known():
    bare = replace(PERSON, values={})

    assert with_organization(bare, {"5": "Acme"}).value(ORGANIZATION) == "Acme"
    assert with_organization(bare, {}).value(ORGANIZATION) is MISSING
    assert with_organization(replace(bare, organization_id=None), {}).value(ORGANIZATION) is None
