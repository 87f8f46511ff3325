"""How every implementation of the `Crm` port treats deals and activities; mixed into `CrmContract`."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tidegate.core.deals import Deal, NewActivity, next_stage
from tidegate.core.history import NOTE_BYTES
from tidegate.core.records import EMAIL, FIRST_NAME
from tidegate.core.values import Value
from tidegate.errors import InvalidForRemote, RecordGone


async def a_person(under_test: Any, **more: Value) -> str:
    values = {FIRST_NAME: "Ada"} | more
    person = await under_test.crm.create_person(values, owner_id=None, organization_id=None)
    return str(person.id)


async def a_deal(under_test, person_id: str, *, title: str = "Ada deal", place: int = 0) -> Deal:
    pipeline = (await under_test.crm.read_catalogue()).pipelines[0]
    deal: Deal = await under_test.crm.create_deal(
        title,
        person_id=person_id,
        pipeline_id=pipeline.id,
        stage_id=pipeline.stages[place].id,
        owner_id=None,
    )
    return deal


async def open_ids(under_test, person_id: str, **known) -> list[str]:
    deals = (await under_test.crm.open_deals([person_id], **known))[person_id]
    return sorted((deal.id for deal in deals), key=int)


def an_activity(person_id: str, **facts: Any) -> NewActivity:
    return replace(NewActivity("Call Ada", person_id, done=False, due_date=date(2026, 3, 2)), **facts)


class SalesContract:
    async def test_the_catalogue_names_the_activity_types_and_the_zone_of_the_user(self, under_test):
        catalogue = await under_test.crm.read_catalogue()

        assert {"email", "task"} <= set(catalogue.activity_types)
        assert all(user.time_zone for user in catalogue.users if user.is_me)

    async def test_a_new_deal_is_open_and_in_its_stage(self, under_test):
        person_id = await a_person(under_test)

        deal = await a_deal(under_test, person_id, place=1)

        assert (deal.title, deal.person_id, deal.active) == ("Ada deal", person_id, True)
        pipeline = (await under_test.crm.read_catalogue()).pipelines[0]
        assert (deal.pipeline_id, deal.stage_id) == (pipeline.id, pipeline.stages[1].id)
        assert (await under_test.crm.get_deals([deal.id]))[deal.id] == deal

    async def test_who_has_no_open_deal_is_told_so(self, under_test):
        one, other = await a_person(under_test), await a_person(under_test)
        deal = await a_deal(under_test, other)

        found = await under_test.crm.open_deals([one, other, "987654"])

        assert found == {one: (), other: (deal,), "987654": ()}

    async def test_won_archived_and_deleted_deals_are_not_open(self, under_test):
        person_id = await a_person(under_test)
        deals = [await a_deal(under_test, person_id, title=f"Deal {n}") for n in range(4)]
        under_test.win_deal(deals[0].id)
        under_test.archive_deal(deals[1].id)
        under_test.delete_deal(deals[2].id)

        assert await open_ids(under_test, person_id) == [deals[3].id]
        there = await under_test.crm.get_deals([deal.id for deal in deals])
        assert {i: deal.active for i, deal in there.items()} == {deals[0].id: False, deals[3].id: True}

    async def test_a_deal_we_know_answers_for_its_person_only_where_it_is_the_only_one(self, under_test):
        person_id = await a_person(under_test)
        ours = await a_deal(under_test, person_id)
        assert await open_ids(under_test, person_id, known={person_id: ours.id}) == [ours.id]

        another = await a_deal(under_test, person_id, title="By hand")
        assert await open_ids(under_test, person_id, known={person_id: ours.id}) == [ours.id, another.id]

        under_test.win_deal(ours.id)
        assert await open_ids(under_test, person_id, known={person_id: ours.id}) == [another.id]

    async def test_a_deal_moves_from_stage_to_stage(self, under_test):
        person_id = await a_person(under_test)
        deal = await a_deal(under_test, person_id)
        pipelines = (await under_test.crm.read_catalogue()).pipelines
        following = next_stage(pipelines, deal)
        assert following is not None

        moved = await under_test.crm.move_deal(deal.id, following.id)

        assert (moved.id, moved.stage_id) == (deal.id, following.id)
        assert (await under_test.crm.open_deals([person_id]))[person_id] == (moved,)

    async def test_an_archived_deal_can_not_be_moved_and_a_deleted_one_is_gone(self, under_test):
        person_id = await a_person(under_test)
        archived, deleted = await a_deal(under_test, person_id), await a_deal(under_test, person_id)
        under_test.archive_deal(archived.id)
        under_test.delete_deal(deleted.id)

        with pytest.raises(InvalidForRemote, match="archived"):
            await under_test.crm.move_deal(archived.id, archived.stage_id)
        with pytest.raises(RecordGone):
            await under_test.crm.move_deal(deleted.id, deleted.stage_id)

    @pytest.mark.parametrize("wrong", ["person", "owner", "stage", "title"])
    async def test_a_deal_for_what_is_not_there_is_refused(self, under_test, wrong):
        person_id = await a_person(under_test)
        pipeline = (await under_test.crm.read_catalogue()).pipelines[0]

        with pytest.raises(InvalidForRemote):
            await under_test.crm.create_deal(
                "" if wrong == "title" else "Ada deal",
                person_id="987654" if wrong == "person" else person_id,
                pipeline_id=pipeline.id,
                stage_id="987654" if wrong == "stage" else pipeline.stages[0].id,
                owner_id="987654" if wrong == "owner" else None,
            )

    async def test_the_plans_limit_refuses_one_deal_and_says_so(self, under_test):
        person_id = await a_person(under_test)
        await a_deal(under_test, person_id)
        under_test.limit_deals()

        with pytest.raises(InvalidForRemote, match="limit"):
            await a_deal(under_test, person_id)

    async def test_what_changed_since_is_found_whatever_became_of_it(self, under_test):
        before = under_test.clock.now() - timedelta(minutes=1)
        person_id = await a_person(under_test)
        kept, lost = await a_deal(under_test, person_id), await a_deal(under_test, person_id)
        under_test.delete_deal(lost.id)
        activity = await under_test.crm.create_activity(an_activity(person_id))

        assert {deal.id for deal in await under_test.crm.deals_since(before)} >= {kept.id, lost.id}
        assert activity.id in {found.id for found in await under_test.crm.activities_since(before)}
        later = under_test.clock.now() + timedelta(days=1)
        assert await under_test.crm.deals_since(later) == ()
        assert await under_test.crm.activities_since(later) == ()

    @pytest.mark.parametrize("email", [True, False])
    async def test_an_activity_is_the_persons_and_comes_back(self, under_test, email):
        person_id = await a_person(under_test)
        deal = await a_deal(under_test, person_id)

        made = await under_test.crm.create_activity(
            an_activity(
                person_id, email=email, done=email, due_time="09:30", deal_id=deal.id, note="<p>Hello</p>"
            )
        )

        assert (made.subject, made.done, made.person_id) == ("Call Ada", email, person_id)

    async def test_a_changed_activity_keeps_its_id(self, under_test):
        person_id = await a_person(under_test)
        made = await under_test.crm.create_activity(an_activity(person_id, done=True, email=True))
        deal = await a_deal(under_test, person_id)

        changed = await under_test.crm.update_activity(
            made.id, subject="Hello (opened)", note="<p>Opened</p>", deal_id=deal.id
        )

        assert (changed.id, changed.subject, changed.done) == (made.id, "Hello (opened)", True)

    async def test_a_note_may_be_as_long_as_pipedrive_takes_it(self, under_test):
        person_id = await a_person(under_test)

        await under_test.crm.create_activity(an_activity(person_id, note="x" * NOTE_BYTES))

        with pytest.raises(InvalidForRemote):
            await under_test.crm.create_activity(an_activity(person_id, note="x" * (NOTE_BYTES + 10_000)))

    async def test_an_activity_for_what_is_not_there_is_refused_and_one_that_is_gone_is_gone(
        self, under_test
    ):
        person_id = await a_person(under_test)

        for key in ("person_id", "deal_id", "owner_id"):
            wrong: dict[str, Any] = {key: "987654"}
            with pytest.raises(InvalidForRemote):
                await under_test.crm.create_activity(replace(an_activity(person_id), **wrong))
        with pytest.raises(RecordGone):
            await under_test.crm.update_activity("987654", subject="x", note="")

    async def test_a_person_is_unsubscribed_once_where_there_is_a_marketing_status(self, under_test):
        person_id = await a_person(under_test, **{EMAIL: ("ada@engine.example",)})
        assert await under_test.crm.marketing_status(person_id) is None

        under_test.turn_campaigns_on()
        assert await under_test.crm.marketing_status(person_id) == "no_consent"
        assert await under_test.crm.unsubscribe(person_id) == "unsubscribed"
        assert await under_test.crm.marketing_status(person_id) == "unsubscribed"
        assert await under_test.crm.unsubscribe(person_id) == "unsubscribed"
        assert await under_test.crm.marketing_status("987654") is None
