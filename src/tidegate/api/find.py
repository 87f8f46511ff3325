"""Things by their id, within the workspace of the key; anybody else's are not found."""

from uuid import UUID

from tidegate.api.auth import ApiRequest
from tidegate.errors import NotFound
from tidegate.store.models import Attention, Connection, Halt, Transfer


def find_connection(request: ApiRequest, connection_id: UUID) -> Connection:
    """Without those that were disconnected."""
    found = (
        Connection.objects.select_related("lane", "workspace")
        .filter(pk=connection_id, workspace=request.auth.workspace, disconnected_at__isnull=True)
        .first()
    )
    if found is None:
        raise NotFound("There is no such connection in this workspace.")
    return found


def find_transfer(request: ApiRequest, transfer_id: UUID) -> Transfer:
    found = (
        Transfer.objects.select_related("connection")
        .filter(pk=transfer_id, connection__workspace=request.auth.workspace)
        .first()
    )
    if found is None:
        raise NotFound("There is no such transfer in this workspace.")
    return found


def find_attention(request: ApiRequest, attention_id: int) -> Attention:
    found = (
        Attention.objects.select_related("connection")
        .filter(pk=attention_id, connection__workspace=request.auth.workspace)
        .first()
    )
    if found is None:
        raise NotFound("There is no such case in this workspace.")
    return found


def find_halt(request: ApiRequest, halt_id: int) -> Halt:
    found = (
        Halt.objects.select_related("connection")
        .filter(pk=halt_id, connection__workspace=request.auth.workspace)
        .first()
    )
    if found is None:
        raise NotFound("The brakes stopped no such thing in this workspace.")
    return found
