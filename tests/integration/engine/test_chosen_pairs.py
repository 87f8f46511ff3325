"""A pair that a member chose, and whose records have yet to meet: what campaigns tell of it meanwhile is not used up."""

from dataclasses import replace

import pytest

from tests.integration.engine.campaign_world import CREATE, CampaignWorld, automation
from tests.integration.engine.world import prospect
from tidegate.core.records import EMAIL, FIRST_NAME, LAST_NAME
from tidegate.core.settings import Direction
from tidegate.errors import RemoteUnavailable
from tidegate.wiring.actions import settle_attention

pytestmark = pytest.mark.django_db


def chosen(world: CampaignWorld, **how: bool) -> tuple[str, str]:
    """Two persons fit a prospect, and a member chooses one."""
    world.automate(automation(CREATE), **how)
    mine = world.settings
    world.use(replace(mine, direction=Direction.TO_PIPEDRIVE))
    person_ids = [
        world.crm.add_person({FIRST_NAME: name, LAST_NAME: "Aaltonen", EMAIL: ("signe@north.example",)})
        for name in ("S.", "Sig")
    ]
    prospect_id = world.outreach.add(prospect())
    world.drain()
    world.use(mine)
    settle_attention(world.questions()[0], actor="Alice", person_id=person_ids[1])
    return prospect_id, person_ids[1]


def test_an_event_that_comes_before_the_pair_is_in_step_runs_afterwards() -> None:
    world = CampaignWorld()
    prospect_id, person_id = chosen(world)
    world.crm.faults.fail("update_person", RemoteUnavailable(sent=False))
    world.outreach.happen("email_sent", email_id=world.email_to(prospect_id))

    world.drain()

    assert world.links() == {prospect_id: person_id}
    assert world.outcomes() == [("create_deal", "performed")]
    assert [deal.title for deal in world.deals(prospect_id)] == ["Sig Aaltonen deal"]


def test_who_was_closed_before_the_pair_was_chosen_is_unsubscribed_in_pipedrive() -> None:
    """Although the link was there before the two met."""
    world = CampaignWorld()
    world.crm.marketing = {}
    prospect_id, person_id = chosen(world, unsubscribes=True)
    world.close(prospect_id, told=False)

    world.drain()

    assert world.crm.marketing[person_id] == "unsubscribed"


def test_who_is_closed_while_the_person_is_deleted_is_unsubscribed_once_it_is_back() -> None:
    world = CampaignWorld()
    world.crm.marketing = {}
    world.automate(unsubscribes=True)
    prospect_id = world.synced()
    person_id = world.person_of(prospect_id)
    world.crm.delete_person(person_id)
    world.drain()
    world.close(prospect_id)
    world.drain()
    assert person_id not in world.crm.marketing

    world.crm.restore_person(person_id)
    world.drain()

    assert world.crm.marketing[person_id] == "unsubscribed"
