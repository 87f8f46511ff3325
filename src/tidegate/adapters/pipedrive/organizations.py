"""Organizations: the calls, and the question what hangs on a record before it is removed."""

from collections.abc import Collection, Mapping
from datetime import datetime

from tidegate.adapters.pipedrive import abouts, prices
from tidegate.adapters.pipedrive.calls import Calls, Params, selection, together
from tidegate.adapters.pipedrive.prices import Endpoint
from tidegate.adapters.pipedrive.translate import organization_from
from tidegate.ports import Organization, OrganizationPage
from tidegate.words import say

_HUNG_ON = (
    "open_deals_count",
    "closed_deals_count",
    "undone_activities_count",
    "notes_count",
    "files_count",
    "email_messages_count",
)
ATTACHED: Mapping[str, tuple[Endpoint, tuple[str, ...]]] = {
    "person": (prices.PERSONS, _HUNG_ON),
    "organization": (prices.ORGANIZATIONS, (*_HUNG_ON, "people_count")),
}
"""What is asked for to learn whether people use a record. All are in the `include_fields` of both list calls."""


class OrganizationCalls(Calls):
    """The part of `Pipedrive` that is about organizations."""

    async def get_organizations(self, ids: Collection[str]) -> dict[str, Organization]:
        """Those that are there, by id."""
        found = await self._by_ids(
            list(dict.fromkeys(ids)), one=prices.ORGANIZATION, many=prices.ORGANIZATIONS, word="organization"
        )
        return {str(raw["id"]): organization_from(raw) for raw in found if not raw.get("is_deleted")}

    async def walk_organizations(
        self, *, cursor: str | None = None, updated_since: datetime | None = None
    ) -> OrganizationPage:
        raws, following = await self._walk(
            prices.ORGANIZATIONS, "organizations", cursor, selection(updated_since, None)
        )
        return OrganizationPage(tuple(organization_from(raw) for raw in raws), following)

    async def create_organization(self, name: str, *, owner_id: str | None) -> Organization:
        owner = {} if owner_id is None else {"owner_id": int(owner_id)}
        body = {"name": name, **owner}
        return organization_from(
            await self._object(
                prices.CREATE_ORGANIZATION, say("the new organization “{name}”", name=name), json=body
            )
        )

    async def remove_organization(self, organization_id: str) -> None:
        await self._remove(
            prices.DELETE_ORGANIZATION, abouts.one("organization", organization_id), organization_id
        )

    async def attachments(self, entity: str, ids: Collection[str]) -> dict[str, int]:
        many, counts = ATTACHED[entity]
        wanted = list(dict.fromkeys(ids))
        chunks = [wanted[n : n + prices.IDS_A_CALL] for n in range(0, len(wanted), prices.IDS_A_CALL)]
        about = abouts.HANGING_ON[entity](len(wanted))
        asked: Params = {"limit": prices.IDS_A_CALL, "include_fields": ",".join(counts)}
        lists = await together([self._list(many, about, {**asked, "ids": ",".join(c)}) for c in chunks])
        found = (raw for raws in lists for raw in raws if not raw.get("is_deleted"))
        return {str(raw["id"]): sum(_count(raw.get(name)) for name in counts) for raw in found}


def _count(raw: object) -> int:
    return raw if isinstance(raw, int) else 0
