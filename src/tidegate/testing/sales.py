"""Deals and activities in memory, as strict as Pipedrive: the part of `MemoryCrm` that campaign events are about."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.core.automation import MAX_TEXT
from tidegate.core.catalogue import Pipeline, Stage, User
from tidegate.core.deals import Activity, Deal, NewActivity
from tidegate.core.history import NOTE_BYTES
from tidegate.errors import InvalidForRemote, PermissionMissing, RecordGone


@dataclass(slots=True)
class KeptActivity:
    """An activity as it was written, and as it is now."""

    activity: NewActivity
    added_at: datetime
    updated_at: datetime
    gone: bool = False


@dataclass(slots=True)
class KeptDeal:
    deal: Deal
    owner_id: str | None
    updated_at: datetime
    status: str = "open"
    archived: bool = False
    gone: bool = False


class MemorySales(ABC):
    """What `MemoryCrm` does with deals and activities."""

    users: list[User]
    pipelines: list[Pipeline]

    def __init__(self) -> None:
        self.deals: dict[str, KeptDeal] = {}
        self.activities: dict[str, KeptActivity] = {}
        self.deal_limit: int | None = None
        self.may_not_own: set[str] = set()
        """Users for whom the connected one may not create deals."""
        self.marketing: dict[str, str] | None = None
        """Person id -> marketing status; None: the account has no Campaigns."""
        self.marketing_fixed: set[str] = set()
        """Whose marketing status was changed: it can't be changed again, and nobody says so."""

    @property
    @abstractmethod
    def person_ids(self) -> list[str]: ...
    @abstractmethod
    def _has_address(self, person_id: str) -> bool: ...
    @abstractmethod
    async def _charge(self, method: str, tokens: int) -> None: ...
    @abstractmethod
    def _answer(self, method: str) -> None: ...
    @abstractmethod
    def _stamp(self) -> datetime: ...
    @abstractmethod
    def _new_id(self) -> str: ...
    @abstractmethod
    def _me(self) -> User: ...

    # --- What people do ---

    def add_deal(self, person_id: str, stage_id: str, *, title: str = "A deal of ours") -> str:
        deal_id, now = self._new_id(), self._stamp()
        pipeline_id = self._stage(stage_id).pipeline_id
        deal = Deal(deal_id, title, person_id, pipeline_id, stage_id, added_at=now)
        self.deals[deal_id] = KeptDeal(deal, self._me().id, now)
        return deal_id

    def end_deal(self, deal_id: str, status: str) -> None:
        """Win or lose it."""
        self.deals[deal_id].status = status

    def archive_deal(self, deal_id: str) -> None:
        self.deals[deal_id].archived = True

    def delete_deal(self, deal_id: str) -> None:
        self.deals[deal_id].gone = True

    def drag_deal(self, deal_id: str, stage_id: str) -> None:
        """A person moves it on the board."""
        stage = self._stage(stage_id)
        kept = self.deals[deal_id]
        kept.deal = replace(kept.deal, stage_id=stage.id, pipeline_id=stage.pipeline_id)
        kept.updated_at = self._stamp()

    def delete_activity(self, activity_id: str) -> None:
        self.activities[activity_id].gone = True

    def deals_of(self, person_id: str) -> list[Deal]:
        """Every deal of a person that is not deleted."""
        return [
            self._shown(kept)
            for kept in self.deals.values()
            if kept.deal.person_id == person_id and not kept.gone
        ]

    def activities_of(self, person_id: str) -> list[NewActivity]:
        return [
            kept.activity
            for kept in self.activities.values()
            if kept.activity.person_id == person_id and not kept.gone
        ]

    # --- The port ---

    async def open_deals(
        self, person_ids: Collection[str], *, known: Mapping[str, str] = {}
    ) -> dict[str, tuple[Deal, ...]]:
        wanted = set(person_ids)
        found = {i: tuple(d for d in self.deals_of(i) if d.active) for i in wanted}
        lists = sum(
            1 for i in wanted if found[i] and not (len(found[i]) == 1 and known.get(i) == found[i][0].id)
        )
        singles = sum(1 for deals in found.values() if deals) - lists
        await self._charge("open_deals", _by_ids(len(wanted)) + 10 * lists + _by_ids(singles))
        return found

    async def get_deals(self, ids: Collection[str]) -> dict[str, Deal]:
        await self._charge("get_deals", _by_ids(len(set(ids))))
        there = {i: kept for i, kept in self.deals.items() if not kept.gone and not kept.archived}
        return {i: self._shown(there[i]) for i in ids if i in there}

    async def deals_since(self, moment: datetime) -> tuple[Deal, ...]:
        await self._charge("deals_since", 10)
        kept = [k for k in self.deals.values() if k.updated_at >= moment and not k.archived]
        return tuple(self._shown(k) for k in kept)

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
        await self._charge("create_deal", 5)
        there = sum(1 for kept in self.deals.values() if not kept.gone)
        if self.deal_limit is not None and there >= self.deal_limit:
            raise InvalidForRemote(
                "The Pipedrive plan's limit is reached: the deal was not written.",
                code="feature_capping_deals_limit",
            )
        if owner_id in self.may_not_own:
            raise PermissionMissing("The connected Pipedrive user may not create deals for this owner.")
        self._check(title, person_id, owner_id)
        if self._stage(stage_id).pipeline_id != pipeline_id:
            raise InvalidForRemote("The stage does not belong to the given pipeline.")
        deal_id = self.add_deal(person_id, stage_id, title=title)
        self.deals[deal_id].owner_id = owner_id or self._me().id
        self._answer("create_deal")
        return self._shown(self.deals[deal_id])

    async def move_deal(self, deal_id: str, stage_id: str) -> Deal:
        await self._charge("move_deal", 5)
        kept = self.deals.get(deal_id)
        if kept is None or kept.gone:
            raise RecordGone(f"Pipedrive does not show deal {deal_id}.")
        if kept.archived:
            raise InvalidForRemote(f"Pipedrive does not let deal {deal_id} be changed: it is archived.")
        self.drag_deal(deal_id, self._stage(stage_id).id)
        self._answer("move_deal")
        return self._shown(kept)

    async def create_activity(self, activity: NewActivity) -> Activity:
        await self._charge("create_activity", 5)
        self._check(activity.subject, activity.person_id, activity.owner_id)
        self._check_note(activity.note)
        self._check_deal(activity.deal_id)
        activity_id, now = self._new_id(), self._stamp()
        self.activities[activity_id] = KeptActivity(activity, now, now)
        self._answer("create_activity")
        return self._told(activity_id)

    async def update_activity(
        self, activity_id: str, *, subject: str, note: str, deal_id: str | None = None
    ) -> Activity:
        await self._charge("update_activity", 5)
        kept = self.activities.get(activity_id)
        if kept is None or kept.gone:
            raise RecordGone(f"Pipedrive does not show activity {activity_id}.")
        self._check_note(note)
        self._check_deal(deal_id)
        changed = replace(kept.activity, subject=subject, note=note)
        kept.activity = changed if deal_id is None else replace(changed, deal_id=deal_id)
        kept.updated_at = self._stamp()
        self._answer("update_activity")
        return self._told(activity_id)

    async def activities_since(self, moment: datetime) -> tuple[Activity, ...]:
        await self._charge("activities_since", 10)
        return tuple(
            self._told(i) for i, k in self.activities.items() if k.updated_at >= moment and not k.gone
        )

    async def marketing_status(self, person_id: str) -> str | None:
        await self._charge("marketing_status", 1)
        if self.marketing is None or person_id not in self.person_ids:
            return None
        return self.marketing.get(person_id, "no_consent")

    async def unsubscribe(self, person_id: str) -> str | None:
        await self._charge("unsubscribe", 5)
        if self.marketing is None:
            raise InvalidForRemote("Campaigns are not enabled for this company.")
        if person_id not in self.person_ids:
            raise RecordGone(f"Pipedrive does not show person {person_id}.")
        if person_id not in self.marketing_fixed and self._has_address(person_id):
            self.marketing[person_id] = "unsubscribed"
            self.marketing_fixed.add(person_id)
        self._answer("unsubscribe")
        return self.marketing.get(person_id, "no_consent")

    # --- Inside ---

    def _hand_over(self, loser: str, survivor: str) -> None:
        """Two persons are merged: what hung on the one hangs on the other."""
        now = self._stamp()
        for sale in self.deals.values():
            if sale.deal.person_id == loser:
                sale.deal, sale.updated_at = replace(sale.deal, person_id=survivor), now
        for kept in self.activities.values():
            if kept.activity.person_id == loser:
                kept.activity, kept.updated_at = replace(kept.activity, person_id=survivor), now

    def _shown(self, kept: KeptDeal) -> Deal:
        active = kept.status == "open" and not kept.archived and not kept.gone
        return replace(kept.deal, active=active)

    def _told(self, activity_id: str) -> Activity:
        kept = self.activities[activity_id]
        said = kept.activity
        return Activity(activity_id, said.subject, said.done, said.person_id, kept.added_at)

    def _stage(self, stage_id: str) -> Stage:
        stages = (stage for pipeline in self.pipelines for stage in pipeline.stages)
        found = next((stage for stage in stages if stage.id == stage_id), None)
        if found is None:
            raise InvalidForRemote(f"The stage '{stage_id}' does not exist.")
        return found

    def _check(self, text: str, person_id: str, owner_id: str | None) -> None:
        if not text.strip() or len(text) > MAX_TEXT:
            raise InvalidForRemote("Pipedrive refused the title.")
        if person_id not in self.person_ids:
            raise InvalidForRemote(f"The person '{person_id}' does not exist.")
        if owner_id is not None and owner_id not in {user.id for user in self.users}:
            raise InvalidForRemote("Pipedrive has no such user.", field="owner_id")

    @staticmethod
    def _check_note(note: str) -> None:
        if len(note.encode()) > NOTE_BYTES:
            raise InvalidForRemote("The note is too long.")

    def _check_deal(self, deal_id: str | None) -> None:
        kept = self.deals.get(deal_id or "")
        if deal_id is not None and (kept is None or kept.gone):
            raise InvalidForRemote(f"The deal '{deal_id}' does not exist.", field="deal_id")


def _by_ids(count: int) -> int:
    return min(count, -(-count // 100) * 10)
