"""Things by their id, within the workspace of the key; anybody else's are not found."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from tidegate.api.auth import ApiRequest
from tidegate.errors import NotFound
from tidegate.store.models import Attention, Connection, Halt, Transfer

M = TypeVar("M", bound=Model)


def find_connection(request: ApiRequest, connection_id: UUID) -> Connection:
    """Without those that were disconnected."""
    rows = Connection.objects.select_related("lane", "workspace").filter(disconnected_at=None)
    found = rows.filter(pk=connection_id, workspace=request.auth.workspace)
    return _the_one(found, "There is no such connection in this workspace.")


def find_transfer(request: ApiRequest, transfer_id: UUID) -> Transfer:
    found = Transfer.objects.filter(pk=transfer_id, connection__workspace=request.auth.workspace)
    return _the_one(found.select_related("connection"), "There is no such transfer in this workspace.")


def find_attention(request: ApiRequest, attention_id: int) -> Attention:
    found = Attention.objects.filter(pk=attention_id, connection__workspace=request.auth.workspace)
    return _the_one(found.select_related("connection"), "There is no such case in this workspace.")


def find_halt(request: ApiRequest, halt_id: int) -> Halt:
    found = Halt.objects.filter(pk=halt_id, connection__workspace=request.auth.workspace)
    text = "The brakes stopped no such thing in this workspace."
    return _the_one(found.select_related("connection"), text)


def _the_one(found: QuerySet[M], none: str) -> M:
    """Raises NotFound with `none` where there is none."""
    row = found.first()
    if row is None:
        raise NotFound(none)
    return row
