"""Connections: what they are and how they are set."""

from typing import Self
from uuid import UUID

from ninja import Query, Router

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import Answer, Id, Moment
from tidegate.core.connection import Status
from tidegate.errors import NotFound
from tidegate.store.models import Connection

router = Router(tags=["Connections"])


class ConnectionAnswer(Answer):
    id: Id
    outreach_app: str
    status: Status
    reason: str
    reason_text: str
    company_id: str
    company_name: str
    company_domain: str
    auth_method: str
    created_at: Moment
    launched_at: Moment | None

    @classmethod
    def of(cls, connection: Connection) -> Self:
        return cls.model_validate(connection)


def find_connection(request: ApiRequest, connection_id: UUID) -> Connection:
    """The connection with this id in the key's workspace; NotFound for anybody else's."""
    found = Connection.objects.filter(
        pk=connection_id, workspace=request.auth.workspace, disconnected_at__isnull=True
    ).first()
    if found is None:
        raise NotFound("There is no such connection in this workspace.")
    return found


@router.get("", auth=needs(Scope.READ), response=Page[ConnectionAnswer], summary="List connections")
def list_connections(request: ApiRequest, page: Query[PageQuery]) -> Page[ConnectionAnswer]:
    rows = Connection.objects.filter(workspace=request.auth.workspace, disconnected_at__isnull=True)
    return page_of(rows, page, ConnectionAnswer.of, order=("created_at", "pk"))


@router.get(
    "/{connection_id}", auth=needs(Scope.READ), response=ConnectionAnswer, summary="Read a connection"
)
def read_connection(request: ApiRequest, connection_id: UUID) -> ConnectionAnswer:
    return ConnectionAnswer.of(find_connection(request, connection_id))
