"""Lists of the prospect store, and who is in them."""

from typing import Self
from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import BaseModel, Field

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.routes.prospects import ProspectAnswer, author_of, shown_prospects
from tidegate.api.schemas import UNSET, Answer, Body, GivenId, Id, Moment
from tidegate.prospects import queries, services
from tidegate.prospects.models import ProspectEmail, ProspectList
from tidegate.prospects.services import MAX_ITEMS
from tidegate.prospects.values import normal_email

router = Router(tags=["Lists"])


class ListAnswer(Answer):
    id: Id
    name: str
    size: int = Field(description="How many prospects are in it.")
    created_at: Moment

    @classmethod
    def of(cls, item: ProspectList, size: int) -> Self:
        return cls(id=str(item.pk), name=item.name, size=size, created_at=item.created_at)


class NewList(Body):
    name: str = Field(min_length=1, max_length=100)


class ListChanges(Body):
    name: str = Field(UNSET, min_length=1, max_length=100)


class Chosen(Body):
    """Prospects by id, by e-mail address, or both."""

    ids: list[GivenId] = Field(default_factory=list, max_length=MAX_ITEMS)
    emails: list[str] = Field(default_factory=list, max_length=MAX_ITEMS)


class Moved(BaseModel):
    changed: int = Field(
        description="How many really came or went; the others were there, or not there, already."
    )
    unknown: list[str] = Field(description="Ids and addresses that no prospect here has.")


@router.get("", auth=needs(Scope.READ), response=Page[ListAnswer], summary="List the lists")
def list_lists(request: ApiRequest, page: Query[PageQuery]) -> Page[ListAnswer]:
    workspace_id = request.auth.workspace_id
    sizes = queries.list_sizes(workspace_id)
    rows = ProspectList.objects.filter(workspace_id=workspace_id)
    return page_of(rows, page, lambda item: ListAnswer.of(item, sizes.get(item.pk, 0)))


@router.post("", auth=needs(Scope.WRITE_PROSPECTS), response={201: ListAnswer}, summary="Make a list")
def create_list(request: ApiRequest, new: NewList) -> Answered[ListAnswer]:
    return Answered(201, ListAnswer.of(services.create_list(author_of(request), new.name), 0))


@router.get("/{list_id}", auth=needs(Scope.READ), response=ListAnswer, summary="Read a list")
def read_list(request: ApiRequest, list_id: str) -> ListAnswer:
    return _answer(request.auth.workspace_id, _find(request, list_id))


@router.patch("/{list_id}", auth=needs(Scope.WRITE_PROSPECTS), response=ListAnswer, summary="Rename a list")
def update_list(request: ApiRequest, list_id: str, changes: ListChanges) -> ListAnswer:
    found = _find(request, list_id)
    if "name" in changes.given():
        found = services.rename_list(author_of(request), found.pk, changes.name)
    return _answer(request.auth.workspace_id, found)


@router.delete("/{list_id}", auth=needs(Scope.WRITE_PROSPECTS), response={204: None}, summary="Delete a list")
def delete_list(request: ApiRequest, list_id: str) -> Answered[None]:
    """The list alone; its prospects stay."""
    services.delete_list(author_of(request), _find(request, list_id).pk)
    return Answered(204, None)


@router.get(
    "/{list_id}/prospects",
    auth=needs(Scope.READ),
    response=Page[ProspectAnswer],
    summary="List who is in a list",
)
def list_prospects_of_list(request: ApiRequest, list_id: str, page: Query[PageQuery]) -> Page[ProspectAnswer]:
    rows = queries.select(queries.Filter(request.auth.workspace_id, list_id=_find(request, list_id).pk))
    return page_of(shown_prospects(rows), page, ProspectAnswer.of)


@router.post(
    "/{list_id}/prospects",
    auth=needs(Scope.WRITE_PROSPECTS),
    response=Moved,
    summary="Add prospects to a list",
)
def add_prospects_to_list(request: ApiRequest, list_id: str, chosen: Chosen) -> Moved:
    found = _find(request, list_id)
    ids, unknown = _choose(request.auth.workspace_id, chosen)
    return Moved(changed=len(services.add_to_list(author_of(request), found.pk, ids)), unknown=unknown)


@router.delete(
    "/{list_id}/prospects",
    auth=needs(Scope.WRITE_PROSPECTS),
    response=Moved,
    summary="Take prospects out of a list",
)
def remove_prospects_from_list(request: ApiRequest, list_id: str, chosen: Chosen) -> Moved:
    found = _find(request, list_id)
    ids, unknown = _choose(request.auth.workspace_id, chosen)
    return Moved(changed=len(services.remove_from_list(author_of(request), found.pk, ids)), unknown=unknown)


def _find(request: ApiRequest, list_id: str) -> ProspectList:
    return queries.get_list(request.auth.workspace_id, list_id)


def _answer(workspace_id: UUID, item: ProspectList) -> ListAnswer:
    return ListAnswer.of(item, queries.count(queries.Filter(workspace_id, list_id=item.pk)))


def _choose(workspace_id: UUID, chosen: Chosen) -> tuple[set[int], list[str]]:
    """The ids of the chosen prospects, and what names nobody. Every holder of an address is meant."""
    known = queries.known_ids(workspace_id, chosen.ids)
    by_address = {normal_email(address): address for address in chosen.emails}
    rows = ProspectEmail.objects.filter(workspace_id=workspace_id, address__in=by_address)
    holders = list(rows.values_list("address", "prospect_id"))
    met = {address for address, _ in holders}
    unknown = [item for item in chosen.ids if not item.isdecimal() or int(item) not in known]
    unknown += [written for address, written in by_address.items() if address not in met]
    return known | {prospect_id for _, prospect_id in holders}, unknown
