"""What was made of deals and activities by any connection of a company: a lost answer is never looked for among these."""

import pytest
from django.utils import timezone

from tests.builders import make_connection, make_workspace
from tidegate.core.automation import Action, ActionKind, action_to_json
from tidegate.store.models import AutomationRun, Connection, EmailActivity, RunAction
from tidegate.store.runs import known_sales

pytestmark = pytest.mark.django_db


def made(connection: Connection, *, deal: str = "", activity: str = "") -> None:
    kind = ActionKind.CREATE_DEAL if deal else ActionKind.ADD_ACTIVITY
    run = AutomationRun.objects.create(
        connection=connection,
        trigger="email_sent",
        once_key="1",
        event_id="1",
        event_at=timezone.now(),
        prospect_id="1",
    )
    RunAction.objects.create(
        run=run, position=0, action=action_to_json(Action(kind)), deal_id=deal, activity_id=activity
    )


def test_what_another_workspace_made_in_the_same_company_is_known() -> None:
    ours = make_connection(make_workspace())
    theirs = make_connection(make_workspace("Elsewhere"), lane=ours.lane)
    made(theirs, deal="41")
    EmailActivity.objects.create(
        connection=theirs, email_id="1", prospect_id="1", person_id="1", activity_id="82", digest="x"
    )

    assert known_sales(ours.lane_id, deal_ids=["41", "42"]) == {"41"}
    assert known_sales(ours.lane_id, activity_ids=["82", "83"]) == {"82"}


def test_a_number_of_another_company_says_nothing() -> None:
    ours = make_connection(make_workspace())
    made(make_connection(make_workspace("Elsewhere")), activity="82")

    assert known_sales(ours.lane_id, activity_ids=["82"]) == set()
