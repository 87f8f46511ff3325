"""What keeps settings from being launched, and what they mean for one record."""

from dataclasses import replace

import pytest

from tests.pairs import (
    CONSTANTS,
    MAPPINGS,
    OUTREACH,
    PIPEDRIVE,
    make_field,
    make_person,
    make_prospect,
    make_rules,
    make_settings,
)
from tidegate.core.catalogue import User
from tidegate.core.settings import (
    SYSTEM_MAPPINGS,
    Constant,
    Direction,
    FieldMapping,
    Settings,
    active_pairs,
    default_settings,
    mapping_problems,
    problems,
    settings_from_json,
    settings_to_json,
)
from tidegate.core.values import Kind

RULES = make_rules()
OUTREACH_NOW, PIPEDRIVE_NOW = RULES.outreach, RULES.pipedrive


def found(settings: Settings, **changes) -> list[tuple[str, str]]:
    outreach = changes.get("outreach", OUTREACH_NOW)
    pipedrive = changes.get("pipedrive", PIPEDRIVE_NOW)
    return [(problem.code, problem.place) for problem in problems(settings, outreach, pipedrive)]


def test_complete_settings_have_no_problem():
    assert found(make_settings(constants=CONSTANTS)) == []


def test_new_settings_have_the_system_pairs_and_the_default_pairs_both_sides_know():
    poor = replace(PIPEDRIVE_NOW, fields=tuple(f for f in PIPEDRIVE_NOW.fields if f.key != "job_title"))

    rich = default_settings(OUTREACH_NOW, PIPEDRIVE_NOW, owner_id="7")

    assert [m.outreach for m in rich.mappings] == [
        "first_name", "last_name", "email", "company", "phone", "job_title"
    ]  # fmt: skip
    assert "job_title" not in [m.outreach for m in default_settings(OUTREACH_NOW, poor).mappings]
    assert rich.direction is Direction.TWO_WAY


@pytest.mark.parametrize(
    ("direction", "missing"),
    [
        (Direction.TWO_WAY, {"sync_to_list", "owner_id"}),
        (Direction.TO_PIPEDRIVE, {"owner_id"}),
        (Direction.FROM_PIPEDRIVE, {"sync_to_list"}),
    ],
)
def test_what_is_required_depends_on_the_direction(direction, missing):
    settings = make_settings(direction, sync_to_list=None, owner_id=None)

    assert {place for _, place in found(settings)} == missing


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sync_to_list": "9"}, ("list-gone", "sync_to_list")),
        ({"sync_from_lists": ()}, ("lists-missing", "sync_from_lists")),
        ({"sync_from_lists": ("8", "9")}, ("lists-gone", "sync_from_lists")),
        ({"sync_from_lists": ("1", "9")}, ("lists-gone", "sync_from_lists")),
        ({"owner_id": "9"}, ("owner-gone", "owner_id")),
        ({"mappings": MAPPINGS[1:]}, ("system-mapping", "mappings")),
        ({"mappings": (*MAPPINGS, FieldMapping("custom.gone", "source40"))}, ("field-gone", "mappings.8")),
        ({"mappings": (*MAPPINGS, FieldMapping("custom.origin", "gone"))}, ("field-gone", "mappings.8")),
        (
            {"mappings": (*MAPPINGS, FieldMapping("custom.origin", "mobile40"))},
            ("kind-differs", "mappings.8"),
        ),
        (
            {"mappings": (*MAPPINGS, FieldMapping("custom.origin", "job_title"))},
            ("field-twice", "mappings.8"),
        ),
        ({"constants": (Constant(PIPEDRIVE, "gone", "x"),)}, ("field-gone", "constants.0")),
        ({"constants": (Constant(PIPEDRIVE, "score40", "1"),)}, ("constant-mapped", "constants.0")),
        ({"constants": (Constant(PIPEDRIVE, "source40", " "),)}, ("constant-value", "constants.0")),
        ({"constants": (Constant(PIPEDRIVE, "source40", "x" * 31),)}, ("constant-value", "constants.0")),
        ({"constants": (Constant(OUTREACH, "job_title", "CEO"),)}, ("constant-mapped", "constants.0")),
        (
            {"mappings": SYSTEM_MAPPINGS, "constants": (Constant(OUTREACH, "job_title", "CEO"),)},
            ("constant-field", "constants.0"),
        ),
        (
            {"mappings": SYSTEM_MAPPINGS, "constants": (Constant(PIPEDRIVE, "job_title", "CEO"),)},
            ("constant-field", "constants.0"),
        ),
        ({"constants": CONSTANTS + CONSTANTS[1:]}, ("constant-twice", "constants.2")),
    ],
)
def test_each_fault_is_named_at_its_place(changes, problem):
    assert found(make_settings(**changes)) == [problem]


@pytest.mark.parametrize(
    ("kind", "typed", "message"),
    [
        (Kind.TEXT, "x" * 31, "The value doesn’t fit “field”: too long: 31 of 30 characters."),
        (Kind.NUMBER, "many", "The value doesn’t fit “field”: not a number."),
        (Kind.LINK, "our web site", "The value doesn’t fit “field”: “our web site” is not a web address."),
        (
            Kind.DATE_RANGE,
            "2026-03-31 – 2026-03-01",
            "The value doesn’t fit “field”: the range ends before it begins.",
        ),
        (Kind.TEXT, " ", "“field” has no value yet. Enter one, or choose no constant."),
    ],
)
def test_a_constant_that_would_never_be_written_is_refused_with_the_reason(kind, typed, message):  # K4
    target = make_field(kind, key="one40", name="field", max_length=30 if kind is Kind.TEXT else None)
    there = replace(PIPEDRIVE_NOW, fields=(*PIPEDRIVE_NOW.fields, replace(target, custom=True)))
    settings = make_settings(constants=(Constant(PIPEDRIVE, "one40", typed),))

    assert [problem.message for problem in problems(settings, OUTREACH_NOW, there)] == [message]


def test_a_custom_field_that_only_pipedrive_fills_takes_no_constant():  # K5
    fields = tuple(replace(f, writable=f.key != "source40") for f in PIPEDRIVE_NOW.fields)

    (problem,) = problems(
        make_settings(constants=CONSTANTS), OUTREACH_NOW, replace(PIPEDRIVE_NOW, fields=fields)
    )

    assert (problem.code, problem.place) == ("constant-field", "constants.1")
    assert problem.message == "“Source” is no custom field that can be written. Choose another one."


def test_a_deactivated_owner_is_a_problem():
    left = replace(PIPEDRIVE_NOW, users=(User("7", "Olga Owner", active=False),))

    (problem,) = problems(make_settings(), OUTREACH_NOW, left)

    assert problem.message == "Olga Owner is deactivated in Pipedrive. Choose another user."


def test_one_way_the_lists_to_sync_from_do_not_matter_when_nothing_comes_from_them():
    assert found(make_settings(Direction.FROM_PIPEDRIVE, sync_from_lists=())) == []


@pytest.mark.parametrize("left", list(Kind))
@pytest.mark.parametrize("right", list(Kind))
def test_only_fields_of_one_kind_can_be_mapped_and_texts_with_texts(left, right):
    texts = {Kind.TEXT, Kind.LONG_TEXT, Kind.LINK}
    outreach = replace(OUTREACH_NOW, fields=(replace(OUTREACH_NOW.fields[0], key="l", kind=left),))
    pipedrive = replace(PIPEDRIVE_NOW, fields=(replace(PIPEDRIVE_NOW.fields[0], key="r", kind=right),))
    fits = (left is right and left is not Kind.UNKNOWN) or {left, right} <= texts

    assert (not mapping_problems(FieldMapping("l", "r"), outreach, pipedrive)) == fits
    assert len(active_pairs(Settings(mappings=(FieldMapping("l", "r"),)), outreach, pipedrive)) == fits


@pytest.mark.parametrize("direction", Direction)
def test_the_direction_says_who_sends_and_who_wins(direction):
    settings = make_settings(direction, source_app=OUTREACH)

    assert [direction.flows_to(side) for side in (OUTREACH, PIPEDRIVE)] == [
        direction is not Direction.TO_PIPEDRIVE,
        direction is not Direction.FROM_PIPEDRIVE,
    ]
    assert settings.winner is (PIPEDRIVE if direction is Direction.FROM_PIPEDRIVE else OUTREACH)
    assert (direction.sender is None) == (direction is Direction.TWO_WAY)


@pytest.mark.parametrize("direction", Direction)
def test_constants_count_where_data_flows(direction):
    settings = make_settings(direction, constants=CONSTANTS)

    for constant in CONSTANTS:
        assert (constant in settings.constants_of(constant.side)) == direction.flows_to(constant.side)


def test_what_is_admitted_can_be_asked_plainly():
    assert make_settings().admits(make_prospect(email=("a@x.de",)))
    assert not make_settings(Direction.TO_PIPEDRIVE).admits(make_person(email=("a@x.de",)))


def test_settings_survive_the_file_whole():
    settings = make_settings(
        Direction.TO_PIPEDRIVE,
        constants=CONSTANTS,
        sync_from_lists=("1", "2"),
        only_with_email=False,
        include_email_history=False,
        source_app=OUTREACH,
        filter_id="5",
    )

    assert settings_from_json(settings_to_json(settings)) == settings
    assert settings_from_json(settings_to_json(Settings())) == Settings()


def test_a_file_that_says_nothing_means_the_defaults():
    assert settings_from_json({}) == Settings(mappings=SYSTEM_MAPPINGS)
    assert settings_from_json({"sync_to_list": "", "sync_from_lists": []}).sync_from_lists == ()
