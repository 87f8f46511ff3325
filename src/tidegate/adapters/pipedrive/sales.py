"""Deals and activities: the calls, and the way from JSON to our shapes and back.

A person's open deals are found by the count that comes with the person (100 persons for 10 tokens), so that nothing is
asked about those who have none. An activity's person is its primary participant: API v2 refuses `person_id`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from tidegate.adapters.pipedrive import prices
from tidegate.adapters.pipedrive.abouts import one
from tidegate.adapters.pipedrive.calls import Calls, Params, Raw
from tidegate.adapters.pipedrive.field_values import moment_from, moment_to
from tidegate.core.deals import Activity, Deal, NewActivity
from tidegate.errors import InvalidForRemote, RecordGone
from tidegate.words import say

EMAIL_TYPE = "email"
TASK_TYPE = "task"
"""Keys of activity types in a fresh account; people may have put others in their place."""
ALL_STATUSES = "open,won,lost,deleted"


# --- From JSON and to it


def deal_from(raw: Raw) -> Deal:
    closed = raw.get("status") != "open" or raw.get("is_deleted") or raw.get("is_archived")
    return Deal(
        id=str(raw["id"]),
        title=str(raw.get("title") or ""),
        person_id=_id(raw.get("person_id")),
        pipeline_id=str(raw.get("pipeline_id")),
        stage_id=str(raw.get("stage_id")),
        active=not closed,
        added_at=moment_from(raw.get("add_time")),
    )


def activity_from(raw: Raw) -> Activity:
    return Activity(
        id=str(raw["id"]),
        subject=str(raw.get("subject") or ""),
        done=bool(raw.get("done")),
        person_id=_primary(raw) or _id(raw.get("person_id")),
        added_at=moment_from(raw.get("add_time")),
    )


def _primary(raw: Raw) -> str | None:
    listed = raw.get("participants")
    people = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    marked = [one for one in people if one.get("primary") or one.get("primary_flag")]
    return _id(next((one.get("person_id") for one in (*marked, *people)), None))


def _id(raw: object) -> str | None:
    return None if raw in (None, "", 0) else str(raw)


def new_activity_to(activity: NewActivity, types: Sequence[str]) -> dict[str, object]:
    body: dict[str, object] = {
        "subject": activity.subject,
        "done": activity.done,
        "due_date": activity.due_date.isoformat(),
        "participants": [{"person_id": int(activity.person_id), "primary": True}],
    }
    wanted = EMAIL_TYPE if activity.email else TASK_TYPE
    if not types or wanted in types:
        body["type"] = wanted
    else:
        body["type"] = TASK_TYPE if TASK_TYPE in types else types[0]
    if activity.due_time:
        body["due_time"] = activity.due_time
    if activity.owner_id is not None:
        body["owner_id"] = int(activity.owner_id)
    if activity.deal_id is not None:
        body["deal_id"] = int(activity.deal_id)
    if activity.note:
        body["note"] = activity.note
    return body


# --- The calls


class SalesCalls(Calls):
    """The part of `Pipedrive` that is about deals and activities."""

    async def open_deals(
        self, person_ids: Collection[str], *, known: Mapping[str, str] = {}
    ) -> dict[str, tuple[Deal, ...]]:
        wanted = list(dict.fromkeys(person_ids))
        found: dict[str, tuple[Deal, ...]] = dict.fromkeys(wanted, ())
        if not wanted:
            return found
        counts = await self._open_counts(wanted)
        alone = {i: known[i] for i in wanted if counts.get(i) == 1 and i in known}
        deals = await self.get_deals(list(alone.values()))
        for person_id in wanted:
            deal = deals.get(alone.get(person_id, ""))
            if deal is not None and deal.active and deal.person_id == person_id:
                found[person_id] = (deal,)
            elif counts.get(person_id):
                found[person_id] = await self._open_deals_of(person_id)
        return found

    async def _open_counts(self, person_ids: Sequence[str]) -> dict[str, int]:
        raws = await self._by_ids(
            person_ids,
            one=prices.PERSON,
            many=prices.PERSONS,
            word="person",
            params={"include_fields": "open_deals_count"},
        )
        # Whoever comes without a count is looked at: the field is documented, but answers have been seen without others.
        counts = ((str(raw["id"]), raw.get("open_deals_count")) for raw in raws)
        return {i: count if isinstance(count, int) else 2 for i, count in counts}

    async def _open_deals_of(self, person_id: str) -> tuple[Deal, ...]:
        selection: Params = {"person_id": int(person_id), "status": "open"}
        raws = await self._all_pages(prices.DEALS, say("the deals of person {id}", id=person_id), selection)
        return tuple(deal for deal in map(deal_from, raws) if deal.active)

    async def get_deals(self, ids: Collection[str]) -> dict[str, Deal]:
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        raws = await self._by_ids(wanted, one=prices.DEAL, many=prices.DEALS, word="deal")
        return {
            str(raw["id"]): deal_from(raw)
            for raw in raws
            if not raw.get("is_deleted") and not raw.get("is_archived")
        }

    async def deals_since(self, moment: datetime) -> tuple[Deal, ...]:
        selection: Params = {**_since(moment), "status": ALL_STATUSES}
        return tuple(map(deal_from, await self._all_pages(prices.DEALS, say("the latest deals"), selection)))

    async def create_deal(
        self,
        title: str,
        *,
        person_id: str,
        pipeline_id: str,
        stage_id: str,
        owner_id: str | None,
        organization_id: str | None = None,
    ) -> Deal:
        body: dict[str, object] = {
            "title": title,
            "person_id": int(person_id),
            "pipeline_id": int(pipeline_id),
            "stage_id": int(stage_id),
        }
        if owner_id is not None:
            body["owner_id"] = int(owner_id)
        if organization_id is not None:
            body["org_id"] = int(organization_id)
        return deal_from(
            await self._object(prices.CREATE_DEAL, say("the new deal “{title}”", title=title), json=body)
        )

    async def move_deal(self, deal_id: str, stage_id: str) -> Deal:
        body = {"stage_id": int(stage_id)}
        raw = await self._object(prices.UPDATE_DEAL, one("deal", deal_id), id_=deal_id, json=body)
        return deal_from(raw)

    async def create_activity(self, activity: NewActivity) -> Activity:
        types = self._catalogue.activity_types if self._catalogue else ()
        body = new_activity_to(activity, types)
        about = say("the new activity “{subject}”", subject=activity.subject)
        return activity_from(await self._object(prices.CREATE_ACTIVITY, about, json=body))

    async def update_activity(
        self, activity_id: str, *, subject: str, note: str, deal_id: str | None = None
    ) -> Activity:
        body: dict[str, object] = {"subject": subject, "note": note}
        if deal_id is not None:
            body["deal_id"] = int(deal_id)
        raw = await self._object(
            prices.UPDATE_ACTIVITY, one("activity", activity_id), id_=activity_id, json=body
        )
        return activity_from(raw)

    async def activities_since(self, moment: datetime) -> tuple[Activity, ...]:
        raws = await self._all_pages(prices.ACTIVITIES, say("the latest activities"), _since(moment))
        return tuple(activity_from(raw) for raw in raws if not raw.get("is_deleted"))

    async def marketing_status(self, person_id: str) -> str | None:
        try:
            raw = await self._object(
                prices.PERSON,
                one("person", person_id),
                id_=person_id,
                params={"include_fields": "marketing_status"},
            )
        except RecordGone:
            return None
        except InvalidForRemote:
            return None  # an account without Campaigns may refuse to show it
        return _marketing_status(raw)

    async def unsubscribe(self, person_id: str) -> str | None:
        raw = await self._object(
            prices.UPDATE_PERSON,
            say("the marketing status of person {id}", id=person_id),
            id_=person_id,
            json={"marketing_status": "unsubscribed"},
        )
        return _marketing_status(raw)


def _marketing_status(raw: Raw) -> str | None:
    status = raw.get("marketing_status")
    return str(status) if status else None


def _since(moment: datetime) -> Params:
    return {"updated_since": moment_to(moment), "sort_by": "update_time"}
