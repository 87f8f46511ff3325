"""Automations as settings: what is wrong with one, which of them work, and the document both ways."""

import itertools
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.pairs import make_rules, make_settings
from tidegate.core.automation import (
    MAX_TEXT,
    TEMPLATE_FIELDS,
    WORTH_AN_UPDATE,
    Action,
    ActionKind,
    Automation,
    Often,
    Trigger,
    fill,
    unknown_fields,
)
from tidegate.core.catalogue import Pipeline
from tidegate.core.settings import (
    Direction,
    Settings,
    active_automations,
    problems,
    settings_from_json,
    settings_to_json,
)

RULES = make_rules()
unhurried = hypothesis_settings(deadline=None)
CREATE = Action(ActionKind.CREATE_DEAL, pipeline_id="1")
TO_STAGE = Action(ActionKind.MOVE_DEAL_TO_STAGE, pipeline_id="1", stage_id="2")
TO_NEXT = Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE)
ADD = Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name}")
ALL = (CREATE, TO_STAGE, TO_NEXT, ADD)


def with_automations(*automations: Automation, direction: Direction = Direction.TWO_WAY) -> Settings:
    return make_settings(direction, automations=automations)


def found(settings: Settings, pipedrive=RULES.pipedrive) -> list[tuple[str, str]]:
    return [(problem.code, problem.place) for problem in problems(settings, RULES.outreach, pipedrive)]


def of(trigger: Trigger, *actions: Action, enabled: bool = True) -> Automation:
    return Automation(trigger, enabled, actions=actions)


def test_all_twenty_four_scenarios_can_be_set_up_at_once():
    settings = with_automations(*(of(trigger, *ALL) for trigger in Trigger))

    assert sum(len(automation.actions) for automation in settings.automations) == 24
    assert found(settings) == []
    assert active_automations(settings, RULES.pipedrive) == settings.automations


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        (replace(CREATE, pipeline_id=None), ("pipeline-missing", "create_deal.pipeline")),
        (replace(CREATE, pipeline_id="9"), ("pipeline-gone", "create_deal.pipeline")),
        (replace(CREATE, title=" "), ("title-missing", "create_deal.title")),
        (replace(CREATE, title="x" * (MAX_TEXT + 1)), ("title-long", "create_deal.title")),
        (replace(CREATE, title="{nmae} deal"), ("title-field", "create_deal.title")),
        (replace(TO_STAGE, pipeline_id=None), ("pipeline-missing", "move_deal_to_stage.pipeline")),
        (replace(TO_STAGE, stage_id=None), ("stage-missing", "move_deal_to_stage.stage")),
        (replace(TO_STAGE, stage_id="99"), ("stage-gone", "move_deal_to_stage.stage")),
        (replace(TO_STAGE, stage_id="7"), ("stage-elsewhere", "move_deal_to_stage.stage")),
        (replace(ADD, subject=""), ("subject-missing", "add_activity.subject")),
        (replace(ADD, subject="x" * (MAX_TEXT + 1)), ("subject-long", "add_activity.subject")),
        (replace(ADD, subject="Call {phone}"), ("subject-field", "add_activity.subject")),
    ],
)
def test_what_is_missing_or_gone_is_named_at_its_place(action, problem):
    code, place = problem
    settings = with_automations(of(Trigger.EMAIL_SENT, action))

    assert found(settings) == [(code, f"automations.email_sent.{place}")]


def test_a_pipeline_without_stages_is_told():
    empty = replace(RULES.pipedrive, pipelines=(Pipeline("1", "New business", 1),))

    settings = with_automations(of(Trigger.EMAIL_SENT, CREATE))

    assert found(settings, empty) == [("pipeline-empty", "automations.email_sent.create_deal.pipeline")]


def test_an_automation_without_actions_is_told():
    assert found(with_automations(of(Trigger.EMAIL_SENT))) == [("actions-missing", "automations.email_sent")]


def test_one_trigger_twice_and_one_action_twice_are_told():
    settings = with_automations(of(Trigger.EMAIL_SENT, CREATE, CREATE), of(Trigger.EMAIL_SENT, ADD))

    assert found(settings) == [
        ("action-twice", "automations.email_sent.create_deal"),
        ("automation-twice", "automations.email_sent"),
    ]


def test_one_that_is_switched_off_keeps_what_it_has_and_holds_up_no_launch():
    settings = with_automations(of(Trigger.EMAIL_SENT, replace(CREATE, pipeline_id=None), enabled=False))

    assert found(settings) == []
    assert active_automations(settings, RULES.pipedrive) == ()
    assert settings_from_json(settings_to_json(settings)) == settings


def test_one_whose_pipeline_vanished_sleeps_and_the_others_go_on():  # R11
    good, bad = of(Trigger.EMAIL_REPLIED, ADD), of(Trigger.EMAIL_SENT, replace(CREATE, pipeline_id="9"), ADD)

    assert active_automations(with_automations(bad, good), RULES.pipedrive) == (good,)


def test_none_acts_where_nothing_goes_to_pipedrive():  # R12
    settings = with_automations(
        of(Trigger.EMAIL_SENT, replace(CREATE, pipeline_id="9")),
        of(Trigger.EMAIL_REPLIED, ADD),
        direction=Direction.FROM_PIPEDRIVE,
    )

    assert found(settings) == []
    assert active_automations(settings, RULES.pipedrive) == ()


actions = st.builds(
    Action,
    kind=st.sampled_from(ActionKind),
    pipeline_id=st.none() | st.sampled_from("129"),
    stage_id=st.none() | st.sampled_from("1279"),
    subject=st.text(max_size=20),
    title=st.text(max_size=20),
    only_in_pipeline=st.booleans(),
)
automations = st.builds(
    Automation,
    trigger=st.sampled_from(Trigger),
    enabled=st.booleans(),
    often=st.sampled_from(Often),
    actions=st.lists(actions, max_size=5).map(tuple),
)


def kept(action: Action) -> Action:
    """The action with what its kind does not use at its default."""
    uses = {
        ActionKind.CREATE_DEAL: ("pipeline_id", "title"),
        ActionKind.MOVE_DEAL_TO_STAGE: ("pipeline_id", "stage_id", "only_in_pipeline"),
        ActionKind.ADD_ACTIVITY: ("subject",),
        ActionKind.MOVE_DEAL_TO_NEXT_STAGE: (),
    }[action.kind]
    return Action(action.kind, **{name: getattr(action, name) for name in uses})


@unhurried
@given(st.lists(automations, max_size=4).map(tuple), st.lists(st.sampled_from(WORTH_AN_UPDATE), unique=True))
def test_the_document_brings_back_what_counts(written, events):
    settings = make_settings(automations=written, history_events=tuple(events))

    read = settings_from_json(settings_to_json(settings))

    assert read.automations == tuple(
        replace(automation, actions=tuple(map(kept, automation.actions))) for automation in written
    )
    assert set(read.history_events) == set(events)
    assert settings_to_json(read)["automations"] == settings_to_json(settings)["automations"]


@unhurried
@given(st.lists(automations, max_size=4).map(tuple))
def test_exactly_those_without_a_problem_of_their_own_work(written):
    working = active_automations(make_settings(automations=written), RULES.pipedrive)

    for automation in written:
        alone = found(make_settings(automations=(automation,)))
        assert (automation in working) <= (automation.enabled and not alone)
        if automation.enabled and not alone:
            assert automation.trigger in {other.trigger for other in working}
    assert len({automation.trigger for automation in working}) == len(working)


def test_settings_from_before_there_were_automations_have_none_and_update_for_every_event():
    old = settings_to_json(make_settings())
    del old["automations"], old["history_events"]

    read = settings_from_json(old)

    assert (read.automations, read.history_events) == ((), WORTH_AN_UPDATE)


# --- Templates


def test_a_template_is_filled_once_and_stands_on_one_line():
    fields = {"name": "Ann {campaign}", "campaign": "Q2\nintro"}

    assert fill("  {name}:\t{campaign} {name} ", fields) == "Ann {campaign}: Q2 intro Ann {campaign}"


def test_what_is_empty_leaves_no_hole():
    assert fill("Call {first_name} at {company} now", {"first_name": "Ann", "company": ""}) == (
        "Call Ann at now"
    )


@unhurried
@given(st.text(alphabet=string.printable + "{}", max_size=300))
def test_a_filled_template_fits_whatever_was_written(template):
    fields = dict.fromkeys(TEMPLATE_FIELDS, "x" * 200)

    text = fill(template, fields)

    assert len(text) <= MAX_TEXT
    assert text == text.strip()
    assert "\n" not in text


def test_every_field_is_known_and_nothing_else():
    template = "".join(f"{{{name}}}" for name in itertools.chain(TEMPLATE_FIELDS, ["phone", "phone", ""]))

    assert unknown_fields(template) == ["phone", ""]
