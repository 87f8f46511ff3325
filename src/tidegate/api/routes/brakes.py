"""What the brakes of a connection stopped, and what becomes of it."""

from typing import Any, Self
from uuid import UUID

from ninja import Query, Router
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.find import find_connection, find_halt
from tidegate.api.idempotency import outside_transaction
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.routes.connections import ConnectionAnswer, started
from tidegate.api.schemas import Answer, Id, Moment
from tidegate.store.models import Halt
from tidegate.wiring import actions
from tidegate.wiring.foresight import foresee_resume

of_connection = Router(tags=["Brakes"])
router = Router(tags=["Brakes"])


class HaltExample(Answer):
    """One record that would have been written."""

    name: str
    act: str = Field(description="create, update or unlink.")
    side: str = Field(
        description="The side that would have been written; of unlink, where the record is gone."
    )
    prospect_id: str
    person_id: str
    changes: list[dict[str, Any]] = Field(description="Field by field, as in the activity log.")
    reason: str


class HaltAnswer(Answer):
    """Changes that were stopped before they were written."""

    id: Id
    connection_id: Id
    brake: str = Field(description="share, emptied, created, vanished, catalogue or list.")
    message: str
    counts: dict[str, int] = Field(
        description="Records updated and created and values emptied, written lately and about to be, as far as was "
        "looked ahead; persons vanished; pairs linked; changes waiting."
    )
    examples: list[HaltExample]
    created_at: Moment
    decision: str = Field(description="confirmed, dropped, or empty while it waits for one.")
    decided_at: Moment | None
    decided_by: str

    @classmethod
    def of(cls, halt: Halt) -> Self:
        return cls.model_validate(halt)


@of_connection.get(
    "/{connection_id}/halts",
    auth=needs(Scope.READ),
    response=Page[HaltAnswer],
    summary="List what the brakes stopped",
)
def list_halts(request: ApiRequest, connection_id: UUID, page: Query[PageQuery]) -> Page[HaltAnswer]:
    """The newest first. One without a decision keeps the connection paused."""
    rows = Halt.objects.filter(connection=find_connection(request, connection_id))
    return page_of(rows, page, HaltAnswer.of, order=("-created_at", "-pk"))


@of_connection.get(
    "/{connection_id}/waiting/records",
    auth=needs(Scope.READ),
    response=Page[HaltExample],
    summary="Preview what waits, record by record",
)
def preview_waiting(request: ApiRequest, connection_id: UUID) -> Page[HaltExample]:
    """The first records that a resume with `apply_waiting` would write, field by field, as far as it is known without asking
    Pipedrive. Each is looked at again before it is written."""
    found = foresee_resume(find_connection(request, connection_id))
    return Page(data=[HaltExample.model_validate(example) for example in found])


@router.post(
    "/{halt_id}/confirm",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ConnectionAnswer,
    summary="Let through what was stopped",
)
@outside_transaction
def confirm_halt(request: ApiRequest, halt_id: int) -> ConnectionAnswer:
    """The stopped changes are written, and live sync goes on. What happened since is watched by the brakes again."""
    halt = find_halt(request, halt_id)
    return started(halt.connection, actions.decide_halt(halt, confirm=True, actor=actor(request)))


@router.post(
    "/{halt_id}/drop",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ConnectionAnswer,
    summary="Leave what was stopped",
)
@outside_transaction
def drop_halt(request: ApiRequest, halt_id: int) -> ConnectionAnswer:
    """The stopped changes stay where they were made, also later, and live sync goes on."""
    halt = find_halt(request, halt_id)
    return started(halt.connection, actions.decide_halt(halt, confirm=False, actor=actor(request)))
