"""Consents in Pipedrive of those who left before it was asked for."""

from uuid import UUID

from ninja import Router
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.find import find_connection
from tidegate.api.schemas import Answer
from tidegate.wiring.consents import count_closed, unsubscribe_closed

router = Router(tags=["Connections"])


class ClosedAnswer(Answer):
    count: int = Field(description="Linked prospects that are unsubscribed or bounced here.")


@router.get(
    "/{connection_id}/unsubscribe-closed",
    auth=needs(Scope.READ),
    response=ClosedAnswer,
    summary="Count who is closed",
)
def count(request: ApiRequest, connection_id: UUID) -> ClosedAnswer:
    """Whom an unsubscription of all would look at: those who are not unsubscribed in Pipedrive yet, and those who are."""
    return ClosedAnswer(count=count_closed(find_connection(request, connection_id)))


@router.post(
    "/{connection_id}/unsubscribe-closed",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ClosedAnswer,
    summary="Unsubscribe who is closed",
)
def unsubscribe(request: ApiRequest, connection_id: UUID) -> ClosedAnswer:
    """Each is looked at (1 token) and, where Pipedrive's Campaigns may still write there, unsubscribed (5); nobody can take it back."""
    connection = find_connection(request, connection_id)
    return ClosedAnswer(count=unsubscribe_closed(connection, actor=actor(request)))
