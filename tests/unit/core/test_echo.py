"""docs/sync-rules.md, "Echoes"."""

from dataclasses import replace

from tests.pairs import make_base, make_person, make_prospect, make_rules
from tidegate.core.echo import is_echo
from tidegate.core.values import MISSING, Unreadable

RULES = make_rules()
PROSPECT = make_prospect(first_name="ann", phone=("0171 55",), email=("ann@a.example",))
PERSON = make_person(first_name="Ann", phone=("+49 171 55",), email=("ann@a.example",), organization="Acme")
BASE = make_base(PROSPECT, PERSON, RULES)


def test_a_body_that_shows_what_the_base_holds_is_an_echo():  # E1
    assert is_echo(PERSON, BASE, RULES.pairs)


def test_each_side_is_compared_with_its_own_half_of_the_base():  # E1
    assert is_echo(PROSPECT, BASE, RULES.pairs)
    assert not is_echo(replace(PERSON, values={**PERSON.values, "first_name": "ann"}), BASE, RULES.pairs)


def test_a_change_of_a_field_that_is_not_mapped_is_no_change():  # E1
    changed = replace(PERSON, values={**PERSON.values, "source40": "typed by hand"})

    assert is_echo(changed, BASE, RULES.pairs)


def test_one_changed_mapped_field_makes_it_a_change():  # E1
    for pair in RULES.pairs:
        shown = (
            ("z@z.example",)
            if pair.key == "email=email"
            else ("0190 1",)
            if pair.key == "phone=phone"
            else "z"
        )
        changed = replace(PERSON, values={**PERSON.values, pair.mapping.pipedrive: shown})

        assert not is_echo(changed, BASE, RULES.pairs), pair.key


def test_a_field_that_the_body_does_not_show_proves_nothing_against_it():  # E1
    values = {key: value for key, value in PERSON.values.items() if key != "job_title"}

    assert is_echo(replace(PERSON, values=values), BASE, RULES.pairs)


def test_a_value_that_cannot_be_read_is_looked_at():  # E2
    odd = replace(PERSON, values={**PERSON.values, "score40": Unreadable("??", "not a number")})

    assert not is_echo(odd, BASE, RULES.pairs)


def test_a_field_without_an_entry_in_the_base_is_looked_at():  # E2
    assert not is_echo(PERSON, {**BASE, "company=organization": (MISSING, MISSING)}, RULES.pairs)
    assert not is_echo(PERSON, {k: v for k, v in BASE.items() if k != "phone=phone"}, RULES.pairs)


def test_an_organization_known_by_its_id_alone_proves_nothing():  # E2
    values = {key: value for key, value in PERSON.values.items() if key != "organization"}

    assert not is_echo(replace(PERSON, values=values, organization_id="5"), BASE, RULES.pairs)
    assert not is_echo(replace(PERSON, values=values, organization_id=None), BASE, RULES.pairs)


def test_a_person_without_an_organization_echoes_an_empty_one():
    person = make_person(first_name="Ann", email=("ann@a.example",))
    base = make_base(PROSPECT, person, RULES)
    values = {key: value for key, value in person.values.items() if key != "organization"}

    assert is_echo(replace(person, values=values), base, RULES.pairs)
