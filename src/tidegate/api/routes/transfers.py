"""Transfers: the manual sync of existing records, its progress, and what became of each record."""

from typing import Annotated, Any, Literal, Self
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
from tidegate.core.transfer import Include
from tidegate.store import queries
from tidegate.store.models import Transfer, TransferRecord
from tidegate.wiring import actions
from tidegate.wiring.transfers import MOST_CHOSEN, undo_possible_until

of_connection = Router(tags=["Transfers"])
router = Router(tags=["Transfers"])

MOST_REFUSED = 100
"""Fields with their reasons that are told of one transfer."""
OneWay = Literal["to_pipedrive", "from_pipedrive"]
Chosen = Annotated[list[str], Field(min_length=1, max_length=MOST_CHOSEN)]
Outcome = Literal[
    "created",
    "updated",
    "unchanged",
    "skipped",
    "failed",
    "attention",
    "restored",
    "deleted",
    "unlinked",
    "kept",
    "waiting",
]


class TransferAnswer(Answer):
    id: Id
    connection_id: Id
    direction: OneWay
    source_app: Side = Field(description="Whose values win where two matching records differ.")
    past_emails: bool = Field(
        description="Whether campaign e-mails of before the launch become activities, too."
    )
    constants: bool = Field(description="Whether constants are written.")
    state: str = Field(description="preview, ready, running, paused, done, cancelled, failed or undone.")
    state_text: str = Field(description="Why, in words, where there is more to say.")
    total: int | None = Field(description="How many records there are; null until they were counted.")
    done: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    restored: int = Field(description="Of an undo: records that got their earlier values back.")
    deleted: int = Field(description="Of an undo: records and organizations that the transfer had created.")
    unlinked: int = Field(description="Of an undo: pairs that the transfer had only linked.")
    kept: int = Field(description="Of an undo: left alone, because somebody changed them since.")
    undoes: Id | None = Field(description="Of an undo: the transfer it takes back.")
    undo_possible_until: Moment | None = Field(description="Null where there is nothing to undo.")
    tokens: int = Field(description="Pipedrive API tokens spent so far.")
    created_at: Moment
    created_by: str
    started_at: Moment | None
    finished_at: Moment | None

    @classmethod
    def of(cls, transfer: Transfer) -> Self:
        own = {"undoes": transfer.undoes_id, "undo_possible_until": undo_possible_until(transfer)}
        return cls.model_validate(
            own | {name: getattr(transfer, name) for name in cls.model_fields if name not in own}
        )


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
    ends_at: Moment | None = Field(description="About when it is done, if it starts now.")
    left_today: int = Field(description="Tokens that transfers may still spend today.")
    persons_created: int
    persons_updated: int
    prospects_created: int
    prospects_updated: int
    organizations_created: int
    emails_logged: int = Field(
        description="Earlier campaign e-mails to records that are linked for the first time: activities once the run has ended."
    )
    persons_deleted: int
    prospects_deleted: int
    organizations_deleted: int
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
            ends_at=found.ends_at,
            left_today=found.left_today,
            persons_created=work.persons_created,
            persons_updated=work.persons_updated,
            prospects_created=work.prospects_created,
            prospects_updated=work.prospects_updated,
            organizations_created=work.organizations_created,
            emails_logged=work.emails_logged,
            persons_deleted=work.persons_deleted,
            prospects_deleted=work.prospects_deleted,
            organizations_deleted=work.organizations_deleted,
            conflicts=work.conflicts,
        )


class RefusalAnswer(Answer):
    """A value that a field does not take."""

    side: Side
    field: str
    name: str = Field(description="What people call the field.")
    reason: str


class RefusedValueAnswer(RefusalAnswer):
    records: int = Field(description="How many records it is so with.")
    example: str = Field(description="The name of the first of them.")


class RefusalsAnswer(Answer):
    """What stays behind of the records of a transfer, or would by its preview."""

    records: int = Field(description="Records of which at least one value stays behind.")
    values: list[RefusedValueAnswer] = Field(
        description=f"By field and reason, the most frequent first, {MOST_REFUSED} at most."
    )

    @classmethod
    def of(cls, transfer: Transfer) -> Self:
        found = queries.refused_values(transfer, MOST_REFUSED)
        return cls(
            records=queries.with_refusals(transfer).count(),
            values=[RefusedValueAnswer.model_validate(each) for each in found],
        )


class TransferRecordAnswer(Answer):
    id: Id
    source_id: str
    target_id: str
    name: str
    outcome: Outcome
    reason: str
    changes: list[dict[str, Any]]
    refusals: list[RefusalAnswer] = Field(description="Values that stay behind while the others are written.")

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
    records: Chosen | None = Field(None, description="Only these records of the source, by id.")
    past_emails: bool = Field(
        False,
        description="Write the campaign e-mails of all pairs it covers as done activities, those of before the launch and "
        "imported ones among them. Otherwise only those since the launch to whom it links for the first time.",
    )
    constants: bool = Field(True, description="Write the constants of the receiving app.")


class StartTransfer(Body):
    records: Chosen | None = Field(
        default=None, description="Only these records of the preview, by `source_id`."
    )
    confirm: int | None = Field(
        default=None,
        description="Of an undo of more than 100 records: how many it touches, or it is refused.",
    )


class UndoTransfer(Body):
    delete_created: bool = Field(
        default=False, description="Delete what the transfer created, too, where nobody touched it since."
    )
    records: Chosen | None = Field(
        default=None, description="Only these records of the transfer, by `source_id`."
    )


class RetryTransfer(Body):
    records: Chosen | None = Field(default=None, description="Only these failed records, by `source_id`.")


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
    chosen = {"records": new.records} if new.records is not None else {}
    transfer = begin(
        find_connection(request, connection_id),
        direction=Direction(new.direction),
        source_app=new.source_app,
        actor=actor(request),
        include=Include(past_emails=new.past_emails, constants=new.constants),
        **chosen,
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
def start_previewed(
    request: ApiRequest, transfer_id: UUID, how: StartTransfer | None = None
) -> TransferAnswer:
    """Turns a ready preview into its run. 409 where the settings were changed since; every record is decided anew.

    The preview of an undo is started the same way.
    """
    transfer = find_transfer(request, transfer_id)
    how = how or StartTransfer()
    actions.start_previewed(transfer, actor=actor(request), records=how.records, confirm=how.confirm)
    return _as_it_is_now(transfer)


@router.post(
    "/{transfer_id}/undo",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response={201: TransferAnswer},
    summary="Preview taking a transfer back",
)
def undo_transfer(
    request: ApiRequest, transfer_id: UUID, how: UndoTransfer | None = None
) -> Answered[TransferAnswer]:
    """Begins the preview of an undo: a transfer of its own, with records, estimate and report. `/start` runs it.

    What somebody has changed since is left alone. 409 where it is too late, where the transfer has not ended, and for
    an undo itself.
    """
    how = how or UndoTransfer()
    undo = actions.undo_transfer(
        find_transfer(request, transfer_id),
        delete_created=how.delete_created,
        actor=actor(request),
        records=how.records,
    )
    return Answered(201, TransferAnswer.of(undo))


@router.post(
    "/{transfer_id}/retry",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=TransferAnswer,
    summary="Retry what failed",
)
def retry_failed(request: ApiRequest, transfer_id: UUID, how: RetryTransfer | None = None) -> TransferAnswer:
    """Runs the failed records of an ended transfer once more, by the settings as they are now, and no others."""
    transfer = find_transfer(request, transfer_id)
    actions.retry_failed(transfer, actor=actor(request), records=how.records if how else None)
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


@router.get(
    "/{transfer_id}/refusals",
    auth=needs(Scope.READ),
    response=RefusalsAnswer,
    summary="Count the values that stay behind",
)
def read_refusals(request: ApiRequest, transfer_id: UUID) -> RefusalsAnswer:
    """Of a preview: what its run would leave behind. The rest of each record is written."""
    return RefusalsAnswer.of(find_transfer(request, transfer_id))


def _as_it_is_now(transfer: Transfer) -> TransferAnswer:
    transfer.refresh_from_db()
    return TransferAnswer.of(transfer)
