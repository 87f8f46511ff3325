"""Transfers: the manual sync of existing records, its progress, and what became of each record."""

from typing import Any, Literal, Self
from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.find import find_connection, find_transfer
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import UNSET, Answer, Body, Id, Moment
from tidegate.core.records import Side
from tidegate.core.settings import Direction
from tidegate.store.models import Transfer, TransferRecord
from tidegate.wiring import actions

of_connection = Router(tags=["Transfers"])
router = Router(tags=["Transfers"])

OneWay = Literal["to_pipedrive", "from_pipedrive"]
Outcome = Literal["created", "updated", "unchanged", "skipped", "failed", "attention"]


class TransferAnswer(Answer):
    id: Id
    connection_id: Id
    direction: OneWay
    source_app: Side = Field(description="Whose values win where two matching records differ.")
    state: str = Field(description="preview, ready, running, paused, done, cancelled or failed.")
    state_text: str = Field(description="Why, in words, where there is more to say.")
    total: int | None = Field(description="How many records there are; null until they were counted.")
    done: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    tokens: int = Field(description="Pipedrive API tokens spent so far.")
    created_at: Moment
    created_by: str
    started_at: Moment | None
    finished_at: Moment | None

    @classmethod
    def of(cls, transfer: Transfer) -> Self:
        return cls.model_validate(transfer)


class EstimateAnswer(Answer):
    """What the run of a preview would cost, as far as the preview is."""

    tokens: int
    requests: int
    seconds: float = Field(
        description="Working time at the allowed request rate; waits for the budget not counted."
    )
    nights: int | None = Field(
        description="How often it waits for the next day's budget; null where the budget leaves nothing for it."
    )
    left_today: int = Field(description="Tokens that transfers may still spend today.")
    persons_created: int
    persons_updated: int
    prospects_created: int
    prospects_updated: int
    organizations_created: int
    conflicts: int = Field(description="Records where a value that differs would be overwritten.")

    @classmethod
    def of(cls, transfer: Transfer) -> Self:
        found = actions.estimate(transfer)
        work = found.work
        return cls(
            tokens=found.cost.tokens,
            requests=found.cost.calls,
            seconds=round(found.forecast.seconds, 1),
            nights=found.forecast.nights,
            left_today=found.left_today,
            persons_created=work.persons_created,
            persons_updated=work.persons_updated,
            prospects_created=work.prospects_created,
            prospects_updated=work.prospects_updated,
            organizations_created=work.organizations_created,
            conflicts=work.conflicts,
        )


class TransferRecordAnswer(Answer):
    id: Id
    source_id: str
    target_id: str
    name: str
    outcome: Outcome
    reason: str
    changes: list[dict[str, Any]]

    @classmethod
    def of(cls, record: TransferRecord) -> Self:
        return cls.model_validate(record)


class NewTransfer(Body):
    direction: OneWay
    source_app: Side = Field(
        UNSET, description="Whose values win where two matching records differ. Left out: the sending app's."
    )
    preview: bool = Field(
        False, description="Only plan it: nothing is written, live sync goes on, and it ends as ready."
    )


class RecordQuery(PageQuery):
    outcome: Outcome | None = Field(None, description="Only records that ended so.")


@of_connection.get(
    "/{connection_id}/transfers",
    auth=needs(Scope.READ),
    response=Page[TransferAnswer],
    summary="List transfers",
)
def list_transfers(request: ApiRequest, connection_id: UUID, page: Query[PageQuery]) -> Page[TransferAnswer]:
    """The newest first."""
    rows = find_connection(request, connection_id).transfers.all()
    return page_of(rows, page, TransferAnswer.of, order=("-created_at", "-pk"))


@of_connection.post(
    "/{connection_id}/transfers",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response={201: TransferAnswer},
    summary="Start a transfer",
)
def start_transfer(request: ApiRequest, connection_id: UUID, new: NewTransfer) -> Answered[TransferAnswer]:
    """Transfers all existing records in one direction; real-time changes wait until it ends. One runs at a time.

    With `preview` it is only planned: the records then tell what would become of them.
    """
    begin = actions.preview_transfer if new.preview else actions.start_transfer
    transfer = begin(
        find_connection(request, connection_id),
        direction=Direction(new.direction),
        source_app=new.source_app,
        actor=actor(request),
    )
    return Answered(201, TransferAnswer.of(transfer))


@router.get("/{transfer_id}", auth=needs(Scope.READ), response=TransferAnswer, summary="Read a transfer")
def read_transfer(request: ApiRequest, transfer_id: UUID) -> TransferAnswer:
    return TransferAnswer.of(find_transfer(request, transfer_id))


@router.get(
    "/{transfer_id}/estimate",
    auth=needs(Scope.READ),
    response=EstimateAnswer,
    summary="Read what a preview's run would cost",
)
def read_estimate(request: ApiRequest, transfer_id: UUID) -> EstimateAnswer:
    return EstimateAnswer.of(find_transfer(request, transfer_id))


@router.post(
    "/{transfer_id}/start",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=TransferAnswer,
    summary="Start what was previewed",
)
def start_previewed(request: ApiRequest, transfer_id: UUID) -> TransferAnswer:
    """Turns a ready preview into its run. 409 where the settings were changed since; every record is decided anew."""
    transfer = find_transfer(request, transfer_id)
    actions.start_previewed(transfer, actor=actor(request))
    return _as_it_is_now(transfer)


@router.post(
    "/{transfer_id}/pause",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=TransferAnswer,
    summary="Pause a transfer",
)
def pause_transfer(request: ApiRequest, transfer_id: UUID) -> TransferAnswer:
    transfer = find_transfer(request, transfer_id)
    actions.pause_transfer(transfer, actor=actor(request))
    return _as_it_is_now(transfer)


@router.post(
    "/{transfer_id}/continue",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=TransferAnswer,
    summary="Continue a paused transfer",
)
def continue_transfer(request: ApiRequest, transfer_id: UUID) -> TransferAnswer:
    transfer = find_transfer(request, transfer_id)
    actions.continue_transfer(transfer, actor=actor(request))
    return _as_it_is_now(transfer)


@router.post(
    "/{transfer_id}/cancel",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=TransferAnswer,
    summary="Cancel a transfer",
)
def cancel_transfer(request: ApiRequest, transfer_id: UUID) -> TransferAnswer:
    """What was transferred stays."""
    transfer = find_transfer(request, transfer_id)
    actions.cancel_transfer(transfer, actor=actor(request))
    return _as_it_is_now(transfer)


@router.get(
    "/{transfer_id}/records",
    auth=needs(Scope.READ),
    response=Page[TransferRecordAnswer],
    summary="List what became of each record",
)
def list_transfer_records(
    request: ApiRequest, transfer_id: UUID, query: Query[RecordQuery]
) -> Page[TransferRecordAnswer]:
    rows = find_transfer(request, transfer_id).records.all()
    if query.outcome is not None:
        rows = rows.filter(outcome=query.outcome)
    return page_of(rows, query, TransferRecordAnswer.of)


def _as_it_is_now(transfer: Transfer) -> TransferAnswer:
    transfer.refresh_from_db()
    return TransferAnswer.of(transfer)
