"""A simulation decides as the real thing does, marks doubles, and says what depends on what only Pipedrive knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.core.automation import Action, ActionKind, Automation, Often, Trigger
from tidegate.core.campaigns import CampaignEvent
from tidegate.core.catalogue import PipedriveCatalogue, Pipeline, Stage
from tidegate.core.deals import Deal
from tidegate.core.once import Ran
from tidegate.core.records import Record, Side
from tidegate.core.runs import CampaignRules
from tidegate.core.simulation import Simulated, Simulator, Verdict, Would, counted

T0 = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
PIPEDRIVE = PipedriveCatalogue(
    pipelines=(Pipeline("1", "Sales", 1, (Stage("11", "Lead in", "1", 1), Stage("12", "Contacted", "1", 2))),)
)
CREATE = Action(ActionKind.CREATE_DEAL, "1")
MOVE = Action(ActionKind.MOVE_DEAL_TO_STAGE, "1", "12")
NEXT = Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE)
TASK = Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name}")
INES = Record(Side.OUTREACH, "5", {"first_name": "Inês", "last_name": "Carvalho"}, name="Inês Carvalho")


def simulator(*automations: Automation) -> Simulator:
    return Simulator(CampaignRules(automations=automations, pipedrive=PIPEDRIVE))


def event(number: int, trigger: Trigger = Trigger.EMAIL_SENT, **facts: object) -> CampaignEvent:
    at = T0 + timedelta(minutes=number)
    made = CampaignEvent(
        str(number), f"k{number}", trigger.value, at, at, INES.id, "1", "Q2 intro", email_id="1"
    )
    return replace(made, **facts)  # type: ignore[arg-type]  # fields of the event


def would(simulated: Simulated | None) -> list[tuple[Would, str]]:
    assert simulated is not None
    return [(action.would, action.text) for action in simulated.actions]


def test_the_articles_chain_would_be_done_on_one_deal() -> None:
    done = simulator(Automation(Trigger.EMAIL_SENT, actions=(CREATE, MOVE, TASK))).follow(event(1), INES)
    assert done is not None
    assert done.verdict is Verdict.RUNS
    assert would(done) == [
        (Would.PERFORMED, "“Inês Carvalho deal” in “Sales”"),
        (Would.PERFORMED, "“Inês Carvalho deal” to “Contacted”"),
        (Would.PERFORMED, "Call Inês"),
    ]


def test_an_event_without_an_automation_sets_nothing_off() -> None:
    tried = simulator(Automation(Trigger.EMAIL_SENT, actions=(TASK,)))
    assert tried.follow(event(1, Trigger.EMAIL_OPENED), INES) is None
    assert tried.follow(event(2, automatic=True), INES) is None
    assert tried.follow(event(3, type="email_delivered"), INES) is None


@pytest.mark.parametrize(
    ("often", "verdicts"),
    [
        (Often.PER_CAMPAIGN, "runs double double runs"),
        (Often.EVERY_EMAIL, "runs double runs runs"),
        (Often.PER_PROSPECT, "runs double double double"),
    ],
)
def test_doubles_are_marked_by_the_once_rule(often: Often, verdicts: str) -> None:
    tried = simulator(Automation(Trigger.EMAIL_OPENED, often=often, actions=(TASK,)))
    opened = [
        event(1, Trigger.EMAIL_OPENED),
        event(2, Trigger.EMAIL_OPENED),
        event(3, Trigger.EMAIL_OPENED, email_id="2"),
        event(4, Trigger.EMAIL_OPENED, email_id="3", campaign_id="2"),
    ]
    done = [tried.follow(each, INES) for each in opened]
    assert " ".join(item.verdict for item in done if item) == verdicts
    assert done[1] is not None
    assert done[1].reason == "It happened before with this e-mail."


def test_an_event_that_names_no_email_and_the_first_one_that_does_are_one() -> None:  # R4
    tried = simulator(Automation(Trigger.EMAIL_OPENED, often=Often.EVERY_EMAIL, actions=(TASK,)))
    opened = [
        event(1, Trigger.EMAIL_OPENED, email_id=None),
        event(2, Trigger.EMAIL_OPENED, email_id="2"),
        event(3, Trigger.EMAIL_OPENED, email_id="3"),
    ]
    done = [item for each in opened if (item := tried.follow(each, INES))]
    assert [item.verdict for item in done] == [Verdict.RUNS, Verdict.DOUBLE, Verdict.RUNS]
    assert "this may be a repetition" in done[1].reason


def test_what_ran_before_keeps_it_from_running_again() -> None:
    tried = simulator(Automation(Trigger.EMAIL_SENT, actions=(TASK,)))
    tried.know_runs("5", [Ran("email_sent", "77", "1", "9")])
    done = tried.follow(event(1), INES)
    assert done is not None
    assert (done.verdict, done.reason) == (Verdict.DOUBLE, "It has run for this prospect and campaign.")


def test_a_move_depends_where_nobody_asked_for_open_deals() -> None:
    done = simulator(Automation(Trigger.EMAIL_SENT, actions=(MOVE, NEXT, TASK))).follow(event(1), INES)
    assert [outcome for outcome, _text in would(done)] == [Would.DEPENDS, Would.DEPENDS, Would.PERFORMED]


def test_a_move_is_not_done_where_there_is_no_open_deal() -> None:
    tried = simulator(Automation(Trigger.EMAIL_SENT, actions=(MOVE, TASK)))
    tried.know_deals("5", [])
    assert would(tried.follow(event(1), INES)) == [
        (Would.NOT_PERFORMED, "There is no open deal of this person."),
        (Would.PERFORMED, "Call Inês"),
    ]


def test_a_known_open_deal_moves_and_stays_moved() -> None:
    tried = simulator(
        Automation(Trigger.EMAIL_SENT, actions=(NEXT,)), Automation(Trigger.EMAIL_OPENED, actions=(NEXT,))
    )
    tried.know_deals("5", [Deal("3", "Old deal", "9", "1", "11", added_at=T0)])
    assert would(tried.follow(event(1), INES)) == [(Would.PERFORMED, "“Old deal” to “Contacted”")]
    last = would(tried.follow(event(2, Trigger.EMAIL_OPENED), INES))
    assert last == [(Would.NOT_PERFORMED, "“Old deal” is in the last stage of its pipeline already.")]


def test_a_deal_that_would_have_been_created_is_moved_by_a_later_event() -> None:
    tried = simulator(
        Automation(Trigger.EMAIL_SENT, actions=(CREATE,)), Automation(Trigger.LINK_CLICKED, actions=(NEXT,))
    )
    tried.follow(event(1), INES)
    clicked = tried.follow(event(2, Trigger.LINK_CLICKED), INES)
    assert would(clicked) == [(Would.PERFORMED, "“Inês Carvalho deal” to “Contacted”")]


def test_whoever_the_settings_keep_out_is_left_out_once() -> None:
    tried = simulator(Automation(Trigger.EMAIL_SENT, actions=(CREATE,)))
    done = tried.follow(event(1), INES, "It is in none of the lists that are synced.")
    assert done is not None
    assert (done.verdict, done.actions) == (Verdict.LEFT_OUT, ())
    again = tried.follow(event(2), INES, "It is in none of the lists that are synced.")
    assert again is not None
    assert again.verdict is Verdict.DOUBLE


def test_everything_is_counted_by_trigger() -> None:
    tried = simulator(
        Automation(Trigger.EMAIL_OPENED, actions=(MOVE, TASK)),
        Automation(Trigger.EMAIL_SENT, actions=(CREATE,)),
    )
    events = [
        event(1, Trigger.EMAIL_OPENED),
        event(2),
        event(3, Trigger.EMAIL_OPENED),
        event(4, Trigger.EMAIL_OPENED, campaign_id="2", email_id="4"),
    ]
    done = [item for each in events if (item := tried.follow(each, INES))]
    counts = counted(done)
    assert list(counts) == [Trigger.EMAIL_SENT, Trigger.EMAIL_OPENED]
    opened = counts[Trigger.EMAIL_OPENED]
    assert (opened.events, opened.runs, opened.doubles, opened.left_out) == (3, 2, 1, 0)
    assert opened.actions[ActionKind.MOVE_DEAL_TO_STAGE] == {
        Would.PERFORMED: 1,
        Would.NOT_PERFORMED: 0,
        Would.DEPENDS: 1,
    }
    assert opened.actions[ActionKind.ADD_ACTIVITY][Would.PERFORMED] == 2
